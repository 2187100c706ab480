/** Ranges of addresses as they are typed, one a line. Pure. */
import type { Pool } from '../../../firmware/settings.js';
import { filledLines } from '../../parts/lines.js';

type Range = Pool['ranges'][number];

export const rangeText = ({ first, last }: Range): string => (first === last ? first : `${first} - ${last}`);

/** A line without a hyphen is a range of one address; whether these are addresses the box says. */
export function rangesOf(lines: readonly string[]): Range[] {
  return filledLines(lines).map((line) => {
    const [first = '', last = first] = line.split(/\s*[-–]\s*/);
    return { first, last };
  });
}
