/** The header of RFC 2661 section 3.1: every flag combination, and what may not be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ProtocolError } from '../../../firmware/wire/bytes.js';
import { emitControlPacket } from '../../../firmware/wire/control-header.js';
import { emitDataHeader, type L2tpDataHeader, parseL2tpHeader } from '../../../firmware/wire/l2tp.js';
import { fromHex, toHex } from '../../vectors/vectors.js';

const PAYLOAD = fromHex('ff 03 00 21 45');

/** The figure of section 3.1, written out for each of the 16 combinations of L, S, O and P of a data message. */
const DATA_HEADERS: readonly { flags: string; header: L2tpDataHeader; bytes: string }[] = [
  { flags: '-', header: {}, bytes: '0002 1111 2222' },
  { flags: 'P', header: { priority: true }, bytes: '0102 1111 2222' },
  { flags: 'O', header: { offset_bytes: 2 }, bytes: '0202 1111 2222 0002 0000' },
  { flags: 'OP', header: { offset_bytes: 2, priority: true }, bytes: '0302 1111 2222 0002 0000' },
  { flags: 'S', header: { sequence: { ns: 9, nr: 8 } }, bytes: '0802 1111 2222 0009 0008' },
  { flags: 'SP', header: { sequence: { ns: 9, nr: 8 }, priority: true }, bytes: '0902 1111 2222 0009 0008' },
  { flags: 'SO', header: { sequence: { ns: 9, nr: 8 }, offset_bytes: 0 }, bytes: '0a02 1111 2222 0009 0008 0000' },
  {
    flags: 'SOP',
    header: { sequence: { ns: 9, nr: 8 }, offset_bytes: 1, priority: true },
    bytes: '0b02 1111 2222 0009 0008 0001 00',
  },
  { flags: 'L', header: { payload_bytes: 5 }, bytes: '4002 000d 1111 2222' },
  { flags: 'LP', header: { payload_bytes: 5, priority: true }, bytes: '4102 000d 1111 2222' },
  { flags: 'LO', header: { payload_bytes: 5, offset_bytes: 3 }, bytes: '4202 0012 1111 2222 0003 000000' },
  {
    flags: 'LOP',
    header: { payload_bytes: 5, offset_bytes: 3, priority: true },
    bytes: '4302 0012 1111 2222 0003 000000',
  },
  {
    flags: 'LS',
    header: { payload_bytes: 5, sequence: { ns: 65535, nr: 0 } },
    bytes: '4802 0011 1111 2222 ffff 0000',
  },
  {
    flags: 'LSP',
    header: { payload_bytes: 5, sequence: { ns: 65535, nr: 0 }, priority: true },
    bytes: '4902 0011 1111 2222 ffff 0000',
  },
  {
    flags: 'LSO',
    header: { payload_bytes: 5, sequence: { ns: 1, nr: 2 }, offset_bytes: 2 },
    bytes: '4a02 0015 1111 2222 0001 0002 0002 0000',
  },
  {
    flags: 'LSOP',
    header: { payload_bytes: 5, sequence: { ns: 1, nr: 2 }, offset_bytes: 2, priority: true },
    bytes: '4b02 0015 1111 2222 0001 0002 0002 0000',
  },
].map(({ header, ...rest }) => ({ header: { tunnelId: 0x1111, sessionId: 0x2222, ...header }, ...rest }));

test('the table above has every combination of L, S, O and P once', () => {
  assert.equal(new Set(DATA_HEADERS.map(({ bytes }) => fromHex(bytes)[0] & 0x4b)).size, 16);
});

for (const { flags, header, bytes } of DATA_HEADERS) {
  test(`3.1: a data header with flags ${flags} is written as the figure has it`, () => {
    assert.equal(toHex(emitDataHeader(header)), toHex(fromHex(bytes)));
  });

  test(`3.1: a data message with flags ${flags} is read, payload and all`, () => {
    const packet = fromHex(bytes + toHex(PAYLOAD));
    const parsed = parseL2tpHeader(packet);
    assert.deepEqual(parsed, {
      control: false,
      hasLength: header.payload_bytes !== undefined,
      hasSequence: header.sequence !== undefined,
      hasOffset: header.offset_bytes !== undefined,
      priority: header.priority ?? false,
      version: 2,
      length_bytes: packet.length,
      tunnelId: 0x1111,
      sessionId: 0x2222,
      ns: header.sequence?.ns ?? 0,
      nr: header.sequence?.nr ?? 0,
      payloadOffset: packet.length - PAYLOAD.length,
      payloadEnd: packet.length,
    });
  });
}

test('3.1: a control message has T, L and S set and nothing else; a ZLB is its header alone (5.8)', () => {
  const header = { version: 2, controlConnectionId: 0x0a0b, sessionId: 0x0c0d, ns: 0x0102, nr: 0xfffe } as const;
  assert.equal(toHex(emitControlPacket(header, new Uint8Array(0))), 'c802000c0a0b0c0d0102fffe');
  const packet = emitControlPacket(header, fromHex('8008 0000 0000 0006'));
  assert.equal(toHex(packet), 'c80200140a0b0c0d0102fffe8008000000000006');
  const parsed = parseL2tpHeader(packet);
  assert.deepEqual(
    [parsed.control, parsed.tunnelId, parsed.sessionId, parsed.ns, parsed.nr, parsed.payloadOffset, parsed.payloadEnd],
    [true, 0x0a0b, 0x0c0d, 0x0102, 0xfffe, 12, 20],
  );
});

test('3.1: reserved bits are ignored on receipt', () => {
  const parsed = parseL2tpHeader(fromHex('fcf2 000c 0001 0002 0003 0004'));
  assert.deepEqual([parsed.control, parsed.tunnelId, parsed.sessionId, parsed.ns, parsed.nr], [true, 1, 2, 3, 4]);
});

test('3.1: the P bit of a control message is ignored', () => {
  assert.equal(parseL2tpHeader(fromHex('c902 000c 0001 0002 0003 0004')).control, true);
});

test('3.1: octets after those that Length counts are not of the message', () => {
  const parsed = parseL2tpHeader(fromHex('c802 000c 0001 0000 0000 0000 dead'));
  assert.deepEqual([parsed.payloadOffset, parsed.payloadEnd], [12, 12]);
});

const REFUSED: readonly [string, string][] = [
  ['nothing', ''],
  ['one octet', 'c8'],
  ['version 1, L2F', 'c801 000c 0001 0000 0000 0000'],
  ['version 3', 'c803 000c 0000 0001 0000 0000'],
  ['version 0', 'c800 000c 0001 0000 0000 0000'],
  ['a control message without Length', '8802 0001 0000 0000 0000'],
  ['a control message without Ns and Nr', 'c002 0008 0001 0000'],
  ['a control message with an offset', 'ca02 000e 0001 0000 0000 0000 0000'],
  ['a Length beyond the packet', 'c802 000d 0001 0000 0000 0000'],
  ['a Length of 0', 'c802 0000 0001 0000 0000 0000'],
  ['a Length that ends within the header', 'c802 000b 0001 0000 0000 0000'],
  ['a data Length that ends within the header', '4002 0007 0001 0001'],
  ['a data message cut in its IDs', '0002 0001 00'],
  ['a data message cut in its sequence numbers', '0802 0001 0001 0000'],
  ['an offset beyond the packet', '0202 0001 0001 0001'],
  ['an offset beyond Length', '4202 000a 0001 0001 0003 000000'],
  ['an offset of 65535', '0202 0001 0001 ffff'],
];

for (const [what, bytes] of REFUSED) {
  test(`3.1: ${what} is a ProtocolError`, () => {
    assert.throws(() => parseL2tpHeader(fromHex(bytes)), ProtocolError);
  });
}

test('any octets give a header whose payload lies within the packet, or ProtocolError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.boolean(), (bytes, versionTwo) => {
      if (versionTwo && bytes.length > 1) bytes[1] = (bytes[1] & 0xf0) | 2;
      try {
        const header = parseL2tpHeader(bytes);
        assert.ok(header.payloadOffset <= header.payloadEnd && header.payloadEnd <= bytes.length);
      } catch (error) {
        assert.ok(error instanceof ProtocolError);
      }
    }),
    { numRuns: 2000 },
  );
});
