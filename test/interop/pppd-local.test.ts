/** pppd over PPPoE and our LAC, where its call ends: the user table of the box says who it is, and the box is the gateway. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ACCESS_DEVICE, type AccessSites, layAccessSites, PCS_DEVICE } from '../lab/access-sites.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import { Appliance } from './appliance.js';
import { LNS_LINK_ADDRESS, POOL, USER } from './lns.js';
import { type PcCall, PppdPc } from './pppd-pc.js';

const CALL: Omit<PcCall, 'authentication'> = {
  ...{ user: USER.name, password: USER.password, ipv6: true, routes: [`${ADDRESS.lns}/32`] },
};

describe('pppd over PPPoE, its call ends at our LAC', { skip: labIsMissing() }, () => {
  let sites: AccessSites;
  let pc: PppdPc;
  let lac: Appliance;

  before(async () => {
    sites = await layAccessSites();
    [pc, lac] = await Promise.all([
      PppdPc.boot(sites.lab, { name: 'pc', namespace: sites.pcs, device: PCS_DEVICE }),
      Appliance.start(sites.lab, sites.lac, 'lac'),
    ]);
    await lac.api.putPool('default', { ranges: [{ first: POOL.first, last: POOL.last }] });
    await lac.api.putUser(USER.name, { password: USER.password });
    // The way back to the users.
    await sites.lns.ip(`route add 10.112.112.0/24 via ${ADDRESS.user}`);
  });
  after(() => sites?.lab.close());

  async function setUp(authentication: PcCall['authentication']): Promise<void> {
    await lac.api.configure({
      ppp: { restartTimer_ms: 1_000, mru_bytes: 1_500 },
      lns: { localAddress: LNS_LINK_ADDRESS },
      lac: {
        ...{ enabled: true, interfaces: [{ name: ACCESS_DEVICE }], authentication: [authentication] },
        rules: [{ action: 'local' }],
      },
    });
  }

  async function hangUp(): Promise<void> {
    await pc.hangUp();
    await until('no session and no lease', 15_000, async () => {
      return (await lac.api.status()).sessions === 0 && (await lac.api.leasedCount()) === 0;
    });
  }

  for (const authentication of ['pap', 'chap-md5', 'mschapv2'] as const) {
    it(`${authentication}: an address of the pool, who is beyond the box answers, hangs up`, {
      timeout: 60_000,
    }, async () => {
      await setUp(authentication);
      const up = await pc.connect({ ...CALL, authentication });
      assert.match(up.localAddress, /^10\.112\.112\.[12]\d$/);
      assert.equal(up.peerAddress, LNS_LINK_ADDRESS);
      const [session] = await lac.api.sessions();
      assert.deepEqual([session?.role, session?.authentication, session?.mtu_bytes], ['lac', authentication, 1492]);
      const ping = await pc.ping(ADDRESS.lns);
      assert.equal(ping.status, 0, ping.lines.join('\n'));
      await hangUp();
    });
  }
});
