/**
 * The ladder of a call: who said what to whom, in which of the fourteen steps, as one box or two have traced it. Pure; must
 * not know where the lines come from.
 */
import { type JoinedLine, joinCall } from '../trace-join.js';
import type { CallStepRecord } from '../view.js';
import { type DetailField, parseDetail } from './detail.js';
import { explain, type Failure, failureOf } from './failure.js';

/** Who takes part, from the user to the head office. A client that dials by itself stands at the LAC's place. */
export type Lane = 'pc' | 'lac' | 'radius-of-lac' | 'lns' | 'radius-of-lns';
export const LANES: readonly Lane[] = ['pc', 'lac', 'radius-of-lac', 'lns', 'radius-of-lns'];

export type Outcome = 'in-progress' | 'up' | 'ended' | 'failed';

export interface LadderMessage {
  /** Since the first line. */
  at_ms: number;
  /** 0 for what belongs to none. */
  step: number;
  from: Lane;
  /** The same as `from` for what happens within. */
  to: Lane;
  /** 'PPPoE', 'LCP', 'CHAP', 'RADIUS', 'L2TP' …; '' within. */
  protocol: string;
  what: string;
  seenBy: 'here' | 'elsewhere' | 'both';
  /** From one box to the other; null where only one of them saw it. */
  travel_ms: number | null;
  fields: DetailField[];
  failed: boolean;
  failure: Failure | null;
}

export interface LadderStep {
  number: number;
  state: 'done' | 'failed' | 'elsewhere' | 'not-seen';
  began_ms: number | null;
  took_ms: number | null;
}

export interface LadderBox {
  name: string;
  role: CallStepRecord['role'];
  source: 'here' | 'peer' | 'import';
}

export interface Ladder {
  user: string;
  role: CallStepRecord['role'];
  startedAt: string;
  outcome: Outcome;
  failure: Failure | null;
  boxes: LadderBox[];
  lanes: Lane[];
  steps: LadderStep[];
  messages: LadderMessage[];
}

/** What one box has traced of the call. */
export interface LadderSide extends LadderBox {
  addresses?: readonly string[];
  /** Of this call and of what concerns its tunnel, in their order. */
  records: readonly CallStepRecord[];
  callId: number;
  outcome: Outcome;
}

const STEPS = Array.from({ length: 14 }, (_, at) => at + 1);
const PPPOE = /^PAD[IORST]$/;
const L2TP = /^(SCC(RQ|RP|CN)|(IC|OC)(RQ|RP|CN)|StopCCN|CDN|HELLO|ZLB|SLI|WEN|FSQ|FSR|ACK)\b/;
const PPP = /^(LCP|PAP|CHAP|IPCP|IPV6CP|CCP|ECP)\b/;
/** Steps in which somebody is asked who the user is, and those in which the answer comes. */
const ASKED: ReadonlySet<number> = new Set([4, 8, 11]);
const ANSWERED: ReadonlySet<number> = new Set([5, 9, 12]);

/** The call as `here` has it, joined with what `there`, its other end, has of it. */
export function ladder(here: LadderSide, there: LadderSide | undefined): Ladder {
  const lines = there === undefined ? alone(here) : joined(here, there);
  const isCompulsory = hasPc(here, there);
  const records = [...here.records, ...(there?.records ?? [])];
  const isOwn = new Set([here, ...(there === undefined ? [] : [there])].filter(knowsItself).map(({ role }) => role));
  const messages = lines.map((line) => message(line, here, isCompulsory, isOwn.has(line.role)));
  const outcome = there?.outcome === 'failed' ? 'failed' : here.outcome;
  const first = here.records[0];
  return {
    user: records.find(({ user }) => user !== '')?.user ?? '',
    role: here.role,
    startedAt: first?.time ?? '',
    outcome,
    failure: outcome === 'failed' ? (whyFailed(here, there) ?? null) : null,
    boxes: [here, ...(there === undefined ? [] : [there])].map(({ name, role, source }) => ({ name, role, source })),
    lanes: LANES.filter((lane) => messages.some(({ from, to }) => from === lane || to === lane)),
    steps: steps(messages),
    messages,
  };
}

/** Whoever refused knows best; the other end sees only that it was refused. */
function whyFailed(here: LadderSide, there: LadderSide | undefined): Failure | undefined {
  const own = explain(here.records);
  const theirs = there && explain(there.records);
  const isSecondHand =
    own === undefined || /^(lns-hung-up|lac-hung-up|session-refused|pc-hung-up|other)$/.test(own.code);
  return isSecondHand ? (theirs ?? own) : own;
}

/** Whether both have traced one and the same call, which an ICRQ tells that the one sent and the other got. */
export function isOtherEnd(here: LadderSide, there: LadderSide): boolean {
  return joined(here, there).some(({ arrived, what }) => arrived !== undefined && what === 'ICRQ');
}

interface Line extends JoinedLine {
  role: CallStepRecord['role'];
}

function alone({ name, role, records }: LadderSide): Line[] {
  const start_ms = Date.parse(records[0]?.time ?? '');
  return records.map((record) => ({ ...record, at_ms: Date.parse(record.time) - start_ms, box: name, role }));
}

/** The join wants LAC and LNS; a client that dials by itself does what a LAC does. */
function joined(here: LadderSide, there: LadderSide): Line[] {
  const [lac, lns] = here.role === 'lns' ? [there, here] : [here, there];
  const trace = ({ addresses, records }: LadderSide, box: string) => {
    return { box, records, ...(addresses !== undefined && { addresses }) };
  };
  const { lines } = joinCall(trace(lac, 'lac'), trace(lns, 'lns'), lac.callId);
  return lines.map((line) => ({ ...line, role: line.box === 'lac' ? lac.role : 'lns' }));
}

/** Whether PPP comes from a PC behind the LAC, and not from the one that opened the tunnel. */
function hasPc(here: LadderSide, there: LadderSide | undefined): boolean {
  if (here.role === 'lac' || there?.role === 'lac') return true;
  const connected = here.records.find(({ what }) => what === 'ICCN');
  return connected !== undefined && /proxyAuthen|LastSentLcp|lastSentLcp|initialReceivedLcp/.test(connected.detail);
}

/**
 * Whether this box has answered itself who the user is, from its own users or by its settings, and no RADIUS server. It says
 * so in front of all that a peer may have written.
 */
function knowsItself({ records }: LadderSide): boolean {
  return records.some(
    ({ direction, detail }) => direction === 'within' && /^by=(own-users|settings)(,|$)/.test(detail),
  );
}

function message(line: Line, here: LadderSide, isCompulsory: boolean, isOwn: boolean): LadderMessage {
  const { at_ms, step, what, detail, arrived, role } = line;
  const seenHere = role === here.role;
  const seenBy = arrived !== undefined ? 'both' : seenHere ? 'here' : 'elsewhere';
  const record = { ...line, time: '', sequence: 0, tunnelId: 0, sessionId: 0, callId: 0, peerAddress: '' };
  const found = failureOf(record) ?? null;
  return {
    ...{ at_ms, step, what, seenBy },
    ...way(line, isCompulsory, isOwn),
    travel_ms: arrived?.after_ms ?? null,
    fields: parseDetail(detail),
    failed: found !== null || isRefusal(what),
    failure: found,
  };
}

const isRefusal = (what: string): boolean => /^(CHAP Failure|PAP Authenticate-Nak|no LNS takes the call)$/.test(what);

function way(
  { role, direction, what, step }: Line,
  isCompulsory: boolean,
  isOwn: boolean,
): Pick<LadderMessage, 'from' | 'to' | 'protocol'> {
  const own: Lane = role === 'lns' ? 'lns' : 'lac';
  const between = (other: Lane, protocol: string) =>
    direction === 'received' ? { from: other, to: own, protocol } : { from: own, to: other, protocol };
  if (direction === 'within' && isOwn) return { from: own, to: own, protocol: '' };
  if (direction === 'within') {
    const radius: Lane = own === 'lns' ? 'radius-of-lns' : 'radius-of-lac';
    if (ASKED.has(step) && what === 'authenticate') return { from: own, to: radius, protocol: 'RADIUS' };
    if (ANSWERED.has(step) && /^(accepted|refused)$/.test(what)) return { from: radius, to: own, protocol: 'RADIUS' };
    return { from: own, to: own, protocol: '' };
  }
  if (PPPOE.test(what)) return between('pc', 'PPPoE');
  if (L2TP.test(what)) return between(own === 'lns' ? 'lac' : 'lns', 'L2TP');
  const protocol = PPP.exec(what)?.[1] ?? '';
  if (role === 'lac') return between('pc', protocol);
  if (role === 'lns') return between(isCompulsory ? 'pc' : 'lac', protocol);
  return between('lns', protocol);
}

function steps(messages: readonly LadderMessage[]): LadderStep[] {
  return STEPS.map((number) => {
    const own = messages.filter(({ step }) => step === number);
    const first = own[0];
    const last = own.at(-1);
    if (first === undefined || last === undefined) {
      return { number, state: 'not-seen', began_ms: null, took_ms: null };
    }
    const isElsewhere = own.every(({ seenBy }) => seenBy === 'elsewhere');
    const state = own.some(({ failed }) => failed) ? 'failed' : isElsewhere ? 'elsewhere' : 'done';
    return { number, state, began_ms: first.at_ms, took_ms: last.at_ms - first.at_ms };
  });
}
