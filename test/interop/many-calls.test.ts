/** Many calls at once from one peer, as when a LAC comes back from a power cut. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Caller, type PlacedReport } from '../bench/caller.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS, layThreeSites, type Sites } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import type { Appliance } from './appliance.js';
import { idle, startLns } from './lns.js';

const CALLS = 200;
const USER_PREFIX = 'caller-';
const PASSWORD = 'open sesame';
const TUNNEL_SECRET = 'tunnel-secret';

describe(`${CALLS} calls at once from one peer`, { skip: labIsMissing() }, () => {
  let sites: Sites;
  let lns: Appliance;
  let caller: Caller;

  before(async () => {
    sites = await layThreeSites();
    [lns, caller] = await Promise.all([
      startLns(sites, { lns: { defaultSecret: TUNNEL_SECRET, authentication: ['chap-md5'], ipv6: true } }),
      Caller.start(sites.user),
    ]);
    // As many addresses as calls: one that is given twice, or leaks, is missed at once.
    await lns.api.putPool('default', { ranges: [{ first: '10.112.113.1', last: `10.112.113.${CALLS}` }] });
    for (let user = 0; user < CALLS; user++) await lns.api.putUser(`${USER_PREFIX}${user}`, { password: PASSWORD });
  });
  after(() => sites?.lab.close());

  function place(tunnels: number, ports: number): Promise<PlacedReport> {
    return caller.place({
      ...{ server: ADDRESS.lns, port: 1701, calls: CALLS, atOnce: CALLS, tunnels, ports },
      ...{ tunnelSecret: TUNNEL_SECRET, userPrefix: USER_PREFIX, firstUser: 0, password: PASSWORD },
      ...{ ipv6: true, timeout_ms: 30_000 },
    });
  }

  /**
   * The caller may think a call up before the LNS does: where a Configure-Ack was lost, or a Configure-Request came
   * twice to a busy LNS, the NCP goes through one more round (RFC 1661 section 4.1, Opened, RCR+).
   */
  function everyCallIsUp(): Promise<unknown> {
    return until('every call is up at the LNS', 15_000, async () => {
      const sessions = await lns.api.sessions();
      return sessions.length === CALLS && sessions.every(({ state }) => state === 'up');
    });
  }

  for (const [tunnels, ports, how] of [
    [8, 8, '8 tunnels, each from a port of its own'],
    [8, 1, '8 tunnels from one port'],
    [1, 1, 'one tunnel'],
  ] as const) {
    it(`over ${how}: all come up, hang up, and nothing is left`, async () => {
      try {
        const report = await place(tunnels, ports);
        assert.deepEqual(report.failures, {});
        assert.equal(report.up, CALLS);
        await everyCallIsUp();
        const sessions = await lns.api.sessions();
        assert.equal(new Set(sessions.map(({ address }) => address)).size, CALLS, 'no address is given twice');
        assert.equal(new Set(sessions.map(({ user }) => user)).size, CALLS);
        assert.equal((await lns.api.tunnels()).length, tunnels);
        assert.equal(await lns.api.leasedCount(), CALLS);
      } finally {
        assert.equal((await caller.hangUp()).lost, 0, 'no call ended by itself');
      }
      await idle(lns);
      assert.deepEqual(await lns.api.sessions(), []);
      assert.deepEqual(await lns.api.tunnels(), []);
      assert.equal(await lns.api.leasedCount(), 0);
    });
  }
});
