/** PAP (RFC 1334 section 2) at both ends. Must not know passwords but our own; the answer comes from outside. */

import {
  emitPapMessage,
  emitPapRequest,
  PAP_CODE,
  parsePapMessage,
  parsePapRequest,
} from '../../wire/authentication.js';
import { octets } from '../../wire/bytes.js';
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
import { MAX_TEXT_BYTES, printable, readOrDrop } from './peer-octets.js';
import { Retransmission } from './retransmission.js';

/** The end that asks. The peer sends again what is lost, so there is no timer here. */
export class PapAuthenticator implements Authenticator {
  readonly #output: AuthenticationOutput<AuthenticatorSignal>;
  /** The identifier of the last Authenticate-Request: the reply carries it. */
  #identifier = 0;
  #name: Uint8Array | undefined;
  #reply: { code: number; data: Uint8Array } | undefined;

  constructor(output: AuthenticationOutput<AuthenticatorSignal>) {
    this.#output = output;
  }

  start(): void {}

  startProxied(request: AuthenticationRequest): void {
    this.#identifier = request.identifier;
    this.#name = request.name;
    this.#output.signal({ type: 'request', request });
  }

  /**
   * The first Authenticate-Request is asked about; each further one, with whatever name and password, has the first
   * one's reply (RFC 1334 section 2.2.1: "MUST return the same reply Code").
   */
  handlePacket(packet: ControlPacket): void {
    const request = readOrDrop(() => parsePapRequest(packet.data));
    if (request === undefined) return;
    this.#identifier = packet.identifier;
    if (this.#reply !== undefined) {
      this.#sendReply();
      return;
    }
    if (this.#name !== undefined) return;
    this.#name = request.peerId.slice();
    const password = request.password.slice();
    const { identifier } = packet;
    this.#output.signal({ type: 'request', request: { protocol: 'pap', name: this.#name, identifier, password } });
  }

  answer(answer: AuthenticationAnswer): void {
    if (this.#name === undefined || this.#reply !== undefined) throw new Error('no Authenticate-Request to answer');
    const message = (answer.message ?? '').slice(0, MAX_TEXT_BYTES / 2);
    const code = answer.accepted ? PAP_CODE.authenticateAck : PAP_CODE.authenticateNak;
    this.#reply = { code, data: emitPapMessage(message) };
    this.#sendReply();
    if (answer.accepted) this.#output.signal({ type: 'accepted', name: this.#name, message });
    else this.#output.signal({ type: 'refused', message });
  }

  get standing(): StandingReply | undefined {
    return this.#reply && new PapReply(this.#reply);
  }

  handleTimeout(): void {}

  pollTimeout(): undefined {}

  #sendReply(): void {
    if (this.#reply !== undefined) this.#output.send({ ...this.#reply, identifier: this.#identifier });
  }
}

/** Each Authenticate-Request that comes again has the first one's reply, with its own identifier. */
class PapReply implements StandingReply {
  readonly #reply: { code: number; data: Uint8Array };

  constructor(reply: { code: number; data: Uint8Array }) {
    this.#reply = reply;
  }

  get protocol(): number {
    return PPP_PROTOCOL.pap;
  }

  replyTo({ identifier, data }: ControlPacket): ControlPacket | undefined {
    return readOrDrop(() => parsePapRequest(data)) && { ...this.#reply, identifier };
  }
}

/** The end that is asked: sends name and password until it hears what the other makes of them. */
export class PapPeer implements Authenticatee {
  readonly #output: AuthenticationOutput<AuthenticateeSignal>;
  readonly #data: Uint8Array;
  readonly #identifiers: Identifiers;
  readonly #retransmission: Retransmission;
  readonly #sent = new Set<number>();
  awaitsVerdict = false;

  /** Throws RangeError for a name or a password of more than 255 octets. */
  constructor(
    name: string,
    password: string,
    timing: AuthenticationTiming,
    identifiers: Identifiers,
    output: AuthenticationOutput<AuthenticateeSignal>,
  ) {
    this.#output = output;
    this.#data = emitPapRequest({ peerId: octets(name), password: octets(password) });
    this.#identifiers = identifiers;
    this.#retransmission = new Retransmission(
      timing,
      (packet) => output.send(packet),
      () => output.signal({ type: 'unanswered' }),
    );
  }

  start(now_ms: number): void {
    this.awaitsVerdict = true;
    this.#retransmission.start(() => this.#nextRequest(), now_ms);
  }

  /** The reply to any of our requests will do: a slow authenticator answers the first when the second is out. */
  handlePacket(packet: ControlPacket): void {
    const isReply = packet.code === PAP_CODE.authenticateAck || packet.code === PAP_CODE.authenticateNak;
    if (!this.awaitsVerdict || !isReply || !this.#sent.has(packet.identifier)) return;
    const message = readOrDrop(() => parsePapMessage(packet.data));
    if (message === undefined) return;
    this.awaitsVerdict = false;
    this.#retransmission.stop();
    const type = packet.code === PAP_CODE.authenticateAck ? 'accepted' : 'refused';
    this.#output.signal({ type, message: printable(octets(message)) });
  }

  handleTimeout(now_ms: number): void {
    this.#retransmission.handleTimeout(now_ms);
  }

  pollTimeout(): number | undefined {
    return this.#retransmission.pollTimeout();
  }

  /** RFC 1334 section 2.2.1: the identifier is changed each time. */
  #nextRequest(): ControlPacket {
    const identifier = this.#identifiers.next();
    this.#sent.add(identifier);
    return { code: PAP_CODE.authenticateRequest, identifier, data: this.#data };
  }
}
