/** RADIUS as a fuzz target: a packet with all its attributes; what was read can be emitted and read again. */
import { emitRadiusPacket, messageAuthenticatorOffset, parseRadiusPacket } from '../../firmware/wire/radius.js';
import { emitRadiusAttributes, parseRadiusAttributes } from '../../firmware/wire/radius-attributes.js';
import { ascii, fromHex, readVectors } from '../vectors/vectors.js';
import type { FuzzTarget } from './fuzzer.js';

type Example = Record<'request' | 'response', string>;
const EXAMPLES = readVectors<Record<'telnet' | 'chap' | 'challenge' | 'reject', Example>>('radius');

const TUNNEL = emitRadiusPacket({
  code: 2,
  identifier: 1,
  authenticator: new Uint8Array(16),
  attributes: [
    { type: 80, value: new Uint8Array(16) },
    ...emitRadiusAttributes({
      tunnelType: [{ tag: 1, value: 3 }],
      tunnelServerEndpoint: [{ tag: 1, value: '192.0.2.1' }],
      tunnelPassword: [{ tag: 1, value: fromHex('8001abcdef') }],
      replyMessage: ['welcome'],
      framedIpv6Prefix: [{ address: fromHex(`20010db8${'00'.repeat(12)}`), length_bits: 32 }],
      framedInterfaceId: ascii('01234567'),
      dnsServerIpv6Address: ['2001:db8::53'],
      msChap2Success: ascii('1S=0123'),
      wisprBandwidthMaxUp_bps: 1_000_000,
    }),
  ],
});

function readPacket(datagram: Uint8Array): void {
  const packet = parseRadiusPacket(datagram);
  messageAuthenticatorOffset(packet);
  const again = parseRadiusPacket(emitRadiusPacket(packet));
  if (again.attributes.length !== packet.attributes.length) throw new Error('attributes are lost');
  // Text that is not UTF-8 grows when it is read; all else is emitted as long as it came.
  const { values } = parseRadiusAttributes(packet.attributes);
  emitRadiusAttributes(values);
}

export const RADIUS_TARGETS: readonly FuzzTarget[] = [
  {
    name: 'radius-packet',
    seeds: [
      TUNNEL,
      ...[EXAMPLES.telnet, EXAMPLES.chap, EXAMPLES.challenge, EXAMPLES.reject].flatMap(({ request, response }) => [
        fromHex(request),
        fromHex(response),
      ]),
    ],
    run: readPacket,
  },
];
