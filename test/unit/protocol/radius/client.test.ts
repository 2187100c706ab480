/** The RADIUS client against a model of servers: RFC 2865, 2866, 5080 section 2.2.1 and 5997, in virtual time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkMessageAuthenticator,
  encryptSalted,
  messageAuthenticator,
  openUserPassword,
  responseAuthenticator,
} from '../../../../firmware/crypto/radius.js';
import { RadiusClient } from '../../../../firmware/protocol/radius/client.js';
import type {
  RadiusClientConfig,
  RadiusClientEvent,
  RadiusServer,
  RadiusTransmit,
} from '../../../../firmware/protocol/radius/client-types.js';
import { emitRadiusPacket, messageAuthenticatorOffset, parseRadiusPacket } from '../../../../firmware/wire/radius.js';
import {
  emitRadiusAttributes,
  parseRadiusAttributes,
  type RadiusValues,
} from '../../../../firmware/wire/radius-attributes.js';
import { SeededRandom } from '../../../fuzz/fuzzer.js';
import { ascii } from '../../../vectors/vectors.js';

const SECRET = ascii('shared secret');
const server = (address: string, more: Partial<RadiusServer> = {}): RadiusServer => ({
  address,
  port: 1812,
  secret: SECRET,
  requiresMessageAuthenticator: true,
  answersStatusServer: false,
  ...more,
});
const [FIRST, SECOND] = ['192.0.2.1', '192.0.2.2'];
const CONFIG: RadiusClientConfig = {
  service: 'authentication',
  servers: [server(FIRST), server(SECOND)],
  sourcePorts: 2,
  initialRetransmission_ms: 2_000,
  maxRetransmission_ms: 8_000,
  maxTransmissions: 6,
  maxDuration_ms: 30_000,
  transmissionsPerServer: 3,
  deadTime_ms: 60_000,
};

/** A client, and all that came of it. */
class Bench {
  readonly client: RadiusClient;
  readonly events: RadiusClientEvent[] = [];
  readonly random: SeededRandom;
  now_ms = 0;
  readonly #config: RadiusClientConfig;

  constructor(config: Partial<RadiusClientConfig> = {}, seed = 1) {
    this.random = new SeededRandom(seed);
    const bytes = (length: number) => Uint8Array.from({ length }, () => this.random.below(256));
    this.#config = { ...CONFIG, ...config };
    this.client = new RadiusClient(this.#config, bytes);
  }

  ask(userName: string, more: { values?: RadiusValues; password?: Uint8Array } = {}): number {
    const { password } = more;
    return this.client.request({ values: { userName, ...more.values }, ...(password && { password }) }, this.now_ms);
  }

  /** Access-Accept or Accounting-Response. */
  get replyCode(): number {
    return this.#config.service === 'accounting' ? 5 : 2;
  }

  sent(): RadiusTransmit[] {
    const all: RadiusTransmit[] = [];
    for (let one = this.client.pollTransmit(); one !== undefined; one = this.client.pollTransmit()) all.push(one);
    return all;
  }

  /** Goes to the next deadline; false where there is none. */
  step(): boolean {
    const next = this.client.pollTimeout();
    if (next === undefined) return false;
    this.now_ms = Math.max(this.now_ms, next);
    this.client.handleTimeout(this.now_ms);
    return true;
  }

  hear(request: RadiusTransmit, datagram: Uint8Array, more: { address?: string; port?: number } = {}): void {
    const { address, port, sourcePortIndex } = { ...request, ...more };
    this.client.handleDatagram({ address, port, sourcePortIndex, datagram }, this.now_ms);
  }

  polled(): RadiusClientEvent[] {
    for (let one = this.client.pollEvent(); one !== undefined; one = this.client.pollEvent()) this.events.push(one);
    return this.events;
  }
}

interface ReplyOptions {
  code?: number;
  values?: RadiusValues;
  secret?: Uint8Array;
  signed?: boolean;
}

/** What a server answers to a request. */
function replyTo(request: Uint8Array, options: ReplyOptions = {}): Uint8Array {
  const { code = 2, values = {}, secret = SECRET, signed = true } = options;
  const authenticator = request.slice(4, 20);
  const unsigned = signed ? [{ type: 80, value: new Uint8Array(16) }] : [];
  const attributes = [...unsigned, ...emitRadiusAttributes(values)];
  const packet = emitRadiusPacket({ code, identifier: request[1], authenticator, attributes });
  if (signed) packet.set(messageAuthenticator(packet, 22, authenticator, secret), 22);
  packet.set(responseAuthenticator(packet, authenticator, secret), 4);
  return packet;
}

const valuesOf = (datagram: Uint8Array) => parseRadiusAttributes(parseRadiusPacket(datagram).attributes).values;

test('an Access-Request has a Message-Authenticator, first, and a User-Password that the server can open', () => {
  const bench = new Bench();
  bench.ask('flopsy', { password: ascii('arctangent') });
  const [{ datagram, address }] = bench.sent();
  const authenticator = datagram.slice(4, 20);
  assert.equal(address, FIRST);
  assert.equal(messageAuthenticatorOffset(parseRadiusPacket(datagram)), 22);
  assert.ok(checkMessageAuthenticator(datagram, 22, authenticator, SECRET));
  assert.deepEqual(openUserPassword(valuesOf(datagram).userPassword!, authenticator, SECRET), ascii('arctangent'));
});

test('the reply comes with Tunnel-Password and MPPE keys in clear', () => {
  const bench = new Bench();
  const requestKey = bench.ask('flopsy');
  const [request] = bench.sent();
  const seal = (text: string) =>
    encryptSalted(ascii(text), Uint8Array.of(0x81, 2), request.datagram.slice(4, 20), SECRET);
  const values = { tunnelPassword: [{ tag: 1, value: seal('tunnel') }], msMppeSendKey: seal('0123456789abcdef') };
  bench.hear(request, replyTo(request.datagram, { values }));
  const [event] = bench.polled();
  assert.ok(event.type === 'reply');
  assert.deepEqual([event.requestKey, event.code, event.serverIndex], [requestKey, 'accept', 0]);
  assert.deepEqual(event.values.tunnelPassword, [{ tag: 1, value: ascii('tunnel') }]);
  assert.deepEqual(event.values.msMppeSendKey, ascii('0123456789abcdef'));
  assert.equal(bench.client.pollTimeout(), undefined);
});

test('RFC 5080 section 2.2.1: waits double up to MRT, a tenth more or less, and end with MRC', () => {
  const bench = new Bench({ servers: [server(FIRST)], transmissionsPerServer: 9, maxDuration_ms: 100_000 });
  bench.ask('flopsy');
  const times: number[] = [];
  const packets: Uint8Array[] = [];
  do {
    for (const { datagram } of bench.sent()) {
      times.push(bench.now_ms);
      packets.push(datagram);
    }
  } while (bench.step());
  const waits = times.slice(1).map((time, i) => time - times[i]);
  assert.equal(times.length, 6);
  for (const [i, wait] of waits.entries()) {
    const ideal = Math.min(2_000 * 2 ** i, 8_000);
    assert.ok(wait > ideal * 0.75 && wait < ideal * 1.25, `wait ${i} of ${wait} ms`);
  }
  // RFC 5080 section 2.2.2: a retransmission is the same packet.
  for (const packet of packets) assert.deepEqual(packet, packets[0]);
  assert.deepEqual(bench.polled(), [{ type: 'no-reply', requestKey: 1 }]);
});

test('a request ends with MRD, however many transmissions are left', () => {
  const bench = new Bench({ maxTransmissions: 100, maxDuration_ms: 10_000 });
  bench.ask('flopsy');
  while (bench.polled().every(({ type }) => type !== 'no-reply')) assert.ok(bench.step());
  assert.equal(bench.now_ms, 10_000);
});

test('a silent server is dead, the next is asked, and later requests go there at once until the time has passed', () => {
  const bench = new Bench();
  const first = bench.ask('flopsy');
  for (let i = 0; i < 3; i++) bench.step();
  const [old, , , next] = bench.sent();
  assert.deepEqual([old.address, next.address], [FIRST, SECOND]);
  bench.hear(next, replyTo(next.datagram));
  bench.ask('mopsy');
  const [later] = bench.sent();
  assert.equal(later.address, SECOND);
  bench.hear(later, replyTo(later.datagram));
  assert.deepEqual(
    bench.polled().map((event) => [event.type, 'serverIndex' in event && event.serverIndex]),
    [
      ['server-dead', 0],
      ['reply', 1],
      ['reply', 1],
    ],
  );
  assert.equal(first, 1);
  assert.ok(bench.step());
  assert.deepEqual(bench.polled().at(-1), { type: 'server-alive', serverIndex: 0 });
  bench.ask('cottontail');
  assert.equal(bench.sent()[0].address, FIRST);
});

test('a server that answers after the next was asked has answered, and lives', () => {
  const bench = new Bench();
  bench.ask('flopsy');
  for (let i = 0; i < 3; i++) bench.step();
  const [slow] = bench.sent();
  bench.hear(slow, replyTo(slow.datagram));
  assert.deepEqual(
    bench.polled().map(({ type }) => type),
    ['server-dead', 'server-alive', 'reply'],
  );
});

const isProbe = ({ datagram }: RadiusTransmit) => datagram[0] === 12;

/** A server that has answered a request and the Status-Server that comes after it, then a request in vain: it is dead. */
function deadAfterStatusServer(bench: Bench, statusReply: ReplyOptions = {}): void {
  bench.ask('mopsy');
  const [request] = bench.sent();
  bench.hear(request, replyTo(request.datagram, { code: bench.replyCode, signed: true }));
  const [introduction] = bench.sent();
  assert.ok(isProbe(introduction) && introduction.address === FIRST);
  bench.hear(introduction, replyTo(introduction.datagram, statusReply));
  bench.now_ms += 1;
  bench.ask('flopsy');
  for (let i = 0; i < 3; i++) bench.step();
  assert.deepEqual(bench.polled().at(-1), { type: 'server-dead', serverIndex: 0 });
}

test('RFC 5997 section 4.3: a dead server is asked by Status-Server until it answers', () => {
  const bench = new Bench({ servers: [server(FIRST, { answersStatusServer: true }), server(SECOND)] });
  deadAfterStatusServer(bench);
  const sent = bench.sent();
  bench.hear(sent.at(-1)!, replyTo(sent.at(-1)!.datagram));
  const unanswered = sent.find(isProbe)!;
  assert.ok(checkMessageAuthenticator(unanswered.datagram, 22, unanswered.datagram.slice(4, 20), SECRET));
  bench.step();
  bench.step();
  const probes = bench.sent();
  assert.ok(probes.length === 2 && probes.every(isProbe) && probes.every(({ address }) => address === FIRST));
  const [first, second] = probes;
  assert.notDeepEqual(first.datagram, second.datagram);
  bench.hear(second, replyTo(second.datagram));
  assert.deepEqual(bench.polled().at(-1), { type: 'server-alive', serverIndex: 0 });
  assert.equal(bench.client.pollTimeout(), undefined);
});

test('Windows NPS: a server that drops Status-Server in silence (RFC 5997 section 4.2) is tried after the dead time', () => {
  const bench = new Bench({ servers: [server(FIRST, { answersStatusServer: true }), server(SECOND)] });
  bench.ask('flopsy');
  for (let i = 0; i < 3; i++) bench.step();
  const dead_ms = bench.now_ms;
  const sent = bench.sent();
  assert.ok(sent.some(isProbe));
  bench.hear(sent.at(-1)!, replyTo(sent.at(-1)!.datagram));
  bench.step();
  assert.ok(bench.now_ms - dead_ms >= 0.9 * CONFIG.deadTime_ms);
  assert.deepEqual(bench.polled().at(-1), { type: 'server-alive', serverIndex: 0 });
});

test('a Status-Server to an accounting port may be answered by Access-Accept (RFC 5997 section 4.2)', () => {
  const bench = new Bench({ service: 'accounting', servers: [server(FIRST, { answersStatusServer: true })] });
  deadAfterStatusServer(bench, { code: 2 });
  const probe = bench.sent().findLast(isProbe)!;
  bench.hear(probe, replyTo(probe.datagram, { code: 2 }));
  assert.deepEqual(bench.polled().at(-1), { type: 'server-alive', serverIndex: 0 });
});

test('FreeRADIUS: the answer to a Status-Server has no Message-Authenticator, and the server lives (RFC 5997 section 5)', () => {
  const bench = new Bench({ servers: [server(FIRST, { answersStatusServer: true })] });
  bench.ask('flopsy');
  for (let i = 0; i < 3; i++) bench.step();
  const probe = bench.sent().find(({ datagram }) => datagram[0] === 12)!;
  bench.hear(probe, replyTo(probe.datagram, { signed: false }));
  assert.deepEqual(
    bench.polled().map(({ type }) => type),
    ['server-dead', 'server-alive'],
  );
});

test('each server has its own account of requests, replies and drops', () => {
  const bench = new Bench({ servers: [server(FIRST), server(SECOND)] });
  bench.ask('flopsy');
  const [first] = bench.sent();
  bench.hear(first, replyTo(first.datagram, { signed: false }));
  for (let i = 0; i < 3; i++) bench.step();
  const second = bench.sent().at(-1)!;
  bench.hear(second, replyTo(second.datagram));
  const [dead, alive] = bench.client.servers();
  assert.deepEqual([dead.address, dead.isDead, dead.requests, dead.replies, dead.noReplies], [FIRST, true, 1, 0, 1]);
  assert.deepEqual(
    [alive.address, alive.isDead, alive.requests, alive.replies, alive.noReplies],
    [SECOND, false, 1, 1, 0],
  );
  assert.equal(dead.drops['message-authenticator-missing'], 1);
  assert.equal(alive.drops['message-authenticator-missing'], 0);
});

test('RFC 2866 section 5.2: a retransmitted Accounting-Request has its delay and a new identifier', () => {
  const bench = new Bench({ service: 'accounting', servers: [server(FIRST)] });
  bench.ask('flopsy', { values: { acctStatusType: 2, acctDelayTime_s: 100 } });
  bench.step();
  const [first, second] = bench.sent();
  const delays = [first, second].map(({ datagram }) => valuesOf(datagram).acctDelayTime_s);
  assert.equal(delays[0], 100);
  assert.equal(delays[1], 100 + Math.floor(bench.now_ms / 1000));
  const slot = ({ sourcePortIndex, datagram }: RadiusTransmit) => `${sourcePortIndex} ${datagram[1]}`;
  assert.notEqual(slot(first), slot(second));
  bench.hear(first, replyTo(first.datagram, { code: 5, signed: false }));
  const [event] = bench.polled();
  assert.ok(event.type === 'reply' && event.code === 'accounting-response');
});

for (const [what, drop, reply] of [
  ['made with another secret', 'authenticator-wrong', (request) => replyTo(request, { secret: ascii('other') })],
  ['without Message-Authenticator', 'message-authenticator-missing', (request) => replyTo(request, { signed: false })],
  ['with a lying length', 'malformed', (request) => replyTo(request).fill(0xff, 2, 4)],
  ['of a code that answers no Access-Request', 'unexpected-code', (request) => replyTo(request, { code: 5 })],
  ['to another identifier', 'no-such-request', (request) => replyTo(request).fill(77, 1, 2)],
] as [string, keyof RadiusClient['counters']['drops'], (request: Uint8Array) => Uint8Array][]) {
  test(`a reply ${what} is a counted drop, and the true one is taken after it`, () => {
    const bench = new Bench();
    bench.ask('flopsy');
    const [request] = bench.sent();
    bench.hear(request, reply(request.datagram));
    assert.equal(bench.client.counters.drops[drop], 1);
    assert.deepEqual(bench.polled(), []);
    bench.hear(request, replyTo(request.datagram));
    assert.equal(bench.polled().length, 1);
  });
}

test('a reply with a wrong Message-Authenticator under a right Response Authenticator is a counted drop', () => {
  const bench = new Bench();
  bench.ask('flopsy');
  const [request] = bench.sent();
  const reply = replyTo(request.datagram);
  reply[22] ^= 1;
  reply.set(request.datagram.subarray(4, 20), 4);
  reply.set(responseAuthenticator(reply, request.datagram.slice(4, 20), SECRET), 4);
  bench.hear(request, reply);
  assert.equal(bench.client.counters.drops['message-authenticator-wrong'], 1);
});

test('a reply from another address or port, and a second one, are counted drops', () => {
  const bench = new Bench();
  bench.ask('flopsy');
  const [request] = bench.sent();
  const reply = replyTo(request.datagram);
  bench.hear(request, reply, { address: '192.0.2.99' });
  bench.hear(request, reply, { port: 1813 });
  bench.hear(request, reply);
  bench.hear(request, reply);
  const { drops } = bench.client.counters;
  assert.deepEqual([drops['unknown-server'], drops['no-such-request']], [2, 1]);
  assert.equal(bench.polled().length, 1);
});

test('the same content while it is under way is one request; another password is another', () => {
  const bench = new Bench();
  const key = bench.ask('flopsy', { password: ascii('one') });
  assert.equal(bench.ask('flopsy', { password: ascii('one') }), key);
  assert.notEqual(bench.ask('flopsy', { password: ascii('two') }), key);
  assert.equal(bench.sent().length, 2);
  bench.client.cancel(key, 0);
  assert.notEqual(bench.ask('flopsy', { password: ascii('one') }), key);
});

test('700 requests with 512 identifiers: all are answered, no identifier is held twice', () => {
  const bench = new Bench({ servers: [server(FIRST)] });
  for (let i = 0; i < 700; i++) bench.ask(`user ${i}`);
  const sent = bench.sent();
  const slots = new Set(sent.map(({ sourcePortIndex, datagram }) => `${sourcePortIndex} ${datagram[1]}`));
  assert.deepEqual([sent.length, slots.size], [512, 512]);
  for (const request of sent) bench.hear(request, replyTo(request.datagram));
  const rest = bench.sent();
  assert.equal(rest.length, 188);
  for (const request of rest) bench.hear(request, replyTo(request.datagram));
  assert.equal(new Set(bench.polled().map((event) => 'requestKey' in event && event.requestKey)).size, 700);
});

test('what no packet can carry is refused before anything is kept', () => {
  const bench = new Bench();
  assert.throws(() => bench.ask('x', { password: new Uint8Array(129) }), RangeError);
  assert.throws(() => bench.ask('x'.repeat(254)), RangeError);
  assert.equal(bench.client.pollTimeout(), undefined);
});

for (let seed = 1; seed <= 20; seed++) {
  test(`under loss, duplication and reordering each request has one outcome, seed ${seed}`, () => {
    const service = seed % 2 === 0 ? 'accounting' : 'authentication';
    const bench = new Bench({ service, sourcePorts: 1 }, seed);
    const { random } = bench;
    const keys = new Set<number>();
    const inFlight: { request: RadiusTransmit; datagram: Uint8Array }[] = [];
    for (let turn = 0; turn < 3000; turn++) {
      if (keys.size < 400) keys.add(bench.ask(`user ${turn}`));
      for (const request of bench.sent()) {
        // The first server is silent for a third of the time.
        if (random.below(10) < 3 || (request.address === FIRST && turn % 300 < 100)) continue;
        const copies = random.below(5) === 0 ? 2 : 1;
        const reply = replyTo(request.datagram, { code: service === 'accounting' ? 5 : 2 + random.below(2) });
        for (let i = 0; i < copies; i++) inFlight.push({ request, datagram: reply });
      }
      const index = random.below(inFlight.length + 1);
      for (const { request, datagram } of inFlight.splice(index, 3)) bench.hear(request, datagram);
      if (random.below(3) === 0) bench.step();
    }
    while (bench.polled().filter((event) => 'requestKey' in event).length < keys.size) assert.ok(bench.step());
    const outcomes = bench.polled().flatMap((event) => ('requestKey' in event ? [event.requestKey] : []));
    assert.equal(outcomes.length, keys.size);
    assert.deepEqual(new Set(outcomes), keys);
    const { requests, replies, noReplies } = bench.client.counters;
    assert.equal(requests, replies + noReplies);
    assert.ok(replies > noReplies);
  });
}
