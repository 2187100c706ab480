/**
 * The shipped program as LAC whose RADIUS server is FreeRADIUS: where it is told to carry calls, what it does when the
 * first LNS is not there, who stays with it, who is refused, and what radclient changes of tunnelled calls.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { RadiusView } from '../../firmware/control/view.js';
import { LAC_ADDRESS } from '../lab/access-sites.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import { startFreeRadius } from './freeradius.js';
import {
  dialOrder,
  type LacAndLns,
  nothingLeft,
  PASSWORD,
  standing,
  startLacAndLns,
  TUNNEL_SECRET,
  USER_PREFIX,
} from './lac-and-lns.js';

const RADIUS_ADDRESS = '127.0.0.1';
const SECRET = 'shared';
const COA_PORT = 3799;
/** Of nobody, on the LNS's network. */
const NO_LNS = '192.0.2.77';
const TUNNELLED = 10;
/** Numbers of PCs, which are those of their users. */
const PC = { local: 20, pptp: 21, unknown: 22 };
const LOCAL_ADDRESS = '10.99.0.20';
const TIMEOUT = { timeout: 60_000 };

const TUNNELS = [
  'Tunnel-Type:1 = L2TP',
  'Tunnel-Type:2 = L2TP',
  'Tunnel-Medium-Type:1 = IPv4',
  'Tunnel-Medium-Type:2 = IPv4',
  `Tunnel-Server-Endpoint:1 = "${NO_LNS}"`,
  `Tunnel-Server-Endpoint:2 = "${ADDRESS.lns}"`,
  `Tunnel-Client-Endpoint:2 = "${LAC_ADDRESS}"`,
  `Tunnel-Password:1 = "${TUNNEL_SECRET}"`,
  `Tunnel-Password:2 = "${TUNNEL_SECRET}"`,
  'Tunnel-Preference:1 = 10',
  'Tunnel-Preference:2 = 20',
  'Tunnel-Assignment-Id:2 = "gold"',
];

describe('the LAC and its FreeRADIUS', { skip: labIsMissing() }, () => {
  let boxes: LacAndLns;

  before(async () => {
    const client = { address: RADIUS_ADDRESS, secret: SECRET };
    boxes = await startLacAndLns({
      users: TUNNELLED,
      lac: {
        lac: { rules: [], tunnelGroups: [], tunnelAnswer_s: 2, deadTime_s: 600, tunnelIdle_s: 600 },
        lns: { localAddress: '10.112.113.1' },
        radius: { authentication: [client], dynamicAuthorization: { port: COA_PORT, clients: [client] } },
      },
    });
    const { sites } = boxes;
    const user = (pc: number, reply: readonly string[]) => ({ name: `${USER_PREFIX}${pc}`, password: PASSWORD, reply });
    await startFreeRadius(sites.lab, {
      ...{ namespace: sites.lac, address: RADIUS_ADDRESS, clients: '127.0.0.0/8', secret: SECRET },
      users: [
        ...Array.from({ length: TUNNELLED }, (_, pc) => user(pc, TUNNELS)),
        user(PC.local, [`Framed-IP-Address = ${LOCAL_ADDRESS}`]),
        user(PC.pptp, ['Tunnel-Type:1 = PPTP', `Tunnel-Server-Endpoint:1 = "${ADDRESS.lns}"`]),
      ],
    });
  });
  after(() => boxes?.sites.lab.close());

  async function radclient(type: 'coa' | 'disconnect', attributes: string): Promise<string> {
    const argv = ['radclient', '-x', '-r', '1', '-t', '3', `${RADIUS_ADDRESS}:${COA_PORT}`, type, SECRET];
    const input = `${attributes}, Message-Authenticator = 0x00\n`;
    return (await boxes.sites.lac.run(argv, { input, mayFail: true })).stdout;
  }

  it(
    'step 5: the first LNS is not there, the second carries the calls in one tunnel, by its Assignment-ID',
    TIMEOUT,
    async () => {
      const { lac, lns, callers } = boxes;
      const first = await callers.dial(dialOrder({ calls: 1 }));
      assert.deepEqual(first.failures, {});
      assert.ok(first.up[0]!.setUp_ms >= 2_000, 'the first LNS was asked');
      const others = await callers.dial(dialOrder({ calls: TUNNELLED - 1, firstPc: 1 }));
      assert.deepEqual(others.failures, {});
      assert.ok(others.latencyP99_ms < 2_000, 'an LNS that has failed is not asked again');
      await standing(boxes, TUNNELLED);
      assert.deepEqual(new Set((await lac.api.sessions()).map((session) => session.lns)), new Set([ADDRESS.lns]));
      assert.equal((await lns.api.tunnels()).length, 1);
      const [server] = (await lac.api.demand<RadiusView>('GET', '/api/v1/radius')).servers;
      assert.deepEqual([server?.requests, server?.replies], [TUNNELLED, TUNNELLED], 'one Access-Request for each call');
    },
  );

  it('CoA and Disconnect of tunnelled calls, found by their port as the Access-Request names it', TIMEOUT, async () => {
    const { lac, lns } = boxes;
    const [one, other] = await lac.api.sessions();
    assert.ok(one?.pppoe && other?.pppoe);
    const changed = await radclient('coa', `Calling-Station-Id = "${one.pppoe.mac}", Mikrotik-Rate-Limit = "1M/2M"`);
    assert.match(changed, /Received CoA-ACK/);
    const after = (await lac.api.sessions()).find(({ sessionId }) => sessionId === one.sessionId);
    assert.deepEqual([after?.receiveRate_bps, after?.sendRate_bps], [1_000_000, 2_000_000]);
    const idle = await radclient('coa', `Calling-Station-Id = "${one.pppoe.mac}", Idle-Timeout = 60`);
    assert.match(idle, /Error-Cause = Unsupported-Attribute/, 'idleness is the LNS’s to see');
    const many = await radclient('disconnect', `NAS-Port-Id = "${one.pppoe.interface}"`);
    assert.match(many, /Error-Cause = Multiple-Session-Selection-Unsupported/);
    const ended = await radclient('disconnect', `NAS-Port = ${other.sessionId}, User-Name = "${other.user}"`);
    assert.match(ended, /Received Disconnect-ACK/);
    await until('the call is gone at both boxes', 1_000, async () => {
      const left = [...(await lac.api.sessions()), ...(await lns.api.sessions())];
      return left.every(({ user }) => user !== other.user);
    });
    const [{ pc }] = await boxes.callers.ended();
    assert.equal(`${USER_PREFIX}${pc}`, other.user, 'the PC hears of it');
  });

  it('an Access-Accept without a tunnel: the call ends here, with its address', TIMEOUT, async () => {
    const { up, failures } = await boxes.callers.dial(dialOrder({ calls: 1, firstPc: PC.local }));
    assert.deepEqual(failures, {});
    assert.equal(up[0]!.address, LOCAL_ADDRESS);
  });

  it('RFC 2868 section 3.1: a tunnel of another kind is a refusal, and so is an Access-Reject', TIMEOUT, async () => {
    for (const firstPc of [PC.pptp, PC.unknown]) {
      const { up, failures } = await boxes.callers.dial(dialOrder({ calls: 1, firstPc }));
      assert.deepEqual([up.length, Object.values(failures)], [0, [1]]);
    }
  });

  it('when all hang up nothing is left', TIMEOUT, async () => {
    assert.equal(await boxes.callers.hangUp(), TUNNELLED);
    await nothingLeft(boxes);
  });
});
