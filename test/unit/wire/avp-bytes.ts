/** Control messages put together octet by octet, as a peer that is not us would: for tests that play one. */
import { type ControlMessage, type L2tpVersion, parseControlMessage } from '../../../firmware/wire/avp.js';
import { fromHex } from '../../vectors/vectors.js';

/** The bits and fields that an AVP's header may have besides the usual: M set, vendor 0, the right length. */
export interface AvpHeaderFields {
  mandatory?: boolean;
  hidden?: boolean;
  /** The four reserved bits, 0 to 15. */
  reserved?: number;
  vendorId?: number;
  length_bytes?: number;
}

/** One AVP, RFC 2661 section 4.1; `value` as hexadecimal digits or octets. */
export function avpBytes(type: number, value: string | Uint8Array, fields: AvpHeaderFields = {}): Uint8Array {
  const octets = typeof value === 'string' ? fromHex(value) : value;
  const { mandatory = true, hidden = false, reserved = 0, vendorId = 0, length_bytes = 6 + octets.length } = fields;
  const bits = (mandatory ? 0x8000 : 0) | (hidden ? 0x4000 : 0) | (reserved << 10) | length_bytes;
  return Uint8Array.of(bits >>> 8, bits, vendorId >>> 8, vendorId, type >>> 8, type, ...octets);
}

/** A message body: the Message Type AVP of that number, then the AVPs given. */
export function messageBytes(messageType: number, ...avps: readonly Uint8Array[]): Uint8Array {
  const all = [avpBytes(0, Uint8Array.of(messageType >>> 8, messageType)), ...avps];
  return Uint8Array.from(all.flatMap((avp) => [...avp]));
}

/** What an ICRQ needs at least: Assigned Session ID and Call Serial Number. */
export const ICRQ_AVPS: readonly Uint8Array[] = [avpBytes(14, '0007'), avpBytes(15, '00000001')];

/** What is read of a body, as one who writes it gives it: without what was noticed of the peer. */
function read(body: Uint8Array, version: L2tpVersion, secret?: Uint8Array): ControlMessage | null {
  const message = parseControlMessage(body, { version, secret });
  return message === null ? null : { messageType: message.messageType, avps: message.avps };
}

export const readV2 = (body: Uint8Array, secret?: Uint8Array): ControlMessage | null => read(body, 2, secret);
export const readV3 = (body: Uint8Array, secret?: Uint8Array): ControlMessage | null => read(body, 3, secret);
