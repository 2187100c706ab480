/** What the packet path copies for captures: what passes its border, as single packets, of the sessions marked for it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CaptureRingReader, createCaptureRing, MIN_RING_BYTES } from '../../../firmware/dataplane/capture-ring.js';
import { bytesOf, Harness, HOST_MAC, hex, INTERFACE, LOCAL_MAC, lnsRow, pppoeRow, version3Row } from './harness.js';
import { ipv4 } from './packets.js';

const USER = '10.64.0.7';
const OFFICE = '10.20.0.2';
const NOW_US = 1_790_000_000_000_000;

interface Open {
  harness: Harness;
  signalling: SharedArrayBuffer;
  packets: SharedArrayBuffer;
}

function open(snap_bytes = 65_535, capture = 0): Open {
  const harness = new Harness({ batch: 8, buildSlots: 16, maxSessions: 16 });
  const signalling = createCaptureRing(MIN_RING_BYTES);
  const packets = createCaptureRing(MIN_RING_BYTES);
  const { captures } = harness.forwarder;
  captures.open({ type: 'capture-open', capture, signalling, packets, snap_bytes });
  captures.setTime(NOW_US);
  return { harness, signalling, packets };
}

function seen(memory: SharedArrayBuffer) {
  const reader = new CaptureRingReader(memory);
  const all = [];
  for (let packet = reader.next(); packet !== undefined; packet = reader.next()) {
    all.push({ ...packet, octets: Buffer.from(packet.octets).toString('hex') });
  }
  return all;
}

const octetsIn = (memory: SharedArrayBuffer) => seen(memory).map(({ octets }) => octets);

/** What is sent is captured before the output is cleared. */
function sending(harness: Harness, act: () => void) {
  return harness.observe(() => {
    act();
    harness.forwarder.output.finish();
    harness.forwarder.captures.sent();
  });
}

const upwards = hex('0002 0a0a 0101 ff03 0021', ipv4({ source: USER, destination: OFFICE }));
const downwards = hex(ipv4({ source: OFFICE, destination: USER }));

describe('data of a session', () => {
  test('that is marked: as it was received, and as it left', () => {
    const { harness, signalling, packets } = open();
    harness.forwarder.addSession(lnsRow());
    harness.forwarder.sessions.mark(0x0101, 0, 'packets');
    harness.receive(upwards);
    const sent = sending(harness, () => {
      harness.fill(downwards);
      harness.forwarder.forwardDownstream(harness.input, 0, 0);
    });
    assert.deepEqual(octetsIn(packets), [upwards, sent.toPeers[0]?.packet]);
    const [received, left] = seen(packets);
    assert.deepEqual(
      [received?.isSent, received?.kind, received?.sessionId, received?.generation, received?.time_us],
      [false, 'udp', 0x0101, 7, NOW_US],
    );
    assert.equal(left?.isSent, true);
    assert.deepEqual(left?.peerAddress, received?.peerAddress);
    assert.deepEqual(seen(signalling), []);
  });

  test('of which is not known yet whose it is, goes to the ring of signalling', () => {
    const { harness, signalling, packets } = open();
    harness.forwarder.addSession(lnsRow());
    harness.forwarder.sessions.mark(0x0101, 0, 'signalling');
    harness.receive(upwards);
    assert.deepEqual([octetsIn(signalling), octetsIn(packets)], [[upwards], []]);
  });

  test('that is not marked, or no longer, or belongs to the row’s next owner, is nobody’s', () => {
    const { harness, packets } = open();
    harness.forwarder.addSession(lnsRow());
    harness.receive(upwards);
    harness.forwarder.sessions.mark(0x0101, 0, 'packets');
    harness.forwarder.sessions.mark(0x0101, 0, 'none');
    harness.receive(upwards);
    harness.forwarder.sessions.mark(0x0101, 0, 'packets');
    harness.forwarder.removeSession(0x0101, 7);
    harness.forwarder.addSession(lnsRow({ generation: 8 }));
    harness.receive(upwards);
    harness.forwarder.sessions.mark(0x0101, 0, 'packets');
    harness.forwarder.captures.close(0);
    harness.receive(upwards);
    assert.deepEqual(seen(packets), []);
    assert.equal(harness.forwarder.captures.isOn, false);
  });

  test('of version 3: the payload lies behind cookie and header, either way', () => {
    const { harness, packets } = open();
    harness.forwarder.addSession(version3Row());
    harness.forwarder.sessions.mark(0x8765_4321, 0, 'packets');
    const packet = hex('87654321 c1c2c3c4 c5c6c7c8 ff03 0021', ipv4({ source: USER, destination: OFFICE }));
    harness.receive(packet, { encapsulation: 'ip' });
    sending(harness, () => {
      harness.fill(downwards);
      harness.forwarder.forwardDownstream(harness.input, 0, 0);
    });
    assert.deepEqual(
      seen(packets).map(({ kind, payloadAt, octets }) => [kind, octets.slice(2 * payloadAt, 2 * payloadAt + 8)]),
      [
        ['ip', 'ff030021'],
        ['ip', 'ff030021'],
      ],
    );
  });

  test('from somebody who is not the peer is not the session’s', () => {
    const { harness, packets } = open();
    harness.forwarder.addSession(lnsRow());
    harness.forwarder.sessions.mark(0x0101, 0, 'packets');
    harness.receive(upwards, { peer: '192.0.2.77' });
    assert.deepEqual(seen(packets), []);
  });

  test('too large for the path: every fragment, as it goes out', () => {
    const { harness, packets } = open();
    harness.forwarder.addSession(lnsRow({ mtu_bytes: 576 }));
    harness.forwarder.sessions.mark(0x0101, 0, 'packets');
    const sent = sending(harness, () => {
      harness.fill(ipv4({ source: OFFICE, destination: USER, payload: '78'.repeat(1200) }));
      harness.forwarder.forwardDownstream(harness.input, 0, 0);
    });
    assert.equal(sent.toPeers.length, 3);
    assert.deepEqual(
      octetsIn(packets),
      sent.toPeers.map(({ packet }) => packet),
    );
  });

  test('longer than the capture wants is cut, and its length on the wire is kept', () => {
    const { harness, packets } = open(20);
    harness.forwarder.addSession(lnsRow());
    harness.forwarder.sessions.mark(0x0101, 0, 'packets');
    harness.receive(upwards);
    assert.deepEqual(
      seen(packets).map(({ octets, wire_bytes }) => [octets, wire_bytes]),
      [[upwards.slice(0, 40), upwards.length / 2]],
    );
  });
});

describe('what sets up calls', () => {
  const sccrq = 'c802 000c 0000 0000 0000 0000';

  test('a control message goes to every capture, as it came, over IP with its Session ID 0', () => {
    const { harness, signalling, packets } = open(65_535, 3);
    harness.receive(sccrq);
    harness.receive(hex('00000000 c803 000c 00000000 0000 0000'), { encapsulation: 'ip' });
    assert.deepEqual(
      seen(signalling).map(({ kind, isControl, isSent, octets }) => [kind, isControl, isSent, octets]),
      [
        ['udp', true, false, hex(sccrq)],
        ['ip', true, false, '00000000c803000c0000000000000000'],
      ],
    );
    assert.deepEqual(seen(packets), []);
  });

  test('and one that is sent', () => {
    const { harness, signalling } = open();
    sending(harness, () => harness.forwarder.sendControl(lnsRow().path, bytesOf(sccrq)));
    assert.deepEqual(
      seen(signalling).map(({ isSent, isControl, octets }) => [isSent, isControl, octets]),
      [[true, true, hex(sccrq)]],
    );
  });

  test('frames of discovery, either way; frames of a session by its mark', () => {
    const { harness, signalling, packets } = open();
    const padi = hex(`ffffffffffff ${HOST_MAC} 8863 11 09 0000 0004 0101 0000`);
    const pado = hex(`${HOST_MAC} ${LOCAL_MAC} 8863 11 07 0000 0000`);
    harness.fromInterface(padi);
    sending(harness, () =>
      harness.forwarder.sendFrame({ type: 'send-frame', interfaceIndex: INTERFACE, frame: bytesOf(pado) }),
    );
    assert.deepEqual(octetsIn(signalling), [padi, pado]);
    const row = pppoeRow();
    harness.forwarder.addSession(row);
    harness.forwarder.sessions.mark(row.sessionId, 0, 'packets');
    const sessionId = row.pppoe?.sessionId.toString(16).padStart(4, '0');
    const echo = hex(`${LOCAL_MAC} ${HOST_MAC} 8864 11 00 ${sessionId} 000a c021 09 01 0008 00000000`);
    harness.fromInterface(echo);
    const sent = sending(harness, () =>
      harness.forwarder.inject({
        ...{ type: 'inject', sessionId: row.sessionId, generation: 7, protocol: 0xc021 },
        information: bytesOf('0a01 0008 00000000'),
      }),
    );
    assert.deepEqual(octetsIn(packets), [echo, sent.toInterfaces[0]?.frame]);
    assert.deepEqual(
      seen(packets).map(({ kind, interfaceIndex, isControl }) => [kind, interfaceIndex, isControl]),
      [
        ['frame', INTERFACE, false],
        ['frame', INTERFACE, false],
      ],
    );
  });
});

test('100,000 captured packets allocate nothing', () => {
  const { harness } = open();
  harness.forwarder.addSession(lnsRow());
  harness.forwarder.sessions.mark(0x0101, 0, 'packets');
  const { forwarder, input } = harness;
  harness.fill([downwards, downwards, downwards, downwards]);
  const run = (batches: number) => {
    for (let i = 0; i < batches; i++) {
      forwarder.forwardDownstream(input, 0, 0);
      forwarder.output.finish();
      forwarder.captures.setTime(NOW_US + i);
      forwarder.captures.sent();
      forwarder.output.clear();
    }
  };
  const grown_bytes = Array.from({ length: 9 }, () => {
    const before_bytes = process.memoryUsage().heapUsed;
    run(25_000);
    return process.memoryUsage().heapUsed - before_bytes;
  });
  const middle_bytes = grown_bytes.sort((one, other) => one - other)[4] ?? 0;
  assert.ok(Math.abs(middle_bytes) < 200_000, `${middle_bytes} bytes`);
});
