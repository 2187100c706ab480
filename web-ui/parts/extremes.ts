/** The lowest, the highest and the last of a row of figures with gaps. Pure. */

export interface Extremes {
  lowest: number;
  highest: number;
  /** Place of the first of the highest. */
  highestAt: number;
  last: number;
}

/** Undefined where there is no figure at all. */
export function extremes(values: readonly (number | null)[]): Extremes | undefined {
  let found: Extremes | undefined;
  for (const [at, value] of values.entries()) {
    if (value === null) continue;
    if (found === undefined) found = { lowest: value, highest: value, highestAt: at, last: value };
    if (value > found.highest) {
      found.highest = value;
      found.highestAt = at;
    }
    found.lowest = Math.min(found.lowest, value);
    found.last = value;
  }
  return found;
}
