/**
 * PPP control packets in words, for the trace: their names as the RFCs spell them and their content decoded, without
 * what could be used in the user's name. Must not throw, whatever a peer sent.
 */

import { interfaceIdText } from '../protocol/ipv6/link-local.js';
import {
  CHAP_CODE,
  PAP_CODE,
  parseChapMessage,
  parseChapValue,
  parsePapMessage,
  parsePapRequest,
} from '../wire/authentication.js';
import { latin1, ProtocolError } from '../wire/bytes.js';
import { CHAP_ALGORITHM, type LcpOption, parseLcpOption, parseProtocolReject } from '../wire/lcp.js';
import { parseIpcpOption, parseIpv6cpOption } from '../wire/ncp.js';
import {
  CONTROL_CODE,
  type ConfigurationOption,
  type ControlPacket,
  PPP_PROTOCOL,
  parseOptions,
  parsePppControlPacket,
} from '../wire/ppp.js';
import type { RoleName, StepNumber } from './role.js';

/** RFC 1661 section 5 and RFC 1570, by code; the NCPs use the first seven. */
const CODE_NAMES: readonly string[] = [
  '',
  'Configure-Request',
  'Configure-Ack',
  'Configure-Nak',
  'Configure-Reject',
  'Terminate-Request',
  'Terminate-Ack',
  'Code-Reject',
  'Protocol-Reject',
  'Echo-Request',
  'Echo-Reply',
  'Discard-Request',
  'Identification',
  'Time-Remaining',
];
/** RFC 1334 section 2.2 and RFC 1994 section 4. */
const PAP_CODE_NAMES: readonly string[] = ['', 'Authenticate-Request', 'Authenticate-Ack', 'Authenticate-Nak'];
const CHAP_CODE_NAMES: readonly string[] = ['', 'Challenge', 'Response', 'Success', 'Failure'];

/** What belongs to no step of a call: keep-alive and clearing. */
const STEPLESS_CODES: ReadonlySet<number> = new Set([5, 6, 9, 10, 11, 12, 13]);

interface ProtocolWords {
  name: string;
  step: StepNumber;
  codes: readonly string[];
  /** By code; made once, since the trace keeps one of them with each of its lines. */
  labels: readonly string[];
  option: (option: ConfigurationOption) => string;
  hasNoSecrets: boolean;
}

function protocolWords(
  name: string,
  step: StepNumber,
  codes: readonly string[],
  option: (option: ConfigurationOption) => string = octetWords,
): ProtocolWords {
  const labels = codes.map((code) => `${name} ${code}`);
  return { name, step, codes, labels, option, hasNoSecrets: codes === CODE_NAMES };
}

const PROTOCOLS: Readonly<Record<number, ProtocolWords>> = {
  [PPP_PROTOCOL.lcp]: protocolWords('LCP', 7, CODE_NAMES, (option) => lcpOptionWords(parseLcpOption(option))),
  [PPP_PROTOCOL.pap]: protocolWords('PAP', 10, PAP_CODE_NAMES),
  [PPP_PROTOCOL.chap]: protocolWords('CHAP', 10, CHAP_CODE_NAMES),
  [PPP_PROTOCOL.ipcp]: protocolWords('IPCP', 13, CODE_NAMES, ipcpOptionWords),
  [PPP_PROTOCOL.ipv6cp]: protocolWords('IPV6CP', 13, CODE_NAMES, ipv6cpOptionWords),
  [PPP_PROTOCOL.ccp]: protocolWords('CCP', 13, CODE_NAMES),
};

/** Between PC and LAC the same protocols are earlier steps. */
const LAC_STEP: Readonly<Partial<Record<StepNumber, StepNumber>>> = { 7: 2, 10: 3 };

/** The step that a PPP packet belongs to, 0 for none. */
export function pppStep(role: RoleName, protocol: number, packet: Uint8Array): StepNumber {
  const words = PROTOCOLS[protocol];
  if (words === undefined || (words.codes === CODE_NAMES && STEPLESS_CODES.has(packet[0]))) return 0;
  return (role === 'lac' ? LAC_STEP[words.step] : undefined) ?? words.step;
}

/** Whether a packet only asks whether the other end lives, or answers that: Echo, RFC 1661 section 5.8. */
export function isKeepalive(protocol: number, packet: Uint8Array): boolean {
  if (protocol !== PPP_PROTOCOL.lcp) return false;
  return packet[0] === CONTROL_CODE.echoRequest || packet[0] === CONTROL_CODE.echoReply;
}

/** Whether a packet tells a user that he is in, or is not. It belongs to the step that brought the answer. */
export function isVerdict(protocol: number, packet: Uint8Array): boolean {
  if (protocol === PPP_PROTOCOL.chap) return packet[0] === CHAP_CODE.success || packet[0] === CHAP_CODE.failure;
  return (
    protocol === PPP_PROTOCOL.pap && (packet[0] === PAP_CODE.authenticateAck || packet[0] === PAP_CODE.authenticateNak)
  );
}

/** Whether nothing in this protocol's packets proves who somebody is, as far as is known. */
export function hasNoSecrets(protocol: number): boolean {
  return PROTOCOLS[protocol]?.hasNoSecrets === true;
}

/** A packet's name, as in `LCP Configure-Request`. */
export function pppLabel(protocol: number, packet: Uint8Array): string {
  const words = PROTOCOLS[protocol];
  if (words === undefined || packet.length === 0) return `PPP 0x${protocol.toString(16).padStart(4, '0')}`;
  return words.labels[packet[0]] ?? `${words.name} code ${packet[0]}`;
}

/** A packet's content, decoded. */
export function pppDetail(protocol: number, packet: Uint8Array): Record<string, unknown> {
  const words = PROTOCOLS[protocol];
  if (words === undefined || packet.length === 0) return { length_bytes: packet.length };
  try {
    const control = parsePppControlPacket(packet);
    return { identifier: control.identifier, ...describeData(protocol, words, control) };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { malformed: error.message };
  }
}

function describeData(protocol: number, words: ProtocolWords, { code, data }: ControlPacket): Record<string, unknown> {
  if (protocol === PPP_PROTOCOL.pap) return describePap(code, data);
  if (protocol === PPP_PROTOCOL.chap) return describeChap(code, data);
  switch (code) {
    case CONTROL_CODE.configureRequest:
    case CONTROL_CODE.configureAck:
    case CONTROL_CODE.configureNak:
    case CONTROL_CODE.configureReject:
      return { options: parseOptions(data).map(words.option) };
    case CONTROL_CODE.terminateRequest:
    case CONTROL_CODE.terminateAck:
      return { message: latin1(data) };
    case CONTROL_CODE.protocolReject:
      return { protocol: `0x${parseProtocolReject(data).protocol.toString(16).padStart(4, '0')}` };
    default:
      return {};
  }
}

function describePap(code: number, data: Uint8Array): Record<string, unknown> {
  if (code === PAP_CODE.authenticateRequest) return { name: latin1(parsePapRequest(data).peerId) };
  return { message: parsePapMessage(data) };
}

/** Challenge and response together would let a reader of the trace try passwords: neither is shown. */
function describeChap(code: number, data: Uint8Array): Record<string, unknown> {
  if (code === CHAP_CODE.challenge || code === CHAP_CODE.response) return { name: latin1(parseChapValue(data).name) };
  return { message: parseChapMessage(data).replace(/^S=[0-9A-F]{40} ?(M=)?/, '') };
}

function lcpOptionWords(option: LcpOption): string {
  switch (option.name) {
    case 'mru':
      return `MRU ${option.mru_bytes}`;
    case 'accm':
      return `ACCM ${option.accm.toString(16).padStart(8, '0')}`;
    case 'authentication':
      return `Authentication-Protocol ${authenticationWords(option.protocol, option.algorithm)}`;
    case 'magicNumber':
      return `Magic-Number ${option.magicNumber.toString(16).padStart(8, '0')}`;
    case 'pfc':
      return 'PFC';
    case 'acfc':
      return 'ACFC';
    case 'mrru':
      return `MRRU ${option.mrru_bytes}`;
    case 'shortSequenceNumbers':
      return 'Short-Sequence-Numbers';
    case 'endpointDiscriminator':
      return `Endpoint-Discriminator class ${option.class}`;
    case 'unknown':
      return octetWords(option);
  }
}

function authenticationWords(protocol: number, algorithm: number | undefined): string {
  if (protocol === PPP_PROTOCOL.pap) return 'PAP';
  if (protocol !== PPP_PROTOCOL.chap) return `0x${protocol.toString(16)}`;
  if (algorithm === CHAP_ALGORITHM.md5) return 'CHAP-MD5';
  if (algorithm === CHAP_ALGORITHM.msChapV2) return 'MS-CHAPv2';
  return `CHAP algorithm ${algorithm}`;
}

const IPCP_NAMES = {
  ipAddress: 'IP-Address',
  dns1: 'Primary-DNS',
  dns2: 'Secondary-DNS',
  nbns1: 'Primary-NBNS',
  nbns2: 'Secondary-NBNS',
} as const;

function ipcpOptionWords(option: ConfigurationOption): string {
  const parsed = parseIpcpOption(option);
  return parsed.name === 'unknown' ? octetWords(option) : `${IPCP_NAMES[parsed.name]} ${parsed.address}`;
}

function ipv6cpOptionWords(option: ConfigurationOption): string {
  const parsed = parseIpv6cpOption(option);
  if (parsed.name === 'unknown') return octetWords(option);
  return `Interface-Identifier ${interfaceIdText(parsed.interfaceIdentifier)}`;
}

function octetWords({ type, data }: ConfigurationOption): string {
  return `option ${type}${data.length > 0 ? ` ${Buffer.from(data).toString('hex')}` : ''}`;
}
