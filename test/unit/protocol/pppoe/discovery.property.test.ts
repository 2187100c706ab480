/**
 * The access concentrator through any course of events: hosts that ask, ask again, change their minds and vanish, a role that
 * accepts, refuses, closes or takes its time. What must hold, holds after each.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AccessConcentrator } from '../../../../firmware/protocol/pppoe/discovery.js';
import type { PppoeSession } from '../../../../firmware/protocol/pppoe/events.js';
import { PPPOE_CODE, PPPOE_TAG, type PppoeTag, tagValue } from '../../../../firmware/wire/pppoe.js';
import { CONFIG, eventsOf, Host, hostUniq, type Reply, repliesOf, SECRET, seeded, serviceName } from './host.js';

const LIMITS = { maxSessions: 6, maxSessionsPerInterface: 5, maxSessionsPerMac: 2 };
const RATES = { perMac_per_s: 1e6, perInterface_per_s: 1e6 };
const HOSTS = 4;

/** Who does what; `which` chooses among the sessions or the cookies that there are. */
interface Step {
  what: 'padi' | 'padr' | 'padr again' | 'padt' | 'accept' | 'refuse' | 'close';
  host: number;
  which: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom('padi', 'padr', 'padr', 'padr again', 'padt', 'accept', 'accept', 'accept', 'refuse', 'close'),
  host: fc.nat(HOSTS - 1),
  which: fc.nat(50),
});

/** The model beside the machine: what each session should be. */
class Course {
  readonly ac = new AccessConcentrator({ ...CONFIG, ...LIMITS, offers: RATES, requests: RATES }, SECRET, seeded(7));
  /** Two on each interface. */
  readonly #hosts = Array.from({ length: HOSTS }, (_, i) => {
    const { index, mac } = CONFIG.interfaces[i % 2]!;
    return new Host(this.ac, { mac: `02:00:5e:00:54:0${i >> 1}`, interfaceIndex: index, acMac: mac });
  });
  readonly #cookies = new Map<Host, PppoeTag[]>();
  readonly #said: { host: Host; padr: PppoeTag[] }[] = [];
  readonly #padsOf = new Map<number, string>();
  readonly asked = new Map<number, PppoeSession>();
  readonly up = new Map<number, PppoeSession>();
  #requests = 0;

  take({ what, host: number, which }: Step): void {
    const host = this.#hosts[number]!;
    const pick = <T>(list: Iterable<T>): T | undefined => [...list].at(which % Math.max(1, [...list].length));
    const sessions = [...this.up.values(), ...this.asked.values()];
    const [cookie, said] = [pick(this.#cookies.get(host) ?? []), pick(this.#said)];
    if (what === 'padi') this.#padi(host);
    else if (what === 'padr' && cookie !== undefined) {
      this.#padr(host, [serviceName(), hostUniq(String(this.#requests++)), cookie]);
    } else if (what === 'padr again' && said !== undefined) this.#padr(said.host, said.padr);
    else if (what === 'padt') this.#padt(host, pick(sessions));
    else if (what === 'close') this.#close(pick(sessions));
    else if (what === 'accept' || what === 'refuse') this.#answer(pick(this.asked.values()), what === 'accept');
  }

  #padi(host: Host): void {
    const [pado] = host.padi(serviceName());
    if (pado === undefined) return;
    const cookie = { type: PPPOE_TAG.acCookie, value: tagValue(pado.tags, PPPOE_TAG.acCookie)! };
    this.#cookies.set(host, [...(this.#cookies.get(host) ?? []), cookie]);
  }

  #padr(host: Host, padr: PppoeTag[]): void {
    this.#said.push({ host, padr });
    const replies = host.padr(...padr);
    const events = eventsOf(this.ac);
    assert.ok(replies.length + events.length <= 1, 'a PADR has one outcome at most');
    for (const event of events) {
      assert.equal(event.type, 'session-requested');
      this.asked.set(event.session.sessionKey, event.session);
    }
    for (const reply of replies) this.#readPads(reply);
  }

  /** A PADS without a question: a refusal, or that of a session that is up, as it was the first time. */
  #readPads(reply: Reply): void {
    assert.equal(reply.code, PPPOE_CODE.pads);
    if (reply.sessionId === 0) assert.ok(tagValue(reply.tags, PPPOE_TAG.acSystemError) !== undefined);
    else assert.ok([...this.up.keys()].some((key) => this.#padsOf.get(key) === hexOf(reply)));
  }

  #answer(session: PppoeSession | undefined, accepted: boolean): void {
    if (session === undefined) return;
    this.asked.delete(session.sessionKey);
    this.ac.answerSession(session.sessionKey, accepted ? { accepted } : { accepted, error: 'generic' });
    const [pads, ...others] = repliesOf(this.ac);
    assert.deepEqual([pads!.sessionId, others], [accepted ? session.sessionId : 0, []]);
    assert.equal(pads!.ethernet.destination, session.peerMac);
    assert.deepEqual(eventsOf(this.ac), accepted ? [{ type: 'session-up', session }] : []);
    if (!accepted) return;
    this.up.set(session.sessionKey, session);
    this.#padsOf.set(session.sessionKey, hexOf(pads!));
  }

  #padt(host: Host, session: PppoeSession | undefined): void {
    if (session === undefined) return;
    assert.deepEqual(host.padt(session.sessionId), []);
    for (const event of eventsOf(this.ac)) {
      assert.equal(event.type, 'session-closed');
      const { sessionKey, peerMac, sessionId } = event.session;
      assert.deepEqual([peerMac, sessionId], [host.mac, session.sessionId]);
      assert.ok(this.up.delete(sessionKey) || this.asked.delete(sessionKey), 'a session ends once');
    }
  }

  #close(session: PppoeSession | undefined): void {
    if (session === undefined) return;
    const wasUp = this.up.delete(session.sessionKey);
    this.asked.delete(session.sessionKey);
    this.ac.closeSession(session.sessionKey);
    const sent = repliesOf(this.ac).map(({ code, sessionId }) => [code, sessionId]);
    assert.deepEqual(sent, wasUp ? [[PPPOE_CODE.padt, session.sessionId]] : [], 'who has no PADS gets no PADT');
    assert.deepEqual(eventsOf(this.ac), [{ type: 'session-closed', session, by: 'local' }]);
  }

  check(): void {
    const sessions = [...this.asked.values(), ...this.up.values()];
    assert.ok(sessions.length <= LIMITS.maxSessions);
    const perInterface = countBy(sessions, ({ attachment }) => attachment.interfaceIndex);
    for (const count of perInterface.values()) assert.ok(count <= LIMITS.maxSessionsPerInterface);
    const perMac = countBy(sessions, ({ attachment, peerMac }) => `${attachment.interfaceIndex} ${peerMac}`);
    for (const count of perMac.values()) assert.ok(count <= LIMITS.maxSessionsPerMac);
    const ids = countBy(sessions, ({ attachment, sessionId }) => `${attachment.interfaceIndex} ${sessionId}`);
    for (const count of ids.values()) assert.equal(count, 1, 'a SESSION_ID is unique on its interface');
  }

  /** Everything can be ended, and then there is room for all that the limits allow. */
  finish(): void {
    for (const session of [...this.up.values(), ...this.asked.values()]) this.#close(session);
    for (let i = 0; i < LIMITS.maxSessionsPerMac; i++) this.#hosts[0]!.connect();
  }
}

function hexOf({ frame }: Reply): string {
  return Buffer.from(frame).toString('hex');
}

function countBy<T>(list: readonly T[], keyOf: (item: T) => unknown): Map<unknown, number> {
  const counts = new Map<unknown, number>();
  for (const item of list) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}

test('property: limits hold, SESSION_IDs are unique, a session ends once, a repeated PADR gets its PADS again', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 150 }), (steps) => {
      const course = new Course();
      for (const each of steps) {
        course.take(each);
        course.check();
      }
      course.finish();
    }),
    { numRuns: 200 },
  );
});

test('property: what arrives throws nothing, and each frame is answered, asked about or counted', () => {
  const bytes = fc.uint8Array({ maxLength: 60 });
  const code = fc.constantFrom<number>(...Object.values(PPPOE_CODE), 0xd3);
  fc.assert(
    fc.property(code, fc.integer({ min: 0, max: 0xffff }), bytes, (each, sessionId, payload) => {
      const ac = new AccessConcentrator(CONFIG, SECRET, seeded(1));
      const host = new Host(ac);
      const frame = host.frame({ code: each, sessionId, tags: [] });
      frame[frame.length - 1] = payload.length;
      const replies = host.sendFrame(Uint8Array.of(...frame, ...payload));
      const drops = Object.values(ac.counters.drops).reduce((sum, count) => sum + count, 0);
      assert.equal(replies.length + eventsOf(ac).length + drops, 1);
    }),
  );
});
