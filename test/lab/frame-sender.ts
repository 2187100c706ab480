/**
 * Sends one Ethernet frame again and again by a packet socket, as a process of its own in a namespace: a load, or a flood.
 * Starts it and reads what it has sent; knows nothing of what is in the frame.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Namespace } from './namespaces.js';

const PROGRAM = resolve(fileURLToPath(import.meta.url), '../frame-sender-process.js');
/** Beyond the order's own, for the program to start and to end. */
const GRACE_MS = 10_000;

export interface SendingOrder {
  device: string;
  frame: Uint8Array;
  duration_ms: number;
  /** At most; 0: as fast as it goes. */
  perSecond: number;
  /** These octets of it are drawn anew for each frame: from, and how many. */
  random?: { at: number; length_bytes: number };
}

export interface Sending {
  frames: number;
  seconds: number;
}

/** Resolves when all is sent. */
export async function sendFrames(namespace: Namespace, order: SendingOrder): Promise<Sending> {
  const argument = { ...order, frame: Buffer.from(order.frame).toString('hex') };
  const { stdout } = await namespace.run([process.execPath, PROGRAM, JSON.stringify(argument)], {
    timeout_ms: order.duration_ms + GRACE_MS,
  });
  return JSON.parse(stdout) as Sending;
}
