/** ICMPv6 Echo at link-local scope, RFC 4443 section 4, and the addresses of RFC 5072. Packets are written out here. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { answerLinkLocal, interfaceIdText, linkLocalAddress } from '../../../../firmware/protocol/ipv6/link-local.js';
import { fromHex } from '../../../vectors/vectors.js';

const OURS = 'fe80::211:22ff:fe33:4455';
const OURS_HEX = 'fe80000000000000021122fffe334455';
const THEIRS_HEX = 'fe800000000000000000000000000009';
const ALL_NODES_HEX = 'ff020000000000000000000000000001';

/** RFC 8200 section 8.1, summed by hand. */
function checksum(packet: Uint8Array): number {
  const words = [packet.length - 40, 58];
  for (let i = 8; i < packet.length; i += 2) words.push((packet[i] << 8) | (packet[i + 1] ?? 0));
  let sum = words.reduce((total, word) => total + word, 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** An Echo-Request (type 128) or another ICMPv6 message, identifier 1234, sequence number 1, and data. */
function icmpv6(destination: string, { type = '80', data = 'cafe', hopLimit = '40' } = {}): Uint8Array {
  const body = `${type}0000001234${'0001'}${data}`;
  const length = (body.length / 2).toString(16).padStart(4, '0');
  const packet = fromHex(`60000000${length}3a${hopLimit}${THEIRS_HEX}${destination}${body}`);
  const sum = checksum(packet);
  packet[42] = sum >>> 8;
  packet[43] = sum & 0xff;
  return packet;
}

test('RFC 5072 5: a link-local address is fe80::/64 and the interface identifier', () => {
  assert.equal(linkLocalAddress(fromHex('021122fffe334455')), OURS);
  assert.equal(interfaceIdText(fromHex('021122fffe334455')), '0211:22ff:fe33:4455');
});

for (const [name, destination] of [
  ['to our address', OURS_HEX],
  ['to all nodes', ALL_NODES_HEX],
]) {
  test(`RFC 4443 4.2: an Echo-Request ${name} is answered from our address, with its data and a right checksum`, () => {
    const reply = answerLinkLocal(icmpv6(destination), OURS);
    assert.ok(reply);
    const expected = icmpv6(destination, { type: '81' });
    expected.set(fromHex(OURS_HEX), 8);
    expected.set(fromHex(THEIRS_HEX), 24);
    expected[42] = expected[43] = 0;
    const sum = checksum(expected);
    expected[42] = sum >>> 8;
    expected[43] = sum & 0xff;
    assert.deepEqual(reply, expected);
  });
}

test('data of an odd length is summed as if a zero followed', () => {
  assert.ok(answerLinkLocal(icmpv6(OURS_HEX, { data: 'cafeee' }), OURS));
});

test('padding behind the payload length is not sent back', () => {
  const request = icmpv6(OURS_HEX);
  const padded = new Uint8Array([...request, 0, 0, 0]);
  assert.equal(answerLinkLocal(padded, OURS)?.length, request.length);
});

test('nothing else is answered: another destination, another message, a wrong checksum, another version', () => {
  const wrong = icmpv6(OURS_HEX);
  wrong[43] ^= 1;
  const version4 = icmpv6(OURS_HEX);
  version4[0] = 0x45;
  const udp = icmpv6(OURS_HEX);
  udp[6] = 17;
  for (const packet of [
    icmpv6('fe800000000000000000000000000008'),
    icmpv6('ff020000000000000000000000000002'),
    icmpv6(OURS_HEX, { type: '81' }),
    icmpv6(ALL_NODES_HEX, { type: '85' }),
    wrong,
    version4,
    udp,
  ]) {
    assert.equal(answerLinkLocal(packet, OURS), undefined);
  }
});

test('a packet that is cut off, or lies about its length, gets no answer and no exception', () => {
  const request = icmpv6(OURS_HEX);
  for (let length = 0; length < request.length; length++) {
    assert.equal(answerLinkLocal(request.subarray(0, length), OURS), undefined);
  }
  for (const payload_bytes of [0, 7, 0xffff]) {
    const lying = icmpv6(OURS_HEX);
    lying[4] = payload_bytes >>> 8;
    lying[5] = payload_bytes & 0xff;
    assert.equal(answerLinkLocal(lying, OURS), undefined);
  }
});

test('any octets: no exception, and no answer that is longer than its question', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (packet) => {
      const reply = answerLinkLocal(packet, OURS);
      assert.ok(reply === undefined || reply.length <= packet.length);
    }),
  );
});
