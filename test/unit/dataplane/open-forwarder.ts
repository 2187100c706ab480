/**
 * A forwarder over memory of its own, as the worker has it over the arena: what tests, the fuzzer and the simulator
 * drive.
 */
import { plainChecksums } from '../../../firmware/dataplane/checksum.js';
import { createCounters, viewCounters } from '../../../firmware/dataplane/counters.js';
import { Forwarder } from '../../../firmware/dataplane/forwarder.js';
import { HEADER_SLOT_BYTES, PacketBatch, PacketSlots, SLOT_BYTES } from '../../../firmware/dataplane/packet-batch.js';

export interface OpenForwarder {
  memory: Uint8Array;
  counters: SharedArrayBuffer;
  forwarder: Forwarder;
  input: PacketBatch;
  inputSlots: PacketSlots;
}

/** `outputPackets` are what may go out before the output is cleared: at least one more than `buildSlots`. */
export function openForwarder({
  maxSessions,
  batch,
  buildSlots,
  heldSlots,
  inputSlot_bytes = SLOT_BYTES,
  outputPackets = 64,
}: {
  maxSessions: number;
  batch: number;
  buildSlots: number;
  heldSlots: number;
  inputSlot_bytes?: number;
  outputPackets?: number;
}): OpenForwarder {
  const kinds = [
    [batch, inputSlot_bytes],
    [buildSlots, SLOT_BYTES],
    [outputPackets, HEADER_SLOT_BYTES],
    [heldSlots, SLOT_BYTES],
  ] as const;
  const memory = new Uint8Array(kinds.reduce((sum, [count, slot_bytes]) => sum + count * slot_bytes, 0));
  let at = 0;
  const [inputSlots, packets, headers, held] = kinds.map(([count, slot_bytes]) => {
    const slots = new PacketSlots(memory, at, count, slot_bytes);
    at += count * slot_bytes;
    return slots;
  }) as [PacketSlots, PacketSlots, PacketSlots, PacketSlots];
  const counters = createCounters(maxSessions);
  const forwarder = new Forwarder(viewCounters(counters), { packets, headers, held }, plainChecksums(memory));
  return { memory, counters, forwarder, input: new PacketBatch(memory, batch), inputSlots };
}
