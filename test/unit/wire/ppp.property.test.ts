/** Properties of PPP's parsers: reading undoes writing, and nothing that arrives gives more than ProtocolError. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  emitChapValue,
  emitMsChapV2Failure,
  emitMsChapV2Response,
  emitMsChapV2Success,
  emitPapMessage,
  emitPapRequest,
  parseChapValue,
  parseMsChapV2Failure,
  parseMsChapV2Response,
  parseMsChapV2Success,
  parsePapMessage,
  parsePapRequest,
} from '../../../firmware/wire/authentication.js';
import { ProtocolError } from '../../../firmware/wire/bytes.js';
import { emitLcpOption, type LcpOption, parseLcpOption } from '../../../firmware/wire/lcp.js';
import { emitIpcpOption, emitIpv6cpOption, parseIpcpOption, parseIpv6cpOption } from '../../../firmware/wire/ncp.js';
import {
  emitOptions,
  emitPppControlPacket,
  emitPppFrame,
  parseOptions,
  parsePppControlPacket,
  parsePppFrame,
} from '../../../firmware/wire/ppp.js';
import { mutation, record } from './arbitraries.js';

const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffffffff);
const octets = fc.uint8Array({ maxLength: 64 });
const unicodeText = fc.string({ unit: 'binary', maxLength: 40 });

/** Section 2 of RFC 1661: the least significant octet is odd, the most significant even; FF 03 is no number. */
const protocolNumber = fc.tuple(u8, u8).map(([high, low]) => ((high & 0xfe) << 8) | low | 1);

const lcpOption: fc.Arbitrary<LcpOption> = fc.oneof(
  record({ name: fc.constant('mru' as const), mru_bytes: u16 }),
  record({ name: fc.constant('accm' as const), accm: u32 }),
  record({ name: fc.constant('authentication' as const), protocol: fc.constant(0xc223), algorithm: u8 }),
  record({ name: fc.constant('authentication' as const), protocol: fc.constantFrom(0xc023, 0xc227) }),
  record({ name: fc.constant('magicNumber' as const), magicNumber: u32 }),
  record({ name: fc.constant('pfc' as const) }),
  record({ name: fc.constant('acfc' as const) }),
  record({ name: fc.constant('mrru' as const), mrru_bytes: u16 }),
  record({ name: fc.constant('shortSequenceNumbers' as const) }),
  record({ name: fc.constant('endpointDiscriminator' as const), class: u8, address: octets }),
  record({ name: fc.constant('unknown' as const), type: fc.integer({ min: 20, max: 255 }), data: octets }),
);

test('a frame gives its protocol and information back, in each of its four shapes', () => {
  fc.assert(
    fc.property(protocolNumber, octets, fc.boolean(), fc.boolean(), (protocol, information, acfc, pfc) => {
      const frame = emitPppFrame({ protocol, information }, { addressControl: !acfc, protocolFieldCompression: pfc });
      assert.deepEqual(parsePppFrame(frame), { protocol, information });
    }),
    { numRuns: 1000 },
  );
});

test('a control packet gives itself back, whatever padding follows', () => {
  fc.assert(
    fc.property(record({ code: u8, identifier: u8, data: octets }), octets, (packet, padding) => {
      assert.deepEqual(parsePppControlPacket(Uint8Array.of(...emitPppControlPacket(packet), ...padding)), packet);
    }),
  );
});

test('a list of options gives itself back', () => {
  fc.assert(
    fc.property(fc.array(record({ type: u8, data: octets }), { maxLength: 12 }), (options) => {
      assert.deepEqual(parseOptions(emitOptions(options)), options);
    }),
  );
});

test('an LCP option gives its value back', () => {
  fc.assert(
    fc.property(lcpOption, (option) => {
      assert.deepEqual(parseLcpOption(parseOptions(emitOptions([emitLcpOption(option)]))[0]), option);
    }),
    { numRuns: 500 },
  );
});

test('IPCP and IPV6CP options give their values back', () => {
  const name = fc.constantFrom(
    'ipAddress' as const,
    'dns1' as const,
    'dns2' as const,
    'nbns1' as const,
    'nbns2' as const,
  );
  fc.assert(
    fc.property(name, fc.ipV4(), fc.uint8Array({ minLength: 8, maxLength: 8 }), (option, address, identifier) => {
      assert.deepEqual(parseIpcpOption(emitIpcpOption({ name: option, address })), { name: option, address });
      const ipv6cp = { name: 'interfaceIdentifier' as const, interfaceIdentifier: identifier };
      assert.deepEqual(parseIpv6cpOption(emitIpv6cpOption(ipv6cp)), ipv6cp);
    }),
  );
});

test('authentication packets give themselves back', () => {
  const digits = fc.string({ unit: fc.constantFrom(...'0123456789ABCDEF'), minLength: 40, maxLength: 40 });
  const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  fc.assert(
    fc.property(
      octets,
      octets,
      fc.uint8Array({ minLength: 1, maxLength: 255 }),
      unicodeText,
      (name, password, value, text) => {
        assert.deepEqual(parsePapRequest(emitPapRequest({ peerId: name, password })), { peerId: name, password });
        assert.equal(parsePapMessage(emitPapMessage(text)), text);
        assert.deepEqual(parseChapValue(emitChapValue({ value, name })), { value, name });
      },
    ),
  );
  fc.assert(
    fc.property(exactly(16), exactly(24), u8, digits, unicodeText, (peerChallenge, ntResponse, flags, hex, message) => {
      const response = { peerChallenge, ntResponse, flags };
      assert.deepEqual(parseMsChapV2Response(emitMsChapV2Response(response)), response);
      const success = { authenticatorResponse: `S=${hex}`, message };
      assert.deepEqual(parseMsChapV2Success(emitMsChapV2Success(success)), success);
      const failure = { errorCode: 691, retryAllowed: flags > 127, challenge: peerChallenge, message };
      assert.deepEqual(parseMsChapV2Failure(emitMsChapV2Failure(failure)), failure);
    }),
  );
});

const PARSERS: Record<string, (bytes: Uint8Array) => unknown> = {
  parsePppFrame,
  parsePppControlPacket,
  parseOptions,
  'parseLcpOption of each option': (bytes) => parseOptions(bytes).map(parseLcpOption),
  'parseIpcpOption of each option': (bytes) => parseOptions(bytes).map(parseIpcpOption),
  'parseIpv6cpOption of each option': (bytes) => parseOptions(bytes).map(parseIpv6cpOption),
  parsePapRequest,
  parsePapMessage,
  parseChapValue,
  parseMsChapV2Response,
  parseMsChapV2Success,
  parseMsChapV2Failure,
};

/** Octets that have the look of options: small types, short lengths. */
const optionLike = fc.uint8Array({ max: 20, maxLength: 60 });

for (const [name, parse] of Object.entries(PARSERS)) {
  test(`${name}: any octets give a value or a ProtocolError within them`, () => {
    fc.assert(
      fc.property(fc.oneof(octets, optionLike), mutation, (bytes, change) => {
        const changed = change(bytes);
        try {
          parse(changed);
        } catch (error) {
          assert.ok(error instanceof ProtocolError, `${error}`);
          assert.ok(error.offset >= 0 && error.offset <= changed.length);
        }
      }),
      { numRuns: 1000 },
    );
  });
}
