/** What the box answers where its own types do not say it yet. Types alone. */

export interface Overview {
  callsUp: number;
  callsByRole: { lns: number; lac: number; lacClient: number };
  callsThatFit: number;
  setupsPerMinute: number;
  failuresPerMinute: number;
  received_bps: number;
  sent_bps: number;
  /** Of the program, all threads: 100 is one core. */
  cpu_percent: number;
  cpuOfMachine_percent: number;
  memory: { resident_bytes: number; available_bytes: number };
  drops: { reason: string; count: number; perMinute: number; text: string }[];
  attention: Attention[];
}

export interface Attention {
  severity: 'error' | 'warning' | 'info';
  code: string;
  parameters: Record<string, string | number>;
  /** English, plain words. */
  text: string;
  /** A path of the page, or ''. */
  link: string;
}

/** Columns of the same length, one entry for each interval, the oldest first. */
export interface History {
  interval_s: number;
  /** ISO 8601 */
  times: string[];
  calls: number[];
  setups: number[];
  failures: number[];
  received_bps: number[];
  sent_bps: number[];
  cpu_percent: number[];
  memory_bytes: number[];
}

/** All sessions at once: a row has as many values as there are columns. */
export interface SessionList {
  columns: string[];
  rows: SessionValues[];
}
export type SessionValues = (string | number)[];

/** What has become of the sessions since the last event; rows as in SessionList. */
export interface SessionChanges {
  up: SessionValues[];
  changed: SessionValues[];
  /** callIds */
  ended: number[];
}

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
