/**
 * The packet path's thread as it is shipped, with PPPoE on the kernel's Ethernet interfaces, in network namespaces: frames
 * that another kind of program writes at the other end of the cable, and what comes out there, or in UDP.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { PppoePath, SessionRow } from '../../../firmware/dataplane/interface.js';
import { sendFrame } from '../../interop/frames.js';
import { Lab, type Namespace } from '../../lab/namespaces.js';
import { labIsMissing } from '../../lab/requirements.js';
import { bytes, LNS, PacketPath, PEER, row, stopSpeakers, UdpPeer } from './packet-path.js';
import { Speaker } from './speaker.js';

const ROW_ID = 0xf000_0001;
const SESSION_ID = 0x1234;
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
    for (const end of [box, host]) await end.ip('link set pc mtu 1508 addrgenmode none', 'link set pc up');
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

  async function linkOf(namespace: Namespace): Promise<[mac: string, index: number]> {
    const { stdout } = await namespace.run(['ip', '-json', 'link', 'show', 'pc']);
    const [link] = JSON.parse(stdout) as { address: string; ifindex: number }[];
    return [link!.address, link!.ifindex];
  }

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

  test('an interface that is taken away is told of once; the thread does not spin, and serves the others', async () => {
    await openInterface();
    await host.run(['ip', 'link', 'delete', 'pc']);
    const { what, errno, interfaceIndex: lost } = await path.hear(/"failed"/);
    assert.deepEqual([what, errno, lost], [`interface ${interfaceIndex} is down or gone`, 'ENETDOWN', interfaceIndex]);
    const frame = bytes(toHost('8863 11a7 1234 0000'));
    path.command({ type: 'send-frame', interfaceIndex, frame });
    await path.settle();
    assert.equal((await path.counters()).drops['interface-not-open'], 1);
    path.command({ type: 'open-packet-socket', interfaceIndex, vlans: 'any' });
    assert.equal((await path.hear(/"failed"/)).errno, 'ENODEV');
    assert.equal(path.daemon.lines().filter((line) => line.includes('"failed"')).length, 2);
    await path.end();
  });
});
