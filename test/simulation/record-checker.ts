/**
 * Checks what accounting is told of a box (RFC 2866, RFC 2867): of each call one end, and nothing behind it; of each tunnel
 * one start and one stop, or one rejection. Must not know any machine.
 */

import type { Output } from '../../firmware/roles/role.js';
import type { Box } from './box.js';
import { ensure } from './violation.js';

interface BoxRecords {
  readonly ended: Set<number>;
  /** Tunnels that have started and not stopped. */
  readonly open: Set<number>;
}

export class RecordChecker {
  readonly #boxes = new Map<Box, BoxRecords>();

  restarted(box: Box): void {
    this.#boxes.delete(box);
  }

  output(box: Box, output: Output): void {
    const { ended, open } = this.#recordsOf(box);
    switch (output.type) {
      case 'call-up':
      case 'call-changed':
      case 'call-ended': {
        const { callId } = output.call;
        ensure(!ended.has(callId), 'records', () => `${output.type} of call ${callId}, which has ended`);
        if (output.type === 'call-ended') ended.add(callId);
        break;
      }
      case 'tunnel-started':
        ensure(!open.has(output.tunnelId), 'records', () => `tunnel ${output.tunnelId} has started twice`);
        open.add(output.tunnelId);
        break;
      case 'tunnel-stopped':
        ensure(open.delete(output.tunnelId), 'records', () => `tunnel ${output.tunnelId} has not started and stops`);
        break;
      case 'tunnel-rejected':
        ensure(!open.has(output.tunnelId), 'records', () => `tunnel ${output.tunnelId} is rejected and has started`);
        break;
    }
  }

  /** A call that is no longer there has had its end told. */
  gone(box: Box, callId: number): void {
    ensure(this.#recordsOf(box).ended.has(callId), 'records', () => `call ${callId} is gone, and nobody was told`);
  }

  /** When all is closed: tunnels whose stop nobody was told of. */
  left(box: Box): string[] {
    return [...this.#recordsOf(box).open].map((tunnelId) => `${box.plan.name}: tunnel ${tunnelId} has not stopped`);
  }

  #recordsOf(box: Box): BoxRecords {
    let records = this.#boxes.get(box);
    if (records === undefined) {
      records = { ended: new Set(), open: new Set() };
      this.#boxes.set(box, records);
    }
    return records;
  }
}
