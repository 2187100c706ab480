/**
 * LACs of other makes in front of the running LNS, played message by message: BT's, whose proxied MRU may be wrong and who
 * wants FF 03; those whose proxy AVPs contradict each other; any whose CDN races a retransmitted ICRQ.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { chapMd5 } from '../../firmware/crypto/chap.js';
import { type AvpValues, emitControlMessage } from '../../firmware/wire/avp.js';
import { octets } from '../../firmware/wire/bytes.js';
import { parseL2tpHeader } from '../../firmware/wire/l2tp.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS, layThreeSites, type Sites } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import type { Appliance } from './appliance.js';
import { idle, startLns, USER } from './lns.js';
import { controlPacket, RawPeer, sccrq } from './raw-peer.js';

const TUNNEL_ID = 7;
const SESSION_ID = 5;
const CHAP_ID = 9;
const PROXY_AUTHEN_CHAP = 2;
const CHALLENGE = octets('sixteen octets..');
const ICCN: AvpValues = { txConnectSpeed_bps: 1_000_000, framingType: 1 };

const hex = (...texts: string[]): Uint8Array => Uint8Array.from(Buffer.from(texts.join(''), 'hex'));
/** Options of LCP Configure-Requests, RFC 1661 section 6: MRU 1400, CHAP with MD5, Magic-Number. */
const OPTION = { mru: '01040578', chap: '0305c22305', ourMagic: '050611111111', usersMagic: '050622222222' };
const MRU_1492 = '010405d4';

/** What a LAC hands over of a user who has given the right answer to its challenge, with changes. */
function proxy(changes: AvpValues = {}): AvpValues {
  return {
    ...ICCN,
    initialReceivedLcpConfReq: hex(OPTION.mru, OPTION.usersMagic),
    lastReceivedLcpConfReq: hex(OPTION.mru, OPTION.usersMagic),
    lastSentLcpConfReq: hex(OPTION.mru, OPTION.chap, OPTION.ourMagic),
    ...{ proxyAuthenType: PROXY_AUTHEN_CHAP, proxyAuthenName: octets(USER.name), proxyAuthenId: CHAP_ID },
    proxyAuthenChallenge: CHALLENGE,
    proxyAuthenResponse: chapMd5(CHAP_ID, octets(USER.password), CHALLENGE),
    ...changes,
  };
}

function without(...names: readonly (keyof AvpValues)[]): AvpValues {
  return Object.fromEntries(Object.entries(proxy()).filter(([name]) => !names.some((each) => each === name)));
}

const CONTRADICTIONS: readonly [string, AvpValues][] = [
  ['BT: a proxied MRU above ours', proxy({ lastSentLcpConfReq: hex(MRU_1492, OPTION.chap, OPTION.ourMagic) })],
  ['a Last Sent LCP CONFREQ without a Last Received one', without('lastReceivedLcpConfReq')],
  ['options whose lengths lie', proxy({ lastReceivedLcpConfReq: hex('01ff0578') })],
  ['both ends with one Magic-Number', proxy({ lastReceivedLcpConfReq: hex(OPTION.mru, OPTION.ourMagic) })],
  ['CHAP without a challenge', without('proxyAuthenChallenge')],
  ['CHAP without a name', without('proxyAuthenName')],
  ['a CHAP Response of 15 octets', proxy({ proxyAuthenResponse: new Uint8Array(15) })],
  ['PAP where the LAC has demanded CHAP', proxy({ proxyAuthenType: 3 })],
  ['no authentication demanded', proxy({ lastSentLcpConfReq: hex(OPTION.mru, OPTION.ourMagic) })],
  ['an authentication type of nobody', proxy({ proxyAuthenType: 99 })],
];

describe('LACs of other makes', { skip: labIsMissing() }, () => {
  let sites: Sites;
  let lns: Appliance;

  before(async () => {
    sites = await layThreeSites();
    lns = await startLns(sites, { lns: { authentication: ['chap-md5'] } });
  });
  after(() => sites?.lab.close());

  function treat(proxyMismatch: 'renegotiate' | 'refuse'): Promise<void> {
    const peer = { name: 'lac', address: `${ADDRESS.user}/32`, addressControl: 'always', proxy: 'trust' } as const;
    return lns.api.configure({ tunnelPeers: [{ ...peer, proxyMismatch }] });
  }

  /** Each with its ICCN sent, and the frames that the LNS sends into the session. */
  async function call(iccn: AvpValues): Promise<RawLac> {
    const lac = await RawLac.connect(sites);
    await lac.place(iccn);
    return lac;
  }

  it('the proxied answer is right: CHAP Success with its identifier, then IPCP, each behind FF 03', async () => {
    await treat('refuse');
    const lac = await call(proxy());
    assert.match(await lac.frame(0), /^ff03c2230309/);
    assert.match(await lac.frame(1), /^ff03(?:8021|8057)01/);
    assert.equal(await lns.api.leasedCount(), 1);
    await lac.hangUp();
    await nothingLeft();
  });

  it('the proxied answer is wrong: CHAP Failure with its identifier, LCP ends, no address was leased', async () => {
    const lac = await call(proxy({ proxyAuthenResponse: new Uint8Array(16) }));
    assert.match(await lac.frame(0), /^ff03c2230409/);
    assert.match(await lac.frame(1), /^ff03c02105/);
    await lac.hangUp();
    await nothingLeft();
  });

  for (const [what, iccn] of CONTRADICTIONS) {
    it(`${what}: LCP begins anew; where that is not wanted, CDN with result 2, error 3`, async () => {
      await treat('renegotiate');
      const renegotiating = await call(iccn);
      assert.match(await renegotiating.frame(0), /^ff03c02101/);
      await renegotiating.hangUp();
      await treat('refuse');
      const refused = await call(iccn);
      const { message } = await refused.peer.awaitMessage('CDN', 0);
      const { resultCode, errorCode } = message.avps.resultCode!;
      assert.deepEqual([resultCode, errorCode], [2, 3]);
      await refused.stop();
      await nothingLeft();
    });
  }

  it('a CDN that races a retransmitted ICRQ: one call, once, and none after it', async () => {
    await treat('renegotiate');
    const lac = await RawLac.connect(sites);
    const icrq = lac.icrq();
    const cdn = { resultCode: { resultCode: 1 }, assignedSessionId: SESSION_ID };
    const ended = lac.control('CDN', cdn, 3);
    // The CDN overtakes the ICRQ, and both come again.
    await lac.peer.send(ended, icrq, icrq, ended, icrq);
    await until('the tunnel has no session', 5_000, async () => {
      const [tunnel] = await lns.api.tunnels();
      return tunnel.sessions === 0 && (await lns.api.status()).sessions === 0;
    });
    // What is answered after them shows that they were handled.
    const from = lac.peer.mark();
    await lac.peer.send(lac.control('HELLO', {}, 4));
    await until('the HELLO is acknowledged', 5_000, () => lac.peer.received(from).some(({ nr }) => nr === 5));
    assert.deepEqual(await lns.api.sessions(), []);
    assert.equal((await lns.api.tunnels()).length, 1);
    await lac.stop();
    await nothingLeft();
  });

  async function nothingLeft(): Promise<void> {
    for (const { tunnelId } of await lns.api.tunnels()) await lns.api.demand('DELETE', `/api/v1/tunnels/${tunnelId}`);
    await idle(lns);
    assert.equal(await lns.api.leasedCount(), 0);
  }
});

/** A LAC with one tunnel and one call at most, whose messages are numbered as they are sent. */
class RawLac {
  readonly peer: RawPeer;
  readonly #lnsTunnelId: number;

  private constructor(peer: RawPeer, lnsTunnelId: number) {
    this.peer = peer;
    this.#lnsTunnelId = lnsTunnelId;
  }

  /** With its tunnel established. */
  static async connect(sites: Sites): Promise<RawLac> {
    const peer = await RawPeer.start(sites.user, ADDRESS.lns);
    await peer.send(controlPacket({}, sccrq(TUNNEL_ID)));
    const { message } = await peer.awaitMessage('SCCRP', 0);
    const lac = new RawLac(peer, message.avps.assignedTunnelId!);
    await peer.send(lac.control('SCCCN', {}, 1));
    return lac;
  }

  icrq(): Uint8Array {
    return this.control('ICRQ', { assignedSessionId: SESSION_ID, callSerialNumber: 1 }, 2);
  }

  /** ICRQ, ICRP, and the ICCN. */
  async place(iccn: AvpValues): Promise<void> {
    await this.peer.send(this.icrq());
    const { message } = await this.peer.awaitMessage('ICRP', 0);
    const sessionId = message.avps.assignedSessionId!;
    await this.peer.send(this.control('ICCN', iccn, 3, { sessionId, nr: 2 }));
  }

  /** The n-th PPP frame of the session, repetitions among them, in hexadecimal digits. */
  async frame(index: number): Promise<string> {
    return until(`frame ${index}`, 5_000, () => {
      const frames = this.peer.packets().flatMap((packet) => {
        const { control, payloadOffset } = parseL2tpHeader(packet);
        return control ? [] : [packet.subarray(payloadOffset).toString('hex')];
      });
      return frames[index];
    });
  }

  /** By StopCCN, which ends the call too. */
  async hangUp(): Promise<void> {
    await this.peer.send(
      this.control('StopCCN', { resultCode: { resultCode: 1 }, assignedTunnelId: TUNNEL_ID }, 4, { nr: 2 }),
    );
    await this.stop();
  }

  stop(): Promise<void> {
    return this.peer.stop();
  }

  control(
    messageType: Parameters<typeof emitControlMessage>[0]['messageType'],
    avps: AvpValues,
    ns: number,
    { sessionId = 0, nr = 1 } = {},
  ): Uint8Array {
    const body = emitControlMessage({ messageType, avps }, { dialect: 2 });
    return controlPacket({ tunnelId: this.#lnsTunnelId, sessionId, ns, nr }, body);
  }
}
