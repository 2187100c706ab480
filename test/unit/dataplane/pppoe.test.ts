/** Sessions that PPPoE carries (RFC 2516): what comes from their hosts, and what goes to them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PppoePath, SessionRow } from '../../../firmware/dataplane/interface.js';
import { FIRST_PPPOE_ROW_ID } from '../../../firmware/dataplane/interface.js';
import {
  Harness,
  HOST_MAC,
  hex,
  INTERFACE,
  LOCAL_MAC,
  lacRow,
  lnsRow,
  only,
  pppoeRow,
  u16,
  version3Row,
} from './harness.js';
import { ipv4, ipv6, udp } from './packets.js';

const ROW = { sessionId: 0xf000_0001 };
const FROM_USER = ipv4({ source: '10.64.0.7' });
const TO_USER = ipv4({ source: '198.51.100.9', destination: '10.64.0.7' });

/** A session frame from the host: the PPP frame behind the headers of section 4. */
const frame = (ppp: string, { tags = '', sessionId = 0x1234, source = HOST_MAC, destination = LOCAL_MAC } = {}) =>
  hex(destination, source, tags, '8864 1100', u16(sessionId), u16(hex(ppp).length / 2), ppp);

/** The same towards the host. */
const toHost = (ppp: string, tags = '') =>
  hex(HOST_MAC, LOCAL_MAC, tags, '8864 1100 1234', u16(hex(ppp).length / 2), ppp);
const sent = (...frames: string[]) =>
  only({ toInterfaces: frames.map((one) => ({ interfaceIndex: INTERFACE, frame: one })) });

function open(changes: Partial<SessionRow> = {}, path: Partial<PppoePath> = {}): Harness {
  const harness = new Harness();
  harness.forwarder.addSession(pppoeRow(changes, path));
  return harness;
}

const tag = (vlanId: number, tagProtocol = 0x8100, priority = 0) => ({
  ...{ tagProtocol, priority, dropEligible: false, vlanId },
});

describe('session frames from a host, RFC 2516 section 4', () => {
  test('an IPv4 and an IPv6 packet go to the TUN device, and are counted', () => {
    const harness = open();
    const packet6 = ipv6();
    assert.deepEqual(harness.fromInterface([frame(hex('0021', FROM_USER)), frame(hex('0057', packet6))]), {
      ...only({}),
      toTun: [
        { tun: 0, packet: FROM_USER },
        { tun: 0, packet: packet6 },
      ],
    });
    const octets = (FROM_USER.length + packet6.length) / 2;
    assert.deepEqual(harness.session(ROW), {
      receivedPackets: 2,
      receivedOctets: octets,
      sentPackets: 0,
      sentOctets: 0,
    });
  });

  test('all that a PPP session can do it does: NCPs closed, foreign sources, link-local packets and DHCP, control frames', () => {
    const closed = open({ ipv4Open: false, ipv6Open: false });
    const packets = [frame(hex('0021', FROM_USER)), frame(hex('0057', ipv6()))];
    assert.deepEqual(closed.fromInterface(packets), only({ drops: { 'ipv4-not-open': 1, 'ipv6-not-open': 1 } }));
    const foreign = frame(hex('0021', ipv4({ source: '10.64.0.8' })));
    assert.deepEqual(open().fromInterface(foreign), only({ drops: { 'source-not-allowed': 1 } }));
    const linkLocal = ipv6({ source: 'fe80::1', destination: 'ff02::2' });
    const dhcp = ipv4({ protocol: 17, payload: udp(67) });
    const punted = open().fromInterface([
      frame('c021 09010008 00000000'),
      frame(hex('57', linkLocal)),
      frame(hex('0021', dhcp)),
    ]);
    assert.deepEqual(
      punted,
      only({
        ppp: [
          { ...ROW, protocol: 0xc021, information: '0901000800000000' },
          { ...ROW, protocol: 0x0057, information: linkLocal },
          { ...ROW, protocol: 0x0021, information: dhcp },
        ],
      }),
    );
  });

  test('what is behind LENGTH is padding, and is cut off', () => {
    const padded = frame('c021 09010008 00000000') + '00'.repeat(28);
    assert.deepEqual(open().fromInterface(padded).ppp, [{ ...ROW, protocol: 0xc021, information: '0901000800000000' }]);
  });

  test('a LENGTH beyond the frame’s end is a drop', () => {
    const short = frame('c021 09010008 00000000').slice(0, -2);
    assert.deepEqual(open().fromInterface(short), only({ drops: { 'pppoe-length': 1 } }));
  });

  test('FF 03 is never there (section 7), and does no harm', () => {
    assert.deepEqual(open().fromInterface(frame('ff03 c021 09010008 00000000')).ppp, [
      { ...ROW, protocol: 0xc021, information: '0901000800000000' },
    ]);
  });

  test('no PPP frame in it, or half a protocol number, is a drop', () => {
    assert.deepEqual(open().fromInterface([frame(''), frame('c0'), frame('ff03')]).drops, { 'ppp-truncated': 3 });
  });

  for (const [what, header] of [
    ['VER 2', '8864 2100 1234 0000'],
    ['TYPE 2', '8864 1200 1234 0000'],
    ['a CODE that is not 0', '8864 11a7 1234 0000'],
    ['another type than PPPoE’s', '0800 1100 1234 0000'],
    ['a third VLAN tag', '8100 0001 8100 0002 8100 0003 8864 1100 1234 0000'],
  ] as const) {
    test(`${what} is a drop`, () => {
      const packet = hex(LOCAL_MAC, HOST_MAC, header, '0000');
      assert.deepEqual(open().fromInterface(packet), only({ drops: { 'pppoe-header': 1 } }));
    });
  }

  test('a frame that ends within its headers is a drop, wherever it ends', () => {
    const whole = frame('', { tags: '8100 0064 8100 0065' });
    for (let octets = 1; octets < whole.length / 2; octets++) {
      assert.deepEqual(
        open().fromInterface(whole.slice(0, 2 * octets)),
        only({ drops: { 'pppoe-truncated': 1 } }),
        `${octets}`,
      );
    }
  });

  test('a frame that is longer than its slot is a drop', () => {
    const harness = open();
    const result = harness.observe(() => {
      harness.fill(frame(hex('0021', FROM_USER)));
      harness.input.length_bytes[0] = 1985;
      harness.forwarder.forwardPppoe(harness.input, INTERFACE, 0);
    });
    assert.deepEqual(result, only({ drops: { 'datagram-too-long': 1 } }));
  });

  test('each thing that is not the session’s is a drop of its own kind', () => {
    const packet = hex('0021', FROM_USER);
    const cases = {
      'pppoe-wrong-source': frame(packet, { source: '02005e005378' }),
      'pppoe-wrong-destination': frame(packet, { destination: '02005e005302' }),
      'pppoe-wrong-vlan': frame(packet, { tags: '8100 0064' }),
    };
    for (const [reason, text] of Object.entries(cases)) {
      assert.deepEqual(open().fromInterface(text), only({ drops: { [reason]: 1 } }), reason);
    }
  });

  test('one of a session that there is not is dropped, and told of like what is asked of all, so that a PADT can end it', () => {
    const packet = hex('0021', FROM_USER);
    for (const [text, interfaceIndex] of [
      [frame(packet, { sessionId: 0x1235 }), INTERFACE],
      [frame(packet), INTERFACE + 1],
    ] as const) {
      const discoveryToAll = [{ interfaceIndex, frame: text }];
      const expected = only({ discoveryToAll, drops: { 'pppoe-unknown-session': 1 } });
      assert.deepEqual(open().fromInterface(text, interfaceIndex), expected);
    }
    const toAll = frame(packet, { sessionId: 0x1235, destination: 'ffffffffffff' });
    assert.deepEqual(open().fromInterface(toAll), only({ drops: { 'pppoe-unknown-session': 1 } }));
  });

  test('two hosts with one MAC address, and hosts with one SESSION_ID on two interfaces, are kept apart', () => {
    const harness = open();
    harness.forwarder.addSession(pppoeRow({ sessionId: 0xf000_0002, tun: 5 }, { sessionId: 0x1235 }));
    harness.forwarder.addSession(pppoeRow({ sessionId: 0xf000_0003, tun: 6 }, { interfaceIndex: 100_000 }));
    const packet = hex('0021', FROM_USER);
    const tunOf = (text: string, interfaceIndex = INTERFACE) =>
      harness.fromInterface(text, interfaceIndex).toTun[0]?.tun;
    assert.deepEqual(
      [tunOf(frame(packet)), tunOf(frame(packet, { sessionId: 0x1235 })), tunOf(frame(packet), 100_000)],
      [0, 5, 6],
    );
  });

  for (const [what, tags, passing, wrong] of [
    [
      'one VLAN',
      [tag(100)],
      ['8100 0064', '8100 a064', '88a8 0064', '8100 0000 8100 0064'],
      ['', '8100 0065', '8100 0064 8100 0064', '8100 0000'],
    ],
    [
      'two VLANs',
      [tag(7, 0x88a8), tag(100)],
      ['88a8 0007 8100 0064', '8100 0007 8100 6064'],
      ['8100 0064', '8100 0007', '8100 0064 8100 0007', ''],
    ],
    ['a priority and no VLAN', [tag(0, 0x8100, 5)], ['', '8100 0000', '8100 a000'], ['8100 0001']],
  ] as const) {
    test(`of a session with ${what} those frames pass whose VLAN IDs are its own, whatever their priority`, () => {
      const harness = open({}, { tags });
      for (const text of passing) {
        assert.equal(harness.fromInterface(frame(hex('0021', FROM_USER), { tags: text })).toTun.length, 1, text);
      }
      for (const text of wrong) {
        const result = harness.fromInterface(frame(hex('0021', FROM_USER), { tags: text }));
        assert.deepEqual(result, only({ drops: { 'pppoe-wrong-vlan': 1 } }), text);
      }
    });
  }
});

describe('session frames to a host', () => {
  test('a packet from the TUN device goes out in PPPoE, with LENGTH and without FF 03, and is counted', () => {
    const harness = open();
    assert.deepEqual(harness.fromTun(TO_USER), sent(toHost(hex('0021', TO_USER))));
    const octets = TO_USER.length / 2;
    assert.deepEqual(harness.session(ROW), {
      receivedPackets: 0,
      receivedOctets: 0,
      sentPackets: 1,
      sentOctets: octets,
    });
  });

  test('the tags are those of the session, with their protocol and priority', () => {
    const harness = open({}, { tags: [{ ...tag(7, 0x88a8, 5), dropEligible: true }, tag(100)] });
    assert.deepEqual(harness.fromTun(TO_USER), sent(toHost(hex('0021', TO_USER), '88a8 b007 8100 0064')));
  });

  for (const [what, changes] of [
    ['as it is', {}],
    ['where ACFC was negotiated', { transmitAcfc: true }],
    ['where a peer of L2TP would get FF 03', { addressControl: 'always' }],
  ] as const) {
    test(`an injected frame has no FF 03, ${what}: section 7`, () => {
      assert.deepEqual(open(changes).inject(0xc021, '0101 0004', ROW), sent(toHost('c021 0101 0004')));
      assert.deepEqual(open(changes).inject(0x8021, '0101 0004', ROW), sent(toHost('8021 0101 0004')));
    });
  }

  test('with PFC the protocol field of a packet is one octet, that of LCP two', () => {
    const harness = open({ transmitPfc: true });
    assert.deepEqual(harness.fromTun(TO_USER), sent(toHost(hex('21', TO_USER))));
    assert.deepEqual(harness.inject(0xc021, '0101 0004', ROW), sent(toHost('c021 0101 0004')));
  });

  test('what is longer than the MTU is fragmented: each fragment is a frame with its own LENGTH', () => {
    const harness = open({ mtu_bytes: 100 });
    const { toInterfaces } = harness.fromTun(ipv4({ destination: '10.64.0.7', payload: '5a'.repeat(200) }));
    const lengths = toInterfaces.map(({ frame: text }) => Number.parseInt(text.slice(36, 40), 16));
    assert.deepEqual(lengths, [102, 102, 62]);
    for (const [i, { frame: text }] of toInterfaces.entries()) assert.equal(text.length / 2, 20 + lengths[i]!);
  });

  test('a frame of discovery goes out as it is, to the interface that is named', () => {
    const harness = open();
    const frameBytes = Uint8Array.from(Buffer.from('5a'.repeat(60), 'hex'));
    const result = harness.observe(() =>
      harness.forwarder.sendFrame({ type: 'send-frame', interfaceIndex: 9, frame: frameBytes }),
    );
    assert.deepEqual(result, only({ toInterfaces: [{ interfaceIndex: 9, frame: '5a'.repeat(60) }] }));
    const long = harness.observe(() =>
      harness.forwarder.sendFrame({ type: 'send-frame', interfaceIndex: 9, frame: new Uint8Array(1985) }),
    );
    assert.deepEqual(long, only({ drops: { 'frame-too-long': 1 } }));
  });
});

describe('rows of PPPoE', () => {
  test('their IDs are those from FIRST_PPPOE_ROW_ID on, which no session of L2TP has', () => {
    const harness = new Harness();
    const add = (row: SessionRow) => () => harness.forwarder.addSession(row);
    assert.throws(add(pppoeRow({ sessionId: FIRST_PPPOE_ROW_ID - 1 })), /session ID/);
    assert.throws(add(pppoeRow({ sessionId: 2 ** 32 })), /session ID/);
    assert.throws(add(lnsRow({ sessionId: FIRST_PPPOE_ROW_ID })), /session ID/);
    for (const sessionId of [FIRST_PPPOE_ROW_ID, 0xffff_ffff])
      add(pppoeRow({ sessionId }, { sessionId: 1 + (sessionId & 1) }))();
    assert.notEqual(harness.session({ sessionId: 0xffff_ffff }), undefined);
  });

  test('a SESSION_ID of 0, one that is reserved (section 4), one in use, and a third tag are faults of the caller', () => {
    const harness = open();
    const add = (path: Partial<PppoePath>) => () =>
      harness.forwarder.addSession(pppoeRow({ sessionId: 0xf000_0002 }, path));
    for (const sessionId of [0, 0xffff, 0x10000]) assert.throws(add({ sessionId }), /SESSION_ID/);
    assert.throws(add({}), /in use/);
    assert.throws(add({ sessionId: 1, tags: [tag(1), tag(2), tag(3)] }), /tags/);
  });

  test('nobody reaches one by L2TP, whatever Session ID of version 3 a packet has', () => {
    const harness = open();
    harness.forwarder.addSession(version3Row());
    const packet = hex('f0000001 ff03 0021', FROM_USER);
    assert.deepEqual(harness.receive(packet, { encapsulation: 'ip' }), only({ drops: { 'wrong-encapsulation': 1 } }));
    const overUdp = harness.receive(hex('0003 0000', packet));
    assert.deepEqual(overUdp, only({ drops: { 'wrong-encapsulation': 1 } }));
  });

  test('one that is removed is reached no more; its SESSION_ID may be given again', () => {
    const harness = open();
    const { sessionId } = ROW;
    assert.notEqual(harness.forwarder.removeSession(sessionId, 7), undefined);
    const gone = harness.fromInterface(frame(hex('0021', FROM_USER)));
    assert.deepEqual([gone.toTun, gone.ppp, gone.drops], [[], [], { 'pppoe-unknown-session': 1 }]);
    harness.forwarder.addSession(pppoeRow({ sessionId: 0xf000_0002, generation: 8, tun: 4 }));
    assert.equal(harness.fromInterface(frame(hex('0021', FROM_USER))).toTun[0]?.tun, 4);
    harness.forwarder.removeSession(0xf000_0002, 8);
    // The row that was PPPoE's is L2TP's now.
    harness.forwarder.addSession(lacRow());
    assert.equal(harness.inject(0xc021, '0101 0004').toPeers[0]?.packet, hex('0002 0b0b 0202 ff03 c021 0101 0004'));
  });

  test('a session that moves to another VLAN and MAC address is found there alone', () => {
    const harness = open();
    const { pppoe } = pppoeRow({}, { tags: [tag(100)], peerMac: '02:00:5e:00:53:78' });
    harness.update(ROW.sessionId, { pppoe });
    assert.equal(harness.fromInterface(frame(hex('0021', FROM_USER))).toTun.length, 0);
    const moved = frame(hex('0021', FROM_USER), { tags: '8100 0064', source: '02005e005378' });
    assert.equal(harness.fromInterface(moved).toTun.length, 1);
    assert.equal(harness.fromTun(TO_USER).toInterfaces[0]?.frame.slice(0, 12), '02005e005378');
  });

  test('interfaces come and go: with a hundred thousand of them, each session is found on its own', () => {
    const harness = new Harness();
    for (let interfaceIndex = 1; interfaceIndex <= 100_000; interfaceIndex++) {
      harness.forwarder.addSession(pppoeRow({}, { interfaceIndex }));
      if (interfaceIndex % 10_000 === 0) {
        assert.equal(harness.fromInterface(frame(hex('0021', FROM_USER)), interfaceIndex).toTun.length, 1);
      }
      harness.forwarder.removeSession(ROW.sessionId, 7);
    }
  });
});

describe('the end of a session, RFC 2516 section 5.5', () => {
  const padt = ({ sessionId = 0x1234, source = HOST_MAC, tags = '' } = {}) =>
    hex(LOCAL_MAC, source, tags, '8863 11a7', u16(sessionId), '0000');

  /** Discovery of ever new hosts, above every rate. */
  function flooded(): Harness {
    const harness = open();
    for (let host = 0; host < 2_000; host++) {
      harness.fromInterface(hex(LOCAL_MAC, '0200', host.toString(16).padStart(8, '0'), '8863 1119 0000 0000'));
    }
    return harness;
  }

  test('the PADT of a session that stands passes a flood: its host tells it once', () => {
    const passed = [{ interfaceIndex: INTERFACE, frame: padt() }];
    assert.deepEqual(flooded().fromInterface(padt()), only({ discovery: passed }));
  });

  test('that of another session, from another host or another VLAN does not', () => {
    for (const other of [{ sessionId: 0x1235 }, { source: '02005e005302' }, { tags: '8100 0064' }]) {
      assert.deepEqual(flooded().fromInterface(padt(other)), only({ drops: { 'discovery-rate': 1 } }));
    }
  });
});
