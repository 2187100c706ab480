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
