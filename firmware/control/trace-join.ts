/**
 * Joins what a LAC and an LNS have each traced of a call into one list, as neither of them sees all fourteen steps. Takes
 * the records as each box's API gives them; must not ask a box, and needs no order of the two clocks.
 *
 *   LAC   steps 1 to 6 (PPPoE, LCP, authentication, RADIUS, tunnel, session)
 *   LNS   steps 5 to 14 (tunnel, session, PPP, RADIUS, addresses, traffic)
 *
 * Tunnel and session are found by the IDs that both ends name in their messages, the Call Serial Number (RFC 2661 section
 * 4.4.3) and the endpoints. A control message that both boxes saw is one line; from those lines comes how far the clocks
 * are apart.
 */
import type { CallStepRecord } from './view.js';

export interface BoxTrace {
  /** How the box is called in the joined lines. */
  box: string;
  /** Its addresses in tunnels; left out, the other box's view of them is not checked. */
  addresses?: readonly string[];
  /** In their order. */
  records: readonly CallStepRecord[];
}

export interface JoinedLine extends Pick<CallStepRecord, 'step' | 'user' | 'direction' | 'what' | 'detail'> {
  /** Since the first line, by the LAC's clock. */
  at_ms: number;
  /** Who saw it; of a message that both saw, the sender. */
  box: string;
  /** The other box, to which the message came, and how long that took; undefined: nobody else saw this. */
  arrived?: { box: string; after_ms: number };
}

export interface JoinedCall {
  lines: readonly JoinedLine[];
  /** How far the LNS's clock is ahead of the LAC's; undefined where no message was seen by both. */
  clocksApart_ms: number | undefined;
}

const ROLES = ['lac', 'lns'] as const;
type Role = (typeof ROLES)[number];

/** The two lines of one message. */
interface Pair {
  sender: Role;
  /** Which of its transmissions came is not known, nor with it how long that took. */
  wasSentAgain: boolean;
  lac: CallStepRecord;
  lns: CallStepRecord;
}

/** One box's records of the call, and when they were. */
interface Side {
  box: string;
  records: readonly CallStepRecord[];
}

/**
 * The call of this callId at the LAC, with the tunnel that was opened for it; everything that both traced of it. Without
 * records of the call at the LNS (its trace is too short, or the call never got there) the LAC's lines stand alone.
 */
export function joinCall(lac: BoxTrace, lns: BoxTrace, lacCallId: number): JoinedCall {
  const begin = lac.records.find(({ callId }) => callId === lacCallId);
  const own = begin === undefined ? [] : ofCall(lac.records, lacCallId, begin.sequence);
  const request = counterpart(own, lac, lns);
  const opensTunnel = own.some(({ callId, tunnelId }) => callId === 0 && tunnelId === request?.lac.tunnelId);
  const theirs =
    request === undefined ? [] : ofCall(lns.records, callIdAt(lns.records, request.lns), opensTunnel ? 0 : Infinity);
  const pairs = request === undefined ? [] : pairUp(own.filter(inTunnelOf(request.lac)), theirs);
  const clocksApart_ms = clocksApart(pairs);
  const sides = { lac: { box: lac.box, records: own }, lns: { box: lns.box, records: theirs } };
  const lines = merge(sides, pairs, clocksApart_ms ?? 0);
  const start_ms = lines[0]?.at_ms ?? 0;
  return { lines: lines.map((line) => ({ ...line, at_ms: line.at_ms - start_ms })), clocksApart_ms };
}

/** A message that begins a call is traced before the call has its number. */
function callIdAt(records: readonly CallStepRecord[], begin: CallStepRecord): number {
  const ofCall = records.find(
    (record) => record.callId !== 0 && record.sequence >= begin.sequence && inTunnelOf(begin)(record),
  );
  return ofCall?.callId ?? 0;
}

/**
 * The records of a call, those of its sessions that have no number yet, and those of its tunnels' set-up from the sequence
 * number on: an older tunnel may be used.
 */
function ofCall(records: readonly CallStepRecord[], callId: number, tunnelsFrom: number): CallStepRecord[] {
  const own = records.filter((record) => record.callId === callId);
  const tunnels = new Set(own.map(({ tunnelId }) => tunnelId));
  const sessions = new Set(own.filter(({ sessionId }) => sessionId !== 0).map(({ sessionId }) => sessionId));
  return records.filter((record) => {
    if (record.callId !== 0 || !tunnels.has(record.tunnelId)) return record.callId === callId;
    if (record.sessionId !== 0) return sessions.has(record.sessionId);
    return record.step === 5 && record.sequence >= tunnelsFrom;
  });
}

/** A number that a control message's line names, as in `callSerialNumber=7`; NaN without it. */
function named(record: CallStepRecord, ...names: readonly string[]): number {
  const found = names.map((name) => new RegExp(`(?:^|, )${name}=(\\d+)(?:,|$)`).exec(record.detail)?.[1]);
  return Number(found.find((value) => value !== undefined) ?? Number.NaN);
}

const sessionIn = (record: CallStepRecord): number => named(record, 'assignedSessionId', 'localSessionId');

/**
 * The ICRQ by which the call came to the LNS: there it has the LAC's Session ID and Call Serial Number, and the LAC got the
 * ICRP with the Session ID of the LNS. The last of several, as a call goes to the next LNS, and IDs come again.
 */
function counterpart(own: readonly CallStepRecord[], lac: BoxTrace, lns: BoxTrace): Pick<Pair, Role> | undefined {
  const requests = own.filter(({ what, direction }) => what === 'ICRQ' && direction === 'sent');
  const replies = own.filter(({ what, direction }) => what === 'ICRP' && direction === 'received');
  const arrived = lns.records.filter(({ what, direction }) => what === 'ICRQ' && direction === 'received');
  for (const request of requests.toReversed()) {
    const reply = replies.find(({ sessionId }) => sessionId === request.sessionId);
    const found = arrived.findLast(
      (record) =>
        sessionIn(record) === sessionIn(request) &&
        named(record, 'callSerialNumber') === named(request, 'callSerialNumber') &&
        (reply === undefined || record.sessionId === sessionIn(reply)) &&
        (lns.addresses?.includes(request.peerAddress) ?? true) &&
        (lac.addresses?.includes(record.peerAddress) ?? true),
    );
    if (found !== undefined) return { lac: request, lns: found };
  }
  return undefined;
}

/** Of the call's session in this tunnel, or of the tunnel itself: an LNS that failed before has had others. */
function inTunnelOf(request: CallStepRecord): (record: CallStepRecord) => boolean {
  return ({ tunnelId, sessionId }) =>
    tunnelId === request.tunnelId && (sessionId === 0 || sessionId === request.sessionId);
}

/** Which line at the LNS is the other end of which at the LAC: the n-th message of its name that was sent and that came. */
function pairUp(own: readonly CallStepRecord[], theirs: readonly CallStepRecord[]): Pair[] {
  const pairs: Pair[] = [];
  for (const sender of ROLES) {
    const [sent, received] = sender === 'lac' ? [own, theirs] : [theirs, own];
    const waiting = received.filter((record) => record.direction === 'received' && isControlMessage(record));
    for (const record of sent) {
      if (record.direction !== 'sent' || !isControlMessage(record) || isRetransmission(record)) continue;
      const at = waiting.findIndex(({ what }) => what === record.what);
      if (at === -1) continue;
      const [other] = waiting.splice(at, 1);
      const wasSentAgain = sent.some((each) => each.what === record.what && isRetransmission(each));
      const [lac, lns] = sender === 'lac' ? [record, other] : [other, record];
      pairs.push({ sender, wasSentAgain, lac, lns });
    }
  }
  return pairs;
}

/** Of L2TP: what the LAC relays afterwards it does not trace, and PPP before that never comes to the LNS. */
const isControlMessage = ({ what }: CallStepRecord): boolean => /^(SCC(RQ|RP|CN)|IC(RQ|RP|CN)|CDN|StopCCN)$/.test(what);
const isRetransmission = ({ detail }: CallStepRecord): boolean => /(^|, )retransmission=true/.test(detail);

const clock_ms = (record: CallStepRecord): number => Date.parse(record.time);

/**
 * As the fastest message of each direction has it, the way being equally long both ways; where messages went one way alone,
 * as if the fastest had taken no time.
 */
function clocksApart(pairs: readonly Pair[]): number | undefined {
  const once = pairs.filter(({ wasSentAgain }) => !wasSentAgain);
  const differences = (sender: Role): number[] =>
    (once.length > 0 ? once : pairs)
      .filter((pair) => pair.sender === sender)
      .map(({ lac, lns }) => clock_ms(lns) - clock_ms(lac));
  const [there, back] = [differences('lac'), differences('lns')];
  if (there.length === 0 && back.length === 0) return undefined;
  if (back.length === 0) return Math.min(...there);
  if (there.length === 0) return Math.max(...back);
  return (Math.min(...there) + Math.max(...back)) / 2;
}

/**
 * Each box's lines stay in its order; between the boxes the aligned clocks decide, at the same time the step, and whatever
 * they say, no message comes before it was sent. A message that both saw is the sender's line.
 */
function merge(sides: Record<Role, Side>, pairs: readonly Pair[], clocksApart_ms: number): JoinedLine[] {
  const at_ms = (role: Role, record: CallStepRecord): number =>
    clock_ms(record) - (role === 'lns' ? clocksApart_ms : 0);
  const pairOf = new Map(pairs.flatMap((pair) => [[pair.lac, pair] as const, [pair.lns, pair] as const]));
  const left = { lac: [...sides.lac.records], lns: [...sides.lns.records] };
  const sent = new Set<Pair>();
  const lines: JoinedLine[] = [];
  for (let role = nextRole(); role !== undefined; role = nextRole()) {
    const record = left[role].shift()!;
    const pair = pairOf.get(record);
    if (pair !== undefined && sent.has(pair)) continue;
    if (pair?.sender === role) sent.add(pair);
    lines.push(lineOf(role, record, pair));
  }
  return lines;

  function nextRole(): Role | undefined {
    const present = ROLES.filter((role) => left[role].length > 0);
    const ready = present.filter((role) => {
      const pair = pairOf.get(left[role][0]);
      return pair === undefined || pair.sender === role || sent.has(pair);
    });
    // Where each waits for what the other sent later, the traces are not of one call: the clocks decide.
    const [first, second] = ready.length > 0 ? ready : present;
    if (first === undefined || second === undefined) return first;
    const [a, b] = [left[first][0], left[second][0]];
    return (at_ms(first, a) - at_ms(second, b) || a.step - b.step) <= 0 ? first : second;
  }

  function lineOf(role: Role, record: CallStepRecord, pair: Pair | undefined): JoinedLine {
    const { step, user, direction, what, detail } = record;
    const line = { at_ms: at_ms(role, record), box: sides[role].box, step, user, direction, what, detail };
    if (pair?.sender !== role) return line;
    const other = role === 'lac' ? 'lns' : 'lac';
    return { ...line, arrived: { box: sides[other].box, after_ms: at_ms(other, pair[other]) - line.at_ms } };
  }
}
