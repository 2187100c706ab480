/**
 * A link that starts from what a LAC hands over as a fuzz target: neither what the LAC says nor what the user sends then
 * may make it throw. What cannot be taken over is begun anew, as the LNS does it.
 *
 * An input is a list of records as machines.ts has them: the last sent CONFREQ, the last received one, what the user
 * answered, and from then on frames of the user. The answer is
 *   | protocol (8): 0 none | second challenge (8) | ID (8) | length of the challenge (8) | challenge | response |
 */
import {
  type AuthenticationProtocol,
  type AuthenticationRequest,
  PppLink,
  type PppLinkConfig,
  type ProxiedLink,
} from '../../firmware/protocol/ppp/link.js';
import { CONTROL_CODE, PPP_PROTOCOL } from '../../firmware/wire/ppp.js';
import { ascii } from '../vectors/vectors.js';
import type { FuzzTarget } from './fuzzer.js';
import {
  fromRecords,
  LINK,
  linkParty,
  PASSWORD,
  type Party,
  polled,
  randomBytes,
  replay,
  toRecords,
} from './machines.js';

const ANSWERS = [undefined, 'pap', 'chap-md5', 'mschapv2'] as const;
const PEER_CHALLENGE_BYTES = 16;
const USER = ascii('User');

const LNS: PppLinkConfig = {
  side: 'authenticator',
  ...LINK,
  authenticator: { protocols: ['mschapv2', 'chap-md5', 'pap'], name: 'lns' },
};

function emitAnswer(request: AuthenticationRequest | undefined, challengeAgain: boolean): Uint8Array {
  if (request === undefined) return Uint8Array.of(0, Number(challengeAgain), 0, 0);
  const challenge = request.protocol === 'pap' ? new Uint8Array(0) : request.challenge;
  const head = [ANSWERS.indexOf(request.protocol), Number(challengeAgain), request.identifier, challenge.length];
  const response =
    request.protocol === 'pap'
      ? request.password
      : request.protocol === 'chap-md5'
        ? request.response
        : Uint8Array.of(...request.peerChallenge, ...request.ntResponse);
  return Uint8Array.of(...head, ...challenge, ...response);
}

/** Lenient, as a role is that hands on what the AVPs hold. */
function parseAnswer(record: Uint8Array): Pick<ProxiedLink, 'request' | 'challengeAgain'> {
  const [kind = 0, again = 0, identifier = 0, length = 0] = record;
  const challenge = record.slice(4, 4 + length);
  const response = record.slice(4 + length);
  const heads = { name: USER, identifier };
  const protocol = ANSWERS[kind % ANSWERS.length];
  const challengeAgain = (again & 1) === 1;
  if (protocol === undefined) return { request: undefined, challengeAgain };
  if (protocol === 'pap') return { request: { protocol, ...heads, password: response }, challengeAgain };
  if (protocol === 'chap-md5') return { request: { protocol, ...heads, challenge, response }, challengeAgain };
  const peerChallenge = response.slice(0, PEER_CHALLENGE_BYTES);
  const ntResponse = response.slice(PEER_CHALLENGE_BYTES);
  return { request: { protocol, ...heads, challenge, peerChallenge, ntResponse }, challengeAgain };
}

/** The LNS's link: the first three records are the LAC's. */
function proxiedParty(): Party {
  const link = new PppLink(LNS, randomBytes(3));
  const party = linkParty(link);
  const fromLac: Uint8Array[] = [];
  return {
    ...party,
    receive: (packet, now_ms) => {
      if (fromLac.length === 3) {
        party.receive(packet, now_ms);
        return;
      }
      fromLac.push(packet);
      if (fromLac.length < 3) return;
      const [lastSent, lastReceived, answer] = fromLac;
      if (link.startProxied({ lastSent, lastReceived, ...parseAnswer(answer) }, now_ms) !== undefined)
        link.start(now_ms);
    },
  };
}

/** Lets both ends talk until both are silent. */
function talk(one: Party, other: Party): Uint8Array[] {
  const received: Uint8Array[] = [];
  for (let sent = one.send(0), answered = other.send(0); sent.length + answered.length > 0; ) {
    for (const packet of sent) other.receive(packet, 0);
    for (const packet of answered) one.receive(packet, 0);
    received.push(...answered);
    sent = one.send(0);
    answered = other.send(0);
  }
  return received;
}

/** A user who speaks to a LAC up to his answer, and then to the LNS: all that the LNS hears. */
function conversation(protocol: AuthenticationProtocol, challengeAgain: boolean): Uint8Array {
  const lac = new PppLink({ ...LNS, authenticator: { protocols: [protocol], name: 'lac' } }, randomBytes(1));
  const peer = { name: 'User', password: PASSWORD, allow: [protocol] };
  const user = new PppLink({ side: 'peer', ...LINK, peer }, randomBytes(2));
  const ends = { lastSent: new Uint8Array(0), lastReceived: new Uint8Array(0) };
  let request: AuthenticationRequest | undefined;
  lac.start(0);
  user.start(0);
  while (request === undefined) {
    for (const { protocol: number, information } of polled(() => user.pollTransmit())) {
      lac.handleFrame(number, information, 0);
    }
    for (const { protocol: number, information } of polled(() => lac.pollTransmit())) {
      user.handleFrame(number, information, 0);
    }
    for (const event of polled(() => lac.pollEvent())) {
      if (event.type === 'authentication-request') request = event.request;
      if (event.type !== 'message' || event.protocol !== PPP_PROTOCOL.lcp) continue;
      if (event.packet[0] !== CONTROL_CODE.configureRequest) continue;
      ends[event.direction === 'sent' ? 'lastSent' : 'lastReceived'] = event.packet.slice(4);
    }
  }
  // RFC 2661 section 4.4.5 has no type for MS-CHAPv2.
  const answer = emitAnswer(protocol === 'mschapv2' ? undefined : request, challengeAgain);
  const handedOver = [ends.lastSent, ends.lastReceived, answer];
  const lns = proxiedParty();
  for (const record of handedOver) lns.receive(record, 0);
  return toRecords([...handedOver, ...talk(lns, linkParty(user))]);
}

const CONVERSATIONS = [
  conversation('pap', false),
  conversation('chap-md5', false),
  conversation('chap-md5', true),
  conversation('mschapv2', false),
];

/** Nothing of a link that refuses what a LAC says is to be seen. */
function startAlone(input: Uint8Array): void {
  const [lastSent = input, lastReceived = input, answer = input] = fromRecords(input);
  const link = new PppLink(LNS, randomBytes(3));
  const refusal = link.startProxied({ lastSent, lastReceived, ...parseAnswer(answer) }, 0);
  if (refusal === undefined) return;
  if (refusal === '') throw new Error('a refusal without words');
  const traces = [link.pollEvent(), link.pollTransmit(), link.pollTimeout()];
  if (link.phase !== 'dead' || traces.some((trace) => trace !== undefined)) throw new Error('a refusal with traces');
}

export const PROXIED_LINK_TARGETS: readonly FuzzTarget[] = [
  { name: 'ppp-link-proxied', seeds: CONVERSATIONS, run: (input) => replay(proxiedParty, input) },
  {
    name: 'ppp-link-proxied-start',
    seeds: CONVERSATIONS.map((input) => toRecords(fromRecords(input).slice(0, 3))),
    run: startAlone,
  },
];
