/**
 * The box as one machine without I/O: the L2TP endpoint and the roles on it, driven by inputs and read through one
 * ordered queue of outputs. control/ drives it with sockets and clocks, the simulator with a virtual network.
 * Must not decide anything for a role.
 */

import { DeadlineQueue } from '../protocol/deadline-queue.js';
import {
  type DisconnectResult,
  L2tpEndpoint,
  type L2tpEndpointConfig,
  type L2tpEvent,
  type TransportPath,
  type TunnelStatus,
} from '../protocol/l2tp/endpoint.js';
import type { RandomBytes } from '../wire/bytes.js';
import type { Call } from './call.js';
import { describeMessage, messageStep } from './describe-message.js';
import { Lac, type LacConfig, type LacStatus } from './lac.js';
import { LacClient, type LacClientConfig, type ProfileStatus } from './lac-client.js';
import { Lns, type LnsConfig } from './lns.js';
import { PeerTunnels } from './peer-tunnels.js';
import { type PseudowireConfig, type PseudowireStatus, Pseudowires } from './pseudowires.js';
import type {
  Answer,
  AuthorizationChange,
  CallInfo,
  Output,
  RoleContext,
  RoleName,
  StepNumber,
  TerminateCause,
  TraceRecord,
} from './role.js';

/** How often tunnels without calls are looked at. */
const SWEEP_INTERVAL_MS = 1_000;
const LAST_CALL_ID = 0xffff_ffff;

export interface ApplianceConfig {
  endpoint: L2tpEndpointConfig;
  /** undefined: the box is no LNS. */
  lns: LnsConfig | undefined;
  /** undefined: the box is no LAC. */
  lac: LacConfig | undefined;
  lacClients: readonly LacClientConfig[];
  pseudowires: readonly PseudowireConfig[];
  /** In front of a call's number in its Acct-Session-Id: another after each start. */
  accountingPrefix: string;
}

export class Appliance {
  readonly endpoint: L2tpEndpoint;
  readonly #peerTunnels: PeerTunnels;
  readonly #lns: Lns;
  readonly #lac: Lac;
  readonly #lacClient: LacClient;
  readonly #pseudowires: Pseudowires;
  /** In the order in which they are asked whether an event is theirs. */
  readonly #takers: readonly { handleEvent(event: L2tpEvent, now_ms: number): boolean }[];
  readonly #deadlines = new DeadlineQueue();
  readonly #questions = new Map<number, (answer: Answer, now_ms: number) => void>();
  /** Open tunnels; those that only linger are not in it. */
  readonly #tunnelsSince = new Map<number, number>();
  #outputs: Output[] = [];
  #taken = 0;
  #nextQuestionId = 1;
  #nextCallId = 1;
  #nextSweep_ms = 0;

  constructor(config: ApplianceConfig, random: RandomBytes, now_ms: number) {
    this.endpoint = new L2tpEndpoint(config.endpoint, random);
    const context: RoleContext = {
      endpoint: this.endpoint,
      random,
      accountingPrefix: config.accountingPrefix,
      emit: (output) => this.#outputs.push(output),
      ask: (question, handle) => {
        const questionId = this.#nextQuestionId++;
        this.#questions.set(questionId, handle);
        this.#outputs.push({ type: 'question', question: { ...question, questionId } });
      },
      nextCallId: () => this.#takeCallId(),
      setDeadline: (sessionId, deadline_ms) => this.#deadlines.set(sessionId, deadline_ms),
    };
    this.#peerTunnels = new PeerTunnels(context);
    this.#lns = new Lns(context, this.#peerTunnels);
    this.#lac = new Lac(context);
    this.#lacClient = new LacClient(context);
    this.#pseudowires = new Pseudowires(context, this.#peerTunnels);
    this.#takers = [this.#peerTunnels, this.#pseudowires, this.#lns, this.#lac, this.#lacClient];
    this.configure(config, now_ms);
  }

  /** Takes a new configuration into force; what stands and is not touched by it goes on. */
  configure(config: ApplianceConfig, now_ms: number): void {
    this.endpoint.configure(config.endpoint);
    this.#clearReservedIds(config.endpoint.reservedSessionIds, now_ms);
    this.#pseudowires.configure(config.pseudowires, now_ms);
    this.#peerTunnels.configure(config.lns !== undefined || this.#pseudowires.listens, now_ms);
    this.#lns.configure(config.lns, now_ms);
    this.#lac.configure(config.lac, now_ms);
    this.#lacClient.configure(config.lacClients, now_ms);
  }

  /** A session whose ID a static pseudowire wants from now on is gone from the packet path before that begins. */
  #clearReservedIds(sessionIds: readonly number[], now_ms: number): void {
    const result = { resultCode: 3, errorMessage: 'the session ID is wanted for a static pseudowire' };
    for (const sessionId of sessionIds) this.endpoint.closeCall(sessionId, result, now_ms);
    this.#dispatchEvents(now_ms);
  }

  // Inputs. After one or several of them comes one `turn`.

  /** A whole L2TP control packet. What it means to the roles is done at once: a fault in that is this packet's. */
  handlePacket(packet: Uint8Array, path: TransportPath, now_ms: number): void {
    this.endpoint.handlePacket(packet, path, now_ms);
    this.#dispatchEvents(now_ms);
  }

  /** A PPP frame that the packet path did not forward; `information` must be the machine's own to keep. */
  handlePppFrame(
    sessionId: number,
    generation: number,
    protocol: number,
    information: Uint8Array,
    now_ms: number,
  ): void {
    // What the session's messages have done so far must be done first, or the frame would meet yesterday's call.
    this.#dispatchEvents(now_ms);
    const call = this.#call(sessionId);
    if (call === undefined || call.info.generation !== generation) return;
    if (call.info.role !== 'lac') this.endpoint.noteTraffic(call.info.tunnelId, now_ms);
    call.handleFrame(protocol, information, now_ms);
  }

  /** A frame of PPPoE discovery, with its Ethernet header. */
  handleDiscovery(interfaceIndex: number, frame: Uint8Array, now_ms: number): void {
    this.#lac.handleDiscovery(interfaceIndex, frame, now_ms);
  }

  /** The packet path holds the frames of a row from here on. */
  handleHeld(sessionId: number, generation: number, now_ms: number): void {
    this.#dispatchEvents(now_ms);
    this.#lac.handleHeld(sessionId, generation, now_ms);
  }

  handleAnswer(answer: Answer, now_ms: number): void {
    const handle = this.#questions.get(answer.questionId);
    this.#questions.delete(answer.questionId);
    handle?.(answer, now_ms);
  }

  handleTimeout(now_ms: number): void {
    this.endpoint.handleTimeout(now_ms);
    this.#dispatchEvents(now_ms);
    for (let id = this.#deadlines.takeDue(now_ms); id !== undefined; id = this.#deadlines.takeDue(now_ms)) {
      this.#call(id)?.handleTimeout(now_ms);
    }
    this.#lac.handleTimeout(now_ms);
    this.#lacClient.handleTimeout(now_ms);
    this.#pseudowires.handleTimeout(now_ms);
    if (now_ms >= this.#nextSweep_ms) {
      this.#nextSweep_ms = now_ms + SWEEP_INTERVAL_MS;
      this.#peerTunnels.sweep(now_ms);
    }
  }

  /** The device of a pseudowire has come or gone. */
  deviceChanged(tun: number, isThere: boolean, now_ms: number): void {
    this.#pseudowires.deviceChanged(tun, isThere, now_ms);
  }

  /** Data passed on this session since last told: tunnel and link live. */
  noteTraffic(sessionId: number, now_ms: number): void {
    const call = this.#call(sessionId);
    if (call === undefined) {
      this.endpoint.noteTraffic(this.#pseudowires.tunnelOf(sessionId), now_ms);
      return;
    }
    // What a PC sends is no sign of the LNS's life.
    if (call.info.role !== 'lac') this.endpoint.noteTraffic(call.info.tunnelId, now_ms);
    call.noteTraffic(now_ms);
  }

  /** Puts what only the outside sees (traffic, step 14) into a call's trace. */
  note(sessionId: number, step: StepNumber, label: string, detail: Record<string, unknown>, now_ms: number): void {
    this.#call(sessionId)?.note(step, 'note', label, detail, now_ms);
  }

  disconnect(sessionId: number, reason: string, terminateCause: TerminateCause, now_ms: number): void {
    this.#lns.disconnect(sessionId, reason, terminateCause, now_ms);
    this.#lac.disconnect(sessionId, reason, terminateCause, now_ms);
    this.#lacClient.disconnect(sessionId, reason, now_ms);
  }

  /** Ends a user's call at once, so that what it has is free when this returns. */
  clear(sessionId: number, reason: string, terminateCause: TerminateCause, now_ms: number): void {
    this.#lns.clear(sessionId, reason, terminateCause, now_ms);
    this.#lac.clear(sessionId, reason, terminateCause, now_ms);
    this.#dispatchEvents(now_ms);
  }

  /** Ends a tunnel, and the calls that stand in it, for a reason that is not L2TP's. */
  closeTunnel(tunnelId: number, result: DisconnectResult, terminateCause: TerminateCause, now_ms: number): void {
    for (const call of this.#allCalls()) {
      const { info } = call;
      const isInIt = info.tunnelId === tunnelId && (info.role !== 'lac' || info.isTunnelled);
      if (isInIt) call.end(terminateCause, result.errorMessage ?? '');
    }
    this.endpoint.closeTunnel(tunnelId, result, now_ms);
  }

  /** Changes what the user of a call gets; false where there is no such call. */
  changeAuthorization(sessionId: number, change: AuthorizationChange): boolean {
    return this.#lns.changeAuthorization(sessionId, change) || this.#lac.changeAuthorization(sessionId, change);
  }

  /** Ends every tunnel with StopCCN result 6, requester is being shut down; new ones are refused from now on. */
  shutDown(now_ms: number): void {
    for (const call of [...this.#lns.calls(), ...this.#lac.calls()])
      call.end('admin-reboot', 'the box is shutting down');
    this.#lacClient.configure([], now_ms);
    this.#lac.configure(undefined, now_ms);
    this.#pseudowires.configure([], now_ms);
    for (const { tunnelId } of [...this.endpoint.tunnels()]) {
      this.endpoint.closeTunnel(tunnelId, { resultCode: 6 }, now_ms);
    }
    this.#peerTunnels.configure(false, now_ms);
    this.#lns.configure(undefined, now_ms);
  }

  /** Works off what the inputs have caused. */
  turn(now_ms: number): void {
    do this.#dispatchEvents(now_ms);
    while (this.#transmit());
  }

  // Outputs.

  pollOutput(): Output | undefined {
    if (this.#taken < this.#outputs.length) return this.#outputs[this.#taken++];
    if (this.#taken > 0) {
      this.#outputs = [];
      this.#taken = 0;
    }
    return undefined;
  }

  /** When handleTimeout must be called next, in ms. */
  pollTimeout(): number {
    return Math.min(
      this.endpoint.pollTimeout() ?? Number.POSITIVE_INFINITY,
      this.#deadlines.next_ms() ?? Number.POSITIVE_INFINITY,
      this.#lac.nextDeadline_ms() ?? Number.POSITIVE_INFINITY,
      this.#lacClient.nextDeadline_ms() ?? Number.POSITIVE_INFINITY,
      this.#pseudowires.nextDeadline_ms() ?? Number.POSITIVE_INFINITY,
      this.#nextSweep_ms,
    );
  }

  // What stands.

  *calls(): Iterable<CallInfo> {
    for (const { info } of this.#allCalls()) yield info;
  }

  get callCount(): number {
    return this.#lns.callCount + this.#lac.callCount + this.#lacClient.callCount;
  }

  get callCounts(): { lns: number; lac: number; lacClient: number } {
    return { lns: this.#lns.callCount, lac: this.#lac.callCount, lacClient: this.#lacClient.callCount };
  }

  callInfo(sessionId: number): CallInfo | undefined {
    return this.#call(sessionId)?.info;
  }

  /** Tunnels that are not closed, with the name of the peer's entry or of the profile that dialled. */
  *tunnels(): Iterable<{ status: TunnelStatus; name: string; since_ms: number }> {
    for (const status of this.endpoint.tunnels()) {
      const since_ms = this.#tunnelsSince.get(status.tunnelId);
      if (since_ms === undefined) continue;
      const { tunnelId } = status;
      const name = status.originator
        ? this.#lac.tunnelName(tunnelId) ||
          this.#lacClient.tunnelName(tunnelId) ||
          this.#pseudowires.tunnelName(tunnelId)
        : (this.#peerTunnels.policy(tunnelId)?.peerName ?? '');
      yield { status, name, since_ms };
    }
  }

  /** undefined: the box is no LAC. */
  lac(now_ms: number): LacStatus | undefined {
    return this.#lac.status(now_ms);
  }

  profiles(): ProfileStatus[] {
    return this.#lacClient.profiles();
  }

  pseudowires(): Iterable<PseudowireStatus> {
    return this.#pseudowires.statuses();
  }

  /** A Call Serial Number and a row's generation have 32 bits; no call lives until the numbers come round. */
  #takeCallId(): number {
    const callId = this.#nextCallId;
    this.#nextCallId = callId === LAST_CALL_ID ? 1 : callId + 1;
    return callId;
  }

  *#allCalls(): Iterable<Call> {
    yield* this.#lns.calls();
    yield* this.#lac.calls();
    yield* this.#lacClient.calls();
  }

  #call(sessionId: number): Call | undefined {
    return this.#lns.call(sessionId) ?? this.#lac.call(sessionId) ?? this.#lacClient.call(sessionId);
  }

  /** Hands on what the endpoint has to send; false when it had nothing. */
  #transmit(): boolean {
    let transmit = this.endpoint.pollTransmit();
    if (transmit === undefined) return false;
    for (; transmit !== undefined; transmit = this.endpoint.pollTransmit()) {
      this.#outputs.push({ type: 'send-control', path: transmit.path, packet: transmit.packet });
    }
    return true;
  }

  #dispatchEvents(now_ms: number): void {
    for (let event = this.endpoint.pollEvent(); event !== undefined; event = this.endpoint.pollEvent()) {
      // PPP begins with this event: our ICCN goes out first, for an LNS may drop PPP of a session that does not stand.
      if (event.type === 'call-connected') this.#transmit();
      this.#dispatch(event, now_ms);
    }
  }

  #dispatch(event: L2tpEvent, now_ms: number): void {
    switch (event.type) {
      case 'message':
        this.#trace(event, now_ms);
        return;
      case 'tunnel-allocated':
        this.#tunnelsSince.set(event.tunnelId, now_ms);
        this.#outputs.push({ type: 'tunnel-add', tunnelId: event.tunnelId, path: event.path });
        return;
      case 'tunnel-path-changed':
        this.#pathChanged(event.tunnelId, event.path);
        return;
      case 'tunnel-forgotten':
        this.#outputs.push({ type: 'tunnel-remove', tunnelId: event.tunnelId });
        return;
      case 'tunnel-closed':
        this.#tunnelsSince.delete(event.tunnelId);
        this.#offer(event, now_ms);
        return;
      default:
        this.#offer(event, now_ms);
    }
  }

  /** Whoever the event is for takes it. */
  #offer(event: L2tpEvent, now_ms: number): void {
    for (const role of this.#takers) if (role.handleEvent(event, now_ms)) return;
  }

  #pathChanged(tunnelId: number, path: TransportPath): void {
    this.#outputs.push({ type: 'tunnel-path', tunnelId, path });
    for (const sessionId of this.endpoint.sessionsOf(tunnelId)) {
      const call = this.#call(sessionId);
      if (call !== undefined) {
        call.info.path = path;
        call.updateRow({ path });
      } else if (!this.#lac.pathChanged(sessionId, path)) this.#pseudowires.pathChanged(sessionId, path);
    }
  }

  #trace(event: Extract<L2tpEvent, { type: 'message' }>, now_ms: number): void {
    const { direction, message, tunnelId, sessionId, path } = event;
    const info = sessionId === 0 ? undefined : (this.#lac.callOfSession(sessionId)?.info ?? this.callInfo(sessionId));
    const record: TraceRecord = {
      at_ms: now_ms,
      role: info?.role ?? this.#roleOf(tunnelId, sessionId),
      step: messageStep(message.messageType),
      kind: direction,
      label: message.messageType,
      detail: describeMessage(message, event.retransmission),
      packet: undefined,
      tunnelId,
      sessionId,
      callId: info?.callId ?? 0,
      user: info?.userName ?? '',
      peerAddress: path.peerAddress,
    };
    this.#outputs.push({ type: 'trace', record });
  }

  #roleOf(tunnelId: number, sessionId: number): RoleName | undefined {
    if (this.#pseudowires.owns(tunnelId, sessionId)) return 'pseudowire';
    const tunnel = this.endpoint.tunnel(tunnelId);
    if (tunnel === undefined) return undefined;
    if (!tunnel.originator) return 'lns';
    return this.#lac.tunnelName(tunnelId) === undefined ? 'lac-client' : 'lac';
  }
}
