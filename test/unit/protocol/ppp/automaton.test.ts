/** The automaton against the table of RFC 1661 section 4.1, its timer and its counters against 4.1, 4.4 and 4.6. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  AUTOMATON_EVENTS,
  AUTOMATON_STATES,
  Automaton,
  type AutomatonEvent,
  type AutomatonState,
  TRANSITIONS,
} from '../../../../firmware/protocol/ppp/automaton.js';

/** RFC 1661 section 4.1, pages 12 and 13, as printed. */
const RFC_TABLE = `
      | State
      |    0         1         2         3         4         5
Events| Initial   Starting  Closed    Stopped   Closing   Stopping
------+-----------------------------------------------------------
 Up   |    2     irc,scr/6     -         -         -         -
 Down |    -         -         0       tls/1       0         1
 Open |  tls/1       1     irc,scr/6     3r        5r        5r
 Close|    0       tlf/0       2         2         4         4
      |
  TO+ |    -         -         -         -       str/4     str/5
  TO- |    -         -         -         -       tlf/2     tlf/3
      |
 RCR+ |    -         -       sta/2 irc,scr,sca/8   4         5
 RCR- |    -         -       sta/2 irc,scr,scn/6   4         5
 RCA  |    -         -       sta/2     sta/3       4         5
 RCN  |    -         -       sta/2     sta/3       4         5
      |
 RTR  |    -         -       sta/2     sta/3     sta/4     sta/5
 RTA  |    -         -         2         3       tlf/2     tlf/3
      |
 RUC  |    -         -       scj/2     scj/3     scj/4     scj/5
 RXJ+ |    -         -         2         3         4         5
 RXJ- |    -         -       tlf/2     tlf/3     tlf/2     tlf/3
      |
 RXR  |    -         -         2         3         4         5
      | State
      |    6         7         8           9
Events| Req-Sent  Ack-Rcvd  Ack-Sent    Opened
------+-----------------------------------------
 Up   |    -         -         -           -
 Down |    1         1         1         tld/1
 Open |    6         7         8           9r
 Close|irc,str/4 irc,str/4 irc,str/4 tld,irc,str/4
      |
  TO+ |  scr/6     scr/6     scr/8         -
  TO- |  tlf/3p    tlf/3p    tlf/3p        -
      |
 RCR+ |  sca/8   sca,tlu/9   sca/8   tld,scr,sca/8
 RCR- |  scn/6     scn/7     scn/6   tld,scr,scn/6
 RCA  |  irc/7     scr/6x  irc,tlu/9   tld,scr/6x
 RCN  |irc,scr/6   scr/6x  irc,scr/8   tld,scr/6x
      |
 RTR  |  sta/6     sta/6     sta/6   tld,zrc,sta/5
 RTA  |    6         6         8       tld,scr/6
      |
 RUC  |  scj/6     scj/7     scj/8       scj/9
 RXJ+ |    6         6         8           9
 RXJ- |  tlf/3     tlf/3     tlf/3   tld,irc,str/5
      |
 RXR  |    6         7         8         ser/9
`;

type Cell = { actions: string[]; next: string } | null;

/** The RFC's table as state, event, cell. */
function readTable(text: string): Map<string, Cell> {
  const cells = new Map<string, Cell>();
  const names: string[] = [];
  let columns: string[] = [];
  for (const row of text.split('\n')) {
    const [event, rest = ''] = row.split('|').map((part) => part.trim());
    if (event === 'Events') {
      columns = rest.split(/\s+/);
      names.push(...columns);
    } else if (event !== '' && !event.startsWith('-')) {
      const entries = rest.split(/\s+/);
      assert.equal(entries.length, columns.length, `row ${event}`);
      for (const [index, entry] of entries.entries()) cells.set(`${columns[index]} ${event}`, readCell(entry));
    }
  }
  for (const cell of cells.values()) if (cell !== null) cell.next = names[Number(cell.next)];
  return cells;
}

/** "action/new-state", perhaps with the letter of a footnote. */
function readCell(entry: string): Cell {
  if (entry === '-') return null;
  const parts = entry.replace(/[prx]$/, '').split('/');
  const next = parts.pop() ?? '';
  return { actions: parts.length > 0 ? parts[0].split(',') : [], next };
}

const TABLE = readTable(RFC_TABLE);
const PAIRS = AUTOMATON_STATES.flatMap((state) => AUTOMATON_EVENTS.map((event) => ({ state, event })));
const TIMING = { restartTimer_ms: 3000, maxConfigure: 10, maxTerminate: 2 };

function automatonIn(state: AutomatonState): { automaton: Automaton; actions: string[] } {
  const actions: string[] = [];
  const automaton = new Automaton(TIMING, { perform: (action) => actions.push(action) });
  automaton.state = state;
  automaton.restartCounter = 5;
  if (TABLE.get(`${state} TO+`) !== null) automaton.restartAt_ms = 100;
  return { automaton, actions };
}

test('RFC 1661 4.1: the table has 10 states and 16 events, and so has the RFC', () => {
  assert.equal(PAIRS.length, 160);
  assert.equal(TABLE.size, 160);
});

for (const { state, event } of PAIRS) {
  const cell = TABLE.get(`${state} ${event}`);
  const outcome = cell ? `${[...cell.actions, cell.next].join(', ')}` : 'illegal';
  test(`RFC 1661 4.1: ${event} in ${state}: ${outcome}`, () => {
    assert.deepEqual(TRANSITIONS[state][event], cell);
    const { automaton, actions } = automatonIn(state);
    if (cell === null || cell === undefined) {
      assert.throws(() => automaton.handle(event, 0), /illegal/);
      assert.equal(automaton.state, state, 'no transition is taken');
      return;
    }
    automaton.handle(event, 50);
    assert.equal(automaton.state, cell.next);
    assert.deepEqual(
      actions,
      cell.actions.filter((action) => action !== 'irc' && action !== 'zrc'),
    );
    assertTimer(automaton, cell, state);
  });
}

/** 4.1: only scr, str and zrc start the timer; it stops on the way to a state without TO events. */
function assertTimer(automaton: Automaton, cell: NonNullable<Cell>, before: AutomatonState): void {
  const runsBefore = TABLE.get(`${before} TO+`) !== null;
  const runsAfter = TABLE.get(`${cell.next} TO+`) !== null;
  const restarts = cell.actions.some((action) => ['scr', 'str', 'zrc'].includes(action));
  if (!runsAfter) assert.equal(automaton.restartAt_ms, undefined);
  else if (restarts) assert.equal(automaton.restartAt_ms, 3050);
  else {
    assert.ok(runsBefore, 'a timer that runs has been started by somebody');
    assert.equal(automaton.restartAt_ms, 100);
  }
}

test('RFC 1661 4.4, irc and scr: Max-Configure counts every Configure-Request, the first too; then TO- gives up', () => {
  const { automaton, actions } = automatonIn('Starting');
  automaton.handle('Up', 0);
  let now_ms = 0;
  while (automaton.state === 'Req-Sent') {
    now_ms += 3000;
    automaton.handleTimeout(now_ms);
  }
  assert.equal(actions.filter((action) => action === 'scr').length, 10);
  assert.deepEqual(actions.slice(-1), ['tlf']);
  assert.equal(automaton.state, 'Stopped');
  assert.equal(now_ms, 30_000);
});

test('RFC 1661 4.4, irc and str: Max-Terminate counts every Terminate-Request', () => {
  const { automaton, actions } = automatonIn('Opened');
  automaton.handle('Close', 0);
  automaton.handleTimeout(3000);
  automaton.handleTimeout(6000);
  assert.deepEqual(actions, ['tld', 'str', 'str', 'tlf']);
  assert.equal(automaton.state, 'Closed');
});

test('RFC 1661 4.4, zrc: after a Terminate-Request in Opened one restart time passes before the end', () => {
  const { automaton, actions } = automatonIn('Opened');
  automaton.handle('RTR', 1000);
  automaton.handleTimeout(3999);
  assert.equal(automaton.state, 'Stopping');
  automaton.handleTimeout(4000);
  assert.equal(automaton.state, 'Stopped');
  assert.deepEqual(actions, ['tld', 'sta', 'tlf']);
});

test('RFC 1661 4.3: before the restart timer expires there is no timeout event', () => {
  const { automaton, actions } = automatonIn('Starting');
  automaton.handle('Up', 0);
  automaton.handleTimeout(2999);
  assert.deepEqual(actions, ['scr']);
  automaton.handleTimeout(3000);
  assert.deepEqual(actions, ['scr', 'scr']);
});

test('RFC 1661 4.1: whatever happens, the timer runs in the states with TO events and in no other', () => {
  const step = fc.record({
    event: fc.constantFrom<AutomatonEvent | 'wait'>(...AUTOMATON_EVENTS.filter((one) => !one.startsWith('TO')), 'wait'),
    pause_ms: fc.integer({ min: 0, max: 4000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const automaton = new Automaton(TIMING, { perform: () => undefined });
      let now_ms = 0;
      for (const { event, pause_ms } of steps) {
        now_ms += pause_ms;
        automaton.handleTimeout(now_ms);
        if (event !== 'wait' && TABLE.get(`${automaton.state} ${event}`) !== null) automaton.handle(event, now_ms);
        const shouldRun = ['Closing', 'Stopping', 'Req-Sent', 'Ack-Rcvd', 'Ack-Sent'].includes(automaton.state);
        assert.equal(automaton.restartAt_ms !== undefined, shouldRun, automaton.state);
        assert.ok(automaton.restartCounter >= 0 && automaton.restartCounter <= 10);
      }
    }),
    { numRuns: 500 },
  );
});
