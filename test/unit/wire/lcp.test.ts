/** LCP's options and packets: RFC 1661 sections 5.7 to 6, RFC 1662 7, RFC 1990 5.1, RFC 1570 2. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../../../firmware/wire/bytes.js';
import {
  CHAP_ALGORITHM,
  emitLcpOption,
  emitMagicNumberPacket,
  emitProtocolReject,
  type LcpOption,
  parseLcpOption,
  parseMagicNumberPacket,
  parseProtocolReject,
} from '../../../firmware/wire/lcp.js';
import { emitOptions, PPP_PROTOCOL, parseOptions } from '../../../firmware/wire/ppp.js';
import { ascii, fromHex, toHex } from '../../vectors/vectors.js';

/** Each option as its section draws it. */
const OPTIONS: readonly [string, string, LcpOption][] = [
  ['RFC 1661 6.1: Maximum-Receive-Unit', '0104 0578', { name: 'mru', mru_bytes: 1400 }],
  ['RFC 1662 7.1: Async-Control-Character-Map', '0206 000a0000', { name: 'accm', accm: 0x000a0000 }],
  ['RFC 1661 6.2: PAP', '0304 c023', { name: 'authentication', protocol: PPP_PROTOCOL.pap }],
  ['RFC 1994 3: CHAP with MD5', '0305 c223 05', { name: 'authentication', protocol: PPP_PROTOCOL.chap, algorithm: 5 }],
  [
    'RFC 2759 3: MS-CHAPv2',
    '0305 c223 81',
    { name: 'authentication', protocol: PPP_PROTOCOL.chap, algorithm: CHAP_ALGORITHM.msChapV2 },
  ],
  ['RFC 2284: EAP', '0304 c227', { name: 'authentication', protocol: PPP_PROTOCOL.eap }],
  ['RFC 1661 6.4: Magic-Number', '0506 fedcba98', { name: 'magicNumber', magicNumber: 0xfedcba98 }],
  ['RFC 1661 6.5: Protocol-Field-Compression', '0702', { name: 'pfc' }],
  ['RFC 1661 6.6: Address-and-Control-Field-Compression', '0802', { name: 'acfc' }],
  ['RFC 1990 5.1.1: Multilink MRRU', '1104 05dc', { name: 'mrru', mrru_bytes: 1500 }],
  ['RFC 1990 5.1.2: short sequence numbers', '1202', { name: 'shortSequenceNumbers' }],
  [
    'RFC 1990 5.1.3: Endpoint Discriminator of class 3, a MAC address',
    '1309 03 0200 5e00 5301',
    { name: 'endpointDiscriminator', class: 3, address: fromHex('02005e005301') },
  ],
  [
    'RFC 1661 6.3: Quality-Protocol, which has no value here',
    '0408 c025 00000bb8',
    { name: 'unknown', type: 4, data: fromHex('c02500000bb8') },
  ],
  ['RFC 1570 2.3: Callback, which has no value here', '0d03 06', { name: 'unknown', type: 13, data: fromHex('06') }],
];

for (const [what, bytes, value] of OPTIONS) {
  test(`${what} is read and written`, () => {
    const [option] = parseOptions(fromHex(bytes));
    assert.deepEqual(parseLcpOption(option), value);
    assert.equal(toHex(emitOptions([emitLcpOption(value)])), toHex(fromHex(bytes)));
  });
}

for (const bytes of [
  '0103 05',
  '0105 05dc00',
  '0205 000a00',
  '0303 c0',
  '0305 c02300',
  '0304 c223',
  '0306 c2230500',
  '0504 0000',
  '0703 00',
  '0803 00',
  '1103 05',
  '1203 00',
  '1302',
]) {
  test(`RFC 1661 6: option ${bytes} has not the length of its type: ProtocolError`, () => {
    const [option] = parseOptions(fromHex(bytes));
    assert.throws(() => parseLcpOption(option), ProtocolError);
  });
}

test('RFC 1661 5.8: Echo-Request and -Reply start with the magic number', () => {
  assert.deepEqual(parseMagicNumberPacket(fromHex('fedcba98 6869')), {
    magicNumber: 0xfedcba98,
    data: ascii('hi'),
  });
  assert.equal(toHex(emitMagicNumberPacket({ magicNumber: 1, data: ascii('hi') })), '000000016869');
  assert.throws(() => parseMagicNumberPacket(fromHex('000000')), ProtocolError);
});

test('RFC 1570 2.1: Identification has the magic number and a text: "MSRASV5.20", as Windows sends it', () => {
  const packet = parseMagicNumberPacket(fromHex('00000000 4d535241535635 2e3230'));
  assert.deepEqual(packet, { magicNumber: 0, data: ascii('MSRASV5.20') });
});

test('RFC 1661 5.7: Protocol-Reject has the protocol and what came, cut so that it fits', () => {
  const information = fromHex('0101000a 120600000060');
  const whole = emitProtocolReject({ protocol: PPP_PROTOCOL.ccp, information });
  assert.equal(toHex(whole), `80fd${toHex(information)}`);
  assert.deepEqual(parseProtocolReject(whole), { protocol: PPP_PROTOCOL.ccp, information });
  assert.equal(toHex(emitProtocolReject({ protocol: PPP_PROTOCOL.ccp, information }, 6)), '80fd0101000a');
  assert.throws(() => parseProtocolReject(fromHex('80')), ProtocolError);
});
