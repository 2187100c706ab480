/**
 * What was measured, as rows: medians of pairs and the median of the pairs' ratios, on the screen and as JSON. Knows
 * nothing of how anything was measured.
 */

/** One figure of ours and of the peer, measured one after the other. */
export interface Pair {
  ours: number;
  peer: number;
}

export interface Figure {
  scenario: string;
  metric: string;
  unit: string;
  ours: number;
  peer: number;
  peerName: string;
  /** Ours by the peer's, the median over the pairs; null where the peer's is 0. */
  ratio: number | null;
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function figure(
  about: Pick<Figure, 'scenario' | 'metric' | 'unit' | 'peerName'>,
  pairs: readonly Pair[],
): Figure {
  const ratios = pairs.filter(({ peer }) => peer !== 0).map(({ ours, peer }) => ours / peer);
  return {
    ...about,
    ours: median(pairs.map(({ ours }) => ours)),
    peer: median(pairs.map(({ peer }) => peer)),
    ratio: ratios.length === pairs.length ? median(ratios) : null,
  };
}

/** Three digits that matter; whole numbers whole. */
function short(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 1_000) return value.toFixed(0);
  return Number(value.toPrecision(3)).toString();
}

export function table(figures: readonly Figure[]): string {
  const head = ['scenario', 'metric', 'unit', 'tunnelwerk', 'peer', '', 'ratio'];
  const rows = figures.map((row, index) => [
    row.scenario === figures[index - 1]?.scenario ? '' : row.scenario,
    ...[row.metric, row.unit, short(row.ours), short(row.peer), row.peerName],
    row.ratio === null ? '' : row.ratio.toPrecision(3),
  ]);
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const isNumber = (column: number): boolean => column === 3 || column === 4 || column === 6;
  const line = (row: readonly string[]): string =>
    row
      .map((text, column) => (isNumber(column) ? text.padStart(widths[column]!) : text.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd();
  return all.map(line).join('\n');
}
