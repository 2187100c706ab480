/**
 * NAT as the kernel does it for users: an office that knows no way to the users' addresses answers them when their packets
 * leave with the box's own address, and does not when they are routed as they are.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS, layThreeSites, type Sites } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import { Appliance } from './appliance.js';
import { profile, up } from './branch.js';
import { startLns } from './lns.js';

describe('NAT of users', { skip: labIsMissing() }, () => {
  let sites: Sites;
  let lns: Appliance;
  let branch: Appliance;

  before(async () => {
    sites = await layThreeSites();
    lns = await startLns(sites, {});
    branch = await Appliance.start(sites.lab, sites.user, 'branch');
    await branch.api.configure({
      ...profile({ server: ADDRESS.lns, encapsulation: 'udp2' }),
      ppp: { echoInterval_s: 1, echoFailures: 3 },
      l2tp: { helloInterval_s: 5, retransmitInitial_ms: 250, maxRetransmits: 3 },
    });
    await up(branch, sites.user, ADDRESS.office);
    await sites.office.run(['ip', 'route', 'delete', 'default']);
  });
  after(() => sites?.lab.close());

  const isAnswered = async (): Promise<boolean> => (await sites.user.ping(ADDRESS.office)).status === 0;
  const table = () => sites.lns.run(['nft', 'list', 'tables']);

  it('routed as they are: the office has no way back', async () => {
    assert.equal(await isAnswered(), false);
    assert.equal((await table()).stdout.includes('tunnelwerk_box'), false);
  });

  it('with the address of the box: the office answers, and sees no user’s address', async () => {
    await lns.api.configure({ routing: { masqueradeOn: ['office'] } });
    assert.equal(await isAnswered(), true);
    const { stdout } = await sites.office.run(['ip', 'neighbour', 'show']);
    assert.equal(stdout.includes('10.112.112.'), false);
    const rules = await sites.lns.run(['nft', 'list', 'table', 'inet', 'tunnelwerk_box']);
    assert.match(rules.stdout, /oifname "office" counter packets [1-9]\d* bytes \d+ masquerade/);
  });

  it('survives a kill of the program, and goes with its end', async () => {
    await lns.kill();
    await lns.restart();
    await until('the call is up again', 30_000, isAnswered);
    assert.equal((await table()).stdout.split('tunnelwerk_box').length, 2);
    await lns.stop();
    assert.equal((await table()).stdout.includes('tunnelwerk_box'), false);
  });
});
