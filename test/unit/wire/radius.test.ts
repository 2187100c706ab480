/** RADIUS packets and attributes: the examples of RFC 2865 section 7, lengths that lie, and round trips. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ProtocolError } from '../../../firmware/wire/bytes.js';
import {
  emitRadiusPacket,
  messageAuthenticatorOffset,
  parseRadiusPacket,
  RADIUS_CODE,
} from '../../../firmware/wire/radius.js';
import {
  emitRadiusAttributes,
  parseRadiusAttributes,
  RADIUS_ATTRIBUTES,
  type RadiusValues,
} from '../../../firmware/wire/radius-attributes.js';
import type { RadiusFormat } from '../../../firmware/wire/radius-format.js';
import { ascii, fromHex, readVectors, toHex } from '../../vectors/vectors.js';

type Example = Record<'request' | 'response', string>;
const EXAMPLES = readVectors<Record<'telnet' | 'chap' | 'challenge' | 'reject', Example>>('radius');
const ZEROS = '00'.repeat(16);

function valuesOf(attributes: string): RadiusValues {
  const bytes = fromHex(attributes);
  const length = (bytes.length + 20).toString(16).padStart(4, '0');
  return parseRadiusAttributes(parseRadiusPacket(fromHex(`0201${length}${ZEROS}${attributes}`)).attributes).values;
}

test('RFC 2865 section 7.2: the Access-Request for flopsy and its Access-Accept', () => {
  const request = parseRadiusPacket(fromHex(EXAMPLES.chap.request));
  assert.equal(request.code, RADIUS_CODE.accessRequest);
  assert.equal(request.identifier, 1);
  const { values } = parseRadiusAttributes(request.attributes);
  assert.equal(values.userName, 'flopsy');
  assert.equal(values.chapPassword?.[0], 22);
  assert.deepEqual(
    [values.nasIpAddress, values.nasPort, values.serviceType, values.framedProtocol],
    ['192.168.1.16', 20, 2, 1],
  );
  const accept = parseRadiusPacket(fromHex(EXAMPLES.chap.response));
  assert.equal(accept.code, RADIUS_CODE.accessAccept);
  assert.deepEqual(parseRadiusAttributes(accept.attributes).values, {
    serviceType: 2,
    framedProtocol: 1,
    framedIpAddress: '255.255.255.254',
    framedRouting: 2,
    framedCompression: [1],
    framedMtu: 1500,
  });
});

test('RFC 2865 section 7.3: the Access-Challenge for mopsy', () => {
  const { code, attributes } = parseRadiusPacket(fromHex(EXAMPLES.challenge.response));
  assert.equal(code, RADIUS_CODE.accessChallenge);
  assert.deepEqual(parseRadiusAttributes(attributes).values, {
    replyMessage: ['Challenge 32769430.  Enter response at prompt.'],
    state: ascii('32769430'),
  });
});

for (const [name, { request, response }] of Object.entries(EXAMPLES).filter(([, value]) => value.request)) {
  test(`the packets of RFC 2865 section 7, ${name}, are emitted as they were read`, () => {
    for (const packet of [request, response]) {
      assert.equal(toHex(emitRadiusPacket(parseRadiusPacket(fromHex(packet)))), packet.replaceAll(' ', ''));
    }
  });
}

test('what stands behind Length is padding (RFC 2865 section 3)', () => {
  assert.deepEqual(parseRadiusPacket(fromHex(`02010014${ZEROS}ffff`)).attributes, []);
});

for (const [what, packet] of [
  ['a packet shorter than its header', '020100'],
  ['Length below 20', `02010013${ZEROS}`],
  ['Length above 4096', `02011001${ZEROS}${'00'.repeat(4077)}`],
  ['Length beyond the datagram', `02010015${ZEROS}`],
  ['an attribute of Length 0', `02010016${ZEROS}0100`],
  ['an attribute of Length 1', `02010016${ZEROS}0101`],
  ['an attribute beyond the packet', `02010017${ZEROS}010461ff`],
  ['an attribute cut behind its type', `02010015${ZEROS}01`],
] as const) {
  test(`${what} is refused`, () => {
    assert.throws(() => parseRadiusPacket(fromHex(packet)), ProtocolError);
  });
}

for (const [what, attributes] of [
  ['an integer of three octets', '1b05000001'],
  ['an integer of five octets', '1b070000000001'],
  ['an address of five octets', '0807c000020101'],
  ['a Prefix-Length of 129', `61140081${ZEROS}`],
  ['a prefix shorter than its length', '6108004020010db8'],
  ['an interface identifier of seven octets', '600900000000000001'],
  ['a Vendor-Specific without a whole Vendor-Id', '1a05000001'],
  ["a vendor's attribute of length 1", '1a0800000137 1001'],
  ["a vendor's attribute beyond its end", '1a09000001371004ff'],
] as const) {
  test(`${what} is refused`, () => {
    assert.throws(() => valuesOf(attributes), ProtocolError);
  });
}

test('tunnel attributes with tags (RFC 2868 section 3): a first octet above 31 is text, or no tag', () => {
  const values = valuesOf(`4006 01000003 4006 02000003 4306 013139 32 4305 313932 5306 ff00000a 4508 01 8001 abcdef`);
  assert.deepEqual(values.tunnelType, [
    { tag: 1, value: 3 },
    { tag: 2, value: 3 },
  ]);
  assert.deepEqual(values.tunnelServerEndpoint, [
    { tag: 1, value: '192' },
    { tag: 0, value: '192' },
  ]);
  assert.deepEqual(values.tunnelPreference, [{ tag: 0, value: 10 }]);
  assert.deepEqual(values.tunnelPassword, [{ tag: 1, value: fromHex('8001abcdef') }]);
});

test('bits of a prefix past its length are taken as zero; octets left out are zero (RFC 3162 section 2.3)', () => {
  const [prefix] = valuesOf('610c 0030 20010db8000fffff').framedIpv6Prefix ?? [];
  assert.deepEqual(prefix, { address: fromHex(`20010db8000f${'00'.repeat(10)}`), length_bits: 48 });
});

test('several attributes of a vendor in one Vendor-Specific are all read; an unknown vendor stays as it came', () => {
  const { attributes } = parseRadiusPacket(
    fromHex(`02010036${ZEROS}1a12 000037 2a 0706 000f4240 0806 001e8480 1a08 00001234 0102 fa08 000102030405`),
  );
  const parsed = parseRadiusAttributes(attributes);
  assert.deepEqual(parsed.values, { wisprBandwidthMaxUp_bps: 1_000_000, wisprBandwidthMaxDown_bps: 2_000_000 });
  assert.deepEqual(parsed.otherVendors, [{ vendorId: 0x1234, value: fromHex('0102') }]);
  assert.deepEqual(parsed.others, [{ type: 250, value: fromHex('000102030405') }]);
});

test('a Message-Authenticator is found wherever it stands; of another length, or twice, it is refused', () => {
  const authenticator = `5012${'ab'.repeat(16)}`;
  const offset = (attributes: string, length: string) =>
    messageAuthenticatorOffset(parseRadiusPacket(fromHex(`0201${length}${ZEROS}${attributes}`)));
  assert.equal(offset('', '0014'), undefined);
  assert.equal(offset(`010361${authenticator}`, '0029'), 25);
  assert.throws(() => offset('5003ab', '0017'), ProtocolError);
  assert.throws(() => offset(authenticator.repeat(2), '0038'), ProtocolError);
});

const octetsOf = (minLength: number, maxLength = minLength) => fc.uint8Array({ minLength, maxLength });
const latin1Text = octetsOf(1, 200).map((bytes) => Buffer.from(bytes).toString('latin1'));
const u32 = fc.nat({ max: 0xffff_ffff });
const tag = fc.nat({ max: 31 });
const prefix = fc.tuple(octetsOf(16), fc.nat({ max: 128 })).map(([address, length_bits]) => ({
  address: address.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, length_bits - 8 * i)))),
  length_bits,
}));

/** Values of each format that come back as they are. */
const VALUE: { readonly [F in RadiusFormat]: fc.Arbitrary<unknown> } = {
  integer: u32,
  time: u32,
  text: latin1Text,
  utf8: fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }).filter((text) => Buffer.byteLength(text) <= 200),
  octets: octetsOf(1, 240),
  address: octetsOf(4).map((bytes) => bytes.join('.')),
  ipv6: fc.nat({ max: 0xfffe }).map((group) => `2001:db8::${(group + 1).toString(16)}`),
  prefix,
  ifid: octetsOf(8),
  'tagged-integer': fc.record({ tag, value: fc.nat({ max: 0xff_ffff }) }, { noNullPrototype: true }),
  'tagged-text': fc.record({ tag, value: latin1Text }, { noNullPrototype: true }),
  'tagged-octets': fc.record({ tag, value: octetsOf(1, 240) }, { noNullPrototype: true }),
};

test('every attribute of the table comes back as it was emitted', () => {
  for (const { name, format, several } of RADIUS_ATTRIBUTES) {
    const value = several ? fc.array(VALUE[format], { minLength: 1, maxLength: 4 }) : VALUE[format];
    fc.assert(
      fc.property(value, (given) => {
        const packet = emitRadiusPacket({
          code: 2,
          identifier: 9,
          authenticator: new Uint8Array(16),
          attributes: emitRadiusAttributes({ [name]: given }),
        });
        const { values, others, otherVendors } = parseRadiusAttributes(parseRadiusPacket(packet).attributes);
        assert.deepEqual({ ...values }, { [name]: given });
        assert.deepEqual([others, otherVendors], [[], []]);
      }),
      { numRuns: 20 },
    );
  }
});

test('no two attributes of the table have one name, or one number', () => {
  const names = RADIUS_ATTRIBUTES.map(({ name }) => name);
  const numbers = RADIUS_ATTRIBUTES.map(({ type, vendorId }) => `${vendorId}.${type}`);
  assert.equal(new Set(names).size, names.length);
  assert.equal(new Set(numbers).size, numbers.length);
});

test('what does not fit is not emitted: long values, long packets, tags, addresses of the other family', () => {
  const emit = (values: RadiusValues) =>
    emitRadiusPacket({
      code: 1,
      identifier: 0,
      authenticator: new Uint8Array(16),
      attributes: emitRadiusAttributes(values),
    });
  for (const values of [
    { userName: 'x'.repeat(254) },
    { class: Array.from({ length: 17 }, () => new Uint8Array(253)) },
    { tunnelType: [{ tag: 32, value: 3 }] },
    { tunnelType: [{ tag: 1, value: 0x1000000 }] },
    { framedIpAddress: '2001:db8::1' },
    { framedInterfaceId: new Uint8Array(7) },
  ]) {
    assert.throws(() => emit(values), RangeError);
  }
  assert.deepEqual(emitRadiusAttributes({ userName: '', class: [new Uint8Array(0)] }), []);
});
