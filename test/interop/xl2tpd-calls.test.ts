/** xl2tpd and pppd call the LNS: every way of authentication, with and without tunnel secret, on either data path. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Capture } from '../lab/capture.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS, bootGuest, layThreeSites, type Sites } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import type { Appliance } from './appliance.js';
import { assertSteps, CALL_SETUP, judged, packetsOf } from './assertions.js';
import { idle, LNS_LINK_ADDRESS, POOL, startLns, USER } from './lns.js';
import type { PppAuthentication } from './pppd.js';
import type { UmlGuest } from './uml.js';
import { type CallerOptions, Xl2tpdCaller } from './xl2tpd.js';

const TUNNEL_SECRET = 'tunnel-secret';

/** What is on the wire of each way of authentication. */
const AUTHENTICATION_STEPS: Readonly<Record<PppAuthentication, readonly string[]>> = {
  pap: ['PAP Authenticate-Request', 'PAP Authenticate-Ack'],
  'chap-md5': ['CHAP Challenge', 'CHAP Response', 'CHAP Success'],
  mschapv2: ['CHAP Challenge', 'CHAP Response', 'CHAP Success'],
};

const skip = labIsMissing();

describe('xl2tpd and pppd call the LNS', { skip }, () => {
  let sites: Sites;
  let appliance: Appliance;
  let guest: UmlGuest;

  before(async () => {
    sites = await layThreeSites();
    [appliance, guest] = await Promise.all([startLns(sites), bootGuest(sites)]);
  });
  after(() => sites?.lab.close());

  const options = (changes: Partial<CallerOptions>): CallerOptions => ({
    ...{ lns: ADDRESS.lns, authentication: 'mschapv2', user: USER.name, password: USER.password, path: 'kernel' },
    ...{ ipv6: true, routes: [ADDRESS.officeNetwork] },
    ...changes,
  });

  for (const path of ['kernel', 'userspace'] as const) {
    for (const authentication of ['pap', 'chap-md5', 'mschapv2'] as const) {
      for (const tunnelSecret of [undefined, TUNNEL_SECRET]) {
        const how = `${authentication}, ${tunnelSecret === undefined ? 'no tunnel secret' : 'tunnel secret'}, ${path} data path`;
        it(`${how}: IPv4 and an IPv6 link, the office answers, hangs up`, async () => {
          await appliance.api.configure({ lns: { defaultSecret: tunnelSecret ?? null } });
          const capture = await Capture.start(sites.lab, sites.lns, 'internet', 'call');
          const caller = await Xl2tpdCaller.start(
            guest,
            options({ path, authentication, ...(tunnelSecret === undefined ? {} : { tunnelSecret }) }),
          );
          const from = guest.mark();
          const link = await caller.connect();
          assert.equal(link.peerAddress, LNS_LINK_ADDRESS);

          const [session, ...others] = await appliance.api.sessions();
          assert.deepEqual(others, []);
          assert.equal(session?.user, USER.name);
          assert.equal(session.address, link.localAddress);
          assert.equal(session.authentication, authentication);

          const link6 = await caller.ipv6Up(from);
          await guest.run(`ping -n -c 2 -i 0.2 -W 2 ${ADDRESS.office}`);
          await guest.run(`ping -n -c 2 -i 0.2 -W 2 -I ${link6.device} ${link6.peerAddress}`);

          await caller.disconnect();
          await caller.stop();
          await idle(appliance);
          const judgement = await judged(await capture.stop());
          assertSteps(judgement, [
            ...CALL_SETUP,
            ...['LCP Configure-Request', 'LCP Configure-Ack', ...AUTHENTICATION_STEPS[authentication]],
            ...['IPCP Configure-Nak', 'IPCP Configure-Ack', 'IPv4', 'StopCCN'],
          ]);
          assertSteps(judgement, ['IPV6CP Configure-Request', 'IPV6CP Configure-Ack', 'IPv6']);
        });
      }
    }
  }

  it('pppd hangs up: Terminate-Request is acknowledged, and CDN ends the session', async () => {
    await appliance.api.configure({ lns: { defaultSecret: null } });
    const capture = await Capture.start(sites.lab, sites.lns, 'internet', 'hang-up');
    const caller = await Xl2tpdCaller.start(guest, options({}));
    await caller.connect();
    await caller.hangUp();
    await until('the session is gone', 10_000, async () => (await appliance.api.sessions()).length === 0);
    await caller.stop();
    await idle(appliance);
    const judgement = await judged(await capture.stop());
    assertSteps(judgement, [...CALL_SETUP, 'LCP Terminate-Request', 'LCP Terminate-Ack', 'CDN']);
  });

  it('the administrator disconnects a session: Terminate-Request and CDN go out, the lease is free', async () => {
    const capture = await Capture.start(sites.lab, sites.lns, 'internet', 'disconnect');
    const caller = await Xl2tpdCaller.start(guest, options({}));
    await caller.connect();
    const from = guest.mark();
    const [session] = await appliance.api.sessions();
    await appliance.api.disconnectSession(session!.sessionId);
    await caller.linkDown(from);
    await caller.stop();
    await idle(appliance);
    const judgement = await judged(await capture.stop());
    assertSteps(judgement, [...CALL_SETUP, 'LCP Terminate-Request', 'LCP Terminate-Ack', 'CDN']);
    assert.equal(packetsOf(judgement, 'CDN')[0]?.source, ADDRESS.lns);
  });

  it('a call to another address of the LNS is answered from that address', async () => {
    const capture = await Capture.start(sites.lab, sites.lns, 'internet', 'other-address');
    const caller = await Xl2tpdCaller.start(guest, options({ lns: ADDRESS.lnsOther }));
    await caller.connect();
    await guest.run(`ping -n -c 2 -i 0.2 -W 2 ${ADDRESS.office}`);
    await caller.disconnect();
    await caller.stop();
    await idle(appliance);
    const judgement = await judged(await capture.stop());
    // Of the tunnel before, the last message may still be acknowledged.
    const tunnelIds = ['SCCRQ', 'SCCRP', 'ICRQ'].map((what) => packetsOf(judgement, what)[0]?.tunnelId);
    const ofCall = judgement.packets.filter(({ tunnelId }) => tunnelIds.includes(tunnelId));
    assert.deepEqual([...new Set(ofCall.map(({ source }) => source))].sort(), [ADDRESS.guest, ADDRESS.lnsOther]);
  });

  describe('on a link that stands', () => {
    let caller: Xl2tpdCaller;
    let user: string;
    let capture: Capture;

    before(async () => {
      capture = await Capture.start(sites.lab, sites.lns, 'internet', 'traffic');
      caller = await Xl2tpdCaller.start(guest, options({}));
      user = (await caller.connect()).localAddress;
    });
    after(async () => {
      await caller.disconnect();
      await caller.stop();
      await idle(appliance);
    });

    const drops = async (): Promise<number> =>
      Object.values((await appliance.api.status()).drops).reduce((sum, count) => sum + count, 0);

    it('TCP flows both ways, its segments cut to fit the link', async () => {
      const server = sites.office.start('iperf3', ['iperf3', '--server', '--forceflush']);
      await server.waitForLine(/Server listening/, { timeout_ms: 10_000 });
      await guest.run(`iperf3 --client ${ADDRESS.office} --bytes 2M`);
      await guest.run(`iperf3 --client ${ADDRESS.office} --bytes 2M --reverse`);
      await server.stop();
      const [session] = await appliance.api.sessions();
      assert.ok(session!.counters.receivedOctets > 2_000_000);
      assert.ok(session!.counters.sentOctets > 2_000_000);
    });

    it('a packet to the user that does not fit and must not be cut is answered by ICMP with the MTU that would', async () => {
      const [session] = await appliance.api.sessions();
      const fits = await sites.office.ping(user, { count: 1, size_bytes: session!.mtu_bytes - 28, dontFragment: true });
      assert.equal(fits.status, 0, fits.stdout);
      const tooLong = await sites.office.ping(user, {
        count: 1,
        size_bytes: session!.mtu_bytes - 27,
        dontFragment: true,
      });
      assert.match(
        tooLong.stdout + tooLong.stderr,
        new RegExp(`(?:Frag needed|too long).*mtu ?= ?${session!.mtu_bytes}`),
      );
    });

    it('a packet that is longer than the link is cut where it may be, and arrives', async () => {
      const ping = await sites.office.ping(user, { size_bytes: 4000, count: 2 });
      assert.equal(ping.status, 0, ping.stdout);
    });

    it('a packet from an address that is not the user’s is dropped and counted', async () => {
      const before = await drops();
      await guest.run('ip address add 10.66.66.66/32 dev lo');
      const ping = await guest.run(`ping -n -c 1 -W 1 -I 10.66.66.66 ${ADDRESS.office}`, { mayFail: true });
      assert.notEqual(ping.status, 0);
      assert.ok((await drops()) > before);
      await guest.run('ip address delete 10.66.66.66/32 dev lo');
    });

    it('tshark has no complaint about all that', async () => {
      assertSteps(await judged(await capture.stop()), [...CALL_SETUP, 'IPv4']);
    });
  });

  for (const authentication of ['pap', 'chap-md5', 'mschapv2'] as const) {
    it(`a wrong password is refused, ${authentication}, and leaves nothing`, async () => {
      const capture = await Capture.start(sites.lab, sites.lns, 'internet', 'wrong-password');
      const caller = await Xl2tpdCaller.start(guest, options({ authentication, password: 'not it' }));
      const from = guest.mark();
      await caller.dial();
      await caller.logged(/Connection closed to .*Authentication failed/, { from });
      assert.ok(!guest.hasSeen(/ip-up /, from));
      assert.deepEqual(await appliance.api.sessions(), []);
      await caller.stop();
      await idle(appliance);
      const refusal = authentication === 'pap' ? 'PAP Authenticate-Nak' : 'CHAP Failure';
      assertSteps(await judged(await capture.stop()), [...CALL_SETUP, refusal, 'CDN']);
    });
  }

  it('a wrong tunnel secret is refused by StopCCN result 4, RFC 2661 section 4.4.2', async () => {
    await appliance.api.configure({ lns: { defaultSecret: TUNNEL_SECRET } });
    const capture = await Capture.start(sites.lab, sites.lns, 'internet', 'wrong-secret');
    const caller = await Xl2tpdCaller.start(guest, options({ tunnelSecret: 'not it', challenges: false }));
    const from = guest.mark();
    await caller.dial();
    await caller.logged(/closed/, { from });
    await idle(appliance);
    await caller.stop();
    const judgement = await judged(await capture.stop());
    const [stop] = packetsOf(judgement, 'StopCCN').filter((packet) => packet.source === ADDRESS.lns);
    assert.equal(stop?.resultCode, 4);
    assert.deepEqual(packetsOf(judgement, 'ICRP'), []);
    await appliance.api.configure({ lns: { defaultSecret: null } });
  });

  it('the pool is whole after all that', async () => {
    assert.equal((await appliance.api.status()).sessions, 0);
    assert.equal(await appliance.api.leasedCount(), 0, `of ${POOL.size} addresses`);
  });
});
