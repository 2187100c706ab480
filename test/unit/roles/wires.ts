/**
 * What the tests of pseudowires share: two boxes without I/O on virtual time, on a line without faults, and the rows
 * that each has asked its packet path for.
 */
import assert from 'node:assert/strict';
import { Appliance, type ApplianceConfig } from '../../../firmware/roles/appliance.js';
import type { PseudowireConfig, PseudowireEnds, PseudowireStatus } from '../../../firmware/roles/pseudowires.js';
import type { ForwardingRow, Output } from '../../../firmware/roles/role.js';
import { type ControlMessage, parseControlMessage } from '../../../firmware/wire/avp.js';
import { parseControlHeader } from '../../../firmware/wire/control-header.js';
import { SeededRandom } from '../../simulation/seeded-random.js';
import { ENDPOINT } from './pair.js';

export const TAP = 1;
export const ADDRESS = { west: '192.0.2.1', east: '192.0.2.2' } as const;
type Side = keyof typeof ADDRESS;
const OTHER = { west: 'east', east: 'west' } as const;

export const DIAL: PseudowireEnds = {
  mode: 'dial',
  ...{ name: 'branch', server: 'east.example', port: 1701, localPort: 1701, encapsulation: 'ip', digest: 'sha1' },
  ...{ tunnelSecret: '', redialInitial_ms: 2000, redialCap_ms: 30_000 },
  ...{ remoteEndId: 'lan', cookie_bytes: 8, sequencing: false },
};
export const LISTEN: PseudowireEnds = {
  mode: 'listen',
  ...{ peerAddress: '', remoteEndId: 'lan', cookie_bytes: 8, sequencing: false },
};

export function wire(ends: PseudowireEnds, changes: Partial<PseudowireConfig> = {}): PseudowireConfig {
  return { name: 'branch', pseudowireType: 5, vlanId: 0, tun: TAP, mtu_bytes: 1500, ends, ...changes };
}

export interface Sent {
  from: Side;
  message: ControlMessage;
}

export class Wires {
  readonly boxes: Record<Side, Appliance>;
  readonly rows: Record<Side, Map<number, ForwardingRow>> = { west: new Map(), east: new Map() };
  readonly outputs: Record<Side, Output[]> = { west: [], east: [] };
  /** Every control message on the line, acknowledgements left out. */
  readonly sent: Sent[] = [];
  /** What tunnels a box's outside refuses. */
  secret: string | undefined;
  now_ms = 0;

  /** The devices of both boxes are there, unless told otherwise. */
  constructor(configs: Record<Side, readonly PseudowireConfig[]>, { devices = true } = {}) {
    const random = new SeededRandom(3);
    const box = (side: Side) =>
      new Appliance(configOf(configs[side]), (length_bytes) => random.bytes(length_bytes), this.now_ms);
    this.boxes = { west: box('west'), east: box('east') };
    if (devices) for (const side of ['west', 'east'] as const) this.boxes[side].deviceChanged(TAP, true, this.now_ms);
  }

  configure(side: Side, configs: readonly PseudowireConfig[]): void {
    this.boxes[side].configure(configOf(configs), this.now_ms);
    this.settle();
  }

  /** Lets so much time pass, step by step. */
  run(duration_ms: number): void {
    const end_ms = this.now_ms + duration_ms;
    this.settle();
    for (;;) {
      const due_ms = Math.min(this.boxes.west.pollTimeout(), this.boxes.east.pollTimeout());
      if (due_ms > end_ms) break;
      this.now_ms = Math.max(this.now_ms, due_ms);
      for (const box of Object.values(this.boxes)) if (box.pollTimeout() <= this.now_ms) box.handleTimeout(this.now_ms);
      this.settle();
    }
    this.now_ms = end_ms;
  }

  /** Until both are silent. */
  settle(): void {
    for (let quiet = false; !quiet; ) {
      quiet = true;
      for (const side of ['west', 'east'] as const) {
        const box = this.boxes[side];
        box.turn(this.now_ms);
        for (let output = box.pollOutput(); output !== undefined; output = box.pollOutput()) {
          quiet = false;
          this.outputs[side].push(output);
          this.#carryOut(side, output);
        }
      }
    }
  }

  status(side: Side): PseudowireStatus {
    const [status, ...rest] = this.boxes[side].pseudowires();
    assert.ok(status !== undefined && rest.length === 0, 'the box has one pseudowire');
    return status;
  }

  /** The one row of a box. */
  row(side: Side): ForwardingRow {
    const [row, ...rest] = this.rows[side].values();
    assert.ok(row !== undefined && rest.length === 0, `${this.rows[side].size} rows`);
    return row;
  }

  /** The last message of this type that the box has sent. */
  message(from: Side, messageType: string): ControlMessage {
    const found = this.sent.findLast((sent) => sent.from === from && sent.message.messageType === messageType);
    assert.ok(found !== undefined, `${from} has sent no ${messageType}`);
    return found.message;
  }

  #carryOut(side: Side, output: Output): void {
    switch (output.type) {
      case 'send-control': {
        this.#note(side, output.packet);
        const { localPort, peerPort, encapsulation } = output.path;
        const arrival = {
          ...{ encapsulation, localAddress: ADDRESS[OTHER[side]], localPort: peerPort },
          ...{ peerAddress: ADDRESS[side], peerPort: localPort },
        };
        assert.equal(output.path.peerAddress, ADDRESS[OTHER[side]]);
        this.boxes[OTHER[side]].handlePacket(output.packet, arrival, this.now_ms);
        break;
      }
      case 'session-add':
        assert.ok(!this.rows[side].has(output.row.sessionId), 'the session ID is in use in the packet path');
        this.rows[side].set(output.row.sessionId, { ...output.row });
        break;
      case 'session-update':
        Object.assign(this.rows[side].get(output.sessionId) ?? assert.fail('no such row'), output.changes);
        break;
      case 'session-remove':
        assert.ok(this.rows[side].delete(output.sessionId));
        break;
      case 'question':
        this.#answer(side, output.question);
    }
  }

  #answer(side: Side, question: Extract<Output, { type: 'question' }>['question']): void {
    const { questionId } = question;
    const box = this.boxes[side];
    if (question.type === 'resolve') {
      box.handleAnswer({ type: 'resolve', questionId, address: ADDRESS[OTHER[side]], reason: '' }, this.now_ms);
    } else if (question.type === 'authorize-tunnel') {
      const secret = this.secret === undefined ? {} : { secret: Buffer.from(this.secret) };
      const policy = {
        peerName: 'peer',
        allowTunnelIdZero: false,
        addressControl: 'detect' as const,
        proxy: 'trust' as const,
        proxyMismatch: 'renegotiate' as const,
        maxSessions: 0,
        ...secret,
      };
      box.handleAnswer({ type: 'authorize-tunnel', questionId, accepted: true, policy }, this.now_ms);
    } else {
      assert.fail(`a pseudowire asks ${question.type}`);
    }
  }

  #note(from: Side, packet: Uint8Array): void {
    const { payloadOffset, payloadEnd } = parseControlHeader(packet);
    const message = parseControlMessage(packet.slice(payloadOffset, payloadEnd), { version: 3 });
    if (message !== null && message.messageType !== 'ACK') this.sent.push({ from, message });
  }
}

function configOf(pseudowires: readonly PseudowireConfig[]): ApplianceConfig {
  const reservedSessionIds = pseudowires.flatMap(({ ends }) => (ends.mode === 'static' ? [ends.sessionId] : []));
  const types = new Set<number>(pseudowires.map(({ pseudowireType }) => pseudowireType));
  const pseudowireTypes = types.size > 0 ? [...types] : ENDPOINT.pseudowireTypes;
  return {
    endpoint: { ...ENDPOINT, pseudowireTypes, reservedSessionIds },
    lns: undefined,
    lac: undefined,
    lacClients: [],
    pseudowires,
    accountingPrefix: '',
  };
}
