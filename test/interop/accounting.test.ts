/** Accounting of calls of the shipped program at FreeRADIUS: what a call has carried, why it ended, and a kill -9. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS, layThreeSites, type Sites } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import { Appliance } from './appliance.js';
import { profile, up } from './branch.js';
import { startFreeRadius } from './freeradius.js';
import { idle, listening, startLns, USER } from './lns.js';
import { type DetailRecord, readDetail } from './radius-detail.js';

const RADIUS_ADDRESS = '127.0.0.1';
const SECRET = 'shared';
const RECORD_TIMEOUT_MS = 40_000;

describe('accounting at FreeRADIUS', { skip: labIsMissing() }, () => {
  let sites: Sites;
  let lns: Appliance;
  let branch: Appliance;

  before(async () => {
    sites = await layThreeSites();
    const { lab } = sites;
    await startFreeRadius(lab, {
      ...{ namespace: sites.lns, address: RADIUS_ADDRESS, clients: '127.0.0.0/8', secret: SECRET, users: [] },
    });
    lns = await startLns(sites, {
      ppp: { echoInterval_s: 1, echoFailures: 3 },
      radius: {
        accounting: [{ address: RADIUS_ADDRESS, secret: SECRET }],
        nasIdentifier: 'head office',
        interimInterval_s: 1,
        tunnelAccounting: true,
      },
    });
    branch = await Appliance.start(lab, sites.user, 'branch');
    await branch.api.configure({ ppp: { echoInterval_s: 1, echoFailures: 3 } });
  });
  after(() => sites?.lab.close());

  /** Resolves with the first record that fits, from the mark on. */
  function recorded(from: number, wanted: DetailRecord): Promise<DetailRecord> {
    return until(JSON.stringify(wanted), RECORD_TIMEOUT_MS, () =>
      readDetail(sites.lab)
        .slice(from)
        .find((record) => Object.entries(wanted).every(([name, value]) => record[name] === value)),
    );
  }

  /** A call that has passed traffic; gives its Start, and what the LNS counts of it. */
  async function callWithTraffic() {
    const from = readDetail(sites.lab).length;
    await branch.api.configure(profile({ enabled: true }));
    await up(branch, sites.user, ADDRESS.office);
    const ping = await sites.user.ping(ADDRESS.office, { count: 5 });
    assert.equal(ping.status, 0, ping.stdout);
    const start = await recorded(from, { 'Acct-Status-Type': 'Start' });
    const [session] = await lns.api.sessions();
    assert.ok(session !== undefined && session.counters.receivedOctets >= 5 * 84);
    return { from, start, id: start['Acct-Session-Id']!, counters: session.counters };
  }

  function assertCounters(record: DetailRecord, counters: { receivedOctets: number; sentOctets: number }): void {
    assert.equal(record['Acct-Input-Octets'], String(counters.receivedOctets), 'input is from the user');
    assert.equal(record['Acct-Output-Octets'], String(counters.sentOctets));
  }

  it('the box is on; a call starts, goes on and stops by its user, with what it has carried', {
    timeout: 60_000,
  }, async () => {
    await recorded(0, { 'Acct-Status-Type': 'Accounting-On', 'NAS-Identifier': '"head office"' });
    const { from, start, id, counters } = await callWithTraffic();
    assert.equal(start['User-Name'], `"${USER.name}"`);
    assert.match(start['Framed-IP-Address'] ?? '', /^10\.112\.112\./);
    assert.equal(start['Acct-Authentic'], 'Local');
    assert.equal(start['Tunnel-Client-Endpoint:0'], `"${ADDRESS.user}"`);
    assert.equal(start['Tunnel-Server-Endpoint:0'], `"${ADDRESS.lns}"`);
    const interim = await recorded(from, { 'Acct-Status-Type': 'Interim-Update', 'Acct-Session-Id': id });
    assert.ok(Number(interim['Acct-Session-Time']) >= 1);
    await branch.api.configure(profile({ enabled: false }));
    const stop = await recorded(from, { 'Acct-Status-Type': 'Stop', 'Acct-Session-Id': id });
    assert.equal(stop['Acct-Terminate-Cause'], 'User-Request');
    assertCounters(stop, counters);
    const link = await recorded(from, { 'Acct-Status-Type': 'Tunnel-Link-Stop', 'Acct-Session-Id': id });
    assertCounters(link, counters);
    const tunnelStart = await recorded(from, { 'Acct-Status-Type': 'Tunnel-Start' });
    const tunnelId = tunnelStart['Acct-Session-Id']!;
    assert.equal(link['Acct-Multi-Session-Id'], tunnelId);
    const tunnelStop = await recorded(from, { 'Acct-Status-Type': 'Tunnel-Stop', 'Acct-Session-Id': tunnelId });
    assertCounters(tunnelStop, counters);
    await idle(lns);
  });

  it('a caller that is gone without a word: Lost-Carrier, with right counters', { timeout: 60_000 }, async () => {
    const { from, id, counters } = await callWithTraffic();
    await branch.kill();
    const stop = await recorded(from, { 'Acct-Status-Type': 'Stop', 'Acct-Session-Id': id });
    assert.equal(stop['Acct-Terminate-Cause'], 'Lost-Carrier');
    assertCounters(stop, counters);
    await branch.restart();
  });

  it('the program is killed: the call has its Stop after the next start, and another call another Acct-Session-Id', {
    timeout: 150_000,
  }, async () => {
    const { from, id, counters } = await callWithTraffic();
    // Once a second an Interim-Update is written down with what it counts, for a Stop after a kill too.
    const isInterim = (record: DetailRecord) =>
      record['Acct-Status-Type'] === 'Interim-Update' && record['Acct-Session-Id'] === id;
    await until('an Interim-Update with the traffic', RECORD_TIMEOUT_MS, () =>
      readDetail(sites.lab)
        .slice(from)
        .find((record) => isInterim(record) && Number(record['Acct-Input-Octets']) >= counters.receivedOctets),
    );
    await lns.kill();
    await lns.restart();
    await listening(lns);
    const stop = await recorded(from, { 'Acct-Status-Type': 'Stop', 'Acct-Session-Id': id });
    assert.equal(stop['Acct-Terminate-Cause'], 'NAS-Reboot');
    const last = readDetail(sites.lab).slice(from).findLast(isInterim)!;
    assertCounters(stop, {
      receivedOctets: Number(last['Acct-Input-Octets']),
      sentOctets: Number(last['Acct-Output-Octets']),
    });
    const next = await until('the next call', RECORD_TIMEOUT_MS, () =>
      readDetail(sites.lab)
        .slice(from)
        .find((record) => record['Acct-Status-Type'] === 'Start' && record['Acct-Session-Id'] !== id),
    );
    assert.notEqual(next['Acct-Session-Id'], id);
    assert.equal(await lns.stop(), 0);
    const ended = await recorded(from, { 'Acct-Status-Type': 'Stop', 'Acct-Session-Id': next['Acct-Session-Id']! });
    assert.equal(ended['Acct-Terminate-Cause'], 'Admin-Reboot');
    await recorded(from, { 'Acct-Status-Type': 'Accounting-Off' });
  });
});
