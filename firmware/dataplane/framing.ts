/**
 * Writes L2TP, PPPoE and PPP headers in front of what a row sends, into the headroom, and keeps the row's numbers. Sends
 * nothing.
 *
 *   Version 2, RFC 2661 section 3.1:   flags and version (16), Tunnel ID (16), Session ID (16), Ns and Nr (32, if S)
 *   Version 3, RFC 3931 section 4.1:   over UDP 00 03 00 00, Session ID (32), Cookie (0, 32 or 64),
 *   and section 4.6:                   Default L2-Specific Sublayer (32, where the peer wants it): S (0x40), number (24)
 *   PPPoE, RFC 2516 section 4:         as pppoe-paths.ts has it, with the LENGTH of what follows
 */
import { L2TP_FLAG } from '../wire/l2tp.js';
import { PPP_PROTOCOL } from '../wire/ppp.js';
import { LONGEST_PPPOE_HEADERS_BYTES } from './pppoe-paths.js';
import { COOKIE_WORDS, ROW, type SessionTable } from './session-table.js';

const L2TP_VERSION = 2;
/** Flags, version and reserved bits of a data message of version 3 over UDP. */
const VERSION3_WORD = 0x0003_0000;
const SUBLAYER_S = 0x4000_0000;
const SUBLAYER_NUMBER = 0xff_ffff;
/** All PPP protocol numbers below are sent in one octet where the peer takes that. */
const COMPRESSIBLE_BELOW = 0x100;

/**
 * Writes the headers of a PPP frame of `row` with this information, and gives where they begin: at most 14 octets in front
 * in version 2, without Length and Offset Size, 24 in version 3, 30 in PPPoE, with RFC 1661 section 6.5 and 6.6. LCP goes
 * as if nothing were negotiated.
 */
export function prependHeaders(
  memory: Uint8Array,
  offset: number,
  information_bytes: number,
  row: number,
  protocol: number,
  table: SessionTable,
): number {
  const flags = table.flags[row];
  const isLcp = protocol === PPP_PROTOCOL.lcp;
  let at = offset;
  memory[--at] = protocol;
  if (isLcp || (flags & ROW.transmitPfc) === 0 || protocol >= COMPRESSIBLE_BELOW) memory[--at] = protocol >>> 8;
  if ((flags & ROW.pppoe) !== 0) return prependPppoeHeaders(memory, at, offset - at + information_bytes, row, table);
  if (isLcp || hasAddressControl(flags)) at = prependAddressControl(memory, at);
  return prependL2tpHeader(memory, at, row, table);
}

/**
 * The same, in front of `offset`, for a PPP frame of `frame_bytes` from its protocol field on that is relayed as it is, and
 * may lie elsewhere: FF 03 stands in front of it in L2TP, and never does in PPPoE (RFC 2516 section 7).
 */
export function prependRelayHeaders(
  memory: Uint8Array,
  offset: number,
  frame_bytes: number,
  row: number,
  table: SessionTable,
): number {
  if ((table.flags[row] & ROW.pppoe) !== 0) return prependPppoeHeaders(memory, offset, frame_bytes, row, table);
  return prependL2tpHeader(memory, prependAddressControl(memory, offset), row, table);
}

/** Writes the headers of Ethernet and PPPoE, for a payload of `payload_bytes`, in front of `offset`. */
function prependPppoeHeaders(
  memory: Uint8Array,
  offset: number,
  payload_bytes: number,
  row: number,
  table: SessionTable,
): number {
  const { headers, headers_bytes } = table.pppoe;
  const from = row * LONGEST_PPPOE_HEADERS_BYTES;
  const at = offset - headers_bytes[row];
  for (let i = 0; i < headers_bytes[row]; i++) memory[at + i] = headers[from + i];
  putU16(memory, offset, payload_bytes);
  return at;
}

function prependAddressControl(memory: Uint8Array, end: number): number {
  memory[end - 1] = 0x03;
  memory[end - 2] = 0xff;
  return end - 2;
}

/** Writes the L2TP header of a frame of `row` that begins at `offset`, and gives where it begins: 6 to 20 octets in front. */
export function prependL2tpHeader(memory: Uint8Array, offset: number, row: number, table: SessionTable): number {
  const flags = table.flags[row];
  if ((flags & ROW.version3) !== 0) return prependVersion3(memory, offset, row, flags, table);
  let at = offset;
  const isNumbered = sendsNumbers(flags);
  if (isNumbered) {
    at = putU16(memory, at, 0); // Nr is reserved in data messages
    at = putU16(memory, at, table.nextNs[row]++);
  }
  at = putU16(memory, at, table.peerSessionId[row]);
  at = putU16(memory, at, table.peerTunnelId[row]);
  return putU16(memory, at, isNumbered ? L2TP_FLAG.sequence | L2TP_VERSION : L2TP_VERSION);
}

function prependVersion3(memory: Uint8Array, offset: number, row: number, flags: number, table: SessionTable): number {
  let at = offset;
  if ((flags & ROW.peerSublayer) !== 0) {
    const isNumbered = (flags & ROW.sequencing) !== 0;
    at = putU32(memory, at, isNumbered ? SUBLAYER_S | (table.nextNs[row]++ & SUBLAYER_NUMBER) : 0);
  }
  const cookie_bytes = table.peerCookie_bytes[row];
  if (cookie_bytes > 4) at = putU32(memory, at, table.peerCookie[row * COOKIE_WORDS + 1]);
  if (cookie_bytes > 0) at = putU32(memory, at, table.peerCookie[row * COOKIE_WORDS]);
  at = putU32(memory, at, table.peerSessionId[row]);
  return (flags & ROW.overIp) !== 0 ? at : putU32(memory, at, VERSION3_WORD);
}

function hasAddressControl(flags: number): boolean {
  if ((flags & (ROW.alwaysAddressControl | ROW.relay)) !== 0) return true;
  return (flags & (ROW.transmitAcfc | ROW.peerOmitsAddressControl)) === 0;
}

/** RFC 2661 section 5.4: as configured; the LAC's end also does as the LNS does. */
function sendsNumbers(flags: number): boolean {
  if ((flags & ROW.sequencing) !== 0) return true;
  return (flags & (ROW.bindTun | ROW.relay)) !== 0 && (flags & ROW.peerNumbers) !== 0;
}

function putU16(memory: Uint8Array, end: number, value: number): number {
  memory[end - 1] = value;
  memory[end - 2] = value >>> 8;
  return end - 2;
}

function putU32(memory: Uint8Array, end: number, value: number): number {
  return putU16(memory, putU16(memory, end, value), value >>> 16);
}
