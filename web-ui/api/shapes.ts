/** What the box answers where its own types do not say it yet. Types alone. */

export type Lane = 'pc' | 'lac' | 'radius-of-lac' | 'lns' | 'radius-of-lns';

/** Why a call failed; told in words by code and parameters. */
export interface Failure {
  step: number;
  code: string;
  parameters: Record<string, string | number>;
  /** English, plain words. */
  text: string;
}

export type CallOutcome = 'in-progress' | 'up' | 'ended' | 'failed';

/** A call of which there is a trace. */
export interface TracedCall {
  traceId: string;
  callId: number;
  /** ISO 8601; endedAt is '' of one that lives. */
  startedAt: string;
  endedAt: string;
  user: string;
  role: string;
  peerAddress: string;
  callingNumber: string;
  outcome: CallOutcome;
  failure: Failure | null;
  /** Those that this box saw. */
  steps: number[];
}

export interface LadderMessage {
  /** Since the call began. */
  at_ms: number;
  step: number;
  from: Lane;
  /** The same as `from`: within that box. */
  to: Lane;
  /** 'PPPoE', 'LCP', 'RADIUS' …, or ''. */
  protocol: string;
  what: string;
  seenBy: 'here' | 'elsewhere' | 'both';
  /** How long it took from one box to the other, where both saw it. */
  travel_ms: number | null;
  fields: { name: string; value: string }[];
  failed: boolean;
  failure: Failure | null;
}

export interface LadderStep {
  /** 1 to 14 */
  number: number;
  state: 'done' | 'failed' | 'elsewhere' | 'not-seen';
  began_ms: number | null;
  took_ms: number | null;
}

/** A call as a sequence of messages between those who take part. */
export interface Ladder {
  traceId: string;
  user: string;
  role: string;
  startedAt: string;
  outcome: CallOutcome;
  failure: Failure | null;
  boxes: { name: string; role: string; source: 'here' | 'peer' | 'import' }[];
  /** '' or why the other box's trace could not be had. */
  joinProblem: string;
  lanes: Lane[];
  steps: LadderStep[];
  messages: LadderMessage[];
}
