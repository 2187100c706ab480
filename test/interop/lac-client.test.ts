/** Our LAC client calls LNSes of three houses: l2tpns, xl2tpd and ourselves. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Capture } from '../lab/capture.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS, bootGuest, layThreeSites, type Sites } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import { Appliance } from './appliance.js';
import { assertSteps, CALL_SETUP, judged } from './assertions.js';
import { profile, UP_TIMEOUT_MS, up } from './branch.js';
import { startFreeRadius } from './freeradius.js';
import { startL2tpns } from './l2tpns.js';
import { idle, listening, startLns, USER } from './lns.js';
import { Xl2tpdLns } from './xl2tpd.js';

const TUNNEL_SECRET = 'tunnel-secret';

const skip = labIsMissing();

describe('our LAC client and our LNS', { skip }, () => {
  let sites: Sites;
  let lns: Appliance;
  let branch: Appliance;

  before(async () => {
    sites = await layThreeSites();
    lns = await startLns(sites, { ppp: { echoInterval_s: 1, echoFailures: 3 } });
    branch = await Appliance.start(sites.lab, sites.user, 'branch');
    await branch.api.configure({
      ppp: { echoInterval_s: 1, echoFailures: 3 },
      l2tp: { helloInterval_s: 5, retransmitInitial_ms: 250, maxRetransmits: 3 },
    });
  });
  after(() => sites?.lab.close());

  for (const [version, server] of [
    ['IPv4', ADDRESS.lns],
    ['IPv6', ADDRESS.lns6],
  ] as const) {
    it(`calls by version 2 over ${version} and the office answers; switched off, it hangs up`, async () => {
      const capture = await Capture.start(sites.lab, sites.lns, 'internet', `own-${version}`);
      await lns.api.configure({ lns: { defaultSecret: TUNNEL_SECRET } });
      await branch.api.configure(profile({ server, encapsulation: 'udp2', tunnelSecret: TUNNEL_SECRET }));
      await up(branch, sites.user, ADDRESS.office);
      const ping = await sites.user.ping(ADDRESS.office);
      assert.equal(ping.status, 0, ping.stdout);
      const [session] = await lns.api.sessions();
      assert.equal(session?.authentication, 'mschapv2');
      await branch.api.configure(profile({ server, enabled: false }));
      await Promise.all([idle(lns), idle(branch)]);
      assert.equal(await lns.api.leasedCount(), 0);
      const judgement = await judged(await capture.stop());
      assertSteps(judgement, [
        ...CALL_SETUP,
        'CHAP Success',
        'IPCP Configure-Ack',
        'IPv4',
        'LCP Terminate-Request',
        'StopCCN',
      ]);
    });
  }

  for (const authentication of ['pap', 'chap-md5'] as const) {
    it(`calls with ${authentication} where the profile allows that alone`, async () => {
      await branch.api.configure(profile({ authentication: [authentication], tunnelSecret: TUNNEL_SECRET }));
      await up(branch, sites.user, ADDRESS.office);
      const [session] = await lns.api.sessions();
      assert.equal(session?.authentication, authentication);
      await branch.api.configure(profile({ enabled: false }));
      await Promise.all([idle(lns), idle(branch)]);
    });
  }

  it('the LNS is killed and comes back: the client redials without anybody’s hand', { timeout: 120_000 }, async () => {
    await branch.api.configure(profile({ tunnelSecret: TUNNEL_SECRET }));
    await up(branch, sites.user, ADDRESS.office);
    await lns.kill();
    await until('the client notices', UP_TIMEOUT_MS, async () => {
      const [client] = (await branch.api.status()).lacClients;
      return client?.state !== 'up';
    });
    await lns.restart();
    await listening(lns);
    await up(branch, sites.user, ADDRESS.office);
    const ping = await sites.user.ping(ADDRESS.office);
    assert.equal(ping.status, 0, ping.stdout);
    assert.equal(await lns.api.leasedCount(), 1);
  });
});

describe('our LAC client calls l2tpns, with FreeRADIUS behind it', { skip }, () => {
  let sites: Sites;
  let branch: Appliance;

  before(async () => {
    sites = await layThreeSites();
    const radius = { address: '127.0.0.1', secret: 'radius-secret' };
    await startFreeRadius(sites.lab, {
      ...{ namespace: sites.lns, address: radius.address, clients: '127.0.0.0/8', secret: radius.secret },
      users: [{ name: USER.name, password: USER.password }],
    });
    await Promise.all([
      startL2tpns(sites.lab, {
        ...{ namespace: sites.lns, address: ADDRESS.lns, device: 'internet', peerAddress: '10.2.0.1' },
        ...{ pool: '10.2.0.64/26', tunnelSecret: TUNNEL_SECRET, radius, authentication: 'chap' },
      }),
      Appliance.start(sites.lab, sites.user, 'branch').then((started) => {
        branch = started;
      }),
    ]);
  });
  after(() => sites?.lab.close());

  it('authenticates the tunnel and itself by CHAP, gets an address, and the office answers; hangs up', async () => {
    const capture = await Capture.start(sites.lab, sites.lns, 'internet', 'l2tpns');
    await branch.api.configure(profile({ tunnelSecret: TUNNEL_SECRET }));
    await up(branch, sites.user, ADDRESS.office);
    const ping = await sites.user.ping(ADDRESS.office);
    assert.equal(ping.status, 0, ping.stdout);
    const [session] = await branch.api.sessions();
    assert.equal(session?.authentication, 'chap-md5');
    assert.match(session.address, /^10\.2\.0\./);
    await branch.api.configure(profile({ enabled: false }));
    await idle(branch);
    const judgement = await judged(await capture.stop());
    assertSteps(judgement, [
      ...CALL_SETUP,
      'CHAP Success',
      'IPCP Configure-Ack',
      'IPv4',
      'LCP Terminate-Request',
      'StopCCN',
    ]);
  });

  it('a wrong password is told in the status, and it goes on trying', async () => {
    await branch.api.configure(profile({ tunnelSecret: TUNNEL_SECRET, password: 'not it' }));
    const client = await until('the refusal is told', UP_TIMEOUT_MS, async () => {
      const [shown] = (await branch.api.status()).lacClients;
      return shown !== undefined && shown.lastError !== '' && shown.redialAt !== '' ? shown : undefined;
    });
    assert.match(client.lastError, /authentication|password/i);
    await branch.api.configure(profile({ enabled: false }));
    await idle(branch);
  });
});

describe('our LAC client calls xl2tpd', { skip }, () => {
  let sites: Sites;
  let branch: Appliance;
  const beyond = '10.99.0.1';

  before(async () => {
    sites = await layThreeSites();
    const [guest, started] = await Promise.all([bootGuest(sites), Appliance.start(sites.lab, sites.lns, 'branch')]);
    branch = started;
    await guest.run(`ip address add ${beyond}/32 dev lo`);
    await Xl2tpdLns.start(guest, {
      ...{ authentication: 'mschapv2', user: USER.name, password: USER.password, tunnelSecret: TUNNEL_SECRET },
      ...{ path: 'kernel', ipv6: true, localAddress: '10.3.0.1', firstAddress: '10.3.0.10', lastAddress: '10.3.0.20' },
    });
  });
  after(() => sites?.lab.close());

  it('authenticates the tunnel and itself by MS-CHAPv2, and pings through; hangs up', async () => {
    const capture = await Capture.start(sites.lab, sites.lns, 'internet', 'xl2tpd-lns');
    const dialled = { server: ADDRESS.guest, routes: [`${beyond}/32`], tunnelSecret: TUNNEL_SECRET };
    await branch.api.configure(profile(dialled));
    await up(branch, sites.lns, beyond);
    const ping = await sites.lns.ping(beyond);
    assert.equal(ping.status, 0, ping.stdout);
    const [session] = await branch.api.sessions();
    assert.equal(session?.authentication, 'mschapv2');
    await branch.api.configure(profile({ ...dialled, enabled: false }));
    await idle(branch);
    const judgement = await judged(await capture.stop());
    assertSteps(judgement, [
      ...CALL_SETUP,
      'CHAP Success',
      'IPCP Configure-Ack',
      'IPv4',
      'LCP Terminate-Request',
      'StopCCN',
    ]);
  });
});
