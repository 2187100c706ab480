/** The LAC's relay between PPPoE and L2TP (RFC 2516 section 7, RFC 2661 section 3.1), and the handover to it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { SessionRow } from '../../../firmware/dataplane/interface.js';
import {
  Harness,
  HOST_MAC,
  hex,
  INTERFACE,
  LOCAL,
  LOCAL_MAC,
  lnsRow,
  only,
  PEER,
  pppoeRow,
  u16,
  version3Row,
} from './harness.js';
import { ipv4, tcp } from './packets.js';

const PPPOE_ROW = { sessionId: 0xf000_0001, generation: 7 };
const L2TP_ROW = { sessionId: 0x0101, generation: 7 };
const ECHO = 'c021 0901 0008 00000000';

const fromHost = (ppp: string) => hex(LOCAL_MAC, HOST_MAC, '8864 1100 1234', u16(hex(ppp).length / 2), ppp);
const toHost = (ppp: string) => hex(HOST_MAC, LOCAL_MAC, '8864 1100 1234', u16(hex(ppp).length / 2), ppp);
const fromLns = (ppp: string) => hex('0002 0a0a 0101', ppp);
const toLns = (ppp: string) => hex('0002 0b0b 0202', ppp);

const lnsGets = (...ppp: string[]) => ppp.map((one) => ({ to: `${PEER} 1701`, from: LOCAL, packet: toLns(one) }));
const hostGets = (...ppp: string[]) => ppp.map((one) => ({ interfaceIndex: INTERFACE, frame: toHost(one) }));

/** What a LAC has: no NCP is its own, and nobody's address is looked at. */
const CLOSED = { ipv4Open: false, ipv6Open: false, sources: [] };

/** A call that stands: both rows relay to each other. */
function open(l2tp: Partial<SessionRow> = {}, pppoe: Partial<SessionRow> = {}): Harness {
  const harness = new Harness();
  const tunnelled = lnsRow({ ...CLOSED, relayTo: PPPOE_ROW, ...l2tp });
  harness.forwarder.addSession(tunnelled);
  const { sessionId, generation } = tunnelled;
  harness.forwarder.addSession(pppoeRow({ ...CLOSED, relayTo: { sessionId, generation }, ...pppoe }));
  return harness;
}

const nothing = { receivedPackets: 0, receivedOctets: 0, sentPackets: 0, sentOctets: 0 };

describe('relay at the LAC', () => {
  for (const [what, ppp] of [
    ['an LCP frame', ECHO],
    ['an IPv4 packet', hex('0021', ipv4())],
    ['an IPv4 packet behind a compressed protocol field', hex('21', ipv4())],
    ['a packet that says it is IPv4 and is not', '0021 ffff'],
    ['a protocol that nobody knows', '4fff 01020304'],
    ['a protocol number and no more', 'c021'],
  ] as const) {
    test(`${what} goes as it is: FF 03 stands in front towards the LNS, and does not towards the PC`, () => {
      assert.deepEqual(open().fromInterface(fromHost(ppp)), only({ toPeers: lnsGets(`ff03 ${ppp}`) }));
      assert.deepEqual(open().fromInterface(fromHost(`ff03 ${ppp}`)), only({ toPeers: lnsGets(`ff03 ${ppp}`) }));
      assert.deepEqual(open().receive(fromLns(`ff03 ${ppp}`)), only({ toInterfaces: hostGets(ppp) }));
      assert.deepEqual(open().receive(fromLns(ppp)), only({ toInterfaces: hostGets(ppp) }));
    });
  }

  test('FF 03 stands in front also where the LNS sends without it and ACFC was negotiated', () => {
    const harness = open({ transmitAcfc: true, transmitPfc: true, addressControl: 'detect' });
    harness.receive(fromLns(ECHO));
    assert.deepEqual(harness.fromInterface(fromHost(ECHO)), only({ toPeers: lnsGets(`ff03 ${ECHO}`) }));
    assert.deepEqual(harness.inject(0x8021, '0101 0004'), only({ toPeers: lnsGets('ff03 8021 0101 0004') }));
  });

  test('neither MTU nor MSS is heeded, and nothing is fragmented', () => {
    const syn = ipv4({ protocol: 6, payload: tcp(2, '020405b4', '10.64.0.7', '8.8.8.8') });
    const long = ipv4({ payload: '5a'.repeat(1480) });
    const harness = open({ mtu_bytes: 576, mssClamp_bytes: 500 }, { mtu_bytes: 576, mssClamp_bytes: 500 });
    const frames = [hex('0021', syn), hex('0021', long)];
    assert.deepEqual(
      harness.fromInterface(frames.map(fromHost)),
      only({ toPeers: lnsGets(...frames.map((one) => hex('ff03', one))) }),
    );
    assert.deepEqual(harness.receive(frames.map(fromLns)), only({ toInterfaces: hostGets(...frames) }));
  });

  test('in version 3 with cookie and numbers the frame is the same', () => {
    const session = { ...PPPOE_ROW };
    const harness = open(version3Row({ ...CLOSED, relayTo: session, peerSublayer: true, sequencing: true }));
    const header = 'fedcba98 d1d2d3d4d5d6d7d8';
    for (const ns of ['40000000', '40000001']) {
      const [out] = harness.fromInterface(fromHost(ECHO)).toPeers;
      assert.deepEqual(out, { to: `${PEER} ip`, from: LOCAL, packet: hex(header, ns, 'ff03', ECHO) });
    }
    const back = harness.receive(hex('87654321 c1c2c3c4c5c6c7c8 ff03', ECHO), { encapsulation: 'ip' });
    assert.deepEqual(back, only({ toInterfaces: hostGets(ECHO) }));
  });

  test('RFC 2661 section 5.4: as long as the LNS numbers its data, the LAC numbers its own', () => {
    const harness = open();
    assert.equal(harness.fromInterface(fromHost(ECHO)).toPeers[0]?.packet, hex('0002 0b0b 0202 ff03', ECHO));
    harness.receive(hex('0802 0a0a 0101 0001 0000 ff03', ECHO));
    assert.equal(harness.fromInterface(fromHost(ECHO)).toPeers[0]?.packet, hex('0802 0b0b 0202 0000 0000 ff03', ECHO));
    harness.receive(fromLns(ECHO));
    assert.equal(harness.fromInterface(fromHost(ECHO)).toPeers[0]?.packet, hex('0002 0b0b 0202 ff03', ECHO));
  });

  test('both rows count the frames of network-layer protocols by their information, and no control frames', () => {
    const harness = open();
    const packet = ipv4();
    const octets = packet.length / 2;
    harness.fromInterface([ECHO, hex('0021', packet), hex('21', packet), '8021 0101 0004'].map(fromHost));
    harness.receive([hex('ff03 0057', packet), 'ff03 00fd 0102', ECHO].map(fromLns));
    const up = { packets: 2, octets: 2 * octets };
    const down = { packets: 2, octets: octets + 2 };
    assert.deepEqual(harness.session(PPPOE_ROW), {
      ...{ receivedPackets: up.packets, receivedOctets: up.octets, sentPackets: down.packets, sentOctets: down.octets },
    });
    assert.deepEqual(harness.session(L2TP_ROW), {
      ...{ receivedPackets: down.packets, receivedOctets: down.octets, sentPackets: up.packets, sentOctets: up.octets },
    });
  });

  test('a row that is gone, or is another’s by now, gets nothing: a counted drop', () => {
    const harness = open();
    harness.forwarder.removeSession(L2TP_ROW.sessionId, 7);
    assert.deepEqual(harness.fromInterface(fromHost(ECHO)), only({ drops: { 'relay-gone': 1 } }));
    harness.forwarder.addSession(lnsRow({ generation: 8 }));
    assert.deepEqual(harness.fromInterface(fromHost(hex('0021', ipv4()))), only({ drops: { 'relay-gone': 1 } }));
    assert.deepEqual(harness.session(PPPOE_ROW), nothing);
  });

  test('a frame without a PPP protocol is a drop', () => {
    assert.deepEqual(open().fromInterface([fromHost(''), fromHost('ff03'), fromHost('c0')]).drops, {
      'ppp-truncated': 3,
    });
    assert.deepEqual(open().receive([fromLns(''), fromLns('ff03')]).drops, { 'ppp-truncated': 2 });
  });

  test('where relayTo is taken away again, frames end here again', () => {
    const harness = open();
    harness.update(PPPOE_ROW.sessionId, { relayTo: undefined });
    assert.deepEqual(harness.fromInterface(fromHost(ECHO)).ppp, [
      { sessionId: PPPOE_ROW.sessionId, protocol: 0xc021, information: hex(ECHO).slice(4) },
    ]);
    harness.update(PPPOE_ROW.sessionId, { mtu_bytes: 1000, relayTo: L2TP_ROW });
    harness.update(PPPOE_ROW.sessionId, { mtu_bytes: 900 });
    assert.equal(harness.fromInterface(fromHost(ECHO)).toPeers.length, 1, 'a change that does not name it leaves it');
  });

  test('rates of the PPPoE row: packets above them are dropped in both directions, control frames never', () => {
    const harness = open({}, { receiveRate_bps: 8000, sendRate_bps: 8000 });
    const packet = hex('0021', ipv4({ payload: '5a'.repeat(1480) }));
    for (let i = 0; i < 11; i++) {
      const up = harness.fromInterface(fromHost(packet));
      const down = harness.receive(fromLns(packet));
      assert.deepEqual(up.drops, i < 10 ? {} : { 'rate-exceeded-from-peer': 1 });
      assert.deepEqual(down.drops, i < 10 ? {} : { 'rate-exceeded-to-peer': 1 });
    }
    assert.equal(harness.fromInterface(fromHost(ECHO)).toPeers.length, 1);
    assert.equal(harness.receive(fromLns(ECHO)).toInterfaces.length, 1);
    const { receivedPackets, sentPackets } = harness.session(PPPOE_ROW)!;
    assert.deepEqual([receivedPackets, sentPackets], [10, 10]);
  });

  test('whatever the frames are, relay changes nothing of them but FF 03', () => {
    const harness = open();
    const withoutAddressControl = (ppp: string) => (ppp.startsWith('ff03') ? ppp.slice(4) : ppp);
    const isFrame = (ppp: string) => ppp.length >= 2 && (ppp.length >= 4 || (Number.parseInt(ppp, 16) & 1) === 1);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1500 }), fc.boolean(), (octets, hasAddressControl) => {
        const ppp = (hasAddressControl ? 'ff03' : '') + Buffer.from(octets).toString('hex');
        const bare = withoutAddressControl(ppp);
        const up = harness.fromInterface(fromHost(ppp));
        const down = harness.receive(fromLns(ppp));
        if (isFrame(bare)) {
          assert.deepEqual(up, only({ toPeers: lnsGets(`ff03${bare}`) }));
          assert.deepEqual(down, only({ toInterfaces: hostGets(bare) }));
        } else {
          assert.deepEqual(up.drops, { 'ppp-truncated': 1 });
          assert.deepEqual(down.drops, { 'ppp-truncated': 1 });
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('frames on hold', () => {
  const held = (id: number) => `c021 09${id.toString(16).padStart(2, '0')} 0008 00000000`;

  /** A call whose tunnel is being opened: the row of L2TP is there already, and relays. */
  function calling(): Harness {
    const harness = new Harness();
    harness.forwarder.addSession(lnsRow({ ...CLOSED, relayTo: PPPOE_ROW }));
    harness.forwarder.addSession(pppoeRow({ ...CLOSED }));
    assert.deepEqual(harness.update(PPPOE_ROW.sessionId, { hold: true }), only({}));
    return harness;
  }

  test('go to the LNS in their order once they are let go, and are counted then', () => {
    const harness = calling();
    const packet = hex('0021', ipv4());
    for (const ppp of [held(1), packet, `ff03 ${held(2)}`])
      assert.deepEqual(harness.fromInterface(fromHost(ppp)), only({}));
    assert.deepEqual(harness.session(PPPOE_ROW), nothing);
    const letGo = harness.update(PPPOE_ROW.sessionId, { hold: false, relayTo: L2TP_ROW });
    assert.deepEqual(letGo, only({ toPeers: lnsGets(`ff03 ${held(1)}`, `ff03 ${packet}`, `ff03 ${held(2)}`) }));
    const octets = ipv4().length / 2;
    assert.deepEqual(harness.session(PPPOE_ROW), { ...nothing, receivedPackets: 1, receivedOctets: octets });
    assert.deepEqual(harness.fromInterface(fromHost(held(3))), only({ toPeers: lnsGets(`ff03 ${held(3)}`) }));
  });

  test('come to the main thread where no LNS takes the call', () => {
    const harness = calling();
    harness.fromInterface([fromHost(held(1)), fromHost(held(2))]);
    const { ppp } = harness.update(PPPOE_ROW.sessionId, { hold: false });
    assert.deepEqual(
      ppp.map(({ information }) => information),
      [held(1), held(2)].map((text) => hex(text).slice(4)),
    );
  });

  test('meanwhile the LNS’s frames reach the PC', () => {
    assert.deepEqual(
      calling().receive(fromLns('ff03 c223 03010004')),
      only({ toInterfaces: hostGets('c223 03010004') }),
    );
  });

  test('are sixteen at most of one session: the rest is counted, and the others have room', () => {
    const harness = calling();
    const frames = Array.from({ length: 20 }, (_, id) => fromHost(held(id)));
    const drops = [0, 4, 8, 12, 16].map((at) => harness.fromInterface(frames.slice(at, at + 4)).drops);
    assert.deepEqual(drops, [{}, {}, {}, {}, { 'hold-full': 4 }]);
    harness.forwarder.addSession(pppoeRow({ sessionId: 0xf000_0002, hold: true }, { sessionId: 0x1235 }));
    const other = fromHost(held(1)).replace('11001234', '11001235');
    assert.deepEqual(harness.fromInterface(other), only({}));
    const letGo = harness.update(PPPOE_ROW.sessionId, { hold: false, relayTo: L2TP_ROW });
    assert.deepEqual(letGo.toPeers, lnsGets(...Array.from({ length: 16 }, (_, id) => `ff03 ${held(id)}`)));
  });

  test('of all sessions fill the slots there are and no more; what is let go, or ends, makes room', () => {
    const harness = new Harness({ heldSlots: 3 });
    const rows = [1, 2].map((n) => 0xf000_0000 + n);
    for (const [i, sessionId] of rows.entries()) {
      harness.forwarder.addSession(pppoeRow({ sessionId, hold: true }, { sessionId: 0x1234 + i }));
    }
    const of = (second: boolean) => fromHost(held(1)).replace('11001234', second ? '11001235' : '11001234');
    assert.deepEqual(harness.fromInterface([of(false), of(false), of(true), of(true)]).drops, { 'hold-full': 1 });
    const removed = harness.observe(() => harness.forwarder.removeSession(rows[0]!, 7));
    assert.deepEqual(removed, only({ drops: { 'hold-abandoned': 2 } }));
    assert.deepEqual(harness.fromInterface([of(true), of(true), of(true)]).drops, { 'hold-full': 1 });
    assert.equal(harness.update(rows[1]!, { hold: false }).ppp.length, 3);
    harness.update(rows[1]!, { hold: true });
    assert.deepEqual(harness.fromInterface([of(true), of(true), of(true)]).drops, {});
  });

  test('a row that takes the place of one that ended has none of its frames', () => {
    const harness = calling();
    harness.fromInterface(fromHost(held(1)));
    harness.forwarder.removeSession(PPPOE_ROW.sessionId, 7);
    harness.forwarder.output.clear();
    harness.forwarder.addSession(pppoeRow({ generation: 8, hold: true }));
    assert.deepEqual(harness.update(PPPOE_ROW.sessionId, { hold: false }, 8), only({}));
  });

  test('a change for a row that is gone is counted', () => {
    const result = calling().update(PPPOE_ROW.sessionId, { hold: false }, 8);
    assert.deepEqual(result, only({ drops: { 'stale-session': 1 } }));
  });

  test('as many as may be are what the row’s frames were, in any order of coming, holding and letting go', () => {
    const action = fc.oneof(
      fc.constant('frame' as const),
      fc.constant('hold' as const),
      fc.constant('let go' as const),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const harness = new Harness();
        harness.forwarder.addSession(lnsRow({ ...CLOSED, relayTo: PPPOE_ROW }));
        harness.forwarder.addSession(pppoeRow({ ...CLOSED, relayTo: L2TP_ROW }));
        const [given, got]: [number[], number[]] = [[], []];
        let waiting = 0;
        let isHeld = false;
        const take = ({ toPeers }: { toPeers: { packet: string }[] }) =>
          got.push(...toPeers.map(({ packet }) => Number.parseInt(packet.slice(22, 24), 16)));
        for (const [id, what] of actions.entries()) {
          if (what === 'frame') {
            if (!isHeld || waiting++ < 16) given.push(id);
            take(harness.fromInterface(fromHost(held(id))));
          } else {
            isHeld = what === 'hold';
            if (!isHeld) waiting = 0;
            take(harness.update(PPPOE_ROW.sessionId, { hold: isHeld }));
          }
        }
        take(harness.update(PPPOE_ROW.sessionId, { hold: false }));
        assert.deepEqual(got, given);
      }),
    );
  });
});
