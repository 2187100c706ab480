/**
 * Many PCs that speak PPPoE on one Ethernet interface, each with its own MAC address, as a process of its own in a
 * namespace. Starts it and gives it orders; what a PC does stands in pppoe-pc.ts, what many do in pppoe-calls.ts.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AuthenticationProtocol } from '../../firmware/protocol/ppp/link.js';
import type { Namespace } from './namespaces.js';
import type { Daemon } from './process.js';

const PROGRAM = resolve(fileURLToPath(import.meta.url), '../pppoe-callers-process.js');
const START_TIMEOUT_MS = 20_000;
const HANG_UP_TIMEOUT_MS = 10_000;
/** Beyond the order's own, for the answer to come. */
const GRACE_MS = 5_000;

export interface DialOrder {
  calls: number;
  /** How many may be on their way up at one time. */
  atOnce: number;
  /** The n-th call is that of PC firstPc + n, which no PC before had. */
  firstPc: number;
  /** Of all these PCs; '': each has its own. */
  mac: string;
  /** VLANs that they are in, the outer one first. */
  vlanIds: readonly number[];
  /** PC n authenticates as this and n. */
  userPrefix: string;
  password: string;
  authentication: readonly AuthenticationProtocol[];
  /** A call is up when IPCP is; with this, when IPV6CP is too. */
  ipv6: boolean;
  /** RFC 1661 section 4.6: how much patience the PCs have. */
  maxConfigure: number;
  /** Calls that are not up by then have failed. */
  timeout_ms: number;
}

export interface PcReport {
  pc: number;
  mac: string;
  acMac: string;
  sessionId: number;
  address: string;
  /** From its first PADI until it was up. */
  setUp_ms: number;
  /** Configure-Requests of LCP that it sent, and how often LCP came up. */
  lcpRequests: number;
  lcpUps: number;
}

export interface DialReport {
  up: readonly PcReport[];
  /** How many calls failed, by reason. */
  failures: Readonly<Record<string, number>>;
  /** From the first PADI to the last call up. */
  setUp_ms: number;
  /** From a call's first PADI until it is up. */
  latencyMedian_ms: number;
  latencyP99_ms: number;
  /** The callers' own processor time from the order on. */
  processorTime_ms: number;
}

export interface PingReport {
  asked: number;
  /** PCs that got their answer. */
  answered: number;
  /** Packets of IPv4 that came to a PC and were not for its address. */
  strays: number;
}

export class PppoeCallers {
  readonly #daemon: Daemon;

  private constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  /** On an Ethernet interface of the namespace, whose kernel must have no business with PPPoE of its own. */
  static async start(namespace: Namespace, device: string): Promise<PppoeCallers> {
    const daemon = namespace.start('PPPoE callers', [process.execPath, PROGRAM, device]);
    await daemon.waitForLine(/"ready"/, { timeout_ms: START_TIMEOUT_MS });
    return new PppoeCallers(daemon);
  }

  /** Places calls beside those that stand; resolves when each is up or has failed. */
  dial(order: DialOrder): Promise<DialReport> {
    return this.#ask({ type: 'dial', ...order }, 'dialled', order.timeout_ms + GRACE_MS);
  }

  /** Each PC that is up pings the address, once a second, until it has an answer. */
  ping(destination: string, timeout_ms: number): Promise<PingReport> {
    return this.#ask({ type: 'ping', destination, timeout_ms }, 'pinged', timeout_ms + GRACE_MS);
  }

  /** PCs whose calls have ended by themselves since the last time, with the reason of each. */
  ended(): Promise<readonly { pc: number; reason: string }[]> {
    return this.#ask({ type: 'ended' }, 'ended', HANG_UP_TIMEOUT_MS);
  }

  /** Of this PC, which is up: a UDP datagram of this payload to the destination, as a frame in hexadecimal digits. */
  frame(pc: number, destination: string, payload_bytes: number): Promise<string> {
    return this.#ask({ type: 'frame', pc, destination, payload_bytes }, 'frame', HANG_UP_TIMEOUT_MS);
  }

  /** Every PC hangs up by PADT. Answers how many calls stood. */
  hangUp(): Promise<number> {
    return this.#ask({ type: 'hang-up' }, 'hung-up', HANG_UP_TIMEOUT_MS);
  }

  async stop(): Promise<void> {
    await this.#daemon.stop();
  }

  async #ask<Answer>(order: object, answer: string, timeout_ms: number): Promise<Answer> {
    const from = this.#daemon.lineCount;
    this.#daemon.write(`${JSON.stringify(order)}\n`);
    const pattern = new RegExp(`^{"type":"${answer}"`);
    const line = await this.#daemon.waitForLine(pattern, { from, timeout_ms });
    return (JSON.parse(line) as { answer: Answer }).answer;
  }
}
