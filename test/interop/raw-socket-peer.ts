/**
 * A peer of IP protocol 115 played by hand: sends whatever octets a test wants behind the IP header from a namespace of
 * the lab, and tells what comes. Answers nothing by itself, reads nothing of what it carries.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Namespace } from '../lab/namespaces.js';
import type { Daemon } from '../lab/process.js';

const PROGRAM = resolve(fileURLToPath(import.meta.url), '../raw-socket-process.js');
const ANSWER_TIMEOUT_MS = 10_000;
const SENDING_TIMEOUT_MS = 30_000;
/** The line of a packet, and in it the packet. */
const PACKET = /"packet":"([0-9a-f]*)"/;

export class RawSocketPeer {
  readonly #daemon: Daemon;
  readonly #address: string;

  private constructor(daemon: Daemon, address: string) {
    this.#daemon = daemon;
    this.#address = address;
  }

  /** `address`: where its packets go. Resolves when it listens. */
  static async start(namespace: Namespace, address: string): Promise<RawSocketPeer> {
    const family = address.includes(':') ? 'IPv6' : 'IPv4';
    const daemon = namespace.start('raw socket peer', [process.execPath, PROGRAM, family]);
    await daemon.waitForLine(/"listening"/, { timeout_ms: ANSWER_TIMEOUT_MS });
    return new RawSocketPeer(daemon, address);
  }

  /** Resolves when the packets, each of them what follows the IP header, have been handed to the kernel. */
  async send(...packets: readonly Uint8Array[]): Promise<void> {
    await this.#send(packets);
  }

  /** The same, each packet from every one of these IPv4 addresses, which need not be the namespace's own. */
  async sendFrom(addresses: readonly string[], packets: readonly Uint8Array[]): Promise<void> {
    await this.#send(packets, addresses);
  }

  async #send(packets: readonly Uint8Array[], addresses?: readonly string[]): Promise<void> {
    const from = this.#daemon.lineCount;
    const hex = packets.map((packet) => Buffer.from(packet).toString('hex'));
    this.#daemon.write(`${JSON.stringify({ address: this.#address, packets: hex, from: addresses })}\n`);
    await this.#daemon.waitForLine(/"sent"/, { from, timeout_ms: SENDING_TIMEOUT_MS });
  }

  mark(): number {
    return this.#daemon.lineCount;
  }

  /** Every packet of protocol 115 that has come since the mark, without its IP header. */
  packets(from = 0): Buffer[] {
    return this.#daemon.lines(from).flatMap((line) => {
      const hex = PACKET.exec(line)?.[1];
      return hex === undefined ? [] : [Buffer.from(hex, 'hex')];
    });
  }

  /** Awaits a packet of which this is true, beginning with those since the mark. */
  async awaitPacket(from: number, isIt: (packet: Buffer) => boolean): Promise<Buffer> {
    let seen = from;
    for (;;) {
      const found = this.packets(from).find(isIt);
      if (found !== undefined) return found;
      seen = Math.max(seen, this.#daemon.lineCount);
      await this.awaitAnother(seen);
    }
  }

  /** Resolves with the next packet's coming, beginning with those since the mark. */
  async awaitAnother(from: number): Promise<void> {
    await this.#daemon.waitForLine(PACKET, { from, timeout_ms: ANSWER_TIMEOUT_MS });
  }

  async stop(): Promise<void> {
    await this.#daemon.stop();
  }
}
