/** Two endpoints on virtual time over a link that loses, repeats and reorders: RFC 2661 section 5.8 under load. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { L2tpEndpointConfig, TransportPath } from '../../../../firmware/protocol/l2tp/endpoint.js';
import { ICCN, Node, SECRET, seededNumbers } from './endpoints.js';

interface Weather {
  /** Probabilities of a packet's loss and repetition. */
  loss: number;
  duplication: number;
  /** Delays are even between the two, so that packets overtake each other. */
  delayMin_ms: number;
  delayMax_ms: number;
}

const STORM: Weather = { loss: 0.2, duplication: 0.1, delayMin_ms: 5, delayMax_ms: 400 };
const CALM: Weather = { loss: 0, duplication: 0, delayMin_ms: 10, delayMax_ms: 10 };

interface Flight {
  at_ms: number;
  to: Node;
  path: TransportPath;
  packet: Uint8Array;
}

/** A LAC that places calls and an LNS that takes them, each driven by its own events, and the link between them. */
class World {
  readonly lac: Node;
  readonly lns: Node;
  weather: Weather = STORM;
  now_ms = 0;
  /** The LNS answers questions after this many ms, as a user database would. */
  answerDelay_ms = 20;
  readonly #random: () => number;
  readonly #flights: Flight[] = [];
  readonly #chores: { at_ms: number; run: () => void }[] = [];
  readonly #done = new Map<Node, number>();

  constructor(seed: number, config: { lac?: Partial<L2tpEndpointConfig>; lns?: Partial<L2tpEndpointConfig> } = {}) {
    this.#random = seededNumbers(seed);
    this.lac = new Node('192.0.2.1', seed * 2 + 1, { hostName: 'lac.example', ...config.lac });
    this.lns = new Node('192.0.2.2', seed * 2 + 2, config.lns);
  }

  later(delay_ms: number, run: () => void): void {
    this.#chores.push({ at_ms: this.now_ms + delay_ms, run });
  }

  /** Goes from one thing that is due to the next until `goal` holds; fails at `limit_ms`. */
  runUntil(what: string, limit_ms: number, goal: () => boolean): void {
    for (this.#settle(); !goal(); this.#settle()) {
      const next_ms = this.#nextDue_ms();
      assert.ok(next_ms <= limit_ms, `${what}: not by ${limit_ms} ms`);
      this.now_ms = Math.max(this.now_ms, next_ms);
      this.#runDue();
    }
  }

  runTo(time_ms: number): void {
    for (this.#settle(); this.#nextDue_ms() <= time_ms; this.#settle()) {
      this.now_ms = Math.max(this.now_ms, this.#nextDue_ms());
      this.#runDue();
    }
    this.now_ms = time_ms;
  }

  #nextDue_ms(): number {
    const times = [...this.#flights, ...this.#chores].map(({ at_ms }) => at_ms);
    for (const { endpoint } of [this.lac, this.lns]) times.push(endpoint.pollTimeout() ?? Number.POSITIVE_INFINITY);
    return Math.min(...times);
  }

  #runDue(): void {
    for (const chore of takeDue(this.#chores, this.now_ms)) chore.run();
    for (const { to, path, packet } of takeDue(this.#flights, this.now_ms)) {
      to.endpoint.handlePacket(packet, path, this.now_ms);
    }
    for (const { endpoint } of [this.lac, this.lns]) endpoint.handleTimeout(this.now_ms);
  }

  /** Has events answered and packets sent until nothing more comes of it. */
  #settle(): void {
    for (const node of [this.lac, this.lns]) {
      this.#answer(node);
      const other = node === this.lac ? this.lns : this.lac;
      for (const { path, packet } of node.transmit()) this.#post(other, other.arrival(path, node.address), packet);
      node.all('message');
    }
  }

  #answer(node: Node): void {
    node.all('message');
    const { endpoint } = node;
    for (const event of node.events.slice(this.#done.get(node) ?? 0)) {
      if (event.type === 'tunnel-requested') {
        const { tunnelId } = event;
        this.later(this.answerDelay_ms, () =>
          endpoint.answerTunnel(tunnelId, { accepted: true, secret: SECRET }, this.now_ms),
        );
      } else if (event.type === 'call-requested') {
        const { sessionId } = event;
        this.later(this.answerDelay_ms, () => endpoint.answerCall(sessionId, { accepted: true }, this.now_ms));
      } else if (event.type === 'call-replied') {
        endpoint.connectCall(event.sessionId, ICCN, this.now_ms);
      }
    }
    this.#done.set(node, node.events.length);
  }

  #post(to: Node, path: TransportPath, packet: Uint8Array): void {
    const { loss, duplication, delayMin_ms, delayMax_ms } = this.weather;
    const copies = this.#random() < duplication ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#random() < loss) continue;
      const delay_ms = Math.round(delayMin_ms + this.#random() * (delayMax_ms - delayMin_ms));
      this.#flights.push({ at_ms: this.now_ms + delay_ms, to, path, packet });
    }
  }
}

/** Takes out of `list` what is due by now, the earliest first. */
function takeDue<T extends { at_ms: number }>(list: T[], now_ms: number): T[] {
  const due = list.filter(({ at_ms }) => at_ms <= now_ms).sort((a, b) => a.at_ms - b.at_ms);
  list.splice(0, list.length, ...list.filter(({ at_ms }) => at_ms > now_ms));
  return due;
}

/** What must hold at any end: each call begun once and ended once at most, each tunnel closed once at most. */
function checkHistory(node: Node): void {
  const count = (
    type: 'call-closed' | 'call-requested' | 'call-connected' | 'tunnel-closed' | 'tunnel-established',
  ) => {
    const ids = node.all(type).map((event) => ('sessionId' in event ? event.sessionId : event.tunnelId));
    assert.equal(new Set(ids).size, ids.length, `${type} twice for one ID`);
    return ids.length;
  };
  count('call-requested');
  count('call-connected');
  count('call-closed');
  assert.ok(count('tunnel-established') >= 1);
  count('tunnel-closed');
}

interface Carrier {
  version: 2 | 3 | 'auto';
  encapsulation: TransportPath['encapsulation'];
  seeds: number;
}

const CARRIERS: readonly Carrier[] = [
  { version: 2, encapsulation: 'udp', seeds: 500 },
  { version: 3, encapsulation: 'udp', seeds: 200 },
  { version: 3, encapsulation: 'ip', seeds: 200 },
  { version: 'auto', encapsulation: 'udp', seeds: 200 },
];

describe('20 % loss, 10 % duplication, reordering', () => {
  const CALLS = 8;

  /** A tunnel, calls over it, some closed by either end, then the tunnel: what both ends say must agree. */
  function life(seed: number, { version, encapsulation }: Carrier): void {
    const world = new World(seed, { lac: { maxRetransmits: 10 }, lns: { maxRetransmits: 10 } });
    const { lac, lns } = world;
    lac.encapsulation = encapsulation;
    const path = lac.pathTo(lns.address);
    const tunnelId = lac.endpoint.openTunnel({ version, path, secret: SECRET }, 0);
    const sessionIds = [...Array(CALLS).keys()].map((call) =>
      lac.endpoint.placeCall(tunnelId, { callSerialNumber: call }, 0),
    );
    world.runUntil('all calls connected', 60_000, () =>
      [lac, lns].every((node) => node.all('call-connected').length === CALLS),
    );
    // Serial numbers arrive in the order in which the calls were placed.
    assert.deepEqual(
      lns.all('call-requested').map(({ icrq }) => icrq.avps.callSerialNumber),
      [...Array(CALLS).keys()],
    );
    const peerOf = new Map(lns.all('call-connected').map(({ sessionId, peerSessionId }) => [peerSessionId, sessionId]));
    for (const { sessionId, peerSessionId } of lac.all('call-connected')) {
      assert.equal(peerOf.get(sessionId), peerSessionId);
    }
    lac.endpoint.closeCall(sessionIds[0], { resultCode: 1 }, world.now_ms);
    const closedByLns = peerOf.get(sessionIds[1]) ?? 0;
    lns.endpoint.closeCall(closedByLns, { resultCode: 3 }, world.now_ms);
    // The same call closed by both ends at once.
    lac.endpoint.closeCall(sessionIds[2], { resultCode: 1 }, world.now_ms);
    lns.endpoint.closeCall(peerOf.get(sessionIds[2]) ?? 0, { resultCode: 3 }, world.now_ms);
    world.runUntil('three calls closed', world.now_ms + 60_000, () =>
      [lac, lns].every((node) => node.all('call-closed').length === 3),
    );
    const causeAt = (node: Node, sessionId: number) =>
      node.all('call-closed').find((closed) => closed.sessionId === sessionId)?.cause;
    assert.deepEqual([causeAt(lac, sessionIds[0])?.by, causeAt(lac, sessionIds[0])?.resultCode], ['local', 1]);
    assert.deepEqual(
      [causeAt(lns, peerOf.get(sessionIds[0]) ?? 0)?.by, causeAt(lns, peerOf.get(sessionIds[0]) ?? 0)?.resultCode],
      ['peer', 1],
    );
    assert.deepEqual([causeAt(lac, sessionIds[1])?.by, causeAt(lac, sessionIds[1])?.resultCode], ['peer', 3]);
    lac.endpoint.closeTunnel(tunnelId, { resultCode: 6 }, world.now_ms);
    world.runUntil('the tunnel closed', world.now_ms + 60_000, () => lns.all('tunnel-closed').length === 1);
    assert.equal(lac.one('tunnel-closed').cause.by, 'local');
    const { cause } = lns.one('tunnel-closed');
    assert.deepEqual([cause.by, cause.resultCode], ['peer', 6]);
    assert.equal(lac.all('call-closed').length, CALLS);
    assert.equal(lns.all('call-closed').length, CALLS);
    world.runTo(world.now_ms + 120_000);
    for (const node of [lac, lns]) {
      checkHistory(node);
      assert.equal(node.all('tunnel-forgotten').length, node.all('tunnel-allocated').length, 'nothing is left behind');
      assert.equal(node.endpoint.pollTimeout(), undefined);
    }
  }

  for (const carrier of CARRIERS) {
    const { version, encapsulation, seeds } = carrier;
    for (let first = 1; first <= seeds; first += 100) {
      const name = `version ${version} over ${encapsulation}, seeds ${first} to ${first + 99}`;
      it(`${name}: tunnel and calls come up, end with the right codes, and leave nothing`, () => {
        for (let seed = first; seed < first + 100; seed++) {
          try {
            life(seed, carrier);
          } catch (error) {
            throw new Error(`seed ${seed}`, { cause: error });
          }
        }
      });
    }
  }
});

describe('a link that breaks', () => {
  it('for longer than the retransmissions last: both ends clear tunnel and calls by timeout, and can begin anew', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const world = new World(seed);
      const { lac, lns } = world;
      world.weather = CALM;
      const tunnelId = lac.endpoint.openTunnel({ version: 2, path: lac.pathTo(lns.address), secret: SECRET }, 0);
      lac.endpoint.placeCall(tunnelId, { callSerialNumber: seed }, 0);
      world.runUntil('connected', 10_000, () => lns.all('call-connected').length === 1);
      world.weather = { ...CALM, loss: 1 };
      world.runUntil('both ends give up', 60_000 + 60_000 + 31_000 + 1000, () =>
        [lac, lns].every((node) => node.all('tunnel-closed').length === 1),
      );
      for (const node of [lac, lns]) {
        assert.equal(node.one('call-closed').cause.by, 'timeout');
        assert.equal(node.one('tunnel-closed').cause.by, 'timeout');
        assert.equal(node.endpoint.pollTimeout(), undefined);
      }
      world.weather = CALM;
      lac.endpoint.openTunnel({ version: 2, path: lac.pathTo(lns.address), secret: SECRET }, world.now_ms);
      world.runUntil('a new tunnel', world.now_ms + 10_000, () => lns.all('tunnel-established').length === 2);
    }
  });

  it('for a moment: the tunnel outlives it', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const world = new World(seed);
      const { lac, lns } = world;
      world.weather = CALM;
      const tunnelId = lac.endpoint.openTunnel({ version: 2, path: lac.pathTo(lns.address), secret: SECRET }, 0);
      world.runUntil('established', 10_000, () => lns.all('tunnel-established').length === 1);
      world.weather = { ...CALM, loss: 1 };
      lac.endpoint.placeCall(tunnelId, { callSerialNumber: seed }, world.now_ms);
      world.runTo(world.now_ms + 20_000);
      world.weather = CALM;
      world.runUntil('connected', world.now_ms + 60_000, () => lns.all('call-connected').length === 1);
      assert.equal(lac.all('tunnel-closed').length + lns.all('tunnel-closed').length, 0);
    }
  });
});

describe('a secret that differs', () => {
  it('over a bad link too: the caller hears result 4, or gives up; no tunnel is established at either end', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const world = new World(seed);
      const { lac, lns } = world;
      lac.endpoint.openTunnel({ version: 2, path: lac.pathTo(lns.address), secret: Uint8Array.of(1) }, 0);
      world.runUntil('closed', 200_000, () => lac.all('tunnel-closed').length === 1);
      world.runTo(400_000);
      const { cause } = lac.one('tunnel-closed');
      assert.ok(cause.resultCode === 4 || cause.by === 'timeout');
      assert.equal(lac.all('tunnel-established').length + lns.all('tunnel-established').length, 0);
      assert.equal(lns.all('tunnel-forgotten').length, lns.all('tunnel-allocated').length);
      assert.equal(lns.endpoint.pollTimeout(), undefined);
    }
  });
});

describe('many calls at once', () => {
  it('200 calls over 4 tunnels come up over a bad link', () => {
    const world = new World(7, {
      lac: { maxRetransmits: 10, receiveWindow: 64 },
      lns: { maxRetransmits: 10, receiveWindow: 64, establishTimeout_ms: 300_000 },
    });
    const { lac, lns } = world;
    world.weather = { ...STORM, loss: 0.05 };
    for (let tunnel = 0; tunnel < 4; tunnel++) {
      const tunnelId = lac.endpoint.openTunnel({ version: 2, path: lac.pathTo(lns.address), secret: SECRET }, 0);
      for (let call = 0; call < 50; call++) lac.endpoint.placeCall(tunnelId, { callSerialNumber: call }, 0);
    }
    world.runUntil('200 calls', 300_000, () => lns.all('call-connected').length === 200);
    assert.equal(new Set(lns.all('call-connected').map(({ sessionId }) => sessionId)).size, 200);
    assert.equal(lac.all('call-closed').length, 0);
  });
});
