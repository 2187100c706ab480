/** One PPP link under test, its clock, and its peer played by hand in the notation of notation.ts. */
import assert from 'node:assert/strict';
import { PppLink, type PppLinkConfig, type PppLinkEvent } from '../../../../firmware/protocol/ppp/link.js';
import type { RandomBytes } from '../../../../firmware/wire/bytes.js';
import { frame, line } from './notation.js';

/** The n-th call gives octets that are all n: an identifier of 1, a magic number of 02020202, and so on. */
export function countingRandom(): RandomBytes {
  let calls = 0;
  return (length_bytes) => {
    calls++;
    return new Uint8Array(length_bytes).fill(calls);
  };
}

export const TIMERS = {
  echoInterval_ms: 0,
  echoFailures: 3,
  restartTimer_ms: 3000,
  ncpRestartTimer_ms: 1000,
  maxConfigure: 10,
  maxTerminate: 2,
  maxFailure: 5,
  authenticationTimeout_ms: 60_000,
};

/** An LNS's link that asks nobody who he is. */
export const LNS_OPEN: PppLinkConfig = { side: 'authenticator', mru_bytes: 1400, ipv4: true, ipv6: false, ...TIMERS };
/** A LAC client's link. */
export const CLIENT: PppLinkConfig = {
  side: 'peer',
  mru_bytes: 1400,
  peer: { name: 'alice', password: 'secret', allow: ['mschapv2', 'chap-md5', 'pap'] },
  ipv4: true,
  ipv6: false,
  ...TIMERS,
};

export function lns(
  protocols: readonly ('pap' | 'chap-md5' | 'mschapv2')[],
  more: Partial<PppLinkConfig> = {},
): PppLinkConfig {
  return { ...LNS_OPEN, authenticator: { protocols, name: 'lns' }, ...more };
}

export const ADDRESSES = {
  ipv4: { localAddress: '10.0.0.1', peerAddress: '10.0.0.7', dns: ['10.0.0.53', '10.0.1.53'], nbns: [] },
};

export class Driver {
  readonly link: PppLink;
  now_ms = 0;
  #events: PppLinkEvent[] = [];

  constructor(config: PppLinkConfig, random: RandomBytes = countingRandom()) {
    this.link = new PppLink(config, random);
  }

  start(): this {
    this.link.start(this.now_ms);
    return this;
  }

  /** The peer sends these packets. */
  receive(...lines: string[]): this {
    for (const one of lines) {
      const { protocol, information } = frame(one);
      this.link.handleFrame(protocol, information, this.now_ms);
    }
    return this;
  }

  /** What the link has sent since it was last asked. */
  sent(): string[] {
    const lines: string[] = [];
    for (let one = this.link.pollTransmit(); one !== undefined; one = this.link.pollTransmit()) lines.push(line(one));
    return lines;
  }

  /** What the link has told since it was last asked, its packets left out. */
  events(): PppLinkEvent[] {
    for (let event = this.link.pollEvent(); event !== undefined; event = this.link.pollEvent()) {
      if (event.type !== 'message') this.#events.push(event);
    }
    const events = this.#events;
    this.#events = [];
    return events;
  }

  eventTypes(): string[] {
    return this.events().map((event) => event.type);
  }

  /** Lets time pass; every deadline on the way is kept to the millisecond. */
  wait(duration_ms: number): this {
    const end_ms = this.now_ms + duration_ms;
    for (
      let due_ms = this.link.pollTimeout();
      due_ms !== undefined && due_ms <= end_ms;
      due_ms = this.link.pollTimeout()
    ) {
      assert.ok(due_ms >= this.now_ms, 'a deadline lies in the past after it was handled');
      this.now_ms = due_ms;
      this.link.handleTimeout(due_ms);
      assert.notEqual(this.link.pollTimeout(), due_ms, 'a deadline stays after it was handled');
    }
    this.now_ms = end_ms;
    return this;
  }

  /** Brings LCP up: the peer acknowledges what the link asks for, and asks for `options` itself. */
  openLcp(...options: string[]): this {
    if (this.link.phase === 'dead') this.start();
    this.receive(['LCP Configure-Request 77', ...options].join(' '));
    const sent = this.sent();
    const request = sent.find((one) => one.startsWith('LCP Configure-Request'));
    assert.ok(request, 'no Configure-Request');
    assert.ok(sent.includes(['LCP Configure-Ack 77', ...options].join(' ')), 'no Configure-Ack');
    this.receive(request.replace('Configure-Request', 'Configure-Ack'));
    this.#early = this.sent();
    return this;
  }

  /** What went out right behind the Configure-Ack that opened LCP. */
  #early: string[] = [];
  sentAfterLcp(): string[] {
    const lines = this.#early;
    this.#early = [];
    return lines;
  }
}

/** The event of that type, which must be among them. */
export function find<Type extends PppLinkEvent['type']>(
  events: readonly PppLinkEvent[],
  type: Type,
): Extract<PppLinkEvent, { type: Type }> {
  const event = events.find((one) => one.type === type);
  assert.ok(event, `no event ${type}`);
  return event as Extract<PppLinkEvent, { type: Type }>;
}
