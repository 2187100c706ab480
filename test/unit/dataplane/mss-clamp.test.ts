/** The Maximum Segment Size of TCP connections through the tunnel: RFC 9293 section 3.2 and 3.7.1, RFC 1624. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clampMssIpv4 } from '../../../firmware/dataplane/mss-clamp.js';
import { bytesOf, Harness, hex, lnsRow } from './harness.js';
import { ipv4, ipv6, tcp, tcpChecksum } from './packets.js';

const SYN = 0x02;
const SYN_ACK = 0x12;
const ACK = 0x10;
const USER = '10.64.0.7';
const HOST = '198.51.100.9';
const USER_IPV6 = '2001:db8:7::7';
const HOST_IPV6 = '2001:db8:9::9';

function lns(mssClamp_bytes: number): Harness {
  const harness = new Harness();
  harness.forwarder.addSession(lnsRow({ mssClamp_bytes }));
  return harness;
}

/** The TCP segment after it went from the user to the TUN device. */
function fromUser(flags: number, options: string, mssClamp_bytes = 1360): string {
  const packet = ipv4({ source: USER, destination: HOST, protocol: 6, payload: tcp(flags, options, USER, HOST) });
  const segment = lns(mssClamp_bytes).receive(hex('0002 0a0a 0101 ff03 0021', packet)).toTun[0]!.packet.slice(40);
  assert.equal(tcpChecksum(segment, USER, HOST), 0, 'the checksum is right');
  return segment;
}

const options = (segment: string) => segment.slice(40);

describe('TCP MSS clamp', () => {
  test('a SYN and a SYN with ACK from the user are lowered', () => {
    assert.equal(options(fromUser(SYN, '020405b4')), '02040550');
    assert.equal(options(fromUser(SYN_ACK, '020405b4')), '02040550');
  });

  test('a SYN towards the user is lowered', () => {
    const payload = tcp(SYN, '020405b4', HOST, USER);
    const packet = ipv4({ source: HOST, destination: USER, protocol: 6, payload });
    const segment = lns(1360)
      .fromTun(packet)
      .toPeers[0]!.packet.slice(20 + 40);
    assert.equal(options(segment), '02040550');
    assert.equal(tcpChecksum(segment, HOST, USER), 0);
  });

  test('IPv6: 20 less, both ways', () => {
    const up = ipv6({
      source: USER_IPV6,
      destination: HOST_IPV6,
      nextHeader: 6,
      payload: tcp(SYN, '020405a0', USER_IPV6, HOST_IPV6),
    });
    const received = lns(1360).receive(hex('0002 0a0a 0101 ff03 0057', up)).toTun[0]!.packet.slice(80);
    assert.equal(options(received), '0204053c');
    assert.equal(tcpChecksum(received, USER_IPV6, HOST_IPV6), 0);

    const payload = tcp(SYN, '020405a0', HOST_IPV6, USER_IPV6);
    const down = ipv6({ source: HOST_IPV6, destination: USER_IPV6, nextHeader: 6, payload });
    const sent = lns(1360)
      .fromTun(down)
      .toPeers[0]!.packet.slice(20 + 80);
    assert.equal(options(sent), '0204053c');
    assert.equal(tcpChecksum(sent, HOST_IPV6, USER_IPV6), 0);
  });

  test('what is low enough already stays', () => {
    assert.equal(options(fromUser(SYN, '02040550')), '02040550');
    assert.equal(options(fromUser(SYN, '02040218')), '02040218');
  });

  test('0 switches it off', () => {
    assert.equal(options(fromUser(SYN, '020405b4', 0)), '020405b4');
  });

  test('without SYN nothing is touched', () => {
    assert.equal(options(fromUser(ACK, '020405b4')), '020405b4');
  });

  test('behind other options, at an odd place too, the checksum stays right', () => {
    assert.equal(options(fromUser(SYN, '0402 0101 0303 0701 020405b4')), hex('0402 0101 0303 0701 02040550'));
    assert.equal(options(fromUser(SYN, '01 020405b4 010101')), hex('01 02040550 010101'));
    assert.equal(options(fromUser(SYN, '0303 07 020405b4 01')), hex('0303 07 02040550 01'));
  });

  test('options that make no sense are left alone', () => {
    for (const nonsense of ['00 020405b4 000000', '02030505 b4000000', '0200 05b4', '05ff 0000 020405b4', '01010102']) {
      assert.equal(options(fromUser(SYN, nonsense)), hex(nonsense));
    }
  });

  test('no segment but in a first fragment', () => {
    const payload = tcp(SYN, '020405b4', USER, HOST);
    const packet = bytesOf(ipv4({ protocol: 6, fragment: 1, payload }));
    const before = packet.slice();
    clampMssIpv4(packet, 0, packet.length, 1360);
    assert.deepEqual(packet, before);
  });

  test('a header that ends early, and a data offset beyond the packet, are not read past their end', () => {
    const segment = tcp(SYN, '020405b4', USER, HOST);
    for (const payload of [segment.slice(0, 38), `${segment.slice(0, 24)}f0${segment.slice(26, 44)}`]) {
      const packet = bytesOf(ipv4({ protocol: 6, payload }));
      const before = packet.slice();
      clampMssIpv4(packet, 0, packet.length, 1360);
      assert.deepEqual(packet, before);
    }
  });
});
