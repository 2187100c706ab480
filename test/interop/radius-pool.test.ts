/**
 * Outgrowing one box: two LNSes behind one LAC, whose RADIUS server names both, and one pool of addresses for both, which
 * the LNSes' FreeRADIUS keeps by its own means. The pool has as many addresses as there are calls.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { LAC_ADDRESS } from '../lab/access-sites.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import { Appliance } from './appliance.js';
import { startFreeRadius } from './freeradius.js';
import { dialOrder, type LacAndLns, PASSWORD, startLacAndLns, TUNNEL_SECRET, USER_PREFIX } from './lac-and-lns.js';
import { LNS_LINK_ADDRESS, listening } from './lns.js';
import { readDetail } from './radius-detail.js';

const CALLS = 24;
/** PCs, each of which dials once, have the numbers of their users. */
const USERS = 4 * CALLS;
const OTHER_LNS = '192.0.2.5';
const LEASE_S = 4;
const INTERIM_S = 1;
const POOL = Array.from({ length: CALLS }, (_, n) => `10.116.0.${n + 1}`);
const SECRET = 'radius-secret';
const OF_LAC = { address: '127.0.0.1', secret: SECRET } as const;
const OF_LNSES = { address: LAC_ADDRESS, secret: SECRET } as const;
const TIMEOUT = { timeout: 40_000 };

const TUNNELS = [ADDRESS.lns, OTHER_LNS].flatMap((lns, index) => [
  `Tunnel-Type:${index + 1} = L2TP`,
  `Tunnel-Medium-Type:${index + 1} = IPv4`,
  `Tunnel-Server-Endpoint:${index + 1} = "${lns}"`,
  `Tunnel-Password:${index + 1} = "${TUNNEL_SECRET}"`,
  `Tunnel-Preference:${index + 1} = 0`,
]);

const radiusOfLns = (nasAddress: string) => ({
  radius: { authentication: [OF_LNSES], accounting: [OF_LNSES], interimInterval_s: INTERIM_S, nasAddress },
});

describe("two LNSes and FreeRADIUS's pool of addresses", { skip: labIsMissing() }, () => {
  let boxes: LacAndLns;
  let other: Appliance;
  let dialled = 0;

  before(async () => {
    boxes = await startLacAndLns({
      users: 0,
      lac: {
        // A dead LNS is dead to the LAC after 1 + 2 + 4 seconds without an answer, which is after its leases are over.
        l2tp: { helloInterval_s: 5, retransmitInitial_ms: 1_000, maxRetransmits: 2 },
        radius: { authentication: [OF_LAC] },
        lac: { rules: [], tunnelGroups: [], tunnelAnswer_s: 2, deadTime_s: 600 },
      },
      lns: radiusOfLns(ADDRESS.lns),
    });
    const { sites } = boxes;
    const namespace = await sites.lab.namespace('other-lns');
    await sites.lab.cable(
      { namespace: sites.lac, device: 'uplink2' },
      { namespace, device: 'internet', addresses: [`${OTHER_LNS}/24`] },
    );
    await sites.lac.ip('link set uplink2 master bridge');
    const users = Array.from({ length: USERS }, (_, pc) => ({ name: `${USER_PREFIX}${pc}`, password: PASSWORD }));
    const server = { namespace: sites.lac, clients: '0.0.0.0/0' };
    [other] = await Promise.all([
      Appliance.start(sites.lab, namespace, 'other-lns'),
      startFreeRadius(sites.lab, {
        ...{ ...server, ...OF_LAC, name: 'radius-of-lac' },
        users: users.map((user) => ({ ...user, reply: TUNNELS })),
      }),
      startFreeRadius(sites.lab, {
        ...{ ...server, ...OF_LNSES, name: 'radius-of-lnses' },
        ...{ users, pool: { addresses: POOL, lease_s: LEASE_S } },
      }),
    ]);
    await other.api.configure({
      ...radiusOfLns(OTHER_LNS),
      lns: { enabled: true, localAddress: LNS_LINK_ADDRESS, authentication: ['chap-md5'] },
      tunnelPeers: [{ name: 'lac', address: `${LAC_ADDRESS}/32`, secret: TUNNEL_SECRET, proxy: 'trust' }],
    });
    await listening(other);
  });
  after(() => boxes?.sites.lab.close());

  function dial(calls: number) {
    dialled += calls;
    return boxes.callers.dial(dialOrder({ calls, firstPc: dialled - calls }));
  }

  /** Every call has an address of the pool, and no two have one. */
  function assertAll(addresses: readonly string[]): void {
    assert.deepEqual([...addresses].sort(), [...POOL].sort());
  }

  const accounted = (type: string) =>
    readDetail(boxes.sites.lab, 'radius-of-lnses').filter((record) => record['Acct-Status-Type'] === type);

  it('share the calls; no address is given twice', TIMEOUT, async () => {
    const { up, failures } = await dial(CALLS);
    assert.deepEqual(failures, {});
    assertAll(up.map(({ address }) => address));
    for (const lns of [boxes.lns, other]) {
      const { length } = await lns.api.sessions();
      assert.ok(length > CALLS / 12 && length < (11 * CALLS) / 12, `${length} of ${CALLS} at one LNS`);
    }
    assert.deepEqual(await boxes.callers.ping(LNS_LINK_ADDRESS, 10_000), { asked: CALLS, answered: CALLS, strays: 0 });
  });

  it('Interim-Updates keep the leases beyond their time: who comes then gets none', TIMEOUT, async () => {
    const updates = Math.ceil((LEASE_S + 2) / INTERIM_S);
    await until('Interim-Updates for longer than a lease', 20_000, () => {
      return accounted('Interim-Update').length >= updates * CALLS;
    });
    const { up, failures } = await dial(1);
    assert.deepEqual([up.length, Object.values(failures)], [0, [1]]);
  });

  it('an Accounting-Stop gives the address back: the next caller has it', TIMEOUT, async () => {
    const [session] = await boxes.lns.api.sessions();
    await boxes.lns.api.disconnectSession(session!.sessionId);
    const stop = await until('its Stop', 10_000, () => accounted('Stop')[0]);
    const { up, failures } = await dial(1);
    assert.deepEqual(failures, {});
    assert.equal(up[0]!.address, stop['Framed-IP-Address']);
  });

  it('an LNS dies: its users come up at the other, when the leases that nobody renews are over', TIMEOUT, async () => {
    const { callers, lac, lns } = boxes;
    await callers.ended();
    const lost = (await other.api.sessions()).length;
    await other.kill();
    let ended = 0;
    await until('its calls have ended', 20_000, async () => {
      ended += (await callers.ended()).length;
      return ended === lost;
    });
    const { up, failures } = await dial(lost);
    assert.deepEqual(failures, {});
    const kept = await lns.api.sessions();
    assert.deepEqual([kept.length, (await lac.api.sessions()).length], [CALLS, CALLS]);
    assert.equal(new Set(up.map(({ address }) => address)).size, lost);
    assertAll(kept.map(({ address }) => address!));
  });
});
