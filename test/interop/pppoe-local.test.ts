/**
 * PPPoE calls that end at the LAC itself, without any LNS: with and without VLAN tags, by each way of authentication, side
 * by side on one cable.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { AuthenticationProtocol } from '../../firmware/protocol/ppp/link.js';
import { ACCESS_DEVICE, layAccessSites, PCS_DEVICE } from '../lab/access-sites.js';
import { PppoeCallers } from '../lab/pppoe-callers.js';
import { labIsMissing } from '../lab/requirements.js';
import { until } from '../lab/until.js';
import { Appliance } from './appliance.js';
import { dialOrder, PASSWORD, USER_PREFIX } from './lac-and-lns.js';
import { LNS_LINK_ADDRESS } from './lns.js';

const CALLS_EACH = 30;
const KINDS: readonly { vlanIds: readonly number[]; authentication: AuthenticationProtocol }[] = [
  { vlanIds: [], authentication: 'chap-md5' },
  { vlanIds: [100], authentication: 'pap' },
  { vlanIds: [7, 100], authentication: 'mschapv2' },
];
const CALLS = KINDS.length * CALLS_EACH;

describe('PPPoE calls that end at the LAC', { skip: labIsMissing() }, () => {
  let lac: Appliance;
  let callers: PppoeCallers;
  let close: () => Promise<void>;

  before(async () => {
    const sites = await layAccessSites();
    close = () => sites.lab.close();
    // Two tags on top of a whole packet are 4 octets more than the kernel grants by itself.
    await sites.pcs.ip(`link set ${PCS_DEVICE} mtu 1504`);
    await sites.lac.ip(`link set ${ACCESS_DEVICE} mtu 1504`);
    lac = await Appliance.start(sites.lab, sites.lac, 'lac');
    callers = await PppoeCallers.start(sites.pcs, PCS_DEVICE);
    await lac.api.putPool('default', { ranges: [{ first: '10.113.0.2', last: `10.113.0.${CALLS + 1}` }] });
    for (let user = 0; user < CALLS; user++) await lac.api.putUser(`${USER_PREFIX}${user}`, { password: PASSWORD });
    await lac.api.configure({
      lns: { localAddress: LNS_LINK_ADDRESS },
      lac: {
        ...{ enabled: true, interfaces: [{ name: ACCESS_DEVICE }], rules: [{ action: 'local' }] },
        authentication: ['mschapv2', 'chap-md5', 'pap'],
      },
    });
  });
  after(() => close?.());

  it('all come up with an address each, reach the LAC, hang up, and nothing is left', { timeout: 90_000 }, async () => {
    for (const [index, { vlanIds, authentication }] of KINDS.entries()) {
      const changes = { vlanIds, authentication: [authentication], firstPc: index * CALLS_EACH };
      const { up, failures } = await callers.dial(dialOrder({ calls: CALLS_EACH, ...changes }));
      assert.deepEqual(failures, {}, authentication);
      assert.equal(up.length, CALLS_EACH);
    }
    const sessions = await lac.api.sessions();
    assert.equal(new Set(sessions.map(({ address }) => address)).size, CALLS);
    for (const { authentication } of KINDS) {
      assert.equal(sessions.filter((session) => session.authentication === authentication).length, CALLS_EACH);
    }
    assert.equal(await lac.api.leasedCount(), CALLS);
    const pings = await callers.ping(LNS_LINK_ADDRESS, 20_000);
    assert.deepEqual(pings, { asked: CALLS, answered: CALLS, strays: 0 });
    assert.deepEqual(await callers.ended(), []);
    assert.equal(await callers.hangUp(), CALLS);
    await until('no session and no lease', 15_000, async () => {
      return (await lac.api.status()).sessions === 0 && (await lac.api.leasedCount()) === 0;
    });
  });
});
