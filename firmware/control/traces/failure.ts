/**
 * Why a call failed, in plain words: what happened, and what to do about it. Worked out of the lines that this box, or the
 * other one, traced. Pure; codes are a closed list, so that the page can say it in another language.
 */
import type { CallStepRecord } from '../view.js';
import { fieldsOf } from './detail.js';

export interface Failure {
  step: number;
  code: FailureCode;
  parameters: Record<string, string>;
  /** In English. */
  text: string;
}

/** What happened, and what to do; `{name}` stands for a parameter. */
export const FAILURES = {
  'user-refused':
    'name or password of {user} is wrong, or nobody knows the name; check both at the PC and where users are kept',
  'radius-silent':
    'no RADIUS server answers; check that it runs, that it knows this box as a client, and that both have the same secret',
  'radius-refused': 'the RADIUS server refused {user}: {reason}; its own log says more',
  'radius-unusable':
    'the RADIUS server let {user} in, but with something that cannot be done here; the log names the attribute',
  'duplicate-login':
    '{user} has a call already, and the settings allow no second one; end the first, or change what duplicate logins do',
  'too-many-sessions': '{user} has as many sessions as it may have; end one, or let RADIUS or the settings allow more',
  'pool-empty': 'all addresses of the pool {pool} are in use; make the pool larger, or end calls',
  'pool-missing': 'there is no pool {pool}, which the user shall have its address from; make it, or name another',
  'no-address': 'there was no address for the user: {reason}; look at the pools and at what the user is to have',
  'lns-silent':
    'the LNS {server} does not answer; check its address, the way there, and that UDP 1701 or protocol 115 passes',
  'lns-unknown': 'the name of the LNS {server} has no address; check the name and the name servers of this box',
  'tunnel-refused':
    'the LNS {server} refused the tunnel: {result}{message}; check that it knows this LAC by its host name and with the same secret',
  'tunnel-refused-here':
    'this LNS refused the tunnel: {result}{message}; its tunnel peers and its secret decide whom it takes',
  'tunnel-secret': 'the tunnel secrets of both ends differ; set the same at LAC and LNS',
  'session-refused': 'the LNS {server} refused the call: {reason}; the trace and the log of the LNS say why',
  'mru-clash':
    'the packet sizes do not fit together: {reason}; lower the MRU at the LAC, raise it at the LNS, or let the LNS begin LCP anew',
  'proxy-not-taken': 'the LNS could not take what the LAC handed over: {reason}; let it begin LCP anew for this peer',
  'no-common-authentication':
    'PC and box have no way to authenticate in common; allow another protocol (PAP, CHAP, MS-CHAPv2) at one of them',
  'lcp-failed':
    'the PC and the box came to no agreement on the link (LCP): {reason}; the steps below show what each of them asked for',
  'ipcp-failed':
    'the PC and the box came to no agreement on addresses (IPCP): {reason}; let the PC take its address from the box',
  'authentication-timeout': 'the PC did not say in time who it is; check that it has a name and a password to send',
  'pc-silent': 'the PC does not answer; check the line and the PC',
  'link-lost': 'the far end does not answer any more; the line or the way there is broken, or it was switched off',
  loopback: 'what is sent comes back: the line is looped; look for a loop at a modem or a test plug',
  'pc-hung-up': 'the PC hung up; where nobody meant to, its own log says why',
  'lns-hung-up': 'the LNS hung up: {reason}; the trace and the log of the LNS say why',
  'lac-hung-up': 'the LAC hung up: {reason}; the trace and the log of the LAC say why',
  'lns-gone': 'the LNS does not answer any more; it or the way there is down: ping its address from here',
  'peer-gone':
    'the far end of the tunnel does not answer any more; it or the way there is down: ping its address from here',
  administrator: 'it was ended here: {reason}',
  timeout: 'it took too long to come up; the last step below is the one that was waited for',
  other: '{reason}',
} as const;
export type FailureCode = keyof typeof FAILURES;

/** RFC 2661 section 4.4.2, Result Codes of StopCCN. */
const STOP_RESULTS: Readonly<Record<string, string>> = {
  1: 'it clears the tunnel (StopCCN result 1)',
  2: 'a general error (StopCCN result 2)',
  3: 'there is such a tunnel already (StopCCN result 3)',
  4: 'no authorization (StopCCN result 4)',
  5: 'it does not speak this version of L2TP (StopCCN result 5)',
  6: 'it is shutting down (StopCCN result 6)',
  7: 'the messages came in an order that it does not expect (StopCCN result 7)',
};

/** Result Codes of CDN: RFC 2661 section 4.4.2, from 13 on RFC 3931 section 5.4.2. */
const CDN_RESULTS: Readonly<Record<string, string>> = {
  1: 'the carrier was lost (CDN result 1)',
  2: 'a general error (CDN result 2)',
  3: 'for administrative reasons (CDN result 3)',
  4: 'it has no room for the call at present (CDN result 4)',
  5: 'it has no room for such calls at all (CDN result 5)',
  6: 'the called number is not valid (CDN result 6)',
  7: 'no carrier was found (CDN result 7)',
  8: 'the line is busy (CDN result 8)',
  9: 'there is no dial tone (CDN result 9)',
  10: 'the call did not come up in time (CDN result 10)',
  11: 'the call was connected without framing (CDN result 11)',
  13: 'both ends asked for it at once, and the other one goes on (CDN result 13)',
  14: 'it does not carry pseudowires of this type (CDN result 14)',
  15: 'it wants numbered packets, and this end has no sublayer to number them in (CDN result 15)',
  16: 'the messages came in an order that it does not expect (CDN result 16)',
};

/** The reason of an LNS or LAC that gives nothing but a number, in words. */
const inWords = (reason: string): string =>
  reason.replace(/^result (\d+)\b/, (whole, result: string) => CDN_RESULTS[result] ?? whole);

export function failure(code: FailureCode, step: number, parameters: Record<string, string> = {}): Failure {
  const text = FAILURES[code].replace(/\{(\w+)\}/g, (_, name: string) => parameters[name] ?? '');
  return { step, code, parameters, text };
}

/** What failed by this line alone; undefined when nothing did. A line that only follows from another is not one. */
export function failureOf(record: CallStepRecord): Failure | undefined {
  const { what, step, direction, user } = record;
  const { reason = '', server = '' } = fieldsOf(record.detail);
  switch (what) {
    case 'refused':
      return refusedUser(step, reason, user || (fieldsOf(record.detail).user ?? ''));
    case 'no address':
      return noAddress(step, reason);
    case 'the LNS does not take the call':
      return refusedByLns(server, reason);
    case 'what the LAC hands over is not taken':
      return failure(/\bMRU\b/i.test(reason) ? 'mru-clash' : 'proxy-not-taken', 7, { reason });
    case 'StopCCN':
      return stopped(record, direction === 'sent');
    default:
      return undefined;
  }
}

function refusedUser(step: number, reason: string, user: string): Failure {
  if (/does not answer/.test(reason)) return failure('radius-silent', step - 1, { user });
  if (reason === '' || reason === 'Authentication failed') return failure('user-refused', step, { user });
  if (reason === 'Not authorized') return failure('radius-unusable', step, { user });
  if (/has a call already/.test(reason)) return failure('duplicate-login', step, { user });
  if (/sessions already/.test(reason)) return failure('too-many-sessions', step, { user });
  return failure('radius-refused', step, { user, reason });
}

function noAddress(step: number, reason: string): Failure {
  const empty = /^address pool (.*) is exhausted$/.exec(reason)?.[1];
  if (empty !== undefined) return failure('pool-empty', step, { pool: empty });
  const missing = /^there is no address pool (.*?)( for the user)?$/.exec(reason)?.[1];
  return missing === undefined
    ? failure('no-address', step, { reason })
    : failure('pool-missing', step, { pool: missing });
}

function refusedByLns(server: string, reason: string): Failure {
  if (/has no address/.test(reason)) return failure('lns-unknown', 5, { server });
  if (/does not answer/.test(reason)) return failure('lns-silent', /the call$/.test(reason) ? 6 : 5, { server });
  const [, by, result = '', message = ''] = /closed by the (LNS|LAC): result (\d+)(.*)/.exec(reason) ?? [];
  if (by === undefined) {
    return failure(/\bMRU\b/.test(reason) ? 'mru-clash' : 'session-refused', 6, { server, reason });
  }
  if (by === 'LAC') return failure(isOfSecret(message) ? 'tunnel-secret' : 'other', 5, { server, reason });
  return refusedTunnel('tunnel-refused', server, result, message.trim());
}

function refusedTunnel(
  code: 'tunnel-refused' | 'tunnel-refused-here',
  server: string,
  result: string,
  message: string,
) {
  if (isOfSecret(message)) return failure('tunnel-secret', 5, { server });
  const said = STOP_RESULTS[result] ?? `StopCCN result ${result}`;
  return failure(code, 5, { server, result: said, message: message === '' ? '' : `, "${message}"` });
}

const isOfSecret = (message: string): boolean => /challenge|digest|secret|who it says/i.test(message);

/** A tunnel that is closed since nobody uses it any more is no failure. */
function stopped({ detail, peerAddress, step }: CallStepRecord, isOurs: boolean): Failure | undefined {
  const result = /resultCode=\(?(?:result(?:Code)?=)?(\d+)/.exec(detail)?.[1] ?? '';
  const message = /(?:errorMessage|message)=([^,)]*)/.exec(detail)?.[1] ?? '';
  if (result === '1' || result === '6' || result === '') return undefined;
  return {
    ...refusedTunnel(isOurs ? 'tunnel-refused-here' : 'tunnel-refused', peerAddress, result, message),
    step: step || 5,
  };
}

/** Of the reason that a call's end is given in its last line. */
const ENDS: readonly [pattern: RegExp, code: FailureCode, step: number][] = [
  [
    /refuses every authentication protocol|rejects the authentication protocol|refuses to authenticate/,
    'no-common-authentication',
    2,
  ],
  [/authentication took too long|does not authenticate itself|whether we are accepted/, 'authentication-timeout', 3],
  [/not who it says|refuses name or password|Authentication failed/, 'user-refused', 3],
  [/no network protocol|answer IPCP|rejects our network/, 'ipcp-failed', 13],
  [/Echo-Requests/, 'link-lost', 14],
  [/comes back/, 'loopback', 2],
  [/peer is silent/, 'pc-silent', 2],
  [/rejects LCP|no agreement/, 'lcp-failed', 2],
  [/PC has ended|the call is gone/, 'pc-hung-up', 0],
  [/LNS does not answer any more/, 'lns-gone', 0],
  [/acknowledges nothing/, 'peer-gone', 0],
  [/not established in time/, 'timeout', 0],
  [
    /administrator|switched off|may no longer call|has lasted|nothing has passed|taken out of its pool/,
    'administrator',
    0,
  ],
];

function failureOfEnd(record: CallStepRecord): Failure {
  const { reason = '', by = '', terminateCause = '' } = fieldsOf(record.detail);
  const { user, role } = record;
  if (/\bMRU\b/.test(reason)) return failure('mru-clash', 7, { reason });
  const known = ENDS.find(([pattern]) => pattern.test(reason));
  if (known !== undefined) return failure(known[1], known[2], { user, reason });
  // The LNS only tells what the PC did.
  if (terminateCause === 'user-request') return failure('pc-hung-up', 0);
  const byLns = /^the LNS hung up: (.*)/.exec(reason)?.[1];
  if (byLns !== undefined) return failure('lns-hung-up', 0, { reason: inWords(byLns) });
  if (by === 'peer' && role === 'lns') return failure('lac-hung-up', 0, { reason: inWords(reason) });
  return failure('other', 0, { reason: reason || 'the call has ended, and nobody said why' });
}

/** Why the call of these lines failed: the last line that says so itself, or else the reason that its end is given. */
export function explain(records: readonly CallStepRecord[]): Failure | undefined {
  const found = records.flatMap((record) => failureOf(record) ?? []);
  // Whoever is refused for its own fault hears of that; that an LNS refused it too only follows.
  const own = found.findLast(({ code }) => code !== 'session-refused' && code !== 'other');
  if (own !== undefined) return own;
  const end = records.findLast(({ what }) => what === 'call ended');
  return found.at(-1) ?? (end && failureOfEnd(end));
}
