/**
 * The whole call: pppd over the PPPoE of its kernel calls our LAC, which carries it to our LNS; a FreeRADIUS behind each; the
 * office host answers. All steps are in their order in the joined traces of both boxes and in what tshark reads of their
 * cables, whatever L2TP is carried in, however the user authenticates, whatever the LNS makes of what the LAC hands over.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { joinCall } from '../../firmware/control/trace-join.js';
import { LAC_ADDRESS } from '../lab/access-sites.js';
import { CallCapture } from '../lab/call-capture.js';
import {
  accessRequests,
  type FourteenSteps,
  type FourteenStepsOptions,
  LAC_RADIUS_ADDRESS,
  setUp,
  startFourteenSteps,
  USER_ADDRESS,
} from '../lab/fourteen-steps.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import { assertInOrder } from './assertions.js';
import { USER } from './lns.js';

/** Whatever a call is like it begins and ends so. */
const DISCOVERY = ['PPPoE PADI', 'PPPoE PADO', 'PPPoE PADR', 'PPPoE PADS'];
const LCP = ['PPPoE LCP Configure-Request', 'PPPoE LCP Configure-Ack'];
const asks = (server: string): string[] => [`RADIUS ${server} Access-Request`, `RADIUS ${server} Access-Accept`];
const TUNNEL = ['L2TP SCCRQ', 'L2TP SCCRP', 'L2TP SCCCN', 'L2TP ICRQ', 'L2TP ICRP', 'L2TP ICCN'];
const IPCP = ['L2TP IPCP Configure-Request', 'PPPoE IPCP Configure-Request', 'PPPoE IPCP Configure-Ack'];
const OFFICE = [
  'PPPoE IPv4',
  'L2TP IPv4',
  `IP ${USER_ADDRESS} > ${ADDRESS.office}`,
  `IP ${ADDRESS.office} > ${USER_ADDRESS}`,
];
/** The LNS authenticates the user itself: by a challenge that passes the LAC, and its own question. */
const SECOND_CHAP = ['L2TP CHAP Challenge', 'PPPoE CHAP Response', 'L2TP CHAP Response', ...asks(ADDRESS.office)];

/** pppd's status. */
const AUTHENTICATION_FAILED = 19;

interface Variant extends FourteenStepsOptions {
  what: string;
  /** What comes between the LAC's session and IPCP, on the cables. */
  atLns: readonly string[];
  /** Steps of the trace. */
  steps: readonly number[];
  /** Access-Requests that the LNS's server gets. */
  asked: number;
}

const UP_TO_SESSION = [1, 2, 3, 4, 5, 6, 7];
const TRUSTED = [...UP_TO_SESSION, 8, 9, 13, 14];
const ALL = [...UP_TO_SESSION, 8, 9, 10, 11, 12, 13, 14];
const ANEW = [...UP_TO_SESSION, 10, 11, 12, 13, 14];
const HANDED_OVER = [...asks(ADDRESS.office), 'L2TP CHAP Success', 'PPPoE CHAP Success'];
const LCP_ANEW = ['L2TP LCP Configure-Request', 'L2TP LCP Configure-Ack'];

const VARIANTS: readonly Variant[] = [
  { what: 'CHAP over udp2, trusted', encapsulation: 'udp2', atLns: HANDED_OVER, steps: TRUSTED, asked: 1 },
  { what: 'CHAP over ip, trusted', encapsulation: 'ip', atLns: HANDED_OVER, steps: TRUSTED, asked: 1 },
  {
    ...{ what: 'CHAP over ip, and once more by the LNS', encapsulation: 'ip', proxy: 'chap' },
    ...{ atLns: [...asks(ADDRESS.office), ...SECOND_CHAP, 'PPPoE CHAP Success'], steps: ALL, asked: 2 },
  },
  {
    ...{ what: 'CHAP over udp2, and once more by the LNS', encapsulation: 'udp2', proxy: 'chap' },
    ...{ atLns: [...asks(ADDRESS.office), ...SECOND_CHAP, 'PPPoE CHAP Success'], steps: ALL, asked: 2 },
  },
  {
    ...{ what: 'CHAP over udp3, and once more by the LNS', encapsulation: 'udp3', proxy: 'chap' },
    ...{ atLns: [...asks(ADDRESS.office), ...SECOND_CHAP, 'PPPoE CHAP Success'], steps: ALL, asked: 2 },
  },
  {
    ...{ what: 'CHAP over udp2, and the LNS begins LCP anew', proxy: 'renegotiate' },
    ...{ atLns: [...LCP_ANEW, ...SECOND_CHAP, 'PPPoE CHAP Success'], steps: ANEW, asked: 1 },
  },
  {
    ...{ what: 'PAP over udp2, trusted', authentication: 'pap', steps: TRUSTED, asked: 1 },
    atLns: [...asks(ADDRESS.office), 'L2TP PAP Authenticate-Ack', 'PPPoE PAP Authenticate-Ack'],
  },
  {
    // RFC 2661 section 4.4.5 has no proxy type for it.
    ...{ what: 'MS-CHAPv2 over udp2, which the LNS authenticates itself', authentication: 'mschapv2' },
    ...{ atLns: [...SECOND_CHAP, 'PPPoE CHAP Success'], steps: ANEW, asked: 1 },
  },
];

describe('the call of the fourteen steps', { skip: labIsMissing() }, () => {
  let lab: FourteenSteps;

  before(async () => {
    lab = await startFourteenSteps();
  });
  after(() => lab?.sites.lab.close());

  for (const variant of VARIANTS) {
    const { what, atLns, steps, asked, authentication = 'chap-md5', ...options } = variant;
    it(what, { timeout: 60_000 }, async () => {
      // Who hangs up by LCP waits for one restart timer of the LNS.
      const ppp = { restartTimer_ms: 1_000 };
      await setUp(lab, { ...options, authentication, lns: { ppp }, lac: { ppp } });
      const capture = await CallCapture.start(lab, what.replaceAll(/\W+/g, '-'));
      const from = { lac: lab.lacRadius.lineCount, lns: lab.lnsRadius.lineCount };
      const { user, password, routes } = { user: USER.name, password: USER.password, routes: [ADDRESS.officeNetwork] };
      const up = await lab.pc.connect({ user, password, routes, authentication, ipv6: true });
      assert.equal(up.localAddress, USER_ADDRESS);
      const ping = await lab.pc.ping(ADDRESS.office);
      assert.equal(ping.status, 0, ping.lines.join('\n'));
      await assertSessions();
      assert.deepEqual(await stepsInTraces(), steps);
      await hangUp();
      assert.equal(accessRequests(lab.lacRadius, from.lac), 1, 'Access-Requests of the LAC');
      assert.equal(accessRequests(lab.lnsRadius, from.lns), asked, 'Access-Requests of the LNS');
      const judged = await capture.judge();
      assert.deepEqual(judged.complaints, []);
      const proof = authentication === 'pap' ? 'PPPoE PAP Authenticate-Request' : 'PPPoE CHAP Response';
      const beginning = [...DISCOVERY, ...LCP, proof, ...asks(LAC_RADIUS_ADDRESS), ...TUNNEL];
      assertInOrder(judged.steps, [...beginning, ...atLns, ...IPCP, ...OFFICE]);
      assertToldByLns(judged.steps);
      for (const server of [LAC_RADIUS_ADDRESS, ADDRESS.office]) {
        assertInOrder(
          judged.steps,
          ['Start', 'Stop'].map((record) => `RADIUS ${server} Accounting-Request ${record}`),
        );
      }
      assertInOrder(judged.steps, [
        'PPPoE LCP Terminate-Request',
        'L2TP LCP Terminate-Request',
        'L2TP CDN',
        'PPPoE PADT',
      ]);
    });
  }

  it('a wrong password: the LAC’s RADIUS refuses, the PC is told, no LNS hears of it', async () => {
    await setUp(lab, {});
    const capture = await CallCapture.start(lab, 'wrong-password');
    const from = lab.pc.guest.mark();
    const asked = lab.lnsRadius.lineCount;
    await lab.pc.dial({ user: USER.name, password: 'not it', authentication: 'chap-md5' });
    assert.equal(await lab.pc.ended(from), AUTHENTICATION_FAILED);
    assert.equal(accessRequests(lab.lnsRadius, asked), 0);
    await nothingLeft();
    const { steps, complaints } = await capture.judge();
    assert.deepEqual(complaints, []);
    const server = LAC_RADIUS_ADDRESS;
    assertInOrder(steps, [
      ...[...DISCOVERY, 'PPPoE CHAP Response', `RADIUS ${server} Access-Request`, `RADIUS ${server} Access-Reject`],
      ...['PPPoE CHAP Failure', 'PPPoE LCP Terminate-Request', 'PPPoE PADT'],
    ]);
    assert.deepEqual(
      steps.filter((step) => step.startsWith('L2TP')),
      [],
    );
  });

  it('the LNS’s RADIUS is silent: the user is refused in the time that is set; it answers again, and the user is let in', {
    timeout: 60_000,
  }, async () => {
    const ppp = { restartTimer_ms: 1_000 };
    const patience = { timeout_s: 2, initialRetransmission_ms: 500, transmissionsPerServer: 2, deadTime_s: 1 };
    await setUp(lab, { lac: { ppp }, lns: { ppp, radius: patience } });
    const capture = await CallCapture.start(lab, 'silent-radius');
    const call = { user: USER.name, password: USER.password, authentication: 'chap-md5' } as const;
    lab.lnsRadius.signal('SIGSTOP');
    const from = lab.pc.guest.mark();
    await lab.pc.dial(call);
    assert.equal(await lab.pc.ended(from), AUTHENTICATION_FAILED);
    await nothingLeft();
    lab.lnsRadius.signal('SIGCONT');
    const { localAddress } = await lab.pc.connect(call);
    assert.equal(localAddress, USER_ADDRESS);
    await hangUp();
    const { steps, complaints } = await capture.judge();
    assert.deepEqual(complaints, []);
    const [request] = asks(ADDRESS.office);
    assertInOrder(steps, [
      ...TUNNEL,
      request!,
      request!,
      'L2TP CHAP Failure',
      'PPPoE CHAP Failure',
      'L2TP CDN',
      'PPPoE PADT',
    ]);
    assertInOrder(steps, ['L2TP CHAP Failure', ...asks(ADDRESS.office), 'L2TP CHAP Success']);
  });

  /** Both boxes have the one call, as what it is; the LAC knows where it has come from. */
  async function assertSessions(): Promise<void> {
    const [[atLac, ...moreAtLac], [atLns, ...moreAtLns]] = await Promise.all([
      lab.lac.api.sessions(),
      lab.lns.api.sessions(),
    ]);
    assert.deepEqual([moreAtLac, moreAtLns], [[], []]);
    assert.deepEqual([atLac?.role, atLac?.user, atLac?.state], ['lac', USER.name, 'up']);
    assert.deepEqual([atLns?.role, atLns?.user, atLns?.address], ['lns', USER.name, USER_ADDRESS]);
    assert.match(atLns?.callingNumber ?? '', /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
    assert.equal(atLns?.callingNumber, atLac?.callingNumber);
  }

  /** The numbers of the steps in the order of their beginnings, as both boxes together have traced the last call. */
  async function stepsInTraces(): Promise<number[]> {
    return until('both boxes tell of traffic', 15_000, async () => {
      const [lac, lns] = await Promise.all([lab.lac.api.trace(), lab.lns.api.trace()]);
      const { lines, clocksApart_ms } = joinCall(
        { box: 'LAC', addresses: [LAC_ADDRESS], records: lac },
        { box: 'LNS', addresses: [ADDRESS.lns], records: lns },
        Math.max(...lac.map(({ callId }) => callId)),
      );
      const told = lines.filter(({ step }) => step === 14).map(({ box }) => box);
      if (!told.includes('LAC') || !told.includes('LNS')) return false;
      // It is one machine's clock, and a message takes its time.
      assert.ok(Math.abs(clocksApart_ms ?? Number.NaN) < 50, `${clocksApart_ms} ms`);
      return [...new Set(lines.map(({ step }) => step))].filter((step) => step > 0);
    });
  }

  /** On a tunnelled call it is the LNS who tells the user that he is in, once, and the LAC passes that on. */
  function assertToldByLns(steps: readonly string[]): void {
    const inPppoe = steps.filter((step) => /^PPPoE (CHAP Success|PAP Authenticate-Ack)/.test(step));
    const inL2tp = steps.filter((step) => /^L2TP (CHAP Success|PAP Authenticate-Ack)/.test(step));
    assert.deepEqual([inPppoe.length, inL2tp.length], [1, 1]);
  }

  async function hangUp(): Promise<void> {
    await lab.pc.hangUp();
    await nothingLeft();
  }

  /** No session and no lease at either box, and the tunnel, which is idle, is closed. */
  async function nothingLeft(): Promise<void> {
    for (const box of [lab.lac, lab.lns]) {
      await until('nothing is left', 20_000, async () => {
        const { sessions, tunnels } = await box.api.status();
        return sessions === 0 && tunnels === 0;
      });
    }
  }
});
