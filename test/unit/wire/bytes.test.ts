/** The reader that checks every length, the writer that grows, and text of octets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteReader, ByteWriter, latin1, octets, ProtocolError } from '../../../firmware/wire/bytes.js';
import { fromHex, toHex } from '../../vectors/vectors.js';

test('numbers are read in network order', () => {
  const reader = new ByteReader(fromHex('01 8203 ff000001 aabb'));
  assert.equal(reader.u8(), 0x01);
  assert.equal(reader.u16(), 0x8203);
  assert.equal(reader.u32(), 0xff000001);
  assert.equal(reader.remaining_bytes, 2);
  assert.equal(toHex(reader.rest()), 'aabb');
  assert.equal(reader.remaining_bytes, 0);
});

test('a read past the end throws ProtocolError with the offset and moves nothing', () => {
  const reader = new ByteReader(fromHex('000102'), 1);
  const error = { name: 'ProtocolError', offset: 1, errorCode: 2, resultCode: 2 };
  assert.throws(() => reader.u32(), error);
  assert.throws(() => reader.take(3), error);
  assert.equal(reader.u16(), 0x0102);
  assert.throws(() => reader.u8(), { name: 'ProtocolError', offset: 3 });
});

test('the end given to a reader binds it, not the end of the buffer', () => {
  const reader = new ByteReader(fromHex('00010203'), 1, 3);
  assert.equal(toHex(reader.rest()), '0102');
  assert.throws(() => reader.u8(), ProtocolError);
});

test('expectEnd throws where octets are left, with the offset of the first of them', () => {
  const reader = new ByteReader(fromHex('0001'));
  reader.u8();
  assert.throws(() => reader.expectEnd(), { name: 'ProtocolError', offset: 1 });
  reader.u8();
  reader.expectEnd();
});

test('what is written is what was given, past any capacity and with a length patched afterwards', () => {
  const writer = new ByteWriter(1).u16(0).u8(7).u32(0xfffefdfc).bytes(fromHex('aabbcc'));
  writer.patchU16(0, writer.length_bytes);
  assert.equal(toHex(writer.finish()), '000a07fffefdfcaabbcc');
});

test('octets to Latin-1 text and back is lossless for every octet', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      assert.deepEqual(octets(latin1(bytes)), bytes);
    }),
  );
});

test('text with a character above U+00FF becomes UTF-8', () => {
  assert.equal(toHex(octets('é€')), 'c3a9e282ac');
  assert.equal(toHex(octets('é')), 'e9');
});
