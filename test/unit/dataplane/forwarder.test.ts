/** What the main thread asks of the forwarder: sessions added, changed and removed, frames injected, messages sent. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bytesOf, Harness, hex, LOCAL, lacRow, lnsRow, only, PEER } from './harness.js';
import { ipv4 } from './packets.js';

const TO_USER = { source: '198.51.100.9', destination: '10.64.0.7' };

function lns(changes: Parameters<typeof lnsRow>[0] = {}): Harness {
  const harness = new Harness();
  harness.forwarder.addSession(lnsRow(changes));
  return harness;
}

function update(harness: Harness, changes: Parameters<typeof lnsRow>[0], generation = 7): void {
  harness.forwarder.updateSession({ type: 'session-update', sessionId: 0x0101, generation, changes: changes ?? {} });
}

describe('inject', () => {
  const sent = (packet: string) => only({ toPeers: [{ to: `${PEER} 1701`, from: LOCAL, packet: hex(packet) }] });

  test('LCP goes with FF 03 and a whole protocol field, whatever is negotiated (RFC 1661 section 6.5)', () => {
    const harness = lns({ transmitAcfc: true, transmitPfc: true });
    assert.deepEqual(harness.inject(0xc021, '09010008 00000000'), sent('0002 0b0b 0202 ff03 c021 09010008 00000000'));
    harness.receive(hex('0002 0a0a 0101 c021 01010004'));
    assert.deepEqual(harness.inject(0xc021, '02010004'), sent('0002 0b0b 0202 ff03 c021 02010004'));
  });

  test('other protocols go without FF 03 where ACFC is negotiated; above FF the protocol field is always whole', () => {
    const harness = lns({ transmitAcfc: true, transmitPfc: true });
    assert.deepEqual(harness.inject(0x8021, '01010004'), sent('0002 0b0b 0202 8021 01010004'));
    assert.deepEqual(harness.inject(0x0057, '60'), sent('0002 0b0b 0202 57 60'));
    assert.deepEqual(lns().inject(0xc223, '01010004'), sent('0002 0b0b 0202 ff03 c223 01010004'));
  });

  test('injected frames and forwarded packets have one sequence of numbers', () => {
    const harness = lns({ sequencing: true });
    assert.deepEqual(harness.inject(0xc021, '01'), sent('0802 0b0b 0202 0000 0000 ff03 c021 01'));
    assert.equal(harness.fromTun(ipv4(TO_USER)).toPeers[0]!.packet.slice(12, 16), '0001');
    assert.deepEqual(harness.inject(0xc021, '02'), sent('0802 0b0b 0202 0002 0000 ff03 c021 02'));
  });

  test('is no traffic of the user’s', () => {
    const harness = lns();
    harness.inject(0xc021, '01010004');
    assert.deepEqual(harness.session(), { receivedPackets: 0, receivedOctets: 0, sentPackets: 0, sentOctets: 0 });
  });

  test('for a session that is gone, or is another by now, is dropped', () => {
    const drops = { 'stale-session': 1 };
    assert.deepEqual(lns().inject(0xc021, '01', { generation: 8 }), only({ drops }));
    assert.deepEqual(lns().inject(0xc021, '01', { sessionId: 0x0102 }), only({ drops }));
  });

  test('of more than a slot takes is dropped; of all that it takes goes', () => {
    assert.deepEqual(lns().inject(0xc021, '00'.repeat(1985)), only({ drops: { 'frame-too-long': 1 } }));
    assert.equal(lns({ sequencing: true }).inject(0xc021, '00'.repeat(1984)).toPeers.length, 1);
  });

  test('without a slot left is dropped', () => {
    const harness = lns();
    const { toPeers, drops } = harness.observe(() => {
      for (let i = 0; i < 5; i++) {
        const information = bytesOf('01010004');
        harness.forwarder.inject({ type: 'inject', sessionId: 0x0101, generation: 7, protocol: 0xc021, information });
      }
    });
    assert.equal(toPeers.length, 4);
    assert.deepEqual(drops, { 'no-buffer': 1 });
  });
});

describe('control messages to send', () => {
  const packet = bytesOf('c802 000c 0b0b 0000 0001 0001');

  test('go to the peer of the path, from its local address, over either family', () => {
    const harness = new Harness();
    const result = harness.observe(() => {
      const path = {
        encapsulation: 'udp' as const,
        localAddress: '192.0.2.9',
        localPort: 1701,
        peerAddress: PEER,
        peerPort: 4500,
      };
      harness.forwarder.sendControl(path, packet);
      harness.forwarder.sendControl({ ...path, localAddress: '', peerAddress: '2001:db8::1' }, packet);
    });
    const text = hex('c802 000c 0b0b 0000 0001 0001');
    assert.deepEqual(
      result,
      only({
        toPeers: [
          { to: `${PEER} 4500`, from: '192.0.2.9', packet: text },
          { to: '2001:db8::1 4500', from: '', packet: text },
        ],
      }),
    );
  });

  test('longer than a slot are dropped', () => {
    const harness = new Harness();
    const path = {
      encapsulation: 'udp' as const,
      localAddress: '',
      localPort: 1701,
      peerAddress: PEER,
      peerPort: 1701,
    };
    const result = harness.observe(() => harness.forwarder.sendControl(path, new Uint8Array(1985)));
    assert.deepEqual(result, only({ drops: { 'frame-too-long': 1 } }));
  });
});

describe('sessions', () => {
  const fromUser = hex('0002 0a0a 0101 ff03 0021', ipv4());

  test('a removed one gives its last counters, and is unknown from then on', () => {
    const harness = lns();
    harness.receive(fromUser);
    harness.fromTun(ipv4(TO_USER));
    const counters = { receivedPackets: 1, receivedOctets: 24, sentPackets: 1, sentOctets: 24 };
    assert.deepEqual(harness.session(), counters);
    assert.deepEqual(harness.forwarder.removeSession(0x0101, 7), counters);
    assert.equal(harness.session(), undefined);
    assert.deepEqual(harness.receive(fromUser).drops, { 'unknown-session': 1 });
    assert.deepEqual(harness.fromTun(ipv4(TO_USER)).drops, { 'no-session-for-destination': 1 });
  });

  test('one under an ID that was used before has counters and a generation of its own', () => {
    const harness = lns();
    harness.receive(fromUser);
    harness.forwarder.removeSession(0x0101, 7);
    harness.forwarder.addSession(lnsRow({ generation: 8 }));
    assert.equal(harness.session(), undefined);
    assert.deepEqual(harness.session({ generation: 8 }), {
      receivedPackets: 0,
      receivedOctets: 0,
      sentPackets: 0,
      sentOctets: 0,
    });
  });

  test('changes and removals for another generation do nothing and are counted', () => {
    const harness = lns();
    const result = harness.observe(() => {
      update(harness, { ipv4Open: false }, 6);
      assert.equal(harness.forwarder.removeSession(0x0101, 6), undefined);
    });
    assert.deepEqual(result, only({ drops: { 'stale-session': 2 } }));
    assert.equal(harness.receive(fromUser).toTun.length, 1);
  });

  test('each change holds from the next packet on', () => {
    const harness = lns({ ipv4Open: false, sources: [] });
    assert.deepEqual(harness.receive(fromUser).drops, { 'ipv4-not-open': 1 });
    update(harness, { ipv4Open: true });
    assert.deepEqual(harness.receive(fromUser).drops, { 'source-not-allowed': 1 });
    update(harness, { sources: ['10.64.0.7/32'] });
    assert.equal(harness.receive(fromUser).toTun.length, 1);
    update(harness, { tun: 4 });
    assert.equal(harness.receive(fromUser).toTun[0]!.tun, 4);
    assert.equal(harness.fromTun(ipv4(TO_USER), 4).toPeers.length, 1);
    update(harness, {
      path: {
        encapsulation: 'udp' as const,
        localAddress: '',
        localPort: 1701,
        peerAddress: '2001:db8::1',
        peerPort: 9,
      },
    });
    assert.deepEqual(harness.receive(fromUser).drops, { 'wrong-peer': 1 });
    assert.equal(harness.fromTun(ipv4(TO_USER), 4).toPeers[0]!.to, '2001:db8::1 9');
    update(harness, { peerTunnelId: 1, peerSessionId: 2, tunnelId: 3 });
    assert.equal(harness.fromTun(ipv4(TO_USER), 4).toPeers[0]!.packet.slice(0, 12), '000200010002');
    assert.deepEqual(harness.receive(fromUser).drops, { 'wrong-tunnel': 1 });
  });

  test('new sources take the place of the old ones', () => {
    const harness = lns();
    update(harness, { sources: ['10.64.0.99/32'] });
    assert.deepEqual(harness.fromTun(ipv4(TO_USER)).drops, { 'no-session-for-destination': 1 });
    assert.equal(harness.fromTun(ipv4({ destination: '10.64.0.99' })).toPeers.length, 1);
  });

  test('a row that gets bound to a TUN device is found by that alone', () => {
    const harness = lns();
    update(harness, { bindTun: true, tun: 2 });
    assert.deepEqual(harness.fromTun(ipv4(TO_USER)).drops, { 'no-session-for-destination': 1 });
    assert.equal(harness.fromTun(ipv4({ destination: '8.8.8.8' }), 2).toPeers.length, 1);
    update(harness, { bindTun: false });
    assert.deepEqual(harness.fromTun(ipv4({ destination: '8.8.8.8' }), 2).drops, { 'no-session-for-destination': 1 });
  });

  test('of two rows bound to one TUN device the later has it, then the other again', () => {
    const harness = new Harness();
    harness.forwarder.addSession(lacRow({ sessionId: 1, peerSessionId: 1 }));
    harness.forwarder.addSession(lacRow({ sessionId: 2, peerSessionId: 2 }));
    const session = () => harness.fromTun(ipv4(TO_USER), 1).toPeers[0]!.packet.slice(8, 12);
    assert.equal(session(), '0002');
    harness.forwarder.removeSession(2, 7);
    assert.equal(session(), '0001');
  });

  test('of two sessions of one network the later gets its packets, then the other again; both may send', () => {
    const harness = lns({ sources: ['10.64.0.7/32', '172.16.0.0/16'] });
    const other = lnsRow({ sessionId: 2, peerSessionId: 2, sources: ['10.64.0.8/32', '172.16.0.0/16'] });
    harness.forwarder.addSession(other);
    const session = () => harness.fromTun(ipv4({ destination: '172.16.3.4' })).toPeers[0]!.packet.slice(8, 12);
    assert.equal(session(), '0002');
    const fromNetwork = ipv4({ source: '172.16.3.4' });
    assert.equal(harness.receive(hex('0002 0a0a 0101 0021', fromNetwork)).toTun.length, 1);
    assert.equal(harness.receive(hex('0002 0a0a 0002 0021', fromNetwork)).toTun.length, 1);
    harness.forwarder.removeSession(2, 7);
    assert.equal(session(), '0202');
    harness.forwarder.removeSession(0x0101, 7);
    assert.deepEqual(harness.fromTun(ipv4({ destination: '172.16.3.4' })).drops, { 'no-session-for-destination': 1 });
  });

  test('a table that is full counts what it cannot take, and has room again after a removal', () => {
    const harness = new Harness({ maxSessions: 2 });
    const add = (sessionId: number) => harness.forwarder.addSession(lnsRow({ sessionId, sources: [] }));
    add(1);
    add(2);
    assert.deepEqual(
      harness.observe(() => add(3)),
      only({ drops: { 'no-session-room': 1 } }),
    );
    harness.forwarder.removeSession(1, 7);
    assert.deepEqual(
      harness.observe(() => add(3)),
      only({}),
    );
    assert.notEqual(harness.session({ sessionId: 3 }), undefined);
  });

  test('a session ID that is in use, and one that is none, are faults of the caller', () => {
    const harness = lns();
    assert.throws(() => harness.forwarder.addSession(lnsRow()), /in use/);
    assert.throws(() => harness.forwarder.addSession(lnsRow({ sessionId: 0 })), /session ID 0/);
    assert.throws(() => harness.forwarder.addSession(lnsRow({ sessionId: 65_536 })), /session ID 65536/);
  });
});
