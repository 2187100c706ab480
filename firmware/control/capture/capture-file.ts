/**
 * The file of a capture: what is in its two rings, put into one order, without what is to be left out, as pcapng with raw
 * IP packets for L2TP and Ethernet frames for PPPoE. Knows no call.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type CapturedPacket, CaptureRingReader, captureRingTotals } from '../../dataplane/interface.js';
import { outerHeaders } from './outer-headers.js';
import { lengthWithoutPayload } from './payload.js';
import { enhancedPacket, interfaceDescription, interfaceStatistics, LINK_TYPE, sectionHeader } from './pcapng.js';
import { clearSecrets } from './secrets.js';

export interface CaptureFileOptions {
  signalling: SharedArrayBuffer;
  packets: SharedArrayBuffer;
  snap_bytes: number;
  withoutSecrets: boolean;
  withoutPayload: boolean;
  /** Whose is in the ring of signalling. */
  isOurs(packet: CapturedPacket): boolean;
  /** Our UDP port. */
  localPort: number;
  /** Name and version of the program, and what it runs on. */
  program: string;
  hardware: string;
}

/** What is given at once, at least, before others have their turn. */
const PIECE_BYTES = 65_536;
/** What is looked at before others have their turn. */
const SLICE_PACKETS = 500;
const INTERFACE = { l2tp: 0, pppoe: 1 } as const;

/** The file in pieces. What the packet path overwrites meanwhile is not in it, and the statistics at its end say so. */
export async function* captureFile(options: CaptureFileOptions): AsyncGenerator<Buffer> {
  const { program, hardware } = options;
  // Both end now, whatever comes while they are read.
  const data = ringPackets(options.packets);
  const { own, locals } = await readSignalling(options);
  const ordered = inOrder(own, data);
  let blocks: Buffer[] = [
    sectionHeader(program, hardware),
    interfaceDescription(LINK_TYPE.rawIp, 'l2tp', 'L2TP; the headers of IP and UDP are built anew', 0),
    interfaceDescription(LINK_TYPE.ethernet, 'pppoe', 'PPPoE', 0),
  ];
  let size_bytes = 0;
  let last_us = 0;
  for (const packet of ordered) {
    const written = packetBlock(packet, options, locals);
    blocks.push(written);
    size_bytes += written.length;
    last_us = Math.max(last_us, packet.time_us);
    if (size_bytes < PIECE_BYTES) continue;
    yield Buffer.concat(blocks);
    blocks = [];
    size_bytes = 0;
    await nextTurn();
  }
  const { packets, overwritten } = captureRingTotals(options.packets);
  blocks.push(interfaceStatistics(INTERFACE.l2tp, last_us, packets, overwritten));
  yield Buffer.concat(blocks);
}

/**
 * Those of the ring of signalling that belong to the capture, and, where the kernel chose our address, what each peer has
 * sent to. Read in slices, since most of what is there may be others'.
 */
export async function readSignalling({ signalling, isOurs }: Pick<CaptureFileOptions, 'signalling' | 'isOurs'>) {
  const own: CapturedPacket[] = [];
  const locals = new Map<string, Uint32Array>();
  let read = 0;
  for (const packet of ringPackets(signalling)) {
    const { localAddress, peerAddress, isSent } = packet;
    if (!isSent && isKnown(localAddress)) locals.set(peerAddress.join(), localAddress);
    if (isOurs(packet)) own.push(packet);
    if (++read % SLICE_PACKETS === 0) await nextTurn();
  }
  return { own, locals };
}

/** What the ring has now: the reader is made before the first packet is asked for. */
function ringPackets(memory: SharedArrayBuffer): Iterable<CapturedPacket> {
  const reader = new CaptureRingReader(memory);
  return {
    *[Symbol.iterator]() {
      for (let packet = reader.next(); packet !== undefined; packet = reader.next()) yield packet;
    },
  };
}

/** Two sequences in the order of time each, as one. */
function* inOrder(some: Iterable<CapturedPacket>, others: Iterable<CapturedPacket>): Generator<CapturedPacket> {
  const [one, other] = [some[Symbol.iterator](), others[Symbol.iterator]()];
  let [next, nextOther] = [one.next(), other.next()];
  while (!next.done || !nextOther.done) {
    if (nextOther.done || (!next.done && next.value.time_us <= nextOther.value.time_us)) {
      yield next.value;
      next = one.next();
    } else {
      yield nextOther.value;
      nextOther = other.next();
    }
  }
}

function packetBlock(packet: CapturedPacket, options: CaptureFileOptions, locals: Map<string, Uint32Array>): Buffer {
  const leftOut: string[] = [];
  if (packet.octets.length < packet.wire_bytes) leftOut.push(`cut to ${options.snap_bytes} octets`);
  if (options.withoutSecrets && clearSecrets(packet)) leftOut.push('secrets are zeros');
  // The headers come first: their checksum covers what is cut.
  const outer = packet.kind === 'frame' ? undefined : outerHeaders(withLocalAddress(packet, locals), options.localPort);
  let { octets } = packet;
  const kept_bytes = options.withoutPayload ? lengthWithoutPayload(packet) : octets.length;
  if (kept_bytes < octets.length) {
    octets = octets.subarray(0, kept_bytes);
    leftOut.push('the payload of the user is left out');
  }
  return enhancedPacket({
    interfaceNumber: outer === undefined ? INTERFACE.pppoe : INTERFACE.l2tp,
    time_us: packet.time_us,
    octets: outer === undefined ? octets : Buffer.concat([outer, octets]),
    wire_bytes: (outer?.length ?? 0) + packet.wire_bytes,
    isSent: packet.isSent,
    comment: leftOut.join('; '),
  });
}

function withLocalAddress(packet: CapturedPacket, locals: Map<string, Uint32Array>): CapturedPacket {
  const { localAddress, peerAddress } = packet;
  if (isKnown(localAddress)) return packet;
  return { ...packet, localAddress: locals.get(peerAddress.join()) ?? localAddress };
}

function isKnown(address: Uint32Array): boolean {
  return address[3] !== 0 || address[0] !== 0;
}
