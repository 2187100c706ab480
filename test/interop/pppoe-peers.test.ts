/**
 * What real PCs and routers do on the LAC's Ethernet, each played by a test: those of little patience in the three modes of
 * the LNS, two that have one MAC address, a flood of PADIs beside a real call, requests without a cookie.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { PppoeView } from '../../firmware/control/view.js';
import { BROADCAST_MAC, emitEthernetHeader } from '../../firmware/wire/ethernet.js';
import { emitDiscoveryPacket, PPPOE_CODE, PPPOE_ETHER_TYPE, PPPOE_TAG } from '../../firmware/wire/pppoe.js';
import { ACCESS_DEVICE, PCS_DEVICE } from '../lab/access-sites.js';
import { Capture } from '../lab/capture.js';
import { sendFrames } from '../lab/frame-sender.js';
import { judgeDiscovery } from '../lab/pppoe-capture.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import { sendFrame } from './frames.js';
import { dialOrder, type LacAndLns, nothingLeft, type ProxyMode, standing, startLacAndLns } from './lac-and-lns.js';

const USERS = 20;
/** Speedport W700V hangs up after so many rounds of LCP; FRITZ!Box has some ten. */
const SPEEDPORT_ROUNDS = 3;
const MAX_PER_MAC = 4;
const ONE_MAC = '02:00:5e:00:53:01';
const STRANGER_MAC = '02:00:5e:00:53:66';
const FLOOD = { perSecond: 20_000, duration_ms: 4_000 } as const;
const GROWTH_LIMIT_BYTES = 64 * 1024 * 1024;

describe('peers on the LAC’s Ethernet', { skip: labIsMissing() }, () => {
  let boxes: LacAndLns;

  before(async () => {
    boxes = await startLacAndLns({ users: USERS, lac: { lac: { maxSessionsPerMac: MAX_PER_MAC } } });
  });
  after(() => boxes?.sites.lab.close());

  async function setProxy(proxy: ProxyMode): Promise<void> {
    const { lns } = boxes;
    const { tunnelPeers } = await lns.api.settings();
    await lns.api.configure({ tunnelPeers: tunnelPeers.map((peer) => ({ ...peer, proxy })) });
    // The mode is a tunnel's: the next call opens another.
    for (const { tunnelId } of await lns.api.tunnels()) await lns.api.demand('DELETE', `/api/v1/tunnels/${tunnelId}`);
    await until('no tunnel', 10_000, async () => (await boxes.lac.api.tunnels()).length === 0);
  }

  for (const [proxy, lcpUps] of [
    ['trust', 1],
    ['chap', 1],
    ['renegotiate', 2],
  ] as const) {
    it(`Speedport W700V, FRITZ!Box: LCP is through in ${lcpUps} round(s) when the LNS’s mode is ${proxy}`, async () => {
      const { callers } = boxes;
      await setProxy(proxy);
      const { up, failures } = await callers.dial(dialOrder({ calls: 5, maxConfigure: SPEEDPORT_ROUNDS }));
      assert.deepEqual(failures, {});
      await standing(boxes, 5);
      for (const pc of up) {
        assert.equal(pc.lcpUps, lcpUps);
        assert.ok(pc.lcpRequests <= SPEEDPORT_ROUNDS, `${pc.lcpRequests} Configure-Requests`);
      }
      assert.deepEqual(await callers.ping(ADDRESS.office, 10_000), { asked: 5, answered: 5, strays: 0 });
      assert.equal(await callers.hangUp(), 5);
      await nothingLeft(boxes);
    });
  }

  it('two PCs with one MAC address: a call each, neither gets the other’s packets', async () => {
    const { lac, callers } = boxes;
    const { up, failures } = await callers.dial(dialOrder({ calls: 2, mac: ONE_MAC }));
    assert.deepEqual(failures, {});
    assert.notEqual(up[0].sessionId, up[1].sessionId);
    assert.notEqual(up[0].address, up[1].address);
    assert.deepEqual(await callers.ping(ADDRESS.office, 10_000), { asked: 2, answered: 2, strays: 0 });
    assert.equal((await lac.api.sessions()).length, 2);
    assert.equal(await callers.hangUp(), 2);
    await nothingLeft(boxes);
  });

  it('more PCs with one MAC address than are served: the rest gets no offer', async () => {
    const { callers } = boxes;
    const order = dialOrder({ calls: MAX_PER_MAC + 1, atOnce: 1, mac: ONE_MAC, timeout_ms: 5_000 });
    const { up, failures } = await callers.dial(order);
    assert.equal(up.length, MAX_PER_MAC);
    assert.deepEqual(failures, { 'not up in time: wait-pado': 1 });
    assert.equal(await callers.hangUp(), MAX_PER_MAC);
    await nothingLeft(boxes);
  });

  it('a PADR without a cookie, or with an invented one: no session, no answer, no line in the log', async () => {
    const { lac, callers, sites } = boxes;
    const mac = (await sites.lac.run(['cat', `/sys/class/net/${ACCESS_DEVICE}/address`])).stdout.trim();
    const logged = lac.logLineCount;
    const before = await discoveryDrops();
    const capture = await Capture.start(sites.lab, sites.lac, ACCESS_DEVICE, 'cookies');
    for (const cookie of [undefined, new Uint8Array(24)]) {
      const cookieTag = cookie === undefined ? [] : [{ type: PPPOE_TAG.acCookie, value: cookie }];
      const tags = [{ type: PPPOE_TAG.serviceName, value: new Uint8Array(0) }, ...cookieTag];
      await sendFrame(sites.pcs, PCS_DEVICE, discovery(PPPOE_CODE.padr, mac, tags));
    }
    assert.equal(lac.logLineCount, logged, lac.log(logged).join('\n'));
    await until('each is counted', 5_000, async () => {
      const drops = await discoveryDrops();
      return ['cookie-missing', 'cookie-invalid'].every((drop) => drops[drop] === before[drop] + 1);
    });
    const { up } = await callers.dial(dialOrder({ calls: 1 }));
    assert.equal((await lac.api.sessions()).length, 1);
    const { packets, complaints } = await judgeDiscovery(await capture.stop());
    assert.deepEqual(complaints, []);
    const said = (what: string) => packets.filter((packet) => packet.what === what);
    assert.deepEqual(
      said('PADR').map(({ source }) => source),
      [STRANGER_MAC, STRANGER_MAC, up[0].mac],
    );
    assert.deepEqual(
      said('PADS').map(({ destination }) => destination),
      [up[0].mac],
    );
    assert.equal(await callers.hangUp(), 1);
    await nothingLeft(boxes);
  });

  it('a flood of PADIs from invented addresses: a real call gets through, no memory is taken, no line is logged', {
    timeout: 60_000,
  }, async () => {
    const { lac, callers, sites } = boxes;
    const padi = discovery(PPPOE_CODE.padi, BROADCAST_MAC, [{ type: PPPOE_TAG.serviceName, value: new Uint8Array(0) }]);
    const memory_bytes = lac.residentMemory_bytes();
    const logged = lac.logLineCount;
    const flood = sendFrames(sites.pcs, {
      ...{ device: PCS_DEVICE, frame: padi, ...FLOOD },
      // The last octets of the source address.
      random: { at: 8, length_bytes: 4 },
    });
    await until('PADIs are dropped for their rate', 5_000, async () => {
      return ((await lac.api.status()).drops['discovery-rate'] ?? 0) > 0;
    });
    const { up, failures } = await callers.dial(dialOrder({ calls: 5, atOnce: 1, timeout_ms: 30_000 }));
    const { frames } = await flood;
    assert.ok(frames > FLOOD.perSecond, `${frames} frames in all`);
    assert.deepEqual(failures, {});
    assert.equal(up.length, 5);
    assert.deepEqual(await callers.ping(ADDRESS.office, 10_000), { asked: 5, answered: 5, strays: 0 });
    assert.equal(await callers.hangUp(), 5);
    await nothingLeft(boxes);
    const ofFlood = lac.log(logged).filter((line) => !/"msg":"call (up|ended)"/.test(line));
    assert.deepEqual(ofFlood, []);
    const grown_bytes = lac.residentMemory_bytes() - memory_bytes;
    assert.ok(grown_bytes < GROWTH_LIMIT_BYTES, `${grown_bytes} bytes`);
  });

  async function discoveryDrops(): Promise<Readonly<Record<string, number>>> {
    return (await boxes.lac.api.demand<PppoeView>('GET', '/api/v1/pppoe')).drops;
  }
});

type Tags = Parameters<typeof emitDiscoveryPacket>[0]['tags'];

/** A packet of discovery from a PC that is none of the callers. */
function discovery(code: number, destination: string, tags: Tags): Buffer {
  const etherType = PPPOE_ETHER_TYPE.discovery;
  const header = emitEthernetHeader({ destination, source: STRANGER_MAC, tags: [], etherType });
  return Buffer.concat([header, emitDiscoveryPacket({ code, sessionId: 0, tags })]);
}
