/**
 * The packet path's thread: owns every packet descriptor, runs batches to completion. Each turn it waits, does what the
 * main thread asks, takes up to a batch from each descriptor, forwards it, sends what came of it, and reports. Joins
 * the forwarder with the system calls; decides nothing about packets.
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { Arena } from '../linux/arena.js';
import { DatagramSocket, datagramSocketArena_bytes } from '../linux/datagram-socket.js';
import { PacketSocket, PacketSocketMemory } from '../linux/packet-socket.js';
import { PollSet, WakeUp } from '../linux/poll-set.js';
import type { SocketKind } from '../linux/socket-family.js';
import { SystemError } from '../linux/syscalls.js';
import { TunDevice, TunMemory } from '../linux/tun.js';
import { adviceFor, interfaceAdviceFor } from './advice.js';
import { checksumsOf } from './checksum-simd.js';
import { JOIN } from './coalesce.js';
import { createCounters, viewCounters } from './counters.js';
import { MAX_ETHERNET_MTU_BYTES } from './ethernet.js';
import { Forwarder } from './forwarder.js';
import type { DataPlaneCommand, DataPlaneOptions, DataPlaneReport, SessionRow } from './interface.js';
import { commandReader, ReportWriter } from './messages.js';
import { TRANSPORTS } from './output.js';
import {
  HEADER_SLOT_BYTES,
  JOINED_SLOT_BYTES,
  PacketBatch,
  PacketSlots,
  ROOM_BYTES,
  SLOT_BYTES,
} from './packet-batch.js';
import { PuntQueue } from './punt-queue.js';

/** Slots for what is built here: injected frames, control messages, fragments, ICMP errors, until they are sent. */
const BUILD_SLOTS = 128;
/** Slots for frames of rows that are on hold: some for each of five hundred calls that are set up at once. */
const HELD_SLOTS = 2048;
/** Packets that go out one way before all is sent: a super-packet of the shortest segments that TCP makes are some 1,400. */
const OUTPUT_PACKETS = 2048;
const MAX_DESCRIPTORS = 1024;
/** The longest wait: a process that ends without saying 'stop' waits that long for this thread. */
const MAX_WAIT_MS = 500;
/** How often is looked whether an interface that is down is gone. */
const INTERFACE_CHECK_MS = 100;
/** What fills a slot may have been longer than it. */
const MAX_MTU_BYTES = { tun: ROOM_BYTES - 1, tap: MAX_ETHERNET_MTU_BYTES } as const;

/** A TUN or TAP device that is open. */
interface OpenDevice {
  device: TunDevice;
  kind: 'tun' | 'tap';
}

class PacketPath {
  readonly #port: MessagePort;
  readonly #offload: boolean;
  readonly #arena: Arena;
  readonly #input: PacketBatch;
  readonly #forwarder: Forwarder;
  readonly #punts: PuntQueue;
  readonly #commands = commandReader();
  readonly #wakeUp: WakeUp;
  readonly #pollSet: PollSet;
  /** One for each of TRANSPORTS, undefined where the machine or its rights do not have it. */
  readonly #sockets: readonly (DatagramSocket | undefined)[];
  /** Those that are open in the order in which the poll set has them, and how what comes from each is encapsulated. */
  readonly #socketOrder: readonly (readonly [DatagramSocket, 'udp' | 'ip'])[];
  readonly #tunMemory: TunMemory;
  readonly #devices = new Map<number, OpenDevice>();
  /** The devices in the order in which the poll set has them, and their indexes. */
  #deviceOrder: readonly (readonly [number, OpenDevice])[] = [];
  readonly #packetMemory: PacketSocketMemory;
  /** Those of Ethernet interfaces, by the kernel's index; and in the order in which the poll set has them. */
  readonly #packetSockets = new Map<number, PacketSocket>();
  #packetOrder: readonly PacketSocket[] = [];
  /** What the clock of captures is ahead of performance.now(): set anew with each, for the box's time may be set. */
  #epoch_ms = 0;
  #nextInterfaceCheck_ms = 0;
  #isStopping = false;

  /** Takes the memory, opens the sockets, and says so to the main thread. Throws SystemError. */
  constructor(port: MessagePort, options: DataPlaneOptions) {
    const { listen, maxSessions, batch, offload } = options;
    this.#port = port;
    this.#offload = offload;
    this.#arena = new Arena(arenaSize_bytes(batch));
    const { bytes } = this.#arena;
    const slots = (count: number, slot_bytes: number): PacketSlots =>
      new PacketSlots(bytes, this.#arena.take(count * slot_bytes), count, slot_bytes);
    const inputSlots = slots(batch, JOINED_SLOT_BYTES);
    const packets = slots(BUILD_SLOTS, SLOT_BYTES);
    const headers = slots(OUTPUT_PACKETS, HEADER_SLOT_BYTES);
    const held = slots(HELD_SLOTS, SLOT_BYTES);
    this.#input = new PacketBatch(bytes, batch);
    const counters = createCounters(maxSessions);
    const views = viewCounters(counters);
    this.#forwarder = new Forwarder(views, { packets, headers, held }, checksumsOf(this.#arena.memory));
    this.#punts = new PuntQueue(views, this.#forwarder.sessions, listen.port);
    this.#wakeUp = new WakeUp(this.#arena);
    this.#pollSet = new PollSet(this.#arena, MAX_DESCRIPTORS);
    this.#tunMemory = new TunMemory(this.#arena, inputSlots);
    this.#packetMemory = new PacketSocketMemory(this.#arena, inputSlots, OUTPUT_PACKETS);
    const refused: DataPlaneReport[] = [];
    this.#sockets = TRANSPORTS.map((kind) => this.#openSocket(kind, listen.port, inputSlots, refused));
    this.#socketOrder = this.#sockets.flatMap((socket, i) =>
      socket === undefined ? [] : [[socket, TRANSPORTS[i].protocol === 'udp' ? 'udp' : 'ip'] as const],
    );
    this.#watch();
    this.#punts.push({ type: 'ready', counters, wakeFd: this.#wakeUp.fd });
    for (const report of refused) this.#punts.push(report);
    this.#report();
  }

  /**
   * Undefined where the kernel does not have the family, and, with a report more in `refused`, where it refuses IP
   * protocol 115: who has no right to raw sockets has L2TP over UDP.
   */
  #openSocket(
    kind: SocketKind,
    port: number,
    slots: PacketSlots,
    refused: DataPlaneReport[],
  ): DatagramSocket | undefined {
    try {
      return DatagramSocket.open(this.#arena, kind, port, slots, OUTPUT_PACKETS, this.#offload);
    } catch (error) {
      if (!(error instanceof SystemError) || kind.protocol === 'udp') throw error;
      refused.push({ ...failure(error), fatal: false });
      return undefined;
    }
  }

  /** Runs until told to stop. */
  run(): void {
    while (!this.#isStopping) this.#turn();
    this.close();
  }

  close(): void {
    for (const [socket] of this.#socketOrder) socket.close();
    for (const { device } of this.#devices.values()) device.close();
    for (const socket of this.#packetSockets.values()) socket.close();
  }

  #turn(): void {
    const ready = this.#pollSet.wait(MAX_WAIT_MS);
    const now_ms = performance.now();
    const { captures } = this.#forwarder;
    if (captures.isOn) captures.setTime(Math.round((this.#epoch_ms + now_ms) * 1000));
    // A wait that ends with nothing to do looks for commands too, should a wake-up have been lost.
    if (ready === 0 || this.#pollSet.isReady(0)) this.#takeCommands();
    if (ready > 0 && !this.#isStopping) {
      this.#serveSockets(now_ms);
      this.#serveDevices(now_ms);
      this.#serveInterfaces(now_ms);
    }
    if (now_ms >= this.#nextInterfaceCheck_ms) this.#checkInterfaces(now_ms);
    this.#report();
  }

  #serveSockets(now_ms: number): void {
    const order = this.#socketOrder;
    for (let i = 0; i < order.length; i++) {
      if (!this.#pollSet.isReady(1 + i)) continue;
      const [socket, encapsulation] = order[i];
      if (!socket.receive(this.#input)) this.#forwarder.count('receive-error');
      for (let from = 0; from < this.#input.count; this.#flush()) {
        from = this.#forwarder.forwardUpstream(this.#input, encapsulation, now_ms, from);
      }
    }
  }

  #serveDevices(now_ms: number): void {
    const first = 1 + this.#socketOrder.length;
    const order = this.#deviceOrder;
    for (let i = 0; i < order.length; i++) {
      if (!this.#pollSet.isReady(first + i)) continue;
      const [tun, { device, kind }] = order[i];
      device.read(this.#input);
      if (kind === 'tap') {
        this.#forwarder.forwardFrames(this.#input, tun);
        this.#flush();
      } else {
        for (let from = 0; from < this.#input.count; this.#flush()) {
          from = this.#forwarder.forwardDownstream(this.#input, tun, now_ms, from);
        }
      }
      if (device.isLost) this.#loseTun(tun, kind, device);
    }
  }

  #serveInterfaces(now_ms: number): void {
    const first = 1 + this.#socketOrder.length + this.#deviceOrder.length;
    const order = this.#packetOrder;
    for (let i = 0; i < order.length; i++) {
      if (!this.#pollSet.isReady(first + i)) continue;
      const socket = order[i];
      if (!socket.receive(this.#input)) this.#forwarder.count('receive-error');
      this.#forwarder.forwardPppoe(this.#input, socket.interfaceIndex, now_ms);
      this.#flush();
    }
  }

  /** Sends and writes all that the forwarder has put out, so that its slots and those of the input are free again. */
  #flush(): void {
    const { output, captures } = this.#forwarder;
    output.finish();
    if (captures.isOn) this.#capture();
    this.#writeDevices(output.toTun);
    for (let i = 0; i < this.#sockets.length; i++) this.#send(this.#sockets[i], output.toPeers[i]);
    this.#sendFrames(output.toInterfaces);
    this.#punts.take(output);
    output.clear();
  }

  #openCapture(command: Extract<DataPlaneCommand, { type: 'capture-open' }>): void {
    const { captures } = this.#forwarder;
    this.#epoch_ms = Date.now() - performance.now();
    captures.setTime(Date.now() * 1000);
    captures.open(command);
  }

  /** What goes out does so later than what it came of was received. */
  #capture(): void {
    const { captures } = this.#forwarder;
    captures.setTime(Math.round((this.#epoch_ms + performance.now()) * 1000));
    captures.sent();
  }

  #writeDevices(batch: PacketBatch): void {
    const { pieces } = this.#forwarder.output;
    for (let i = 0; i < batch.count; i++) {
      const device = this.#devices.get(batch.tun[i])?.device;
      const packets = 1 + batch.pieceCount[i];
      if (device === undefined) this.#forwarder.count('tun-not-open', packets);
      else if (!device.write(batch, i, pieces)) this.#forwarder.count('tun-write-refused', packets);
    }
  }

  #send(socket: DatagramSocket | undefined, batch: PacketBatch): void {
    if (batch.count === 0) return;
    if (socket === undefined) {
      this.#forwarder.count('no-socket', batch.count);
      return;
    }
    const { sender } = socket;
    sender.send(batch);
    this.#forwarder.count('send-buffer-full', sender.notSentForRoom);
    this.#forwarder.count('send-refused', sender.refused);
  }

  #sendFrames(batch: PacketBatch): void {
    if (batch.count === 0) return;
    const order = this.#packetOrder;
    let sent = 0;
    for (let i = 0; i < order.length; i++) {
      const socket = order[i];
      sent += socket.send(batch);
      this.#forwarder.count('send-buffer-full', socket.notSentForRoom);
      this.#forwarder.count('frame-refused', socket.refused);
    }
    this.#forwarder.count('interface-not-open', batch.count - sent);
  }

  #takeCommands(): void {
    this.#wakeUp.reset();
    for (let message = this.#nextMessage(); message !== undefined; message = this.#nextMessage()) {
      for (const command of message) {
        if (this.#forwarder.output.freeSlots === 0) this.#flush();
        this.#carryOut(command);
        if (this.#isStopping) break;
      }
    }
    this.#flush();
  }

  #nextMessage(): DataPlaneCommand[] | undefined {
    if (this.#isStopping) return undefined;
    const received = receiveMessageOnPort(this.#port);
    return received && this.#commands.parse(received.message);
  }

  #carryOut(command: DataPlaneCommand): void {
    switch (command.type) {
      case 'inject':
        this.#forwarder.inject(command);
        break;
      case 'send-control':
        this.#forwarder.sendControl(command.path, command.packet);
        break;
      case 'send-frame':
        this.#forwarder.sendFrame(command);
        break;
      case 'session-add':
        this.#addSession(command.row);
        break;
      case 'session-update':
        this.#updateSession(command);
        break;
      case 'session-remove':
        // What was injected before is captured while the row is still there.
        if (this.#forwarder.captures.isOn) this.#flush();
        this.#removeSession(command.sessionId, command.generation);
        break;
      case 'tunnel-add':
      case 'tunnel-path':
        this.#forwarder.tunnels.set(command.tunnelId, command.path);
        break;
      case 'tunnel-remove':
        this.#forwarder.tunnels.remove(command.tunnelId);
        break;
      case 'open-tun':
        this.#openTun(command);
        break;
      case 'close-tun':
        this.#closeTun(command.tun);
        break;
      case 'open-packet-socket':
        this.#openPacketSocket(command);
        break;
      case 'close-packet-socket':
        this.#closePacketSocket(command.interfaceIndex);
        break;
      case 'capture-open':
        this.#openCapture(command);
        break;
      case 'capture-close':
        this.#flush();
        this.#forwarder.captures.close(command.capture);
        break;
      case 'capture-session':
        this.#forwarder.sessions.mark(command.sessionId, command.capture, command.mark);
        break;
      case 'stop':
        this.#isStopping = true;
        break;
    }
  }

  #addSession(row: SessionRow): void {
    const { sessionId, generation, hold } = row;
    this.#forwarder.addSession(row);
    if (hold) this.#punts.push({ type: 'held', sessionId, generation });
  }

  /** Frames that were on hold have the output to themselves; what was punted before the hold is reported before it. */
  #updateSession(command: Extract<DataPlaneCommand, { type: 'session-update' }>): void {
    const { sessionId, generation, changes } = command;
    if (changes.hold !== undefined) this.#flush();
    const isThere = this.#forwarder.updateSession(command);
    if (changes.hold === true && isThere) this.#punts.push({ type: 'held', sessionId, generation });
  }

  #removeSession(sessionId: number, generation: number): void {
    const counters = this.#forwarder.removeSession(sessionId, generation);
    if (counters !== undefined) this.#punts.push({ type: 'session-removed', sessionId, generation, counters });
  }

  #openTun({ tun, kind, name, mtu_bytes }: Extract<DataPlaneCommand, { type: 'open-tun' }>): void {
    if (this.#devices.has(tun)) throw new Error(`device ${tun} is open already`);
    const what = `make the ${kind.toUpperCase()} device ${name}`;
    if (mtu_bytes > MAX_MTU_BYTES[kind]) {
      const advice = `choose an MTU of at most ${MAX_MTU_BYTES[kind]} bytes`;
      this.#punts.push({ type: 'failed', what, errno: '', advice, fatal: false, tun });
      return;
    }
    try {
      const device = TunDevice.open(this.#tunMemory, kind, name, this.#offload);
      const { tcp, udp } = device.offload;
      this.#devices.set(tun, { device, kind });
      this.#forwarder.output.setJoins(tun, (tcp ? JOIN.tcpv4 | JOIN.tcpv6 : 0) | (udp ? JOIN.udp : 0));
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      this.#punts.push({ ...failure(error), fatal: false, tun });
      return;
    }
    this.#watch();
    this.#punts.push({ type: 'tun-opened', tun, name });
  }

  #closeTun(tun: number): void {
    this.#devices.get(tun)?.device.close();
    this.#devices.delete(tun);
    this.#watch();
  }

  #loseTun(tun: number, kind: 'tun' | 'tap', { name }: TunDevice): void {
    this.#forwarder.count('tun-read-error');
    this.#closeTun(tun);
    const advice = 'something outside of this program removed it: save the settings again to make it anew';
    this.#punts.push({
      type: 'failed',
      what: `${kind.toUpperCase()} device ${name} is gone`,
      errno: '',
      advice,
      fatal: false,
      tun,
    });
  }

  #openPacketSocket(command: Extract<DataPlaneCommand, { type: 'open-packet-socket' }>): void {
    const { interfaceIndex, vlans } = command;
    if (this.#packetSockets.has(interfaceIndex)) throw new Error(`interface ${interfaceIndex} is open already`);
    try {
      this.#packetSockets.set(interfaceIndex, PacketSocket.open(this.#packetMemory, interfaceIndex, vlans));
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      const advice = interfaceAdviceFor(error.errno);
      this.#punts.push({ ...failure(error), advice, fatal: false, interfaceIndex });
      return;
    }
    this.#watch();
    this.#punts.push({ type: 'packet-socket-opened', interfaceIndex });
  }

  #closePacketSocket(interfaceIndex: number): void {
    this.#packetSockets.get(interfaceIndex)?.close();
    this.#packetSockets.delete(interfaceIndex);
    this.#forwarder.closeInterface(interfaceIndex);
    this.#watch();
  }

  /** An interface that is down may come up again; one that is gone never does. */
  #checkInterfaces(now_ms: number): void {
    this.#nextInterfaceCheck_ms = now_ms + INTERFACE_CHECK_MS;
    for (const socket of this.#packetOrder) {
      if (!socket.isDown || !socket.isGone()) continue;
      const { interfaceIndex } = socket;
      this.#closePacketSocket(interfaceIndex);
      const [what, errno] = [`interface ${interfaceIndex} is gone`, 'ENODEV'];
      const advice = interfaceAdviceFor(errno);
      this.#punts.push({ type: 'failed', what, errno, advice, fatal: false, interfaceIndex });
    }
  }

  #watch(): void {
    this.#deviceOrder = [...this.#devices];
    this.#packetOrder = [...this.#packetSockets.values()];
    const descriptors = [
      ...this.#socketOrder.map(([{ fd }]) => fd),
      ...this.#deviceOrder.map(([, { device }]) => device.fd),
      ...this.#packetOrder.map(({ fd }) => fd),
    ];
    this.#pollSet.watch([this.#wakeUp.fd, ...descriptors]);
  }

  #report(): void {
    const message = this.#punts.drain();
    if (message !== undefined) this.#port.postMessage(message);
  }
}

function arenaSize_bytes(batch: number): number {
  return (
    batch * JOINED_SLOT_BYTES +
    (BUILD_SLOTS + HELD_SLOTS) * SLOT_BYTES +
    OUTPUT_PACKETS * HEADER_SLOT_BYTES +
    TRANSPORTS.length * datagramSocketArena_bytes(batch, OUTPUT_PACKETS) +
    PollSet.arena_bytes(MAX_DESCRIPTORS) +
    WakeUp.arena_bytes() +
    TunMemory.arena_bytes() +
    PacketSocketMemory.arena_bytes(batch, OUTPUT_PACKETS)
  );
}

function failure(error: unknown): Extract<DataPlaneReport, { type: 'failed' }> {
  if (error instanceof SystemError) {
    return { type: 'failed', what: error.message, errno: error.errno, advice: adviceFor(error.errno), fatal: true };
  }
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { type: 'failed', what, errno: '', advice: 'a fault of this program: report it with this text', fatal: true };
}

/** Runs the packet path; what goes wrong in it is told to the main thread before the thread ends. */
function main(port: MessagePort): void {
  let path: PacketPath | undefined;
  try {
    path = new PacketPath(port, workerData as DataPlaneOptions);
    path.run();
  } catch (error) {
    path?.close();
    const reports = new ReportWriter();
    reports.other(failure(error));
    port.postMessage(reports.take());
    process.exitCode = 1;
  }
}

if (parentPort === null) throw new Error('this file is run as a worker thread');
main(parentPort);
