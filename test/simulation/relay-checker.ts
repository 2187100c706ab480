/**
 * Checks the LAC's handover and relay: of what a PC sends, from the first frame that goes to the LNS on, each goes there,
 * once, in the order in which it came, and what the packet path was told to hold is among it. Must not know how.
 */

import { parsePppFrame } from '../../firmware/wire/ppp.js';
import type { Box } from './box.js';
import type { Row } from './packet-path.js';
import { ensure } from './violation.js';

/** So many frames of before the handover are kept for it; who sends more loses them, there and nowhere else. */
const MAX_HELD = 16;

interface Relay {
  /** Frames of the PC, in order. */
  readonly arrived: string[];
  /** How many had come when the packet path began to hold them. */
  heldFrom: number | undefined;
  carried: number;
  /** Places of the first frame carried that are possible, since frames may be alike. */
  starts: readonly number[];
}

export class RelayChecker {
  readonly #boxes = new Map<Box, Map<number, Relay>>();

  restarted(box: Box): void {
    this.#boxes.delete(box);
  }

  /** A frame of the PC's has come, and is not one that the packet path had no room for. */
  arrived(box: Box, row: Row, ppp: Uint8Array): void {
    this.#relayOf(box, row).arrived.push(nameOf(ppp));
  }

  /** From now on frames are held. */
  held(box: Box, row: Row): void {
    const relay = this.#relayOf(box, row);
    relay.heldFrom = relay.arrived.length;
  }

  /** A frame goes to the LNS in the name of this row, which PPPoE carries. */
  carried(box: Box, row: Row, ppp: Uint8Array): void {
    const relay = this.#relayOf(box, row);
    const { arrived, carried } = relay;
    const name = nameOf(ppp);
    const before = carried === 0 ? arrived.map((_, index) => index) : relay.starts;
    relay.starts = before.filter((start) => arrived[start + carried] === name);
    if (carried === MAX_HELD && relay.starts.length === 0) relay.starts = laterStarts(relay, before, name);
    relay.carried++;
    ensure(
      relay.starts.length > 0,
      'relay-order',
      () => `${box.plan.name}: frame ${carried} to the LNS, ${name}, of ${arrived.join(', ')}`,
    );
  }

  /** After a turn: what was held, and all that has come since, is with the LNS. */
  turned(box: Box): void {
    for (const row of box.path.rows.values()) {
      if (row.pppoe === undefined || row.relayTo === undefined || row.hold) continue;
      const { arrived, heldFrom, carried, starts } = this.#relayOf(box, row);
      const owed = arrived.length - (heldFrom ?? arrived.length);
      const hasOverflown = carried === MAX_HELD && owed === 0;
      const hasNothing = carried === 0 && owed === 0;
      const isComplete = hasNothing || hasOverflown || starts.some((start) => start + carried === arrived.length);
      ensure(
        isComplete && carried >= owed,
        'relay-order',
        () => `${box.plan.name}: ${owed} frames were held and followed, ${carried} are with the LNS`,
      );
    }
  }

  #relayOf(box: Box, { generation }: Row): Relay {
    let relays = this.#boxes.get(box);
    if (relays === undefined) {
      relays = new Map();
      this.#boxes.set(box, relays);
    }
    let relay = relays.get(generation);
    if (relay === undefined) {
      relay = { arrived: [], heldFrom: undefined, carried: 0, starts: [] };
      relays.set(generation, relay);
    }
    return relay;
  }
}

/** As if the frames between had never come. */
function laterStarts({ arrived, carried }: Relay, before: readonly number[], name: string): number[] {
  const first = Math.min(...before) + carried;
  return arrived.flatMap((one, place) => (place > first && one === name ? [place - carried] : []));
}

/** The same however the frame is framed. */
function nameOf(ppp: Uint8Array): string {
  const { protocol, information } = parsePppFrame(ppp);
  return `${protocol.toString(16)}:${Buffer.from(information).toString('hex')}`;
}
