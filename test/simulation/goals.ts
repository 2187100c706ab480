/**
 * Whether every profile and pseudowire is where it has to be since the faults ended: up and the same at both ends, or
 * refused by what the RFCs say. Must not make anything happen.
 */

import type { Output } from '../../firmware/roles/role.js';
import { callUp, disagreements, pseudowireUp } from './agreement.js';
import type { Box } from './box.js';
import type { DeliveryChecker } from './delivery-checker.js';
import type { Goal, Scenario } from './scenario.js';
import { ensure } from './violation.js';

/** A message by which a profile was refused since the faults ended; `nothing` where its tunnel has had no answer. */
interface Refusal {
  messageType: string;
  resultCode: number;
}

export class Goals {
  readonly #scenario: Scenario;
  readonly #boxes: ReadonlyMap<string, Box>;
  readonly #delivery: DeliveryChecker;
  /** Since the faults ended: by box, the ends of the tunnels and calls that were begun since. */
  readonly #refusals = new Map<string, Refusal[]>();
  readonly #newTunnels = new Map<string, Set<number>>();

  constructor(scenario: Scenario, boxes: ReadonlyMap<string, Box>, delivery: DeliveryChecker) {
    this.#scenario = scenario;
    this.#boxes = boxes;
    this.#delivery = delivery;
  }

  /** What is not yet as it must be. */
  open(): string[] {
    const open: string[] = [];
    let contended = 0;
    let contendedUp = 0;
    for (const { box: name, profile, goal } of this.#scenario.profiles) {
      const box = boxNamed(this.#boxes, name);
      const isUp = callUp(this.#boxes, box, profile) !== undefined;
      if (goal.type === 'refused' || goal.type === 'unanswered') {
        const refusals = this.#refusals.get(name) ?? [];
        if (refusals.length === 0) open.push(`${profile} has not been refused`);
        else checkRefusal(profile, goal, refusals);
      } else if (goal.type === 'up') {
        if (!isUp) open.push(`${profile} is not up`);
      } else {
        contended++;
        if (isUp) contendedUp++;
        else if ((this.#refusals.get(name) ?? []).length === 0) open.push(`${profile} has neither call nor refusal`);
      }
    }
    const expectedUp = Math.min(contended, this.#scenario.addresses);
    if (contendedUp !== expectedUp) open.push(`${contendedUp} calls are up with ${expectedUp} addresses`);
    open.push(...this.#openPseudowires());
    if (open.length > 0) return open;
    // IPV6CP that has given up while the peer has it open leaves the call to IPv4: after a cut of half a minute both
    // ends may see IPv6 differently. So RFC 1661 has it, and a peer whose IPv6 is broken is not to lose its call.
    const families = this.#scenario.cuts.length === 0 ? (['ipv4Open', 'ipv6Open'] as const) : (['ipv4Open'] as const);
    const isBusy = (box: Box) => this.#dialsInVain(box);
    for (const box of this.#boxes.values()) {
      if (!isBusy(box)) open.push(...disagreements(this.#boxes, box, this.#delivery, families, isBusy));
    }
    return open;
  }

  #openPseudowires(): string[] {
    const open: string[] = [];
    for (const { box: name, peer, pseudowire, goal } of this.#scenario.pseudowires) {
      if (goal.type === 'up') {
        if (pseudowireUp(boxNamed(this.#boxes, name), boxNamed(this.#boxes, peer), pseudowire) === undefined)
          open.push(`${pseudowire} is not up`);
        continue;
      }
      const refusals = this.#refusals.get(name) ?? [];
      if (refusals.length === 0) open.push(`${pseudowire} has not been refused`);
      else if (goal.type !== 'contended') checkRefusal(pseudowire, goal, refusals);
    }
    return open;
  }

  /** A box with a profile that is refused opens and closes tunnels all the time. */
  #dialsInVain(box: Box): boolean {
    const { name } = box.plan;
    const { profiles, pseudowires, pcs } = this.#scenario;
    return (
      pcs.some(({ lac, goal }) => lac === name && goal.type === 'refused') ||
      profiles.some(
        ({ box: dialler, profile, goal }) =>
          dialler === name && goal.type !== 'up' && callUp(this.#boxes, box, profile) === undefined,
      ) ||
      pseudowires.some(({ box: dialler, goal }) => dialler === name && goal.type !== 'up')
    );
  }

  /** Of tunnels that were begun without faults: by what they or their calls ended. */
  noteOutput(box: string, output: Output): void {
    const tunnels = this.#newTunnels.get(box) ?? new Set();
    this.#newTunnels.set(box, tunnels);
    if (output.type === 'tunnel-add') tunnels.add(output.tunnelId);
    if (output.type === 'tunnel-remove' && tunnels.delete(output.tunnelId)) {
      this.#addRefusal(box, { messageType: 'nothing', resultCode: 0 });
    }
    if (output.type !== 'trace' || output.record.kind === 'note' || !tunnels.has(output.record.tunnelId)) return;
    const { label: messageType, detail, tunnelId } = output.record;
    if (messageType !== 'StopCCN' && messageType !== 'CDN') return;
    // What comes after the first of a tunnel only follows from it.
    tunnels.delete(tunnelId);
    const { resultCode } = detail.resultCode as { resultCode: number };
    this.#addRefusal(box, { messageType, resultCode });
  }

  #addRefusal(box: string, refusal: Refusal): void {
    this.#refusals.set(box, [...(this.#refusals.get(box) ?? []), refusal]);
  }
}

function checkRefusal(
  what: string,
  goal: Extract<Goal, { type: 'refused' | 'unanswered' }>,
  refusals: readonly Refusal[],
): void {
  const expected = goal.type === 'unanswered' ? { messageType: 'nothing', resultCode: 0 } : goal;
  for (const { messageType, resultCode } of refusals) {
    ensure(
      messageType === expected.messageType && resultCode === expected.resultCode,
      'result-code',
      () => `${what} ended by ${messageType} ${resultCode}, not by ${expected.messageType} ${expected.resultCode}`,
    );
  }
}

export function boxNamed(boxes: ReadonlyMap<string, Box>, name: string): Box {
  for (const box of boxes.values()) if (box.plan.name === name) return box;
  throw new Error(`there is no box ${name}`);
}
