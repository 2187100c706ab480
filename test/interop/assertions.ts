/** What tests of a call assert about a capture of it. */
import assert from 'node:assert/strict';
import { type JudgedPacket, type Judgement, type JudgeOptions, judge, steps } from '../lab/capture.js';

/** The control messages by which a caller's tunnel and session come about, RFC 2661 sections 3.1 and 7. */
export const CALL_SETUP = ['SCCRQ', 'SCCRP', 'SCCCN', 'ICRQ', 'ICRP', 'ICCN'] as const;

/** Judges a capture, and fails on whatever tshark takes exception to. */
export async function judged(path: string, options: JudgeOptions = {}): Promise<Judgement> {
  const judgement = await judge(path, options);
  assert.deepEqual(judgement.complaints, []);
  return judgement;
}

/** Each of the steps was seen, in this order, whatever lay between. */
export function assertInOrder(seen: readonly string[], expected: readonly string[]): void {
  let from = 0;
  for (const step of expected) {
    const at = seen.indexOf(step, from);
    assert.notEqual(
      at,
      -1,
      `${step} is missing after ${expected.slice(0, expected.indexOf(step))} in\n${seen.join('\n')}`,
    );
    from = at + 1;
  }
}

export function assertSteps(judgement: Judgement, expected: readonly string[]): void {
  assertInOrder(steps(judgement), expected);
}

/** The packets of a kind, for a look at their codes. */
export function packetsOf(judgement: Judgement, what: string): readonly JudgedPacket[] {
  return judgement.packets.filter((packet) => packet.what === what);
}
