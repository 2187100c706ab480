/**
 * CHAP at both ends, with MD5 (RFC 1994) and as MS-CHAPv2 (RFC 2759).
 * Must not know secrets but our own; what the authenticator makes of a response comes from outside.
 */

import { chapMd5, equalBytes } from '../../crypto/chap.js';
import { generateAuthenticatorResponse, generateNtResponse, ntPasswordHash } from '../../crypto/mschap.js';
import {
  CHAP_CODE,
  emitChapMessage,
  emitChapValue,
  emitMsChapV2Failure,
  emitMsChapV2Response,
  emitMsChapV2Success,
  MS_CHAP_ERROR,
  parseChapValue,
  parseMsChapV2Failure,
  parseMsChapV2Response,
  parseMsChapV2Success,
} from '../../wire/authentication.js';
import { octets, type RandomBytes } from '../../wire/bytes.js';
import { type ControlPacket, PPP_PROTOCOL } from '../../wire/ppp.js';
import type {
  Authenticatee,
  AuthenticateeSignal,
  AuthenticationOutput,
  AuthenticationTiming,
  Authenticator,
  AuthenticatorSignal,
  StandingReply,
} from './authentication.js';
import type { Identifiers } from './identifiers.js';
import type { AuthenticationAnswer, AuthenticationRequest } from './link-types.js';
import { MAX_TEXT_BYTES, printable, readOrDrop, sameOctets } from './peer-octets.js';
import { Retransmission } from './retransmission.js';

export type ChapAlgorithm = 'chap-md5' | 'mschapv2';

/** RFC 2759 section 3; as good a length for MD5. */
const CHALLENGE_BYTES = 16;
const MD5_BYTES = 16;
/** So many challenges have a response of ours that is kept. */
const MAX_OPEN_CHALLENGES = 3;

/** A challenge that is out, and how far it has got. */
interface Challenge {
  readonly identifier: number;
  readonly value: Uint8Array;
  /** The name in the response that was asked about. */
  name: Uint8Array | undefined;
  reply: ControlPacket | undefined;
}

/** The end that asks. */
export class ChapAuthenticator implements Authenticator {
  readonly #config: { algorithm: ChapAlgorithm; name: string; rechallengeInterval_ms?: number };
  readonly #identifiers: Identifiers;
  readonly #random: RandomBytes;
  readonly #output: AuthenticationOutput<AuthenticatorSignal>;
  readonly #retransmission: Retransmission;
  #current: Challenge | undefined;
  /** The name that was accepted first, of a response to a LAC too: it has to stay the same in later rounds. */
  #acceptedName: Uint8Array | undefined;
  #rechallengeAt_ms: number | undefined;
  /** The response that stands is one to a LAC, and does not suffice. */
  #challengeAgain = false;
  #isAccepted = false;

  constructor(
    config: { algorithm: ChapAlgorithm; name: string; rechallengeInterval_ms?: number },
    timing: AuthenticationTiming,
    identifiers: Identifiers,
    random: RandomBytes,
    output: AuthenticationOutput<AuthenticatorSignal>,
  ) {
    this.#config = config;
    this.#random = random;
    this.#output = output;
    this.#identifiers = identifiers;
    this.#retransmission = new Retransmission(
      timing,
      (packet) => output.send(packet),
      () => output.signal({ type: 'unanswered' }),
    );
  }

  /**
   * Sends a new challenge. Until it is answered the same one is repeated: were each transmission a challenge of its
   * own, a slow peer's response would always meet the next challenge, and an MS-CHAPv2 Success the wrong response.
   */
  start(now_ms: number): void {
    const identifier = this.#identifiers.next();
    const value = this.#random(CHALLENGE_BYTES).slice();
    this.#current = { identifier, value, name: undefined, reply: undefined };
    this.#rechallengeAt_ms = undefined;
    const data = emitChapValue({ value, name: octets(this.#config.name) });
    const packet = { code: CHAP_CODE.challenge, identifier, data };
    this.#retransmission.start(() => packet, now_ms);
  }

  /**
   * The LAC's challenge counts as ours, so that a Response which the peer sends again has the same reply. Ours that
   * follow have the next identifiers: to one that it knows a peer replays the answer that it gave before.
   */
  startProxied(request: AuthenticationRequest, challengeAgain: boolean): void {
    if (request.protocol === 'pap') throw new Error('a request of PAP for CHAP');
    const { identifier, challenge, name } = request;
    this.#identifiers.continueAfter(identifier);
    this.#challengeAgain = challengeAgain;
    this.#current = { identifier, value: challenge, name, reply: undefined };
    this.#output.signal({ type: 'request', request });
  }

  /**
   * A Response to the current challenge. The first is asked about, each further one has the same reply: RFC 1994
   * section 4.1, "to prevent discovery of alternative Names and Secrets".
   */
  handlePacket(packet: ControlPacket): void {
    const response = readOrDrop(() => parseChapValue(packet.data));
    const current = this.#current;
    if (response === undefined || packet.identifier !== current?.identifier) return;
    if (current.reply !== undefined) {
      this.#output.send(current.reply);
      return;
    }
    if (current.name !== undefined) return;
    this.#retransmission.stop();
    current.name = response.name.slice();
    const request = this.#requestOf(current, current.name, response.value);
    if (request === undefined) this.#refuse(current, 'malformed response');
    else if (this.#acceptedName !== undefined && !sameOctets(this.#acceptedName, current.name)) {
      this.#refuse(current, 'another name than before');
    } else this.#output.signal({ type: 'request', request });
  }

  answer(answer: AuthenticationAnswer, now_ms: number): void {
    const current = this.#current;
    if (current?.name === undefined || current.reply !== undefined) throw new Error('no CHAP Response to answer');
    const message = (answer.message ?? '').slice(0, MAX_TEXT_BYTES);
    if (!answer.accepted) {
      this.#refuse(current, message);
      return;
    }
    this.#acceptedName = current.name;
    if (this.#challengeAgain) {
      this.#challengeAgain = false;
      this.start(now_ms);
      return;
    }
    this.#sendReply(current, CHAP_CODE.success, this.#successData(answer.authenticatorResponse, message));
    const { rechallengeInterval_ms } = this.#config;
    if (rechallengeInterval_ms !== undefined) this.#rechallengeAt_ms = now_ms + rechallengeInterval_ms;
    if (this.#isAccepted) return;
    this.#isAccepted = true;
    this.#output.signal({ type: 'accepted', name: current.name, message });
  }

  get standing(): StandingReply | undefined {
    const reply = this.#current?.reply;
    return reply !== undefined && this.#rechallengeAt_ms === undefined ? new ChapReply(reply) : undefined;
  }

  handleTimeout(now_ms: number): void {
    this.#retransmission.handleTimeout(now_ms);
    if (this.#rechallengeAt_ms !== undefined && now_ms >= this.#rechallengeAt_ms) this.start(now_ms);
  }

  pollTimeout(): number | undefined {
    return this.#retransmission.pollTimeout() ?? this.#rechallengeAt_ms;
  }

  /** undefined where the value has not the form of the algorithm, so that it cannot be right. */
  #requestOf(current: Challenge, name: Uint8Array, value: Uint8Array): AuthenticationRequest | undefined {
    const { identifier, value: challenge } = current;
    if (this.#config.algorithm === 'mschapv2') {
      const response = readOrDrop(() => parseMsChapV2Response(value));
      if (response === undefined) return undefined;
      const { peerChallenge, ntResponse } = response;
      return { protocol: 'mschapv2', name, identifier, challenge, peerChallenge, ntResponse };
    }
    if (value.length !== MD5_BYTES) return undefined;
    return { protocol: 'chap-md5', name, identifier, challenge, response: value.slice() };
  }

  #successData(authenticatorResponse: string | undefined, message: string): Uint8Array {
    if (this.#config.algorithm === 'chap-md5') return emitChapMessage(message);
    if (authenticatorResponse === undefined) throw new Error('MS-CHAPv2 is accepted without authenticatorResponse');
    return emitMsChapV2Success({ authenticatorResponse, message });
  }

  #refuse(current: Challenge, message: string): void {
    this.#sendReply(current, CHAP_CODE.failure, this.#failureData(message));
    this.#output.signal({ type: 'refused', message });
  }

  /** RFC 2759 section 6; no second try: the link is ended instead. */
  #failureData(message: string): Uint8Array {
    if (this.#config.algorithm === 'chap-md5') return emitChapMessage(message);
    return emitMsChapV2Failure({
      errorCode: MS_CHAP_ERROR.authenticationFailure,
      retryAllowed: false,
      challenge: this.#random(CHALLENGE_BYTES),
      message,
    });
  }

  #sendReply(current: Challenge, code: number, data: Uint8Array): void {
    current.reply = { code, identifier: current.identifier, data };
    this.#output.send(current.reply);
  }
}

/** A Response that comes again, since the Success was lost, has the same one. */
class ChapReply implements StandingReply {
  readonly #reply: ControlPacket;

  constructor(reply: ControlPacket) {
    this.#reply = reply;
  }

  get protocol(): number {
    return PPP_PROTOCOL.chap;
  }

  replyTo({ identifier, data }: ControlPacket): ControlPacket | undefined {
    if (identifier !== this.#reply.identifier) return undefined;
    return readOrDrop(() => parseChapValue(data)) && this.#reply;
  }
}

interface GivenResponse {
  readonly identifier: number;
  readonly challenge: Uint8Array;
  readonly packet: ControlPacket;
  /** What an MS-CHAPv2 Success must prove; undefined with MD5. */
  readonly expected: string | undefined;
}

/**
 * The end that is asked. More than one challenge may be open: one of before a renegotiation can overtake the new one,
 * and only the authenticator knows which of them counts.
 */
export class ChapPeer implements Authenticatee {
  readonly #config: { algorithm: ChapAlgorithm; name: string; password: string };
  readonly #random: RandomBytes;
  readonly #output: AuthenticationOutput<AuthenticateeSignal>;
  readonly #retransmission: Retransmission;
  /** Our responses, the newest last. */
  #given: GivenResponse[] = [];
  #next = 0;
  #isAccepted = false;

  constructor(
    config: { algorithm: ChapAlgorithm; name: string; password: string },
    timing: AuthenticationTiming,
    random: RandomBytes,
    output: AuthenticationOutput<AuthenticateeSignal>,
  ) {
    this.#config = config;
    this.#random = random;
    this.#output = output;
    this.#retransmission = new Retransmission(
      timing,
      (packet) => output.send(packet),
      () => output.signal({ type: 'unanswered' }),
    );
  }

  get awaitsVerdict(): boolean {
    return this.#given.length > 0 && !this.#isAccepted;
  }

  /** The other end begins. */
  start(): void {}

  handlePacket(packet: ControlPacket, now_ms: number): void {
    if (packet.code === CHAP_CODE.challenge) this.#handleChallenge(packet, now_ms);
    else if (packet.code === CHAP_CODE.success || packet.code === CHAP_CODE.failure) this.#handleVerdict(packet);
  }

  handleTimeout(now_ms: number): void {
    this.#retransmission.handleTimeout(now_ms);
  }

  pollTimeout(): number | undefined {
    return this.#retransmission.pollTimeout();
  }

  /**
   * A repeated challenge has the same response, so that whichever is answered, the answer fits. Once we are accepted
   * it is the authenticator's business to repeat what it wants answered.
   */
  #handleChallenge(packet: ControlPacket, now_ms: number): void {
    const challenge = readOrDrop(() => parseChapValue(packet.data))?.value;
    if (challenge === undefined) return;
    if (this.#config.algorithm === 'mschapv2' && challenge.length !== CHALLENGE_BYTES) return;
    const given = this.#given.find(
      (one) => one.identifier === packet.identifier && sameOctets(one.challenge, challenge),
    );
    if (given !== undefined) {
      this.#output.send(given.packet);
      return;
    }
    const response = this.#respond(packet.identifier, challenge.slice());
    this.#given = [...this.#given, response].slice(-MAX_OPEN_CHALLENGES);
    if (this.#isAccepted) {
      this.#output.send(response.packet);
      return;
    }
    this.#next = this.#given.length - 1;
    this.#retransmission.start(() => this.#nextResponse(), now_ms);
  }

  /** The newest response first, then all of them in turn. */
  #nextResponse(): ControlPacket {
    const { packet } = this.#given[this.#next];
    this.#next = (this.#next + 1) % this.#given.length;
    return packet;
  }

  #handleVerdict(packet: ControlPacket): void {
    const given = this.#given.findLast((one) => one.identifier === packet.identifier);
    if (given === undefined) return;
    this.#retransmission.stop();
    if (packet.code === CHAP_CODE.success) this.#handleSuccess(packet, given);
    else this.#output.signal({ type: 'refused', message: this.#failureMessage(packet) });
  }

  #respond(identifier: number, challenge: Uint8Array): GivenResponse {
    const { algorithm, name, password } = this.#config;
    const userName = octets(name);
    const response = (value: Uint8Array, expected?: string): GivenResponse => ({
      identifier,
      challenge,
      packet: { code: CHAP_CODE.response, identifier, data: emitChapValue({ value, name: userName }) },
      expected,
    });
    if (algorithm === 'chap-md5') return response(chapMd5(identifier, octets(password), challenge));
    const peerChallenge = this.#random(CHALLENGE_BYTES).slice();
    const ntResponse = generateNtResponse(challenge, peerChallenge, userName, password);
    return response(
      emitMsChapV2Response({ peerChallenge, ntResponse, flags: 0 }),
      generateAuthenticatorResponse(ntPasswordHash(password), ntResponse, peerChallenge, challenge, userName),
    );
  }

  /** RFC 2759 section 5: without the right authenticator response the peer MUST end the session. */
  #handleSuccess(packet: ControlPacket, given: GivenResponse): void {
    if (given.expected === undefined) {
      this.#accept(printable(packet.data));
      return;
    }
    const success = readOrDrop(() => parseMsChapV2Success(packet.data));
    if (success === undefined || !equalBytes(octets(success.authenticatorResponse), octets(given.expected))) {
      this.#output.signal({ type: 'refused', message: 'the server does not know the password' });
      return;
    }
    this.#accept(printable(octets(success.message)));
  }

  #accept(message: string): void {
    this.#isAccepted = true;
    this.#output.signal({ type: 'accepted', message });
  }

  #failureMessage(packet: ControlPacket): string {
    if (this.#config.algorithm === 'chap-md5') return printable(packet.data);
    const failure = readOrDrop(() => parseMsChapV2Failure(packet.data));
    return failure === undefined
      ? printable(packet.data)
      : `error ${failure.errorCode} ${printable(octets(failure.message))}`;
  }
}
