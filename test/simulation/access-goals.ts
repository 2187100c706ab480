/**
 * Whether every PC is where it has to be since the faults ended: up by way of its LAC and its LNS, or at its LAC, with the
 * same addresses at both ends, or refused. Must not make anything happen.
 */

import type { CallInfo } from '../../firmware/roles/role.js';
import type { Box } from './box.js';
import { boxNamed } from './goals.js';
import type { Row } from './packet-path.js';
import type { Pc } from './pc.js';
import { ensure } from './violation.js';

type Boxes = ReadonlyMap<string, Box>;

/** Where a PC's PPP ends. */
interface Gateway {
  at: 'lns' | 'lac';
  row: Row;
  call: CallInfo | undefined;
}

export class AccessGoals {
  readonly #boxes: Boxes;
  readonly #pcs: readonly Pc[];
  /** Of those that are to be refused: how often they had been when the faults ended. */
  readonly #refusalsBefore = new Map<Pc, number>();

  constructor(boxes: Boxes, pcs: readonly Pc[]) {
    this.#boxes = boxes;
    this.#pcs = pcs;
  }

  /** The faults have ended. */
  begin(): void {
    for (const pc of this.#pcs) this.#refusalsBefore.set(pc, pc.refusals);
  }

  /** What is not yet as it must be. */
  open(): string[] {
    const open: string[] = [];
    for (const pc of this.#pcs) {
      const { name, goal } = pc.plan;
      if (goal.type === 'up') open.push(...this.#missing(pc, goal.at).map((what) => `${name}: ${what}`));
      else if (pc.refusals === this.#refusalsBefore.get(pc)) open.push(`${name} has not been refused`);
    }
    return open;
  }

  /** After each turn: whom nobody may let in is not in. */
  check(): void {
    for (const { plan, addresses } of this.#pcs) {
      ensure(plan.goal.type === 'up' || addresses === undefined, 'refused-stays-down', () => `${plan.name} is up`);
    }
  }

  #missing(pc: Pc, at: 'lns' | 'lac'): string[] {
    const { addresses } = pc;
    if (addresses === undefined) return ['is not up'];
    const gateway = this.#gatewayOf(pc);
    if (gateway === undefined) return ['its gateway does not know it'];
    if (gateway.at !== at) return [`is up at the ${gateway.at}, not the ${at}`];
    const { row, call } = gateway;
    if (!row.ipv4Open || call?.state !== 'up') return ['is not up at its gateway'];
    const areSame = call.peerAddress === addresses.localAddress && call.localAddress === addresses.peerAddress;
    ensure(
      areSame,
      'same-addresses',
      () => `${pc.plan.name} is ${addresses.localAddress}, and ${call.peerAddress} at its gateway`,
    );
    return [];
  }

  #gatewayOf(pc: Pc): Gateway | undefined {
    const lac = boxNamed(this.#boxes, pc.plan.lac);
    const row = rowOf(lac, pc);
    if (row === undefined) return undefined;
    if (row.relayTo === undefined) return { at: 'lac', row, call: lac.appliance.callInfo(row.sessionId) };
    const relay = lac.path.rows.get(row.relayTo.sessionId);
    const lns = relay && this.#boxes.get(relay.path.peerAddress);
    const end = relay && lns?.path.rows.get(relay.peerSessionId);
    if (lns === undefined || end === undefined || end.peerSessionId !== relay?.sessionId) return undefined;
    return { at: 'lns', row: end, call: lns.appliance.callInfo(end.sessionId) };
  }
}

/** The LAC's row of the PC's session. */
function rowOf(lac: Box, { plan, session }: Pc): Row | undefined {
  for (const row of lac.path.rows.values()) {
    const { pppoe } = row;
    const isPcs = pppoe?.sessionId === session?.sessionId && pppoe?.peerMac === plan.mac;
    if (isPcs && pppoe?.interfaceIndex === plan.interfaceIndex) return row;
  }
  return undefined;
}
