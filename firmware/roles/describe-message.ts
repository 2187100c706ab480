/**
 * L2TP control messages in words, for the trace, and the names of a call's steps. Secrets stay out.
 */

import type { AvpValues, ControlMessage, MessageType } from '../wire/avp.js';
import { latin1 } from '../wire/bytes.js';
import type { StepNumber } from './role.js';

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

/** The step that a message belongs to; keep-alive and clearing belong to none. */
export function messageStep(messageType: MessageType): StepNumber {
  return MESSAGE_STEP[messageType] ?? 0;
}

/** AVPs whose values could be used to answer in a user's or tunnel's name, or to pass for a session's data. */
const HIDDEN_IN_TRACE: ReadonlySet<keyof AvpValues> = new Set([
  'proxyAuthenResponse',
  'proxyAuthenChallenge',
  'challenge',
  'challengeResponse',
  'controlMessageAuthenticationNonce',
  'assignedCookie',
]);

/** As much of a value as the trace shows: it keeps many lines, and a stranger may fill them with what he likes. */
const SHOWN_CHARACTERS = 120;

/** The AVPs as JSON can hold them: names and octets as text, secrets as their length, long values cut. */
export function describeMessage({ avps }: ControlMessage, isRetransmission: boolean): Record<string, unknown> {
  const detail: Record<string, unknown> = {};
  for (const name in avps) detail[name] = describeValue(name as keyof AvpValues, avps[name as keyof AvpValues]);
  if (isRetransmission) detail.retransmission = true;
  return detail;
}

function describeValue(name: keyof AvpValues, value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (!(value instanceof Uint8Array)) return shortened(value);
  if (HIDDEN_IN_TRACE.has(name)) return `${value.length} octets`;
  if (name === 'proxyAuthenName' || name === 'remoteEndId') return shortened(latin1(value));
  return shortened(Buffer.from(value).toString('hex'));
}

/** Cuts text, and the texts of a value that has parts. */
function shortened(value: unknown): unknown {
  if (typeof value === 'string') {
    return value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value;
  }
  if (Array.isArray(value)) return shortened(value.join(' '));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, shortened(part)]));
}
