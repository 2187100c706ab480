/** Headers of control messages, RFC 3931 section 3.2.1 and RFC 2661 section 3.1, and of version 3's data messages. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ProtocolError } from '../../../firmware/wire/bytes.js';
import { emitControlPacket, parseControlHeader } from '../../../firmware/wire/control-header.js';
import { emitDataHeaderV3 } from '../../../firmware/wire/l2tpv3.js';
import { fromHex, toHex } from '../../vectors/vectors.js';

test('3.2.1: a version 3 control message has T, L and S set, Ver 3 and a Control Connection ID of 32 bits', () => {
  const header = { version: 3, controlConnectionId: 0x89abcdef, ns: 0x0102, nr: 0xfffe } as const;
  const packet = emitControlPacket(header, fromHex('8008 0000 0000 0006'));
  assert.equal(toHex(packet), 'c803001489abcdef0102fffe8008000000000006');
  assert.deepEqual(parseControlHeader(packet), { ...header, sessionId: 0, payloadOffset: 12, payloadEnd: 20 });
});

test('RFC 2661 3.1: in a version 2 control message Tunnel ID and Session ID stand in its place', () => {
  const header = { version: 2, controlConnectionId: 0x0a0b, sessionId: 0x0c0d, ns: 1, nr: 2 } as const;
  const packet = emitControlPacket(header, new Uint8Array(0));
  assert.equal(toHex(packet), 'c802000c0a0b0c0d00010002');
  assert.deepEqual(parseControlHeader(packet), { ...header, payloadOffset: 12, payloadEnd: 12 });
});

test('3.2.1: reserved bits of version 3 are ignored, those that have a meaning in version 2 too', () => {
  assert.equal(parseControlHeader(fromHex('fff3 000c 00000001 0003 0004')).controlConnectionId, 1);
});

test('3.2.1: what follows the octets that Length counts is not part of the message', () => {
  assert.equal(parseControlHeader(fromHex('c803 000c 00000001 0000 0000 dead')).payloadEnd, 12);
});

for (const [what, bytes] of [
  ['nothing', ''],
  ['a data message', '0003 0000 00000001 00000000'],
  ['no L bit', '8803 000c 00000001 0000 0000'],
  ['no S bit', 'c003 000c 00000001 0000 0000'],
  ['a Length below the header', 'c803 000b 00000001 0000 0000'],
  ['a Length above the packet', 'c803 000d 00000001 0000 0000'],
  ['a packet that ends in the header', 'c803 000c 00000001 0000'],
  ['version 1', 'c801 000c 00000001 0000 0000'],
  ['version 4', 'c804 000c 00000001 0000 0000'],
  ['version 2 with O set', 'ca02 000e 00000001 0000 0000 0000'],
]) {
  test(`3.2.1: ${what} is a ProtocolError`, () => {
    assert.throws(() => parseControlHeader(fromHex(bytes)), ProtocolError);
  });
}

test('a control packet of either version gives its header and body back; any octets are a header or a ProtocolError', () => {
  const u16 = fc.nat(0xffff);
  const version = fc.constantFrom(2 as const, 3 as const);
  fc.assert(
    fc.property(version, fc.nat(0xffffffff), u16, u16, u16, fc.uint8Array(), (ver, ccId, sessionId, ns, nr, body) => {
      const ids =
        ver === 3 ? { controlConnectionId: ccId, sessionId: 0 } : { controlConnectionId: ccId >>> 16, sessionId };
      const packet = emitControlPacket({ version: ver, ...ids, ns, nr }, body);
      const { payloadOffset, payloadEnd, ...header } = parseControlHeader(packet);
      assert.deepEqual(header, { version: ver, ...ids, ns, nr });
      assert.deepEqual(packet.slice(payloadOffset, payloadEnd), body);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
      try {
        const { payloadOffset, payloadEnd } = parseControlHeader(bytes);
        assert.ok(payloadOffset <= payloadEnd && payloadEnd <= bytes.length);
      } catch (error) {
        assert.ok(error instanceof ProtocolError);
      }
    }),
    { numRuns: 2000 },
  );
});

const SESSION = 0xdeadbeef;
for (const [section, header, bytes] of [
  ['4.1.1.1: over IP', { encapsulation: 'ip', sessionId: SESSION, cookie: '' }, 'deadbeef'],
  ['4.1.2.1: over UDP', { encapsulation: 'udp', sessionId: SESSION, cookie: '01020304' }, '00030000deadbeef01020304'],
  [
    '4.6: with a sequence number of 24 bits and S set',
    { encapsulation: 'ip', sessionId: SESSION, cookie: '0102030405060708', sublayer: { sequence: 0x1ffffff } },
    'deadbeef010203040506070840ffffff',
  ],
  ['4.6: with S clear', { encapsulation: 'ip', sessionId: SESSION, cookie: '', sublayer: {} }, 'deadbeef00000000'],
] as const) {
  test(`${section}, a data message's header`, () => {
    assert.equal(toHex(emitDataHeaderV3({ ...header, cookie: fromHex(header.cookie) })), bytes);
  });
}
