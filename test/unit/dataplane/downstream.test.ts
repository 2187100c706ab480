/** From a TUN device outwards: which session, the headers in front, and what does not fit (RFC 791, 1191, 8200, 2661). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bytesOf, Harness, hex, LOCAL, lacRow, lnsRow, only, PEER } from './harness.js';
import { ipv4, ipv6 } from './packets.js';

const TO_USER = { source: '198.51.100.9', destination: '10.64.0.7' };
const TO_USER_IPV6 = { source: '2001:db8:9::9', destination: '2001:db8:7::7' };
const HEADER = '0002 0b0b 0202';

function lns(changes: Parameters<typeof lnsRow>[0] = {}, options = {}): Harness {
  const harness = new Harness(options);
  harness.forwarder.addSession(lnsRow(changes));
  return harness;
}

/** What goes to the user's peer. */
function sent(...parts: string[]) {
  return { to: `${PEER} 1701`, from: LOCAL, packet: hex(...parts) };
}

describe('which session a packet goes to', () => {
  test('that of the destination address', () => {
    const packet = ipv4(TO_USER);
    assert.deepEqual(lns().fromTun(packet), only({ toPeers: [sent(HEADER, 'ff03 0021', packet)] }));
  });

  test('that of the destination prefix, over IPv6', () => {
    const packet = ipv6(TO_USER_IPV6);
    assert.deepEqual(lns().fromTun(packet), only({ toPeers: [sent(HEADER, 'ff03 0057', packet)] }));
  });

  test('the longest prefix decides', () => {
    const harness = lns({ sources: ['10.64.0.0/16'] });
    harness.forwarder.addSession(lnsRow({ sessionId: 0x0102, peerSessionId: 0x0303, sources: ['10.64.1.0/24'] }));
    const to = (destination: string) => harness.fromTun(ipv4({ destination })).toPeers[0]?.packet.slice(8, 12);
    assert.equal(to('10.64.0.9'), '0202');
    assert.equal(to('10.64.1.9'), '0303');
    assert.equal(to('10.65.0.1'), undefined);
  });

  test('a peer over IPv6, and a port that is not 1701', () => {
    const path = {
      encapsulation: 'udp' as const,
      localAddress: '2001:db8::2',
      localPort: 1701,
      peerAddress: '2001:db8::1',
      peerPort: 4500,
    };
    const packet = ipv4(TO_USER);
    const toPeers = [{ to: '2001:db8::1 4500', from: '2001:db8::2', packet: hex(HEADER, 'ff03 0021', packet) }];
    assert.deepEqual(lns({ path }).fromTun(packet), only({ toPeers }));
  });

  test('a tunnel’s path without a local address leaves the choice to the kernel', () => {
    const path = {
      encapsulation: 'udp' as const,
      localAddress: '',
      localPort: 1701,
      peerAddress: PEER,
      peerPort: 1701,
    };
    assert.equal(lns({ path }).fromTun(ipv4(TO_USER)).toPeers[0]!.from, '');
  });

  test('a destination that no session holds', () => {
    const drops = { 'no-session-for-destination': 1 };
    assert.deepEqual(lns().fromTun(ipv4({ destination: '10.64.0.8' })), only({ drops }));
    assert.deepEqual(lns().fromTun(ipv6({ destination: '2001:db8:8::7' })), only({ drops }));
  });

  test('a session of another TUN device is not reached', () => {
    const drops = { 'no-session-for-destination': 1 };
    assert.deepEqual(lns().fromTun(ipv4(TO_USER), 5), only({ drops }));
  });

  test('what comes from a LAC client’s TUN device goes to its row, whatever the destination', () => {
    const harness = lns();
    harness.forwarder.addSession(lacRow({ sessionId: 0x0102, peerSessionId: 0x0303 }));
    const packet = ipv4({ source: '10.64.0.7', destination: '10.64.0.7' });
    const toPeers = [sent('0002 0b0b 0303', 'ff03 0021', packet)];
    assert.deepEqual(harness.fromTun(packet, 1), only({ toPeers }));
  });

  test('a network protocol that is not open', () => {
    const drops4 = { 'ipv4-not-open': 1 };
    assert.deepEqual(lns({ ipv4Open: false }).fromTun(ipv4(TO_USER)), only({ drops: drops4 }));
    const drops6 = { 'ipv6-not-open': 1 };
    assert.deepEqual(lns({ ipv6Open: false }).fromTun(ipv6(TO_USER_IPV6)), only({ drops: drops6 }));
  });

  test('what the kernel says on a link of its own stays here', () => {
    const harness = new Harness();
    harness.forwarder.addSession(lacRow());
    for (const fields of [
      { source: 'fe80::99', destination: 'ff02::2' },
      { source: '::', destination: 'ff02::16' },
      { source: '2001:db8:7::7', destination: 'fe80::1' },
    ]) {
      assert.deepEqual(harness.fromTun(ipv6(fields), 1), only({ drops: { 'link-local-scope': 1 } }));
    }
  });

  const good = ipv4(TO_USER);
  for (const [name, packet] of [
    ['an empty read', ''],
    ['less than an IPv4 header', good.slice(0, 30)],
    ['a total length above what came', hex(good.slice(0, 4), '0019', good.slice(8))],
    ['less than an IPv6 header', ipv6(TO_USER_IPV6).slice(0, 60)],
    ['another version', `5${good.slice(1)}`],
  ]) {
    test(`${name} is malformed`, () => {
      assert.deepEqual(lns().fromTun(packet!), only({ drops: { 'tun-malformed': 1 } }));
    });
  }

  test('what fills a slot may be cut off, and is dropped', () => {
    const harness = lns({ mtu_bytes: 1984 });
    const result = harness.observe(() => {
      harness.fill(ipv4(TO_USER));
      harness.input.length_bytes[0] = 1984;
      harness.forwarder.forwardDownstream(harness.input, 0, 0);
    });
    assert.deepEqual(result, only({ drops: { 'tun-malformed': 1 } }));
  });

  test('the packet is counted with its own octets (RFC 2866 section 5.3)', () => {
    const harness = lns();
    harness.fromTun([ipv4(TO_USER), ipv6(TO_USER_IPV6), ipv4({ destination: '10.64.0.8' })]);
    assert.deepEqual(harness.session(), { receivedPackets: 0, receivedOctets: 0, sentPackets: 2, sentOctets: 68 });
  });
});

describe('the headers in front', () => {
  const packet = ipv4(TO_USER);
  const packet6 = ipv6(TO_USER_IPV6);
  const start = (harness: Harness, from = packet) => {
    const { packet: datagram } = harness.fromTun(from).toPeers[0]!;
    assert.equal(datagram.slice(-from.length), from, 'the packet itself is unchanged');
    return datagram.slice(0, -from.length);
  };

  for (const [acfc, pfc, ipv4Start, ipv6Start] of [
    [false, false, 'ff030021', 'ff030057'],
    [true, false, '0021', '0057'],
    [false, true, 'ff0321', 'ff0357'],
    [true, true, '21', '57'],
  ] as const) {
    test(`ACFC ${acfc}, PFC ${pfc} (RFC 1661 sections 6.5 and 6.6)`, () => {
      const harness = lns({ transmitAcfc: acfc, transmitPfc: pfc });
      assert.equal(start(harness), hex(HEADER, ipv4Start));
      assert.equal(start(harness, packet6), hex(HEADER, ipv6Start));
    });
  }

  test('BT-style LACs require FF 03: always sent where the peer’s profile says so, ACFC or not', () => {
    const harness = lns({ transmitAcfc: true, addressControl: 'always' });
    assert.equal(start(harness), hex(HEADER, 'ff030021'));
    harness.receive(hex('0002 0a0a 0101 c021 01010004'));
    assert.equal(start(harness), hex(HEADER, 'ff030021'));
  });

  test('a peer whose LCP comes without FF 03 gets none, until it comes with FF 03', () => {
    const harness = lns();
    assert.equal(start(harness), hex(HEADER, 'ff030021'));
    harness.receive(hex('0002 0a0a 0101 c021 01010004'));
    assert.equal(start(harness), hex(HEADER, '0021'));
    harness.receive(hex('0002 0a0a 0101 ff03 c021 01010004'));
    assert.equal(start(harness), hex(HEADER, 'ff030021'));
  });

  test('data without FF 03 says nothing: the peer may have negotiated ACFC for its own direction', () => {
    const harness = lns();
    harness.receive(hex('0002 0a0a 0101 21', ipv4()));
    assert.equal(start(harness), hex(HEADER, 'ff030021'));
  });

  test('numbered from 0 on, Nr 0, and 65535 is followed by 0 (RFC 2661 section 5.4)', () => {
    const harness = lns({ sequencing: true });
    assert.equal(start(harness), hex('0802 0b0b 0202 0000 0000 ff03 0021'));
    assert.equal(start(harness, packet6), hex('0802 0b0b 0202 0001 0000 ff03 0057'));
    harness.forwarder.sessions.nextNs[harness.forwarder.sessions.find(0x0101, 7)] = 0xffff;
    assert.equal(start(harness), hex('0802 0b0b 0202 ffff 0000 ff03 0021'));
    assert.equal(start(harness), hex('0802 0b0b 0202 0000 0000 ff03 0021'));
  });

  test('sequencing that is switched off and on again goes on with the next number', () => {
    const harness = lns({ sequencing: true });
    start(harness);
    const change = (sequencing: boolean) =>
      harness.forwarder.updateSession({
        type: 'session-update',
        sessionId: 0x0101,
        generation: 7,
        changes: { sequencing },
      });
    change(false);
    assert.equal(start(harness), hex(HEADER, 'ff03 0021'));
    change(true);
    assert.equal(start(harness), hex('0802 0b0b 0202 0001 0000 ff03 0021'));
  });

  test('the LAC’s end numbers while the LNS does (RFC 2661 section 5.4), the LNS’s as configured', () => {
    const harness = new Harness();
    harness.forwarder.addSession(lacRow());
    const flags = () => harness.fromTun(packet, 1).toPeers[0]!.packet.slice(0, 4);
    assert.equal(flags(), '0002');
    harness.receive(hex('0802 0a0a 0101 0000 0000 ff03 c021 01010004'));
    assert.equal(flags(), '0802');
    harness.receive(hex('0002 0a0a 0101 ff03 c021 01010004'));
    assert.equal(flags(), '0002');

    const server = lns();
    server.receive(hex('0802 0a0a 0101 0000 0000 ff03 c021 01010004'));
    assert.equal(start(server), hex(HEADER, 'ff03 0021'));
  });
});

describe('a packet that is larger than the session takes', () => {
  const DONT_FRAGMENT = 0x4000;
  const payload = (length_bytes: number) =>
    Array.from({ length: length_bytes }, (_, i) => (i & 0xff).toString(16).padStart(2, '0')).join('');

  test('one that just fits goes', () => {
    const packet = ipv4({ ...TO_USER, fragment: DONT_FRAGMENT, payload: payload(1380) });
    assert.equal(lns().fromTun(packet).toPeers.length, 1);
  });

  test('IPv4 with DF: fragmentation needed, with the MTU, from the destination (RFC 1191 section 4)', () => {
    const packet = ipv4({ ...TO_USER, fragment: DONT_FRAGMENT, payload: payload(1381) });
    const { toTun, toPeers, drops } = lns().fromTun(packet);
    assert.deepEqual([toPeers, drops], [[], { 'too-big': 1 }]);
    const [answer] = toTun;
    assert.equal(answer!.tun, 0);
    const icmp = answer!.packet.slice(40);
    assert.equal(answer!.packet.slice(24, 40), hex('0a400007 c6336409'), 'from 10.64.0.7 to 198.51.100.9');
    assert.equal(icmp.slice(0, 4), '0304');
    assert.equal(icmp.slice(8, 16), '00000578', '1,400 bytes');
    assert.equal(icmp.slice(16), packet.slice(0, 2 * (576 - 28)));
  });

  test('IPv6: packet too big, with the MTU, from the destination (RFC 4443 section 3.2)', () => {
    const packet = ipv6({ ...TO_USER_IPV6, payload: payload(1361) });
    const { toTun, toPeers, drops } = lns().fromTun(packet);
    assert.deepEqual([toPeers, drops], [[], { 'too-big': 1 }]);
    const answer = toTun[0]!.packet;
    assert.equal(answer.slice(16, 48), packet.slice(48, 80));
    assert.equal(answer.slice(48, 80), packet.slice(16, 48));
    assert.equal(answer.slice(80, 84), '0200');
    assert.equal(answer.slice(88, 96), '00000578');
  });

  test('an ICMP error is answered with nothing (RFC 1812 section 4.3.2.7)', () => {
    const packet = ipv4({ ...TO_USER, protocol: 1, fragment: DONT_FRAGMENT, payload: `0301${payload(1400)}` });
    assert.deepEqual(lns().fromTun(packet), only({ drops: { 'too-big': 1 } }));
  });

  test('of one session 20 are answered at once and 50 a second', () => {
    const harness = lns({}, { batch: 64, buildSlots: 64 });
    const packet = ipv4({ ...TO_USER, fragment: DONT_FRAGMENT, payload: payload(1381) });
    assert.equal(harness.fromTun(Array(64).fill(packet)).toTun.length, 20);
    harness.now_ms += 200;
    assert.equal(harness.fromTun(Array(64).fill(packet)).toTun.length, 10);
  });

  test('IPv4 without DF: two fragments (RFC 791 section 3.2)', () => {
    const data = payload(1400);
    const packet = ipv4({ ...TO_USER, payload: data });
    const { toPeers, drops } = lns({ sequencing: true }).fromTun(packet);
    assert.deepEqual(drops, {});
    // 1,400 bytes take a header of 20 and 1,376 of data, the most that is a multiple of 8.
    const first = ipv4({ ...TO_USER, fragment: 0x2000, payload: data.slice(0, 2 * 1376) });
    const second = ipv4({ ...TO_USER, fragment: 1376 / 8, payload: data.slice(2 * 1376) });
    assert.deepEqual(
      toPeers.map(({ packet: datagram }) => datagram),
      [hex('0802 0b0b 0202 0000 0000 ff03 0021', first), hex('0802 0b0b 0202 0001 0000 ff03 0021', second)],
    );
  });

  test('a fragment is cut on: offsets go on from its own, and the last keeps its more-fragments flag', () => {
    const data = payload(1200);
    const packet = ipv4({ ...TO_USER, fragment: 0x2000 | 100, payload: data });
    const { toPeers } = lns({ mtu_bytes: 576 }).fromTun(packet);
    const expected = [0, 552, 1104].map((from) =>
      hex(
        HEADER,
        'ff03 0021',
        ipv4({ ...TO_USER, fragment: 0x2000 | (100 + from / 8), payload: data.slice(2 * from, 2 * (from + 552)) }),
      ),
    );
    assert.deepEqual(
      toPeers.map(({ packet: datagram }) => datagram),
      expected,
    );
  });

  test('of the options those marked as copied are in every fragment (RFC 791 section 3.1)', () => {
    // No-operation, record route (7: not copied), router alert (148: copied), end.
    const options = '01 0703 04 94040000 00000000';
    const data = payload(1400);
    const { toPeers } = lns().fromTun(ipv4({ ...TO_USER, options, payload: data }));
    const [first, second] = toPeers.map(({ packet: datagram }) => datagram.slice(20));
    const each_bytes = 1368;
    assert.equal(first, ipv4({ ...TO_USER, options, fragment: 0x2000, payload: data.slice(0, 2 * each_bytes) }));
    const rest = data.slice(2 * each_bytes);
    assert.equal(second, ipv4({ ...TO_USER, options: '94040000', fragment: each_bytes / 8, payload: rest }));
  });

  test('where no slots are left for the fragments, none goes', () => {
    const packet = ipv4({ ...TO_USER, payload: payload(1400) });
    const { toPeers, drops } = lns({}, { batch: 3, buildSlots: 2 }).fromTun([packet, packet, packet]);
    assert.equal(toPeers.length, 4);
    assert.deepEqual(drops, { 'no-buffer': 1 });
  });

  test('what a link takes may be too little for a fragment', () => {
    const packet = ipv4({ ...TO_USER, payload: payload(100) });
    assert.deepEqual(lns({ mtu_bytes: 27 }).fromTun(packet), only({ drops: { 'too-big': 1 } }));
  });

  test('each fragment’s payload joined is the packet’s payload', () => {
    const data = payload(1900);
    const { toPeers } = lns({ mtu_bytes: 100 }, { buildSlots: 32 }).fromTun(ipv4({ ...TO_USER, payload: data }));
    const joined = toPeers.map(({ packet: datagram }) => {
      const packet = datagram.slice(20);
      assert.ok(bytesOf(packet).length <= 100);
      return packet.slice(40);
    });
    assert.equal(joined.join(''), data);
  });
});
