/**
 * Our LAC, called by pppd over PPPoE, and LNSes other than the one of the fourteen steps: xl2tpd and l2tpns, which know
 * nothing of what a LAC hands over, or make of it what they like; and one that dies, with another to take its place.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ACCESS_DEVICE, type AccessSites, layAccessSites, PCS_DEVICE } from '../lab/access-sites.js';
import { Capture } from '../lab/capture.js';
import { type FourteenSteps, startFourteenSteps, TUNNEL_SECRET } from '../lab/fourteen-steps.js';
import type { Daemon } from '../lab/process.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS, bootGuest } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import type { SettingsChanges } from './api-client.js';
import { Appliance } from './appliance.js';
import { assertSteps, CALL_SETUP, judged } from './assertions.js';
import { startFreeRadius } from './freeradius.js';
import { startL2tpns } from './l2tpns.js';
import { idle, listening, USER } from './lns.js';
import type { PppAuthentication } from './pppd.js';
import { PppdPc } from './pppd-pc.js';
import { type DetailRecord, readDetail } from './radius-detail.js';
import { Xl2tpdLns } from './xl2tpd.js';

const skip = labIsMissing();
const CALL = { user: USER.name, password: USER.password, ipv6: false } as const;

/** A LAC that asks nobody: every call goes to this LNS. */
function carriesTo(server: string, authentication: PppAuthentication): SettingsChanges {
  return {
    lac: {
      ...{ enabled: true, interfaces: [{ name: ACCESS_DEVICE }], authentication: [authentication], tunnelIdle_s: 1 },
      tunnelGroups: [{ name: 'theirs', servers: [{ server, secret: TUNNEL_SECRET }] }],
      rules: [{ action: 'tunnel', group: 'theirs' }],
    },
  };
}

async function pcAndLac(sites: AccessSites): Promise<[PppdPc, Appliance]> {
  return Promise.all([
    PppdPc.boot(sites.lab, { name: 'pc', namespace: sites.pcs, device: PCS_DEVICE }),
    Appliance.start(sites.lab, sites.lac, 'lac'),
  ]);
}

describe('our LAC carries a call to xl2tpd', { skip }, () => {
  const beyond = '10.99.0.1';
  let sites: AccessSites;
  let pc: PppdPc;
  let lac: Appliance;

  before(async () => {
    sites = await layAccessSites();
    const [guest, [booted, started]] = await Promise.all([bootGuest(sites), pcAndLac(sites)]);
    [pc, lac] = [booted, started];
    await guest.run(`ip address add ${beyond}/32 dev lo`);
    await Xl2tpdLns.start(guest, {
      ...{ authentication: 'chap-md5', user: USER.name, password: USER.password, tunnelSecret: TUNNEL_SECRET },
      ...{ path: 'kernel', localAddress: '10.3.0.1', firstAddress: '10.3.0.10', lastAddress: '10.3.0.20' },
    });
  });
  after(() => sites?.lab.close());

  it('xl2tpd begins LCP anew and authenticates the user itself; what is behind it answers; the PC hangs up', {
    timeout: 60_000,
  }, async () => {
    await lac.api.configure(carriesTo(ADDRESS.guest, 'chap-md5'));
    // What leaves by a bridge to a TAP has no checksum yet, unless told so.
    await sites.lac.run(['ethtool', '-K', 'bridge', 'tx', 'off']);
    const capture = await Capture.start(sites.lab, sites.lac, 'bridge', 'lac-xl2tpd');
    const up = await pc.connect({ ...CALL, authentication: 'chap-md5', routes: [`${beyond}/32`] });
    assert.match(up.localAddress, /^10\.3\.0\.1\d$/);
    const ping = await pc.ping(beyond);
    assert.equal(ping.status, 0, ping.lines.join('\n'));
    await pc.hangUp();
    await idle(lac);
    const LCP_ANEW = ['LCP Configure-Request', 'LCP Configure-Ack', 'CHAP Challenge', 'CHAP Response', 'CHAP Success'];
    const END = ['LCP Terminate-Request', 'LCP Terminate-Ack', 'StopCCN'];
    assertSteps(await judged(await capture.stop()), [...CALL_SETUP, ...LCP_ANEW, 'IPCP Configure-Ack', 'IPv4', ...END]);
  });
});

describe('our LAC carries a call to l2tpns', { skip }, () => {
  let sites: AccessSites;
  let pc: PppdPc;
  let lac: Appliance;
  let radius: Daemon;

  before(async () => {
    sites = await layAccessSites();
    const atRadius = { address: '127.0.0.1', secret: 'radius-secret' };
    radius = await startFreeRadius(sites.lab, {
      ...{ namespace: sites.lns, clients: '127.0.0.0/8', ...atRadius },
      users: [{ name: USER.name, password: USER.password }],
    });
    const [[booted, started]] = await Promise.all([
      pcAndLac(sites),
      startL2tpns(sites.lab, {
        ...{ namespace: sites.lns, address: ADDRESS.lns, device: 'internet', peerAddress: '10.2.0.1' },
        ...{
          pool: '10.2.0.64/26',
          tunnelSecret: TUNNEL_SECRET,
          radius: atRadius,
          authentication: 'chap',
          silence_s: 2,
        },
      }),
    ]);
    [pc, lac] = [booted, started];
  });
  after(() => sites?.lab.close());

  it('l2tpns authenticates the user at its RADIUS; the office answers; the PC is silent, and l2tpns ends its call', {
    timeout: 60_000,
  }, async () => {
    await lac.api.configure(carriesTo(ADDRESS.lns, 'chap-md5'));
    const capture = await Capture.start(sites.lab, sites.lns, 'internet', 'lac-l2tpns');
    const up = await pc.connect({ ...CALL, authentication: 'chap-md5', routes: [ADDRESS.officeNetwork] });
    assert.match(up.localAddress, /^10\.2\.0\./);
    const ping = await pc.ping(ADDRESS.office);
    assert.equal(ping.status, 0, ping.lines.join('\n'));
    await pc.hangUp();
    await idle(lac);
    assert.equal(radius.lines().filter((line) => line.includes(`Login OK: [${USER.name}]`)).length, 1);
    const steps = [
      ...CALL_SETUP,
      'CHAP Success',
      'IPCP Configure-Ack',
      'IPv4',
      'LCP Terminate-Request',
      'CDN',
      'StopCCN',
    ];
    assertSteps(await judged(await capture.stop()), steps);
  });
});

describe('an LNS that dies', { skip }, () => {
  const OTHER = {
    address: '192.0.2.5',
    inside: '10.114.0.1',
    pool: { first: '10.114.0.10', last: '10.114.0.19' },
  } as const;
  /** IPv4 and ICMP header, and ping's 56 octets. */
  const PING_OCTETS = 84;
  const PINGS = 5;
  let lab: FourteenSteps;
  let other: Appliance;

  before(async () => {
    lab = await startFourteenSteps({
      lnses: [ADDRESS.lns, OTHER.address],
      lac: {
        l2tp: { helloInterval_s: 5, retransmitInitial_ms: 250, maxRetransmits: 2 },
        lac: { tunnelAnswer_s: 2, deadTime_s: 10 },
      },
    });
    const { sites } = lab;
    const namespace = await sites.lab.namespace('lns2');
    await sites.lab.cable(
      { namespace: sites.lac, device: 'uplink2' },
      { namespace, device: 'internet', addresses: [`${OTHER.address}/24`] },
    );
    await sites.lac.ip('link set uplink2 master bridge');
    other = await Appliance.start(sites.lab, namespace, 'lns2');
    await other.api.putPool('default', { ranges: [OTHER.pool] });
    await other.api.putUser(USER.name, { password: USER.password });
    await other.api.configure({
      lns: { enabled: true, localAddress: OTHER.inside, defaultSecret: TUNNEL_SECRET, authentication: ['chap-md5'] },
    });
    await listening(other);
  });
  after(() => lab?.sites.lab.close());

  it('its calls end with Lost-Carrier and what they have carried, the PC is told, and the next call goes to the next LNS', {
    timeout: 90_000,
  }, async () => {
    const call = {
      ...CALL,
      authentication: 'chap-md5',
      routes: [ADDRESS.officeNetwork, `${OTHER.inside}/32`],
    } as const;
    await lab.pc.connect(call);
    const ping = await lab.pc.ping(ADDRESS.office, { count: PINGS });
    assert.equal(ping.status, 0, ping.lines.join('\n'));
    const from = lab.pc.guest.mark();
    await lab.lns.kill();
    await lab.pc.ended(from, 30_000);
    const stop = await recorded('Stop');
    assert.equal(stop['Acct-Terminate-Cause'], 'Lost-Carrier');
    assert.equal(stop['User-Name'], `"${USER.name}"`);
    assert.deepEqual(
      ['Acct-Input-Octets', 'Acct-Output-Octets', 'Acct-Input-Packets', 'Acct-Output-Packets'].map(
        (name) => stop[name],
      ),
      [PINGS * PING_OCTETS, PINGS * PING_OCTETS, PINGS, PINGS].map(String),
    );
    assert.equal(stop['Tunnel-Server-Endpoint:0'], `"${ADDRESS.lns}"`);

    const again = await lab.pc.connect(call);
    assert.equal(again.peerAddress, OTHER.inside);
    const answer = await lab.pc.ping(OTHER.inside);
    assert.equal(answer.status, 0, answer.lines.join('\n'));
    await lab.pc.hangUp();
    await noCallAtLac();
  });

  it('it comes back: when its dead time is over calls go to it again', { timeout: 90_000 }, async () => {
    await lab.lns.restart();
    await listening(lab.lns);
    await until('a call goes to the first LNS', 60_000, async () => {
      const { peerAddress } = await lab.pc.connect({ ...CALL, authentication: 'chap-md5' });
      await lab.pc.hangUp();
      await noCallAtLac();
      return peerAddress !== OTHER.inside;
    });
  });

  /** pppd, having hung up by LCP, sends no PADT: a call ends with the LNS's restart timer. */
  async function noCallAtLac(): Promise<void> {
    await until('no call at the LAC', 15_000, async () => (await lab.lac.api.status()).sessions === 0);
  }

  /** The LAC's record at its FreeRADIUS. */
  async function recorded(type: string): Promise<DetailRecord> {
    return until(`an Accounting-Request ${type}`, 15_000, () =>
      readDetail(lab.sites.lab, 'lac-radius').find((record) => record['Acct-Status-Type'] === type),
    );
  }
});
