/**
 * Whether a data message is in order by its number, for both versions: 16 bits (RFC 2661 section 5.4), or the 24 of the
 * Default L2-Specific Sublayer (RFC 3931 section 4.6 and appendix C). What is old is late or doubled; nothing is held
 * back or put in order. Keeps its state in the row; reads no packet.
 */
import { ROW, type SessionTable } from './session-table.js';

/** The numbers of each version, as a mask. */
export const NS_MASK = { version2: 0xffff, version3: 0xff_ffff } as const;

/**
 * A peer whose numbers began anew (a standby took over) would be silent for up to half of all numbers. So many old
 * numbers in a row, with no new one between, are neither late nor doubled.
 */
const NEW_START_AFTER = 8;

/** False for what is old or came twice: the last number, and half of all numbers before it. Notes what is not. */
export function isInSequence(table: SessionTable, row: number, ns: number, mask: number): boolean {
  const isOld = ((ns - table.lastNs[row] - 1) & mask) > mask >>> 1;
  if (isOld && (table.flags[row] & ROW.hasLastNs) !== 0 && !isNewStart(table, row, ns, mask)) return false;
  table.lastNs[row] = ns;
  table.oldNsCount[row] = 0;
  table.flags[row] |= ROW.hasLastNs;
  return true;
}

/** Whether this old number is the last of so many in a row that the peer must have begun to count anew. */
function isNewStart(table: SessionTable, row: number, ns: number, mask: number): boolean {
  if (ns !== table.nextOldNs[row]) table.oldNsCount[row] = 0;
  table.nextOldNs[row] = (ns + 1) & mask;
  return ++table.oldNsCount[row] > NEW_START_AFTER;
}
