/** The earliest of several deadlines, of which each may be unset. Must not know what they are for. */

/** In the unit of the deadlines; undefined when none is set. */
export function earliest(...deadlines: readonly (number | undefined)[]): number | undefined {
  let first: number | undefined;
  for (const deadline of deadlines) {
    if (deadline !== undefined && (first === undefined || deadline < first)) first = deadline;
  }
  return first;
}
