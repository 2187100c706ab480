/**
 * The outside of one box, which answers its roles' questions: tunnel peers, a user table, an address pool and a
 * resolver. What control/ does from the store.
 */

import { authenticateLocally } from '../../firmware/control/local-aaa.js';
import { NO_AUTHORIZATION } from '../../firmware/roles/authorization.js';
import type { Answer, Authorization, Question, TunnelChoice, TunnelPolicy } from '../../firmware/roles/role.js';
import { octets } from '../../firmware/wire/bytes.js';

export interface User {
  password: string;
  fixedAddress?: string;
  /** At a LAC: where it carries his calls. */
  tunnels?: readonly TunnelChoice[];
  /** What else he gets. */
  authorization?: Partial<Authorization>;
}

/** How a peer's SCCRQ is treated, by its address; one that is not listed gets StopCCN result 4. */
export interface TunnelPeer {
  secret?: string;
  allowTunnelIdZero?: boolean;
  addressControl?: TunnelPolicy['addressControl'];
  /** Of a LAC's. */
  proxy?: TunnelPolicy['proxy'];
  proxyMismatch?: TunnelPolicy['proxyMismatch'];
  maxSessions?: number;
}

export interface OutsidePlan {
  users: Readonly<Record<string, User>>;
  /** The pool's addresses. */
  pool: readonly string[];
  tunnelPeers: Readonly<Record<string, TunnelPeer>>;
  /** Host names, for the resolver. */
  hosts: Readonly<Record<string, string>>;
}

/** Addresses of a pool, each to one call at a time; a call has at most one, and keeps it however often it asks. */
export class AddressPool {
  readonly #free: string[];
  readonly #pooled: ReadonlySet<string>;
  readonly #addressOfCall = new Map<number, string>();

  constructor(addresses: readonly string[]) {
    this.#free = [...addresses];
    this.#pooled = new Set(addresses);
  }

  lease(callId: number): string | undefined {
    const present = this.#addressOfCall.get(callId);
    if (present !== undefined) return present;
    const address = this.#free.shift();
    if (address !== undefined) this.#addressOfCall.set(callId, address);
    return address;
  }

  /** Gives the call that has this very address, where it is not to be had. */
  leaseFixed(callId: number, address: string): number | undefined {
    for (const [holder, held] of this.#addressOfCall) if (held === address && holder !== callId) return holder;
    this.#addressOfCall.set(callId, address);
    return undefined;
  }

  release(callId: number): void {
    const address = this.#addressOfCall.get(callId);
    if (address === undefined) return;
    this.#addressOfCall.delete(callId);
    if (this.#pooled.has(address)) this.#free.push(address);
  }

  /** Calls that have an address. */
  holders(): number[] {
    return [...this.#addressOfCall.keys()];
  }
}

export class Outside {
  readonly pool: AddressPool;
  readonly #plan: OutsidePlan;

  constructor(plan: OutsidePlan, pool: AddressPool) {
    this.#plan = plan;
    this.pool = pool;
  }

  /**
   * `isLive` tells whether the call is still there, which it may not be by the time of the answer; `endCall` ends the
   * one that has a fixed address when its user is there again.
   */
  answer(question: Question, isLive: (callId: number) => boolean, endCall: (callId: number) => void): Answer {
    const { questionId } = question;
    switch (question.type) {
      case 'resolve': {
        const address = this.#plan.hosts[question.host];
        return { type: 'resolve', questionId, address, reason: address === undefined ? 'no such host' : '' };
      }
      case 'authorize-tunnel':
        return this.#authorize(question);
      case 'authenticate': {
        const user = this.#plan.users[question.userName];
        return {
          type: 'authenticate',
          questionId,
          answer: authenticateLocally(question.request, user?.password),
          authorization: { ...NO_AUTHORIZATION, ...user?.authorization, tunnels: user?.tunnels ?? [] },
        };
      }
      case 'lease':
        if (!isLive(question.callId)) return { type: 'lease', questionId, granted: false, reason: 'the call is gone' };
        return this.#lease(question, endCall);
    }
  }

  #authorize({ questionId, path }: Extract<Question, { type: 'authorize-tunnel' }>): Answer {
    const peer = this.#plan.tunnelPeers[path.peerAddress];
    if (peer === undefined) return { type: 'authorize-tunnel', questionId, accepted: false, resultCode: 4 };
    const secret = peer.secret === undefined ? undefined : octets(peer.secret);
    const { allowTunnelIdZero = false, addressControl = 'detect' } = peer;
    const { proxy = 'trust', proxyMismatch = 'renegotiate', maxSessions = 0 } = peer;
    const policy = {
      peerName: path.peerAddress,
      secret,
      allowTunnelIdZero,
      addressControl,
      proxy,
      proxyMismatch,
      maxSessions,
    };
    return { type: 'authorize-tunnel', questionId, accepted: true, policy };
  }

  #lease(
    { questionId, callId, userName }: Extract<Question, { type: 'lease' }>,
    endCall: (callId: number) => void,
  ): Answer {
    const fixed = this.#plan.users[userName]?.fixedAddress;
    let address: string | undefined;
    if (fixed === undefined) {
      address = this.pool.lease(callId);
    } else {
      const holder = this.pool.leaseFixed(callId, fixed);
      if (holder === undefined) address = fixed;
      else endCall(holder);
    }
    if (address === undefined) return { type: 'lease', questionId, granted: false, reason: 'no address' };
    return { type: 'lease', questionId, granted: true, lease: { address, routes: [] } };
  }
}
