/** Rounds in which each contender is measured once, and the rows that come of them. Knows nothing of what is measured. */
import { type Figure, figure } from './figures.js';

/** What each round measured, in the order of the contenders, of whom another one is first each time. */
export async function inTurns<Contender, T>(
  rounds: number,
  contenders: readonly Contender[],
  measure: (contender: Contender) => Promise<T>,
): Promise<T[][]> {
  const all: T[][] = [];
  for (let round = 0; round < rounds; round++) {
    const measured: T[] = new Array(contenders.length);
    for (let turn = 0; turn < contenders.length; turn++) {
      const index = (round + turn) % contenders.length;
      measured[index] = await measure(contenders[index]!);
    }
    all.push(measured);
  }
  return all;
}

/** Rows for one scenario: each metric that `read` tells of ours and of the peer, who stand at these places of a round. */
export function rowsOf<T>(
  { scenario, peerName, ours = 0, peer = 1 }: { scenario: string; peerName: string; ours?: number; peer?: number },
  rounds: readonly (readonly T[])[],
) {
  return (metric: string, unit: string, read: (measured: T) => number, name = peerName): Figure =>
    figure(
      { scenario, metric, unit, peerName: name },
      rounds.map((round) => ({ ours: read(round[ours]!), peer: read(round[peer]!) })),
    );
}

/** What a part of the bench has found. */
export interface Findings {
  figures: readonly Figure[];
  /** What a reader of the table must know. */
  notes: readonly string[];
}
