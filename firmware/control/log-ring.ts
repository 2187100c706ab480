/**
 * The last lines of the log, in memory, and those who listen to new ones. Bounded: the oldest go first. A line is kept as
 * it was written, and taken apart when it is read, which is seldom.
 */

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogLine {
  /** Grows by one with each line since the start. */
  sequence: number;
  /** ISO 8601 with milliseconds */
  time: string;
  level: LogLevel;
  /** Of the program, as in the settings' logs.parts; '' for what belongs to none. */
  part: string;
  message: string;
  /** The rest of it. */
  fields: Record<string, unknown>;
}

export interface LogQuery {
  limit: number;
  /** Lines of this level and graver ones. */
  level: LogLevel;
  /** '' for all. */
  part: string;
  /** Older than the line of this sequence. */
  before: number;
  /** In message or fields, whatever the case; '' for all. */
  contains: string;
}

/** Pino's numbers for the levels. */
const LEVEL_OF_NUMBER: Readonly<Record<number, LogLevel>> = {
  ...{ 10: 'debug', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' },
};

export class LogRing {
  readonly #capacity: number;
  readonly #lines: string[] = [];
  #sequence = 0;
  readonly #listeners = new Set<(line: LogLine) => void>();

  /** Keeps the last `capacity` lines. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** A line of JSON as pino writes it. */
  write(text: string): void {
    this.#sequence += 1;
    this.#lines[this.#sequence % this.#capacity] = text;
    if (this.#listeners.size === 0) return;
    const line = logLine(this.#sequence, text);
    for (const listener of this.#listeners) listener(line);
  }

  /** The newest first. */
  read({ limit, level, part, before, contains }: LogQuery): LogLine[] {
    const found: LogLine[] = [];
    const oldest = Math.max(1, this.#sequence - this.#capacity + 1);
    const sought = contains.toLowerCase();
    for (let at = Math.min(this.#sequence, before - 1); at >= oldest && found.length < limit; at--) {
      const text = this.#lines[at % this.#capacity];
      if (sought !== '' && !text.toLowerCase().includes(sought)) continue;
      const line = logLine(at, text);
      if (part !== '' && line.part !== part) continue;
      if (LOG_LEVELS.indexOf(line.level) < LOG_LEVELS.indexOf(level)) continue;
      if (sought === '' || says(line, sought)) found.push(line);
    }
    return found;
  }

  /** Calls `listener` for every new line until the returned function is called. */
  subscribe(listener: (line: LogLine) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** A line as pino writes it, taken apart. */
export function logLine(sequence: number, text: string): LogLine {
  const {
    level,
    time,
    part,
    msg,
    pid: _pid,
    hostname: _hostname,
    ...fields
  } = JSON.parse(text) as {
    level: number;
    time: number;
    part?: string;
    msg?: string;
    pid?: number;
    hostname?: string;
  };
  return {
    sequence,
    time: new Date(time).toISOString(),
    level: LEVEL_OF_NUMBER[level] ?? 'info',
    part: part ?? '',
    message: msg ?? '',
    fields,
  };
}

/** Not only in what every line has. */
function says({ message, fields }: LogLine, sought: string): boolean {
  return message.toLowerCase().includes(sought) || JSON.stringify(fields).toLowerCase().includes(sought);
}
