/**
 * Captures: which there are, which sessions each has now, and what is known of them. Tells the packet path what to copy;
 * follows calls as they come, are known by name and go. Must not look into a packet.
 */
import {
  CAPTURES,
  type CaptureRingTotals,
  captureRingTotals,
  createCaptureRing,
  type DataPlaneCommand,
  MIN_RING_BYTES,
} from '../../dataplane/interface.js';
import type { TunnelStatus } from '../../protocol/l2tp/events.js';
import type { PseudowireStatus } from '../../roles/pseudowires.js';
import type { CallInfo, Output } from '../../roles/role.js';
import type { CaptureFilter, CaptureRequest, CapturesView, CaptureView } from '../view.js';
import { type CaptureFileOptions, captureFile, readSignalling } from './capture-file.js';
import { Parties, type TunnelEnds } from './parties.js';

/** For what sets up calls, and for calls of users that are not known yet. */
const SIGNALLING_RING_BYTES = 512 * 1024;

export interface CaptureDependencies {
  /** Does something within a turn of the control plane. */
  turn(act: () => void): void;
  push(command: DataPlaneCommand): void;
  calls(): Iterable<CallInfo>;
  /** By its row, or by its session ID in L2TP. */
  callOf(sessionId: number): CallInfo | undefined;
  pseudowires(): Iterable<PseudowireStatus>;
  tunnel(tunnelId: number): TunnelStatus | undefined;
  /** What a file says of the box. */
  about: Pick<CaptureFileOptions, 'localPort' | 'program' | 'hardware'>;
}

interface Capture extends CaptureRequest {
  id: number;
  /** Its number in the packet path, as long as it runs. */
  number: number;
  startedAt: string;
  signalling: SharedArrayBuffer;
  packets: SharedArrayBuffer;
  parties: Parties;
  /** Rows that are in it now, and those of which that is not known yet. */
  sessions: Set<number>;
  undecided: Set<number>;
}

/** What the packet path has for a row of a session. */
type Mark = Extract<DataPlaneCommand, { type: 'capture-session' }>['mark'];

const STOPPED = -1;

export class Captures implements CapturesView {
  readonly #dependencies: CaptureDependencies;
  readonly #captures = new Map<number, Capture>();
  #nextId = 1;

  constructor(dependencies: CaptureDependencies) {
    this.#dependencies = dependencies;
  }

  list(): Promise<CaptureView[]> {
    return Promise.all([...this.#captures.values()].map(viewOf));
  }

  async get(id: number): Promise<CaptureView | undefined> {
    const capture = this.#captures.get(id);
    return capture && viewOf(capture);
  }

  async start(request: CaptureRequest): Promise<CaptureView | string> {
    if (this.#captures.size >= CAPTURES) return `there are ${CAPTURES} captures; delete one of them first`;
    const used = new Set(Array.from(this.#captures.values(), ({ number }) => number));
    const number = Array.from({ length: CAPTURES }, (_, i) => i).find((i) => !used.has(i)) ?? 0;
    const size_bytes = Math.max(MIN_RING_BYTES, 2 ** Math.ceil(Math.log2(request.size_bytes)));
    const capture: Capture = {
      ...request,
      ...{ id: this.#nextId++, number, size_bytes, startedAt: new Date().toISOString() },
      signalling: createCaptureRing(SIGNALLING_RING_BYTES),
      packets: createCaptureRing(size_bytes),
      ...{ parties: new Parties(), sessions: new Set(), undecided: new Set() },
    };
    const { signalling, packets, snap_bytes } = capture;
    this.#captures.set(capture.id, capture);
    this.#dependencies.turn(() => {
      this.#dependencies.push({ type: 'capture-open', capture: number, signalling, packets, snap_bytes });
      this.#refresh(capture);
    });
    return viewOf(capture);
  }

  async stop(id: number): Promise<CaptureView | undefined> {
    const capture = this.#captures.get(id);
    if (capture === undefined) return undefined;
    this.#stop(capture);
    return viewOf(capture);
  }

  #stop(capture: Capture): void {
    if (capture.number !== STOPPED) {
      this.#dependencies.turn(() => {
        this.#refresh(capture);
        this.#dependencies.push({ type: 'capture-close', capture: capture.number });
      });
      capture.number = STOPPED;
    }
  }

  /** A file that is being read is still read to its end. */
  remove(id: number): boolean {
    const capture = this.#captures.get(id);
    if (capture !== undefined) this.#stop(capture);
    return this.#captures.delete(id);
  }

  file(id: number): AsyncIterable<Uint8Array> | undefined {
    const capture = this.#captures.get(id);
    if (capture === undefined) return undefined;
    if (capture.number !== STOPPED) this.#dependencies.turn(() => this.#refresh(capture));
    return captureFile({ ...capture, ...this.#dependencies.about, isOurs: (packet) => capture.parties.own(packet) });
  }

  /** What the roles have just done: a session that is new, or of which more is known. */
  follow(output: Output): void {
    switch (output.type) {
      case 'session-add':
        this.#each((capture) => this.#decide(capture, output.row.sessionId, output.row.relayTo?.sessionId));
        break;
      case 'session-update': {
        const relayTo = output.changes.relayTo?.sessionId;
        if (relayTo !== undefined) this.#each((capture) => this.#decide(capture, output.sessionId, relayTo));
        break;
      }
      case 'session-remove':
        this.#each((capture) => {
          capture.sessions.delete(output.sessionId);
          capture.undecided.delete(output.sessionId);
        });
        break;
      case 'call-up':
      case 'call-changed':
      case 'call-ended':
        this.#each((capture) => this.#decideCall(capture, output.call));
        break;
    }
  }

  /** From time to time: of calls that are being set up the name may be known by now. */
  look(): void {
    this.#each((capture) => {
      for (const sessionId of [...capture.undecided]) this.#decide(capture, sessionId);
      if ('tunnelId' in capture.filter) this.#noteTunnel(capture, capture.filter.tunnelId);
    });
  }

  #each(act: (capture: Capture) => void): void {
    for (const capture of this.#captures.values()) if (capture.number !== STOPPED) act(capture);
  }

  /** All that lives is looked at once more. */
  #refresh(capture: Capture): void {
    for (const call of this.#dependencies.calls()) this.#decideCall(capture, call);
    for (const wire of this.#dependencies.pseudowires()) this.#decidePseudowire(capture, wire);
    if ('tunnelId' in capture.filter) this.#noteTunnel(capture, capture.filter.tunnelId);
  }

  /** The row of a session that is new: of a call, by itself or by the one that it is relayed to, or of a pseudowire. */
  #decide(capture: Capture, sessionId: number, relayTo = 0): void {
    const { callOf, pseudowires } = this.#dependencies;
    const call = callOf(sessionId) ?? (relayTo === 0 ? undefined : callOf(relayTo));
    if (call !== undefined) {
      this.#decideCall(capture, call);
      this.#mark(capture, sessionId, markOf(capture.filter, call, sessionId));
      return;
    }
    for (const wire of pseudowires()) if (wire.sessionId === sessionId) this.#decidePseudowire(capture, wire);
  }

  #decideCall(capture: Capture, call: CallInfo): void {
    const { sessionId, generation, l2tpSessionId, peerSessionId, pppoe } = call;
    const marks = [sessionId, l2tpSessionId].map((id) => (id === 0 ? 'none' : markOf(capture.filter, call, id)));
    this.#mark(capture, sessionId, marks[0]);
    if (l2tpSessionId !== 0 && l2tpSessionId !== sessionId) this.#mark(capture, l2tpSessionId, marks[1]);
    if (!marks.includes('packets') || 'tunnelId' in capture.filter) return;
    const tunnel = this.#tunnelEnds(call.tunnelId, call.path.peerAddress);
    capture.parties.note({
      ...{ sessionId, generation, l2tpSessionId, peerSessionId, tunnel },
      pppoe: pppoe && { peerMac: pppoe.peerMac, sessionId: pppoe.sessionId },
    });
  }

  #decidePseudowire(
    capture: Capture,
    { sessionId, generation, tunnelId, peerSessionId, path }: PseudowireStatus,
  ): void {
    const { filter } = capture;
    const isIn =
      ('sessionId' in filter && filter.sessionId === sessionId) ||
      ('tunnelId' in filter && filter.tunnelId === tunnelId);
    if (sessionId === 0 || !isIn) return;
    this.#mark(capture, sessionId, 'packets');
    const tunnel = path && this.#tunnelEnds(tunnelId, path.peerAddress);
    const party = { sessionId, generation, l2tpSessionId: sessionId, peerSessionId, tunnel, pppoe: undefined };
    if ('sessionId' in filter) capture.parties.note(party);
  }

  #mark(capture: Capture, sessionId: number, mark: Mark): void {
    const { sessions, undecided, number } = capture;
    const before: Mark = sessions.has(sessionId) ? 'packets' : undecided.has(sessionId) ? 'signalling' : 'none';
    if (mark === before) return;
    sessions.delete(sessionId);
    undecided.delete(sessionId);
    if (mark === 'packets') sessions.add(sessionId);
    if (mark === 'signalling') undecided.add(sessionId);
    this.#dependencies.push({ type: 'capture-session', capture: number, sessionId, mark });
  }

  #noteTunnel(capture: Capture, tunnelId: number): void {
    const tunnel = this.#dependencies.tunnel(tunnelId);
    if (tunnel === undefined) return;
    const { peerTunnelId, path } = tunnel;
    capture.parties.noteTunnel({ tunnelId, peerTunnelId, peerAddress: path.peerAddress });
  }

  #tunnelEnds(tunnelId: number, peerAddress: string): TunnelEnds | undefined {
    if (tunnelId === 0) return undefined;
    return { tunnelId, peerAddress, peerTunnelId: this.#dependencies.tunnel(tunnelId)?.peerTunnelId ?? 0 };
  }
}

/** What a filter says of one of a call's rows, that of its user's side or that in L2TP. */
function markOf(filter: CaptureFilter, call: CallInfo, sessionId: number): Mark {
  if ('user' in filter) {
    if (call.userName === '') return 'signalling';
    return call.userName === filter.user ? 'packets' : 'none';
  }
  if ('tunnelId' in filter) {
    return call.tunnelId === filter.tunnelId && call.l2tpSessionId === sessionId ? 'packets' : 'none';
  }
  return filter.sessionId === call.sessionId || filter.sessionId === call.l2tpSessionId ? 'packets' : 'none';
}

async function viewOf(capture: Capture): Promise<CaptureView> {
  const { id, filter, number, startedAt, size_bytes, snap_bytes, withoutSecrets, withoutPayload, sessions } = capture;
  return {
    ...{ id, filter, startedAt, size_bytes, snap_bytes, withoutSecrets, withoutPayload },
    state: number === STOPPED ? 'stopped' : 'running',
    sessions: number === STOPPED ? 0 : sessions.size,
    ...(await totalsOf(capture)),
  };
}

/** Of the ring of signalling that counts which is the capture's own. */
async function totalsOf({ packets: ring, signalling, parties }: Capture): Promise<CaptureRingTotals> {
  const totals = captureRingTotals(ring);
  const { own } = await readSignalling({ signalling, isOurs: (packet) => parties.own(packet) });
  for (const { wire_bytes } of own) {
    totals.packets++;
    totals.octets += wire_bytes;
  }
  return totals;
}
