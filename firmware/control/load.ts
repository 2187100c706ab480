/**
 * What the box has to do: calls set up and failed, octets carried, processor time, now and minute by minute over the last
 * day. Readings and times are arguments. Must not know where they come from.
 */

/** Counts since the start that only grow, and what stands at this moment. */
export interface LoadReading {
  receivedOctets: number;
  sentOctets: number;
  /** Of the program, all of its threads. */
  processor_ms: number;
  /** Of the whole machine: all processors together. */
  machineBusy_ms: number;
  machineIdle_ms: number;
  resident_bytes: number;
  calls: number;
  /** Dropped packets, by reason. */
  drops: Readonly<Record<string, number>>;
}

/** How it is now: rates over the last seconds. */
export interface LoadNow {
  setupsPerMinute: number;
  failuresPerMinute: number;
  received_bps: number;
  sent_bps: number;
  /** Of one processor: two threads that are busy make 200. */
  cpu_percent: number;
  cpuOfMachine_percent: number;
  dropsPerMinute: Readonly<Record<string, number>>;
}

/** One entry a minute, the oldest first, in columns. */
export interface LoadHistory {
  interval_s: number;
  /** ISO 8601, each minute's end. */
  times: string[];
  /** The most that stood in that minute. */
  calls: number[];
  setups: number[];
  failures: number[];
  received_bps: number[];
  sent_bps: number[];
  cpu_percent: number[];
  memory_bytes: number[];
}

interface Sample extends LoadReading {
  at_ms: number;
  setups: number;
  failures: number;
}

interface Minute {
  at_ms: number;
  calls: number;
  setups: number;
  failures: number;
  received_bps: number;
  sent_bps: number;
  cpu_percent: number;
  memory_bytes: number;
}

const MINUTE_MS = 60_000;
const MINUTES_KEPT = 1_440;
/** What "now" is, in samples that come once a second. */
const SAMPLES_OF_NOW = 6;
/** What is counted by the minute is counted over one. */
const SAMPLES_KEPT = 61;

export class Load {
  #setups = 0;
  #failures = 0;
  #samples: Sample[] = [];
  #minuteBegan: Sample | undefined;
  #mostCalls = 0;
  /** The oldest first, at most MINUTES_KEPT. */
  readonly #minutes: Minute[] = [];

  /** Counts since the start. */
  get counts(): { setups: number; failures: number } {
    return { setups: this.#setups, failures: this.#failures };
  }

  /** A call stands. */
  setUp(): void {
    this.#setups += 1;
  }

  /** A call has ended that never stood. */
  failed(): void {
    this.#failures += 1;
  }

  /** Called about once a second; `at_ms` is Unix time. */
  note(reading: LoadReading, at_ms: number): void {
    const sample = { ...reading, at_ms, setups: this.#setups, failures: this.#failures };
    this.#samples.push(sample);
    if (this.#samples.length > SAMPLES_KEPT) this.#samples.shift();
    this.#minuteBegan ??= sample;
    this.#mostCalls = Math.max(this.#mostCalls, reading.calls);
    // A clock that was set has no minutes between before and after.
    const passed_ms = at_ms - this.#minuteBegan.at_ms;
    if (passed_ms >= 0 && passed_ms < MINUTE_MS) return;
    if (passed_ms >= MINUTE_MS) this.#keep(this.#minuteBegan, sample);
    this.#minuteBegan = sample;
    this.#mostCalls = reading.calls;
  }

  #keep(from: Sample, to: Sample): void {
    const { calls: _, ...rates } = ratesBetween(from, to);
    this.#minutes.push({
      ...rates,
      at_ms: to.at_ms,
      calls: this.#mostCalls,
      setups: to.setups - from.setups,
      failures: to.failures - from.failures,
      memory_bytes: to.resident_bytes,
    });
    if (this.#minutes.length > MINUTES_KEPT) this.#minutes.shift();
  }

  now(): LoadNow {
    const last = this.#samples.at(-1);
    const first = this.#samples[0];
    if (last === undefined || first === undefined || last === first) return NOTHING;
    const { received_bps, sent_bps, cpu_percent } = ratesBetween(this.#samples.at(-SAMPLES_OF_NOW) ?? first, last);
    const recent = this.#samples.at(-SAMPLES_OF_NOW) ?? first;
    const busy_ms = last.machineBusy_ms - recent.machineBusy_ms;
    const all_ms = busy_ms + last.machineIdle_ms - recent.machineIdle_ms;
    const perMinute = (count: number) => Math.round((count * MINUTE_MS) / (last.at_ms - first.at_ms));
    const dropped = Object.entries(last.drops).map(([reason, count]) => [reason, count - (first.drops[reason] ?? 0)]);
    return {
      setupsPerMinute: perMinute(last.setups - first.setups),
      failuresPerMinute: perMinute(last.failures - first.failures),
      ...{ received_bps, sent_bps, cpu_percent },
      cpuOfMachine_percent: all_ms > 0 ? (100 * busy_ms) / all_ms : 0,
      dropsPerMinute: Object.fromEntries(dropped.map(([reason, count]) => [reason, perMinute(Number(count))])),
    };
  }

  history(): LoadHistory {
    const column = (name: Exclude<keyof Minute, 'at_ms'>) => this.#minutes.map((minute) => minute[name]);
    return {
      interval_s: MINUTE_MS / 1000,
      times: this.#minutes.map(({ at_ms }) => new Date(at_ms).toISOString()),
      calls: column('calls'),
      setups: column('setups'),
      failures: column('failures'),
      received_bps: column('received_bps'),
      sent_bps: column('sent_bps'),
      cpu_percent: column('cpu_percent'),
      memory_bytes: column('memory_bytes'),
    };
  }
}

const NOTHING: LoadNow = {
  setupsPerMinute: 0,
  failuresPerMinute: 0,
  received_bps: 0,
  sent_bps: 0,
  cpu_percent: 0,
  cpuOfMachine_percent: 0,
  dropsPerMinute: {},
};

function ratesBetween(from: Sample, to: Sample) {
  const length_ms = Math.max(1, to.at_ms - from.at_ms);
  return {
    calls: to.calls,
    received_bps: Math.round(((to.receivedOctets - from.receivedOctets) * 8000) / length_ms),
    sent_bps: Math.round(((to.sentOctets - from.sentOctets) * 8000) / length_ms),
    cpu_percent: Math.max(0, (100 * (to.processor_ms - from.processor_ms)) / length_ms),
  };
}
