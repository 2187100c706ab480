/**
 * A peer played by hand: sends whatever octets a test wants from a namespace of the lab, and numbers control messages
 * only as the test tells it to. Acknowledges nothing by itself.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type AvpValues,
  type ControlMessage,
  emitControlMessage,
  parseControlMessage,
} from '../../firmware/wire/avp.js';
import { emitControlPacket } from '../../firmware/wire/control-header.js';
import { parseL2tpHeader } from '../../firmware/wire/l2tp.js';
import type { Namespace } from '../lab/namespaces.js';
import type { Daemon } from '../lab/process.js';

const PROGRAM = resolve(fileURLToPath(import.meta.url), '../raw-peer-process.js');
const ANSWER_TIMEOUT_MS = 10_000;
/** The line of a packet, and in it the packet. */
const PACKET = /"packet":"([0-9a-f]*)"/;

export interface Received {
  tunnelId: number;
  sessionId: number;
  ns: number;
  nr: number;
  /** undefined: a ZLB. */
  message: ControlMessage | undefined;
}

export class RawPeer {
  readonly #daemon: Daemon;
  readonly #server: string;
  readonly #port: number;

  private constructor(daemon: Daemon, server: string, port: number) {
    this.#daemon = daemon;
    this.#server = server;
    this.#port = port;
  }

  static async start(namespace: Namespace, server: string, port = 1701): Promise<RawPeer> {
    const family = server.includes(':') ? 'udp6' : 'udp4';
    const daemon = namespace.start('raw peer', [process.execPath, PROGRAM, family]);
    await daemon.waitForLine(/"listening"/, { timeout_ms: ANSWER_TIMEOUT_MS });
    return new RawPeer(daemon, server, port);
  }

  /** Resolves when the packets have been handed to the kernel. */
  async send(...packets: readonly Uint8Array[]): Promise<void> {
    await this.#send(packets);
  }

  /** The same, each packet from every one of these IPv4 addresses, which must be the namespace's own; deaf to answers. */
  async sendFrom(addresses: readonly string[], packets: readonly Uint8Array[]): Promise<void> {
    await this.#send(packets, addresses);
  }

  async #send(packets: readonly Uint8Array[], addresses?: readonly string[]): Promise<void> {
    const from = this.#daemon.lineCount;
    const hex = packets.map((packet) => Buffer.from(packet).toString('hex'));
    const order = { address: this.#server, port: this.#port, packets: hex, from: addresses };
    this.#daemon.write(`${JSON.stringify(order)}\n`);
    await this.#daemon.waitForLine(/"sent"/, { from, timeout_ms: ANSWER_TIMEOUT_MS });
  }

  mark(): number {
    return this.#daemon.lineCount;
  }

  /** Every packet that has come since the mark. */
  packets(from = 0): Buffer[] {
    return this.#daemon.lines(from).flatMap((line) => {
      const hex = PACKET.exec(line)?.[1];
      return hex === undefined ? [] : [Buffer.from(hex, 'hex')];
    });
  }

  /** Every control packet of version 2 that has come since the mark. */
  received(from = 0): Received[] {
    return this.packets(from).flatMap((packet) => {
      const header = parseL2tpHeader(packet);
      if (!header.control) return [];
      const body = packet.subarray(header.payloadOffset, header.payloadEnd);
      const message = body.length === 0 ? undefined : (parseControlMessage(body, { version: 2 }) ?? undefined);
      return [{ tunnelId: header.tunnelId, sessionId: header.sessionId, ns: header.ns, nr: header.nr, message }];
    });
  }

  /** Awaits a message of the type, beginning with those since the mark. */
  async awaitMessage(
    messageType: ControlMessage['messageType'],
    from: number,
  ): Promise<Received & { message: ControlMessage }> {
    const find = (): Received | undefined =>
      this.received(from).find((each) => each.message?.messageType === messageType);
    let seen = from;
    for (;;) {
      const found = find();
      if (found !== undefined) return found as Received & { message: ControlMessage };
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

/** A control packet with the numbers given. */
export function controlPacket(
  { tunnelId = 0, sessionId = 0, ns = 0, nr = 0 }: { tunnelId?: number; sessionId?: number; ns?: number; nr?: number },
  message: ControlMessage | Uint8Array,
): Uint8Array {
  const body = message instanceof Uint8Array ? message : emitControlMessage(message, { dialect: 2 });
  return emitControlPacket({ version: 2, controlConnectionId: tunnelId, sessionId, ns, nr }, body);
}

/** An SCCRQ as a caller sends it, with changes. */
export function sccrq(assignedTunnelId: number, changes: AvpValues = {}): ControlMessage {
  return {
    messageType: 'SCCRQ',
    avps: {
      protocolVersion: { version: 1, revision: 0 },
      ...{
        framingCapabilities: 3,
        bearerCapabilities: 0,
        hostName: 'stranger',
        assignedTunnelId,
        receiveWindowSize: 4,
      },
      ...changes,
    },
  };
}

/** One AVP by hand, RFC 2661 section 4.1: M and H bits, a length that may lie, vendor, type, value. */
export function rawAvp(avp: {
  mandatory?: boolean;
  hidden?: boolean;
  length?: number;
  vendorId?: number;
  type: number;
  value: Uint8Array;
}): Uint8Array {
  const length = avp.length ?? 6 + avp.value.length;
  const header = Buffer.alloc(6);
  header.writeUInt16BE((avp.mandatory ? 0x8000 : 0) | (avp.hidden ? 0x4000 : 0) | length, 0);
  header.writeUInt16BE(avp.vendorId ?? 0, 2);
  header.writeUInt16BE(avp.type, 4);
  return Buffer.concat([header, avp.value]);
}
