/**
 * Writes L2TP and PPP headers in front of what a row sends, into the headroom, and keeps the row's Ns. Sends nothing.
 */
import { L2TP_FLAG } from '../wire/l2tp.js';
import { PPP_PROTOCOL } from '../wire/ppp.js';
import { ROW, type SessionTable } from './session-table.js';

const L2TP_VERSION = 2;
/** All PPP protocol numbers below are sent in one octet where the peer takes that. */
const COMPRESSIBLE_BELOW = 0x100;

/**
 * Writes the headers of a frame of `row` whose information begins at `offset`, and gives where they begin: at most 14
 * octets in front, RFC 2661 section 3.1 without Length and Offset Size, and RFC 1661 section 6.5 and 6.6. LCP goes as
 * if nothing were negotiated.
 */
export function prependHeaders(
  memory: Uint8Array,
  offset: number,
  row: number,
  protocol: number,
  table: SessionTable,
): number {
  const flags = table.flags[row];
  const isLcp = protocol === PPP_PROTOCOL.lcp;
  let at = offset;
  memory[--at] = protocol;
  if (isLcp || (flags & ROW.transmitPfc) === 0 || protocol >= COMPRESSIBLE_BELOW) memory[--at] = protocol >>> 8;
  if (isLcp || hasAddressControl(flags)) {
    memory[--at] = 0x03;
    memory[--at] = 0xff;
  }
  const isNumbered = sendsNumbers(flags);
  if (isNumbered) {
    at = putU16(memory, at, 0); // Nr is reserved in data messages
    at = putU16(memory, at, table.nextNs[row]++);
  }
  at = putU16(memory, at, table.peerSessionId[row]);
  at = putU16(memory, at, table.peerTunnelId[row]);
  return putU16(memory, at, isNumbered ? L2TP_FLAG.sequence | L2TP_VERSION : L2TP_VERSION);
}

function hasAddressControl(flags: number): boolean {
  if ((flags & ROW.alwaysAddressControl) !== 0) return true;
  return (flags & (ROW.transmitAcfc | ROW.peerOmitsAddressControl)) === 0;
}

/** RFC 2661 section 5.4: as configured; the LAC's end also does as the LNS does. */
function sendsNumbers(flags: number): boolean {
  if ((flags & ROW.sequencing) !== 0) return true;
  const followsLns = ROW.bindTun | ROW.peerNumbers;
  return (flags & followsLns) === followsLns;
}

function putU16(memory: Uint8Array, end: number, value: number): number {
  memory[end - 1] = value;
  memory[end - 2] = value >>> 8;
  return end - 2;
}
