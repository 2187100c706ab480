/**
 * Bugs to prove the checker by. Each is planted at a seam, from outside: what ships is not touched and works as before
 * once the bug is taken out again.
 */

import { EndpointState } from '../../firmware/protocol/l2tp/endpoint-state.js';
import { type Reception, ReliableDelivery } from '../../firmware/protocol/l2tp/reliable-delivery.js';
import { Call } from '../../firmware/roles/call.js';
import type { Output } from '../../firmware/roles/role.js';
import { parseControlHeader } from '../../firmware/wire/control-header.js';
import { hasDigest, isAcknowledgement, withoutDigest } from './control-body.js';
import { AddressPool } from './outside.js';
import { PacketPath } from './packet-path.js';
import type { EncapsulationChoice } from './scenario.js';
import type { Seams } from './simulation.js';
import type { Invariant } from './violation.js';

export interface PlantedBug {
  name: string;
  /** udp2 where not said. */
  encapsulation?: EncapsulationChoice;
  /** By what it may come to light, whichever a seed shows first. */
  foundBy: readonly Invariant[];
  /** Made anew for each simulation. */
  seams?: () => Seams;
  /** Puts it into a class; gives what takes it out. */
  plant?: () => () => void;
}

type AnyDelivery = ReliableDelivery<unknown, unknown>;

/** Puts another property into a prototype; gives what puts the old one back. */
function replace<T extends object>(prototype: T, name: keyof T, make: (old: PropertyDescriptor) => PropertyDescriptor) {
  const old = Object.getOwnPropertyDescriptor(prototype, name);
  if (old === undefined) throw new Error(`there is no ${String(name)} to put a bug into`);
  Object.defineProperty(prototype, name, make(old));
  return () => {
    Object.defineProperty(prototype, name, old);
  };
}

function together(...undo: (() => void)[]): () => void {
  return () => {
    for (const one of undo) one();
  };
}

/** What comes a second time is acknowledged, and handed up once more. */
function deliverDuplicates(): () => void {
  const again = new WeakMap<AnyDelivery, unknown[]>();
  return together(
    replace(ReliableDelivery.prototype, 'receive', ({ value: receive, ...old }) => ({
      ...old,
      value(this: AnyDelivery, ns: number, nr: number, message: unknown, now_ms: number): Reception {
        const reception: Reception = receive.call(this, ns, nr, message, now_ms);
        if (reception === 'duplicate') again.set(this, [message]);
        return reception;
      },
    })),
    replace(ReliableDelivery.prototype, 'pollDelivered', ({ value: pollDelivered, ...old }) => ({
      ...old,
      value(this: AnyDelivery): unknown {
        return pollDelivered.call(this) ?? again.get(this)?.shift();
      },
    })),
  );
}

/** What comes a second time is dropped without a word. */
function ignoreDuplicates(): () => void {
  const ignored = new WeakSet<AnyDelivery>();
  return together(
    replace(ReliableDelivery.prototype, 'receive', ({ value: receive, ...old }) => ({
      ...old,
      value(this: AnyDelivery, ns: number, nr: number, message: unknown, now_ms: number): Reception {
        const reception: Reception = receive.call(this, ns, nr, message, now_ms);
        if (reception === 'duplicate') ignored.add(this);
        else ignored.delete(this);
        return reception;
      },
    })),
    replace(ReliableDelivery.prototype, 'acknowledgementDue', ({ get, ...old }) => ({
      ...old,
      get(this: AnyDelivery): boolean {
        return get?.call(this) && !ignored.has(this);
      },
    })),
  );
}

/** The second time that a timer runs out with nothing acknowledged in between, nothing comes of it any more. */
function stopRetransmitting(): () => void {
  const retransmitted = new WeakMap<AnyDelivery, number>();
  const hasStopped = (delivery: AnyDelivery) => (retransmitted.get(delivery) ?? 0) > 0;
  return together(
    replace(ReliableDelivery.prototype, 'handleTimeout', ({ value: handleTimeout, ...old }) => ({
      ...old,
      value(this: AnyDelivery, now_ms: number): void {
        const isDue = this.deadline_ms !== undefined && this.deadline_ms <= now_ms;
        handleTimeout.call(this, now_ms);
        if (isDue) retransmitted.set(this, 1);
      },
    })),
    replace(ReliableDelivery.prototype, 'deadline_ms', ({ get, ...old }) => ({
      ...old,
      get(this: AnyDelivery): number | undefined {
        return hasStopped(this) ? undefined : get?.call(this);
      },
    })),
  );
}

/** An address pool that gives what somebody has to every third who asks. */
class GenerousPool extends AddressPool {
  #asked = 0;
  #last: string | undefined;

  override lease(callId: number): string | undefined {
    this.#asked++;
    if (this.#asked % 3 === 0 && this.#last !== undefined) return this.#last;
    this.#last = super.lease(callId);
    return this.#last;
  }
}

/** An address pool that forgets to take back every fourth address. */
class ForgetfulPool extends AddressPool {
  #released = 0;

  override release(callId: number): void {
    this.#released++;
    if (this.#released % 4 !== 0) super.release(callId);
  }
}

/** Loses every n-th output that is `like` this on its way to the packet path. */
function losing(n: number, like: (output: Output) => boolean): () => Seams {
  return () => {
    let count = 0;
    return { filter: (output) => (like(output) && ++count % n === 0 ? undefined : output) };
  };
}

/** Changes every n-th session-add or session-update. */
function changing(n: number, change: (output: Output) => Output | undefined): () => Seams {
  return () => {
    let count = 0;
    return {
      filter: (output) => {
        const changed = change(output);
        return changed !== undefined && ++count % n === 0 ? changed : output;
      },
    };
  };
}

/** Whatever is sent again has the digest of the first time, whatever has become of its Nr. */
function keepDigests(): Seams {
  const first = new Map<string, Uint8Array>();
  return {
    filter: (output) => {
      if (output.type !== 'send-control') return output;
      const { controlConnectionId, ns, payloadOffset } = parseControlHeader(output.packet);
      const body = output.packet.subarray(payloadOffset);
      if (!hasDigest(body) || isAcknowledgement(body)) return output;
      const key = `${controlConnectionId} ${ns} ${Buffer.from(withoutDigest(body)).toString('hex')}`;
      const sealed = first.get(key) ?? body.slice();
      first.set(key, sealed);
      const packet = output.packet.slice();
      packet.set(sealed, payloadOffset);
      return { ...output, packet };
    },
  };
}

/** The LAC says itself what the LNS has to say. */
function acceptAtTheLac(): () => void {
  return replace(Call.prototype, 'suspendLink', ({ value: suspendLink, ...old }) => ({
    ...old,
    value(this: Call): void {
      const authenticatorResponse = `S=${'0'.repeat(40)}`;
      this.withLink(0, (link) => link.answerAuthentication({ accepted: true, authenticatorResponse }, 0));
      suspendLink.call(this);
    },
  }));
}

/** The frames of before the handover go to the LNS the newest first. */
function turnRound(): () => void {
  return replace(Call.prototype, 'releaseLink', ({ value: releaseLink, ...old }) => ({
    ...old,
    value(this: Call): readonly unknown[] {
      return [...releaseLink.call(this)].reverse();
    },
  }));
}

/** Of what the LAC sends to an LNS in the name of a PC the second frame never gets into the packet path. */
function loseHandedOver(): Seams {
  const relays = new Map<number, number>();
  return {
    filter: (output) => {
      if (output.type === 'session-add' && output.row.relayTo !== undefined) relays.set(output.row.generation, 0);
      if (output.type !== 'inject') return output;
      const count = relays.get(output.generation);
      if (count === undefined) return output;
      relays.set(output.generation, count + 1);
      return count === 1 ? undefined : output;
    },
  };
}

function withOtherCookie(output: Output): Output | undefined {
  if (output.type !== 'session-add' || output.row.localCookie.length === 0) return undefined;
  const localCookie = output.row.localCookie.slice();
  localCookie[0] ^= 1;
  return { ...output, row: { ...output.row, localCookie } };
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'a duplicate control message is delivered to the role as a new one',
    foundBy: ['exactly-once'],
    plant: deliverDuplicates,
  },
  {
    name: 'a duplicate control message is not acknowledged again',
    foundBy: ['acknowledgement'],
    plant: ignoreDuplicates,
  },
  {
    name: 'the address pool hands out an address twice',
    foundBy: ['unique-addresses'],
    seams: () => ({ makePool: (addresses) => new GenerousPool(addresses) }),
  },
  {
    name: 'an address is not taken back at the end of a call',
    foundBy: ['leases-have-calls'],
    seams: () => ({ makePool: (addresses) => new ForgetfulPool(addresses) }),
  },
  {
    name: 'a session-remove gets lost',
    foundBy: ['rows-have-calls'],
    seams: losing(5, ({ type }) => type === 'session-remove'),
  },
  {
    name: 'the row of a call that is up is not opened',
    foundBy: ['convergence'],
    seams: losing(3, (output) => output.type === 'session-update' && output.changes.ipv4Open === true),
  },
  {
    name: 'the endpoint retransmits once and never again',
    foundBy: ['retransmission'],
    plant: stopRetransmitting,
  },
  {
    name: 'Nr acknowledges one message too many',
    foundBy: ['sequence-numbers'],
    plant: () =>
      replace(ReliableDelivery.prototype, 'nr', ({ get, ...old }) => ({
        ...old,
        get(this: AnyDelivery): number {
          const nr: number = get?.call(this);
          return nr === 3 ? 4 : nr;
        },
      })),
  },
  {
    name: 'a closed tunnel lingers for ever',
    foundBy: ['nothing-left'],
    plant: () =>
      replace(EndpointState.prototype, 'forgetTunnel', ({ value: forgetTunnel, ...old }) => ({
        ...old,
        value(this: EndpointState, tunnel: Parameters<EndpointState['forgetTunnel']>[0]): void {
          if (tunnel.lingerUntil_ms === undefined) forgetTunnel.call(this, tunnel);
          else tunnel.lingerUntil_ms = Number.POSITIVE_INFINITY;
        },
      })),
  },
  {
    name: 'no HELLO asks whether the peer is still there',
    foundBy: ['convergence', 'nothing-left'],
    plant: () => replace(EndpointState.prototype, 'helloDue_ms', (old) => ({ ...old, value: () => undefined })),
  },
  {
    name: 'the LAC accepts a user whom it carries to an LNS',
    foundBy: ['lns-accepts'],
    plant: acceptAtTheLac,
  },
  {
    name: "the PC's frames of before the handover go to the LNS in another order",
    foundBy: ['relay-order'],
    plant: turnRound,
  },
  {
    name: "a PC's frame of before the handover gets lost",
    foundBy: ['relay-order'],
    seams: loseHandedOver,
  },
  {
    name: 'the row of a PPPoE session stands only behind its PADS',
    foundBy: ['row-before-message', 'row-commands'],
    seams: losing(3, (output) => output.type === 'session-add' && output.row.pppoe !== undefined),
  },
  {
    name: 'the end of a call is told to nobody',
    foundBy: ['records'],
    seams: losing(6, ({ type }) => type === 'call-ended'),
  },
  {
    name: "a tunnel's stop is told to nobody",
    foundBy: ['nothing-left'],
    seams: losing(3, ({ type }) => type === 'tunnel-stopped'),
  },
  {
    name: 'a cookie is not looked at',
    encapsulation: 'ip',
    foundBy: ['cookie'],
    plant: () => replace(PacketPath.prototype, 'hasCookie', (old) => ({ ...old, value: () => true })),
  },
  {
    name: 'a row has another cookie than the peer was told',
    encapsulation: 'udp3',
    foundBy: ['same-terms'],
    seams: changing(4, withOtherCookie),
  },
  {
    name: 'a message that is sent again after its Nr has moved keeps its Message Digest',
    encapsulation: 'udp3',
    foundBy: ['acknowledgement', 'retransmission'],
    seams: keepDigests,
  },
  {
    name: 'a session-update names a session of somebody else',
    encapsulation: 'ip',
    foundBy: ['row-commands'],
    seams: changing(4, (output) =>
      output.type === 'session-update' ? { ...output, sessionId: output.sessionId ^ 1 } : undefined,
    ),
  },
];
