/** The shipped program is changed and ended while a call stands: what the peer hears, what the kernel and the history keep. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { CallRecord } from '../../firmware/store/calls.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS, layThreeSites, type Sites } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import { Appliance } from './appliance.js';
import { idle, listening, startLns, USER } from './lns.js';

const TUN = 'tw-office';
const PROMPTLY_MS = 5_000;

const skip = labIsMissing();

describe('changes and the end while a call stands', { skip }, () => {
  let sites: Sites;
  let lns: Appliance;
  let branch: Appliance;

  before(async () => {
    sites = await layThreeSites();
    lns = await startLns(sites);
    branch = await Appliance.start(sites.lab, sites.user, 'branch');
    await dial({});
  });
  after(() => sites?.lab.close());

  async function dial(changes: object): Promise<void> {
    const profile = {
      ...{ name: 'office', enabled: true, server: ADDRESS.lns, userName: USER.name, password: USER.password },
      ...{ tunInterface: TUN, routes: [ADDRESS.officeNetwork], redialInitial_s: 1, redialCap_s: 2 },
      ...changes,
    };
    await branch.api.configure({ lacClients: [profile] });
  }

  async function pings(device = TUN): Promise<void> {
    await until('the LAC client is up', 30_000, async () => (await branch.api.status()).lacClients[0]?.state === 'up');
    await sites.user.routed(ADDRESS.office, device);
    const ping = await sites.user.ping(ADDRESS.office);
    assert.equal(ping.status, 0, ping.stdout);
  }

  it('devices get another name, twice in a row, under a call that stands: it goes on', async () => {
    await pings();
    const [before] = await lns.api.sessions();
    await Promise.all(['lns1', 'lns2'].map((tunInterface) => lns.api.configure({ lns: { tunInterface } })));
    for (const tunInterface of ['tw-other', 'tw-branch']) await dial({ tunInterface });
    await pings('tw-branch');
    const [now] = await lns.api.sessions();
    assert.equal(now?.sessionId, before?.sessionId);
    assert.deepEqual((await branch.api.status()).problems, []);
  });

  it('the LNS is switched off and on: the call ends, and the profile is up again by itself', async () => {
    await lns.api.configure({ lns: { enabled: false } });
    await idle(lns, PROMPTLY_MS);
    await lns.api.configure({ lns: { enabled: true } });
    await listening(lns);
    await pings('tw-branch');
  });

  it('a profile is changed, switched off and on without a pause: one call is left', async () => {
    await dial({ tunInterface: 'tw-branch', mru_bytes: 1300 });
    await dial({ tunInterface: 'tw-branch', mru_bytes: 1300, enabled: false });
    await dial({ tunInterface: 'tw-branch', mru_bytes: 1300 });
    await pings('tw-branch');
    await until('one call is left', 10_000, async () => (await lns.api.sessions()).length === 1);
    assert.equal(await lns.api.leasedCount(), 1);
  });

  it('SIGTERM while a call stands and a reader follows the trace: StopCCN 6, status 0, nothing left, counters kept', async () => {
    const stopFollowing = await lns.api.followTrace(() => undefined);
    const begun_ms = performance.now();
    assert.equal(await lns.stop(), 0);
    assert.ok(performance.now() - begun_ms < PROMPTLY_MS, `took ${performance.now() - begun_ms} ms`);
    stopFollowing();
    const [client] = (await branch.api.status()).lacClients;
    assert.match(client?.lastError ?? '', /result 6/);
    const links = await sites.lns.run(['ip', '-o', 'link', 'show', 'type', 'tun']);
    assert.equal(links.stdout, '');

    await lns.restart();
    const [call] = await lns.api.demand<CallRecord[]>('GET', '/api/v1/calls?limit=1');
    assert.notEqual(call?.cause, 'the program ended');
    assert.ok((call?.receivedPackets ?? 0) > 0 && (call?.sentPackets ?? 0) > 0, JSON.stringify(call));
    await listening(lns);
    await pings('tw-branch');
  });
});
