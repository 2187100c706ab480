/**
 * The sockets of traffic-process.ts: the caller's in its own namespace, the office's in another one. What comes is told
 * apart by its mark: packets of the run are counted, the others are handed over. Knows nothing of calls.
 */
import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';
import {
  IPV4_MAPPED_WORD,
  JOINED_SLOT_BYTES,
  PacketBatch,
  PacketSlots,
} from '../../firmware/dataplane/packet-batch.js';
import { Arena } from '../../firmware/linux/arena.js';
import { DatagramSender } from '../../firmware/linux/datagram-sender.js';
import { DatagramSocket, datagramSocketArena_bytes } from '../../firmware/linux/datagram-socket.js';
import { FAMILY } from '../../firmware/linux/socket-family.js';
import { SystemError } from '../../firmware/linux/syscalls.js';
import { parseAddress } from '../../firmware/wire/ip.js';
import { Latencies } from './latencies.js';
import { readMark } from './marks.js';

export const BATCH = 64;
export const MAX_FRAMES = 10_240;
/** The longest frame: 1,300 octets of payload, and what L2TP, PPP, IP and UDP put in front. */
export const FRAME_BYTES = 1_408;
export const CALLER_PORT = 1_702;
export const OFFICE_PORT = 9_009;
const RECEIVED = 32;
/** A stamp counts eighths of a microsecond, in 32 bits. */
const STAMPS_A_MS = 8_000;
const STAMPS_A_US = STAMPS_A_MS / 1_000;
const KIND = { family: 'ipv4', protocol: 'udp' } as const;
const SENDERS = 2;
/** For the calls' own messages. */
const SPARE_BYTES = 256 * 1024;

const setns: (fd: number, kind: number) => number = koffi.load(null).func('int setns(int fd, int kind)');
const CLONE_NEWNET = 0x40000000;

/** Now, as what writeMark takes. */
export function stampNow(): number {
  return Math.floor(performance.now() * STAMPS_A_MS) >>> 0;
}

/** An IPv4 address as the last word of an address in a batch. */
export function addressWord(address: string): number {
  return new Uint32Array(Uint8Array.from(parseAddress(address)).buffer)[0]!;
}

/** Opens a socket in the namespace of this name, where it stays, and comes back; what fails ends the program. */
function openIn(name: string, open: () => DatagramSocket | undefined): DatagramSocket | undefined {
  const home = openSync('/proc/thread-self/ns/net', 'r');
  const there = openSync(`/run/netns/${name}`, 'r');
  if (setns(there, CLONE_NEWNET) < 0) throw new SystemError(`go into namespace ${name}`);
  const socket = open();
  if (setns(home, CLONE_NEWNET) < 0) throw new SystemError('go back into the own namespace');
  closeSync(home);
  closeSync(there);
  return socket;
}

export class TrafficSockets {
  readonly arena = new Arena(
    RECEIVED * JOINED_SLOT_BYTES +
      MAX_FRAMES * FRAME_BYTES +
      2 * datagramSocketArena_bytes(RECEIVED, BATCH) +
      SENDERS * DatagramSender.arena_bytes(BATCH) +
      SPARE_BYTES,
  );
  readonly caller: DatagramSocket;
  readonly office: DatagramSocket;
  /** Where frames are made: MAX_FRAMES of FRAME_BYTES. */
  readonly frames: number;
  /** Of the run that its mark names: packets that arrived, and what each took. */
  run = 0;
  arrived = 0;
  readonly latencies = new Latencies();
  readonly #received: PacketBatch;
  readonly #senders: Record<'up' | 'down', Record<'joined' | 'singly', DatagramSender>>;
  readonly #others: (packet: Uint8Array, server: number) => void;

  /** `others` gets what comes to the caller and is not of the run: L2TP packets, from the address with this word. */
  constructor(officeNamespace: string, others: (packet: Uint8Array, server: number) => void) {
    const { arena } = this;
    const slots = new PacketSlots(arena.bytes, arena.take(RECEIVED * JOINED_SLOT_BYTES), RECEIVED, JOINED_SLOT_BYTES);
    this.frames = arena.take(MAX_FRAMES * FRAME_BYTES);
    this.#received = new PacketBatch(arena.bytes, RECEIVED);
    this.#others = others;
    const open = (port: number) => DatagramSocket.open(arena, KIND, port, slots, BATCH);
    const [caller, office] = [open(CALLER_PORT), openIn(officeNamespace, () => open(OFFICE_PORT))];
    if (caller === undefined || office === undefined) throw new Error('no UDP over IPv4 here');
    this.caller = caller;
    this.office = office;
    const senders = ({ fd, sender }: DatagramSocket) => ({
      joined: sender,
      singly: new DatagramSender(fd, arena, FAMILY.ipv4, false, BATCH),
    });
    this.#senders = { up: senders(caller), down: senders(office) };
  }

  sender(direction: 'up' | 'down', isJoined: boolean): DatagramSender {
    return this.#senders[direction][isJoined ? 'joined' : 'singly'];
  }

  /** A batch of datagrams to IPv4 addresses, whose last word is still to be written, and the port. */
  batch(): PacketBatch {
    const batch = new PacketBatch(this.arena.bytes, BATCH);
    for (let index = 0; index < BATCH; index++) batch.peerAddress[index * 4 + 2] = IPV4_MAPPED_WORD;
    return batch;
  }

  /** Takes what has come to this end, one system call's worth. */
  receive(end: 'caller' | 'office'): void {
    const batch = this.#received;
    // An error that ICMP told of, as of an LNS that has gone, is no concern of a run's.
    if (!this[end].receive(batch)) return;
    const stamp = stampNow();
    for (let index = 0; index < batch.count; index++) {
      const each_bytes = batch.segment_bytes[index]! || batch.length_bytes[index]!;
      const last = batch.offset[index]! + batch.length_bytes[index]!;
      for (let at = batch.offset[index]!; at < last; at += each_bytes) {
        this.#take(at, Math.min(at + each_bytes, last), batch.peerAddress[index * 4 + 3]!, end, stamp);
      }
    }
  }

  #take(at: number, end: number, peer: number, socket: 'caller' | 'office', stamp: number): void {
    const { bytes } = this.arena;
    const sent = readMark(bytes, end, this.run);
    if (sent >= 0) {
      this.arrived++;
      this.latencies.add(((stamp - sent) >>> 0) / STAMPS_A_US);
    } else if (socket === 'caller' && (bytes[at + 1]! & 0x0f) === 2) this.#others(bytes.slice(at, end), peer);
  }
}
