/** The access concentrator, in the words of RFC 2516 sections 5 and 9 and appendix A, and of RFC 4638. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AccessConcentrator } from '../../../../firmware/protocol/pppoe/discovery.js';
import type { AccessConcentratorConfig } from '../../../../firmware/protocol/pppoe/events.js';
import { emitAccessLine } from '../../../../firmware/wire/access-line.js';
import { BROADCAST_MAC, emitEthernetHeader, type VlanTag } from '../../../../firmware/wire/ethernet.js';
import {
  emitPppMaxPayload,
  PPPOE_CODE,
  PPPOE_ETHER_TYPE,
  PPPOE_TAG,
  type PppoeTag,
  tagValue,
} from '../../../../firmware/wire/pppoe.js';
import { ascii, fromHex } from '../../../vectors/vectors.js';
import {
  AC_MAC,
  CONFIG,
  dropsOf,
  eventsOf,
  HOST_MAC,
  Host,
  hostUniq,
  INTERFACE,
  repliesOf,
  requestedBy,
  SECRET,
  seeded,
  serviceName,
} from './host.js';

function concentrator(changes: Partial<AccessConcentratorConfig> = {}, seed = 1): AccessConcentrator {
  return new AccessConcentrator({ ...CONFIG, ...changes }, SECRET, seeded(seed));
}

function pair(changes: Partial<AccessConcentratorConfig> = {}) {
  const ac = concentrator(changes);
  return { ac, host: new Host(ac) };
}

function vlan(vlanId: number, tagProtocol = 0x8100, priority = 0): VlanTag {
  return { tagProtocol, priority, dropEligible: false, vlanId };
}

const RELAY: PppoeTag = { type: PPPOE_TAG.relaySessionId, value: ascii('relay 12 oct') };

function textsOf(tags: readonly PppoeTag[], type: number): string[] {
  return tags.filter((tag) => tag.type === type).map(({ value }) => Buffer.from(value).toString('latin1'));
}

describe('PADI and PADO (section 5.2)', () => {
  test('a PADI is answered to the unicast address of its host, with SESSION_ID 0', () => {
    const { ac, host } = pair();
    const [pado, ...others] = host.padi(serviceName());
    assert.equal(others.length, 0);
    assert.deepEqual([pado!.code, pado!.sessionId, pado!.interfaceIndex], [PPPOE_CODE.pado, 0, INTERFACE]);
    const { destination, source, tags, etherType } = pado!.ethernet;
    assert.deepEqual([destination, source, etherType], [HOST_MAC, AC_MAC, PPPOE_ETHER_TYPE.discovery]);
    assert.deepEqual(tags, []);
    assert.deepEqual(ac.counters.received, { padi: 1, padr: 0, padt: 0 });
    assert.deepEqual(ac.counters.sent, { pado: 1, pads: 0, padt: 0 });
    assert.deepEqual(dropsOf(ac), {});
  });

  test('the PADO has one AC-Name, a Service-Name identical to the PADI’s, and those of the other services', () => {
    const { host } = pair();
    for (const [asked, names] of [
      ['', ['', 'internet', 'voice']],
      ['voice', ['voice', 'internet']],
    ] as const) {
      const [pado] = host.padi(serviceName(asked));
      assert.deepEqual(textsOf(pado!.tags, PPPOE_TAG.acName), ['ac.example']);
      assert.deepEqual(textsOf(pado!.tags, PPPOE_TAG.serviceName), names);
    }
  });

  test('names are UTF-8 (section 8)', () => {
    const { ac, host } = pair({ acName: 'Zürich', serviceNames: ['Köln', '東'] });
    for (const name of ['Köln', '東']) {
      const [pado] = host.padi({ type: PPPOE_TAG.serviceName, value: new TextEncoder().encode(name) });
      assert.deepEqual(tagValue(pado!.tags, PPPOE_TAG.acName), fromHex('5a c3bc 72696368'));
      assert.equal(textsOf(pado!.tags, PPPOE_TAG.serviceName).length, 2);
    }
    host.padr(serviceName(), host.cookie());
    const answer = { accepted: false, error: 'generic', message: 'voll, später' } as const;
    ac.answerSession(requestedBy(ac).sessionKey, answer);
    const told = tagValue(repliesOf(ac)[0]!.tags, PPPOE_TAG.genericError)!;
    assert.equal(Buffer.from(told).toString('utf8'), answer.message);
  });

  test('who cannot serve the service MUST NOT respond with a PADO', () => {
    const { ac, host } = pair();
    assert.deepEqual(host.padi(serviceName('television')), []);
    assert.deepEqual(dropsOf(ac), { 'service-name-unknown': 1 });
  });

  test('section 9: never refuse a Service-Name and return what was sent, or take none but that of length zero', () => {
    const any = pair({ serviceNames: [], servesAnyName: true }).host;
    assert.deepEqual(textsOf(any.padi(serviceName('television'))[0]!.tags, PPPOE_TAG.serviceName), ['television']);
    const none = pair({ serviceNames: [] });
    assert.deepEqual(none.host.padi(serviceName('internet')), []);
    assert.deepEqual(textsOf(none.host.padi(serviceName())[0]!.tags, PPPOE_TAG.serviceName), ['']);
  });

  test('a PADI has exactly one Service-Name (section 5.1)', () => {
    const { ac, host } = pair();
    assert.deepEqual(host.padi(), []);
    assert.deepEqual(host.padi(serviceName(), serviceName('internet')), []);
    assert.deepEqual(dropsOf(ac), { 'service-name-count': 2 });
  });

  test('a PADI of more than 1484 octets with its header is not answered (section 5.1)', () => {
    const { ac, host } = pair({ serviceNames: [] });
    // 6 octets of header, 4 of Service-Name, 4 in front of the value.
    assert.equal(host.padi(serviceName(), hostUniq('x'.repeat(1470 - 100))).length, 1);
    assert.deepEqual(host.padi(serviceName(), hostUniq('x'.repeat(1471))), []);
    assert.deepEqual(dropsOf(ac), { 'too-long': 1 });
  });

  test('a PADO that would not fit into a frame is not sent', () => {
    const { ac, host } = pair();
    assert.deepEqual(host.padi(serviceName(), hostUniq('x'.repeat(1470))), []);
    assert.deepEqual(dropsOf(ac), { 'reply-too-long': 1 });
  });

  test('Host-Uniq and Relay-Session-Id come back unmodified, and nothing comes back that was not sent (appendix A)', () => {
    const { host } = pair();
    const uniq = { type: PPPOE_TAG.hostUniq, value: fromHex('00ff0000deadbeef00') };
    const [pado] = host.padi(serviceName(), uniq, RELAY, { type: 0x7777, value: ascii('unknown') });
    assert.deepEqual(tagValue(pado!.tags, PPPOE_TAG.hostUniq), uniq.value);
    assert.deepEqual(tagValue(pado!.tags, PPPOE_TAG.relaySessionId), RELAY.value);
    assert.equal(tagValue(pado!.tags, 0x7777), undefined);
    const plain = new Set(host.padi(serviceName())[0]!.tags.map(({ type }) => type));
    assert.deepEqual(plain, new Set([PPPOE_TAG.acName, PPPOE_TAG.serviceName, PPPOE_TAG.acCookie]));
  });

  test('a host behind one or two VLAN tags is answered behind the same', () => {
    const ac = concentrator();
    for (const tags of [[vlan(100, 0x8100, 3)], [vlan(7, 0x88a8), vlan(100)]]) {
      const [pado] = new Host(ac, { tags }).padi(serviceName());
      assert.deepEqual(pado!.ethernet.tags, tags);
    }
  });

  test('nothing is kept of a PADI', () => {
    const ac = concentrator({ offers: { perMac_per_s: 1e6, perInterface_per_s: 1e6 } });
    const hosts = Array.from({ length: 500 }, (_, i) => new Host(ac, { mac: `02:00:00:00:00:${hexOctet(i % 256)}` }));
    for (const host of hosts) assert.equal(host.padi(serviceName()).length, 1);
    assert.deepEqual(eventsOf(ac), []);
    const [late, fresh] = [concentrator({}, 1), hosts[0]!];
    const cookie = fresh.cookie();
    const other = new Host(late, { mac: fresh.mac });
    other.padr(serviceName(), cookie);
    assert.equal(requestedBy(late).peerMac, fresh.mac, 'the secret alone makes the offer known again');
  });
});

function hexOctet(value: number): string {
  return value.toString(16).padStart(2, '0');
}

describe('PADR and PADS (section 5.4)', () => {
  test('a PADR with our cookie asks; the answer is a PADS with a SESSION_ID to the host', () => {
    const { ac, host } = pair();
    assert.deepEqual(host.padr(serviceName('internet'), hostUniq('h1'), RELAY, host.cookie(serviceName(), RELAY)), []);
    const session = requestedBy(ac);
    assert.deepEqual(
      [session.peerMac, session.localMac, session.serviceName, session.maxPayload_bytes],
      [HOST_MAC, AC_MAC, 'internet', 1492],
    );
    assert.deepEqual(session.attachment, { interfaceIndex: INTERFACE, tags: [] });
    assert.ok(session.sessionId > 0 && session.sessionId < 0xffff);
    ac.answerSession(session.sessionKey, { accepted: true });
    const [pads, ...others] = repliesOf(ac);
    assert.equal(others.length, 0);
    assert.deepEqual([pads!.code, pads!.sessionId], [PPPOE_CODE.pads, session.sessionId]);
    assert.deepEqual([pads!.ethernet.destination, pads!.ethernet.source], [HOST_MAC, AC_MAC]);
    assert.deepEqual(pads!.tags, [serviceName('internet'), hostUniq('h1'), RELAY]);
    assert.deepEqual(eventsOf(ac), [{ type: 'session-up', session }]);
    assert.deepEqual(ac.counters.sent, { pado: 1, pads: 1, padt: 0 });
    assert.deepEqual(dropsOf(ac), {});
  });

  test('an unknown Service-Name is answered with a PADS with Service-Name-Error and SESSION_ID 0', () => {
    const { ac, host } = pair();
    const [pads] = host.padr(serviceName('television'), hostUniq('h1'), host.cookie());
    assert.deepEqual([pads!.code, pads!.sessionId], [PPPOE_CODE.pads, 0]);
    assert.deepEqual(pads!.tags, [
      serviceName('television'),
      hostUniq('h1'),
      { type: PPPOE_TAG.serviceNameError, value: new Uint8Array(0) },
    ]);
    assert.deepEqual(eventsOf(ac), []);
    assert.deepEqual(dropsOf(ac), { 'service-name-unknown': 1 });
  });

  for (const [error, type] of [
    ['service-name', PPPOE_TAG.serviceNameError],
    ['ac-system', PPPOE_TAG.acSystemError],
    ['generic', PPPOE_TAG.genericError],
  ] as const) {
    test(`a request refused for ${error} is told so by TAG 0x0${type.toString(16)}, and leaves nothing`, () => {
      const { ac, host } = pair();
      host.padr(serviceName(), host.cookie());
      const { sessionKey } = requestedBy(ac);
      ac.answerSession(sessionKey, { accepted: false, error, message: 'not today' });
      const [pads] = repliesOf(ac);
      assert.deepEqual([pads!.code, pads!.sessionId], [PPPOE_CODE.pads, 0]);
      assert.deepEqual(pads!.tags, [serviceName(), { type, value: ascii('not today') }]);
      ac.answerSession(sessionKey, { accepted: true });
      ac.closeSession(sessionKey);
      assert.deepEqual([repliesOf(ac), eventsOf(ac)], [[], []]);
    });
  }

  test('the same PADR again is answered with the same PADS, and is no second session', () => {
    const { ac, host } = pair();
    const { pads, padr } = host.connect(serviceName(), hostUniq('h1'));
    const [again, ...others] = host.padr(...padr);
    assert.deepEqual(again!.frame, pads.frame);
    assert.deepEqual([others, eventsOf(ac)], [[], []]);
    assert.equal(ac.counters.sent.pads, 2);
  });

  test('the PADS again is the first one’s, whatever else the PADR has changed: its priority, TAGs that nobody echoes', () => {
    const ac = concentrator();
    const { pads, padr } = new Host(ac, { tags: [vlan(5)] }).connect(serviceName(), hostUniq('h1'));
    const [again] = new Host(ac, { tags: [vlan(5, 0x8100, 6)] }).padr({ type: 0x7777, value: ascii('?') }, ...padr);
    assert.deepEqual(again!.frame, pads.frame);
  });

  test('a PADR that does not fit into an Ethernet frame of 1500 octets is no request, on whatever interface', () => {
    const ac = concentrator({ interfaces: [{ index: INTERFACE, mac: AC_MAC, mtu_bytes: 9000 }] });
    const host = new Host(ac);
    const cookie = host.cookie();
    const [longest_bytes, others_bytes] = [1500, 6 + 4 + 4 + 4 + cookie.value.length];
    host.padr(serviceName(), hostUniq('x'.repeat(longest_bytes - others_bytes + 1)), cookie);
    assert.deepEqual([eventsOf(ac), dropsOf(ac)], [[], { 'too-long': 1 }]);
    host.padr(serviceName(), hostUniq('x'.repeat(longest_bytes - others_bytes)), cookie);
    ac.answerSession(requestedBy(ac).sessionKey, { accepted: true });
    assert.equal(repliesOf(ac).length, 1);
  });

  test('the same PADR again while its question is open asks nothing more', () => {
    const { ac, host } = pair();
    const padr = [serviceName(), host.cookie()];
    host.padr(...padr);
    host.padr(...padr);
    const { sessionKey } = requestedBy(ac);
    assert.deepEqual(dropsOf(ac), { 'request-pending': 1 });
    ac.answerSession(sessionKey, { accepted: true });
    assert.equal(repliesOf(ac).length, 1);
  });

  test('a host that has crashed and asks anew gets another session, whatever its Host-Uniq', () => {
    const { host } = pair();
    const first = host.connect(serviceName(), hostUniq('1'));
    const second = host.connect(serviceName(), hostUniq('1'));
    assert.notEqual(first.session.sessionKey, second.session.sessionKey);
    assert.notEqual(first.session.sessionId, second.session.sessionId);
  });

  test('two PCs with one MAC address have a session each, and each its own end', () => {
    const ac = concentrator();
    const [one, other] = [new Host(ac), new Host(ac)];
    const cookies = [one.cookie(serviceName(), hostUniq('one')), other.cookie(serviceName(), hostUniq('other'))];
    const sessions = [one, other].map((host, i) => {
      host.padr(serviceName(), hostUniq(i === 0 ? 'one' : 'other'), cookies[i]!);
      const session = requestedBy(ac);
      ac.answerSession(session.sessionKey, { accepted: true });
      assert.equal(eventsOf(ac).length, 1);
      return { session, pads: repliesOf(ac)[0]! };
    });
    assert.notEqual(sessions[0]!.session.sessionId, sessions[1]!.session.sessionId);
    assert.deepEqual(tagValue(sessions[1]!.pads.tags, PPPOE_TAG.hostUniq), ascii('other'));
    one.padt(sessions[0]!.session.sessionId);
    assert.deepEqual(eventsOf(ac), [{ type: 'session-closed', session: sessions[0]!.session, by: 'peer' }]);
    ac.closeSession(sessions[1]!.session.sessionKey);
    assert.equal(repliesOf(ac)[0]!.sessionId, sessions[1]!.session.sessionId);
  });

  test('appendix A: a Host-Uniq of its own makes a request its own, with one cookie too', () => {
    const { ac, host } = pair();
    const cookie = host.cookie();
    host.padr(serviceName(), hostUniq('one'), cookie);
    host.padr(serviceName(), hostUniq('two'), cookie);
    assert.equal(eventsOf(ac).length, 2);
  });

  test('SESSION_IDs are random, never 0 or 0xffff, and unique on an interface to the last', () => {
    const rates = { perMac_per_s: 1e9, perInterface_per_s: 1e9 };
    const limits = { maxSessions: 65_534, maxSessionsPerInterface: 65_534, maxSessionsPerMac: 65_534 };
    const ac = concentrator({ ...limits, offers: rates, requests: rates });
    const host = new Host(ac);
    const cookie = host.cookie();
    const seen = new Set<number>();
    const first: number[] = [];
    for (let i = 0; i < 65_534; i++) {
      host.padr(serviceName(), hostUniq(String(i)), cookie);
      const { sessionId } = requestedBy(ac);
      seen.add(sessionId);
      if (i < 10) first.push(sessionId);
    }
    assert.equal(seen.size, 65_534);
    assert.ok(!seen.has(0) && !seen.has(0xffff));
    assert.ok(new Set(first.map((id, i) => id - first[Math.max(0, i - 1)]!)).size > 5, `in a row: ${first}`);
    const [pads] = host.padr(serviceName(), hostUniq('one more'), cookie);
    assert.ok(tagValue(pads!.tags, PPPOE_TAG.acSystemError) !== undefined);
  });

  test('an access line is told with its session; a Vendor-Specific TAG that lies is ignored (appendix A)', () => {
    const { ac, host } = pair();
    const line = { agentCircuitId: 'dslam7 atm 3/0:100.33', actualDataRateDownstream_bps: 50_000_000 };
    assert.deepEqual(host.connect(serviceName(), emitAccessLine(line)).session.accessLine, line);
    const lying = { type: PPPOE_TAG.vendorSpecific, value: fromHex('00000de9 01ff41') };
    assert.equal(host.connect(serviceName(), lying).session.accessLine, undefined);
    assert.deepEqual(dropsOf(ac), {});
  });

  test('PADR with a Generic-Error TAG, with a SESSION_ID or without one Service-Name is no request', () => {
    const { ac, host } = pair();
    const cookie = host.cookie();
    host.padr(serviceName(), cookie, { type: PPPOE_TAG.genericError, value: ascii('no room for a TAG') });
    host.padr(cookie);
    host.sendFrame(host.frame({ code: PPPOE_CODE.padr, sessionId: 1, tags: [serviceName(), cookie] }));
    assert.deepEqual(eventsOf(ac), []);
    assert.deepEqual(dropsOf(ac), { 'error-tag': 1, 'service-name-count': 1, 'session-id-set': 1 });
  });
});

describe('AC-Cookie (section 9)', () => {
  test('without a cookie, or with one that is not ours, a PADR is counted and not answered', () => {
    const { ac, host } = pair();
    const { type, value } = host.cookie();
    assert.deepEqual(host.padr(serviceName()), []);
    for (const forged of [new Uint8Array(0), value.subarray(1), Uint8Array.of(...value, 0), flipped(value)]) {
      assert.deepEqual(host.padr(serviceName(), { type, value: forged }), []);
    }
    assert.deepEqual(eventsOf(ac), []);
    assert.deepEqual(dropsOf(ac), { 'cookie-missing': 1, 'cookie-invalid': 4 });
  });

  test('a cookie is good for its host, interface, VLANs, relay and line alone', () => {
    const ac = concentrator();
    const line = emitAccessLine({ agentCircuitId: 'line 1' });
    const asked = [serviceName(), RELAY, line];
    const tags = [vlan(100)];
    const host = new Host(ac, { tags });
    const cookie = host.cookie(...asked);
    const [, eight] = CONFIG.interfaces;
    for (const [stranger, padr] of [
      [new Host(ac, { tags, mac: '02:00:5e:00:53:09' }), asked],
      [new Host(ac, { tags: [vlan(101)] }), asked],
      [new Host(ac, { tags: [vlan(100, 0x88a8)] }), asked],
      [new Host(ac, { tags: [vlan(100), vlan(100)] }), asked],
      [new Host(ac), asked],
      [new Host(ac, { tags, interfaceIndex: eight!.index, acMac: eight!.mac }), asked],
      [host, [serviceName(), line]],
      [host, [serviceName(), RELAY, emitAccessLine({ agentCircuitId: 'line 2' })]],
    ] as const) {
      stranger.padr(...padr, cookie);
    }
    assert.deepEqual(eventsOf(ac), []);
    assert.deepEqual(dropsOf(ac), { 'cookie-invalid': 8 });
    // The priority of a frame may change on the way, and so may the service that the host has chosen.
    new Host(ac, { tags: [vlan(100, 0x8100, 7)] }).padr(serviceName('voice'), RELAY, line, cookie);
    assert.equal(requestedBy(ac).serviceName, 'voice');
  });

  test('a cookie is good for a minute at least and for two at most', () => {
    for (const [age_ms, isGood] of [
      [0, true],
      [60_000, true],
      [120_000, false],
      [3_600_000, false],
    ] as const) {
      const { ac, host } = pair();
      const cookie = host.cookie();
      host.now_ms += age_ms;
      host.padr(serviceName(), cookie);
      assert.equal(eventsOf(ac).length === 1, isGood, `${age_ms} ms`);
    }
  });

  test('another secret knows none of it', () => {
    const { host } = pair();
    const ac = new AccessConcentrator(CONFIG, ascii('another secret of ours'), seeded(1));
    new Host(ac).padr(serviceName(), host.cookie());
    assert.deepEqual(dropsOf(ac), { 'cookie-invalid': 1 });
    assert.throws(() => new AccessConcentrator(CONFIG, ascii('short'), seeded(1)), RangeError);
  });
});

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[copy.length - 1]! ^= 1;
  return copy;
}

describe('PADT (section 5.5)', () => {
  test('from the host it ends the session: nothing more is sent, and a second one is of no session', () => {
    const { ac, host } = pair();
    const { session } = host.connect();
    assert.deepEqual(host.padt(session.sessionId), []);
    assert.deepEqual(eventsOf(ac), [{ type: 'session-closed', session, by: 'peer' }]);
    assert.deepEqual(host.padt(session.sessionId), []);
    ac.closeSession(session.sessionKey);
    assert.deepEqual([eventsOf(ac), repliesOf(ac)], [[], []]);
    assert.deepEqual(dropsOf(ac), { 'unknown-session': 1 });
  });

  const sessionFrame = (sessionId: number, source = HOST_MAC): Uint8Array => {
    const header = { destination: AC_MAC, source, tags: [], etherType: PPPOE_ETHER_TYPE.session };
    return Uint8Array.of(...emitEthernetHeader(header), 0x11, 0, sessionId >>> 8, sessionId, 0, 2, 0xc0, 0x21);
  };

  test('a frame of a session that there is not, as after a restart of the access concentrator, is answered by a PADT', () => {
    const { ac, host } = pair();
    const [padt, ...others] = host.sendFrame(sessionFrame(0x1234));
    assert.equal(others.length, 0);
    assert.deepEqual([padt!.code, padt!.sessionId], [PPPOE_CODE.padt, 0x1234]);
    assert.deepEqual([padt!.ethernet.destination, padt!.ethernet.source], [HOST_MAC, AC_MAC]);
    assert.deepEqual([ac.counters.sent.padt, eventsOf(ac)], [1, []]);
  });

  test('one of a session that stands is not, whoever sees it late; one of another host’s is, and at a rate', () => {
    const { ac, host } = pair();
    const { session } = host.connect();
    assert.deepEqual(host.sendFrame(sessionFrame(session.sessionId)), []);
    const other = new Host(ac, { mac: '02:00:5e:00:53:09' });
    const frame = sessionFrame(session.sessionId, '02:00:5e:00:53:09');
    let padts = 0;
    for (let i = 0; i < 1000; i++) padts += other.sendFrame(frame).length;
    assert.ok(padts > 0 && padts <= CONFIG.offers.perMac_per_s, String(padts));
    assert.deepEqual(eventsOf(ac), []);
  });

  test('no TAGs are required, and none are read', () => {
    const { ac, host } = pair();
    const { session } = host.connect();
    const frame = host.frame({ code: PPPOE_CODE.padt, sessionId: session.sessionId, tags: [hostUniq('x')] });
    frame[frame.length - 2] = 0xff;
    host.sendFrame(frame);
    assert.equal(eventsOf(ac).length, 1);
  });

  test('from another address or VLAN it ends nothing', () => {
    const { ac, host } = pair();
    const { session } = host.connect();
    new Host(ac, { mac: '02:00:5e:00:53:09' }).padt(session.sessionId);
    new Host(ac, { tags: [vlan(1)] }).padt(session.sessionId);
    host.padt(session.sessionId ^ 1);
    assert.deepEqual(eventsOf(ac), []);
    assert.deepEqual(dropsOf(ac), { 'unknown-session': 3 });
  });

  test('while the question is open it withdraws the request: a late answer does nothing', () => {
    const { ac, host } = pair();
    host.padr(serviceName(), host.cookie());
    const session = requestedBy(ac);
    host.padt(session.sessionId);
    assert.deepEqual(eventsOf(ac), [{ type: 'session-closed', session, by: 'peer' }]);
    ac.answerSession(session.sessionKey, { accepted: true });
    assert.deepEqual([eventsOf(ac), repliesOf(ac)], [[], []]);
  });

  test('ours goes to the host with the SESSION_ID, behind its VLAN tags', () => {
    const ac = concentrator();
    const tags = [vlan(7, 0x88a8), vlan(100)];
    const { session } = new Host(ac, { tags }).connect();
    ac.closeSession(session.sessionKey);
    const [padt, ...others] = repliesOf(ac);
    assert.deepEqual([padt!.code, padt!.sessionId, padt!.tags, others], [PPPOE_CODE.padt, session.sessionId, [], []]);
    assert.deepEqual([padt!.ethernet.destination, padt!.ethernet.tags], [HOST_MAC, tags]);
    assert.deepEqual(eventsOf(ac), [{ type: 'session-closed', session, by: 'local' }]);
  });
});

describe('PPP-Max-Payload (RFC 4638)', () => {
  const WIDE = { interfaceIndex: 8, acMac: '02:00:5e:00:53:03' };

  test('is echoed in PADO and PADS where the interface takes more than 1500 octets', () => {
    const ac = concentrator();
    const asked = [serviceName(), emitPppMaxPayload(1500)];
    const host = new Host(ac, WIDE);
    assert.deepEqual(tagValue(host.padi(...asked)[0]!.tags, PPPOE_TAG.pppMaxPayload), fromHex('05dc'));
    const { session, pads } = host.connect(...asked);
    assert.deepEqual(tagValue(pads.tags, PPPOE_TAG.pppMaxPayload), fromHex('05dc'));
    assert.equal(session.maxPayload_bytes, 1500);
  });

  test('is not, and the MRU stays within 1492, where the interface does not', () => {
    const asked = [serviceName(), emitPppMaxPayload(1500)];
    const { host } = pair();
    assert.equal(tagValue(host.padi(...asked)[0]!.tags, PPPOE_TAG.pppMaxPayload), undefined);
    const { session, pads } = host.connect(...asked);
    assert.equal(tagValue(pads.tags, PPPOE_TAG.pppMaxPayload), undefined);
    assert.equal(session.maxPayload_bytes, 1492);
  });

  test('a host that does not ask has 1492, a narrow interface leaves less, and more than the interface takes is not given', () => {
    const interfaces = [
      { index: 1, mac: '02:00:5e:00:53:11', mtu_bytes: 1400 },
      { index: 2, mac: '02:00:5e:00:53:12', mtu_bytes: 1508 },
    ];
    const ac = concentrator({ interfaces });
    const narrow = new Host(ac, { interfaceIndex: 1, acMac: interfaces[0]!.mac });
    const wide = new Host(ac, { interfaceIndex: 2, acMac: interfaces[1]!.mac });
    assert.equal(narrow.connect().session.maxPayload_bytes, 1392);
    assert.equal(wide.connect().session.maxPayload_bytes, 1492);
    assert.equal(wide.connect(serviceName(), emitPppMaxPayload(9000)).session.maxPayload_bytes, 1500);
    assert.equal(wide.connect(serviceName(), emitPppMaxPayload(1000)).session.maxPayload_bytes, 1492);
  });

  test('with another length than two octets the packet is malformed', () => {
    const { ac, host } = pair();
    assert.deepEqual(host.padi(serviceName(), { type: PPPOE_TAG.pppMaxPayload, value: fromHex('0005dc') }), []);
    assert.deepEqual(dropsOf(ac), { malformed: 1 });
  });
});

describe('limits', () => {
  for (const [limit, drop] of [
    ['maxSessionsPerMac', 'mac-session-limit'],
    ['maxSessionsPerInterface', 'interface-session-limit'],
    ['maxSessions', 'session-limit'],
  ] as const) {
    test(`${limit}: a PADR beyond it gets AC-System-Error, a PADI no PADO, until a session has ended`, () => {
      const { ac, host } = pair({ [limit]: 2 });
      const { session } = host.connect();
      const cookie = host.cookie();
      host.connect();
      const [pads] = host.padr(serviceName(), cookie);
      assert.equal(pads!.sessionId, 0);
      assert.ok(tagValue(pads!.tags, PPPOE_TAG.acSystemError) !== undefined);
      assert.deepEqual(host.padi(serviceName()), []);
      assert.deepEqual(dropsOf(ac), { [drop]: 2 });
      host.padt(session.sessionId);
      host.now_ms += 1000;
      eventsOf(ac);
      host.connect();
    });
  }

  test('a MAC address on another VLAN or interface is another host', () => {
    const ac = concentrator({ maxSessionsPerMac: 1 });
    const [, eight] = CONFIG.interfaces;
    new Host(ac).connect();
    new Host(ac, { tags: [vlan(1)] }).connect();
    new Host(ac, { interfaceIndex: eight!.index, acMac: eight!.mac }).connect();
    assert.deepEqual(new Host(ac).padi(serviceName()), []);
  });

  test('so many offers a second to a host, and others have theirs', () => {
    const { ac, host } = pair({ offers: { perMac_per_s: 3, perInterface_per_s: 1000 } });
    const answered = () => Array.from({ length: 10 }, () => host.padi(serviceName()).length);
    assert.deepEqual(answered(), [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
    assert.equal(new Host(ac, { mac: '02:00:5e:00:53:09' }).padi(serviceName()).length, 1);
    host.now_ms += 334;
    assert.deepEqual(answered(), [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert.deepEqual(dropsOf(ac), { 'rate-of-mac': 16 });
  });

  test('so many offers a second on an interface, however many addresses a flood has; requests go on', () => {
    const { ac, host } = pair({ offers: { perMac_per_s: 10, perInterface_per_s: 50 } });
    const cookie = host.cookie();
    let answered = 0;
    for (let i = 0; i < 2000; i++) {
      const mac = `02:01:00:00:${hexOctet(i >> 8)}:${hexOctet(i & 0xff)}`;
      answered += new Host(ac, { mac }).padi(serviceName()).length;
    }
    assert.equal(answered, 49);
    host.padr(serviceName(), cookie);
    assert.equal(requestedBy(ac).peerMac, HOST_MAC);
    const [, eight] = CONFIG.interfaces;
    assert.equal(new Host(ac, { interfaceIndex: eight!.index, acMac: eight!.mac }).padi(serviceName()).length, 1);
  });

  test('so many requests a second of a host; one without a valid cookie takes nothing from it', () => {
    const { ac, host } = pair({ requests: { perMac_per_s: 2, perInterface_per_s: 1000 } });
    const cookie = host.cookie();
    const forged = { type: cookie.type, value: flipped(cookie.value) };
    for (let i = 0; i < 100; i++) host.padr(serviceName(), forged);
    for (let i = 0; i < 5; i++) host.padr(serviceName(), hostUniq(String(i)), cookie);
    assert.equal(eventsOf(ac).length, 2);
    assert.deepEqual(dropsOf(ac), { 'cookie-invalid': 100, 'rate-of-mac': 3 });
  });

  test('limits and names that cannot be are a fault of the configuration', () => {
    for (const changes of [
      { acName: '' },
      { maxSessionsPerInterface: 65_535 },
      { offers: { perMac_per_s: 0, perInterface_per_s: 1 } },
      { interfaces: [{ index: 1, mac: 'AA:bb', mtu_bytes: 1500 }] },
    ]) {
      assert.throws(() => concentrator(changes), RangeError);
    }
  });
});

describe('what is not for us', () => {
  test('is counted by its reason and not answered', () => {
    const { ac, host } = pair();
    const padi = { code: PPPOE_CODE.padi, sessionId: 0, tags: [serviceName()] };
    const toAll = host.frame(padi, BROADCAST_MAC);
    const withType = (etherType: number) => {
      const header = emitEthernetHeader({ destination: AC_MAC, source: HOST_MAC, tags: [], etherType });
      return Uint8Array.of(...header, ...fromHex('11 00 0001 0000'));
    };
    const frames: [string, Uint8Array][] = [
      ['malformed', toAll.subarray(0, toAll.length - 1)],
      ['malformed', toAll.subarray(0, 13)],
      ['malformed', new Uint8Array(0)],
      ['not-discovery', withType(0x0800)],
      ['bad-source', new Host(ac, { mac: '03:00:5e:00:53:01' }).frame(padi, BROADCAST_MAC)],
      ['bad-source', new Host(ac, { mac: AC_MAC }).frame(padi, BROADCAST_MAC)],
      ['not-for-us', host.frame(padi, '02:00:5e:00:53:77')],
      ['not-for-us', host.frame({ ...padi, code: PPPOE_CODE.padr }, BROADCAST_MAC)],
      ['not-for-us', host.frame({ ...padi, code: PPPOE_CODE.padt }, BROADCAST_MAC)],
      ['unexpected-code', host.frame({ ...padi, code: PPPOE_CODE.pado })],
      ['unexpected-code', host.frame({ ...padi, code: PPPOE_CODE.pads })],
      ['unexpected-code', host.frame({ ...padi, code: 0xd3 })],
      ['session-id-set', host.frame({ ...padi, sessionId: 1 }, BROADCAST_MAC)],
    ];
    const expected: Record<string, number> = {};
    for (const [drop, frame] of frames) {
      assert.deepEqual(host.sendFrame(frame), [], drop);
      expected[drop] = (expected[drop] ?? 0) + 1;
      assert.deepEqual(dropsOf(ac), expected);
    }
    ac.handleFrame(99, toAll, 0);
    assert.equal(dropsOf(ac)['unknown-interface'], 1);
    assert.deepEqual([eventsOf(ac), repliesOf(ac)], [[], []]);
  });

  test('a PADI to our own address, as an access node may make of it, is answered', () => {
    const { host } = pair();
    assert.equal(host.sendFrame(host.frame({ code: PPPOE_CODE.padi, sessionId: 0, tags: [serviceName()] })).length, 1);
  });
});

describe('a new configuration', () => {
  test('leaves sessions, and ends those of an interface that is gone', () => {
    const ac = concentrator();
    const [, eight] = CONFIG.interfaces;
    const stays = new Host(ac).connect().session;
    const goes = new Host(ac, { interfaceIndex: eight!.index, acMac: eight!.mac }).connect().session;
    ac.configure({ ...CONFIG, interfaces: CONFIG.interfaces.slice(0, 1), acName: 'new.example' });
    assert.deepEqual(eventsOf(ac), [{ type: 'session-closed', session: goes, by: 'local' }]);
    assert.deepEqual(
      repliesOf(ac).map(({ code, sessionId, interfaceIndex }) => [code, sessionId, interfaceIndex]),
      [[PPPOE_CODE.padt, goes.sessionId, 8]],
    );
    const host = new Host(ac);
    assert.deepEqual(textsOf(host.padi(serviceName())[0]!.tags, PPPOE_TAG.acName), ['new.example']);
    host.padt(stays.sessionId);
    assert.deepEqual(eventsOf(ac), [{ type: 'session-closed', session: stays, by: 'peer' }]);
  });
});
