/**
 * The packet path's thread as it is shipped, with PPPoE on the kernel's Ethernet interfaces, in network namespaces: frames
 * that another kind of program writes at the other end of the cable, and what comes out there, or in UDP.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { PppoePath, SessionRow } from '../../../firmware/dataplane/interface.js';
import { sendFrame } from '../../interop/frames.js';
import { Lab, type Namespace } from '../../lab/namespaces.js';
import { labIsMissing } from '../../lab/requirements.js';
import { until } from '../../lab/until.js';
import { bytes, LNS, PacketPath, PEER, row, stopSpeakers, UdpPeer } from './packet-path.js';
import { Speaker } from './speaker.js';

const ROW_ID = 0xf000_0001;
const SESSION_ID = 0x1234;
/** RFC 4638: whole packets of 1500 octets in PPPoE. */
const MTU_BYTES = 1508;
const FLOOD = 3000;
/** USER_HZ is 100. */
const TICK_MS = 10;
const IPV4 = '4500001c00000000402c0000 0a400007 c6336409 0001020304050607'.replaceAll(' ', '');

describe('PPPoE in the packet path, in the kernel', { skip: labIsMissing() }, () => {
  let lab: Lab;
  let box: Namespace;
  let host: Namespace;
  let lns: Namespace;
  let boxMac: string;
  let hostMac: string;
  let interfaceIndex: number;
  let path: PacketPath;
  let wire: Speaker;
  const onWire: Speaker[] = [];

  before(async () => {
    lab = await Lab.open();
    [box, host, lns] = [await lab.namespace('box'), await lab.namespace('host'), await lab.namespace('lns')];
    await lab.cable(
      { namespace: box, device: 'eth0', addresses: [`${LNS[0]}/24`] },
      { namespace: lns, device: 'eth0', addresses: [`${PEER}/24`] },
    );
  });
  beforeEach(async () => {
    await lab.cable({ namespace: box, device: 'pc' }, { namespace: host, device: 'pc' });
    for (const end of [box, host]) await end.ip(`link set pc mtu ${MTU_BYTES} addrgenmode none`, 'link set pc up');
    [boxMac, interfaceIndex] = await linkOf(box);
    [hostMac] = await linkOf(host);
    path = await PacketPath.start(box);
    wire = new Speaker(host, 'descriptor-program.js', [JSON.stringify({ interface: 'pc' })]);
    onWire.push(wire);
    await wire.hear(/opened/);
  });
  afterEach(async () => {
    await stopSpeakers();
    for (const { daemon } of onWire.splice(0)) await daemon.stop();
    await host.run(['ip', 'link', 'delete', 'pc'], { mayFail: true });
  });
  after(() => lab.close());

  async function linkOf(namespace: Namespace, device = 'pc'): Promise<[mac: string, index: number]> {
    const { stdout } = await namespace.run(['ip', '-json', 'link', 'show', device]);
    const [link] = JSON.parse(stdout) as { address: string; ifindex: number }[];
    return [link!.address, link!.ifindex];
  }

  /** Resolves when the host's end of the cable carries. */
  const carrier = () =>
    until('the cable carries', 5_000, async () => {
      const { stdout } = await host.run(['cat', '/sys/class/net/pc/carrier']);
      return stdout.trim() === '1';
    });

  async function openInterface(vlans: 'any' | 'untagged' = 'any'): Promise<void> {
    path.command({ type: 'open-packet-socket', interfaceIndex, vlans });
    assert.deepEqual(await path.hear(/"packet-socket-opened"|"failed"/), {
      type: 'packet-socket-opened',
      interfaceIndex,
    });
  }

  function pppoeRow(changes: Partial<SessionRow> = {}, tags: PppoePath['tags'] = []): SessionRow {
    const pppoe = { interfaceIndex, localMac: boxMac, peerMac: hostMac, sessionId: SESSION_ID, tags };
    return row({ sessionId: ROW_ID, pppoe, ...changes });
  }

  /** A frame between the host and the box, in hexadecimal; of a session with PPPoE's header in front of the PPP frame. */
  const fromHost = (rest: string) => `${boxMac}${hostMac}${rest}`.replaceAll(/[ :]/g, '');
  const toHost = (rest: string) => `${hostMac}${boxMac}${rest}`.replaceAll(/[ :]/g, '');
  const session = (ppp: string, tags = '') => {
    const length = (ppp.replaceAll(' ', '').length / 2).toString(16).padStart(4, '0');
    return `${tags}8864 1100 1234 ${length} ${ppp}`;
  };
  const write = (hex: string) => sendFrame(host, 'pc', Buffer.from(hex, 'hex'));

  test('a frame of discovery reaches the main thread, and the answer goes out as it is given', async () => {
    await openInterface();
    const padi = `ffffffffffff${hostMac.replaceAll(':', '')}810000648863110900000004 01010000`.replaceAll(' ', '');
    await write(padi);
    assert.deepEqual(await path.hear(/"discovery"/), { type: 'discovery', interfaceIndex, frame: { hex: padi } });
    const pado = toHost('81000064 8863 1107 0000 0004 0101 0000');
    path.command({ type: 'send-frame', interfaceIndex, frame: bytes(pado) });
    assert.equal((await wire.hear<{ hex: string }>(/8863/)).hex, pado);
    await path.end();
  });

  for (const [what, tagsHex, vlanIds] of [
    ['untagged', '', []],
    ['behind one tag', '81000064', [100]],
    ['behind two tags', '8100000781000064', [7, 100]],
  ] as const) {
    test(`a PPP control frame reaches the main thread, an injected one the host, ${what}`, async () => {
      const tags = vlanIds.map((vlanId) => ({ tagProtocol: 0x8100, priority: 0, dropEligible: false, vlanId }));
      await openInterface();
      path.command({ type: 'session-add', row: pppoeRow({}, tags) });
      await path.settle();
      await write(fromHost(session('c021 0101 0004', tagsHex)));
      assert.deepEqual(await path.hear(/"ppp"/), {
        type: 'ppp',
        sessionId: ROW_ID,
        generation: 7,
        protocol: 0xc021,
        information: { hex: '01010004' },
      });
      const information = bytes('02010004');
      path.command({ type: 'inject', sessionId: ROW_ID, generation: 7, protocol: 0xc021, information });
      assert.equal((await wire.hear<{ hex: string }>(/8864/)).hex, toHost(session('c021 0201 0004', tagsHex)));
      await path.end();
    });
  }

  test('handover: what the host sends while it is on hold goes to the LNS behind what was injected, and before what comes later', async () => {
    await openInterface();
    const peer = await UdpPeer.open(lns, PEER);
    const l2tp = row({ relayTo: { sessionId: ROW_ID, generation: 7 } });
    path.command({ type: 'session-add', row: pppoeRow() }, { type: 'session-add', row: l2tp });
    path.command({ type: 'session-update', sessionId: ROW_ID, generation: 7, changes: { hold: true } });
    assert.deepEqual(await path.hear(/"held"/), { type: 'held', sessionId: ROW_ID, generation: 7 });
    for (const id of ['01', '02', '03']) await write(fromHost(session(`c021 09${id} 0008 00000000`)));
    await write(fromHost(session(`ff03 0021 ${IPV4}`)));
    // Written after them, and reported: so they have come.
    await write(fromHost('8863 11a7 1234 0000'));
    await path.hear(/"discovery"/);
    const information = bytes('0200000401020304');
    path.command(
      { type: 'inject', sessionId: 0x0101, generation: 7, protocol: 0xc223, information },
      {
        type: 'session-update',
        sessionId: ROW_ID,
        generation: 7,
        changes: { hold: false, relayTo: { sessionId: 0x0101, generation: 7 } },
      },
    );
    await write(fromHost(session('c021 0904 0008 00000000')));
    const frames: string[] = [];
    for (let i = 0; i < 6; i++) frames.push((await peer.hear<{ hex: string }>(/hex/)).hex);
    const header = '00020b0b0202ff03';
    const echo = (id: string) => `${header}c02109${id}000800000000`;
    assert.deepEqual(frames, [
      `${header}c2230200000401020304`,
      ...['01', '02', '03'].map(echo),
      `${header}0021${IPV4}`,
      echo('04'),
    ]);
    peer.send(LNS[0], `0002 0a0a 0101 ff03 0021 ${IPV4}`);
    assert.equal((await wire.hear<{ hex: string }>(/8864/)).hex, toHost(session(`0021 ${IPV4}`)));
    assert.deepEqual((await path.counters(ROW_ID, 7)).session, {
      receivedPackets: 1,
      receivedOctets: 28,
      sentPackets: 1,
      sentOctets: 28,
    });
    await path.end();
  });

  test('a frame that is longer than the interface takes is a counted drop, and what is behind it goes out', async () => {
    await openInterface();
    const peer = await UdpPeer.open(lns, PEER);
    path.command(
      { type: 'session-add', row: pppoeRow() },
      { type: 'session-add', row: row({ relayTo: { sessionId: ROW_ID, generation: 7 } }) },
    );
    await path.settle();
    const frameOf = (payload_bytes: number) => `0057${'5a'.repeat(payload_bytes - 2)}`;
    // Behind PPPoE's header of 6 octets.
    for (const ppp of [frameOf(MTU_BYTES - 5), frameOf(MTU_BYTES - 6)]) peer.send(LNS[0], `0002 0a0a 0101 ff03 ${ppp}`);
    assert.equal((await wire.hear<{ hex: string }>(/8864/)).hex, toHost(session(frameOf(MTU_BYTES - 6))));
    assert.equal((await path.counters()).drops['frame-refused'], 1);
    await path.end();
  });

  test('a flood of PADI from ever new hosts is cut, and keeps no PADR, PADT or session frame from coming', async () => {
    await openInterface();
    path.command({ type: 'session-add', row: pppoeRow() });
    await path.settle();
    const padi = (host: number) => `ffffffffffff0200${host.toString(16).padStart(8, '0')}8863110900000004 01010000`;
    for (let batch = 0; batch < FLOOD / 30; batch++) {
      wire.say(Array.from({ length: 30 }, (_, i) => ({ hex: padi(30 * batch + i).replaceAll(' ', '') })));
    }
    const padr = fromHost('8863 1119 0000 0004 0101 0000');
    const echo = fromHost(session('c021 0901 0008 00000000'));
    wire.say([{ hex: padr }, { hex: echo }, { hex: fromHost('8863 11a7 1234 0000') }]);
    await path.hear(/"ppp"/);
    await path.hear(/"discovery".*886311a7/);
    const lines = path.daemon.lines();
    assert.ok(lines.some((line) => line.includes(padr)));
    const { drops } = await path.counters();
    const cut = drops['discovery-rate']! + drops['discovery-backlog']!;
    const reported = path.daemon.lines().filter((line) => line.includes('88631109')).length;
    assert.equal(cut + reported, FLOOD);
    // A thousand at once, and five hundred a second.
    assert.ok(cut > FLOOD / 4, `${cut} of ${FLOOD}`);
    await path.end();
  });

  test('an interface that goes down and comes up again has its sessions as before', async () => {
    await openInterface();
    path.command({ type: 'session-add', row: pppoeRow() });
    await path.settle();
    await box.ip('link set pc down');
    const information = bytes('02010004');
    const inject = { type: 'inject', sessionId: ROW_ID, generation: 7, protocol: 0xc021, information } as const;
    path.command(inject);
    await path.settle();
    assert.equal((await path.counters()).drops['frame-refused'], 1);
    await box.ip('link set pc up');
    await carrier();
    await write(fromHost(session('c021 0101 0004')));
    await path.hear(/"ppp"/);
    path.command(inject);
    assert.equal((await wire.hear<{ hex: string }>(/8864/)).hex, toHost(session('c021 0201 0004')));
    assert.ok(!path.daemon.lines().some((line) => line.includes('"failed"')));
    await path.end();
  });

  test('an interface that is taken away is told of once; the thread does not spin, and serves the others', async () => {
    await openInterface();
    await host.run(['ip', 'link', 'delete', 'pc']);
    const { what, errno, interfaceIndex: lost } = await path.hear(/"failed"/);
    assert.deepEqual([what, errno, lost], [`interface ${interfaceIndex} is gone`, 'ENODEV', interfaceIndex]);
    const frame = bytes(toHost('8863 11a7 1234 0000'));
    path.command({ type: 'send-frame', interfaceIndex, frame });
    await path.settle();
    assert.equal((await path.counters()).drops['interface-not-open'], 1);
    path.command({ type: 'open-packet-socket', interfaceIndex, vlans: 'any' });
    assert.equal((await path.hear(/"failed"/)).errno, 'ENODEV');
    assert.equal(path.daemon.lines().filter((line) => line.includes('"failed"')).length, 2);
    // What the thread has to do in a second of nothing is to wake up twice.
    const [before_ms, start_ms] = [cpuTime_ms(path.daemon.pid), performance.now()];
    await until('a second is over', 2_000, async () => performance.now() - start_ms > 1_000);
    const used_ms = cpuTime_ms(path.daemon.pid) - before_ms;
    assert.ok(used_ms < 200, `${used_ms} ms`);
    await path.end();
  });

  test('of two interfaces that are open, each has its own sessions under one SESSION_ID, and its own frames', async () => {
    await lab.cable({ namespace: box, device: 'pc2' }, { namespace: host, device: 'pc2' });
    for (const end of [box, host]) await end.ip('link set pc2 addrgenmode none', 'link set pc2 up');
    const [mac2, index2] = await linkOf(box, 'pc2');
    const [hostMac2] = await linkOf(host, 'pc2');
    const other = new Speaker(host, 'descriptor-program.js', [JSON.stringify({ interface: 'pc2' })]);
    onWire.push(other);
    await other.hear(/opened/);
    await openInterface();
    path.command({ type: 'open-packet-socket', interfaceIndex: index2, vlans: 'untagged' });
    await path.hear(/"packet-socket-opened"/);
    const second = { interfaceIndex: index2, localMac: mac2, peerMac: hostMac2, sessionId: SESSION_ID, tags: [] };
    path.command(
      { type: 'session-add', row: pppoeRow() },
      { type: 'session-add', row: pppoeRow({ sessionId: ROW_ID + 1, pppoe: second }) },
    );
    const information = bytes('02010004');
    for (const sessionId of [ROW_ID + 1, ROW_ID]) {
      path.command({ type: 'inject', sessionId, generation: 7, protocol: 0xc021, information });
    }
    const frame = session('c021 0201 0004');
    assert.equal((await wire.hear<{ hex: string }>(/8864/)).hex, toHost(frame));
    const toSecond = `${hostMac2}${mac2}${frame}`.replaceAll(/[ :]/g, '');
    assert.equal((await other.hear<{ hex: string }>(/8864/)).hex, toSecond);
    // Closed: its frames go nowhere; the first one is served as before.
    path.command({ type: 'close-packet-socket', interfaceIndex: index2 });
    path.command({ type: 'inject', sessionId: ROW_ID + 1, generation: 7, protocol: 0xc021, information });
    await path.settle();
    assert.equal((await path.counters()).drops['interface-not-open'], 1);
    await write(fromHost(session('c021 0101 0004')));
    assert.equal((await path.hear<{ sessionId: number }>(/"ppp"/)).sessionId, ROW_ID);
    await path.end();
    await host.run(['ip', 'link', 'delete', 'pc2']);
  });
});

/** User and system time of all threads of a process, from /proc/<process ID>/stat: its 14th and 15th fields, in ticks. */
function cpuTime_ms(processId: number): number {
  const fields = readFileSync(`/proc/${processId}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
