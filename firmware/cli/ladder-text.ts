/**
 * The ladder of a call as text: a column for each who took part, an arrow for each message, the fourteen steps numbered.
 * Pure.
 *
 *            PC                LAC               RADIUS
 *    1  The PC asks for a call
 *      0.000  |------PADR------->|                 |
 */
import type { Ladder, LadderMessage, Lane } from '../api/traces.js';

const LANES: Readonly<Record<Lane, string>> = {
  pc: 'PC',
  lac: 'LAC',
  'radius-of-lac': 'RADIUS',
  lns: 'LNS',
  'radius-of-lns': 'RADIUS',
};
const STEPS = [
  'the PC asks for a call',
  'LCP between PC and LAC',
  'the LAC authenticates the user',
  'the LAC asks its RADIUS server',
  'the answer, and the tunnel to the LNS',
  'the session to the LNS',
  'the LNS takes PPP over, or negotiates anew',
  'the LNS asks its RADIUS server',
  'the answer',
  'the LNS authenticates the user once more',
  'the LNS asks its RADIUS server again',
  'the answer',
  'the user gets an address',
  'traffic through the LNS',
];
const TIME_WIDTH = 10;
const MIN_COLUMN = 14;
const MAX_COLUMN = 30;

/** `columns`: how wide the terminal is; `fields`: with what was in each message. */
export function ladderText(ladder: Ladder, columns: number, fields = false): string {
  const { lanes, messages, failure, outcome, user, startedAt, joinProblem, boxes } = ladder;
  const room = Math.floor((columns - TIME_WIDTH) / Math.max(1, lanes.length));
  const width = Math.min(MAX_COLUMN, Math.max(MIN_COLUMN, room));
  const lines = [`call of ${user || 'nobody known'}, ${startedAt}: ${outcome}`];
  if (failure !== null) lines.push(`  failed in step ${failure.step}: ${failure.text}`);
  lines.push(
    `  seen by ${boxes.map(({ name, role, source }) => `${name} (${role}${source === 'here' ? '' : `, ${source}`})`).join(' and ')}`,
  );
  if (joinProblem !== '') lines.push(`  the other box: ${joinProblem}`);
  lines.push(
    '',
    ' '.repeat(TIME_WIDTH) +
      lanes
        .map((lane) => centred(LANES[lane], width))
        .join('')
        .trimEnd(),
  );
  let step = -1;
  for (const message of messages) {
    if (message.step !== step && message.step !== 0) {
      step = message.step;
      const state = ladder.steps.find(({ number }) => number === step)?.state;
      const mark = state === 'failed' ? '  FAILED' : state === 'elsewhere' ? '  (seen by the other box)' : '';
      lines.push(`${String(step).padStart(3)}  ${STEPS[step - 1] ?? ''}${mark}`);
    }
    lines.push(messageLine(message, lanes, width));
    if (message.failure !== null) lines.push(`${' '.repeat(TIME_WIDTH)}! ${message.failure.text}`);
    if (fields)
      for (const { name, value } of message.fields)
        lines.push(`${' '.repeat(TIME_WIDTH + 2)}${name}${name && '='}${clean(value)}`);
  }
  return lines.join('\n');
}

function messageLine(
  { at_ms, from, to, what, seenBy, failed }: LadderMessage,
  lanes: readonly Lane[],
  width: number,
): string {
  const middle = (lane: Lane) => lanes.indexOf(lane) * width + Math.floor(width / 2);
  const cells = [...' '.repeat(lanes.length * width)];
  for (const lane of lanes) cells[middle(lane)] = '|';
  const put = (at: number, text: string) => {
    for (const [index, character] of [...text].entries()) if (at + index < cells.length) cells[at + index] = character;
  };
  const label = clean(what) + (failed ? ' (!)' : '');
  const [left, right] = [Math.min(middle(from), middle(to)), Math.max(middle(from), middle(to))];
  if (from === to) put(left + 2, label);
  else {
    const dash = seenBy === 'elsewhere' ? '.' : '-';
    const arrow = [...dash.repeat(right - left - 1)];
    if (middle(to) > middle(from)) arrow[arrow.length - 1] = '>';
    else arrow[0] = '<';
    put(left + 1, arrow.join(''));
    const shown = label.slice(0, right - left - 3);
    put(left + 1 + Math.floor((right - left - 1 - shown.length) / 2), shown);
  }
  return `${(at_ms / 1000).toFixed(3).padStart(TIME_WIDTH - 2)}  ${cells.join('').trimEnd()}`;
}

const clean = (text: string): string => text.replace(/\p{Cc}/gu, '?');

function centred(text: string, width: number): string {
  const left = Math.max(0, Math.floor((width - text.length) / 2));
  return (' '.repeat(left) + text).padEnd(width);
}
