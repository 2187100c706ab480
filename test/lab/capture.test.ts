/** The judge is judged: what tshark must find wrong is found wrong, and what is right is left in peace. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { deriveMessageDigestKey, sealMessageDigest } from '../../firmware/crypto/message-digest.js';
import { type AvpValues, type ControlMessage, emitControlMessage, MESSAGE_TYPE } from '../../firmware/wire/avp.js';
import { octets } from '../../firmware/wire/bytes.js';
import { emitControlPacket } from '../../firmware/wire/control-header.js';
import { emitDataHeader } from '../../firmware/wire/l2tp.js';
import { emitDataHeaderV3 } from '../../firmware/wire/l2tpv3.js';
import { controlPacket, rawAvp, sccrq } from '../interop/raw-peer.js';
import { fromHex, readVectors } from '../vectors/vectors.js';
import { type JudgeOptions, judge } from './capture.js';
import { labIsMissing } from './requirements.js';

const LINKTYPE_RAW = 101;

/** A control connection with every message of version 3 in it. */
interface VectorsV3 {
  secret: string;
  cases: readonly {
    from: 'initiator' | 'responder';
    /** Hexadecimal. */
    packet: string;
    message: { messageType: string };
    digest: 'md5' | 'sha1';
  }[];
}

/** A capture file of these packets, one each second. */
function captureOf(packets: readonly Uint8Array[]): Buffer {
  const fileHeader = Buffer.alloc(24);
  fileHeader.writeUInt32LE(0xa1b2c3d4, 0);
  fileHeader.writeUInt16LE(2, 4);
  fileHeader.writeUInt16LE(4, 6);
  fileHeader.writeUInt32LE(0xffff, 16);
  fileHeader.writeUInt32LE(LINKTYPE_RAW, 20);
  return Buffer.concat([fileHeader, ...packets.flatMap((packet, second) => [...record(packet, second)])]);
}

function* record(packet: Uint8Array, second: number): Iterable<Uint8Array> {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(second, 0);
  header.writeUInt32LE(packet.length, 8);
  header.writeUInt32LE(packet.length, 12);
  yield header;
  yield packet;
}

/** An IPv4 packet between 192.0.2.1 and 192.0.2.2, to the latter unless `back`. */
function packetOf(protocol: number, content: Uint8Array, back = false): Buffer {
  const packet = Buffer.alloc(20);
  packet.writeUInt16BE(0x4500, 0);
  packet.writeUInt16BE(20 + content.length, 2);
  packet.writeUInt16BE(0x4000 | protocol, 8);
  packet.set([192, 0, 2, back ? 2 : 1, 192, 0, 2, back ? 1 : 2], 12);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += packet.readUInt16BE(at);
  packet.writeUInt16BE(0xffff - ((sum & 0xffff) + (sum >> 16)), 10);
  return Buffer.concat([packet, content]);
}

/** From port 1701 to port 1701. UDP checksum 0 says that there is none (RFC 768). */
function datagram(payload: Uint8Array, back = false): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(1701, 0);
  header.writeUInt16BE(1701, 2);
  header.writeUInt16BE(8 + payload.length, 4);
  return packetOf(17, Buffer.concat([header, payload]), back);
}

describe('tshark as judge', { skip: labIsMissing() }, () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'capture-test-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const judgePackets = (packets: readonly Uint8Array[], options?: JudgeOptions) => {
    const path = join(folder, 'capture.pcap');
    writeFileSync(path, captureOf(packets));
    return judge(path, options);
  };
  const judgePayloads = (...payloads: readonly Uint8Array[]) =>
    judgePackets(payloads.map((payload) => datagram(payload)));

  it('names messages and codes, in their order, and has no complaint about good ones', async () => {
    const stop = { resultCode: { resultCode: 2, errorCode: 8 }, assignedTunnelId: 7 };
    const lcp = Buffer.concat([
      emitDataHeader({ tunnelId: 5, sessionId: 6 }),
      octets('\xff\x03\xc0\x21\x09\x01\x00\x08\0\0\0\0'),
    ]);
    const { packets, complaints } = await judgePayloads(
      controlPacket({}, sccrq(7)),
      lcp,
      controlPacket({ tunnelId: 5, ns: 1, nr: 1 }, { messageType: 'StopCCN', avps: stop }),
      controlPacket({ tunnelId: 5, ns: 2, nr: 1 }, new Uint8Array(0)),
    );
    assert.deepEqual(complaints, []);
    assert.deepEqual(
      packets.map(({ what, time_ms, tunnelId, sessionId, source, resultCode, errorCode }) => ({
        ...{ what, time_ms, tunnelId, sessionId, source, resultCode, errorCode },
      })),
      [
        { what: 'SCCRQ', time_ms: 0, tunnelId: 0, sessionId: 0 },
        { what: 'LCP Echo-Request', time_ms: 1000, tunnelId: 5, sessionId: 6 },
        { what: 'StopCCN', time_ms: 2000, tunnelId: 5, sessionId: 0, resultCode: 2, errorCode: 8 },
        { what: 'ZLB', time_ms: 3000, tunnelId: 5, sessionId: 0 },
      ].map((expected) => ({ source: '192.0.2.1', resultCode: undefined, errorCode: undefined, ...expected })),
    );
  });

  const body = emitControlMessage(sccrq(7), { dialect: 2 });
  const bad: readonly (readonly [string, Uint8Array])[] = [
    [
      'an AVP that reaches beyond the packet',
      Buffer.concat([body, rawAvp({ type: 8, length: 60, value: octets('x') })]),
    ],
    [
      'an AVP that is shorter than its header',
      Buffer.concat([body, rawAvp({ type: 8, length: 3, value: octets('x') })]),
    ],
    ['an AVP that nobody knows', Buffer.concat([body, rawAvp({ type: 999, value: octets('x') })])],
  ];
  for (const [what, content] of bad) {
    it(`complains of ${what}`, async () => {
      const { complaints } = await judgePayloads(controlPacket({}, sccrq(1)), controlPacket({}, content));
      assert.equal(complaints.length, 1, complaints.join('\n'));
      assert.match(complaints[0]!, /^2 192\.0\.2\.1 SCCRQ: /);
    });
  }

  it('complains of a PPP packet whose Length reaches beyond the frame', async () => {
    const lcp = Buffer.concat([
      emitDataHeader({ tunnelId: 5, sessionId: 6 }),
      octets('\xff\x03\xc0\x21\x01\x01\x00\x20\x05\x06\0\0'),
    ]);
    const { complaints } = await judgePayloads(lcp);
    assert.equal(complaints.length, 1, complaints.join('\n'));
  });

  describe('version 3 over IP', () => {
    const SECRET = 'digest secret';
    const COOKIE = octets('\x01\x02\x03\x04\x05\x06\x07\x08');
    /** Control messages stand behind the all-zero Session ID, RFC 3931 section 4.1.1.2. */
    const control = (packet: Uint8Array, back?: boolean) =>
      packetOf(115, Buffer.concat([Buffer.alloc(4), packet]), back);
    const data = (sessionId: number, payload: Uint8Array, sublayer?: { sequence: number }) =>
      packetOf(
        115,
        Buffer.concat([
          emitDataHeaderV3({ encapsulation: 'ip', sessionId, cookie: COOKIE, ...(sublayer && { sublayer }) }),
          payload,
        ]),
      );
    const nonce = { caller: octets('caller-nonce-16b'), called: octets('called-nonce-16b') };

    /** SCCRQ, SCCRP and SCCCN with Message Digests under the secret. */
    function tunnel(secret: string): Uint8Array[] {
      const key = deriveMessageDigestKey(octets(secret));
      const common: AvpValues = { hostName: 'box', routerId: 1, pseudowireCapabilitiesList: [5, 7] };
      const messages: readonly (readonly [ControlMessage, boolean, number, number])[] = [
        [
          {
            messageType: 'SCCRQ',
            avps: { ...common, assignedControlConnectionId: 7, controlMessageAuthenticationNonce: nonce.caller },
          },
          false,
          0,
          0,
        ],
        [
          {
            messageType: 'SCCRP',
            avps: { ...common, assignedControlConnectionId: 8, controlMessageAuthenticationNonce: nonce.called },
          },
          true,
          0,
          1,
        ],
        [{ messageType: 'SCCCN', avps: {} }, false, 1, 1],
      ];
      return messages.map(([message, back, ns, nr]) => {
        const controlConnectionId = message.messageType === 'SCCRQ' ? 0 : back ? 7 : 8;
        const body = emitControlMessage(message, { dialect: 3, digest: 'sha1' });
        const packet = emitControlPacket({ version: 3, controlConnectionId, ns, nr }, body);
        const nonces = back
          ? { local: nonce.called, remote: nonce.caller }
          : { local: nonce.caller, remote: nonce.called };
        sealMessageDigest(packet, key, message.messageType === 'SCCRQ' ? undefined : nonces);
        return control(packet, back);
      });
    }

    it('names messages, checks their digests, and tells the control connection', async () => {
      const { packets, complaints } = await judgePackets(tunnel(SECRET), { secret: SECRET });
      assert.deepEqual(complaints, []);
      assert.deepEqual(
        packets.map(({ version, what, tunnelId, source }) => ({ version, what, tunnelId, source })),
        [
          { version: 3, what: 'SCCRQ', tunnelId: 0, source: '192.0.2.1' },
          { version: 3, what: 'SCCRP', tunnelId: 7, source: '192.0.2.2' },
          { version: 3, what: 'SCCCN', tunnelId: 8, source: '192.0.2.1' },
        ],
      );
    });

    it('complains of each digest that is wrong', async () => {
      const { complaints } = await judgePackets(tunnel('another secret'), { secret: SECRET });
      assert.deepEqual(
        complaints,
        ['1 192.0.2.1 SCCRQ', '2 192.0.2.2 SCCRP', '3 192.0.2.1 SCCCN'].map((which) => `${which}: incorrect digest`),
      );
    });

    it('takes the AVPs of vendor 9 that old IOS sends for known', async () => {
      const avps: AvpValues = {
        ...{ hostName: 'box', routerId: 1, assignedControlConnectionId: 7, pseudowireCapabilitiesList: [5] },
      };
      const body = emitControlMessage({ messageType: 'SCCRQ', avps }, { dialect: 3, draftAvps: true });
      const packet = emitControlPacket({ version: 3, controlConnectionId: 0, ns: 0, nr: 0 }, body);
      assert.deepEqual((await judgePackets([control(packet)])).complaints, []);
    });

    for (const vendorId of [0, 9]) {
      it(`complains of an AVP of vendor ${vendorId} that nobody knows`, async () => {
        const body = emitControlMessage({ messageType: 'SCCCN', avps: {} }, { dialect: 3 });
        const content = Buffer.concat([body, rawAvp({ vendorId, type: 998, value: octets('x') })]);
        const packet = emitControlPacket({ version: 3, controlConnectionId: 8, ns: 1, nr: 1 }, content);
        const { complaints } = await judgePackets([control(packet)]);
        assert.equal(complaints.length, 1, complaints.join('\n'));
        assert.match(complaints[0]!, /unknown AVP 998/);
      });
    }

    // What we send is what the vectors hold: emitting is tested against them.
    for (const digest of ['sha1', 'md5'] as const) {
      for (const encapsulation of ['udp', 'ip'] as const) {
        it(`knows every message type and AVP of ours over ${encapsulation}, with HMAC by ${digest}`, async () => {
          const { secret, cases } = readVectors<VectorsV3>('control-messages-v3');
          const ours = cases.filter((vector) => vector.digest === digest);
          const packets = ours.map(({ packet, from }) => {
            const back = from === 'responder';
            return encapsulation === 'ip' ? control(fromHex(packet), back) : datagram(fromHex(packet), back);
          });
          const { packets: judged, complaints } = await judgePackets(packets, { secret });
          assert.deepEqual(complaints, []);
          assert.deepEqual(
            judged.map(({ what }) => what),
            ours.map(({ message }) => message.messageType),
          );
          assert.deepEqual(new Set(judged.map(({ what }) => what)), new Set(Object.keys(MESSAGE_TYPE)));
        });
      }
    }

    const frame = Buffer.concat([octets('\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x88\xb5'), Buffer.alloc(46)]);
    const lcp = octets('\xff\x03\xc0\x21\x09\x01\x00\x08\0\0\0\0');
    for (const sublayer of ['none', 'default'] as const) {
      for (const [payload, content, what] of [
        ['ethernet', frame, 'Ethernet'],
        ['ppp', lcp, 'LCP Echo-Request'],
      ] as const) {
        it(`reads ${payload} behind an 8-byte cookie, with L2-specific sublayer ${sublayer}`, async () => {
          const packet = data(0x89abcdef, content, sublayer === 'default' ? { sequence: 5 } : undefined);
          const { packets, complaints } = await judgePackets([packet], { cookie_bytes: 8, sublayer, payload });
          assert.deepEqual(complaints, []);
          const [judged] = packets;
          assert.deepEqual(
            { what: judged?.what, sessionId: judged?.sessionId, cookie: judged?.cookie },
            { what, sessionId: 0x89abcdef, cookie: '0102030405060708' },
          );
        });
      }
    }
  });
});
