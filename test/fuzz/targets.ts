/**
 * Everything that takes octets from a peer, for the fuzzer. To add a target: a name, seeds that it reads without
 * error (a test sees to that), and what is done with an input.
 */
import {
  checkMessageDigest,
  deriveMessageDigestKey,
  messageDigestType,
  sealMessageDigest,
} from '../../firmware/crypto/message-digest.js';
import {
  emitChapValue,
  emitMsChapV2Failure,
  emitMsChapV2Response,
  emitMsChapV2Success,
  emitPapRequest,
  parseChapValue,
  parseMsChapV2Failure,
  parseMsChapV2Response,
  parseMsChapV2Success,
  parsePapMessage,
  parsePapRequest,
} from '../../firmware/wire/authentication.js';
import {
  type ControlMessage,
  type EmitOptions,
  emitControlMessage,
  parseControlMessage,
} from '../../firmware/wire/avp.js';
import { hideAvpValue, openAvpValue } from '../../firmware/wire/avp-hiding.js';
import { emitControlPacket, parseControlHeader } from '../../firmware/wire/control-header.js';
import { emitFragmentationNeeded, emitPacketTooBig } from '../../firmware/wire/icmp.js';
import { parseAddress, parsePrefix } from '../../firmware/wire/ip.js';
import { emitDataHeader, parseL2tpHeader } from '../../firmware/wire/l2tp.js';
import { parseLcpOption, parseMagicNumberPacket, parseProtocolReject } from '../../firmware/wire/lcp.js';
import { parseIpcpOption, parseIpv6cpOption } from '../../firmware/wire/ncp.js';
import { PPP_PROTOCOL, parseOptions, parsePppControlPacket, parsePppFrame } from '../../firmware/wire/ppp.js';
import { ascii, fromHex, readVectors } from '../vectors/vectors.js';
import { BOX_TARGETS } from './boxes.js';
import type { FuzzTarget } from './fuzzer.js';
import { LAC_BOX_TARGETS } from './lac-boxes.js';
import { MACHINE_TARGETS } from './machines.js';
import { OFFLOAD_TARGETS } from './offload.js';
import { PACKET_PATH_TARGETS } from './packet-path.js';
import { PPPOE_TARGETS } from './pppoe.js';
import { PROXIED_LINK_TARGETS } from './proxied-link.js';
import { RADIUS_TARGETS } from './radius.js';
import { RADIUS_MACHINE_TARGETS } from './radius-machines.js';

const SECRET = ascii('tunnel secret');
const RANDOM_VECTOR = fromHex('a0a1a2a3a4a5a6a7a8a9aaabacadaeaf');
const HIDING = { secret: SECRET, randomVector: RANDOM_VECTOR };
const PROXY_AUTHEN_RESPONSE = 33;

const CONTROL_PACKETS = readVectors<{ cases: { packet: string }[] }>('control-messages').cases.map(({ packet }) =>
  fromHex(packet),
);

/** The same messages with hidden AVPs, behind the same header. */
const HIDDEN_CONTROL_PACKETS = CONTROL_PACKETS.map((packet) => {
  const message = parseControlMessage(packet.subarray(12), { version: 2 }) as ControlMessage;
  const body = emitControlMessage(message, { dialect: 2, hiding: HIDING });
  return emitControlPacket({ version: 2, controlConnectionId: 1, sessionId: 0, ns: 0, nr: 0 }, body);
});

interface VectorsV3 {
  secret: string;
  automaticSccrq: string;
  cases: { packet: string }[];
}

const VECTORS_V3 = readVectors<VectorsV3>('control-messages-v3');
const DIGEST_KEY = deriveMessageDigestKey(ascii(VECTORS_V3.secret));
const CONTROL_PACKETS_V3 = VECTORS_V3.cases.map(({ packet }) => fromHex(packet));

/** The same messages with hidden AVPs and sealed anew; and in the AVPs of the drafts. */
const SEALED_PACKETS_V3 = CONTROL_PACKETS_V3.flatMap((packet) => {
  const { payloadOffset, payloadEnd, ...header } = parseControlHeader(packet);
  const message = parseControlMessage(packet.subarray(payloadOffset, payloadEnd), { version: 3 }) as ControlMessage;
  const variants: readonly EmitOptions[] = [
    { dialect: 3, digest: 'sha1', hiding: HIDING },
    { dialect: 3, digest: 'md5', draftAvps: true },
  ];
  return variants.map((options) => {
    const sealed = emitControlPacket(header, emitControlMessage(message, options));
    sealMessageDigest(sealed, DIGEST_KEY, undefined);
    return sealed;
  });
});

const DATA_PACKETS = [
  {},
  { payload_bytes: 8 },
  { sequence: { ns: 1, nr: 0 } },
  { offset_bytes: 4, priority: true },
].map((fields) => {
  const header = emitDataHeader({ tunnelId: 1, sessionId: 2, ...fields });
  return Uint8Array.of(...header, ...fromHex('ff03c021 09000008'));
});

/** Frames of each control protocol, as peers send them. */
const PPP_FRAMES = [
  'ff03c021 0101 0019 0104 05dc 0206 00000000 0305 c223 05 0506 12345678 0702 0802',
  'c021 0101 001b 0304 c023 0506 12345678 1104 05dc 1309 03 020000005301',
  'c021 0402 0007 0d03 06',
  'c021 0903 0008 12345678',
  'c021 0804 0010 80fd 0101 000a 1206 00000060',
  'c021 0c05 0012 00000000 4d5352415356352e3230',
  'c021 0506 0010 5573657220726571756573742e',
  'c023 0101 000c 04 6e656d6f 02 7077',
  'c023 0201 0007 02 6f6b',
  'c223 0101 000e 04 01020304 6c6e732e31',
  `c223 0201 003a 31 ${'11'.repeat(49)} 6e656d6f`,
  `c223 0301 0033 ${Buffer.from('S=407A5589115FD0D6209F510FE9C04566932CDA56 M=hi').toString('hex')}`,
  '8021 0101 0022 0306 00000000 8106 00000000 8206 00000000 8306 00000000 8406 00000000',
  '8021 0102 0010 0206 002d0f01 0306 c0000201',
  '8057 0101 000e 010a 0200 5eff fe00 5301',
  '80fd 0101 000a 1206 00000060',
  '21 4500 0014 0000 0000 4001 0000 0a000001 0a000002',
].map(fromHex);

/** What a link does with a control packet's data, by protocol; others are of no matter. */
const BY_PROTOCOL: Readonly<Record<number, (code: number, data: Uint8Array) => void>> = {
  [PPP_PROTOCOL.lcp]: (code, data) => {
    if (code <= 4) for (const option of parseOptions(data)) parseLcpOption(option);
    else if (code === 8) parseProtocolReject(data);
    else if (code >= 9) parseMagicNumberPacket(data);
  },
  [PPP_PROTOCOL.ipcp]: (_code, data) => parseOptions(data).forEach(parseIpcpOption),
  [PPP_PROTOCOL.ipv6cp]: (_code, data) => parseOptions(data).forEach(parseIpv6cpOption),
  [PPP_PROTOCOL.ccp]: (_code, data) => parseOptions(data),
  [PPP_PROTOCOL.pap]: (code, data) => (code === 1 ? parsePapRequest(data) : parsePapMessage(data)),
  [PPP_PROTOCOL.chap]: (code, data) => {
    if (code === 3) parseMsChapV2Success(data);
    else if (code === 4) parseMsChapV2Failure(data);
    else if (code === 2) parseMsChapV2Response(parseChapValue(data).value);
    else parseChapValue(data);
  },
};

function readL2tp(secret?: Uint8Array): (packet: Uint8Array) => void {
  return (packet) => {
    const header = parseL2tpHeader(packet);
    const payload = packet.subarray(header.payloadOffset, header.payloadEnd);
    if (!header.control) parsePppFrame(payload);
    else if (payload.length > 0) parseControlMessage(payload, { version: 2, secret });
  };
}

/** As an endpoint reads a control packet of either version: the digest first, which the check must leave as it is. */
function readControl(secret?: Uint8Array): (packet: Uint8Array) => void {
  return (packet) => {
    const { version, payloadOffset, payloadEnd } = parseControlHeader(packet);
    const message = packet.subarray(0, payloadEnd);
    const before = message.slice();
    const verdict = checkMessageDigest(message, DIGEST_KEY, undefined);
    if ((verdict === 'absent') !== (messageDigestType(message) === undefined)) throw new Error('two views of a digest');
    if (message.some((byte, at) => byte !== before[at])) throw new Error('the check of a digest changed the packet');
    if (payloadEnd > payloadOffset)
      parseControlMessage(packet.subarray(payloadOffset, payloadEnd), { version, secret });
  };
}

/** Neither builder may write outside of its packet, whatever the offending packet says of itself. */
function buildIcmp(packet: Uint8Array): void {
  const out = new Uint8Array(1400);
  for (const [build, source, limit] of [
    [emitFragmentationNeeded, new Uint8Array(4), 576],
    [emitPacketTooBig, new Uint8Array(16), 1280],
  ] as const) {
    const length = build(out, 8, packet, 0, packet.length, source, 1280);
    if (length < 0 || length > limit) throw new Error(`an ICMP error of ${length} bytes`);
    if (out.subarray(0, 8).some((byte) => byte !== 0)) throw new Error('octets in front of the packet were written');
    if (out.subarray(8 + length).some((byte) => byte !== 0)) throw new Error('octets behind the packet were written');
    out.fill(0);
  }
}

const PARSER_TARGETS: readonly FuzzTarget[] = [
  { name: 'l2tp', seeds: [...CONTROL_PACKETS, ...DATA_PACKETS], run: readL2tp() },
  { name: 'l2tp-hidden', seeds: HIDDEN_CONTROL_PACKETS, run: readL2tp(SECRET) },
  {
    name: 'l2tpv3',
    seeds: [...CONTROL_PACKETS_V3, fromHex(VECTORS_V3.automaticSccrq), ...CONTROL_PACKETS],
    run: readControl(),
  },
  { name: 'l2tpv3-sealed', seeds: SEALED_PACKETS_V3, run: readControl(SECRET) },
  {
    name: 'hidden-value',
    seeds: [0, 13, 14, 15, 50].map((length) => hideAvpValue(PROXY_AUTHEN_RESPONSE, new Uint8Array(length), HIDING)),
    run: (input) => void openAvpValue(PROXY_AUTHEN_RESPONSE, input, HIDING),
  },
  {
    name: 'ppp-frame',
    seeds: PPP_FRAMES,
    run: (input) => {
      const { protocol, information } = parsePppFrame(input);
      if (protocol < 0x8000) return;
      const { code, data } = parsePppControlPacket(information);
      BY_PROTOCOL[protocol]?.(code, data);
    },
  },
  {
    name: 'pap-request',
    seeds: [emitPapRequest({ peerId: ascii('nemo'), password: ascii('pw') })],
    run: parsePapRequest,
  },
  { name: 'chap-value', seeds: [emitChapValue({ value: RANDOM_VECTOR, name: ascii('lns') })], run: parseChapValue },
  {
    name: 'mschapv2-response',
    seeds: [emitMsChapV2Response({ peerChallenge: RANDOM_VECTOR, ntResponse: new Uint8Array(24), flags: 0 })],
    run: parseMsChapV2Response,
  },
  {
    name: 'mschapv2-messages',
    seeds: [
      emitMsChapV2Success({ authenticatorResponse: `S=${'0123456789'.repeat(4)}`, message: 'hi' }),
      emitMsChapV2Failure({ errorCode: 691, retryAllowed: true, challenge: RANDOM_VECTOR, message: 'no' }),
    ],
    run: (input) => (input[0] === 0x53 ? parseMsChapV2Success(input) : parseMsChapV2Failure(input)),
  },
  {
    name: 'addresses',
    seeds: ['192.0.2.1', '10.0.0.0/8', '2001:db8::1', '::ffff:192.0.2.1', 'fe80::/10'].map(ascii),
    run: (input) => {
      const text = Buffer.from(input).toString('latin1');
      if (text.includes('/')) parsePrefix(text);
      else parseAddress(text);
    },
  },
  {
    name: 'icmp-errors',
    seeds: [
      fromHex(`4500 0030 0000 4000 4001 0000 0a000007 c0000250 0800 ${'aa'.repeat(26)}`),
      fromHex(`60000000 0014 3a40 20010db8${'00'.repeat(11)}07 20010db8${'00'.repeat(11)}50 8000 ${'aa'.repeat(18)}`),
    ],
    run: buildIcmp,
  },
];

export const TARGETS: readonly FuzzTarget[] = [
  ...PARSER_TARGETS,
  ...MACHINE_TARGETS,
  ...BOX_TARGETS,
  ...LAC_BOX_TARGETS,
  ...PACKET_PATH_TARGETS,
  ...OFFLOAD_TARGETS,
  ...PROXIED_LINK_TARGETS,
  ...PPPOE_TARGETS,
  ...RADIUS_TARGETS,
  ...RADIUS_MACHINE_TARGETS,
];
