/**
 * The form in which commands and reports cross between the threads: what a turn has for the other thread is one message.
 * Octets are costly to clone, for each packet has an object and a memory of its own; text is not. So all packets of a
 * message are one text, a character for each octet, in which every record begins with its kind:
 *
 *   other    | 0 |                                                        the next of what stands behind the text
 *   session  | 1 | session ID (4) | generation (4) | protocol (2) | length (2) | octets     'ppp' or 'inject'
 *   control  | 2 | path (37)      | length (2)     | octets                                 'control' or 'send-control'
 *   frame    | 3 | interface (4)  | length (2)     | octets                                 'discovery' or 'send-frame'
 *
 *   path     | 0: UDP, 1: IP | local address (16) | local port (2) | peer address (16) | peer port (2) |
 *
 * Numbers are in network byte order, addresses as in address.ts. All other commands and reports are cloned as they are.
 * Must not know what is said.
 */
import { addressText, addressWords } from './address.js';
import type { DataPlaneCommand, DataPlaneReport, TransportPath } from './interface.js';
import { ADDRESS_WORDS, type PacketBatch } from './packet-batch.js';

/** A text of packets, with the other commands or reports behind it where there are any. */
export type Message<Other> = string | readonly [packets: string, ...others: Other[]];

const KIND = { other: 0, session: 1, control: 2, frame: 3 } as const;
const ADDRESS_BYTES = 16;
const PATH_BYTES = 37;
const LOCAL_ADDRESS_AT = 1;
const LOCAL_PORT_AT = 17;
const PEER_ADDRESS_AT = 19;
const PEER_PORT_AT = 35;
/** What stands before a packet's octets, by its kind, and at most. */
const HEADER_BYTES = [1, 13, 1 + PATH_BYTES + 2, 7] as const;
const MAX_HEADER_BYTES = HEADER_BYTES[KIND.control];
/** Room for the packets of a turn, as long as there are no more of them than usual. */
const USUAL_BYTES = 65_536;
/** Paths that are kept in both forms: one for each of so many tunnels. */
const MAX_PATHS = 1_024;

/** Gathers the packets and other parts of one message. */
class MessageWriter<Other> {
  #octets = Buffer.allocUnsafeSlow(USUAL_BYTES);
  #length_bytes = 0;
  #others: Other[] = [];
  readonly #address = new Uint32Array(ADDRESS_WORDS);
  readonly #addressBytes = new Uint8Array(this.#address.buffer);

  get isEmpty(): boolean {
    return this.#length_bytes === 0;
  }

  other(other: Other): void {
    this.#begin(KIND.other, 0);
    this.#others.push(other);
  }

  session(sessionId: number, generation: number, protocol: number, memory: Uint8Array): void {
    this.#begin(KIND.session, memory.length);
    this.#u32(sessionId);
    this.#u32(generation);
    this.#u16(protocol);
    this.#packet(memory);
  }

  control(path: Uint8Array, packet: Uint8Array): void {
    this.#begin(KIND.control, packet.length);
    this.#octets.set(path, this.#length_bytes);
    this.#length_bytes += PATH_BYTES;
    this.#packet(packet);
  }

  /** A control message in a batch, and its path there. */
  receivedControl(batch: PacketBatch, index: number, localPort: number): void {
    const packet = octetsOf(batch, index);
    this.#begin(KIND.control, packet.length);
    this.#octets[this.#length_bytes++] = batch.isOverIp[index];
    this.#addressOf(batch.localAddress, index);
    this.#u16(localPort);
    this.#addressOf(batch.peerAddress, index);
    this.#u16(batch.peerPort[index]);
    this.#packet(packet);
  }

  frame(interfaceIndex: number, frame: Uint8Array): void {
    this.#begin(KIND.frame, frame.length);
    this.#u32(interfaceIndex);
    this.#packet(frame);
  }

  /** All that was gathered, with what `last` has behind it; both are empty then. */
  take(last?: MessageWriter<Other>): Message<Other> {
    const packets = this.#takeOctets() + (last?.isEmpty === false ? last.#takeOctets() : '');
    if (this.#others.length === 0) return packets;
    const message = [packets, ...this.#others] as const;
    this.#others = [];
    return message;
  }

  #takeOctets(): string {
    const text = this.#octets.toString('latin1', 0, this.#length_bytes);
    this.#length_bytes = 0;
    // A flood's memory is given back.
    if (this.#octets.length > USUAL_BYTES) this.#octets = Buffer.allocUnsafeSlow(USUAL_BYTES);
    return text;
  }

  #begin(kind: number, packet_bytes: number): void {
    const needed_bytes = this.#length_bytes + MAX_HEADER_BYTES + packet_bytes;
    if (needed_bytes > this.#octets.length) {
      const longer = Buffer.allocUnsafeSlow(Math.max(needed_bytes, 2 * this.#octets.length));
      longer.set(this.#octets.subarray(0, this.#length_bytes));
      this.#octets = longer;
    }
    this.#octets[this.#length_bytes++] = kind;
  }

  #u16(value: number): void {
    this.#octets[this.#length_bytes++] = value >>> 8;
    this.#octets[this.#length_bytes++] = value;
  }

  #u32(value: number): void {
    this.#u16(value >>> 16);
    this.#u16(value);
  }

  #addressOf(words: Uint32Array, index: number): void {
    for (let i = 0; i < ADDRESS_WORDS; i++) this.#address[i] = words[index * ADDRESS_WORDS + i];
    this.#octets.set(this.#addressBytes, this.#length_bytes);
    this.#length_bytes += ADDRESS_BYTES;
  }

  #packet(packet: Uint8Array): void {
    this.#u16(packet.length);
    this.#octets.set(packet, this.#length_bytes);
    this.#length_bytes += packet.length;
  }
}

/** The main thread's end of the way to the worker. */
export class CommandWriter {
  readonly #writer = new MessageWriter<DataPlaneCommand>();
  readonly #paths = new WeakMap<TransportPath, Uint8Array>();

  /** The commands of a turn in their order, as one message. */
  emit(commands: readonly DataPlaneCommand[]): Message<DataPlaneCommand> {
    for (const command of commands) this.#write(command);
    return this.#writer.take();
  }

  #write(command: DataPlaneCommand): void {
    switch (command.type) {
      case 'inject':
        this.#writer.session(command.sessionId, command.generation, command.protocol, command.information);
        break;
      case 'send-control':
        this.#writer.control(this.#pathOctets(command.path), command.packet);
        break;
      case 'send-frame':
        this.#writer.frame(command.interfaceIndex, command.frame);
        break;
      default:
        this.#writer.other(command);
    }
  }

  /** Kept, since all messages of a tunnel go the same path. */
  #pathOctets(path: TransportPath): Uint8Array {
    const known = this.#paths.get(path);
    if (known !== undefined) return known;
    const octets = new Uint8Array(PATH_BYTES);
    const view = new DataView(octets.buffer);
    octets[0] = path.encapsulation === 'ip' ? 1 : 0;
    octets.set(new Uint8Array(addressWords(path.localAddress).buffer), LOCAL_ADDRESS_AT);
    view.setUint16(LOCAL_PORT_AT, path.localPort);
    octets.set(new Uint8Array(addressWords(path.peerAddress).buffer), PEER_ADDRESS_AT);
    view.setUint16(PEER_PORT_AT, path.peerPort);
    this.#paths.set(path, octets);
    return octets;
  }
}

/** The worker's end of the way to the main thread. */
export class ReportWriter {
  readonly #reports = new MessageWriter<DataPlaneReport>();
  /** Behind all other packets of a turn. */
  readonly #last = new MessageWriter<DataPlaneReport>();

  other(report: DataPlaneReport): void {
    this.#reports.other(report);
  }

  ppp(sessionId: number, generation: number, batch: PacketBatch, index: number): void {
    this.#reports.session(sessionId, generation, batch.protocol[index], octetsOf(batch, index));
  }

  control(batch: PacketBatch, index: number, localPort: number, isLast: boolean): void {
    const writer = isLast ? this.#last : this.#reports;
    writer.receivedControl(batch, index, localPort);
  }

  discovery(batch: PacketBatch, index: number, isLast: boolean): void {
    const writer = isLast ? this.#last : this.#reports;
    writer.frame(batch.interfaceIndex[index], octetsOf(batch, index));
  }

  /** All that was gathered since the last call; undefined where there is nothing. */
  take(): Message<DataPlaneReport> | undefined {
    if (this.#reports.isEmpty && this.#last.isEmpty) return undefined;
    return this.#reports.take(this.#last);
  }
}

function octetsOf(batch: PacketBatch, index: number): Uint8Array {
  const offset = batch.offset[index];
  return batch.memory.subarray(offset, offset + batch.length_bytes[index]);
}

/** What the three kinds of packets are called in one direction. */
interface PacketTypes {
  session: 'inject' | 'ppp';
  control: 'send-control' | 'control';
  frame: 'send-frame' | 'discovery';
}

/** Reads the messages of one direction. */
export class MessageReader<Item extends DataPlaneCommand | DataPlaneReport> {
  readonly #types: PacketTypes;
  /** By their octets. */
  readonly #paths = new Map<string, TransportPath>();

  constructor(types: PacketTypes) {
    this.#types = types;
  }

  /** What was gathered for the message, in its order. Its packets share a memory that nobody else writes to. */
  parse(message: Message<Item>): Item[] {
    const text = typeof message === 'string' ? message : message[0];
    const octets = Buffer.allocUnsafeSlow(text.length);
    octets.write(text, 'latin1');
    const items: Item[] = [];
    let others = 0;
    for (let at = 0; at < octets.length; ) {
      if (octets[at] === KIND.other) {
        items.push(message[++others] as Item);
        at += 1;
        continue;
      }
      const headerEnd = at + HEADER_BYTES[octets[at]];
      const length_bytes = u16(octets, headerEnd - 2);
      const packet = new Uint8Array(octets.buffer, headerEnd, length_bytes);
      items.push(this.#packet(text, octets, at, packet) as Item);
      at = headerEnd + length_bytes;
    }
    return items;
  }

  #packet(text: string, octets: Uint8Array, at: number, packet: Uint8Array) {
    switch (octets[at]) {
      case KIND.session: {
        const [sessionId, generation] = [u32(octets, at + 1), u32(octets, at + 5)];
        return { type: this.#types.session, sessionId, generation, protocol: u16(octets, at + 9), information: packet };
      }
      case KIND.control:
        return { type: this.#types.control, path: this.#path(text, octets, at + 1), packet };
      default:
        return { type: this.#types.frame, interfaceIndex: u32(octets, at + 1), frame: packet };
    }
  }

  /** One object for all messages that go the same path, as long as it is remembered. */
  #path(text: string, octets: Uint8Array, at: number): TransportPath {
    const key = text.slice(at, at + PATH_BYTES);
    const known = this.#paths.get(key);
    if (known !== undefined) return known;
    const path = parsePath(Uint8Array.from(octets.subarray(at, at + PATH_BYTES)));
    if (this.#paths.size >= MAX_PATHS) this.#paths.clear();
    this.#paths.set(key, path);
    return path;
  }
}

/** The worker's end of the way from the main thread, and the main thread's of the way back. */
export const commandReader = () =>
  new MessageReader<DataPlaneCommand>({ session: 'inject', control: 'send-control', frame: 'send-frame' });
export const reportReader = () =>
  new MessageReader<DataPlaneReport>({ session: 'ppp', control: 'control', frame: 'discovery' });

function parsePath(octets: Uint8Array): TransportPath {
  const addressAt = (at: number) => addressText(new Uint32Array(octets.slice(at, at + ADDRESS_BYTES).buffer), 0);
  return {
    encapsulation: octets[0] === 1 ? 'ip' : 'udp',
    localAddress: addressAt(LOCAL_ADDRESS_AT),
    localPort: u16(octets, LOCAL_PORT_AT),
    peerAddress: addressAt(PEER_ADDRESS_AT),
    peerPort: u16(octets, PEER_PORT_AT),
  };
}

function u16(octets: Uint8Array, at: number): number {
  return (octets[at] << 8) | octets[at + 1];
}

function u32(octets: Uint8Array, at: number): number {
  return ((u16(octets, at) << 16) | u16(octets, at + 2)) >>> 0;
}
