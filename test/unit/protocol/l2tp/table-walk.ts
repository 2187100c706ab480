/** Holds a state table against one transcribed from an RFC as text: `state | event | action; action | new state`. */
import assert from 'node:assert/strict';

interface Walk {
  it: (name: string, test: () => void) => unknown;
  table: Readonly<
    Record<string, Readonly<Record<string, { actions: readonly string[]; next: string } | 'impossible'>>>
  >;
  states: readonly string[];
  /** The RFC's words for an event, and the events of the table that they stand for. */
  events: Readonly<Record<string, readonly string[]>>;
  actions: Readonly<Record<string, string>>;
  rfc: string;
  /** Rows that RFC 3931 adds to those of RFC 2661. */
  rfc3931?: string;
  filledIn: string;
  /** `state | event`. */
  impossible: readonly string[];
}

interface Row {
  state: string;
  words: string;
  expected: { actions: readonly string[]; next: string } | 'impossible';
}

/** One test for each row, and one that every state and event is in exactly one of the rows. */
export function walkTable(walk: Walk): void {
  const rows = [walk.rfc, walk.rfc3931 ?? '', walk.filledIn].flatMap((text) => rowsOf(walk, text));
  for (const line of walk.impossible) {
    const [state, words] = line.split('|').map((cell) => cell.trim());
    rows.push({ state, words, expected: 'impossible' });
  }
  const seen = new Map<string, number>();
  for (const { state, words, expected } of rows) {
    const events = walk.events[words];
    assert.ok(events !== undefined, `an event that the test does not know: ${words}`);
    const outcome =
      expected === 'impossible' ? 'cannot come about' : `${expected.actions.join(', ') || 'nothing'}; ${expected.next}`;
    walk.it(`${state}: ${words}: ${outcome}`, () => {
      for (const event of events) assert.deepEqual(walk.table[state][event], expected, event);
    });
    for (const event of events) {
      seen.set(`${state} ${event}`, (seen.get(`${state} ${event}`) ?? 0) + 1);
    }
  }
  walk.it('lists every event in every state, each once', () => {
    for (const state of walk.states) {
      const expected = new Set(Object.values(walk.events).flat());
      assert.deepEqual(new Set(Object.keys(walk.table[state])), expected, `events of ${state}`);
      for (const event of expected) assert.equal(seen.get(`${state} ${event}`), 1, `${state} ${event}`);
    }
  });
}

function rowsOf(walk: Walk, text: string): Row[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [state, words, actions, next] = line.split('|').map((cell) => cell.trim());
      assert.ok(walk.states.includes(state) && walk.states.includes(next), line);
      const names = actions === '' ? [] : actions.split(';').map((action) => walk.actions[action.trim()]);
      assert.ok(!names.includes(undefined as never), line);
      return { state, words, expected: { actions: names, next } };
    });
}
