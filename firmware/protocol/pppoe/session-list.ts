/**
 * The sessions of the access concentrator and the requests for them, found by whatever names one, and counted. Gives
 * SESSION_IDs. Must not decide who gets a session.
 */
import type { RandomBytes } from '../../wire/bytes.js';
import { type PppoeTag, RESERVED_SESSION_ID } from '../../wire/pppoe.js';
import type { PppoeSession } from './events.js';

/** 1 to 65,534: in a PADI and PADR the SESSION_ID is 0 (RFC 2516 section 5), and 0xffff is reserved (section 4). */
export const MAX_SESSIONS_PER_INTERFACE = RESERVED_SESSION_ID - 1;

export interface SessionEntry {
  readonly session: PppoeSession;
  /** What is equal in a PADR and its repetition alone. */
  readonly requestName: string;
  /** The host on its interface or VLAN. */
  readonly hostName: string;
  /** The TAGs of the PADS, until the question is answered; from then on the session is up. */
  unanswered: readonly PppoeTag[] | undefined;
}

export class SessionList {
  readonly #random: RandomBytes;
  readonly #byKey = new Map<number, SessionEntry>();
  readonly #byRequest = new Map<string, SessionEntry>();
  /** By interface, then by SESSION_ID. */
  readonly #byId = new Map<number, Map<number, SessionEntry>>();
  readonly #ofHost = new Map<string, number>();

  constructor(random: RandomBytes) {
    this.#random = random;
  }

  get count(): number {
    return this.#byKey.size;
  }

  countOnInterface(interfaceIndex: number): number {
    return this.#byId.get(interfaceIndex)?.size ?? 0;
  }

  countOfHost(hostName: string): number {
    return this.#ofHost.get(hostName) ?? 0;
  }

  byKey(sessionKey: number): SessionEntry | undefined {
    return this.#byKey.get(sessionKey);
  }

  byRequest(requestName: string): SessionEntry | undefined {
    return this.#byRequest.get(requestName);
  }

  byId(interfaceIndex: number, sessionId: number): SessionEntry | undefined {
    return this.#byId.get(interfaceIndex)?.get(sessionId);
  }

  all(): SessionEntry[] {
    return [...this.#byKey.values()];
  }

  /** A random SESSION_ID that no session on the interface has. Throws RangeError where all are taken. */
  freeId(interfaceIndex: number): number {
    const taken = this.#byId.get(interfaceIndex);
    if ((taken?.size ?? 0) >= MAX_SESSIONS_PER_INTERFACE) throw new RangeError('no SESSION_ID is free');
    const [high, low] = this.#random(2);
    let sessionId = (high << 8) | low;
    while (sessionId === 0 || sessionId === RESERVED_SESSION_ID || taken?.has(sessionId)) {
      sessionId = (sessionId + 1) & 0xffff;
    }
    return sessionId;
  }

  add(entry: SessionEntry): void {
    const { sessionKey, sessionId, attachment } = entry.session;
    this.#byKey.set(sessionKey, entry);
    this.#byRequest.set(entry.requestName, entry);
    const onInterface = this.#byId.get(attachment.interfaceIndex) ?? new Map<number, SessionEntry>();
    this.#byId.set(attachment.interfaceIndex, onInterface.set(sessionId, entry));
    this.#ofHost.set(entry.hostName, this.countOfHost(entry.hostName) + 1);
  }

  remove(entry: SessionEntry): void {
    const { sessionKey, sessionId, attachment } = entry.session;
    this.#byKey.delete(sessionKey);
    this.#byRequest.delete(entry.requestName);
    const onInterface = this.#byId.get(attachment.interfaceIndex);
    onInterface?.delete(sessionId);
    if (onInterface?.size === 0) this.#byId.delete(attachment.interfaceIndex);
    const left = this.countOfHost(entry.hostName) - 1;
    if (left === 0) this.#ofHost.delete(entry.hostName);
    else this.#ofHost.set(entry.hostName, left);
  }
}
