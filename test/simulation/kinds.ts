/** What each kind of scenario consists of: who dials whom, and what must come of it. Must not run anything. */

import type { BoxPlan } from './box.js';
import { addPeer, addUser, type Builder, PASSWORD } from './builder.js';
import { pcsBehindLac } from './lac-kind.js';
import type { TunnelPeer } from './outside.js';
import type { EncapsulationChoice, Goal, ScenarioKind } from './scenario.js';

const SECRET = 'tunnel secret';
const UP: Goal = { type: 'up' };

/** Addresses enough for calls that a client has forgotten and the LNS has not. */
const SPARE = 30;

function oneClient(build: Builder): void {
  const lns = build.box('lns');
  build.makeLns(lns, '1', SPARE);
  const client = build.box('client');
  addPeer(lns, client, build.random.pick([{}, { secret: SECRET }]));
  const { userName } = build.dial(client, lns, UP);
  if (build.random.chance(0.3)) addUser(lns, userName, { password: PASSWORD, fixedAddress: '10.9.9.9' });
}

function clientsOfOneLns(build: Builder): void {
  const lns = build.box('lns');
  build.makeLns(lns, '1', SPARE);
  for (let count = build.random.between(2, 4); count > 0; count--) {
    const client = build.box(`client${count}`);
    addPeer(lns, client, build.random.pick([{}, { secret: SECRET }]));
    build.dial(client, lns, UP);
  }
}

function profilesOfOneClient(build: Builder): void {
  const lns = build.box('lns');
  build.makeLns(lns, '1', SPARE);
  const client = build.box('client');
  addPeer(lns, client, {});
  for (let count = build.random.between(2, 3); count > 0; count--) build.dial(client, lns, UP);
}

function twoDialEachOther(build: Builder): void {
  const left = build.box('left');
  const right = build.box('right');
  build.makeLns(left, '1', SPARE);
  build.makeLns(right, '2', SPARE);
  const peer = build.random.pick([{}, { secret: SECRET }]);
  addPeer(left, right, peer);
  addPeer(right, left, peer);
  for (let count = build.random.between(1, 2); count > 0; count--) build.dial(left, right, UP);
  build.dial(right, left, UP);
}

/** RFC 2661 section 4.4.2: StopCCN 4, requester is not authorized, 5, version not supported; CDN 3, administrative. */
const NOT_AUTHORIZED: Goal = { type: 'refused', messageType: 'StopCCN', resultCode: 4 };
const ADMINISTRATIVE: Goal = { type: 'refused', messageType: 'CDN', resultCode: 3 };
const VERSION_NOT_SUPPORTED: Goal = { type: 'refused', messageType: 'StopCCN', resultCode: 5 };

function refused(build: Builder): void {
  const lns = build.box('lns');
  build.makeLns(lns, '1', SPARE);
  const client = build.box('client');
  build.random.pick(REFUSALS)(build, lns, client);
  if (build.isServed(lns) && build.random.chance(0.5)) {
    const other = build.box('other');
    addPeer(lns, other, { secret: SECRET });
    if (lns.config.lns !== undefined && lns.outside.pool.length > 0) build.dial(other, lns, UP);
  }
}

/** Why an LNS does not let a client in. */
const REFUSALS: readonly ((build: Builder, lns: BoxPlan, client: BoxPlan) => void)[] = [
  (build, lns, client) => {
    addPeer(lns, client, { secret: SECRET });
    const { encapsulation } = build.dial(client, lns, NOT_AUTHORIZED, { tunnelSecret: 'another secret' });
    // RFC 3931 section 4.3: what has a wrong digest is dropped.
    if (versionTo(lns, encapsulation) === 3) build.changeGoal({ type: 'unanswered' });
  },
  (build, lns, client) => {
    addPeer(lns, client, { secret: SECRET });
    build.dial(client, lns, NOT_AUTHORIZED, { tunnelSecret: '' });
  },
  (build, lns, client) => {
    addPeer(lns, client, {});
    build.dial(client, lns, NOT_AUTHORIZED, { tunnelSecret: SECRET });
  },
  (build, lns, client) => {
    build.dial(client, lns, NOT_AUTHORIZED);
  },
  (build, lns, client) => {
    addPeer(lns, client, {});
    build.dial(client, lns, NOT_AUTHORIZED);
    lns.config = { ...lns.config, lns: undefined };
  },
  (build, lns, client) => {
    addPeer(lns, client, { secret: SECRET });
    build.dial(client, lns, ADMINISTRATIVE, { password: 'wrong horse' });
  },
  (build, lns, client) => {
    addPeer(lns, client, {});
    build.dial(client, lns, ADMINISTRATIVE, { userName: 'nobody' });
  },
  (build, lns, client) => {
    addPeer(lns, client, {});
    build.dial(client, lns, ADMINISTRATIVE);
    lns.outside = { ...lns.outside, pool: [] };
  },
  (build, lns, client) => {
    addPeer(lns, client, {});
    lns.config = { ...lns.config, endpoint: { ...lns.config.endpoint, accepts: ['udp2'] } };
    build.dial(client, lns, VERSION_NOT_SUPPORTED, { encapsulation: build.random.pick(['udp3', 'ip']) });
  },
];

/** The version that a tunnel of this profile will have. */
function versionTo({ config }: BoxPlan, encapsulation: EncapsulationChoice): 2 | 3 {
  if (encapsulation === 'auto') return config.endpoint.accepts.includes('udp3') ? 3 : 2;
  return encapsulation === 'udp2' ? 2 : 3;
}

/** RFC 3931 section 5.4.2: CDN 6, invalid destination. RFC 4667: 23, mismatching interface MTU. */
const INVALID_DESTINATION: Goal = { type: 'refused', messageType: 'CDN', resultCode: 6 };
const MTU_MISMATCH: Goal = { type: 'refused', messageType: 'CDN', resultCode: 23 };
/** Who asks closes its tunnel: what a peer has not offered is not asked of it (section 5.4.3, Pseudowire Capabilities). */
const NOT_ASKED_FOR: Goal = { type: 'refused', messageType: 'StopCCN', resultCode: 1 };

function pseudowires(build: Builder): void {
  const left = build.box('left');
  const right = build.box('right');
  // Nobody notices that a cookie was corrupted on its way, unless there is a digest.
  const peer = build.faults.corruption > 0 ? { secret: SECRET } : build.random.pick([{}, { secret: SECRET }]);
  addPeer(left, right, peer);
  addPeer(right, left, peer);
  for (let count = build.random.between(1, 2); count > 0; count--) build.wire(left, right, UP);
  if (build.random.chance(0.4)) build.wire(right, left, UP);
  if (build.random.chance(0.3)) build.staticWire(left, right);
  if (build.random.chance(0.3)) {
    // A box has both roles, and its peer may use both.
    const { accepts } = left.config.endpoint;
    build.makeLns(left, '1', SPARE);
    left.config = { ...left.config, endpoint: { ...left.config.endpoint, accepts } };
    build.dial(right, left, UP);
  }
  if (build.random.chance(0.4)) {
    const other = build.box('other');
    addPeer(left, other, peer);
    // What a restarted peer has left behind must not have it refused for want of room.
    left.config = { ...left.config, endpoint: { ...left.config.endpoint, maxTunnels: 64, maxSessions: 256 } };
    build.random.pick(REFUSED_WIRES)(build, left, other, peer);
  }
}

/** Why a box does not get the pseudowire that it asks for. */
const REFUSED_WIRES: readonly ((build: Builder, left: BoxPlan, other: BoxPlan, peer: TunnelPeer) => void)[] = [
  (build, left, other) => build.wire(other, left, INVALID_DESTINATION, { remoteEndId: 'another' }),
  (build, left, other) => build.wire(other, left, INVALID_DESTINATION, { peerAddress: '192.0.2.99' }),
  (build, left, other) => build.wire(other, left, MTU_MISMATCH, { mtu_bytes: 1400 }),
  (build, _left, other, peer) => {
    const lns = build.box('lns');
    build.makeLns(lns, '1', SPARE);
    lns.config = { ...lns.config, endpoint: { ...lns.config.endpoint, accepts: ['udp3', 'ip'] } };
    addPeer(lns, other, peer);
    build.wire(other, lns, NOT_ASKED_FOR, {}, false);
  },
];

function tooFewAddresses(build: Builder): void {
  const lns = build.box('lns');
  build.makeLns(lns, '1', build.random.between(1, 2));
  for (let count = 3; count > 0; count--) {
    const client = build.box(`client${count}`);
    addPeer(lns, client, {});
    build.dial(client, lns, { type: 'contended' });
  }
}

export const BUILD: Readonly<Record<ScenarioKind, (build: Builder) => void>> = {
  'one client': oneClient,
  'clients of one LNS': clientsOfOneLns,
  'profiles of one client': profilesOfOneClient,
  'two dial each other': twoDialEachOther,
  refused,
  'too few addresses': tooFewAddresses,
  'PCs behind a LAC': pcsBehindLac,
  pseudowires,
};
