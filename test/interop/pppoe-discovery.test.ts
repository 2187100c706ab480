/**
 * Debian's PPPoE programs as hosts and as relay agent in front of our access concentrator, over its packet socket:
 * pppoe-discovery of pppd, which looks for access concentrators; rp-pppoe's client, which asks for sessions and ends them,
 * and its relay, which puts a Relay-Session-Id into what passes. And hosts behind VLAN tags, which those cannot be. tshark
 * judges what was on the cables.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { DiscoveryDrop } from '../../firmware/protocol/pppoe/events.js';
import { BROADCAST_MAC, emitEthernetHeader, parseEthernetHeader, type VlanTag } from '../../firmware/wire/ethernet.js';
import {
  emitDiscoveryPacket,
  PPPOE_CODE,
  PPPOE_ETHER_TYPE,
  PPPOE_TAG,
  type PppoeTag,
  parseDiscoveryPacket,
  tagValue,
} from '../../firmware/wire/pppoe.js';
import { Capture } from '../lab/capture.js';
import { Lab, type Namespace } from '../lab/namespaces.js';
import { judgeDiscovery } from '../lab/pppoe-capture.js';
import { labIsMissing } from '../lab/requirements.js';
import { until } from '../lab/until.js';
import { Speaker } from '../unit/linux/speaker.js';
import { type AccessConcentratorArgument, RunningAccessConcentrator } from './access-concentrator.js';

const CONFIG: AccessConcentratorArgument['config'] = {
  acName: 'ac.example',
  serviceNames: ['internet', 'refused'],
  servesAnyName: false,
  maxSessions: 100,
  maxSessionsPerInterface: 100,
  maxSessionsPerMac: 2,
  offers: { perMac_per_s: 20, perInterface_per_s: 100 },
  requests: { perMac_per_s: 20, perInterface_per_s: 100 },
};
const ONE_TRY = ['-a', '1', '-t', '1'];
const PC_MAC = '02:00:5e:00:53:01';
const { serviceName, acCookie } = PPPOE_TAG;

describe('PPPoE discovery', { skip: labIsMissing() }, () => {
  let lab: Lab;
  let box: Namespace;
  let relay: Namespace;
  let pc: Namespace;
  let farPc: Namespace;
  let boxMac: string;
  let concentrator: RunningAccessConcentrator;
  let capture: Capture;
  let captures = 0;

  /** One PC on the box's cable; another behind a relay agent, on another cable of the box: a bridge joins the two. */
  before(async () => {
    lab = await Lab.open();
    [box, relay, pc, farPc] = await Promise.all(['box', 'relay', 'pc', 'farpc'].map((name) => lab.namespace(name)));
    await lab.cable({ namespace: box, device: 'port0' }, { namespace: pc, device: 'eth0' });
    await lab.cable({ namespace: box, device: 'port1' }, { namespace: relay, device: 'eth1' });
    await lab.cable({ namespace: relay, device: 'eth0' }, { namespace: farPc, device: 'eth0' });
    await pc.ip(`link set eth0 address ${PC_MAC}`);
    await lab.bridge(box, 'br0', ['port0', 'port1']);
    boxMac = (await box.run(['cat', '/sys/class/net/br0/address'])).stdout.trim();
  });
  after(() => lab.close());
  beforeEach(async () => {
    concentrator = await RunningAccessConcentrator.start(box, { interface: 'br0', config: CONFIG });
    capture = await Capture.start(lab, box, 'br0', `discovery-${captures++}`);
  });
  afterEach(() => concentrator.stop());

  async function judged(): Promise<Awaited<ReturnType<typeof judgeDiscovery>>['packets']> {
    const { packets, complaints } = await judgeDiscovery(await capture.stop());
    assert.deepEqual(complaints, []);
    return packets;
  }

  async function drops(): Promise<Partial<Record<DiscoveryDrop, number>>> {
    const { drops } = await concentrator.counters();
    return Object.fromEntries(Object.entries(drops).filter(([, count]) => count > 0));
  }

  /** rp-pppoe's client from PADI to PADS: session and access concentrator, as it prints them. */
  async function discover(from: Namespace, ...options: string[]): Promise<{ sessionId: number; mac: string }> {
    const { stdout } = await from.run(['pppoe', '-I', 'eth0', '-d', ...options]);
    const [, id, mac] = /^(\d+):([0-9a-f:]{17})$/m.exec(stdout) ?? assert.fail(stdout);
    return { sessionId: Number(id), mac: mac! };
  }

  it('pppd’s pppoe-discovery finds the access concentrator, its services and its cookie', async () => {
    const { stdout } = await pc.run(['pppoe-discovery', '-I', 'eth0', ...ONE_TRY, '-W', 'deadbeef00']);
    assert.match(stdout, /^Access-Concentrator: ac\.example$/m);
    assert.match(stdout, /^ +Service-Name: internet$/m);
    assert.match(stdout, /^Got a cookie: /m);
    assert.match(stdout, new RegExp(`^AC-Ethernet-Address: ${boxMac}$`, 'm'));
    const [padi, pado, ...others] = await judged();
    assert.deepEqual([padi!.what, padi!.destination, padi!.source], ['PADI', BROADCAST_MAC, PC_MAC]);
    assert.deepEqual([pado!.what, pado!.destination, pado!.source], ['PADO', PC_MAC, boxMac]);
    assert.deepEqual([pado!.acName, pado!.hostUniq, pado!.sessionId], ['ac.example', 'deadbeef00', 0]);
    assert.match(pado!.cookie, /^[0-9a-f]{48}$/);
    assert.deepEqual(others, []);
  });

  it('pppoe-discovery finds nobody for a service that there is not', async () => {
    const argv = ['pppoe-discovery', '-I', 'eth0', ...ONE_TRY, '-S', 'television'];
    const { status, stdout } = await pc.run(argv, { mayFail: true });
    assert.notEqual(status, 0);
    assert.equal(stdout, '');
    assert.deepEqual(await drops(), { 'service-name-unknown': 1 });
    assert.deepEqual(
      (await judged()).map(({ what }) => what),
      ['PADI'],
    );
  });

  it('rp-pppoe’s client gets a session, and ends it by PADT', async () => {
    const { sessionId, mac } = await discover(pc, '-U', '-S', 'internet');
    assert.equal(mac, boxMac);
    const { session } = await concentrator.event('session-up');
    assert.deepEqual([session.sessionId, session.peerMac, session.serviceName], [sessionId, PC_MAC, 'internet']);
    await pc.run(['pppoe', '-I', 'eth0', '-k', '-e', `${sessionId}:${mac}`]);
    const closed = await concentrator.event('session-closed');
    assert.deepEqual([closed.by, closed.session.sessionKey], ['peer', session.sessionKey]);
    const packets = await judged();
    assert.deepEqual(
      packets.map(({ what }) => what),
      ['PADI', 'PADO', 'PADR', 'PADS', 'PADT'],
    );
    assert.deepEqual(
      packets.map((packet) => packet.sessionId),
      [0, 0, 0, sessionId, sessionId],
    );
    assert.equal(packets[2]!.cookie, packets[1]!.cookie);
    assert.equal(packets[3]!.hostUniq, packets[2]!.hostUniq);
    assert.deepEqual(await drops(), {});
  });

  it('rp-pppoe’s client ends when we send PADT', async () => {
    const client = pc.start('pppoe', ['pppoe', '-I', 'eth0', '-U']);
    const { session } = await concentrator.event('session-up');
    concentrator.close(session.sessionKey);
    await client.exited;
    assert.equal((await concentrator.event('session-closed')).by, 'local');
    const last = (await judged()).find(({ what }) => what === 'PADT');
    assert.deepEqual([last!.source, last!.destination, last!.sessionId], [boxMac, PC_MAC, session.sessionId]);
  });

  it('rp-pppoe’s client takes a refusal for what it is', async () => {
    const client = pc.start('pppoe', ['pppoe', '-I', 'eth0', '-d', '-S', 'refused']);
    await client.waitForLine(/^PADS: Generic-Error: no such luck$/, { timeout_ms: 5_000 });
    // It would ask again and again.
    await client.stop();
    const pads = (await judged()).find(({ what }) => what === 'PADS');
    assert.deepEqual([pads!.sessionId, pads!.genericError], [0, 'no such luck']);
  });

  it('two PCs with one MAC address have a session each, a third one is beyond the limit', async () => {
    const one = await discover(pc, '-W', '1');
    const other = await discover(pc, '-W', '2');
    assert.notEqual(one.sessionId, other.sessionId);
    const { status } = await pc.run(['pppoe-discovery', '-I', 'eth0', ...ONE_TRY], { mayFail: true });
    assert.notEqual(status, 0);
    assert.deepEqual(await drops(), { 'mac-session-limit': 1 });
    await judged();
  });

  it('a host behind rp-pppoe’s relay agent gets a session: its Relay-Session-Id comes back', async () => {
    const agent = relay.start('pppoe-relay', ['pppoe-relay', '-S', 'eth1', '-C', 'eth0', '-F']);
    await until('the relay agent has its four sockets', 5_000, async () => {
      const { stdout } = await relay.run(['cat', '/proc/net/packet']);
      return stdout.trim().split('\n').length === 1 + 4;
    });
    const { sessionId, mac } = await discover(farPc, '-U');
    const { session } = await concentrator.event('session-up');
    const relayMac = (await relay.run(['cat', '/sys/class/net/eth1/address'])).stdout.trim();
    assert.equal(session.peerMac, relayMac);
    await farPc.run(['pppoe', '-I', 'eth0', '-k', '-e', `${sessionId}:${mac}`]);
    assert.equal((await concentrator.event('session-closed')).session.sessionId, session.sessionId);
    const packets = (await judged()).filter(({ what }) => what !== 'PADT');
    assert.deepEqual(
      packets.map(({ what }) => what),
      ['PADI', 'PADO', 'PADR', 'PADS'],
    );
    for (const { what, relaySessionId } of packets) {
      assert.ok(relaySessionId !== '', what);
      assert.equal(relaySessionId, packets[0]!.relaySessionId, what);
    }
    await agent.stop();
  });

  for (const vlanIds of [[100], [7, 100]]) {
    it(`a host behind VLAN ${vlanIds.join(', and in it ')} gets its session in there, and its end`, async () => {
      const tags = vlanIds.map((vlanId) => ({ tagProtocol: 0x8100, priority: 0, dropEligible: false, vlanId }));
      const host = new TaggedHost(pc, tags);
      const asked: PppoeTag = { type: serviceName, value: new Uint8Array(0) };
      const pado = await host.ask(PPPOE_CODE.padi, BROADCAST_MAC, [asked], PPPOE_CODE.pado);
      const cookie = { type: acCookie, value: tagValue(pado.tags, acCookie)! };
      const pads = await host.ask(PPPOE_CODE.padr, boxMac, [asked, cookie], PPPOE_CODE.pads);
      const { session } = await concentrator.event('session-up');
      assert.deepEqual([session.sessionId, session.attachment.tags], [pads.sessionId, tags]);
      concentrator.close(session.sessionKey);
      assert.equal((await host.hear(PPPOE_CODE.padt)).sessionId, session.sessionId);
      const packets = await judged();
      assert.deepEqual(
        packets.map(({ what }) => what),
        ['PADI', 'PADO', 'PADR', 'PADS', 'PADT'],
      );
      for (const packet of packets) assert.deepEqual(packet.vlanIds, vlanIds, packet.what);
    });
  }
});

/** A host that speaks by a packet socket. */
class TaggedHost {
  readonly #speaker: Speaker;
  readonly #tags: readonly VlanTag[];

  constructor(namespace: Namespace, tags: readonly VlanTag[]) {
    this.#speaker = new Speaker(namespace, 'descriptor-program.js', [JSON.stringify({ interface: 'eth0' })]);
    this.#tags = tags;
  }

  /** Sends a packet and awaits the answer of this code. */
  async ask(code: number, destination: string, tags: readonly PppoeTag[], answer: number) {
    const etherType = PPPOE_ETHER_TYPE.discovery;
    const header = emitEthernetHeader({ destination, source: PC_MAC, tags: this.#tags, etherType });
    const frame = Buffer.concat([header, emitDiscoveryPacket({ code, sessionId: 0, tags })]);
    this.#speaker.say([{ hex: frame.toString('hex') }]);
    return this.hear(answer);
  }

  async hear(code: number) {
    const codeIn = new RegExp(`886311${code.toString(16).padStart(2, '0')}`);
    const { hex } = await this.#speaker.hear<{ hex: string }>(codeIn);
    const frame = Buffer.from(hex, 'hex');
    const { payloadOffset, tags } = parseEthernetHeader(frame);
    assert.deepEqual(tags, this.#tags);
    return parseDiscoveryPacket(frame.subarray(payloadOffset));
  }
}
