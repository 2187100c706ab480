/**
 * Two LNSes behind one LAC (RFC 2868 section 3.8): calls are shared between them; one dies under its calls, which end as
 * lost and are accounted for with what they carried, and all that dial again are carried to the other.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import { Appliance } from './appliance.js';
import { startFreeRadius } from './freeradius.js';
import { dialOrder, type LacAndLns, PASSWORD, startLacAndLns, TUNNEL_SECRET, USER_PREFIX } from './lac-and-lns.js';
import { LNS_LINK_ADDRESS, listening } from './lns.js';
import { readDetail } from './radius-detail.js';

const CALLS = 60;
const OTHER_LNS = '198.51.100.1';
const SERVER = { address: '127.0.0.1', secret: 'radius-secret' } as const;
/** An ICMP echo of 8 octets in IPv4. */
const PING_BYTES = 28;
const GROUP = [ADDRESS.lns, OTHER_LNS].map(
  (server) => ({ server, encapsulation: 'udp2', secret: TUNNEL_SECRET }) as const,
);

describe('two LNSes behind one LAC', { skip: labIsMissing() }, () => {
  let boxes: LacAndLns;
  let other: Appliance;

  before(async () => {
    boxes = await startLacAndLns({
      users: CALLS,
      lac: {
        l2tp: { helloInterval_s: 5, maxRetransmits: 2 },
        radius: { accounting: [SERVER] },
        lac: { tunnelGroups: [{ name: 'office', servers: GROUP }], tunnelAnswer_s: 3, deadTime_s: 60 },
      },
    });
    const { sites } = boxes;
    const namespace = await sites.lab.namespace('other-lns');
    await sites.lab.cable(
      { namespace: sites.lac, device: 'uplink2', addresses: ['198.51.100.2/30'] },
      { namespace, device: 'internet', addresses: [`${OTHER_LNS}/30`] },
    );
    const radius = { namespace: sites.lac, clients: '127.0.0.0/8', users: [], ...SERVER };
    [other] = await Promise.all([
      Appliance.start(sites.lab, namespace, 'other-lns'),
      startFreeRadius(sites.lab, radius),
    ]);
    await other.api.putPool('default', { ranges: [{ first: '10.115.0.2', last: `10.115.0.${CALLS + 1}` }] });
    for (let user = 0; user < CALLS; user++) await other.api.putUser(`${USER_PREFIX}${user}`, { password: PASSWORD });
    await other.api.configure({
      lns: { enabled: true, localAddress: LNS_LINK_ADDRESS, authentication: ['chap-md5'] },
      tunnelPeers: [{ name: 'lac', address: '198.51.100.2/32', secret: TUNNEL_SECRET, proxy: 'trust' }],
    });
    await listening(other);
  });
  after(() => boxes?.sites.lab.close());

  const isOther = ({ address }: { address: string }): boolean => address.startsWith('10.115.');

  it('share the calls; when one dies, its calls end as lost with what they carried, and the other takes all', {
    timeout: 120_000,
  }, async () => {
    const { lac, callers, sites } = boxes;
    const first = await callers.dial(dialOrder({ calls: CALLS }));
    assert.deepEqual(first.failures, {});
    const lost = first.up.filter(isOther).map(({ pc }) => pc);
    assert.ok(lost.length > CALLS / 4 && lost.length < (3 * CALLS) / 4, `${lost.length} of ${CALLS} at one LNS`);
    assert.deepEqual(await callers.ping(LNS_LINK_ADDRESS, 10_000), { asked: CALLS, answered: CALLS, strays: 0 });

    await other.kill();
    const ended = new Set<number>();
    await until('the calls at the dead LNS have ended', 40_000, async () => {
      for (const { pc } of await callers.ended()) ended.add(pc);
      return ended.size === lost.length;
    });
    assert.deepEqual(
      [...ended].sort((a, b) => a - b),
      lost.sort((a, b) => a - b),
    );
    const stops = await until('their Stops', 10_000, () => {
      const all = readDetail(sites.lab).filter((record) => record['Acct-Status-Type'] === 'Stop');
      return all.length >= lost.length && all;
    });
    assert.deepEqual(stops.map((stop) => stop['User-Name']).sort(), lost.map((pc) => `"${USER_PREFIX}${pc}"`).sort());
    for (const stop of stops) {
      assert.equal(stop['Acct-Terminate-Cause'], 'Lost-Carrier');
      assert.ok(Number(stop['Acct-Input-Octets']) >= PING_BYTES, JSON.stringify(stop));
      assert.ok(Number(stop['Acct-Output-Octets']) >= PING_BYTES, JSON.stringify(stop));
    }

    // The LAC knows the LNS as dead by now: no call waits for it.
    for (const pc of lost) {
      const { up, failures } = await callers.dial(dialOrder({ calls: 1, firstPc: pc }));
      assert.deepEqual(failures, {});
      assert.equal(isOther(up[0]), false);
    }
    assert.equal((await lac.api.sessions()).length, CALLS);
    assert.equal(await callers.hangUp(), CALLS);
  });
});
