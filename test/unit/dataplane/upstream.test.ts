/** From the network inwards: RFC 2661 sections 3.1 and 5.4, RFC 1661 sections 2 and 6.5, and the source check. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Harness, hex, lacRow, lnsRow, only, u16 } from './harness.js';
import { ipv4, ipv6, udp } from './packets.js';

/** Flags and version, Tunnel ID, Session ID, FF 03 and protocol: the shortest that most peers send. */
const HEADER = '0002 0a0a 0101';
const IPV4_FRAME = 'ff03 0021';
const IPV6_FRAME = 'ff03 0057';

function lns(changes: Parameters<typeof lnsRow>[0] = {}, options = {}): Harness {
  const harness = new Harness(options);
  harness.forwarder.addSession(lnsRow(changes));
  return harness;
}

describe('the L2TP header, RFC 2661 section 3.1', () => {
  const packet = ipv4();
  const payload = hex(IPV4_FRAME, packet);
  const toTun = [{ tun: 0, packet }];

  for (const length of [false, true])
    for (const sequence of [false, true])
      for (const offset of [false, true])
        for (const priority of [false, true]) {
          const flags =
            2 | (length ? 0x4000 : 0) | (sequence ? 0x0800 : 0) | (offset ? 0x0200 : 0) | (priority ? 0x0100 : 0);
          const letters = [length && 'L', sequence && 'S', offset && 'O', priority && 'P'].filter(Boolean).join('');
          test(`a data message with flags ${letters || 'all clear'} goes to the TUN device`, () => {
            const tail = hex('0a0a 0101', sequence ? '0001 0000' : '', offset ? '0003 ffffff' : '', payload);
            const length_bytes = 4 + tail.length / 2;
            const datagram = hex(u16(flags), length ? u16(length_bytes) : '', tail);
            assert.deepEqual(lns().receive(datagram), only({ toTun }));
          });
        }

  test('reserved bits are ignored', () => {
    assert.deepEqual(lns().receive(hex('34f2 0a0a 0101', payload)), only({ toTun }));
  });

  test('octets behind Length are no part of the message', () => {
    const datagram = hex('4002', u16(8 + payload.length / 2), '0a0a 0101', payload, 'deadbeef');
    assert.deepEqual(lns().receive(datagram), only({ toTun }));
  });

  for (const version of [0, 1, 4, 15]) {
    test(`version ${version} is discarded`, () => {
      const drops = { 'header-version': 1 };
      assert.deepEqual(lns().receive(hex(`000${version.toString(16)} 0a0a 0101`, payload)), only({ drops }));
    });
  }

  const broken: [name: string, datagram: string, reason: string][] = [
    ['nothing', '', 'header-truncated'],
    ['an end within the IDs', '0002 0a0a 01', 'header-truncated'],
    ['an end within Length and IDs', '4002 0006 0a0a', 'header-truncated'],
    ['an end within Ns and Nr', '0802 0a0a 0101 0000', 'header-truncated'],
    ['an end within Offset Size', '0202 0a0a 0101 00', 'header-truncated'],
    ['a Length above what came', '4002 0009 0a0a 0101', 'header-length'],
    ['a Length below the header', '4002 0004 0a0a 0101', 'header-truncated'],
    ['padding above what came', '0202 0a0a 0101 0005 00000000', 'header-length'],
    ['nothing behind the header', '0002 0a0a 0101', 'ppp-truncated'],
    ['FF 03 alone', '0002 0a0a 0101 ff03', 'ppp-truncated'],
    ['half a protocol number', '0002 0a0a 0101 ff03 00', 'ppp-truncated'],
  ];
  for (const [name, datagram, reason] of broken) {
    test(`${name}: ${reason}`, () => {
      assert.deepEqual(lns().receive(datagram), only({ drops: { [reason]: 1 } }));
    });
  }

  test('a datagram longer than a slot is dropped whole', () => {
    const harness = lns();
    const result = harness.observe(() => {
      harness.fill(hex(HEADER, payload));
      harness.input.length_bytes[0] = 1985;
      harness.forwarder.forwardUpstream(harness.input, 'udp', 0);
    });
    assert.deepEqual(result, only({ drops: { 'datagram-too-long': 1 } }));
  });
});

describe('control messages', () => {
  const path = {
    encapsulation: 'udp' as const,
    localAddress: '192.0.2.2',
    localPort: 1701,
    peerAddress: '192.0.2.1',
    peerPort: 1701,
  };
  const hello = hex('c802 0014 0a0a 0000 0001 0001 8008 0000 0000 0006');

  test('one for a tunnel that is there goes to the main thread, from whatever port', () => {
    const harness = new Harness();
    harness.forwarder.tunnels.set(0x0a0a, path);
    assert.deepEqual(
      harness.receive(hello, { port: 4500, local: '192.0.2.3' }),
      only({ control: [{ path: '192.0.2.1 4500 > 192.0.2.3', packet: hello }] }),
    );
  });

  test('octets behind its Length stay behind', () => {
    const harness = new Harness();
    harness.forwarder.tunnels.set(0x0a0a, path);
    assert.equal(harness.receive(`${hello}0000`).control[0]!.packet, hello);
  });

  test('one from another address than the peer’s is dropped', () => {
    const harness = new Harness();
    harness.forwarder.tunnels.set(0x0a0a, path);
    assert.deepEqual(harness.receive(hello, { peer: '192.0.2.9' }), only({ drops: { 'control-wrong-peer': 1 } }));
  });

  test('a tunnel’s new path counts', () => {
    const harness = new Harness();
    harness.forwarder.tunnels.set(0x0a0a, path);
    harness.forwarder.tunnels.set(0x0a0a, { ...path, peerAddress: '2001:db8::9' });
    assert.equal(harness.receive(hello, { peer: '2001:db8::9', local: '2001:db8::1' }).control.length, 1);
  });

  test('one for a tunnel that is not there, or not any more, is dropped', () => {
    const harness = new Harness();
    assert.deepEqual(harness.receive(hello), only({ drops: { 'control-unknown-tunnel': 1 } }));
    harness.forwarder.tunnels.set(0x0a0a, path);
    harness.forwarder.tunnels.remove(0x0a0a);
    assert.deepEqual(harness.receive(hello), only({ drops: { 'control-unknown-tunnel': 1 } }));
  });

  for (const [name, flags] of [
    ['no Length', '8802'],
    ['no Ns and Nr', 'c002'],
    ['an Offset Size', 'ca02'],
  ]) {
    test(`one with ${name} is dropped (RFC 2661 section 3.1)`, () => {
      const harness = new Harness();
      harness.forwarder.tunnels.set(0x0a0a, path);
      const rest = flags === '8802' ? '0a0a 0000 0001 0001' : '0014 0a0a 0000 0001 0001 0000 0000 0000 0000';
      assert.deepEqual(harness.receive(hex(flags!, rest)), only({ drops: { 'control-flags': 1 } }));
    });
  }

  test('one with tunnel ID 0 goes to the lower queue', () => {
    const sccrq = hex('c802 0014 0000 0000 0000 0000 8008 0000 0000 0001');
    assert.deepEqual(
      new Harness().receive(sccrq),
      only({ strangers: [{ path: '192.0.2.1 1701 > 192.0.2.2', packet: sccrq }] }),
    );
  });

  test('of those with tunnel ID 0 one address gets 200 at once and 100 a second through, and others are not kept out', () => {
    const harness = new Harness({ batch: 256 });
    const sccrq = hex('c802 0014 0000 0000 0000 0000 8008 0000 0000 0001');
    const many = harness.receive(Array(250).fill(sccrq));
    assert.equal(many.strangers.length, 200);
    assert.deepEqual(many.drops, { 'stranger-rate': 50 });
    assert.equal(harness.receive(sccrq, { peer: '192.0.2.77' }).strangers.length, 1);
    harness.now_ms += 500;
    assert.equal(harness.receive(Array(250).fill(sccrq)).strangers.length, 50);
  });

  test('of those with tunnel ID 0 all addresses together get 1,000 at once through', () => {
    const harness = new Harness({ batch: 100 });
    const sccrq = hex('c802 0014 0000 0000 0000 0000 8008 0000 0000 0001');
    let passed = 0;
    for (let i = 0; i < 20; i++) {
      passed += harness.receive(Array(100).fill(sccrq), { peer: `198.51.100.${i}` }).strangers.length;
    }
    assert.equal(passed, 1000);
  });

  test('in a flood of requests from invented addresses, one that is repeated as RFC 2661 section 5.8 says goes through', () => {
    const harness = new Harness({ batch: 200 });
    const sccrq = hex('c802 0014 0000 0000 0000 0000 8008 0000 0000 0001');
    let host = 0;
    const flood = () => {
      let passed = 0;
      for (let i = 0; i < 200; i++, host++) {
        passed += harness.receive(sccrq, { peer: `10.${host >> 16}.${(host >> 8) & 0xff}.${host & 0xff}` }).strangers
          .length;
      }
      return passed;
    };
    const caller = { peer: '192.0.2.77', port: 1024 };
    let floodPassed = 0;
    const passedAt_ms: number[] = [];
    for (let time_ms = 0; time_ms <= 3000; time_ms += 20) {
      harness.now_ms += 20;
      floodPassed += flood();
      if (![200, 1200].includes(time_ms)) continue;
      if (harness.receive(sccrq, caller).strangers.length > 0) passedAt_ms.push(time_ms);
    }
    assert.deepEqual(passedAt_ms, [1200]);
    assert.ok(floodPassed < 1000 + 500 * 3.1, `${floodPassed} of the flood`);
  });

  test('what comes in a flood at once again from the same address is no repetition', () => {
    const harness = new Harness({ batch: 250 });
    const sccrq = hex('c802 0014 0000 0000 0000 0000 8008 0000 0000 0001');
    for (let i = 0; i < 20; i++) harness.receive(Array(250).fill(sccrq), { peer: `198.51.100.${i}` });
    assert.equal(harness.receive(sccrq, { peer: '192.0.2.77' }).strangers.length, 0);
    assert.equal(harness.receive(Array(9).fill(sccrq), { peer: '192.0.2.77' }).strangers.length, 0);
  });

  test('one tunnel gets 1,000 at once and 2,000 a second through, and keeps no other out', () => {
    const harness = new Harness({ batch: 250 });
    harness.forwarder.tunnels.set(0x0a0a, path);
    harness.forwarder.tunnels.set(0x0a0b, path);
    const burst = (packet: string) => {
      let passed = 0;
      for (let i = 0; i < 5; i++) passed += harness.receive(Array(250).fill(packet)).control.length;
      return passed;
    };
    assert.equal(burst(hello), 1000);
    assert.deepEqual(harness.receive(hello), only({ drops: { 'control-rate': 1 } }));
    assert.equal(harness.receive(hello.replace('0a0a', '0a0b')).control.length, 1);
    harness.now_ms += 100;
    assert.equal(burst(hello), 200);
    // A new tunnel that gets the ID does not pay for the old one; a new path changes nothing.
    harness.forwarder.tunnels.set(0x0a0a, { ...path, peerPort: 4500 });
    assert.equal(harness.receive(hello).control.length, 0);
    harness.forwarder.tunnels.remove(0x0a0a);
    harness.forwarder.tunnels.set(0x0a0a, path);
    assert.equal(harness.receive(hello).control.length, 1);
  });
});

describe('which session a data message belongs to', () => {
  const datagram = hex(HEADER, IPV4_FRAME, ipv4());

  test('a session that is not there', () => {
    assert.deepEqual(new Harness().receive(datagram), only({ drops: { 'unknown-session': 1 } }));
  });

  test('another tunnel’s ID', () => {
    const foreign = hex('0002 0a0b 0101', IPV4_FRAME, ipv4());
    assert.deepEqual(lns().receive(foreign), only({ drops: { 'wrong-tunnel': 1 } }));
  });

  test('D-Link DIR-300 puts tunnel ID 0 in headers: let through where the peer’s profile says so, and only there', () => {
    const zero = hex('0002 0000 0101', IPV4_FRAME, ipv4());
    assert.deepEqual(lns().receive(zero), only({ drops: { 'wrong-tunnel': 1 } }));
    assert.equal(lns({ allowTunnelIdZero: true }).receive(zero).toTun.length, 1);
    assert.equal(lns({ allowTunnelIdZero: true }).receive(datagram).toTun.length, 1);
  });

  test('another address than the peer’s', () => {
    assert.deepEqual(lns().receive(datagram, { peer: '192.0.2.3' }), only({ drops: { 'wrong-peer': 1 } }));
  });

  test('MikroTik’s UDP port may change: data is taken from any port', () => {
    assert.equal(lns().receive(datagram, { port: 40_000 }).toTun.length, 1);
  });

  test('the same bytes as an IPv6 address are another peer', () => {
    const drops = { 'wrong-peer': 1 };
    assert.deepEqual(lns().receive(datagram, { peer: '::192.0.2.1' }), only({ drops }));
  });

  test('a peer over IPv6', () => {
    const path = {
      encapsulation: 'udp' as const,
      localAddress: '2001:db8::2',
      localPort: 1701,
      peerAddress: '2001:db8::1',
      peerPort: 1701,
    };
    assert.equal(lns({ path }).receive(datagram, { peer: '2001:db8::1', local: '2001:db8::2' }).toTun.length, 1);
    assert.deepEqual(lns({ path }).receive(datagram, { peer: '2001:db8::3' }), only({ drops: { 'wrong-peer': 1 } }));
  });
});

describe('sequence numbers, RFC 2661 section 5.4', () => {
  const numbered = (ns: number) => hex('0802 0a0a 0101', u16(ns), '0000', IPV4_FRAME, ipv4());
  const passes = (harness: Harness, ns: number) => harness.receive(numbered(ns)).toTun.length === 1;

  test('the first number is taken as it is; what is not above the last is dropped', () => {
    const harness = lns();
    assert.equal(passes(harness, 15), true);
    assert.deepEqual(harness.receive(numbered(15)), only({ drops: { 'sequence-old': 1 } }));
    assert.deepEqual(harness.receive(numbered(14)), only({ drops: { 'sequence-old': 1 } }));
    assert.equal(passes(harness, 17), true);
    assert.equal(passes(harness, 16), false);
  });

  test('section 5.8’s example: after 15, 0 to 15 and 32784 to 65535 are old, 16 to 32783 are new', () => {
    for (const [ns, isNew] of [
      [0, false],
      [15, false],
      [16, true],
      [32_783, true],
      [32_784, false],
      [65_535, false],
    ] as const) {
      const harness = lns();
      passes(harness, 15);
      assert.equal(passes(harness, ns), isNew, `Ns ${ns}`);
    }
  });

  test('65535 is followed by 0', () => {
    const harness = lns();
    assert.equal(passes(harness, 65_535), true);
    assert.equal(passes(harness, 0), true);
  });

  test('a peer that counts anew is believed after eight old numbers in a row, and not before', () => {
    const harness = lns();
    passes(harness, 5000);
    const passed = Array.from({ length: 12 }, (_, ns) => passes(harness, ns));
    assert.deepEqual(passed, [...Array<boolean>(8).fill(false), ...Array<boolean>(4).fill(true)]);
  });

  test('old numbers that are repeated, or come between new ones, are late, however many they are', () => {
    const harness = lns();
    passes(harness, 5000);
    for (let i = 0; i < 50; i++) assert.equal(passes(harness, 4999), false);
    for (let i = 1; i < 50; i++) {
      assert.equal(passes(harness, 5000 + i), true);
      assert.equal(passes(harness, 4900 + i), false);
    }
  });

  test('a session that takes a row over starts afresh', () => {
    const harness = lns();
    passes(harness, 100);
    harness.forwarder.removeSession(0x0101, 7);
    harness.forwarder.addSession(lnsRow({ generation: 8 }));
    assert.equal(passes(harness, 3), true);
  });
});

describe('the PPP frame', () => {
  test('address and control field and half of the protocol field may be missing (RFC 1661 sections 6.5 and 6.6)', () => {
    const packet = ipv4();
    for (const start of ['ff03 0021', '0021', 'ff03 21', '21']) {
      assert.deepEqual(lns().receive(hex(HEADER, start, packet)), only({ toTun: [{ tun: 0, packet }] }), start);
    }
    for (const start of ['ff03 0057', '0057', 'ff03 57', '57']) {
      assert.equal(lns().receive(hex(HEADER, start, ipv6())).toTun.length, 1, start);
    }
  });

  test('every other protocol goes to the main thread with its session', () => {
    for (const [start, protocol] of [
      ['ff03 c021', 0xc021],
      ['c021', 0xc021],
      ['ff03 8021', 0x8021],
      ['80fd', 0x80fd],
      ['fd', 0x00fd],
    ] as const) {
      const ppp = [{ sessionId: 0x0101, protocol, information: '01010004' }];
      assert.deepEqual(lns().receive(hex(HEADER, start, '01010004')), only({ ppp }));
    }
  });

  test('a control frame is let through whichever network protocol is open, and is no traffic', () => {
    const harness = lns({ ipv4Open: false, ipv6Open: false });
    assert.equal(harness.receive(hex(HEADER, 'ff03 8021 01010004')).ppp.length, 1);
    assert.deepEqual(harness.session(), { receivedPackets: 0, receivedOctets: 0, sentPackets: 0, sentOctets: 0 });
  });

  test('one session gets 100 control frames at once and 50 a second through, and others are not kept out', () => {
    const harness = lns({}, { batch: 128 });
    harness.forwarder.addSession(lnsRow({ sessionId: 0x0102 }));
    const frame = hex(HEADER, 'ff03 c021 09010008 00000000');
    const many = harness.receive(Array(128).fill(frame));
    assert.equal(many.ppp.length, 100);
    assert.deepEqual(many.drops, { 'ppp-rate': 28 });
    assert.equal(harness.receive(hex('0002 0a0a 0102 ff03 c021 09010008 00000000')).ppp.length, 1);
    harness.now_ms += 1000;
    assert.equal(harness.receive(Array(128).fill(frame)).ppp.length, 50);
  });
});

describe('IPv4 from the peer', () => {
  const receive = (harness: Harness, packet: string) => harness.receive(hex(HEADER, IPV4_FRAME, packet));

  test('IPCP is not open', () => {
    assert.deepEqual(receive(lns({ ipv4Open: false }), ipv4()), only({ drops: { 'ipv4-not-open': 1 } }));
  });

  test('octets behind the total length are padding and go', () => {
    const packet = ipv4();
    assert.deepEqual(receive(lns(), `${packet}0000`), only({ toTun: [{ tun: 0, packet }] }));
  });

  const good = ipv4();
  const malformed: [name: string, packet: string][] = [
    ['less than a header', good.slice(0, 38)],
    ['another version', `65${good.slice(2)}`],
    ['a header length below 5 words', `44${good.slice(2)}`],
    ['a header length above the total length', `4f${good.slice(2)}`],
    ['a total length above the frame', hex(good.slice(0, 4), '0019', good.slice(8))],
    ['a total length below the header', hex(good.slice(0, 4), '0013', good.slice(8))],
    ['nothing', ''],
  ];
  for (const [name, packet] of malformed) {
    test(`${name} is malformed`, () => {
      assert.deepEqual(receive(lns(), packet), only({ drops: { 'ipv4-malformed': 1 } }));
    });
  }

  test('anti-spoofing: a source that is not the user’s', () => {
    for (const source of ['10.64.0.8', '0.0.0.0', '127.0.0.1', '198.51.100.9']) {
      assert.deepEqual(receive(lns(), ipv4({ source })), only({ drops: { 'source-not-allowed': 1 } }), source);
    }
  });

  test('anti-spoofing: a network behind the user is the user’s', () => {
    const harness = lns({ sources: ['10.64.0.7/32', '172.16.4.0/22'] });
    assert.equal(receive(harness, ipv4({ source: '172.16.7.255' })).toTun.length, 1);
    assert.deepEqual(receive(harness, ipv4({ source: '172.16.8.0' })).drops, { 'source-not-allowed': 1 });
  });

  test('anti-spoofing: a session with no address may send nothing, one with 0.0.0.0/0 everything', () => {
    assert.deepEqual(receive(lns({ sources: [] }), ipv4()).drops, { 'source-not-allowed': 1 });
    assert.equal(receive(lns({ sources: ['0.0.0.0/0'] }), ipv4({ source: '8.8.8.8' })).toTun.length, 1);
  });

  test('macOS and Windows send DHCPINFORM over PPP: UDP to port 67 goes to the main thread', () => {
    const packet = ipv4({ destination: '255.255.255.255', protocol: 17, payload: udp(67) });
    const ppp = [{ sessionId: 0x0101, protocol: 0x0021, information: packet }];
    assert.deepEqual(receive(lns(), `${packet}0000`), only({ ppp }));
  });

  test('UDP to another port, a later fragment and a cut-off UDP header are packets like others', () => {
    for (const packet of [
      ipv4({ protocol: 17, payload: udp(68) }),
      ipv4({ protocol: 17, fragment: 0x0010, payload: udp(67) }),
      ipv4({ protocol: 17, payload: '0044 0043' }),
      ipv4({ protocol: 6, payload: udp(67) }),
    ]) {
      assert.deepEqual(receive(lns(), packet), only({ toTun: [{ tun: 0, packet }] }));
    }
  });

  test('the packet is counted with its own octets (RFC 2866 section 5.3)', () => {
    const harness = lns();
    receive(harness, ipv4());
    receive(harness, ipv4({ payload: '00'.repeat(100) }));
    receive(harness, ipv4({ source: '10.64.0.8' }));
    assert.deepEqual(harness.session(), { receivedPackets: 2, receivedOctets: 144, sentPackets: 0, sentOctets: 0 });
  });
});

describe('IPv6 from the peer', () => {
  const receive = (harness: Harness, packet: string) => harness.receive(hex(HEADER, IPV6_FRAME, packet));

  test('IPV6CP is not open, not even for link-local packets', () => {
    const harness = lns({ ipv6Open: false });
    assert.deepEqual(receive(harness, ipv6()), only({ drops: { 'ipv6-not-open': 1 } }));
    assert.deepEqual(receive(harness, ipv6({ source: 'fe80::1' })), only({ drops: { 'ipv6-not-open': 1 } }));
  });

  test('octets behind the payload length are padding and go', () => {
    const packet = ipv6();
    assert.deepEqual(receive(lns(), `${packet}0000`), only({ toTun: [{ tun: 0, packet }] }));
  });

  const good = ipv6();
  const malformed: [name: string, packet: string][] = [
    ['less than a header', good.slice(0, 78)],
    ['another version', `4${good.slice(1)}`],
    ['a payload length above the frame', hex(good.slice(0, 8), '0005', good.slice(12))],
  ];
  for (const [name, packet] of malformed) {
    test(`${name} is malformed`, () => {
      assert.deepEqual(receive(lns(), packet), only({ drops: { 'ipv6-malformed': 1 } }));
    });
  }

  test('anti-spoofing: within the user’s prefix and without', () => {
    assert.equal(receive(lns(), ipv6({ source: '2001:db8:7::ffff' })).toTun.length, 1);
    for (const source of ['2001:db8:7:1::7', '::', '::1', '::ffff:10.64.0.7']) {
      assert.deepEqual(receive(lns(), ipv6({ source })), only({ drops: { 'source-not-allowed': 1 } }), source);
    }
  });

  test('link-local scope goes to the main thread: fe80::/10 at either end, ff02::/16', () => {
    for (const fields of [
      { source: 'fe80::7', destination: 'fe80::1' },
      { source: 'febf::7' },
      { source: '2001:db8:7::7', destination: 'fe80::1' },
      { source: '::', destination: 'ff02::1:ff00:7' },
      { source: '2001:db8:7::7', destination: 'ff12::1' },
    ]) {
      const packet = ipv6(fields);
      const ppp = [{ sessionId: 0x0101, protocol: 0x0057, information: packet }];
      assert.deepEqual(receive(lns(), packet), only({ ppp }));
    }
    assert.deepEqual(receive(lns(), ipv6({ source: 'fec0::7' })).drops, { 'source-not-allowed': 1 });
  });

  test('UDP to port 547 goes to the main thread', () => {
    const packet = ipv6({ nextHeader: 17, payload: udp(547) });
    const ppp = [{ sessionId: 0x0101, protocol: 0x0057, information: packet }];
    assert.deepEqual(receive(lns(), packet), only({ ppp }));
    assert.equal(receive(lns(), ipv6({ nextHeader: 17, payload: udp(546) })).toTun.length, 1);
    assert.equal(receive(lns(), ipv6({ nextHeader: 17, payload: '0222 0223' })).toTun.length, 1);
  });
});

describe('at a LAC client', () => {
  function client(): Harness {
    const harness = new Harness();
    harness.forwarder.addSession(lacRow());
    return harness;
  }

  test('any source may send to what is behind this end, and nothing else is reached', () => {
    const inside = ipv4({ source: '8.8.8.8', destination: '10.64.0.7' });
    assert.deepEqual(client().receive(hex(HEADER, IPV4_FRAME, inside)), only({ toTun: [{ tun: 1, packet: inside }] }));
    const outside = ipv4({ source: '8.8.8.8', destination: '192.168.1.1' });
    const drops = { 'destination-not-allowed': 1 };
    assert.deepEqual(client().receive(hex(HEADER, IPV4_FRAME, outside)), only({ drops }));
  });

  test('the same over IPv6', () => {
    const inside = ipv6({ source: '2001:db8:9::9', destination: '2001:db8:7::7' });
    assert.deepEqual(client().receive(hex(HEADER, IPV6_FRAME, inside)), only({ toTun: [{ tun: 1, packet: inside }] }));
    const outside = ipv6({ source: '2001:db8:9::9', destination: '2001:db8:8::1' });
    const drops = { 'destination-not-allowed': 1 };
    assert.deepEqual(client().receive(hex(HEADER, IPV6_FRAME, outside)), only({ drops }));
  });

  test('link-local IPv6 goes to the main thread; a DHCP server behind this end is reached', () => {
    const linkLocal = ipv6({ source: 'fe80::1', destination: 'fe80::7' });
    assert.equal(client().receive(hex(HEADER, IPV6_FRAME, linkLocal)).ppp.length, 1);
    const dhcp = ipv4({ source: '8.8.8.8', destination: '10.64.0.7', protocol: 17, payload: udp(67) });
    assert.equal(client().receive(hex(HEADER, IPV4_FRAME, dhcp)).toTun.length, 1);
    const dhcpv6 = ipv6({ destination: '2001:db8:7::7', nextHeader: 17, payload: udp(547) });
    assert.equal(client().receive(hex(HEADER, IPV6_FRAME, dhcpv6)).toTun.length, 1);
  });
});
