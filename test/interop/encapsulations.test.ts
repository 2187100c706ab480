/** The same call, our LAC client to our LNS and the office, in each form that L2TP has on the wire. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Capture } from '../lab/capture.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS, layThreeSites, type Sites } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import type { SettingsChanges } from './api-client.js';
import { Appliance } from './appliance.js';
import { assertSteps, CALL_SETUP, judged } from './assertions.js';
import { profile, up } from './branch.js';
import { idle, startLns } from './lns.js';

const SECRET = 'tunnel-secret';

type Profile = NonNullable<SettingsChanges['lacClients']>[number];
interface Form {
  name: string;
  profile: Profile;
  /** Of the LNS: the peer's end of the cookies. */
  cookie_bytes: 0 | 4 | 8;
  version: 2 | 3;
  encapsulation: 'udp' | 'ip';
}

const OUTER = { IPv4: ADDRESS.lns, IPv6: ADDRESS.lns6 } as const;

function form(
  encapsulation: 'auto' | 'udp2' | 'udp3' | 'ip',
  outer: keyof typeof OUTER,
  cookie_bytes: 0 | 4 | 8,
  more: Profile,
  how: string,
): Form {
  return {
    name: `${encapsulation} over ${outer}, cookies of ${cookie_bytes} octets${how}`,
    profile: { server: OUTER[outer], encapsulation, cookie_bytes, ...more },
    cookie_bytes,
    version: encapsulation === 'udp2' ? 2 : 3,
    encapsulation: encapsulation === 'ip' ? 'ip' : 'udp',
  };
}

const WITH_SECRET = { tunnelSecret: SECRET };
const FORMS: readonly Form[] = [
  form('udp2', 'IPv4', 0, WITH_SECRET, ', secret'),
  form('udp2', 'IPv6', 0, {}, ''),
  ...(['udp3', 'ip'] as const).flatMap((encapsulation) => [
    form(encapsulation, 'IPv4', 8, WITH_SECRET, ', secret, HMAC-SHA-1'),
    form(encapsulation, 'IPv4', 4, { ...WITH_SECRET, digest: 'md5' }, ', secret, HMAC-MD5'),
    form(encapsulation, 'IPv4', 0, {}, ''),
    form(encapsulation, 'IPv6', 8, WITH_SECRET, ', secret, HMAC-SHA-1'),
    form(encapsulation, 'IPv6', 0, WITH_SECRET, ', secret, numbered packets'),
  ]),
  form('auto', 'IPv4', 8, WITH_SECRET, ', secret: version 3 by RFC 3931 section 4.7.3'),
];

describe('a call to the office', { skip: labIsMissing() }, () => {
  let sites: Sites;
  let lns: Appliance;
  let branch: Appliance;

  before(async () => {
    sites = await layThreeSites();
    lns = await startLns(sites);
    branch = await Appliance.start(sites.lab, sites.user, 'branch');
  });
  after(() => sites?.lab.close());

  for (const { name, profile: changes, cookie_bytes, version, encapsulation } of FORMS) {
    it(`${name}: the office answers, frames longer than the path pass, it hangs up`, async () => {
      const sequencing = name.includes('numbered');
      const secret = changes.tunnelSecret ?? null;
      await lns.api.configure({ lns: { defaultSecret: secret, cookie_bytes, sequencing } });
      const capture = await Capture.start(sites.lab, sites.lns, 'internet', name.replaceAll(/[^a-z0-9]+/gi, '-'));
      await branch.api.configure(profile({ tunnelSecret: null, ...changes, sequencing }));
      await up(branch, sites.user, ADDRESS.office);
      for (const size_bytes of [56, 1300, 3000]) {
        const ping = await sites.user.ping(ADDRESS.office, { size_bytes });
        assert.equal(ping.status, 0, ping.stdout);
      }
      const [session] = await lns.api.sessions();
      assert.deepEqual(
        [session?.version, session?.encapsulation, session?.cookie_bytes],
        [version, encapsulation, version === 3 ? cookie_bytes : 0],
      );
      const [tunnel] = await lns.api.tunnels();
      assert.deepEqual([tunnel?.version, tunnel?.encapsulation], [version, encapsulation]);
      await branch.api.configure(profile({ ...changes, enabled: false }));
      await Promise.all([idle(lns), idle(branch)]);
      assert.equal(await lns.api.leasedCount(), 0);
      const judgement = await judged(await capture.stop(), {
        cookie_bytes: version === 3 ? cookie_bytes : 0,
        sublayer: version === 3 && sequencing ? 'default' : 'none',
        ...(secret !== null && { secret }),
        // Behind an SCCRQ of version 2 tshark does not learn what version 3's sessions carry.
        ...(changes.encapsulation === 'auto' && { payload: 'ppp' }),
      });
      assertSteps(judgement, [...CALL_SETUP, 'CHAP Success', 'IPCP Configure-Ack', 'LCP Terminate-Request', 'StopCCN']);
    });
  }

  it('an LNS that takes version 2 alone: automatic mode falls back, the call comes up', async () => {
    await lns.api.configure({ l2tp: { accepts: ['udp2'] }, lns: { defaultSecret: SECRET } });
    await branch.api.configure(profile({ encapsulation: 'auto', tunnelSecret: SECRET }));
    await up(branch, sites.user, ADDRESS.office);
    assert.equal((await lns.api.sessions())[0]?.version, 2);
    await branch.api.configure(profile({ enabled: false }));
    await Promise.all([idle(lns), idle(branch)]);
  });

  it('a wrong secret in version 3: no call, no tunnel left at the LNS, and the client says that nobody answers', async () => {
    await lns.api.configure({ l2tp: { accepts: ['udp2', 'udp3', 'ip'] }, lns: { defaultSecret: SECRET } });
    await branch.api.configure({
      ...profile({ encapsulation: 'ip', tunnelSecret: 'another' }),
      l2tp: { retransmitInitial_ms: 100, maxRetransmits: 2 },
    });
    const client = await until('the failure is told', 30_000, async () => {
      const [shown] = (await branch.api.status()).lacClients;
      return shown !== undefined && shown.lastError !== '' ? shown : undefined;
    });
    assert.match(client.lastError, /does not answer/);
    const { drops } = await lns.api.status();
    assert.ok((drops['digest-mismatch'] ?? 0) > 0, JSON.stringify(drops));
    await branch.api.configure(profile({ enabled: false }));
    await Promise.all([idle(lns), idle(branch)]);
  });
});
