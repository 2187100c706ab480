/**
 * What a session costs in memory, and how many this machine bears: told to the operator, who sets how many the box takes.
 * Must not refuse a session: the settings do.
 */
import type { OperatingProblem, SessionMemoryView } from './view.js';

/** Of this process and of the machine, or of what the process may have of it. */
export interface MemoryReading {
  resident_bytes: number;
  /** What may still be taken without harm to others. */
  available_bytes: number;
}

/** The most that one may cost, as the slope of resident memory between 1,000 sessions and 10,000. */
export const SESSION_MEMORY_BYTES = 6 * 1024;
/** RFC 2661 section 3.1: there are no more session IDs. */
const MAX_SESSIONS = 65_535;
/** Compiled code and the like grow with the first calls, and then no longer. */
const WARM_UP_SESSIONS = 1_000;
/** Fewer than these tell nothing of what one costs. */
const TELLING_SESSIONS = 2 * WARM_UP_SESSIONS;

export class SessionMemory {
  readonly #read: () => MemoryReading;
  /** Resident memory as the last sessions came that belong to the warming up. */
  #warm: { sessions: number; resident_bytes: number };

  constructor(read: () => MemoryReading) {
    this.#read = read;
    this.#warm = { sessions: 0, resident_bytes: read().resident_bytes };
  }

  /** Called about once a second with how many sessions there are. */
  note(sessions: number): void {
    if (sessions <= this.#warm.sessions || sessions > WARM_UP_SESSIONS) return;
    this.#warm = { sessions, resident_bytes: this.#read().resident_bytes };
  }

  /** What may still be taken without harm to others. */
  get available_bytes(): number {
    return this.#read().available_bytes;
  }

  view(sessions: number): SessionMemoryView {
    const { resident_bytes, available_bytes } = this.#read();
    const perSession_bytes = this.#perSession_bytes(sessions, resident_bytes);
    const further = Math.floor(available_bytes / perSession_bytes);
    return { resident_bytes, perSession_bytes, sessionsThatFit: Math.min(MAX_SESSIONS, sessions + further) };
  }

  /** Whether the settings allow more sessions than the machine bears. */
  problems(maxSessions: number, sessions: number): OperatingProblem[] {
    const { sessionsThatFit } = this.view(sessions);
    if (maxSessions <= sessionsThatFit) return [];
    return [
      {
        what: `l2tp.maxSessions is ${maxSessions}, and the memory of this machine bears some ${sessionsThatFit}`,
        advice: `set it to ${sessionsThatFit} at most, or give the machine more memory`,
      },
    ];
  }

  /** As measured, where there are enough of them to tell. */
  #perSession_bytes(sessions: number, resident_bytes: number): number {
    if (sessions < TELLING_SESSIONS) return SESSION_MEMORY_BYTES;
    const measured = Math.round((resident_bytes - this.#warm.resident_bytes) / (sessions - this.#warm.sessions));
    return Math.max(1, measured);
  }
}
