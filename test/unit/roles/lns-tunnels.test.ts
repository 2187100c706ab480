/** The LNS towards a peer that is an L2TP endpoint and no more: tunnels without calls, and calls that it does not place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { L2tpEndpoint, type L2tpEvent } from '../../../firmware/protocol/l2tp/endpoint.js';
import { Appliance } from '../../../firmware/roles/appliance.js';
import type { Output } from '../../../firmware/roles/role.js';
import { SeededRandom } from '../../simulation/seeded-random.js';
import { ENDPOINT, LNS } from './pair.js';

const PATH = {
  encapsulation: 'udp' as const,
  localAddress: '192.0.2.2',
  localPort: 1701,
  peerAddress: '192.0.2.1',
  peerPort: 1701,
};
const ARRIVAL = {
  encapsulation: 'udp' as const,
  localAddress: '192.0.2.1',
  localPort: 1701,
  peerAddress: '192.0.2.2',
  peerPort: 1701,
};

/** An LNS that accepts every tunnel, and its peer with a tunnel to it. */
class Encounter {
  readonly lns: Appliance;
  readonly peer: L2tpEndpoint;
  readonly tunnelId: number;
  readonly events: L2tpEvent[] = [];
  readonly outputs: Output[] = [];
  now_ms = 0;

  constructor() {
    const random = new SeededRandom(5);
    const bytes = (length_bytes: number) => random.bytes(length_bytes);
    this.lns = new Appliance(
      { endpoint: ENDPOINT, lns: LNS, lacClients: [], pseudowires: [], lac: undefined, accountingPrefix: '' },
      bytes,
      0,
    );
    this.peer = new L2tpEndpoint(ENDPOINT, bytes);
    this.tunnelId = this.peer.openTunnel({ path: PATH, version: 2 }, 0);
    this.exchange();
    assert.equal(this.peer.tunnel(this.tunnelId)?.state, 'established');
  }

  /** Until both are silent. */
  exchange(): void {
    for (let quiet = false; !quiet; ) {
      quiet = true;
      for (let sent = this.peer.pollTransmit(); sent !== undefined; sent = this.peer.pollTransmit()) {
        quiet = false;
        this.lns.handlePacket(sent.packet, ARRIVAL, this.now_ms);
      }
      this.lns.turn(this.now_ms);
      for (let output = this.lns.pollOutput(); output !== undefined; output = this.lns.pollOutput()) {
        quiet = false;
        this.#take(output);
      }
    }
    for (let event = this.peer.pollEvent(); event !== undefined; event = this.peer.pollEvent()) this.events.push(event);
  }

  wait(duration_ms: number): void {
    const end_ms = this.now_ms + duration_ms;
    for (;;) {
      const next_ms = Math.min(this.lns.pollTimeout(), this.peer.pollTimeout() ?? Number.POSITIVE_INFINITY);
      if (next_ms > end_ms) break;
      this.now_ms = Math.max(this.now_ms, next_ms);
      this.lns.handleTimeout(this.now_ms);
      this.peer.handleTimeout(this.now_ms);
      this.exchange();
    }
    this.now_ms = end_ms;
  }

  event<T extends L2tpEvent['type']>(type: T): Extract<L2tpEvent, { type: T }> {
    const events = this.events.filter((event): event is Extract<L2tpEvent, { type: T }> => event.type === type);
    assert.equal(events.length, 1, `${type} came ${events.length} times`);
    return events[0];
  }

  #take(output: Output): void {
    this.outputs.push(output);
    if (output.type === 'send-control') this.peer.handlePacket(output.packet, PATH, this.now_ms);
    if (output.type !== 'question') return;
    const { questionId, type } = output.question;
    assert.equal(type, 'authorize-tunnel');
    const policy = {
      peerName: 'peer',
      allowTunnelIdZero: false,
      addressControl: 'detect',
      proxy: 'trust',
      proxyMismatch: 'renegotiate',
      maxSessions: 0,
    } as const;
    this.lns.handleAnswer({ type: 'authorize-tunnel', questionId, accepted: true, policy }, this.now_ms);
  }
}

test('a tunnel without a call is closed by StopCCN 1 after a quarter of a minute', () => {
  const encounter = new Encounter();
  encounter.wait(14_000);
  assert.equal(encounter.peer.tunnel(encounter.tunnelId)?.state, 'established');
  encounter.wait(3000);
  const { cause } = encounter.event('tunnel-closed');
  assert.deepEqual([cause.by, cause.resultCode], ['peer', 1]);
  assert.deepEqual([...encounter.lns.tunnels()], []);
});

test('a tunnel with a call is not idle, and is again when the call has gone', () => {
  const encounter = new Encounter();
  const sessionId = encounter.peer.placeCall(encounter.tunnelId, { callSerialNumber: 1 }, 0);
  encounter.exchange();
  encounter.wait(30_000);
  encounter.peer.closeCall(sessionId, { resultCode: 1 }, encounter.now_ms);
  encounter.wait(14_000);
  assert.equal(encounter.peer.tunnel(encounter.tunnelId)?.state, 'established');
  encounter.wait(3000);
  assert.equal(encounter.event('tunnel-closed').cause.resultCode, 1);
});

test('when all is over the packet path knows neither tunnel nor session any more', () => {
  const encounter = new Encounter();
  const sessionId = encounter.peer.placeCall(encounter.tunnelId, { callSerialNumber: 1 }, 0);
  encounter.exchange();
  encounter.peer.closeCall(sessionId, { resultCode: 1 }, encounter.now_ms);
  encounter.peer.closeTunnel(encounter.tunnelId, { resultCode: 1 }, encounter.now_ms);
  encounter.exchange();
  encounter.wait(60_000);
  const count = (type: Output['type']) => encounter.outputs.filter((output) => output.type === type).length;
  assert.deepEqual([count('tunnel-add'), count('tunnel-remove')], [1, 1]);
  assert.deepEqual([count('session-add'), count('session-remove')], [1, 1]);
  assert.equal(encounter.lns.endpoint.pollTimeout(), undefined);
});

test('RFC 2661 4.4.2: an OCRQ is answered by CDN 5, there being no facilities for good; the tunnel stays', () => {
  const encounter = new Encounter();
  const sessionId = encounter.peer.placeOutgoingCall(
    encounter.tunnelId,
    { callSerialNumber: 7, minimumBps: 1, maximumBps: 1_000_000, bearerType: 1, framingType: 1, calledNumber: '555' },
    0,
  );
  encounter.exchange();
  const closed = encounter.event('call-closed');
  assert.equal(closed.sessionId, sessionId);
  assert.deepEqual([closed.cause.by, closed.cause.resultCode], ['peer', 5]);
  assert.equal(encounter.peer.tunnel(encounter.tunnelId)?.state, 'established');
  assert.deepEqual(
    encounter.outputs.filter(({ type }) => type === 'session-add'),
    [],
  );
});
