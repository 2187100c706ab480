/** Ethernet pseudowires: RFC 4719 sections 2 and 3, frames between a TAP device and the peer. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MAX_ETHERNET_MTU_BYTES } from '../../../firmware/dataplane/ethernet.js';
import type { SessionRow } from '../../../firmware/dataplane/interface.js';
import { ROOM_BYTES } from '../../../firmware/dataplane/packet-batch.js';
import { bytesOf, ethernetRow, type From, Harness, hex, LOCAL, lacRow, lnsRow, only, PEER } from './harness.js';
import { ipv4 } from './packets.js';

const OVER_IP: From = { encapsulation: 'ip' };
const ADDRESSES = '02000000000a 02000000000b';
/** Session ID and cookie of what comes, and of what goes. */
const IN = '00000064 c1c2c3c4';
const OUT = '000000c8 d1d2d3d4';

/** A frame of an IPv4 type, with these tags and so many octets of payload. */
function frame(payload_bytes = 46, tags = ''): string {
  return hex(ADDRESSES, tags, '0800', '5a'.repeat(payload_bytes));
}

function pseudowire(changes: Partial<SessionRow> = {}): Harness {
  const harness = new Harness();
  harness.forwarder.addSession(ethernetRow(changes));
  return harness;
}

const toTap = (packet: string) => only({ toTun: [{ tun: 2, packet }] });
const toPeer = (...parts: string[]) => only({ toPeers: [{ to: `${PEER} ip`, from: LOCAL, packet: hex(...parts) }] });
const dropped = (reason: string) => only({ drops: { [reason]: 1 } });

describe('an Ethernet port pseudowire (type 5)', () => {
  for (const [name, tags] of [
    ['without a tag', ''],
    ['with a tag', '8100 2064'],
    ['with two tags', '88a8 0064 8100 00c8'],
  ] as const) {
    test(`a frame ${name} crosses as it is, both ways`, () => {
      assert.deepEqual(pseudowire().fromTap(frame(46, tags)), toPeer(OUT, frame(46, tags)));
      assert.deepEqual(pseudowire().receive(hex(IN, frame(46, tags)), OVER_IP), toTap(frame(46, tags)));
    });

    test(`of a frame ${name} the MTU limits the payload: 1500 octets cross, 1501 do not`, () => {
      assert.deepEqual(pseudowire().fromTap(frame(1500, tags)), toPeer(OUT, frame(1500, tags)));
      assert.deepEqual(pseudowire().receive(hex(IN, frame(1500, tags)), OVER_IP), toTap(frame(1500, tags)));
      assert.deepEqual(pseudowire().fromTap(frame(1501, tags)), dropped('ethernet-too-long'));
      assert.deepEqual(pseudowire().receive(hex(IN, frame(1501, tags)), OVER_IP), dropped('ethernet-too-long'));
    });
  }

  test('a third tag counts as payload', () => {
    const tags = '88a8 0064 8100 00c8 8100 012c';
    assert.equal(pseudowire().fromTap(frame(1496, tags)).toPeers.length, 1);
    assert.deepEqual(pseudowire().fromTap(frame(1497, tags)), dropped('ethernet-too-long'));
  });

  test('over UDP, with cookies of 8 octets and numbered sublayers both ways', () => {
    const harness = pseudowire({
      path: lnsRow().path,
      localCookie: bytesOf('c1c2c3c4 c5c6c7c8'),
      peerCookie: bytesOf('d1d2d3d4 d5d6d7d8'),
      localSublayer: true,
      peerSublayer: true,
      sequencing: true,
    });
    const packet = hex('0003 0000 000000c8 d1d2d3d4 d5d6d7d8 40000000', frame(1500));
    assert.deepEqual(harness.fromTap(frame(1500)), only({ toPeers: [{ to: `${PEER} 1701`, from: LOCAL, packet }] }));
    const datagram = hex('0003 0000 00000064 c1c2c3c4 c5c6c7c8 40000005', frame(1500));
    assert.deepEqual(harness.receive(datagram), toTap(frame(1500)));
    assert.deepEqual(harness.receive(datagram), dropped('sequence-old'));
  });

  test('a frame shorter than its header is dropped; a short one with a whole header crosses', () => {
    const runt = frame(0).slice(0, -2);
    assert.deepEqual(pseudowire().fromTap(runt), dropped('ethernet-truncated'));
    assert.deepEqual(pseudowire().fromTap(''), dropped('ethernet-truncated'));
    assert.deepEqual(pseudowire().receive(hex(IN, runt), OVER_IP), dropped('ethernet-truncated'));
    assert.deepEqual(pseudowire().receive(IN, OVER_IP), dropped('ethernet-truncated'));
    assert.deepEqual(pseudowire().fromTap(frame(0)), toPeer(OUT, frame(0)));
  });

  test('what looks like PPP or IP within it is not looked at', () => {
    const odd = hex('ff03c021 01010004 00000000', '0800', ipv4());
    assert.deepEqual(pseudowire().receive(hex(IN, odd), OVER_IP), toTap(odd));
    const broadcast = hex('45ffffffffff 02000000000b 0800', ipv4());
    assert.deepEqual(pseudowire().fromTap(broadcast), toPeer(OUT, broadcast));
  });

  test('nothing passes while it is not open, in either direction', () => {
    const harness = pseudowire({ ethernetOpen: false });
    assert.deepEqual(harness.fromTap(frame()), dropped('ethernet-not-open'));
    assert.deepEqual(harness.receive(hex(IN, frame()), OVER_IP), dropped('ethernet-not-open'));
    const changes = { ethernetOpen: true };
    harness.forwarder.updateSession({ type: 'session-update', sessionId: 100, generation: 7, changes });
    assert.deepEqual(harness.fromTap(frame()), toPeer(OUT, frame()));
    assert.deepEqual(harness.receive(hex(IN, frame()), OVER_IP), toTap(frame()));
  });

  test('a TAP device that no pseudowire has takes frames to nowhere, and neither does one of a PPP session', () => {
    assert.deepEqual(pseudowire().fromTap(frame(), 3), dropped('ethernet-not-open'));
    const harness = new Harness();
    harness.forwarder.addSession(lacRow());
    assert.deepEqual(harness.fromTap(frame(), 1), dropped('ethernet-not-open'));
  });

  test('a jumbo frame that fills a slot is dropped, whatever the MTU', () => {
    const harness = pseudowire({ mtu_bytes: 9000 });
    const result = harness.observe(() => {
      harness.fill(frame());
      harness.input.length_bytes[0] = ROOM_BYTES;
      harness.forwarder.forwardFrames(harness.input, 2);
    });
    assert.deepEqual(result, dropped('ethernet-too-long'));
  });

  test('at the largest MTU the longest frame of all fits a slot of the peer’s', () => {
    const harness = pseudowire({
      path: lnsRow().path,
      peerCookie: bytesOf('d1d2d3d4 d5d6d7d8'),
      peerSublayer: true,
      vlanId: 5,
      mtu_bytes: MAX_ETHERNET_MTU_BYTES,
    });
    const { toPeers } = harness.fromTap(frame(MAX_ETHERNET_MTU_BYTES, '88a8 0064 8100 00c8'));
    assert.equal(toPeers[0]!.packet.length / 2, ROOM_BYTES);
  });

  test('the counters have frames and their octets', () => {
    const harness = pseudowire();
    harness.fromTap(frame(100));
    harness.receive([hex(IN, frame(46)), hex(IN, frame(50))], OVER_IP);
    assert.deepEqual(harness.session({ sessionId: 100 }), {
      receivedPackets: 2,
      receivedOctets: 60 + 64,
      sentPackets: 1,
      sentOctets: 114,
    });
  });
});

describe('an Ethernet VLAN pseudowire (type 4)', () => {
  const vlan = (changes: Partial<SessionRow> = {}) => pseudowire({ vlanId: 0x123, ...changes });

  test('the tag is put on towards the peer, with priority 0, and taken away from what the peer sends', () => {
    assert.deepEqual(vlan().fromTap(frame()), toPeer(OUT, frame(46, '8100 0123')));
    assert.deepEqual(vlan().receive(hex(IN, frame(46, '8100 0123')), OVER_IP), toTap(frame()));
  });

  test('the highest VLAN ID', () => {
    assert.deepEqual(vlan({ vlanId: 4094 }).fromTap(frame()), toPeer(OUT, frame(46, '8100 0ffe')));
  });

  test('priority, DEI and VLAN ID of the peer’s tag may be any: each end has a VLAN ID of its own', () => {
    for (const tag of ['8100 e123', '8100 1123', '8100 0456', '88a8 0123']) {
      assert.deepEqual(vlan().receive(hex(IN, frame(46, tag)), OVER_IP), toTap(frame()), tag);
    }
  });

  test('tags of the user’s own stay within', () => {
    assert.deepEqual(vlan().fromTap(frame(46, '8100 0007')), toPeer(OUT, frame(46, '8100 0123 8100 0007')));
    assert.deepEqual(vlan().receive(hex(IN, frame(46, '8100 0123 8100 0007')), OVER_IP), toTap(frame(46, '8100 0007')));
  });

  test('a frame without a tag is dropped, and so is one that ends behind its tag', () => {
    assert.deepEqual(vlan().receive(hex(IN, frame()), OVER_IP), dropped('vlan-tag-missing'));
    const short = hex(IN, ADDRESSES, '8100 0123 08');
    assert.deepEqual(vlan().receive(short, OVER_IP), dropped('ethernet-truncated'));
  });

  test('the tag is not counted, in the MTU and in octets', () => {
    const harness = vlan();
    assert.deepEqual(harness.fromTap(frame(1500)), toPeer(OUT, frame(1500, '8100 0123')));
    assert.deepEqual(harness.receive(hex(IN, frame(1500, '8100 0123')), OVER_IP), toTap(frame(1500)));
    assert.deepEqual(harness.fromTap(frame(1501)), dropped('ethernet-too-long'));
    assert.deepEqual(harness.receive(hex(IN, frame(1501, '8100 0123')), OVER_IP), dropped('ethernet-too-long'));
    assert.equal(harness.session({ sessionId: 100 })?.sentOctets, 1514);
    assert.equal(harness.session({ sessionId: 100 })?.receivedOctets, 1514);
  });
});
