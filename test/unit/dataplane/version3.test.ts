/** L2TP version 3 over UDP and over IP: RFC 3931 sections 3.2.1, 4.1 and 4.6, and appendix C. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FIRST_PPPOE_ROW_ID, type SessionRow } from '../../../firmware/dataplane/interface.js';
import { bytesOf, type From, Harness, hex, IP_PATH, LOCAL, lnsRow, only, PEER, version3Row } from './harness.js';
import { ipv4 } from './packets.js';

const UDP_PATH = lnsRow().path;
const OVER_IP: From = { encapsulation: 'ip' };
const SESSION = '87654321';
const PEER_SESSION = 'fedcba98';
const COOKIE = 'c1c2c3c4 c5c6c7c8';
const PEER_COOKIE = 'd1d2d3d4 d5d6d7d8';
const FRAME = hex('ff03 0021', ipv4());
const TO_TUN = only({ toTun: [{ tun: 0, packet: ipv4() }] });
const TO_USER = ipv4({ source: '198.51.100.9', destination: '10.64.0.7' });

function lns(changes: Partial<SessionRow> = {}): Harness {
  const harness = new Harness();
  harness.forwarder.addSession(version3Row(changes));
  return harness;
}

function dropped(reason: string) {
  return only({ drops: { [reason]: 1 } });
}

/** What goes to the peer over IP. */
function sent(...parts: string[]) {
  return only({ toPeers: [{ to: `${PEER} ip`, from: LOCAL, packet: hex(...parts) }] });
}

describe('data messages of version 3 from the peer, RFC 3931 section 4.1', () => {
  for (const [octets, cookie] of [
    [0, ''],
    [4, 'c1c2c3c4'],
    [8, COOKIE],
  ] as const) {
    test(`over IP: Session ID and a cookie of ${octets} octets (section 4.1.1.1)`, () => {
      assert.deepEqual(lns({ localCookie: bytesOf(cookie) }).receive(hex(SESSION, cookie, FRAME), OVER_IP), TO_TUN);
    });

    test(`over UDP: flags and version before Session ID and a cookie of ${octets} octets (section 4.1.2.1)`, () => {
      const harness = lns({ path: UDP_PATH, localCookie: bytesOf(cookie) });
      assert.deepEqual(harness.receive(hex('0003 0000', SESSION, cookie, FRAME)), TO_TUN);
    });
  }

  test('over UDP all bits but T and Ver are reserved and ignored, those too that mean something in version 2', () => {
    const harness = lns({ path: UDP_PATH });
    assert.deepEqual(harness.receive(hex('7ff3 ffff', SESSION, COOKIE, FRAME)), TO_TUN);
  });

  test('over UDP the peer’s port may change, over IP there is none', () => {
    const harness = lns({ path: UDP_PATH });
    assert.deepEqual(harness.receive(hex('0003 0000', SESSION, COOKIE, FRAME), { port: 40_000 }), TO_TUN);
  });

  test('over IPv6', () => {
    const path = { ...IP_PATH, localAddress: '2001:db8::2', peerAddress: '2001:db8::1' };
    const from = { ...OVER_IP, peer: '2001:db8::1', local: '2001:db8::2' };
    assert.deepEqual(lns({ path }).receive(hex(SESSION, COOKIE, FRAME), from), TO_TUN);
    const to = [
      { to: '2001:db8::1 ip', from: '2001:db8::2', packet: hex(PEER_SESSION, PEER_COOKIE, 'ff03 0021', TO_USER) },
    ];
    assert.deepEqual(lns({ path }).fromTun(TO_USER), only({ toPeers: to }));
  });

  test('Session IDs from 1 to those of PPPoE, of both versions, are kept apart', () => {
    const harness = new Harness({ batch: 8 });
    const ids = [1, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, FIRST_PPPOE_ROW_ID - 1];
    for (const [tun, sessionId] of ids.entries()) harness.forwarder.addSession(version3Row({ sessionId, tun }));
    harness.forwarder.addSession(lnsRow({ sessionId: 2, tun: 9 }));
    for (const [tun, sessionId] of ids.entries()) {
      const packet = hex(sessionId.toString(16).padStart(8, '0'), COOKIE, FRAME);
      assert.equal(harness.receive(packet, OVER_IP).toTun[0]?.tun, tun, `${sessionId}`);
      assert.notEqual(harness.session({ sessionId }), undefined);
    }
    assert.equal(harness.receive(hex('0002 0a0a 0002', FRAME)).toTun[0]?.tun, 9);
  });

  test('Session IDs that are none, and cookies of another length, are faults of the caller', () => {
    const add = (changes: Partial<SessionRow>) => () => lns(changes);
    assert.throws(add({ sessionId: 0 }), /session ID 0/);
    assert.throws(add({ sessionId: FIRST_PPPOE_ROW_ID }), /session ID/);
    for (const length of [1, 3, 5, 16]) assert.throws(add({ localCookie: new Uint8Array(length) }), /a cookie of/);
  });

  test('PPP control frames go to the main thread with their session', () => {
    assert.deepEqual(
      lns().receive(hex(SESSION, COOKIE, 'ff03 c021 09010008 00000000'), OVER_IP),
      only({ ppp: [{ sessionId: 0x8765_4321, protocol: 0xc021, information: '0901000800000000' }] }),
    );
  });
});

describe('the cookie, RFC 3931 section 4.1', () => {
  const wrong: [name: string, packet: string][] = [
    ['the first bit', hex('41c2c3c4 c5c6c7c8', FRAME)],
    ['the last bit of the first word', hex('c1c2c3c5 c5c6c7c8', FRAME)],
    ['the last bit of all', hex('c1c2c3c4 c5c6c7c9', FRAME)],
    ['half of it missing', hex('c1c2c3c4', FRAME)],
    ['all of it missing', FRAME],
    ['an end within it', 'c1c2c3c4 c5c6c7'],
    ['nothing behind the Session ID', ''],
  ];
  for (const [name, rest] of wrong) {
    test(`is wrong: ${name}`, () => {
      assert.deepEqual(lns().receive(hex(SESSION, rest), OVER_IP), dropped('wrong-cookie'));
      const overUdp = lns({ path: UDP_PATH });
      assert.deepEqual(overUdp.receive(hex('0003 0000', SESSION, rest)), dropped('wrong-cookie'));
    });
  }

  test('what an earlier packet left behind a short one in the slot is no cookie', () => {
    const harness = lns();
    harness.receive(hex(SESSION, COOKIE, FRAME), OVER_IP);
    assert.deepEqual(harness.receive(SESSION, OVER_IP), dropped('wrong-cookie'));
  });

  test('a cookie where none is wanted is part of the frame', () => {
    const harness = lns({ localCookie: new Uint8Array(0) });
    const { ppp } = harness.receive(hex(SESSION, COOKIE, FRAME), OVER_IP);
    assert.equal(ppp[0]?.protocol, 0xc1);
  });

  test('is looked at before anything else that may be wrong', () => {
    const badCookie = '00000000 00000000';
    const harness = lns({ localSublayer: true });
    assert.deepEqual(
      harness.receive(hex(SESSION, badCookie), { ...OVER_IP, peer: '192.0.2.3' }),
      dropped('wrong-cookie'),
    );
    assert.deepEqual(harness.receive(hex('0003 0000', SESSION, badCookie)), dropped('wrong-cookie'));
  });

  test('changes with the session, to another length as well', () => {
    const harness = lns();
    const changes = { localCookie: bytesOf('a1a2a3a4'), peerCookie: bytesOf('b1b2b3b4') };
    harness.forwarder.updateSession({ type: 'session-update', sessionId: 0x8765_4321, generation: 7, changes });
    assert.deepEqual(harness.receive(hex(SESSION, COOKIE, FRAME), OVER_IP), dropped('wrong-cookie'));
    assert.deepEqual(harness.receive(hex(SESSION, 'a1a2a3a4', FRAME), OVER_IP), TO_TUN);
    assert.deepEqual(harness.fromTun(TO_USER), sent(PEER_SESSION, 'b1b2b3b4 ff03 0021', TO_USER));
  });
});

describe('data messages that are dropped', () => {
  const good = hex(SESSION, COOKIE, FRAME);

  test('an unknown session', () => {
    assert.deepEqual(new Harness().receive(good, OVER_IP), dropped('unknown-session'));
    assert.deepEqual(new Harness().receive(hex('0003 0000', good)), dropped('unknown-session'));
  });

  test('Session ID 0 over UDP, where the T bit says what is control', () => {
    assert.deepEqual(lns({ path: UDP_PATH }).receive(hex('0003 0000 00000000', FRAME)), dropped('unknown-session'));
  });

  test('another address than the peer’s', () => {
    assert.deepEqual(lns().receive(good, { ...OVER_IP, peer: '192.0.2.3' }), dropped('wrong-peer'));
  });

  test('another encapsulation or version than the session’s', () => {
    const wrong = dropped('wrong-encapsulation');
    assert.deepEqual(lns().receive(hex('0003 0000', good)), wrong, 'UDP for a session over IP');
    assert.deepEqual(lns({ path: UDP_PATH }).receive(good, OVER_IP), wrong, 'IP for a session over UDP');
    const small = lns({ sessionId: 0x0101, path: UDP_PATH });
    assert.deepEqual(small.receive(hex('0002 0a0a 0101', FRAME)), wrong, 'version 2 for a session of version 3');
    const version2 = new Harness();
    version2.forwarder.addSession(lnsRow());
    assert.deepEqual(version2.receive(hex('0003 0000 00000101', FRAME)), wrong, 'version 3 for one of version 2');
    assert.deepEqual(version2.receive(hex('00000101', FRAME), OVER_IP), wrong, 'IP for one of version 2');
  });

  const short: [name: string, datagram: string, from: From][] = [
    ['nothing over IP', '', OVER_IP],
    ['an end within the Session ID over IP', '876543', OVER_IP],
    ['an end within the flags over UDP', '0003 0000', {}],
    ['an end within the Session ID over UDP', '0003 0000 8765', {}],
  ];
  for (const [name, datagram, from] of short) {
    test(`${name}: header-truncated`, () => {
      assert.deepEqual(lns().receive(datagram, from), dropped('header-truncated'));
    });
  }

  test('nothing behind the header', () => {
    assert.deepEqual(lns().receive(hex(SESSION, COOKIE), OVER_IP), dropped('ppp-truncated'));
  });

  test('one longer than a slot is dropped whole', () => {
    const harness = lns();
    const result = harness.observe(() => {
      harness.fill(good);
      harness.input.length_bytes[0] = 1985;
      harness.forwarder.forwardUpstream(harness.input, 'ip', 0);
    });
    assert.deepEqual(result, dropped('datagram-too-long'));
  });
});

describe('the Default L2-Specific Sublayer, RFC 3931 section 4.6', () => {
  const numbered = (ns: number) => hex(SESSION, COOKIE, '40', ns.toString(16).padStart(6, '0'), FRAME);
  const passes = (harness: Harness, ns: number) => harness.receive(numbered(ns), OVER_IP).toTun.length === 1;

  test('without the S bit the number is ignored, and so are the reserved bits', () => {
    const harness = lns({ localSublayer: true });
    for (const sublayer of ['00000007', '00000003', 'bf000000']) {
      assert.deepEqual(harness.receive(hex(SESSION, COOKIE, sublayer, FRAME), OVER_IP), TO_TUN);
    }
  });

  test('an end within it: header-truncated', () => {
    const harness = lns({ localSublayer: true });
    assert.deepEqual(harness.receive(hex(SESSION, COOKIE, '400000'), OVER_IP), dropped('header-truncated'));
  });

  test('the last number and the 2**23 - 1 before it are old, all others are new', () => {
    for (const [ns, isNew] of [
      [15, false],
      [14, false],
      [0, false],
      [16, true],
      [0x80_000f, true],
      [0x80_0010, false],
      [0xff_ffff, false],
    ] as const) {
      const harness = lns({ localSublayer: true });
      assert.equal(passes(harness, 15), true);
      assert.equal(passes(harness, ns), isNew, `number ${ns}`);
    }
    const harness = lns({ localSublayer: true });
    passes(harness, 15);
    assert.deepEqual(harness.receive(numbered(15), OVER_IP), dropped('sequence-old'));
  });

  test('2**24 - 1 is followed by 0, above 2**16 too', () => {
    const harness = lns({ localSublayer: true });
    assert.deepEqual(
      [0xfffe, 0xffff, 0x1_0000, 0x1_0000].map((ns) => passes(harness, ns)),
      [true, true, true, false],
    );
    const wrapping = lns({ localSublayer: true });
    assert.deepEqual(
      [0xff_ffff, 0, 0xff_ffff].map((ns) => passes(wrapping, ns)),
      [true, true, false],
    );
  });

  test('a peer that counts anew is believed after eight old numbers in a row, over the end of the numbers as well', () => {
    const harness = lns({ localSublayer: true });
    passes(harness, 5000);
    const first = 0xff_fffc;
    const passed = Array.from({ length: 12 }, (_, i) => passes(harness, (first + i) & 0xff_ffff));
    assert.deepEqual(passed, [...Array<boolean>(8).fill(false), ...Array<boolean>(4).fill(true)]);
  });
});

describe('data messages of version 3 to the peer', () => {
  test('over IP: Session ID, cookie, frame', () => {
    assert.deepEqual(lns().fromTun(TO_USER), sent(PEER_SESSION, PEER_COOKIE, 'ff03 0021', TO_USER));
    assert.deepEqual(
      lns({ peerCookie: bytesOf('d1d2d3d4') }).fromTun(TO_USER),
      sent(PEER_SESSION, 'd1d2d3d4 ff03 0021', TO_USER),
    );
    assert.deepEqual(lns({ peerCookie: bytesOf('') }).fromTun(TO_USER), sent(PEER_SESSION, 'ff03 0021', TO_USER));
  });

  test('over UDP: T bit clear, Ver 3, all else 0', () => {
    const packet = hex('0003 0000', PEER_SESSION, PEER_COOKIE, 'ff03 0021', TO_USER);
    assert.deepEqual(
      lns({ path: UDP_PATH }).fromTun(TO_USER),
      only({ toPeers: [{ to: `${PEER} 1701`, from: LOCAL, packet }] }),
    );
  });

  test('the sublayer is there where the peer wants it, without a number if nothing is numbered', () => {
    const changes = { peerSublayer: true, peerCookie: bytesOf('') };
    assert.deepEqual(lns(changes).fromTun(TO_USER), sent(PEER_SESSION, '00000000 ff03 0021', TO_USER));
  });

  test('numbers begin at 0, have 24 bits, and are shared by forwarded and injected frames', () => {
    const harness = lns({ peerSublayer: true, sequencing: true, peerCookie: bytesOf('') });
    assert.deepEqual(harness.fromTun(TO_USER), sent(PEER_SESSION, '40000000 ff03 0021', TO_USER));
    const row = { sessionId: 0x8765_4321 };
    assert.deepEqual(harness.inject(0xc021, '01', row), sent(PEER_SESSION, '40000001 ff03 c021 01'));
    const { sessions } = harness.forwarder;
    sessions.nextNs[sessions.find(row.sessionId, 7)] = 0xff_ffff;
    assert.deepEqual(harness.inject(0xc021, '01', row), sent(PEER_SESSION, '40ffffff ff03 c021 01'));
    assert.deepEqual(harness.inject(0xc021, '01', row), sent(PEER_SESSION, '40000000 ff03 c021 01'));
  });

  test('without the sublayer nothing is numbered', () => {
    assert.deepEqual(lns({ sequencing: true }).fromTun(TO_USER), sent(PEER_SESSION, PEER_COOKIE, 'ff03 0021', TO_USER));
  });

  test('a packet that is too big is answered as in version 2', () => {
    const big = ipv4({
      source: '198.51.100.9',
      destination: '10.64.0.7',
      fragment: 0x4000,
      payload: '00'.repeat(1500),
    });
    const result = lns().fromTun(big);
    assert.deepEqual(result.drops, { 'too-big': 1 });
    assert.equal(result.toTun.length, 1);
  });
});

describe('control messages of version 3', () => {
  const hello = hex('c803 0014 00000a0a 0001 0001 8008 0000 0000 0006');
  const sccrq = hex('c803 0014 00000000 0000 0000 8008 0000 0000 0001');
  const ZERO = '00000000';

  function withTunnel(path: SessionRow['path']): Harness {
    const harness = new Harness();
    harness.forwarder.tunnels.set(0x0a0a, path);
    return harness;
  }

  test('over UDP, for a control connection that is there', () => {
    assert.deepEqual(
      withTunnel(UDP_PATH).receive(hello),
      only({ control: [{ path: `${PEER} 1701 > ${LOCAL}`, packet: hello }] }),
    );
  });

  test('over IP they lose the Session ID 0 (section 4.1.1.2)', () => {
    assert.deepEqual(
      withTunnel(IP_PATH).receive(hex(ZERO, hello), OVER_IP),
      only({ control: [{ path: `${PEER} ip > ${LOCAL}`, packet: hello }] }),
    );
  });

  test('octets behind Length stay behind; Length does not count the Session ID 0', () => {
    const { control } = withTunnel(IP_PATH).receive(hex(ZERO, hello, 'dead'), OVER_IP);
    assert.equal(control[0]?.packet, hello);
  });

  test('a stranger’s goes to the lower queue, over either', () => {
    assert.equal(new Harness().receive(sccrq).strangers.length, 1);
    assert.deepEqual(
      new Harness().receive(hex(ZERO, sccrq), OVER_IP),
      only({ strangers: [{ path: `${PEER} ip > ${LOCAL}`, packet: sccrq }] }),
    );
  });

  test('of strangers over IP, too, one address gets 200 at once', () => {
    const harness = new Harness({ batch: 256 });
    const { strangers, drops } = harness.receive(Array(250).fill(hex(ZERO, sccrq)), OVER_IP);
    assert.deepEqual([strangers.length, drops], [200, { 'stranger-rate': 50 }]);
  });

  test('reserved bits are ignored, the Offset bit of version 2 among them (section 3.2.1)', () => {
    assert.equal(withTunnel(UDP_PATH).receive(hello.replace('c803', 'fff3')).control.length, 1);
  });

  const broken: [name: string, message: string, reason: string][] = [
    ['nothing behind the Session ID 0', '', 'header-truncated'],
    ['an end within the header', 'c803 000c 00000a0a 0001', 'header-truncated'],
    ['garbage of twelve octets', 'deadbeef deadbeef deadbeef', 'header-version'],
    ['version 2', hex('c802', hello.slice(4)), 'header-version'],
    ['no T bit', hex('4803', hello.slice(4)), 'control-flags'],
    ['no Length', hex('8803', hello.slice(4)), 'control-flags'],
    ['no Ns and Nr', hex('c003', hello.slice(4)), 'control-flags'],
    ['a Length above what came', hex('c803 0015', hello.slice(8)), 'header-length'],
    ['a Length below the header', hex('c803 000b', hello.slice(8)), 'header-truncated'],
    ['a control connection that is not there', hello.replace('00000a0a', '00000a0b'), 'control-unknown-tunnel'],
    ['an ID above all that we assign', hello.replace('00000a0a', '00010a0a'), 'control-unknown-tunnel'],
    ['an ID with the first bit set', hello.replace('00000a0a', '80000a0a'), 'control-unknown-tunnel'],
  ];
  for (const [name, message, reason] of broken) {
    test(`Session ID 0 and ${name}: ${reason}`, () => {
      assert.deepEqual(withTunnel(IP_PATH).receive(hex(ZERO, message), OVER_IP), dropped(reason));
    });
  }

  test('from another address, and over another encapsulation than the control connection’s', () => {
    const other = { peer: '192.0.2.9' };
    assert.deepEqual(withTunnel(UDP_PATH).receive(hello, other), dropped('control-wrong-peer'));
    assert.deepEqual(
      withTunnel(IP_PATH).receive(hex(ZERO, hello), { ...OVER_IP, ...other }),
      dropped('control-wrong-peer'),
    );
    assert.deepEqual(withTunnel(IP_PATH).receive(hello), dropped('wrong-encapsulation'));
    assert.deepEqual(withTunnel(UDP_PATH).receive(hex(ZERO, hello), OVER_IP), dropped('wrong-encapsulation'));
  });

  test('to be sent over IP get the Session ID 0 in front, whatever lies in the slot', () => {
    const harness = new Harness();
    harness.memory.fill(0xa5);
    const send = () => harness.forwarder.sendControl(IP_PATH, bytesOf(hello));
    assert.deepEqual(harness.observe(send), sent(ZERO, hello));
  });

  test('IDs that no tunnel of ours can have are faults of the caller', () => {
    for (const id of [0, 65_536]) assert.throws(() => new Harness().forwarder.tunnels.set(id, UDP_PATH), /tunnel ID/);
  });
});
