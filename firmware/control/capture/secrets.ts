/**
 * Takes the secrets out of a captured packet: PAP's passwords, the challenges and responses of CHAP, MS-CHAP and EAP, and
 * those of L2TP's AVPs, hidden AVPs and digests, become zeros in their place. Lengths stay, so that the packet reads as
 * before. What the users send over their links once they stand is not looked at.
 */
import type { CapturedPacket } from '../../dataplane/interface.js';
import { PPP_PROTOCOL } from '../../wire/ppp.js';
import { avpPlaces, controlParts, type Part, partOf, pppoePart, u16 } from './anatomy.js';

/** RFC 2661 sections 4.4.3 and 4.4.5, RFC 3931 section 5.4.1. */
const SECRET_AVPS: ReadonlySet<number> = new Set([11, 13, 31, 33, 59, 73]);
const DRAFT_VENDOR_ID = 9;
/** Message Digest and nonce as the drafts of version 3 had them. */
const SECRET_DRAFT_AVPS: ReadonlySet<number> = new Set([12, 13]);
const EAP = 0xc227;
/** RFC 3748 section 5: Identity, Notification and Nak say no secret. */
const FIRST_SECRET_EAP_TYPE = 4;
const PROTOCOL_REJECT = 8;
const [CHALLENGE, RESPONSE] = [1, 2];
const ZERO_DIGIT = 0x30;
const PACKET_HEADER_BYTES = 4;

/** Whether anything was taken out. */
export function clearSecrets(packet: CapturedPacket): boolean {
  const part = partOf(packet);
  if (part === undefined) return false;
  const { octets } = packet;
  switch (part.what) {
    case 'control':
      return clearControl(octets, part);
    case 'ppp':
      return clearPpp(octets, part.at, part.end);
    case 'ethernet': {
      const inner = pppoePart(octets, part.at, part.end);
      return inner !== undefined && clearPpp(octets, inner.at, inner.end);
    }
  }
}

function clearControl(octets: Uint8Array, part: Part): boolean {
  const parts = controlParts(octets, part);
  if (parts === undefined) return false;
  let isCleared = false;
  let read = parts.avpsAt;
  for (const { vendorId, type, isHidden, valueAt, end } of avpPlaces(octets, parts)) {
    read = end;
    const isSecret =
      isHidden ||
      (vendorId === 0 && SECRET_AVPS.has(type)) ||
      (vendorId === DRAFT_VENDOR_ID && SECRET_DRAFT_AVPS.has(type));
    if (isSecret) isCleared = clear(octets, valueAt, end) || isCleared;
  }
  // What cannot be read as AVPs may be anything.
  return clear(octets, read, part.end) || isCleared;
}

/** The frame from `start` on: FF 03 or nothing, protocol, information. */
function clearPpp(octets: Uint8Array, start: number, end: number): boolean {
  let at = start;
  if (octets[at] === 0xff && octets[at + 1] === 0x03) at += 2;
  if ((octets[at] & 1) !== 0) return false;
  return clearInformation(u16(octets, at), octets, at + 2, end);
}

function clearInformation(protocol: number, octets: Uint8Array, at: number, available: number): boolean {
  const code = octets[at];
  const end = Math.max(at, Math.min(available, at + u16(octets, at + 2)));
  const data = at + PACKET_HEADER_BYTES;
  switch (protocol) {
    case PPP_PROTOCOL.pap:
      // RFC 1334 section 2.2: the peer's name, then the password, each with its length.
      return code === 1 && clear(octets, data + 2 + (octets[data] ?? 0), Math.max(end, available));
    case PPP_PROTOCOL.chap:
      if (code !== CHALLENGE && code !== RESPONSE) return clearDigits(octets, data, end);
      return clear(octets, data + 1, Math.min(end, data + 1 + (octets[data] ?? 0)));
    case EAP:
      return (code === CHALLENGE || code === RESPONSE) && octets[data] >= FIRST_SECRET_EAP_TYPE
        ? clear(octets, data + 1, end)
        : false;
    case PPP_PROTOCOL.lcp:
      // RFC 1661 section 5.7: what was rejected comes back.
      return code === PROTOCOL_REJECT && clearInformation(u16(octets, data), octets, data + 2, end);
    default:
      return false;
  }
}

/** RFC 2759 sections 5 and 6: "S=" and "C=" are followed by a digest or a challenge in hexadecimal digits. */
function clearDigits(octets: Uint8Array, from: number, to: number): boolean {
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('latin1', from, to);
  let isCleared = false;
  for (const match of text.matchAll(/(?:S|C)=([0-9A-Fa-f]+)/g)) {
    const at = from + match.index + 2;
    octets.fill(ZERO_DIGIT, at, at + match[1].length);
    isCleared = true;
  }
  return isCleared;
}

function clear(octets: Uint8Array, from: number, to: number): boolean {
  if (from >= to) return false;
  octets.fill(0, from, to);
  return true;
}
