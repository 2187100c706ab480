/** Whatever a peer sends: no throw, no flood, no way past authentication, and an end after which all is silent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PppLink, type PppLinkConfig } from '../../../../firmware/protocol/ppp/link.js';
import { ADDRESSES, CLIENT, lns } from './driver.js';
import { seededBytes, seededRandom } from './pair.js';

const PROTOCOLS = [0xc021, 0xc023, 0xc223, 0x8021, 0x8057, 0x80fd, 0x0021, 0x0057, 0x003d, 0x8029];

const octets = fc.uint8Array({ maxLength: 40 });
/** Options with a length that is right, or any octets. */
const options = fc
  .array(fc.tuple(fc.constantFrom(1, 2, 3, 5, 7, 8, 13, 17, 129, 131, 99), fc.uint8Array({ maxLength: 9 })), {
    maxLength: 5,
  })
  .map((list) => Uint8Array.from(list.flatMap(([type, data]) => [type, data.length + 2, ...data])));
const packet = fc
  .record({
    code: fc.integer({ min: 0, max: 16 }),
    identifier: fc.integer({ min: 0, max: 8 }),
    data: fc.oneof(options, octets),
    lie: fc.constantFrom(0, 0, 0, 0, 1, -1, 1000),
  })
  .map(({ code, identifier, data, lie }) => {
    const length = Math.max(0, data.length + 4 + lie);
    return Uint8Array.of(code, identifier, length >> 8, length, ...data);
  });

/** One thing that happens to a link. 'mirror' sends back what it has sent, as another code perhaps. */
const step = fc.oneof(
  fc.record({
    type: fc.constant('frame' as const),
    protocol: fc.constantFrom(...PROTOCOLS),
    information: fc.oneof({ arbitrary: packet, weight: 5 }, { arbitrary: octets, weight: 1 }),
  }),
  fc.record({ type: fc.constant('mirror' as const), code: fc.constantFrom(2, 2, 2, 3, 4, undefined) }),
  fc.record({ type: fc.constant('wait' as const), duration_ms: fc.integer({ min: 0, max: 20_000 }) }),
  fc.record({ type: fc.constant('answer' as const), accepted: fc.boolean() }),
  fc.record({ type: fc.constantFrom('close' as const, 'lowerDown' as const, 'traffic' as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** A link whose owner answers questions only when the script says so. */
class Subject {
  readonly link: PppLink;
  now_ms = 0;
  authenticationsAsked = 0;
  networksAsked = 0;
  isAuthenticated = false;
  isDown = false;
  #last: { protocol: number; information: Uint8Array } | undefined;

  constructor(config: PppLinkConfig, seed: number) {
    this.link = new PppLink(config, seededBytes(seededRandom(seed)));
    this.link.start(0);
    this.drain(20);
  }

  apply(one: Step): void {
    if (one.type === 'frame') this.link.handleFrame(one.protocol, one.information, this.now_ms);
    else if (one.type === 'mirror') this.#mirror(one.code);
    else if (one.type === 'wait') this.#wait(one.duration_ms);
    else if (one.type === 'answer') this.#answer(one.accepted);
    else if (one.type === 'close') this.link.close('enough', this.now_ms);
    else if (one.type === 'lowerDown') this.link.lowerDown(this.now_ms);
    else this.link.noteTraffic(this.now_ms);
    this.drain(20);
  }

  /** Takes all output; one input may bring about `limit` frames at most. */
  drain(limit: number): void {
    for (let event = this.link.pollEvent(); event !== undefined; event = this.link.pollEvent()) {
      assert.equal(this.isDown, false, `${event.type} after down`);
      if (event.type === 'authentication-request') this.authenticationsAsked++;
      else if (event.type === 'network-request') this.networksAsked++;
      else if (event.type === 'authenticated') this.isAuthenticated = true;
      else if (event.type === 'lcp-up') this.isAuthenticated = false;
      else if (event.type === 'down') this.isDown = true;
      if (event.type === 'ipcp-up' || event.type === 'network-request') assert.ok(this.isAuthenticated, event.type);
      assert.ok(this.authenticationsAsked <= 1 && this.networksAsked <= 1, 'one question at a time');
    }
    let frames = 0;
    for (let frame = this.link.pollTransmit(); frame !== undefined; frame = this.link.pollTransmit()) {
      assert.ok(++frames <= limit, 'a flood');
      assert.ok(frame.information.length <= 1500);
      this.#last = frame;
    }
    if (this.isDown) assert.equal(this.link.pollTimeout(), undefined);
  }

  #mirror(code: number | undefined): void {
    if (this.#last === undefined) return;
    const information = this.#last.information.slice();
    if (code !== undefined) information[0] = code;
    this.link.handleFrame(this.#last.protocol, information, this.now_ms);
  }

  #wait(duration_ms: number): void {
    const end_ms = this.now_ms + duration_ms;
    for (
      let due_ms = this.link.pollTimeout();
      due_ms !== undefined && due_ms <= end_ms;
      due_ms = this.link.pollTimeout()
    ) {
      assert.ok(due_ms >= this.now_ms);
      this.now_ms = due_ms;
      this.link.handleTimeout(due_ms);
      this.drain(20);
      assert.notEqual(this.link.pollTimeout(), due_ms, 'a deadline that is never done with');
    }
    this.now_ms = end_ms;
  }

  #answer(accepted: boolean): void {
    if (this.authenticationsAsked > 0) {
      this.authenticationsAsked--;
      this.link.answerAuthentication({ accepted, authenticatorResponse: `S=${'0'.repeat(40)}` }, this.now_ms);
    } else if (this.networksAsked > 0) {
      this.networksAsked--;
      this.link.answerNetwork(accepted ? ADDRESSES : {}, this.now_ms);
    }
  }
}

const CONFIGS: Record<string, PppLinkConfig> = {
  'an LNS that asks for PAP': lns(['pap'], { ipv6: true, echoInterval_ms: 10_000 }),
  'an LNS that asks for MS-CHAPv2 or CHAP': lns(['mschapv2', 'chap-md5'], { ipv6: true }),
};

for (const [name, config] of Object.entries(CONFIGS)) {
  test(`${name}: random packets and events keep the rules`, () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.nat(), (steps, seed) => {
        const subject = new Subject(config, seed);
        for (const one of steps) subject.apply(one);
      }),
      { numRuns: 300 },
    );
  });
}

test('a client: random packets and events keep the rules, with and without an agreement on CHAP before', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.nat(), fc.boolean(), (steps, seed, isAgreed) => {
      const link = new PppLink({ ...CLIENT, ipv6: true }, seededBytes(seededRandom(seed)));
      link.start(0);
      if (isAgreed) {
        const request = link.pollTransmit();
        assert.ok(request);
        link.handleFrame(0xc021, Uint8Array.of(2, ...request.information.subarray(1)), 0);
        link.handleFrame(0xc021, Uint8Array.of(1, 1, 0, 9, 3, 5, 0xc2, 0x23, 5), 0);
        assert.equal(link.phase, 'authenticate');
      }
      let now_ms = 0;
      for (const one of steps) {
        if (one.type === 'frame') link.handleFrame(one.protocol, one.information, now_ms);
        else if (one.type === 'wait') now_ms += one.duration_ms;
        link.handleTimeout(now_ms);
        let frames = 0;
        while (link.pollTransmit() !== undefined) assert.ok(++frames <= 20, 'a flood');
        while (link.pollEvent() !== undefined);
        const due_ms = link.pollTimeout();
        assert.ok(due_ms === undefined || due_ms > now_ms, 'a deadline that is never done with');
      }
    }),
    { numRuns: 300 },
  );
});

test('a peer that only ever sends Configure-Requests, at any rate, does not keep a link for ever', () => {
  const link = new PppLink(lns(['pap']), seededBytes(seededRandom(5)));
  link.start(0);
  let now_ms = 0;
  for (; link.phase !== 'dead' && now_ms < 600_000; now_ms += 100) {
    link.handleFrame(0xc021, Uint8Array.of(1, (now_ms / 100) & 0xff, 0, 4), now_ms);
    link.handleTimeout(now_ms);
    while (link.pollTransmit() !== undefined);
  }
  assert.ok(now_ms <= 60_000, `still there after ${now_ms} ms`);
});
