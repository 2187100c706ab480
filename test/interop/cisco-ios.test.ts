/**
 * Cisco, old IOS, played by hand against the running program: version 3 in the AVPs of its drafts, under vendor 9, and
 * what it minds in an ICRQ. What the program sends is looked at octet by octet.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { emitControlPacket } from '../../firmware/wire/control-header.js';
import { labIsMissing } from '../lab/requirements.js';
import { until } from '../lab/until.js';
import type { SettingsChanges } from './api-client.js';
import { type Carriers, layBoxAndStrangers, PEER_ADDRESS, type Surroundings } from './box-and-strangers.js';
import { rawAvp } from './raw-peer.js';
import { type Read, Version3Peer } from './version3-peer.js';

const CISCO = 9;
const SECRET = 'tunnel-secret';
const SESSION_ID_ZERO = Buffer.alloc(4);
const LOCAL_SESSION_ID = 0x0001_2345;

type Wire = NonNullable<SettingsChanges['pseudowires']>[number];

const LISTENER: Wire = { name: 'lan', mode: 'listen', type: 'ethernet', tapInterface: 'tap-lan', remoteEndId: '100' };
const DIALLED: Wire = {
  ...{ name: 'far', mode: 'dial', type: 'ethernet', tapInterface: 'tap-far', remoteEndId: '200' },
  ...{ peer: PEER_ADDRESS, encapsulation: 'ip', redialInitial_s: 1, redialCap_s: 1 },
};

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const ietf = (type: number, value: string): Buffer => rawAvp({ mandatory: true, type, value: hex(value) }) as Buffer;
const cisco = (type: number, value: string): Buffer =>
  rawAvp({ mandatory: true, vendorId: CISCO, type, value: hex(value) }) as Buffer;
const word = (value: number): string => value.toString(16).padStart(8, '0');
const ascii = (text: string): string => Buffer.from(text).toString('hex');

/** The AVPs of a control packet, from its control header on, as `vendor/type` and value in hex. */
function avpsOf({ packet }: Read): Map<string, string> {
  const avps = new Map<string, string>();
  for (let at = 12; at < packet.length; ) {
    const length = packet.readUInt16BE(at) & 0x3ff;
    assert.ok(length >= 6, `an AVP of ${length} octets`);
    const name = `${packet.readUInt16BE(at + 2)}/${packet.readUInt16BE(at + 4)}`;
    avps.set(name, packet.subarray(at + 6, at + length).toString('hex'));
    at += length;
  }
  return avps;
}

describe('Cisco, old IOS', { skip: labIsMissing() }, () => {
  let around: Surroundings;
  let peer: Carriers;
  let nextId = 0x2000_0001;

  before(async () => {
    around = await layBoxAndStrangers({
      tunnelPeers: [{ name: 'ios', hostName: 'ios-with-secret', secret: SECRET }],
      pseudowires: [LISTENER],
    });
    ({ peer } = around);
  });
  after(() => around?.lab.close());

  const tunnelOf = async ({ localId }: Version3Peer) =>
    (await around.box.api.tunnels()).find(({ peerTunnelId }) => peerTunnelId === localId);

  for (const encapsulation of ['ip', 'udp'] as const) {
    /** A message as old IOS builds it. */
    function packet(ids: { id: number; ns: number; nr: number }, ...avps: readonly Buffer[]): Buffer {
      const { id: controlConnectionId, ns, nr } = ids;
      const body = Buffer.concat(avps);
      const message = Buffer.from(emitControlPacket({ version: 3, controlConnectionId, ns, nr }, body));
      return encapsulation === 'ip' ? Buffer.concat([SESSION_ID_ZERO, message]) : message;
    }

    /** SCCRQ to SCCCN; answers the box's Control Connection ID. */
    async function opened(ios: Version3Peer): Promise<number> {
      await ios.throw(
        packet(
          { id: 0, ns: 0, nr: 0 },
          ...[ietf(0, '0001'), ietf(7, ascii('ios')), ietf(60, 'c0000202'), cisco(10, '0001')],
          ...[cisco(1, word(ios.localId)), cisco(2, '00050007')],
        ),
      );
      const sccrp = await ios.hear('SCCRP');
      assert.equal(sccrp.header.controlConnectionId, ios.localId);
      const avps = avpsOf(sccrp);
      assert.equal(avps.get('9/2'), '00070005');
      for (const name of ['0/61', '0/62']) assert.equal(avps.get(name), undefined, name);
      const id = Number.parseInt(avps.get('9/1') ?? '', 16);
      await ios.throw(packet({ id, ns: 1, nr: 1 }, ietf(0, '0003')));
      await until('the tunnel is established', 5_000, async () => (await tunnelOf(ios))?.state === 'established');
      return id;
    }

    const close = async (ios: Version3Peer, id: number, ns: number): Promise<void> => {
      await ios.throw(packet({ id, ns, nr: 2 }, ietf(0, '0004'), ietf(1, '0001'), cisco(1, word(ios.localId))));
      await until('the tunnel is gone', 5_000, async () => (await tunnelOf(ios)) === undefined);
    };

    const icrq = (id: number, pseudowireType: string, remoteEndId: string): Buffer =>
      packet(
        { id, ns: 2, nr: 1 },
        ...[ietf(0, '000a'), cisco(3, word(LOCAL_SESSION_ID)), cisco(4, word(0)), ietf(15, '00000001')],
        ...[cisco(7, pseudowireType), cisco(6, ascii(remoteEndId)), cisco(8, '0001'), cisco(5, 'c1c2c3c4')],
      );

    async function icrp(ios: Version3Peer): Promise<string> {
      const avps = avpsOf(await ios.hear('ICRP'));
      assert.equal(avps.get('9/4'), word(LOCAL_SESSION_ID));
      assert.equal(avps.get('9/5')?.length, 16);
      assert.match(avps.get('9/8') ?? '', /^000[13]$/);
      for (const name of ['0/63', '0/64', '0/65', '0/71']) assert.equal(avps.get(name), undefined, name);
      return avps.get('9/3')!;
    }

    it(`${encapsulation}: its Ethernet session under vendor 9 comes up, answered under vendor 9`, async () => {
      const ios = new Version3Peer(peer[encapsulation], nextId++, { encapsulation });
      const id = await opened(ios);
      await ios.throw(icrq(id, '0005', '100'));
      const theirs = await icrp(ios);
      await ios.throw(
        packet({ id, ns: 3, nr: 2 }, ietf(0, '000c'), cisco(3, word(LOCAL_SESSION_ID)), cisco(4, theirs)),
      );
      const up = await until('the pseudowire is up', 5_000, async () => {
        const [shown] = await around.box.api.pseudowires();
        return shown?.state === 'up' && shown;
      });
      assert.equal(up.sessionId, Number.parseInt(theirs, 16));
      assert.equal(up.peerSessionId, LOCAL_SESSION_ID);
      await close(ios, id, 4);
    });

    it(`${encapsulation}: its PPP session under vendor 9 is answered under vendor 9, and LCP begins`, async () => {
      const ios = new Version3Peer(peer[encapsulation], nextId++, { encapsulation });
      const id = await opened(ios);
      await ios.throw(icrq(id, '0007', 'ios'));
      const theirs = await icrp(ios);
      const from = peer[encapsulation].mark();
      await ios.throw(
        packet({ id, ns: 3, nr: 2 }, ietf(0, '000c'), cisco(3, word(LOCAL_SESSION_ID)), cisco(4, theirs)),
      );
      // Our session ID and cookie, then LCP's Configure-Request (RFC 1661 section 5.1).
      const begins = `${encapsulation === 'udp' ? '00030000' : ''}${word(LOCAL_SESSION_ID)}c1c2c3c4ff03c02101`;
      await until('LCP begins', 5_000, () =>
        peer[encapsulation].packets(from).some((each) => each.toString('hex').startsWith(begins)),
      );
      await close(ios, id, 4);
    });

    it(`${encapsulation}: digest and nonce under vendor 9 prove it as well as RFC 3931’s`, async () => {
      const options = { encapsulation, draftAvps: true, hostName: 'ios-with-secret', secret: SECRET };
      const ios = new Version3Peer(peer[encapsulation], nextId++, options);
      const sccrp = avpsOf(await ios.begin());
      assert.equal(sccrp.get('9/13')?.length, 32);
      assert.equal(sccrp.get('9/12')?.length, 42);
      await ios.say({ messageType: 'SCCCN', avps: {} });
      await until('the tunnel is established', 5_000, async () => (await tunnelOf(ios))?.state === 'established');
      await ios.close();
      await until('the tunnel is gone', 5_000, async () => (await tunnelOf(ios)) === undefined);
    });
  }

  it('our own ICRQ has Remote Session ID 0, or IOS would end the tunnel with a misleading error', async () => {
    await around.box.api.configure({ pseudowires: [DIALLED] });
    for (const [draftAvps, names] of [
      [false, { local: '0/63', remote: '0/64', type: '0/68', end: '0/66' }],
      [true, { local: '9/3', remote: '9/4', type: '9/7', end: '9/6' }],
    ] as const) {
      const ios = new Version3Peer(peer.ip, nextId++, { encapsulation: 'ip', draftAvps });
      await ios.answer();
      const icrq = avpsOf(await ios.hear('ICRQ'));
      assert.equal(icrq.get(names.remote), word(0));
      assert.notEqual(icrq.get(names.local), word(0));
      assert.deepEqual([icrq.get(names.type), icrq.get(names.end)], ['0005', ascii('200')]);
      await ios.close();
    }
  });
});
