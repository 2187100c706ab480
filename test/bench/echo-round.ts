/**
 * One ICMP Echo through each of many calls to the other end of its link, a few under way at a time: whether every session
 * carries packets both ways, to the right user. No sockets and no clock.
 */
import { emitEchoRequest, parseEchoReply } from '../lab/ip-packets.js';

/** More at once would overflow sockets, and what is lost is not sent again. */
const AT_ONCE = 64;

/** A call that is up, with the addresses of both ends of its link. */
export interface EchoTarget {
  sessionId: number;
  address: string;
  gateway: string;
}

export class EchoRound {
  readonly calls: number;
  answered = 0;
  readonly #waiting: EchoTarget[];
  readonly #asked = new Map<number, EchoTarget>();

  constructor(targets: readonly EchoTarget[]) {
    this.calls = targets.length;
    this.#waiting = [...targets];
  }

  get isOver(): boolean {
    return this.answered === this.calls;
  }

  /** The next request, and through which call it goes; undefined while enough are under way, and at the end. */
  next(): { sessionId: number; packet: Uint8Array } | undefined {
    if (this.#asked.size >= AT_ONCE) return undefined;
    const target = this.#waiting.pop();
    if (target === undefined) return undefined;
    const { sessionId, address, gateway } = target;
    this.#asked.set(sessionId, target);
    const echo = { source: address, destination: gateway, identifier: sessionId, sequence: 1 };
    return { sessionId, packet: emitEchoRequest(echo) };
  }

  /** Takes a packet that came through a call; another than its reply counts for nothing. */
  take(sessionId: number, packet: Uint8Array): void {
    const target = this.#asked.get(sessionId);
    const reply = parseEchoReply(packet);
    if (target === undefined || reply?.identifier !== sessionId || reply.destination !== target.address) return;
    this.#asked.delete(sessionId);
    this.answered++;
  }
}
