/** Limits and filters of users on the shipped program, whose users are a branch that dials it. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Settings } from '../../firmware/settings.js';
import type { CallRecord } from '../../firmware/store/calls.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS, layThreeSites, type Sites } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import { Appliance } from './appliance.js';
import { profile, up } from './branch.js';
import { idle, startLns, USER } from './lns.js';

/** What a change of the settings or of a call may take until it shows. */
const PROMPTLY_MS = 1_000;
const CALL_MS = 30_000;

const NO_PING: Settings['filters'][number] = {
  name: 'no ping',
  rules: [{ action: 'drop', direction: 'from-user', remote: ADDRESS.officeNetwork, protocol: 'icmp' }],
  otherwise: 'accept',
};

describe('limits and filters of users', { skip: labIsMissing() }, () => {
  let sites: Sites;
  let lns: Appliance;
  let branch: Appliance;

  before(async () => {
    sites = await layThreeSites();
    lns = await startLns(sites, { filters: [NO_PING] });
    branch = await Appliance.start(sites.lab, sites.user, 'branch');
  });

  beforeEach(async () => {
    await branch.api.configure({ lacClients: [] });
    await idle(lns);
    await lns.api.putUser(USER.name, { password: USER.password });
    await lns.api.configure({ filters: [NO_PING], lns: { duplicateLogins: 'allow', maxSessionsPerUser: 0 } });
  });

  after(() => sites?.lab.close());

  async function pings(address: string): Promise<boolean> {
    return (await sites.user.ping(address, { count: 1 })).status === 0;
  }

  /** Why the call that is up now, or has just been, has ended. */
  async function endOfCall(): Promise<string> {
    await up(branch, sites.user, ADDRESS.office);
    const [newest] = await lns.api.demand<CallRecord[]>('GET', '/api/v1/calls?limit=1');
    return until('the call has ended', CALL_MS, async () => {
      const calls = await lns.api.demand<CallRecord[]>('GET', '/api/v1/calls?limit=5');
      return calls.find(({ id, endedAt }) => id === newest?.id && endedAt !== '')?.cause;
    });
  }

  it('RFC 2865 section 5.11: a user’s filter holds, and its rules change under the call', async () => {
    await lns.api.putUser(USER.name, { password: USER.password, filter: NO_PING.name });
    await branch.api.configure(profile({}));
    await up(branch, sites.user, ADDRESS.office);
    await until('the filter holds', PROMPTLY_MS, async () => !(await pings(ADDRESS.office)));
    const began_ms = performance.now();
    const elsewhere = { ...NO_PING, rules: [{ ...NO_PING.rules[0]!, remote: '203.0.113.0/24' }] };
    await lns.api.configure({ filters: [elsewhere] });
    await until('the office answers', PROMPTLY_MS, () => pings(ADDRESS.office));
    assert.ok(performance.now() - began_ms < PROMPTLY_MS);
    assert.deepEqual((await lns.api.status()).problems, []);
  });

  it('killed and started again, the program takes away the filter that it left', async () => {
    await lns.api.putUser(USER.name, { password: USER.password, filter: NO_PING.name });
    await branch.api.configure(profile({}));
    await up(branch, sites.user, ADDRESS.office);
    const list = async () => (await sites.lns.run(['nft', 'list', 'tables'])).stdout.trim();
    await until('the filter is there', PROMPTLY_MS, async () => (await list()) === 'table inet tunnelwerk_filter');
    await lns.kill();
    await branch.api.configure({ lacClients: [] });
    assert.equal(await list(), 'table inet tunnelwerk_filter');
    await lns.restart();
    await until('the filter is gone', CALL_MS, async () => (await list()) === '');
  });

  it('RFC 2865 section 5.27: a call is ended after its Session-Timeout', async () => {
    await lns.api.putUser(USER.name, { password: USER.password, sessionTimeout_s: 2 });
    await branch.api.configure(profile({}));
    assert.equal(await endOfCall(), 'the call has lasted 2 s');
  });

  it('RFC 2865 section 5.28: a call that carries nothing is ended after its Idle-Timeout, a busy one is not', async () => {
    await lns.api.putUser(USER.name, { password: USER.password, idleTimeout_s: 3 });
    await branch.api.configure(profile({}));
    await up(branch, sites.user, ADDRESS.office);
    const [before] = await lns.api.sessions();
    const busy = await sites.user.ping(ADDRESS.office, { count: 30 });
    assert.equal(busy.status, 0, busy.stdout);
    assert.equal((await lns.api.sessions())[0]?.sessionId, before?.sessionId);
    assert.equal(await endOfCall(), 'nothing has passed for 3 s');
  });

  /** Two profiles of one user, the second of which dials when the first is up. */
  async function dialTwice(): Promise<void> {
    const [one] = profile({ name: 'one' }).lacClients ?? [];
    const other = {
      ...one!,
      name: 'other',
      tunInterface: 'tw-other',
      routes: [],
      redialInitial_s: 60,
      redialCap_s: 60,
    };
    await branch.api.configure({ lacClients: [{ ...one!, redialInitial_s: 60, redialCap_s: 60 }] });
    await up(branch, sites.user, ADDRESS.office);
    await branch.api.configure({ lacClients: [{ ...one!, redialInitial_s: 60, redialCap_s: 60 }, other] });
  }

  /** A profile's state, as soon as it is this one. */
  async function profileIs(name: string, state: string): Promise<string> {
    let lastError = '';
    await until(`profile ${name} is ${state}`, CALL_MS, async () => {
      const client = (await branch.api.status()).lacClients.find((each) => each.name === name);
      lastError = client?.lastError ?? '';
      return client?.state === state;
    });
    return lastError;
  }

  it('duplicateLogins refuse: the second call of a user is refused, the first one stands', async () => {
    await lns.api.configure({ lns: { duplicateLogins: 'refuse' } });
    await dialTwice();
    assert.match(await profileIs('other', 'waiting'), /the user has a call already/);
    await profileIs('one', 'up');
    assert.equal((await lns.api.sessions()).length, 1);
  });

  it('duplicateLogins replace: the second call of a user ends the first one', async () => {
    await lns.api.configure({ lns: { duplicateLogins: 'replace' } });
    await dialTwice();
    await profileIs('other', 'up');
    assert.match(await profileIs('one', 'waiting'), /the user has called again/);
    await until('one call is left', CALL_MS, async () => (await lns.api.sessions()).length === 1);
  });

  it('maxSessionsPerUser: two, and a third one is refused', async () => {
    await lns.api.configure({ lns: { maxSessionsPerUser: 2 } });
    await dialTwice();
    await profileIs('other', 'up');
    const { lacClients } = await branch.api.settings();
    const third = { ...lacClients[1]!, name: 'third', password: USER.password, tunInterface: 'tw-third' };
    await branch.api.configure({ lacClients: [...lacClients, third] });
    assert.match(await profileIs('third', 'waiting'), /the user has 2 sessions already/);
    assert.equal((await lns.api.sessions()).length, 2);
  });
});
