/**
 * Too much of what is well formed against the running program: many callers that are none, one tunnel that talks without
 * end, one session. Memory stays bounded, what is above a rate is counted without a line of log, and who calls beside it
 * gets through.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { emitControlMessage } from '../../firmware/wire/avp.js';
import { octets } from '../../firmware/wire/bytes.js';
import { emitDataHeader } from '../../firmware/wire/l2tp.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS, layThreeSites, type Sites } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import type { Appliance } from './appliance.js';
import { idle, startLns } from './lns.js';
import { controlPacket, RawPeer, sccrq } from './raw-peer.js';

const ESTABLISH_TIMEOUT_S = 5;
const MAX_TUNNELS = 100;
const GROWTH_LIMIT_BYTES = 96 * 1024 * 1024;
/** RFC 2661 section 5.8: the recommended time before a message is sent again. */
const REPETITION_MS = 1000;
const INVENTED = '198.18.0';

describe('floods', { skip: labIsMissing() }, () => {
  let sites: Sites;
  let appliance: Appliance;
  let flooder: RawPeer;
  let caller: RawPeer;

  before(async () => {
    sites = await layThreeSites();
    // The flooder has a network of addresses, to which the LNS knows the way.
    await sites.user.ip(`route add local ${INVENTED}.0/24 dev lo`);
    await sites.lns.ip(`route add ${INVENTED}.0/24 via ${ADDRESS.user}`);
    appliance = await startLns(sites, { l2tp: { establishTimeout_s: ESTABLISH_TIMEOUT_S, maxTunnels: MAX_TUNNELS } });
    flooder = await RawPeer.start(sites.user, ADDRESS.lns);
    caller = await RawPeer.start(sites.user, ADDRESS.lns);
  });
  after(() => sites?.lab.close());

  const dropped = async (reason: string): Promise<number> => (await appliance.api.status()).drops[reason] ?? 0;

  /** Opens a tunnel as a caller does, repeating its SCCRQ; answers the LNS's ID. */
  async function call(peer: RawPeer, ours: number): Promise<number> {
    const from = peer.mark();
    const answer = peer.awaitMessage('SCCRP', from);
    answer.catch(() => undefined);
    const repeat = setInterval(() => void peer.send(controlPacket({}, sccrq(ours))), REPETITION_MS);
    await peer.send(controlPacket({}, sccrq(ours)));
    const { message } = await answer.finally(() => clearInterval(repeat));
    const theirs = message.avps.assignedTunnelId!;
    await peer.send(controlPacket({ tunnelId: theirs, ns: 1, nr: 1 }, { messageType: 'SCCCN', avps: {} }));
    await until('the tunnel is established', 5_000, async () =>
      (await appliance.api.tunnels()).some((tunnel) => tunnel.tunnelId === theirs && tunnel.state === 'established'),
    );
    return theirs;
  }

  async function hangUp(peer: RawPeer, tunnelId: number, ns: number): Promise<void> {
    const stop = { resultCode: { resultCode: 1, errorCode: 0 }, assignedTunnelId: 1 };
    await peer.send(controlPacket({ tunnelId, ns, nr: 1 }, { messageType: 'StopCCN', avps: stop }));
    await until('the tunnel is gone', 5_000, async () =>
      (await appliance.api.tunnels()).every((tunnel) => tunnel.tunnelId !== tunnelId),
    );
  }

  it('SCCRQs from many addresses that never answer: a caller gets through, and all is gone after the establish timeout', async () => {
    const addresses = Array.from({ length: 250 }, (_, host) => `${INVENTED}.${host + 1}`);
    const packets = Array.from({ length: 20 }, (_, id) => controlPacket({}, sccrq(1 + id)));
    const memory_bytes = appliance.residentMemory_bytes();
    const logged = appliance.logLineCount;
    const flood = flooder.sendFrom(addresses, packets);
    await until('requests are refused for their rate', 10_000, async () => (await dropped('stranger-rate')) > 0);
    const tunnelId = await call(caller, 7);
    await flood;
    assert.ok((await appliance.api.tunnels()).length <= MAX_TUNNELS);
    await hangUp(caller, tunnelId, 2);
    await idle(appliance, 3 * ESTABLISH_TIMEOUT_S * 1000);
    assert.equal(appliance.logLineCount, logged, appliance.log(logged).join('\n'));
    const grown_bytes = appliance.residentMemory_bytes() - memory_bytes;
    assert.ok(grown_bytes < GROWTH_LIMIT_BYTES, `${grown_bytes} bytes`);
  });

  it('control messages of one tunnel: above its rate they are counted, and another tunnel opens beside it', async () => {
    const tunnelId = await call(flooder, 8);
    const before = await dropped('control-rate');
    const logged = appliance.logLineCount;
    const hello = emitControlMessage({ messageType: 'HELLO', avps: {} }, { dialect: 2 });
    const replayed = controlPacket({ tunnelId, ns: 1, nr: 1 }, hello);
    const flood = flooder.send(...Array.from({ length: 20_000 }, () => replayed));
    const other = await call(caller, 9);
    await flood;
    await until('the rest is counted', 5_000, async () => (await dropped('control-rate')) > before + 5_000);
    assert.equal(appliance.logLineCount, logged, appliance.log(logged).join('\n'));
    await hangUp(caller, other, 2);
    await until('the flood is over', 20_000, async () => (await appliance.api.tunnels()).length <= 1);
  });

  it('LCP frames of one session: above its rate they are counted, and the call ends as its LCP does', async () => {
    const tunnelId = await call(flooder, 10);
    const from = flooder.mark();
    const icrq = { assignedSessionId: 5, callSerialNumber: 1 };
    await flooder.send(controlPacket({ tunnelId, ns: 2, nr: 1 }, { messageType: 'ICRQ', avps: icrq }));
    const { message } = await flooder.awaitMessage('ICRP', from);
    const sessionId = message.avps.assignedSessionId!;
    const iccn = { txConnectSpeed_bps: 1_000_000, framingType: 1 };
    await flooder.send(controlPacket({ tunnelId, sessionId, ns: 3, nr: 2 }, { messageType: 'ICCN', avps: iccn }));
    const before = await dropped('ppp-rate');
    const logged = appliance.logLineCount;
    const frame = Buffer.concat([
      emitDataHeader({ tunnelId, sessionId }),
      octets('\xff\x03\xc0\x21\x01\x01\x00\x0a\x05\x06\x00\x00\x00\x07'),
    ]);
    await flooder.send(...Array.from({ length: 10_000 }, () => frame));
    await until('the rest is counted', 5_000, async () => (await dropped('ppp-rate')) > before + 9_000);
    assert.equal(appliance.logLineCount, logged, appliance.log(logged).join('\n'));
    await hangUp(flooder, tunnelId, 4);
    await idle(appliance);
    assert.equal(await appliance.api.leasedCount(), 0);
  });
});
