/**
 * The ladder of real calls: pppd over PPPoE, our LAC and our LNS, a FreeRADIUS behind each. A good call shows the fourteen
 * steps, both boxes joined; of broken ones it is said in words what went wrong, at the step where it did, at both boxes.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { CallTrace, Ladder, TraceExport } from '../../firmware/api/traces.js';
import { LAC_ADDRESS } from '../lab/access-sites.js';
import { type FourteenSteps, setUp, startFourteenSteps } from '../lab/fourteen-steps.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import type { Appliance } from './appliance.js';
import { USER } from './lns.js';

const PPP = { restartTimer_ms: 1_000 };
const GOOD = { user: USER.name, password: USER.password, authentication: 'chap-md5' } as const;

describe('the ladder of a call', { skip: labIsMissing() }, () => {
  let lab: FourteenSteps;

  before(async () => {
    lab = await startFourteenSteps();
  });
  after(() => lab?.sites.lab.close());
  // What one case leaves behind when it fails is not the next one's fault.
  afterEach(async () => {
    for (const box of [lab.lac, lab.lns]) {
      for (const { sessionId } of await box.api.sessions())
        await box.api.request('DELETE', `/api/v1/sessions/${sessionId}`);
    }
    await nothingLeft();
  });
  beforeEach(() => setUp(lab, { proxy: 'chap', lns: { ppp: PPP }, lac: { ppp: PPP } }));

  it('shows the fourteen steps of a good one, as both boxes have seen them', { timeout: 60_000 }, async () => {
    await makeTracePeers();
    await lab.pc.connect({ ...GOOD, routes: [ADDRESS.officeNetwork] });
    assert.equal((await lab.pc.ping(ADDRESS.office)).status, 0);
    const ladder = await until('both boxes tell of traffic', 15_000, async () => {
      const found = await ladderOf(lab.lac);
      assert.equal(found.joinProblem, '');
      const told = found.messages.filter(({ step }) => step === 14);
      return told.some(({ seenBy }) => seenBy === 'here') && told.some(({ seenBy }) => seenBy === 'elsewhere') && found;
    });
    assert.deepEqual(
      ladder.steps.map(({ number, state }) => [number, state]),
      Array.from({ length: 14 }, (_, at) => [at + 1, at + 1 < 7 || at + 1 === 14 ? 'done' : 'elsewhere']),
    );
    assert.deepEqual(ladder.lanes, ['pc', 'lac', 'radius-of-lac', 'lns', 'radius-of-lns']);
    assert.deepEqual([ladder.outcome, ladder.failure, ladder.joinProblem], ['up', null, '']);
    assert.deepEqual(
      ladder.boxes.map(({ name, role, source }) => [name, role, source]),
      [
        ['lac', 'lac', 'here'],
        ['lns', 'lns', 'peer'],
      ],
    );
    const said = ladder.messages.map(({ from, to, what }) => `${from} > ${to}: ${what}`);
    assertContains(said, [
      'pc > lac: PADR',
      'pc > lac: CHAP Response',
      'lac > radius-of-lac: authenticate',
      'radius-of-lac > lac: accepted',
      'lac > lns: SCCRQ',
      'lns > lac: SCCRP',
      'lac > lns: SCCCN',
      'lac > lns: ICRQ',
      'lns > lac: ICRP',
      'lac > lns: ICCN',
      'lns > radius-of-lns: authenticate',
      'radius-of-lns > lns: accepted',
      'lns > pc: CHAP Challenge',
      'lns > pc: IPCP Configure-Ack',
    ]);
    const request = ladder.messages.find(({ what }) => what === 'ICRQ');
    assert.ok(request?.travel_ms !== null && request?.fields.some(({ name }) => name === 'callSerialNumber'));
    const times = ladder.messages.map(({ at_ms }) => at_ms);
    assert.equal(times[0], 0);
    assert.ok((times.at(-1) ?? 0) < 30_000);
    await hangUp();
  });

  it('is the same from an exported file of the other box as from a trace peer', { timeout: 60_000 }, async () => {
    await makeTracePeers();
    await lab.pc.connect(GOOD);
    const traceId = await newest(lab.lac);
    const imported = await exported(lab.lns);
    const path = `/api/v1/traces/${traceId}/ladder`;
    const fromFile = await lab.lac.api.demand<Ladder>('POST', path, { imported });
    const fromPeer = await lab.lac.api.demand<Ladder>('GET', path);
    const alone = await lab.lac.api.demand<Ladder>('GET', `${path}?join=none`);
    assert.deepEqual(fromFile.messages, fromPeer.messages);
    assert.equal(fromFile.boxes[1]?.source, 'import');
    assert.ok(alone.messages.length < fromFile.messages.length);
    assert.deepEqual(alone.lanes, ['pc', 'lac', 'radius-of-lac', 'lns']);
    await hangUp();
  });

  it('a wrong password', { timeout: 60_000 }, async () => {
    await refusedCall({ ...GOOD, password: 'not it' });
    await assertFailure(lab.lac, 'user-refused', 5, /name or password of .* is wrong/);
  });

  it('a RADIUS server that is silent', { timeout: 60_000 }, async () => {
    const radius = { timeout_s: 2, initialRetransmission_ms: 500, transmissionsPerServer: 2, deadTime_s: 1 };
    await setUp(lab, { lac: { ppp: PPP, radius }, lns: { ppp: PPP } });
    lab.lacRadius.signal('SIGSTOP');
    try {
      await refusedCall(GOOD);
    } finally {
      lab.lacRadius.signal('SIGCONT');
    }
    await assertFailure(lab.lac, 'radius-silent', 4, /no RADIUS server answers; check/);
  });

  it('an LNS that refuses the tunnel', { timeout: 60_000 }, async () => {
    const peer = { name: 'another', address: '192.0.2.99/32', secret: 'unheard' };
    await lab.lns.api.configure({ tunnelPeers: [peer], lns: { allowUnknownPeers: false } });
    await refusedCall(GOOD);
    const failure = await assertFailure(
      lab.lac,
      'tunnel-refused',
      5,
      /the LNS .* refused the tunnel: no authorization/,
    );
    assert.match(failure.text, /StopCCN result 4/);
    await lab.lns.api.configure({ lns: { allowUnknownPeers: true } });
  });

  it('tunnel secrets that differ', { timeout: 60_000 }, async () => {
    const peer = { name: 'lac', address: `${LAC_ADDRESS}/32`, secret: 'another secret' };
    await lab.lns.api.configure({ tunnelPeers: [peer] });
    await refusedCall(GOOD);
    await assertFailure(lab.lac, 'tunnel-secret', 5, /secrets of both ends differ/);
  });

  it('an LNS that is silent', { timeout: 60_000 }, async () => {
    await setUp(lab, { lac: { ppp: PPP, lac: { tunnelAnswer_s: 2, deadTime_s: 1 } }, lns: { ppp: PPP } });
    process.kill(lab.lns.pid, 'SIGSTOP');
    try {
      await refusedCall(GOOD);
    } finally {
      process.kill(lab.lns.pid, 'SIGCONT');
    }
    await assertFailure(lab.lac, 'lns-silent', 5, /the LNS .* does not answer; check its address/);
  });

  it('a pool that is empty', { timeout: 60_000 }, async () => {
    await makeTracePeers();
    await lab.lns.api.putPool('default', { ranges: [{ first: '10.112.112.10', last: '10.112.112.10' }] });
    await lab.lns.api.putUser('somebody', { password: 'else', fixedAddress: '10.112.112.10' });
    await lab.lns.api.putUser(USER.name, { password: USER.password });
    await lab.lns.api.configure({ radius: { authentication: [] } });
    await refusedCall(GOOD);
    await assertFailure(lab.lns, 'pool-empty', 13, /all addresses of the pool default are in use/);
    await assertFailure(lab.lac, 'pool-empty', 13, /all addresses of the pool default are in use/);
  });

  it('packet sizes that do not fit together', { timeout: 60_000 }, async () => {
    await makeTracePeers();
    const [peer] = (await lab.lns.api.settings()).tunnelPeers;
    await lab.lns.api.configure({
      ppp: { mru_bytes: 1280 },
      tunnelPeers: [{ ...peer!, proxy: 'trust', proxyMismatch: 'refuse' }],
    });
    await refusedCall(GOOD);
    await assertFailure(lab.lns, 'mru-clash', 7, /packet sizes do not fit together/);
    await assertFailure(lab.lac, 'mru-clash', 7, /packet sizes do not fit together/);
    await lab.lns.api.configure({ ppp: { mru_bytes: 1400 } });
  });

  it('a call that failed is still there after the program was killed and has started again', {
    timeout: 60_000,
  }, async () => {
    await refusedCall({ ...GOOD, password: 'not it' });
    await nothingLeft();
    const before = await ladderOf(lab.lac);
    await lab.lac.kill();
    await lab.lac.restart();
    const [trace] = await traces(lab.lac);
    assert.equal(trace?.traceId, before.traceId);
    assert.deepEqual(await ladderOf(lab.lac), before);
  });

  /** The LAC may ask the LNS what it has seen: over TLS, known by its certificate, with a token. */
  async function makeTracePeers(): Promise<void> {
    const { lns, lac } = lab;
    await lns.api.request('POST', '/api/v1/setup', { password: 'fourteen steps of one' });
    await lns.api.request('DELETE', '/api/v1/tokens/lac');
    const { token } = await lns.api.demand<{ token: string }>('POST', '/api/v1/tokens', {
      name: 'lac',
      role: 'viewer',
    });
    await lns.api.configure({ system: { hostName: 'lns' }, interfaces: [{ name: 'internet', role: 'lan' }] });
    const { fingerprint256 } = await lns.api.demand<{ fingerprint256: string }>('GET', '/api/v1/certificate');
    const peer = { name: 'lns', address: ADDRESS.lns, port: 443, token, fingerprint: fingerprint256 };
    await lac.api.configure({ system: { hostName: 'lac' }, tracePeers: [peer] });
  }

  async function refusedCall(call: Parameters<FourteenSteps['pc']['dial']>[0]): Promise<void> {
    const from = lab.pc.guest.mark();
    await lab.pc.dial(call);
    assert.notEqual(await lab.pc.ended(from), 0);
  }

  async function assertFailure(box: Appliance, code: string, step: number, text: RegExp) {
    await nothingLeft();
    const [trace] = await traces(box, 'failed');
    assert.deepEqual([trace?.outcome, trace?.user], ['failed', USER.name]);
    const ladder = await ladderOf(box);
    assert.ok(ladder.failure !== null, JSON.stringify(ladder.messages.map(({ what, fields }) => [what, fields])));
    assert.deepEqual([ladder.failure.code, ladder.failure.step], [code, step], ladder.failure.text);
    assert.match(ladder.failure.text, text);
    assert.ok(ladder.messages.some(({ failed }) => failed));
    return ladder.failure;
  }

  const traces = (box: Appliance, outcome = ''): Promise<CallTrace[]> =>
    box.api.demand('GET', `/api/v1/traces?limit=5&outcome=${outcome}`);

  async function newest(box: Appliance): Promise<string> {
    const [trace] = await traces(box);
    assert.ok(trace);
    return trace.traceId;
  }

  const exported = async (box: Appliance): Promise<TraceExport> =>
    box.api.demand('GET', `/api/v1/traces/${await newest(box)}/export`);

  const ladderOf = async (box: Appliance): Promise<Ladder> =>
    box.api.demand('GET', `/api/v1/traces/${await newest(box)}/ladder`);

  async function hangUp(): Promise<void> {
    await lab.pc.hangUp();
    await nothingLeft();
  }

  async function nothingLeft(): Promise<void> {
    for (const box of [lab.lac, lab.lns]) {
      await until('nothing is left', 20_000, async () => (await box.api.status()).sessions === 0);
    }
  }
});

/** In this order, with whatever else between them. */
function assertContains(said: readonly string[], wanted: readonly string[]): void {
  let at = 0;
  for (const line of wanted) {
    const found = said.indexOf(line, at);
    assert.notEqual(found, -1, `${line} is missing, or comes too early, in\n${said.join('\n')}`);
    at = found + 1;
  }
}
