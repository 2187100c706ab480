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
import type { ControlPacket } from '../../wire/ppp.js';
import type {
  Authenticatee,
  AuthenticateeSignal,
  AuthenticationOutput,
  AuthenticationTiming,
  Authenticator,
  AuthenticatorSignal,
} from './authentication.js';
import type { AuthenticationAnswer, AuthenticationRequest } from './link-types.js';
import { MAX_TEXT_BYTES, printable, readOrDrop, sameOctets } from './peer-octets.js';
import { Retransmission } from './retransmission.js';

export type ChapAlgorithm = 'chap-md5' | 'mschapv2';

/** RFC 2759 section 3; as good a length for MD5. */
const CHALLENGE_BYTES = 16;
const MD5_BYTES = 16;

/** The end that asks. */
export class ChapAuthenticator implements Authenticator {
  readonly #config: { algorithm: ChapAlgorithm; name: string; rechallengeInterval_ms?: number };
  readonly #random: RandomBytes;
  readonly #output: AuthenticationOutput<AuthenticatorSignal>;
  readonly #retransmission: Retransmission;
  #challenge: { identifier: number; value: Uint8Array };
  /** The name in the response that is being asked about, and the one that was accepted first. */
  #askedName: Uint8Array | undefined;
  #acceptedName: Uint8Array | undefined;
  #reply: ControlPacket | undefined;
  #rechallengeAt_ms: number | undefined;

  constructor(
    config: { algorithm: ChapAlgorithm; name: string; rechallengeInterval_ms?: number },
    timing: AuthenticationTiming,
    random: RandomBytes,
    output: AuthenticationOutput<AuthenticatorSignal>,
  ) {
    this.#config = config;
    this.#random = random;
    this.#output = output;
    this.#challenge = { identifier: random(1)[0], value: new Uint8Array(0) };
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
    const value = this.#random(CHALLENGE_BYTES).slice();
    this.#challenge = { identifier: (this.#challenge.identifier + 1) & 0xff, value };
    this.#askedName = undefined;
    this.#reply = undefined;
    this.#rechallengeAt_ms = undefined;
    const data = emitChapValue({ value, name: octets(this.#config.name) });
    const challenge = { code: CHAP_CODE.challenge, identifier: this.#challenge.identifier, data };
    this.#retransmission.start(() => challenge, now_ms);
  }

  /**
   * A Response to the current challenge. The first is asked about, each further one has the same reply: RFC 1994
   * section 4.1, "to prevent discovery of alternative Names and Secrets".
   */
  handlePacket(packet: ControlPacket): void {
    const response = readOrDrop(() => parseChapValue(packet.data));
    if (response === undefined || packet.identifier !== this.#challenge.identifier) return;
    if (this.#reply !== undefined) {
      this.#output.send(this.#reply);
      return;
    }
    if (this.#askedName !== undefined) return;
    this.#retransmission.stop();
    this.#askedName = response.name.slice();
    const request = this.#requestOf(this.#askedName, response.value);
    if (request === undefined) {
      this.#refuse('malformed response');
      return;
    }
    if (this.#acceptedName !== undefined && !sameOctets(this.#acceptedName, this.#askedName)) {
      this.#refuse('another name than before');
      return;
    }
    this.#output.signal({ type: 'request', request });
  }

  answer(answer: AuthenticationAnswer, now_ms: number): void {
    if (this.#askedName === undefined || this.#reply !== undefined) throw new Error('no CHAP Response to answer');
    const message = (answer.message ?? '').slice(0, MAX_TEXT_BYTES);
    if (!answer.accepted) {
      this.#refuse(message);
      return;
    }
    this.#sendReply(CHAP_CODE.success, this.#successData(answer.authenticatorResponse, message));
    const { rechallengeInterval_ms } = this.#config;
    if (rechallengeInterval_ms !== undefined) this.#rechallengeAt_ms = now_ms + rechallengeInterval_ms;
    if (this.#acceptedName !== undefined) return;
    this.#acceptedName = this.#askedName;
    this.#output.signal({ type: 'accepted', name: this.#acceptedName, message });
  }

  handleTimeout(now_ms: number): void {
    this.#retransmission.handleTimeout(now_ms);
    if (this.#rechallengeAt_ms !== undefined && now_ms >= this.#rechallengeAt_ms) this.start(now_ms);
  }

  pollTimeout(): number | undefined {
    return this.#retransmission.pollTimeout() ?? this.#rechallengeAt_ms;
  }

  /** undefined where the value has not the form of the algorithm, so that it cannot be right. */
  #requestOf(name: Uint8Array, value: Uint8Array): AuthenticationRequest | undefined {
    const { identifier, value: challenge } = this.#challenge;
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

  #refuse(message: string): void {
    this.#sendReply(CHAP_CODE.failure, this.#failureData(message));
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

  #sendReply(code: number, data: Uint8Array): void {
    this.#reply = { code, identifier: this.#challenge.identifier, data };
    this.#output.send(this.#reply);
  }
}

interface GivenResponse {
  readonly identifier: number;
  readonly challenge: Uint8Array;
  readonly packet: ControlPacket;
  /** What an MS-CHAPv2 Success must prove; undefined with MD5. */
  readonly expected: string | undefined;
}

/** The end that is asked. */
export class ChapPeer implements Authenticatee {
  readonly #config: { algorithm: ChapAlgorithm; name: string; password: string };
  readonly #random: RandomBytes;
  readonly #output: AuthenticationOutput<AuthenticateeSignal>;
  readonly #retransmission: Retransmission;
  #given: GivenResponse | undefined;
  awaitsVerdict = false;

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

  /** The other end begins. */
  start(): void {}

  handlePacket(packet: ControlPacket, now_ms: number): void {
    if (packet.code === CHAP_CODE.challenge) {
      this.#handleChallenge(packet, now_ms);
      return;
    }
    const isVerdict = packet.code === CHAP_CODE.success || packet.code === CHAP_CODE.failure;
    if (!this.awaitsVerdict || !isVerdict || packet.identifier !== this.#given?.identifier) return;
    this.awaitsVerdict = false;
    this.#retransmission.stop();
    if (packet.code === CHAP_CODE.success) this.#handleSuccess(packet, this.#given);
    else this.#output.signal({ type: 'refused', message: this.#failureMessage(packet) });
  }

  handleTimeout(now_ms: number): void {
    this.#retransmission.handleTimeout(now_ms);
  }

  pollTimeout(): number | undefined {
    return this.#retransmission.pollTimeout();
  }

  /** A repeated challenge has the same response, so that whichever is answered, the answer fits. */
  #handleChallenge(packet: ControlPacket, now_ms: number): void {
    const challenge = readOrDrop(() => parseChapValue(packet.data))?.value;
    if (challenge === undefined) return;
    if (this.#config.algorithm === 'mschapv2' && challenge.length !== CHALLENGE_BYTES) return;
    const given = this.#given;
    if (given?.identifier === packet.identifier && sameOctets(given.challenge, challenge)) {
      this.#output.send(given.packet);
      return;
    }
    this.#given = this.#respond(packet.identifier, challenge.slice());
    this.awaitsVerdict = true;
    const { packet: response } = this.#given;
    this.#retransmission.start(() => response, now_ms);
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
      this.#output.signal({ type: 'accepted', message: printable(packet.data) });
      return;
    }
    const success = readOrDrop(() => parseMsChapV2Success(packet.data));
    if (success === undefined || !equalBytes(octets(success.authenticatorResponse), octets(given.expected))) {
      this.#output.signal({ type: 'refused', message: 'the server does not know the password' });
      return;
    }
    this.#output.signal({ type: 'accepted', message: printable(octets(success.message)) });
  }

  #failureMessage(packet: ControlPacket): string {
    if (this.#config.algorithm === 'chap-md5') return printable(packet.data);
    const failure = readOrDrop(() => parseMsChapV2Failure(packet.data));
    return failure === undefined
      ? printable(packet.data)
      : `error ${failure.errorCode} ${printable(octets(failure.message))}`;
  }
}
