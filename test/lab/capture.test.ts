/** The judge is judged: what tshark must find wrong is found wrong, and what is right is left in peace. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { emitControlMessage } from '../../firmware/wire/avp.js';
import { octets } from '../../firmware/wire/bytes.js';
import { emitDataHeader } from '../../firmware/wire/l2tp.js';
import { controlPacket, rawAvp, sccrq } from '../interop/raw-peer.js';
import { judge } from './capture.js';
import { labIsMissing } from './requirements.js';

const LINKTYPE_RAW = 101;

/** A capture file of IPv4 packets with one UDP datagram each, from 192.0.2.1 and port 1701 to 192.0.2.2 and port 1701. */
function captureOf(payloads: readonly Uint8Array[]): Buffer {
  const fileHeader = Buffer.alloc(24);
  fileHeader.writeUInt32LE(0xa1b2c3d4, 0);
  fileHeader.writeUInt16LE(2, 4);
  fileHeader.writeUInt16LE(4, 6);
  fileHeader.writeUInt32LE(0xffff, 16);
  fileHeader.writeUInt32LE(LINKTYPE_RAW, 20);
  return Buffer.concat([fileHeader, ...payloads.flatMap((payload, second) => [...record(datagram(payload), second)])]);
}

function* record(packet: Uint8Array, second: number): Iterable<Uint8Array> {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(second, 0);
  header.writeUInt32LE(packet.length, 8);
  header.writeUInt32LE(packet.length, 12);
  yield header;
  yield packet;
}

/** UDP checksum 0 says that there is none (RFC 768). */
function datagram(payload: Uint8Array): Buffer {
  const packet = Buffer.alloc(28);
  packet.writeUInt16BE(0x4500, 0);
  packet.writeUInt16BE(28 + payload.length, 2);
  packet.writeUInt16BE(0x4011, 8);
  packet.set([192, 0, 2, 1, 192, 0, 2, 2], 12);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += packet.readUInt16BE(at);
  packet.writeUInt16BE(0xffff - ((sum & 0xffff) + (sum >> 16)), 10);
  packet.writeUInt16BE(1701, 20);
  packet.writeUInt16BE(1701, 22);
  packet.writeUInt16BE(8 + payload.length, 24);
  return Buffer.concat([packet, payload]);
}

describe('tshark as judge', { skip: labIsMissing() }, () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'capture-test-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const judgePayloads = (...payloads: readonly Uint8Array[]) => {
    const path = join(folder, 'capture.pcap');
    writeFileSync(path, captureOf(payloads));
    return judge(path);
  };

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
});
