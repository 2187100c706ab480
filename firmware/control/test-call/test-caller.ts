/**
 * One call that the box places itself, to see whether an LNS takes calls: a LAC client of its own on a UDP socket of its
 * own, from the tunnel to an echo through the link, and then it hangs up. It has no packet path: the few packets that there
 * are it handles here. Must not touch the calls of others, nor outlive its time.
 */
import { createSocket, type Socket } from 'node:dgram';
import { Appliance, type ApplianceConfig } from '../../roles/appliance.js';
import type { CallInfo, ForwardingRow, Output } from '../../roles/role.js';
import type { RandomBytes } from '../../wire/bytes.js';
import { emitDataHeader, L2TP_FLAG, parseL2tpHeader } from '../../wire/l2tp.js';
import { emitPppFrame, PPP_PROTOCOL, parsePppFrame } from '../../wire/ppp.js';
import { Trace } from '../trace.js';
import type { CallStepRecord } from '../view.js';
import { emitEchoRequest, isEchoReply } from './echo.js';

export interface TestCallTarget {
  address: string;
  port: number;
}

export interface TestCallResult {
  passed: boolean;
  /** Of the call; '' when it got none. */
  address: string;
  /** Of the echo; null without an answer. */
  roundTrip_ms: number | null;
  /** Why the call ended, as it was told; '' when it passed. */
  reason: string;
}

const TIME_LIMIT_MS = 20_000;
const ECHO_EVERY_MS = 500;
const ECHOES = 6;
/** How long the hang-up may take. */
const HANG_UP_MS = 3_000;
const TRACE_LINES = 500;

export class TestCaller {
  readonly #appliance: Appliance;
  readonly #target: TestCallTarget;
  readonly #now_ms: () => number;
  readonly #socket: Socket;
  readonly #trace = new Trace(TRACE_LINES);
  readonly #rows = new Map<number, ForwardingRow>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #wake: NodeJS.Timeout | undefined;
  #call: CallInfo | undefined;
  #echoSentAt_ms = 0;
  #identifier = 0;
  #reason = '';
  #isOver = false;
  #finish: (result: TestCallResult) => void = () => {};
  readonly result: Promise<TestCallResult>;

  /** `config` has one LAC client, which dials `target` by version 2 over UDP. `now_ms` is monotonic. */
  constructor(config: ApplianceConfig, target: TestCallTarget, random: RandomBytes, now_ms: () => number) {
    this.#target = target;
    this.#now_ms = now_ms;
    this.#socket = createSocket(target.address.includes(':') ? 'udp6' : 'udp4');
    this.result = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#appliance = new Appliance({ ...config, lacClients: [] }, random, now_ms());
    this.#identifier = new DataView(random(2).buffer).getUint16(0);
    this.#socket.on('message', (packet) => this.#received(packet));
    this.#socket.once('error', (error) => this.#end(`no UDP socket: ${error.message}`));
    this.#socket.bind(0, () => {
      if (!this.#isOver) this.#drive(() => this.#appliance.configure(config, now_ms()));
    });
    this.#later(TIME_LIMIT_MS, () =>
      this.#end(this.#reason || `the call did not come up in ${TIME_LIMIT_MS / 1000} s`),
    );
  }

  /** The lines of the call so far. */
  records(): CallStepRecord[] {
    return this.#trace.last(TRACE_LINES);
  }

  /** Ends it before its time. */
  cancel(): void {
    this.#end('the test call was ended');
  }

  #drive(input: () => void): void {
    const now_ms = this.#now_ms();
    input();
    if (now_ms >= this.#appliance.pollTimeout()) this.#appliance.handleTimeout(now_ms);
    this.#appliance.turn(now_ms);
    for (let output = this.#appliance.pollOutput(); output !== undefined; output = this.#appliance.pollOutput()) {
      this.#carryOut(output, now_ms);
      this.#appliance.turn(now_ms);
    }
    clearTimeout(this.#wake);
    const deadline_ms = this.#appliance.pollTimeout();
    if (this.#isOver || !Number.isFinite(deadline_ms)) return;
    this.#wake = setTimeout(() => this.#drive(() => {}), Math.max(1, deadline_ms - this.#now_ms()));
  }

  #carryOut(output: Output, now_ms: number): void {
    switch (output.type) {
      case 'send-control':
        this.#send(output.packet);
        break;
      case 'inject':
        this.#sendPpp(output.sessionId, output.protocol, output.information);
        break;
      case 'session-add':
        this.#rows.set(output.row.sessionId, output.row);
        break;
      case 'session-update': {
        const row = this.#rows.get(output.sessionId);
        if (row !== undefined) this.#rows.set(output.sessionId, { ...row, ...output.changes });
        break;
      }
      case 'session-remove':
        this.#rows.delete(output.sessionId);
        break;
      case 'question': {
        const { questionId, type } = output.question;
        if (type !== 'resolve') break;
        const answer = { type, questionId, address: this.#target.address, reason: '' } as const;
        this.#appliance.handleAnswer(answer, now_ms);
        break;
      }
      case 'trace':
        this.#trace.add(output.record, Date.now());
        break;
      case 'call-up':
        this.#up(output.call);
        break;
      case 'call-ended':
        this.#reason ||= output.end.reason;
        break;
      case 'dial-ended':
        this.#end(output.reason || this.#reason);
        break;
    }
  }

  #received(packet: Buffer): void {
    if (this.#isOver) return;
    const octets = new Uint8Array(packet);
    const isControl = octets.length >= 2 && (((octets[0]! << 8) | octets[1]!) & L2TP_FLAG.type) !== 0;
    const { address: peerAddress, port: peerPort } = this.#target;
    const path = { encapsulation: 'udp', localAddress: '', localPort: 0, peerAddress, peerPort } as const;
    try {
      if (isControl) this.#drive(() => this.#appliance.handlePacket(octets, path, this.#now_ms()));
      else this.#receivedData(octets);
    } catch {
      // What makes no sense is as good as lost; the LNS sends it again, or the time runs out.
    }
  }

  #receivedData(packet: Uint8Array): void {
    const { sessionId, payloadOffset, payloadEnd } = parseL2tpHeader(packet);
    const row = this.#rows.get(sessionId);
    if (row === undefined) return;
    const { protocol, information } = parsePppFrame(packet.subarray(payloadOffset, payloadEnd));
    if (protocol !== PPP_PROTOCOL.ipv4) {
      const { generation } = row;
      const own = information.slice();
      this.#drive(() => this.#appliance.handlePppFrame(sessionId, generation, protocol, own, this.#now_ms()));
    } else if (isEchoReply(information, this.#identifier)) this.#passed(this.#now_ms() - this.#echoSentAt_ms);
  }

  #up(call: CallInfo): void {
    if (this.#call !== undefined) return;
    this.#call = { ...call };
    for (let at = 0; at < ECHOES; at++) this.#later(at * ECHO_EVERY_MS, () => this.#echo());
    this.#later(ECHOES * ECHO_EVERY_MS, () => {
      this.#end(`the call stands, but an echo to ${call.peerAddress} is not answered`);
    });
  }

  #echo(): void {
    if (this.#call === undefined) return;
    const { sessionId, localAddress, peerAddress } = this.#call;
    this.#echoSentAt_ms = this.#now_ms();
    this.#sendPpp(sessionId, PPP_PROTOCOL.ipv4, emitEchoRequest(localAddress, peerAddress, this.#identifier));
  }

  #sendPpp(sessionId: number, protocol: number, information: Uint8Array): void {
    const row = this.#rows.get(sessionId);
    if (row === undefined) return;
    const isLcp = protocol === PPP_PROTOCOL.lcp;
    const frame = emitPppFrame(
      { protocol, information },
      { addressControl: isLcp || !row.transmitAcfc, protocolFieldCompression: !isLcp && row.transmitPfc },
    );
    const header = emitDataHeader({ tunnelId: row.peerTunnelId, sessionId: row.peerSessionId });
    this.#send(Buffer.concat([header, frame]));
  }

  #send(packet: Uint8Array): void {
    if (this.#isOver) return;
    this.#socket.send(packet, this.#target.port, this.#target.address, () => undefined);
  }

  #later(wait_ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#isOver) act();
    }, wait_ms);
    this.#timers.add(timer);
  }

  #passed(roundTrip_ms: number): void {
    this.#conclude({ passed: true, address: this.#call?.localAddress ?? '', roundTrip_ms, reason: '' });
  }

  #end(reason: string): void {
    this.#conclude({ passed: false, address: this.#call?.localAddress ?? '', roundTrip_ms: null, reason });
  }

  /** The LNS hears that the call is over, and then nothing is left of it here. */
  #conclude(result: TestCallResult): void {
    if (this.#isOver) return;
    this.#finish(result);
    this.#finish = () => {};
    for (const timer of this.#timers) clearTimeout(timer);
    const close = () => {
      if (this.#isOver) return;
      this.#isOver = true;
      clearTimeout(this.#wake);
      this.#socket.close();
    };
    setTimeout(close, HANG_UP_MS);
    // Whoever is told of an end within a turn cannot begin another one there.
    setImmediate(() => {
      if (this.#isOver) return;
      try {
        this.#drive(() => this.#appliance.shutDown(this.#now_ms()));
      } catch {
        close();
      }
    });
  }
}
