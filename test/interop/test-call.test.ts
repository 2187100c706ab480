/** The call that the box places itself: through its own LNS, with the reason in words when it fails, and nothing left of it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { TestCall } from '../../firmware/api/test-call.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS, layThreeSites, type Sites } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import { Appliance } from './appliance.js';
import { startLns, USER } from './lns.js';

describe('a test call', { skip: labIsMissing() }, () => {
  let sites: Sites;
  let lns: Appliance;
  let lac: Appliance;

  before(async () => {
    sites = await layThreeSites();
    lns = await startLns(sites, {});
    lac = await Appliance.start(sites.lab, sites.user, 'lac');
    const servers = [{ server: ADDRESS.lns }];
    await lac.api.configure({ lac: { tunnelGroups: [{ name: 'office', servers }] } });
  });
  after(() => sites?.lab.close());

  const own = { kind: 'lns', user: USER.name, password: USER.password };

  async function call(box: Appliance, wanted: Record<string, string>): Promise<TestCall> {
    await box.api.demand('POST', '/api/v1/test-call', wanted);
    const result = await until('the test call is over', 25_000, async () => {
      const seen = await box.api.demand<TestCall>('GET', '/api/v1/test-call');
      return seen.state !== 'running' && seen;
    });
    await until('nothing is left of it', 10_000, async () => {
      const { sessions, tunnels } = await lns.api.status();
      return sessions === 0 && tunnels === 0 && (await lns.api.leasedCount()) === 0;
    });
    return result;
  }

  it('goes through, from the tunnel to an echo', { timeout: 60_000 }, async () => {
    const result = await call(lns, own);
    assert.deepEqual([result.state, result.failure], ['passed', null]);
    assert.match(result.address, /^10\.112\.112\./);
    assert.ok(result.roundTrip_ms !== null && result.roundTrip_ms >= 0 && result.roundTrip_ms < 5_000);
    assert.deepEqual(
      result.steps.map(({ what, state }) => `${what} ${state}`),
      ['tunnel', 'session', 'link', 'authentication', 'address', 'echo'].map((what) => `${what} done`),
    );
  });

  it('goes through with a tunnel secret', { timeout: 60_000 }, async () => {
    await lns.api.configure({ lns: { defaultSecret: 'of the tunnel' } });
    assert.equal((await call(lns, own)).state, 'passed');
    await lns.api.configure({ lns: { defaultSecret: null } });
  });

  it('a wrong password is told as such', { timeout: 60_000 }, async () => {
    const { state, failure, steps } = await call(lns, { ...own, password: 'not it' });
    assert.deepEqual([state, failure?.code], ['failed', 'user-refused']);
    assert.match(failure?.text ?? '', /name or password of alice is wrong/);
    assert.deepEqual(steps.at(-1), { ...steps.at(-1)!, what: 'authentication', state: 'failed' });
  });

  it('an empty pool is told as such', { timeout: 60_000 }, async () => {
    const pool = await lns.api.demand<{ ranges: { first: string; last: string }[] }>('GET', '/api/v1/pools/default');
    await lns.api.putPool('default', { ranges: [{ first: '10.112.112.10', last: '10.112.112.10' }] });
    await lns.api.putUser('somebody', { password: 'else', fixedAddress: '10.112.112.10' });
    const { failure } = await call(lns, own);
    assert.equal(failure?.code, 'pool-empty');
    await lns.api.demand('DELETE', '/api/v1/users/somebody');
    await lns.api.putPool('default', { ranges: pool.ranges });
  });

  it('a LAC calls the LNS of a group, and hears when that is silent', { timeout: 60_000 }, async () => {
    const wanted = { kind: 'tunnel-group', group: 'office', user: USER.name, password: USER.password };
    assert.equal((await call(lac, wanted)).state, 'passed');
    await lac.api.configure({ lac: { tunnelGroups: [{ name: 'office', servers: [{ server: '192.0.2.99' }] }] } });
    const { state, failure } = await call(lac, wanted);
    assert.equal(state, 'failed');
    assert.match(failure?.text ?? '', /does not answer|did not come up/);
  });

  it('one at a time, and what cannot be called is refused by its field', async () => {
    const { api } = lac;
    await api.demand('POST', '/api/v1/test-call', { kind: 'tunnel-group', group: 'office', user: 'a', password: 'b' });
    assert.equal((await api.request('POST', '/api/v1/test-call', own)).status, 409);
    await api.demand('DELETE', '/api/v1/test-call');
    await until(
      'it is ended',
      5_000,
      async () => (await api.demand<TestCall>('GET', '/api/v1/test-call')).state === 'failed',
    );
    const refused: [unknown, number][] = [
      [own, 422],
      [{ kind: 'lac-client', profile: 'none' }, 422],
      [{ kind: 'tunnel-group', group: 'none', user: 'a', password: 'b' }, 422],
      [{ kind: 'lns', user: '', password: 'b' }, 422],
      [{ kind: 'lns', user: 'a', password: 'b', more: 1 }, 422],
      [{ kind: 'flood' }, 422],
      ['lns', 422],
    ];
    for (const [body, status] of refused) {
      assert.equal((await api.request('POST', '/api/v1/test-call', body)).status, status, JSON.stringify(body));
    }
  });
});
