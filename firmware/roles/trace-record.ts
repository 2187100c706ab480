/**
 * Turns what passes on a call into lines of its trace: which of the fourteen steps, what in the RFC's words, and its
 * content decoded, without secrets. Must not keep anything.
 */

import { redactPppPacket } from '../protocol/ppp/redact.js';
import type { AvpValues, ControlMessage, MessageType } from '../wire/avp.js';
import { latin1 } from '../wire/bytes.js';
import { PPP_PROTOCOL, parseOptions, parsePppControlPacket } from '../wire/ppp.js';
import type { StepNumber } from './role.js';

/** The fourteen steps of a call, as the trace names them. */
export const STEP_NAMES: Readonly<Record<StepNumber, string>> = {
  0: '',
  1: 'call request',
  2: 'LCP at the LAC',
  3: 'authentication at the LAC',
  4: 'Access-Request of the LAC',
  5: 'tunnel',
  6: 'session',
  7: 'LCP at the LNS',
  8: 'Access-Request of the LNS',
  9: 'answer to the LNS',
  10: 'authentication at the LNS',
  11: 'the LNS asks for the user',
  12: 'answer on the user',
  13: 'address',
  14: 'traffic',
};

const MESSAGE_STEP: Readonly<Partial<Record<MessageType, StepNumber>>> = {
  SCCRQ: 5,
  SCCRP: 5,
  SCCCN: 5,
  OCRQ: 6,
  OCRP: 6,
  OCCN: 6,
  ICRQ: 6,
  ICRP: 6,
  ICCN: 6,
};

/** AVPs whose values could be used to answer in a user's or tunnel's name, or are long and say nothing. */
const HIDDEN_IN_TRACE: ReadonlySet<keyof AvpValues> = new Set([
  'proxyAuthenResponse',
  'proxyAuthenChallenge',
  'challenge',
  'challengeResponse',
]);

export function messageStep(messageType: MessageType): StepNumber {
  return MESSAGE_STEP[messageType] ?? 0;
}

/** The AVPs of a control message as JSON can hold them: octets in hexadecimal, secrets as their length. */
export function describeMessage(message: ControlMessage): Record<string, unknown> {
  const detail: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(message.avps)) {
    if (value instanceof Uint8Array) {
      detail[name] = HIDDEN_IN_TRACE.has(name as keyof AvpValues) ? `${value.length} octets` : hex(value);
    } else detail[name] = value;
  }
  return detail;
}

/** RFC 1661 section 5 and RFC 1570; the NCPs use the first seven. */
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
const PAP_CODE_NAMES: readonly string[] = ['', 'Authenticate-Request', 'Authenticate-Ack', 'Authenticate-Nak'];
const CHAP_CODE_NAMES: readonly string[] = ['', 'Challenge', 'Response', 'Success', 'Failure'];

interface ProtocolDescription {
  name: string;
  step: StepNumber;
  codes: readonly string[];
  options: Readonly<Record<number, string>>;
}

const PROTOCOLS: Readonly<Record<number, ProtocolDescription>> = {
  [PPP_PROTOCOL.lcp]: {
    name: 'LCP',
    step: 7,
    codes: CODE_NAMES,
    options: {
      1: 'MRU',
      2: 'ACCM',
      3: 'Authentication-Protocol',
      4: 'Quality-Protocol',
      5: 'Magic-Number',
      7: 'PFC',
      8: 'ACFC',
      13: 'Callback',
      17: 'MRRU',
      18: 'Short-Sequence-Number',
      19: 'Endpoint-Discriminator',
    },
  },
  [PPP_PROTOCOL.pap]: { name: 'PAP', step: 10, codes: PAP_CODE_NAMES, options: {} },
  [PPP_PROTOCOL.chap]: { name: 'CHAP', step: 10, codes: CHAP_CODE_NAMES, options: {} },
  [PPP_PROTOCOL.ipcp]: {
    name: 'IPCP',
    step: 13,
    codes: CODE_NAMES,
    options: {
      1: 'IP-Addresses',
      2: 'IP-Compression-Protocol',
      3: 'IP-Address',
      129: 'Primary-DNS',
      130: 'Primary-NBNS',
      131: 'Secondary-DNS',
      132: 'Secondary-NBNS',
    },
  },
  [PPP_PROTOCOL.ipv6cp]: { name: 'IPV6CP', step: 13, codes: CODE_NAMES, options: { 1: 'Interface-Identifier' } },
  [PPP_PROTOCOL.ccp]: { name: 'CCP', step: 13, codes: CODE_NAMES, options: { 18: 'MPPE' } },
};

/** The step of a PPP packet; keep-alive and clearing belong to none. */
export function pppStep(protocol: number, label: string): StepNumber {
  if (/Echo-|Terminate-|Discard-|Identification|Time-Remaining/.test(label)) return 0;
  return PROTOCOLS[protocol]?.step ?? 0;
}

/** A PPP control packet's name (`LCP Configure-Request`) and content; never throws. */
export function describePpp(protocol: number, packet: Uint8Array): { label: string; detail: Record<string, unknown> } {
  const description = PROTOCOLS[protocol];
  if (description === undefined || packet.length < 4) {
    return { label: `PPP 0x${protocol.toString(16).padStart(4, '0')}`, detail: { length_bytes: packet.length } };
  }
  const code = packet[0];
  const label = `${description.name} ${description.codes[code] ?? `code ${code}`}`;
  const detail: Record<string, unknown> = { identifier: packet[1] };
  try {
    const { data } = parsePppControlPacket(redactPppPacket(protocol, packet));
    if (description.codes === CODE_NAMES && code >= 1 && code <= 4) {
      detail.options = parseOptions(data).map((option) => ({
        option: description.options[option.type] ?? option.type,
        value: hex(option.data),
      }));
    } else if (protocol === PPP_PROTOCOL.chap && (code === 3 || code === 4)) detail.message = latin1(data);
    else detail.data = hex(data);
  } catch {
    detail.malformed = hex(packet);
  }
  return { label, detail };
}

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
