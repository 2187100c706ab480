/** Traces of calls by the API: the list, the ladder joined with a file or with another box over TLS, what is refused. */
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { before, type TestContext, test } from 'node:test';
import type { Ladder, TraceExport } from '../../../firmware/api/traces.js';
import { type KeyPair, makeSelfSignedCertificate } from '../../../firmware/linux/openssl-program.js';
import type { TraceRecord } from '../../../firmware/roles/role.js';
import { type Box, openBox, signedInScript } from './box.js';

const URL = '/api/v1/traces/1-7/ladder';
const TOKEN = 'tw_of_the_other_box';
const BEGIN_MS = Date.UTC(2026, 0, 1);

let pair: KeyPair;
before(async () => {
  const made = await makeSelfSignedCertificate(['lns'], ['127.0.0.1']);
  assert.ok('certificate' in made);
  pair = made;
});
const fingerprint = () => new X509Certificate(pair.certificate).fingerprint256;

/** Call 7 at this box, a LAC: as far as its session, in which it is Session ID 500 and the LNS's is 900. */
function traceCall(box: Box): void {
  const line = (label: string, kind: TraceRecord['kind'], step: TraceRecord['step'], detail = {}, callId = 7) => {
    const record: TraceRecord = {
      ...{ at_ms: 0, role: 'lac', step, kind, label, detail, packet: undefined, user: 'alice', callId },
      ...{ tunnelId: step < 5 ? 0 : 3, sessionId: step < 6 ? 0 : 500, peerAddress: '192.0.2.1' },
    };
    box.view.trace.add(record, BEGIN_MS + box.view.trace.newest * 10);
    box.view.callTraces.note(record, BEGIN_MS);
  };
  line('PADR', 'received', 1);
  line('authenticate', 'question', 4, { user: 'alice' });
  line('accepted', 'answer', 5);
  line('ICRQ', 'sent', 6, { assignedSessionId: 500, callSerialNumber: 7 });
  line('ICRP', 'received', 6, { assignedSessionId: 900 });
  line('ICCN', 'sent', 6);
}

const atLns = (sequence: number, what: string, direction: string, detail = '', callId = 4) => ({
  ...{ sequence, time: new Date(BEGIN_MS + 500 + sequence * 10).toISOString(), step: 6, role: 'lns', tunnelId: 30 },
  ...{ sessionId: 900, callId, user: '', peerAddress: '192.0.2.2', direction, what, detail },
});
/** The same call as the LNS has it. */
const OTHER_END = {
  ...{ format: 'tunnelwerk-trace', version: 1, box: 'head office', role: 'lns', callId: 4, outcome: 'up' },
  records: [
    atLns(3, 'ICRQ', 'received', 'assignedSessionId=500, callSerialNumber=7', 0),
    atLns(4, 'ICRP', 'sent', 'assignedSessionId=900'),
    atLns(5, 'ICCN', 'received'),
    { ...atLns(6, 'authenticate', 'within', 'user=alice'), step: 8 },
  ],
};
const [request] = OTHER_END.records;
const OF_ANOTHER = { ...OTHER_END, records: [{ ...request, detail: 'assignedSessionId=501, callSerialNumber=7' }] };

interface BoxWithCall extends Box {
  /** Of a script that may read. */
  headers: { authorization: string };
}

async function boxWithCall(t: TestContext): Promise<BoxWithCall> {
  const box = await openBox(t);
  traceCall(box);
  return { ...box, headers: signedInScript(box, 'viewer') };
}

test('the ladder joins what this box has with the other one’s file', async (t) => {
  const box = await boxWithCall(t);
  const alone = (await ask(box, 'GET', URL)).json() as Ladder;
  assert.deepEqual([alone.joinProblem, alone.outcome, alone.user], ['', 'in-progress', 'alice']);
  assert.deepEqual(
    alone.messages.map(({ from, to, what }) => `${from} > ${to}: ${what}`),
    [
      'pc > lac: PADR',
      'lac > radius-of-lac: authenticate',
      'radius-of-lac > lac: accepted',
      'lac > lns: ICRQ',
      'lns > lac: ICRP',
      'lac > lns: ICCN',
    ],
  );

  const answer = await ask(box, 'POST', URL, { imported: OTHER_END });

  const joined = answer.json() as Ladder;
  assert.deepEqual(
    joined.boxes.map(({ name, role, source }) => [name, role, source]),
    [
      [alone.boxes[0]?.name, 'lac', 'here'],
      ['head office', 'lns', 'import'],
    ],
  );
  assert.deepEqual(
    joined.messages.map(({ what, seenBy }) => [what, seenBy]),
    [
      ['PADR', 'here'],
      ['authenticate', 'here'],
      ['accepted', 'here'],
      ['ICRQ', 'both'],
      ['ICRP', 'both'],
      ['ICCN', 'both'],
      ['authenticate', 'elsewhere'],
    ],
  );
  assert.deepEqual([joined.steps[7]?.state, joined.steps[6]?.state], ['elsewhere', 'not-seen']);
});

test('a file that makes no sense, or is of another call, is refused by the field', async (t) => {
  const box = await boxWithCall(t);
  const own = (await ask(box, 'GET', '/api/v1/traces/1-7/export')).json() as TraceExport;
  const changed = (line: object) => ({ ...OTHER_END, records: [{ ...request, ...line }] });
  const isOfAnother = 'has no ICRQ of this call: it is of another one';
  for (const [imported, field, reason] of [
    [undefined, '/imported', 'is missing; add it'],
    [{ ...OTHER_END, format: 'pcap' }, '/imported/format', undefined],
    [{ ...OTHER_END, version: 2 }, '/imported/version', undefined],
    [{ ...OTHER_END, more: 1 }, '/imported/more', 'is not known; remove it'],
    [{ ...OTHER_END, records: Array(2_001).fill(request) }, '/imported/records', undefined],
    [changed({ time: 'yesterday' }), '/imported/records/0/time', 'is no time'],
    [changed({ step: 15 }), '/imported/records/0/step', undefined],
    [changed({ detail: 'x'.repeat(8_193) }), '/imported/records/0/detail', undefined],
    [changed({ __proto__: null, what: 7 }), '/imported/records/0/what', undefined],
    [OF_ANOTHER, '/imported/records', isOfAnother],
    [{ ...OTHER_END, records: [] }, '/imported/records', isOfAnother],
    [own, '/imported/records', isOfAnother],
  ] as const) {
    const answer = await ask(box, 'POST', URL, { imported });
    assert.equal(answer.statusCode, 422, field);
    const [problem] = answer.json().problems;
    assert.equal(problem.field, field);
    if (reason !== undefined) assert.equal(problem.reason, reason);
  }
});

test('of a call with more lines than a file may have, the first and the last are in the file', async (t) => {
  const box = await boxWithCall(t);
  for (let at = 0; at < 900; at++) traceCall(box);

  const file = (await ask(box, 'GET', '/api/v1/traces/1-7/export')).json() as TraceExport;

  assert.ok(file.records.length <= 2_000);
  assert.equal(file.records.at(-1)?.what, 'ICCN');
});

test('another box is asked over TLS with its token, by the numbers of both ends', async (t) => {
  const box = await boxWithCall(t);
  const asked: { url: string; authorization: string; body: unknown }[] = [];
  await tracePeer(t, box, async (question, answer) => {
    const { url = '', headers } = question;
    asked.push({ url, authorization: headers.authorization ?? '', body: JSON.parse(await textOf(question)) });
    answer.end(JSON.stringify(OTHER_END));
  });

  const ladder = (await ask(box, 'GET', URL)).json() as Ladder;

  const body = { role: 'lns', assignedSessionId: 500, callSerialNumber: 7, repliedSessionId: 900 };
  assert.deepEqual(asked, [{ url: '/api/v1/traces/match', authorization: `Bearer ${TOKEN}`, body }]);
  assert.deepEqual([ladder.joinProblem, ladder.boxes[1]?.source, ladder.messages.length], ['', 'peer', 7]);
  await ask(box, 'GET', `${URL}?join=none`);
  assert.equal(asked.length, 1);
});

test('a box with another certificate gets no token', async (t) => {
  const box = await boxWithCall(t);
  let asked = 0;
  const another = createHash('sha256').update('another').digest('hex').toUpperCase().match(/../g)!.join(':');
  await tracePeer(t, box, async () => void asked++, another);

  const ladder = (await ask(box, 'GET', URL)).json() as Ladder;

  assert.match(ladder.joinProblem, /^office \(127\.0\.0\.1\): its certificate has another fingerprint than is set$/);
  assert.deepEqual([asked, ladder.messages.length], [0, 6]);
});

for (const [what, answerIt, problem] of [
  ['does not take the token', (answer) => answer.writeHead(401).end(), /does not take the token/],
  ['does not know the call', (answer) => answer.writeHead(404).end('{}'), /^$/],
  ['answers with what is no JSON', (answer) => answer.end('<html>'), /makes no sense/],
  [
    'answers with what is no trace',
    (answer) => answer.end('{"records":7}'),
    /^office: its answer makes no sense: \/\w+ /,
  ],
  ['answers with another call', (answer) => answer.end(JSON.stringify(OF_ANOTHER)), /of another one$/],
  ['answers without an end', (answer) => flood(answer), /too long/],
  [
    'hangs up in the middle',
    (answer) => void answer.write('{', () => answer.destroy()),
    /^office \(127\.0\.0\.1\): \w/,
  ],
  ['is silent', () => {}, /does not answer in time/],
] as const satisfies [string, (answer: ServerResponse) => void, RegExp][]) {
  test(`a box that ${what} does not keep the ladder away, and in time`, { timeout: 30_000 }, async (t) => {
    const box = await boxWithCall(t);
    await tracePeer(t, box, async (_, answer) => void answerIt(answer));
    const begun_ms = performance.now();

    const answer = await ask(box, 'GET', URL);

    assert.ok(performance.now() - begun_ms < 4_500);
    const ladder = answer.json() as Ladder;
    assert.match(ladder.joinProblem, problem);
    assert.deepEqual([ladder.boxes.length, ladder.messages.length], [1, 6]);
  });
}

const ask = ({ app, headers }: BoxWithCall, method: 'GET' | 'POST', url: string, payload?: object) =>
  app.inject({ method, url, headers, ...(payload && { payload }) });

function flood(answer: ServerResponse): void {
  const chunk = 'x'.repeat(65_536);
  const more = (): void => {
    while (!answer.destroyed && answer.write(chunk));
  };
  answer.on('drain', more);
  more();
}

async function textOf(message: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of message) text += chunk;
  return text;
}

/** Another box, as far as it is asked, which the box has as its trace peer. */
async function tracePeer(
  t: TestContext,
  { store }: Box,
  handle: (question: IncomingMessage, answer: ServerResponse) => Promise<void>,
  shown = fingerprint(),
): Promise<void> {
  const server = createServer({ cert: pair.certificate, key: pair.key }, handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const peer = { name: 'office', address: '127.0.0.1', port, token: TOKEN, fingerprint: shown };
  assert.ok(store.documents.writeSettings({ tracePeers: [peer] }, 'test').ok);
}
