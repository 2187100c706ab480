/** One call, as its LAC and its LNS have traced it, each by a clock of its own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type BoxTrace, joinCall } from '../../../firmware/control/trace-join.js';
import type { CallStepRecord } from '../../../firmware/control/view.js';

const LAC_ADDRESS = '192.0.2.2';
const LNS_ADDRESS = '192.0.2.1';
const BEGIN_MS = Date.UTC(2026, 0, 1);

/** Records of one box, by its clock; what is left out is as in the line before. */
class Tracer {
  readonly records: CallStepRecord[] = [];
  readonly #ahead_ms: number;
  #last: Partial<CallStepRecord>;

  constructor(role: 'lac' | 'lns', peerAddress: string, ahead_ms = 0) {
    this.#ahead_ms = ahead_ms;
    this.#last = { role, peerAddress, tunnelId: 0, sessionId: 0, callId: 0, user: '', step: 0 };
  }

  /** `at_ms` is the true time; `message` is '> SCCRQ' where it is sent, '< SCCRQ' where it comes, else a note. */
  saw(at_ms: number, message: string, detail = '', ids: Partial<CallStepRecord> = {}): this {
    const [, arrow, what] = /^(?:([<>]) )?(.*)$/.exec(message)!;
    this.#last = { ...this.#last, ...ids };
    this.records.push({
      ...(this.#last as CallStepRecord),
      ...{ sequence: this.records.length + 1, time: new Date(BEGIN_MS + this.#ahead_ms + at_ms).toISOString() },
      ...{ direction: arrow === '>' ? 'sent' : arrow === '<' ? 'received' : 'within', what, detail },
    });
    return this;
  }
}

interface Ids {
  lac: { tunnelId: number; sessionId: number; callId: number };
  lns: { tunnelId: number; sessionId: number; callId: number };
  serial: number;
}
const IDS: Ids = {
  lac: { tunnelId: 11, sessionId: 12, callId: 7 },
  lns: { tunnelId: 21, sessionId: 22, callId: 3 },
  serial: 5,
};

function beginAtLac(lac: Tracer, callId: number): void {
  lac.saw(0, '< PADR', '', { step: 1, callId });
  lac.saw(1, '> LCP Configure-Request', '', { step: 2 });
}

function tunnel(lac: Tracer, lns: Tracer, { lac: own, lns: theirs }: Ids): void {
  const ofTunnel = { step: 5, sessionId: 0, callId: 0 };
  lac.saw(10, '> SCCRQ', `hostName=lac, assignedTunnelId=${own.tunnelId}`, { ...ofTunnel, tunnelId: own.tunnelId });
  lns.saw(12, '< SCCRQ', `assignedTunnelId=${own.tunnelId}`, { ...ofTunnel, tunnelId: theirs.tunnelId });
  lns.saw(13, '> SCCRP', `assignedTunnelId=${theirs.tunnelId}`);
  lac.saw(15, '< SCCRP', `assignedTunnelId=${theirs.tunnelId}`);
  lac.saw(16, '> SCCCN');
  lns.saw(18, '< SCCCN');
}

function session(lac: Tracer, lns: Tracer, { lac: own, lns: theirs, serial }: Ids): void {
  lac.saw(20, '> ICRQ', `callSerialNumber=${serial}, assignedSessionId=${own.sessionId}`, { ...own, step: 6 });
  // The ICRQ is traced before the call that it begins has its number.
  const asked = `assignedSessionId=${own.sessionId}, callSerialNumber=${serial}`;
  lns.saw(22, '< ICRQ', asked, { ...theirs, callId: 0, step: 6 });
  lns.saw(23, '> ICRP', `assignedSessionId=${theirs.sessionId}`, theirs);
  lac.saw(25, '< ICRP', `assignedSessionId=${theirs.sessionId}`);
  lac.saw(26, '> ICCN');
  lns.saw(28, '< ICCN');
  lns.saw(30, 'authenticate', 'user=alice', { step: 8 });
}

const traces = (lac: Tracer, lns: Tracer): [BoxTrace, BoxTrace] => [
  { box: 'LAC', addresses: [LAC_ADDRESS], records: lac.records },
  { box: 'LNS', addresses: [LNS_ADDRESS], records: lns.records },
];

function wholeCall(ahead_ms = 0): { lac: Tracer; lns: Tracer } {
  const lac = new Tracer('lac', LNS_ADDRESS);
  const lns = new Tracer('lns', LAC_ADDRESS, ahead_ms);
  beginAtLac(lac, IDS.lac.callId);
  tunnel(lac, lns, IDS);
  session(lac, lns, IDS);
  return { lac, lns };
}

const WHOLE_CALL = [
  ...['0 LAC PADR', '1 LAC LCP Configure-Request', '10 LAC SCCRQ to LNS in 2', '13 LNS SCCRP to LAC in 2'],
  ...['16 LAC SCCCN to LNS in 2', '20 LAC ICRQ to LNS in 2', '23 LNS ICRP to LAC in 2', '26 LAC ICCN to LNS in 2'],
  '30 LNS authenticate',
];

const inWords = ({ lines }: ReturnType<typeof joinCall>): string[] =>
  lines.map(({ at_ms, box, what, arrived }) =>
    [at_ms, box, what, ...(arrived === undefined ? [] : ['to', arrived.box, 'in', arrived.after_ms])].join(' '),
  );

test('a message that both saw is one line, with the way that it went; what one box alone saw stands under its name', () => {
  const { lac, lns } = wholeCall();
  const joined = joinCall(...traces(lac, lns), IDS.lac.callId);
  assert.deepEqual(inWords(joined), WHOLE_CALL);
  assert.equal(joined.clocksApart_ms, 0);
});

test('clocks that are apart by any time are aligned by the control messages', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e9, max: 1e9 }), (ahead_ms) => {
      const { lac, lns } = wholeCall(ahead_ms);
      const joined = joinCall(...traces(lac, lns), IDS.lac.callId);
      assert.equal(joined.clocksApart_ms, ahead_ms);
      assert.deepEqual(inWords(joined), WHOLE_CALL);
    }),
  );
});

test('where messages went one way alone, the fastest is taken to have needed no time', () => {
  const lac = new Tracer('lac', LNS_ADDRESS);
  const lns = new Tracer('lns', LAC_ADDRESS, 1000);
  beginAtLac(lac, 7);
  lac.saw(20, '> ICRQ', 'callSerialNumber=5, assignedSessionId=12', { ...IDS.lac, step: 6 });
  lns.saw(24, '< ICRQ', 'callSerialNumber=5, assignedSessionId=12', { ...IDS.lns, step: 6 });
  const joined = joinCall(...traces(lac, lns), 7);
  assert.equal(joined.clocksApart_ms, 1004);
  assert.deepEqual(inWords(joined).at(-1), '20 LAC ICRQ to LNS in 0');
});

test('RFC 3931 section 5.4.4: version 3 names its IDs otherwise', () => {
  const lac = new Tracer('lac', LNS_ADDRESS).saw(
    0,
    '> ICRQ',
    'localSessionId=12, remoteSessionId=0, callSerialNumber=5',
    {
      ...IDS.lac,
      step: 6,
    },
  );
  const lns = new Tracer('lns', LAC_ADDRESS)
    .saw(1, '< ICRQ', 'callSerialNumber=5, localSessionId=12, remoteSessionId=0', { ...IDS.lns, step: 6 })
    .saw(2, '> ICRP', 'localSessionId=22, remoteSessionId=12');
  lac.saw(3, '< ICRP', 'localSessionId=22, remoteSessionId=12');
  assert.equal(joinCall(...traces(lac, lns), 7).lines.length, 2);
});

test('a call in a tunnel that stood before has the tunnel’s set-up in neither box’s lines', () => {
  const { lac, lns } = wholeCall();
  const second: Ids = {
    lac: { tunnelId: 11, sessionId: 14, callId: 8 },
    lns: { tunnelId: 21, sessionId: 24, callId: 4 },
    serial: 6,
  };
  lac.saw(19, '< PADR', '', { step: 1, callId: 8, tunnelId: 0, sessionId: 0 });
  session(lac, lns, second);
  assert.deepEqual(inWords(joinCall(...traces(lac, lns), 8)), [
    ...[
      '0 LAC PADR',
      '1 LAC ICRQ to LNS in 2',
      '4 LNS ICRP to LAC in 2',
      '7 LAC ICCN to LNS in 2',
      '11 LNS authenticate',
    ],
  ]);
});

for (const [what, changes] of [
  ['another Call Serial Number', { serial: 6 }],
  ['another Session ID of the LAC', { lac: { ...IDS.lac, sessionId: 13 } }],
  ['another Session ID of the LNS', { lns: { ...IDS.lns, sessionId: 23 } }],
] as const) {
  test(`an ICRQ with ${what} is another call’s: the LAC’s lines stand alone`, () => {
    const { lac } = wholeCall();
    const lns = new Tracer('lns', LAC_ADDRESS);
    const other = { ...IDS, ...changes };
    tunnel(new Tracer('lac', LNS_ADDRESS), lns, other);
    session(new Tracer('lac', LNS_ADDRESS), lns, other);
    const { lines, clocksApart_ms } = joinCall(...traces(lac, lns), 7);
    assert.deepEqual(new Set(lines.map(({ box }) => box)), new Set(['LAC']));
    assert.equal(lines.length, lac.records.length);
    assert.equal(clocksApart_ms, undefined);
  });
}

test('the same IDs from another endpoint are another LAC’s call', () => {
  const { lac } = wholeCall();
  const lns = new Tracer('lns', '192.0.2.77');
  tunnel(new Tracer('lac', LNS_ADDRESS), lns, IDS);
  session(new Tracer('lac', LNS_ADDRESS), lns, IDS);
  assert.equal(joinCall(...traces(lac, lns), 7).clocksApart_ms, undefined);
  const [ofLac, ofLns] = traces(lac, lns);
  assert.equal(
    joinCall({ ...ofLac, addresses: undefined }, ofLns, 7).clocksApart_ms,
    0,
    'unless nobody knows addresses',
  );
});

test('a call that a first LNS did not take joins the one that did', () => {
  const lac = new Tracer('lac', '192.0.2.9');
  beginAtLac(lac, 7);
  lac.saw(2, '> SCCRQ', 'assignedTunnelId=10', { step: 5, tunnelId: 10, callId: 0 });
  lac.saw(3, '> ICRQ', 'callSerialNumber=4, assignedSessionId=9', { step: 6, tunnelId: 10, sessionId: 9, callId: 7 });
  lac.saw(4, '< CDN', 'resultCode=4', { step: 0, peerAddress: '192.0.2.9' });
  const lns = new Tracer('lns', LAC_ADDRESS);
  lac.saw(5, 'LNS chosen', '', { step: 5, peerAddress: LNS_ADDRESS });
  tunnel(lac, lns, IDS);
  session(lac, lns, IDS);
  const joined = inWords(joinCall(...traces(lac, lns), 7));
  assert.ok(joined.includes('10 LAC SCCRQ to LNS in 2'));
  assert.ok(joined.includes('2 LAC SCCRQ'), 'nobody else saw the first LNS’s');
  assert.ok(joined.includes('4 LAC CDN'));
});

test('RFC 2661 section 5.8: of a message that was sent again, the first stands for the one that came, and the clocks go by others', () => {
  const lac = new Tracer('lac', LNS_ADDRESS);
  const lns = new Tracer('lns', LAC_ADDRESS);
  lac.saw(0, '> ICRQ', 'callSerialNumber=5, assignedSessionId=12', { ...IDS.lac, step: 6 });
  lac.saw(1000, '> ICRQ', 'callSerialNumber=5, assignedSessionId=12, retransmission=true');
  lns.saw(1002, '< ICRQ', 'callSerialNumber=5, assignedSessionId=12', { ...IDS.lns, step: 6 });
  lns.saw(1003, '> ICRP', 'assignedSessionId=22');
  lac.saw(1005, '< ICRP', 'assignedSessionId=22');
  const joined = joinCall(...traces(lac, lns), 7);
  assert.equal(joined.clocksApart_ms, -2);
  assert.deepEqual(
    joined.lines.map(({ what, arrived }) => [what, arrived !== undefined]),
    [
      ['ICRQ', true],
      ['ICRQ', false],
      ['ICRP', true],
    ],
  );
});

test('a callId that the LAC has not: no line', () => {
  const { lac, lns } = wholeCall();
  assert.deepEqual(joinCall(...traces(lac, lns), 99), { lines: [], clocksApart_ms: undefined });
});

test('whatever part of each trace is left, every record is in one line, each box’s in its order', () => {
  const cut = fc.tuple(fc.nat(12), fc.nat(12), fc.nat(12), fc.nat(12), fc.integer({ min: -50, max: 50 }));
  fc.assert(
    fc.property(cut, ([lacFrom, lacTo, lnsFrom, lnsTo, ahead_ms]) => {
      const { lac, lns } = wholeCall(ahead_ms);
      const [ofLac, ofLns] = traces(lac, lns);
      const records = lac.records.slice(lacFrom, -lacTo || undefined);
      const { lines } = joinCall(
        { ...ofLac, records },
        { ...ofLns, records: lns.records.slice(lnsFrom, -lnsTo || undefined) },
        7,
      );
      const ofCall = records.filter(({ callId }) => callId === 7).map(({ what }) => what);
      const seenByLac = lines.filter(({ box, arrived }) => box === 'LAC' || arrived?.box === 'LAC');
      const told = seenByLac.map(({ what }) => what).filter((what) => !what.startsWith('SCC'));
      assert.deepEqual(told, ofCall);
      for (const [index, { at_ms }] of lines.entries()) assert.ok(!Number.isNaN(at_ms), `${index}`);
    }),
  );
});
