/**
 * Calls of the shipped program whose users FreeRADIUS knows: what they get, what radclient changes of them while they
 * stand, and a server that is away for a while.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Overview } from '../../firmware/api/overview.js';
import type { RadiusView } from '../../firmware/control/view.js';
import type { Settings } from '../../firmware/settings.js';
import type { CallRecord } from '../../firmware/store/calls.js';
import type { Daemon } from '../lab/process.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS, layThreeSites, type Sites } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import { Appliance } from './appliance.js';
import { profile, up } from './branch.js';
import { startFreeRadius } from './freeradius.js';
import { idle, startLns, USER } from './lns.js';

const RADIUS_ADDRESS = '127.0.0.1';
const SECRET = 'shared';
const COA_PORT = 3799;
/** Where no server is. */
const NOBODY_ADDRESS = '127.0.0.99';
/** Hanging up, two transmissions to the first server at 300 ms and twice that, and the call. */
const FAILOVER_MS = 8_000;
/** What a change of a call may take until it shows. */
const PROMPTLY_MS = 1_000;
const CALL_MS = 30_000;
/** Of the user's own, behind it. */
const BRANCH_ADDRESS = '192.168.77.1';
const BRANCH = profile({ password: 'known to RADIUS alone', localNetworks: ['192.168.77.0/24'] });

const NO_PING: Settings['filters'][number] = {
  name: 'no ping',
  rules: [{ action: 'drop', direction: 'from-user', remote: ADDRESS.officeNetwork, protocol: 'icmp' }],
  otherwise: 'accept',
};

describe('calls of users that FreeRADIUS knows', { skip: labIsMissing() }, () => {
  let sites: Sites;
  let lns: Appliance;
  let branch: Appliance;
  let server: Daemon;

  const startServer = () =>
    startFreeRadius(sites.lab, {
      ...{ namespace: sites.lns, address: RADIUS_ADDRESS, clients: '127.0.0.0/8', secret: SECRET },
      users: [
        {
          ...{ name: USER.name, password: 'known to RADIUS alone' },
          reply: [
            'Framed-IP-Address = 10.9.8.7',
            'Framed-Route = "192.168.77.0/24 0.0.0.0 1"',
            'Session-Timeout = 600',
          ],
        },
      ],
    });

  before(async () => {
    sites = await layThreeSites();
    server = await startServer();
    const client = { address: RADIUS_ADDRESS, secret: SECRET };
    lns = await startLns(sites, {
      filters: [NO_PING],
      radius: {
        authentication: [client],
        dynamicAuthorization: { port: COA_PORT, clients: [client] },
        ...{ initialRetransmission_ms: 300, timeout_s: 2, deadTime_s: 1, nasIdentifier: 'head office' },
      },
    });
    branch = await Appliance.start(sites.lab, sites.user, 'branch');
    await sites.user.address('lo', `${BRANCH_ADDRESS}/32`);
  });

  beforeEach(async () => {
    await branch.api.configure({ lacClients: [] });
    await idle(lns);
    await branch.api.configure(BRANCH);
    await up(branch, sites.user, ADDRESS.office);
  });

  after(() => sites?.lab.close());

  async function pings(count = 1, size_bytes = 56, interval_s = 0.2): Promise<number> {
    const argv = [
      'ping',
      '-n',
      '-q',
      '-c',
      String(count),
      '-i',
      String(interval_s),
      '-s',
      String(size_bytes),
      '-W',
      '1',
    ];
    const { stdout } = await sites.user.run([...argv, ADDRESS.office], { mayFail: true });
    return Number(/(\d+) received/.exec(stdout)?.[1]);
  }

  /** Asks for the change, and gives what radclient says and when it was asked. */
  async function radclient(
    type: 'coa' | 'disconnect',
    attributes: string,
  ): Promise<{ said: string; asked_ms: number }> {
    const asked_ms = performance.now();
    const input = `User-Name = "${USER.name}", ${attributes}Message-Authenticator = 0x00\n`;
    const argv = ['radclient', '-x', '-r', '1', '-t', '3', `${RADIUS_ADDRESS}:${COA_PORT}`, type, SECRET];
    const { stdout } = await sites.lns.run(argv, { input, mayFail: true });
    return { said: stdout, asked_ms };
  }

  function assertPrompt(asked_ms: number): void {
    const took_ms = performance.now() - asked_ms;
    assert.ok(took_ms < PROMPTLY_MS, `${took_ms} ms`);
  }

  it('the address, the route and the limit are those of the Access-Accept', async () => {
    const [session] = await lns.api.sessions();
    assert.deepEqual(
      [session?.user, session?.address, session?.sessionTimeout_s, session?.state],
      [USER.name, '10.9.8.7', 600, 'up'],
    );
    assert.match(session?.accountingId ?? '', /^[0-9A-F]{16}$/);
    await sites.lns.routed(BRANCH_ADDRESS, 'tw0');
    assert.equal((await sites.office.ping(BRANCH_ADDRESS, { count: 1 })).status, 0, 'the network behind the user');
    const [view] = (await lns.api.demand<RadiusView>('GET', '/api/v1/radius')).servers;
    assert.deepEqual([view?.state, view?.noReplies], ['alive', 0]);
  });

  it('CoA: a rate holds in under a second, and ends so', async () => {
    assert.equal(await pings(60, 1000, 0.005), 60);
    const slow = await radclient('coa', 'Mikrotik-Rate-Limit = "16k/16k", ');
    assert.match(slow.said, /Received CoA-ACK/);
    assertPrompt(slow.asked_ms);
    const received = await pings(60, 1000, 0.005);
    assert.ok(received > 0 && received < 40, `${received} of 60`);
    const fast = await radclient('coa', 'Mikrotik-Rate-Limit = "0/0", ');
    assert.match(fast.said, /Received CoA-ACK/);
    assert.equal(await pings(60, 1000, 0.005), 60);
  });

  it('CoA: a filter is in force when it is acknowledged', async () => {
    assert.equal(await pings(), 1);
    const { said, asked_ms } = await radclient('coa', `Filter-Id = "${NO_PING.name}", `);
    assert.match(said, /Received CoA-ACK/);
    assertPrompt(asked_ms);
    assert.equal(await pings(), 0);
    assert.match((await radclient('coa', 'Filter-Id = "of nobody", ')).said, /Error-Cause = Invalid-Attribute-Value/);
    assert.deepEqual((await lns.api.sessions())[0]?.filters, [NO_PING.name]);
  });

  it('CoA: a Session-Timeout that is over ends the call', async () => {
    const { said } = await radclient('coa', 'Session-Timeout = 1, ');
    assert.match(said, /Received CoA-ACK/);
    const [{ id }] = await lns.api.demand<CallRecord[]>('GET', '/api/v1/calls?limit=1');
    const cause = await until('the call has ended', CALL_MS, async () => {
      const calls = await lns.api.demand<CallRecord[]>('GET', '/api/v1/calls?limit=5');
      return calls.find((call) => call.id === id && call.endedAt !== '')?.cause;
    });
    assert.equal(cause, 'the call has lasted 1 s');
  });

  it('Disconnect: the call is gone in under a second, and comes again since the branch dials again', async () => {
    const [before] = await lns.api.sessions();
    const { said, asked_ms } = await radclient('disconnect', `Acct-Session-Id = "${before?.accountingId}", `);
    assert.match(said, /Received Disconnect-ACK/);
    const isGone = async () =>
      (await lns.api.sessions()).every(({ accountingId }) => accountingId !== before?.accountingId);
    await until('the call is gone', PROMPTLY_MS, isGone);
    assertPrompt(asked_ms);
    await up(branch, sites.user, ADDRESS.office);
    const again = await radclient('disconnect', `Acct-Session-Id = "${before?.accountingId}", `);
    assert.match(again.said, /Error-Cause = Session-Context-Not-Found/);
  });

  it('the server stops: calls stand, who calls is told why not; it starts: calls come in again', async () => {
    await server.stop('SIGKILL');
    assert.equal(await pings(), 1);
    await branch.api.configure({ lacClients: [] });
    await idle(lns);
    await branch.api.configure(BRANCH);
    await until('the branch is told', CALL_MS, async () => {
      const [client] = (await branch.api.status()).lacClients;
      return client?.lastError.includes('Authentication server does not answer');
    });
    const [dead] = (await lns.api.demand<RadiusView>('GET', '/api/v1/radius')).servers;
    assert.equal(dead?.state, 'dead');
    const [problem] = (await lns.api.status()).problems;
    assert.match(problem?.what ?? '', /RADIUS server 127\.0\.0\.1 port 1812 for authentication does not answer since/);
    const { attention } = await lns.api.demand<Overview>('GET', '/api/v1/overview');
    assert.deepEqual(
      attention.filter(({ severity }) => severity === 'error').map(({ code }) => code),
      ['radius-all-dead'],
    );
    server = await startServer();
    await up(branch, sites.user, ADDRESS.office);
    assert.equal(await pings(), 1);
    const [alive] = (await lns.api.demand<RadiusView>('GET', '/api/v1/radius')).servers;
    assert.equal(alive?.state, 'alive');
    assert.deepEqual((await lns.api.status()).problems, []);
  });

  it('two servers, the first of them dead: the second lets in who calls within the set time, and is asked first from then on', async () => {
    const servers = [NOBODY_ADDRESS, RADIUS_ADDRESS].map((address) => ({ address, secret: SECRET }));
    await lns.api.configure({ radius: { authentication: servers, deadTime_s: 60 } });
    const set_ms = performance.now();
    await branch.api.configure({ lacClients: [] });
    await idle(lns);
    await branch.api.configure(BRANCH);
    await up(branch, sites.user, ADDRESS.office);
    const took_ms = performance.now() - set_ms;
    assert.ok(took_ms < FAILOVER_MS, `${took_ms} ms`);
    const states = async () => {
      const { servers: all } = await lns.api.demand<RadiusView>('GET', '/api/v1/radius');
      return all.map(({ address, state }) => [address, state]);
    };
    assert.deepEqual(await states(), [
      [NOBODY_ADDRESS, 'dead'],
      [RADIUS_ADDRESS, 'alive'],
    ]);
    assert.equal(await pings(), 1);
  });
});
