/** Where each message of a call stands in its ladder, and which steps a call got to. Pure. */
import type { Ladder, LadderMessage, Lane } from '../../../firmware/api/traces.js';

/**
 * Of a grid with two columns for each lane, whose line runs between the two: lines of the grid, counted from 1. Of what
 * happens within a box, both are that of its lane.
 */
export interface MessagePlace {
  left: number;
  right: number;
  direction: 'right' | 'left' | 'within';
}

const GRID_COLUMNS_PER_LANE = 2;
const STEP_COUNT = 14;

export function placeOf({ from, to }: Pick<LadderMessage, 'from' | 'to'>, lanes: readonly Lane[]): MessagePlace {
  const [a, b] = [lineOf(from, lanes), lineOf(to, lanes)];
  const direction = a === b ? 'within' : a < b ? 'right' : 'left';
  return { left: Math.min(a, b), right: Math.max(a, b), direction };
}

/** A lane that is not there is taken for the first. */
const lineOf = (lane: Lane, lanes: readonly Lane[]): number =>
  Math.max(0, lanes.indexOf(lane)) * GRID_COLUMNS_PER_LANE + 2;

/**
 * 'not-reached': the call failed before; 'not-yet': it is under way and before that; 'skipped': it went on without;
 * 'unseen': the other box alone can know, and has not been heard.
 */
export type StepReach = 'done' | 'failed' | 'elsewhere' | 'not-reached' | 'not-yet' | 'skipped' | 'unseen';

/** Steps that a box in this role cannot see, in a call in which this one has a part. */
const OF_OTHER_BOX: Readonly<Partial<Record<Ladder['role'], { first: number; last: number; with: Lane }>>> = {
  lac: { first: 7, last: 13, with: 'lns' },
  // A client that dials by itself has no steps before the tunnel, and no PC.
  lns: { first: 1, last: 4, with: 'pc' },
};

export interface StepOfCall {
  /** 1 to 14; 0 for messages of none. */
  number: number;
  reach: StepReach;
  took_ms: number | null;
  messages: LadderMessage[];
}

/** All fourteen steps in their order, with their messages by time; then, if there are any, the messages of no step. */
export function stepsOfCall(ladder: Ladder): StepOfCall[] {
  const known = new Map(ladder.steps.map((step) => [step.number, step]));
  const furthest = Math.max(0, ...ladder.steps.filter(({ state }) => state !== 'not-seen').map(({ number }) => number));
  const steps = Array.from({ length: STEP_COUNT }, (_, at): StepOfCall => {
    const step = known.get(at + 1);
    return {
      number: at + 1,
      reach: reachOf(at + 1, step, furthest, ladder),
      took_ms: step?.took_ms ?? null,
      messages: messagesOf(ladder, at + 1),
    };
  });
  const rest = messagesOf(ladder, 0);
  return rest.length === 0 ? steps : [...steps, { number: 0, reach: 'done', took_ms: null, messages: rest }];
}

const messagesOf = ({ messages }: Ladder, number: number): LadderMessage[] =>
  messages.filter(({ step }) => step === number).sort((a, b) => a.at_ms - b.at_ms);

function reachOf(
  number: number,
  step: Ladder['steps'][number] | undefined,
  furthest: number,
  { outcome, role, boxes, lanes }: Ladder,
): StepReach {
  if (step !== undefined && step.state !== 'not-seen') return step.state;
  const other = OF_OTHER_BOX[role];
  const isAlone = boxes.length === 1 && other !== undefined && lanes.includes(other.with);
  const isOfOther = isAlone && number >= other.first && number <= other.last;
  if (isOfOther && outcome !== 'failed') return 'unseen';
  if (number < furthest || outcome === 'up' || outcome === 'ended') return 'skipped';
  return outcome === 'failed' ? 'not-reached' : 'not-yet';
}

/** The furthest step that the call got to, 0 before the first. */
export const furthestStep = (ladder: Ladder): number =>
  Math.max(0, ...ladder.steps.filter(({ state }) => state !== 'not-seen').map(({ number }) => number));

/** From the beginning of the call to the end of the step in which the user gets an address; null before. */
export function setUpTime_ms({ steps }: Ladder): number | null {
  const step = steps.find(({ number }) => number === 13);
  if (step === undefined || step.began_ms === null || step.state === 'failed') return null;
  return step.began_ms + (step.took_ms ?? 0);
}

/** Of a failed call, whose user is not known by itself, whom the failure is about. */
export const userOf = ({ user, failure }: Pick<Ladder, 'user' | 'failure'>): string =>
  user || (failure?.parameters.user ?? '');
