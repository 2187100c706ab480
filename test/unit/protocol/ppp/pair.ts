/**
 * Two links against one another on virtual time, over a line that loses, doubles and reorders frames as a seed says.
 * The questions of the authenticator are answered from one user's name and password, after some time.
 */
import assert from 'node:assert/strict';
import { chapMd5, equalBytes } from '../../../../firmware/crypto/chap.js';
import {
  generateAuthenticatorResponse,
  generateNtResponse,
  ntPasswordHash,
} from '../../../../firmware/crypto/mschap.js';
import {
  type AuthenticationAnswer,
  type AuthenticationRequest,
  PppLink,
  type PppLinkConfig,
  type PppLinkEvent,
} from '../../../../firmware/protocol/ppp/link.js';
import { octets, type RandomBytes } from '../../../../firmware/wire/bytes.js';
import { ADDRESSES } from './driver.js';

/** A generator of numbers in [0, 1) that a seed determines (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function seededBytes(random: () => number): RandomBytes {
  return (length_bytes) => Uint8Array.from({ length: length_bytes }, () => Math.floor(random() * 256));
}

export interface Line {
  loss: number;
  duplication: number;
  /** Each frame takes between these times, so that those sent within the difference may change places. */
  delayMin_ms: number;
  delayMax_ms: number;
}

export const PERFECT_LINE: Line = { loss: 0, duplication: 0, delayMin_ms: 20, delayMax_ms: 20 };

interface Timed {
  at_ms: number;
  run: () => void;
}

/** One of the two ends, and what it has told last. */
export class End {
  readonly link: PppLink;
  ipcp: Extract<PppLinkEvent, { type: 'ipcp-up' }> | undefined;
  ipv6cp: Extract<PppLinkEvent, { type: 'ipv6cp-up' }> | undefined;
  down: Extract<PppLinkEvent, { type: 'down' }> | undefined;
  authenticated = 0;
  questions = 0;
  framesSent = 0;

  constructor(config: PppLinkConfig, random: RandomBytes) {
    this.link = new PppLink(config, random);
  }

  get isUp(): boolean {
    return this.ipcp !== undefined && this.ipv6cp !== undefined;
  }

  note(event: PppLinkEvent): void {
    assert.equal(this.down, undefined, `${event.type} after down`);
    if (event.type === 'ipcp-up') this.ipcp = event;
    else if (event.type === 'ipcp-down') this.ipcp = undefined;
    else if (event.type === 'ipv6cp-up') this.ipv6cp = event;
    else if (event.type === 'ipv6cp-down') this.ipv6cp = undefined;
    else if (event.type === 'authenticated') this.authenticated++;
    else if (event.type === 'down') this.down = event;
  }
}

export class Pair {
  readonly server: End;
  readonly client: End;
  now_ms = 0;
  readonly #random: () => number;
  readonly #line: Line;
  readonly #password: string;
  #timed: Timed[] = [];

  constructor(seed: number, line: Line, server: PppLinkConfig, client: PppLinkConfig, password = 'secret') {
    this.#random = seededRandom(seed);
    this.#line = line;
    this.#password = password;
    this.server = new End(server, seededBytes(this.#random));
    this.client = new End(client, seededBytes(this.#random));
  }

  /** The call is connected at both ends, not quite at the same time. */
  start(): this {
    for (const end of [this.server, this.client]) {
      this.#in(this.#random() * 100, () => end.link.start(this.now_ms));
    }
    return this;
  }

  /** Lets time pass until `isDone` or for so long. */
  run(duration_ms: number, isDone: () => boolean = () => false): this {
    const end_ms = this.now_ms + duration_ms;
    for (;;) {
      this.#drain(this.server, this.client);
      this.#drain(this.client, this.server);
      if (isDone()) return this;
      const due_ms = Math.min(
        this.#timed[0]?.at_ms ?? Number.POSITIVE_INFINITY,
        this.server.link.pollTimeout() ?? Number.POSITIVE_INFINITY,
        this.client.link.pollTimeout() ?? Number.POSITIVE_INFINITY,
      );
      if (due_ms > end_ms) break;
      this.now_ms = Math.max(this.now_ms, due_ms);
      if (this.#timed[0]?.at_ms === due_ms) this.#timed.shift()?.run();
      this.server.link.handleTimeout(this.now_ms);
      this.client.link.handleTimeout(this.now_ms);
    }
    this.now_ms = end_ms;
    return this;
  }

  #in(delay_ms: number, run: () => void): void {
    this.#timed.push({ at_ms: this.now_ms + delay_ms, run });
    this.#timed.sort((a, b) => a.at_ms - b.at_ms);
  }

  #drain(from: End, to: End): void {
    for (let event = from.link.pollEvent(); event !== undefined; event = from.link.pollEvent()) {
      from.note(event);
      if (event.type === 'authentication-request') this.#authenticate(from, event.request);
      else if (event.type === 'network-request') this.#assign(from);
      // As CDN would: the other end hears of it some time later.
      else if (event.type === 'down') this.#in(200, () => to.link.lowerDown(this.now_ms));
    }
    for (let frame = from.link.pollTransmit(); frame !== undefined; frame = from.link.pollTransmit()) {
      from.framesSent++;
      const { protocol, information } = frame;
      const copies = this.#random() < this.#line.duplication ? 2 : 1;
      for (let copy = 0; copy < copies; copy++) {
        if (this.#random() < this.#line.loss) continue;
        const { delayMin_ms, delayMax_ms } = this.#line;
        const delay_ms = delayMin_ms + this.#random() * (delayMax_ms - delayMin_ms);
        this.#in(delay_ms, () => to.link.handleFrame(protocol, information, this.now_ms));
      }
    }
  }

  #authenticate(end: End, request: AuthenticationRequest): void {
    end.questions++;
    const answer = judge(request, this.#password);
    this.#in(this.#random() * 500, () => end.link.answerAuthentication(answer, this.now_ms));
  }

  #assign(end: End): void {
    const ipv6 = {
      localInterfaceId: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1),
      peerInterfaceId: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 2),
    };
    this.#in(this.#random() * 500, () => end.link.answerNetwork({ ...ADDRESSES, ipv6 }, this.now_ms));
  }
}

/** What a user table with alice in it says. */
function judge(request: AuthenticationRequest, password: string): AuthenticationAnswer {
  if (!equalBytes(request.name, octets('alice'))) return { accepted: false, message: 'who?' };
  switch (request.protocol) {
    case 'pap':
      return { accepted: equalBytes(request.password, octets(password)) };
    case 'chap-md5':
      return {
        accepted: equalBytes(request.response, chapMd5(request.identifier, octets(password), request.challenge)),
      };
    case 'mschapv2': {
      const { challenge, peerChallenge, ntResponse, name } = request;
      if (!equalBytes(ntResponse, generateNtResponse(challenge, peerChallenge, name, password))) {
        return { accepted: false };
      }
      const hash = ntPasswordHash(password);
      return {
        accepted: true,
        authenticatorResponse: generateAuthenticatorResponse(hash, ntResponse, peerChallenge, challenge, name),
      };
    }
  }
}
