/**
 * Checks a box after each of its turns: commands to the packet path, rows, calls, IDs, addresses, leases, and that no
 * input makes a storm. What must hold is taken from the design, not from the code.
 */

import { type CallInfo, FIRST_PPPOE_ROW_ID, type ForwardingRow, type Output } from '../../firmware/roles/role.js';
import { CHAP_CODE, PAP_CODE } from '../../firmware/wire/authentication.js';
import { PPP_PROTOCOL } from '../../firmware/wire/ppp.js';
import { PPPOE_CODE } from '../../firmware/wire/pppoe.js';
import type { Box } from './box.js';
import type { Row } from './packet-path.js';
import { readPppoeFrame } from './pppoe-frames.js';
import { RecordChecker } from './record-checker.js';
import type { Scenario } from './scenario.js';
import { ensure } from './violation.js';

/** Packets that one input may cause, and that the timers of one tunnel or call may cause in a turn. */
const PACKETS_PER_INPUT = 16;
const PACKETS_PER_TIMER = 4;
/** Packets that one tunnel or call may cause in a second. */
const PACKETS_PER_SECOND = 30;
/** Session IDs of version 2 have 16 bits; ours of version 3 are above, so that the two never meet. */
const LAST_VERSION2_ID = 0xffff;

interface BoxState {
  /** Generation by session ID, as the commands have it. */
  readonly rows: Map<number, number>;
  readonly tunnels: Set<number>;
  readonly generations: Set<number>;
  /** Calls that were there after the last turn. */
  calls: Set<number>;
  readonly pastCalls: Set<number>;
  packetsInTurn: number;
  second: number;
  packetsInSecond: number;
  /** In this second and the next a box finds all that has come while it, or its peer, was held up. */
  busySecond: number;
}

export class StateChecker {
  readonly #scenario: Scenario;
  readonly #boxByAddress: ReadonlyMap<string, Box>;
  readonly #boxes = new Map<Box, BoxState>();
  readonly #records = new RecordChecker();

  constructor(scenario: Scenario, boxByAddress: ReadonlyMap<string, Box>) {
    this.#scenario = scenario;
    this.#boxByAddress = boxByAddress;
  }

  restarted(box: Box): void {
    this.#boxes.delete(box);
    this.#records.restarted(box);
  }

  /** What is left of a box in what was told, when nothing should be. */
  left(box: Box): string[] {
    return this.#records.left(box);
  }

  /** What a LAC relays comes to its LNS all at once, too. */
  heldUp(box: Box, now_ms: number): void {
    this.#stateOf(box);
    for (const state of this.#boxes.values()) state.busySecond = secondOf(now_ms);
  }

  output(box: Box, output: Output): void {
    const state = this.#stateOf(box);
    this.#records.output(box, output);
    switch (output.type) {
      case 'tunnel-add':
        ensure(output.tunnelId !== 0, 'unique-ids', () => 'a tunnel has ID 0');
        ensure(!state.tunnels.has(output.tunnelId), 'unique-ids', () => `tunnel ${output.tunnelId} is there already`);
        state.tunnels.add(output.tunnelId);
        break;
      case 'tunnel-path':
      case 'tunnel-remove':
        ensure(state.tunnels.has(output.tunnelId), 'row-commands', () => `${output.type} for no tunnel`);
        if (output.type === 'tunnel-remove') state.tunnels.delete(output.tunnelId);
        break;
      case 'session-add':
        this.#added(state, output.row);
        break;
      case 'session-update':
      case 'session-remove':
      case 'inject': {
        const { type, sessionId, generation } = output;
        ensure(
          state.rows.get(sessionId) === generation,
          'row-commands',
          () => `${type} for session ${sessionId}, generation ${generation}: there is ${state.rows.get(sessionId)}`,
        );
        if (type === 'session-remove') state.rows.delete(sessionId);
        if (type === 'inject') checkAcceptance(box, output);
        break;
      }
      case 'send-frame':
        checkSessionHasRow(box, output.frame);
        break;
    }
    if (output.type === 'inject' || output.type === 'send-control') state.packetsInTurn++;
  }

  turned(box: Box, inputs: number, now_ms: number): void {
    const state = this.#stateOf(box);
    const calls = [...box.appliance.calls()];
    this.#checkStorm(box, state, inputs, box.path.rows.size, now_ms);
    this.#checkCalls(state, calls, box);
    checkPseudowires(box);
    for (const row of box.path.rows.values()) this.#compareTerms(box, row);
    this.#checkAddresses(box, calls);
    for (const { profile, goal } of this.#scenario.profiles) {
      if (goal.type !== 'refused') continue;
      const call = calls.find((info) => info.profile === profile && info.state === 'up');
      ensure(call === undefined, 'refused-stays-down', () => `${box.plan.name}: ${profile} is up`);
    }
  }

  #stateOf(box: Box): BoxState {
    let state = this.#boxes.get(box);
    if (state === undefined) {
      state = {
        rows: new Map(),
        tunnels: new Set(),
        generations: new Set(),
        calls: new Set(),
        pastCalls: new Set(),
        packetsInTurn: 0,
        second: 0,
        packetsInSecond: 0,
        busySecond: -2,
      };
      this.#boxes.set(box, state);
    }
    return state;
  }

  #added(state: BoxState, { sessionId, generation, version, tunnelId, pppoe }: ForwardingRow): void {
    ensure(sessionId !== 0, 'unique-ids', () => 'a session has ID 0');
    const isPppoe = pppoe !== undefined;
    ensure(
      isPppoe === sessionId >= FIRST_PPPOE_ROW_ID,
      'unique-ids',
      () => `session ${sessionId} is of the other kind`,
    );
    // A static pseudowire has no tunnel, and any ID.
    const isStatic = version === 3 && tunnelId === 0;
    ensure(
      isStatic || isPppoe || version === (sessionId > LAST_VERSION2_ID ? 3 : 2),
      'unique-ids',
      () => `session ${sessionId} is of version ${version}`,
    );
    ensure(!state.rows.has(sessionId), 'row-commands', () => `session ${sessionId} is added twice`);
    ensure(!state.generations.has(generation), 'row-commands', () => `generation ${generation} comes a second time`);
    ensure(
      isStatic || isPppoe || state.tunnels.has(tunnelId),
      'row-commands',
      () => `session ${sessionId} is added before its tunnel`,
    );
    state.rows.set(sessionId, generation);
    state.generations.add(generation);
  }

  #checkStorm(box: Box, state: BoxState, inputs: number, rows: number, now_ms: number): void {
    const { packetsInTurn } = state;
    state.packetsInTurn = 0;
    const machines = state.tunnels.size + rows;
    const limit = PACKETS_PER_INPUT * inputs + PACKETS_PER_TIMER * machines;
    ensure(
      packetsInTurn <= limit,
      'no-storm',
      () => `${box.plan.name}: ${packetsInTurn} packets from ${inputs} inputs`,
    );
    const second = secondOf(now_ms);
    if (second !== state.second) state.packetsInSecond = 0;
    state.second = second;
    state.packetsInSecond += packetsInTurn;
    const perSecond = PACKETS_PER_SECOND * (1 + machines);
    ensure(
      state.packetsInSecond <= perSecond || second - state.busySecond <= 1,
      'no-storm',
      () => `${box.plan.name}: ${state.packetsInSecond} packets in a second`,
    );
  }

  #checkCalls(state: BoxState, calls: readonly CallInfo[], box: Box): void {
    const sessionIds = new Set(calls.map(({ sessionId }) => sessionId));
    // At a LAC a call that is carried has a second row, of its session in L2TP.
    const carriedIds = new Set(calls.map(({ l2tpSessionId }) => l2tpSessionId));
    const callIds = new Set(calls.map(({ callId }) => callId));
    ensure(sessionIds.size === calls.length, 'unique-ids', () => 'two calls have one session ID');
    ensure(callIds.size === calls.length, 'unique-ids', () => 'two calls have one call ID');
    for (const callId of state.calls) {
      if (callIds.has(callId)) continue;
      this.#records.gone(box, callId);
      state.pastCalls.add(callId);
    }
    for (const callId of callIds) {
      ensure(!state.pastCalls.has(callId), 'unique-ids', () => `call ID ${callId} is used again`);
    }
    state.calls = callIds;
    for (const { sessionId, generation } of calls) {
      const row = box.path.rows.get(sessionId);
      ensure(row?.generation === generation, 'rows-have-calls', () => `the call of session ${sessionId} has no row`);
    }
    for (const { sessionId, payload, relayTo } of box.path.rows.values()) {
      if (payload === 'ethernet') continue;
      const hasCall = sessionIds.has(sessionId) || carriedIds.has(sessionId);
      ensure(hasCall, 'rows-have-calls', () => `the row of session ${sessionId} has no call`);
      if (relayTo === undefined) continue;
      const isThere = box.path.rows.get(relayTo.sessionId)?.generation === relayTo.generation;
      ensure(isThere, 'rows-have-calls', () => `the row of session ${sessionId} is relayed to one that is not there`);
    }
  }

  #checkAddresses(box: Box, calls: readonly CallInfo[]): void {
    const holders = new Map<string, number>();
    for (const { role, peerAddress, callId } of calls) {
      if (role === 'lac-client' || peerAddress === '') continue;
      const other = holders.get(peerAddress);
      ensure(other === undefined, 'unique-addresses', () => `calls ${other} and ${callId} both have ${peerAddress}`);
      holders.set(peerAddress, callId);
    }
    const served = new Set(calls.filter(({ role }) => role !== 'lac-client').map(({ callId }) => callId));
    for (const holder of box.outside.pool.holders()) {
      ensure(served.has(holder), 'leases-have-calls', () => `call ${holder} has a lease and is gone`);
    }
    for (const call of calls) this.#compareWithPeer(box, call);
  }

  /** What each end of a session of version 3 has asked for is what the other does. */
  #compareTerms(box: Box, row: Row): void {
    // Without a secret nobody sees that what was agreed on was corrupted.
    if (row.version === 2 || this.#scenario.faults.corruption > 0) return;
    const theirs = this.#boxByAddress.get(row.path.peerAddress)?.path.rows.get(row.peerSessionId);
    if (theirs?.peerSessionId !== row.sessionId || theirs.tunnelId !== row.peerTunnelId) return;
    const areSame =
      theirs.version === row.version &&
      theirs.path.encapsulation === row.path.encapsulation &&
      theirs.payload === row.payload &&
      theirs.peerSublayer === row.localSublayer &&
      Buffer.compare(theirs.peerCookie, row.localCookie) === 0;
    ensure(areSame, 'same-terms', () => `session ${row.sessionId} of ${box.plan.name} and its peer's`);
  }

  #compareWithPeer(box: Box, call: CallInfo): void {
    const row = box.path.rows.get(call.sessionId);
    const peer = this.#boxByAddress.get(call.path.peerAddress);
    const theirs = peer?.appliance.callInfo(call.peerSessionId);
    const theirRow = peer?.path.rows.get(call.peerSessionId);
    if (row === undefined || theirs === undefined || theirRow === undefined) return;
    if (theirRow.peerSessionId !== row.sessionId || theirRow.tunnelId !== row.peerTunnelId) return;
    const who = () => `session ${call.sessionId} of ${box.plan.name} and session ${theirs.sessionId} of its peer`;
    if (row.ipv4Open && theirRow.ipv4Open) {
      ensure(
        call.localAddress === theirs.peerAddress && call.peerAddress === theirs.localAddress,
        'same-addresses',
        () => `${who()}: ${call.localAddress}, ${call.peerAddress}; ${theirs.localAddress}, ${theirs.peerAddress}`,
      );
    }
    if (row.ipv6Open && theirRow.ipv6Open) {
      ensure(
        call.localLinkLocal === theirs.peerLinkLocal && call.peerLinkLocal === theirs.localLinkLocal,
        'same-addresses',
        () =>
          `${who()}: ${call.localLinkLocal}, ${call.peerLinkLocal}; ${theirs.localLinkLocal}, ${theirs.peerLinkLocal}`,
      );
    }
  }
}

/** The LNS, not the LAC, accepts a user whom the LAC carries there (RFC 2661 section 4.4.5 leaves the rest of PPP to it). */
function checkAcceptance(box: Box, { sessionId, protocol, information }: Extract<Output, { type: 'inject' }>): void {
  const call = box.appliance.callInfo(sessionId);
  const [code] = information;
  const accepts =
    (protocol === PPP_PROTOCOL.chap && code === CHAP_CODE.success) ||
    (protocol === PPP_PROTOCOL.pap && code === PAP_CODE.authenticateAck);
  if (call?.role !== 'lac' || !accepts) return;
  const tunnels = box.plan.outside.users[call.userName]?.tunnels ?? [];
  ensure(tunnels.length === 0, 'lns-accepts', () => `the LAC accepts ${call.userName}`);
}

/** RFC 2516 section 5.4: with the PADS the PC may send. */
function checkSessionHasRow(box: Box, frame: Uint8Array): void {
  const read = readPppoeFrame(frame);
  if (read?.stage !== 'discovery' || read.packet.code !== PPPOE_CODE.pads || read.packet.sessionId === 0) return;
  const { sessionId } = read.packet;
  const hasRow = [...box.path.rows.values()].some(
    ({ pppoe }) => pppoe?.sessionId === sessionId && pppoe.peerMac === read.way.destination,
  );
  ensure(hasRow, 'row-before-message', () => `PADS of session ${sessionId} goes out before it has a row`);
}

/** Each session of a pseudowire has a row, and each row of one a session. */
function checkPseudowires(box: Box): void {
  for (const { name, sessionId, generation } of box.appliance.pseudowires()) {
    if (sessionId === 0) continue;
    const row = box.path.rows.get(sessionId);
    ensure(row?.generation === generation, 'rows-have-calls', () => `${name}, session ${sessionId}, has no row`);
  }
  const { reservedSessionIds } = box.config.endpoint;
  for (const { sessionId, payload, tunnelId } of box.path.rows.values()) {
    if (payload !== 'ethernet') continue;
    const isThere =
      tunnelId === 0
        ? reservedSessionIds.includes(sessionId)
        : box.appliance.endpoint.sessionsOf(tunnelId).includes(sessionId);
    ensure(isThere, 'rows-have-calls', () => `the row of session ${sessionId} has no pseudowire`);
  }
}

function secondOf(now_ms: number): number {
  return Math.floor(now_ms / 1000);
}
