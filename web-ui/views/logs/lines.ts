/** Which lines of the log are shown, and what of a line. Pure. */
import type { LogLine } from '../../../firmware/api/logs.js';

/** What one can ask for; 'fatal', with which the program ends, is always there. */
export type Level = Exclude<LogLine['level'], 'fatal'>;
export const LEVELS: readonly Level[] = ['error', 'warn', 'info', 'debug'];
const GRAVEST_FIRST: readonly LogLine['level'][] = ['fatal', ...LEVELS];
export const PARTS = ['control', 'radius', 'api', 'packet-path', 'kernel'] as const;

export interface LogFilter {
  /** This level and graver ones. */
  level: Level;
  /** '' is each. */
  part: string;
  contains: string;
}

/** As the box filters what it has: lines that come by themselves are not filtered by it. */
export function isWanted({ level, part, message, fields }: LogLine, filter: LogFilter): boolean {
  if (GRAVEST_FIRST.indexOf(level) > GRAVEST_FIRST.indexOf(filter.level)) return false;
  if (filter.part !== '' && part !== filter.part) return false;
  const wanted = filter.contains.toLowerCase();
  return wanted === '' || `${message} ${JSON.stringify(fields)}`.toLowerCase().includes(wanted);
}

/** Newest first, each line once, at most `most`. */
export function withLines(shown: readonly LogLine[], fresh: readonly LogLine[], most: number): LogLine[] {
  const newest = shown[0]?.sequence ?? 0;
  const later = fresh.filter(({ sequence }) => sequence > newest).sort((a, b) => b.sequence - a.sequence);
  return [...later, ...shown].slice(0, most);
}

/** As in `tunnelId=7 reason="no answer"`. */
export function fieldText(fields: LogLine['fields']): string {
  return Object.entries(fields)
    .map(
      ([name, value]) =>
        `${name}=${typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)}`,
    )
    .join(' ');
}
