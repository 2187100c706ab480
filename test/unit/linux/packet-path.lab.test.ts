/**
 * The packet path's thread as it is shipped, with the kernel's sockets and TUN devices, in network namespaces: against
 * a UDP socket that plays the peer, and two of it against each other.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { SessionRow } from '../../../firmware/dataplane/interface.js';
import { internetChecksum } from '../../../firmware/wire/ip.js';
import { Lab, type Namespace } from '../../lab/namespaces.js';
import { labIsMissing } from '../../lab/requirements.js';
import { bytes, LNS, LNS_IPV6, PacketPath, PEER, PEER_IPV6, row, stopSpeakers, UdpPeer } from './packet-path.js';

/** Answers the ICMP echo requests that come to `peer` through the tunnel, as a user's machine would, from now on. */
function answerPings(peer: UdpPeer, lns: string): void {
  peer.daemon.onLine((line) => {
    const { hex } = JSON.parse(line) as { hex: string };
    const packet = Buffer.from(hex.slice('0002 0b0b 0202 ff03 0021'.replaceAll(' ', '').length), 'hex');
    if (packet[0] !== 0x45 || packet[9] !== 1 || packet[20] !== 8) return;
    const [source, destination] = [packet.subarray(12, 16).toString('hex'), packet.subarray(16, 20).toString('hex')];
    packet.write(destination + source, 12, 'hex');
    packet[20] = 0;
    packet.writeUInt16BE(0, 22);
    packet.writeUInt16BE(internetChecksum(packet, 20, packet.length - 20), 22);
    peer.send(lns, `0002 0a0a 0101 ff03 0021 ${packet.toString('hex')}`);
  });
}

const TRANSFER = fileURLToPath(new URL('transfer-program.js', import.meta.url));
const TRANSFER_PORT = 4000;
const TRANSFER_BYTES = 4_000_000;

/** Some MB by TCP: they come whole. */
async function transfer(from: Namespace, to: Namespace, address: string): Promise<void> {
  const receiver = to.start('transfer', [process.execPath, TRANSFER, 'receive', String(TRANSFER_PORT)]);
  await receiver.waitForLine(/listening/, { timeout_ms: 10_000 });
  const sending = [TRANSFER, 'send', address, String(TRANSFER_PORT), String(TRANSFER_BYTES)];
  const { stdout } = await from.run([process.execPath, ...sending], { timeout_ms: 30_000 });
  const received = await receiver.waitForLine(/sha256/, { timeout_ms: 10_000 });
  assert.equal(received, stdout.trim());
  await receiver.stop();
}

const skip = labIsMissing();

for (const offload of [true, false]) {
  describe(`the packet path in the kernel, ${offload ? 'packets joined' : 'packets one by one'}`, { skip }, () => {
    let lab: Lab;
    let lns: Namespace;
    let remote: Namespace;

    before(async () => {
      lab = await Lab.open();
      lns = await lab.namespace('lns');
      remote = await lab.namespace('remote');
      await lab.cable(
        { namespace: lns, device: 'eth0', addresses: [`${LNS[0]}/24`, `${LNS[1]}/24`, `${LNS_IPV6}/64`] },
        { namespace: remote, device: 'eth0', addresses: [`${PEER}/24`, `${PEER_IPV6}/64`] },
      );
    });

    afterEach(stopSpeakers);

    after(() => lab.close());

    test('a control message reaches the main thread, and the answer leaves from the address that was dialled', async () => {
      const path = await PacketPath.start(lns, offload);
      const peer = await UdpPeer.open(remote, PEER);
      const sccrq = 'c802 0014 0000 0000 0000 0000 8008 0000 0000 0001';
      for (const address of LNS) {
        peer.send(address, sccrq);
        const report = await path.hear(/"control"/);
        assert.deepEqual(report, {
          type: 'control',
          path: {
            encapsulation: 'udp' as const,
            localAddress: address,
            localPort: 1701,
            peerAddress: PEER,
            peerPort: 1701,
          },
          packet: { hex: sccrq.replaceAll(' ', '') },
        });
        const packet = bytes('c802000c0b0b000000000001');
        path.command({ type: 'send-control', path: report.path as SessionRow['path'], packet });
        assert.deepEqual(await peer.hear(/hex/), { address, port: 1701, hex: 'c802000c0b0b000000000001' });
      }
      assert.equal(await path.end(), 0);
    });

    test('a control message over IPv6 is answered over IPv6, from the address that was dialled', async () => {
      const path = await PacketPath.start(lns, offload);
      const peer = await UdpPeer.open(remote, PEER_IPV6, 4000);
      peer.send(LNS_IPV6, 'c802 000c 0000 0000 0000 0000');
      const report = await path.hear(/"control"/);
      assert.deepEqual(report.path, {
        encapsulation: 'udp' as const,
        localAddress: LNS_IPV6,
        localPort: 1701,
        peerAddress: PEER_IPV6,
        peerPort: 4000,
      });
      const packet = bytes('c802000c0b0b000000000001');
      path.command({ type: 'send-control', path: report.path as SessionRow['path'], packet });
      assert.deepEqual(await peer.hear(/hex/), { address: LNS_IPV6, port: 1701, hex: 'c802000c0b0b000000000001' });
      await path.end();
    });

    test('a PPP control frame reaches the main thread; an injected one reaches the peer in L2TP', async () => {
      const path = await PacketPath.start(lns, offload);
      const peer = await UdpPeer.open(remote, PEER);
      path.command({ type: 'session-add', row: row() });
      await path.settle();
      peer.send(LNS[0], '0002 0a0a 0101 ff03 c021 0101 0004');
      assert.deepEqual(await path.hear(/"ppp"/), {
        type: 'ppp',
        sessionId: 0x0101,
        generation: 7,
        protocol: 0xc021,
        information: { hex: '01010004' },
      });
      const information = bytes('02010004');
      path.command({ type: 'inject', sessionId: 0x0101, generation: 7, protocol: 0xc021, information });
      assert.deepEqual(await peer.hear(/hex/), { address: LNS[0], port: 1701, hex: '00020b0b0202ff03c02102010004' });
      await path.end();
    });

    test('a ping from the TUN device goes through the tunnel and back, and is counted', async () => {
      const path = await PacketPath.start(lns, offload);
      const peer = await UdpPeer.open(remote, PEER);
      await path.openTun(lns, 0, 'tw0', 'address add 10.64.0.1/32 dev tw0', 'route add 10.64.0.0/24 dev tw0');
      path.command({ type: 'session-add', row: row() });
      answerPings(peer, LNS[0]);
      const { status, stdout } = await lns.ping('10.64.0.7', { count: 3 });
      assert.equal(status, 0, stdout);
      const expected = { receivedPackets: 3, receivedOctets: 3 * 84, sentPackets: 3, sentOctets: 3 * 84 };
      assert.deepEqual((await path.counters(0x0101, 7)).session, expected);
      path.command({ type: 'session-remove', sessionId: 0x0101, generation: 7 });
      assert.deepEqual(await path.hear(/session-removed/), {
        type: 'session-removed',
        sessionId: 0x0101,
        generation: 7,
        counters: expected,
      });
      await path.end();
      const links = await lns.run(['ip', '-o', 'link', 'show', 'type', 'tun']);
      assert.equal(links.stdout, '', 'a TUN device goes with the thread');
    });

    for (const outer of ['IPv4', 'IPv6'] as const) {
      test(`two packet paths carry IPv4 and IPv6 between their TUN devices over ${outer}`, async () => {
        const [left, right] = outer === 'IPv4' ? [LNS[1], PEER] : [LNS_IPV6, PEER_IPV6];
        const server = await PacketPath.start(lns, offload);
        const client = await PacketPath.start(remote, offload);
        await server.openTun(
          lns,
          0,
          'tw0',
          'address add 10.64.0.1/32 dev tw0',
          'address add 2001:db8:6::1/128 dev tw0 nodad',
          'route add 10.64.0.0/24 dev tw0',
          'route add 2001:db8:7::/64 dev tw0',
        );
        await client.openTun(
          remote,
          1,
          'twc1',
          'address add 10.64.0.7/32 dev twc1',
          'address add 2001:db8:7::7/128 dev twc1 nodad',
          'route add 10.64.0.1/32 dev twc1',
          'route add 2001:db8:6::/64 dev twc1',
        );
        const serverRow = row({
          path: {
            encapsulation: 'udp' as const,
            localAddress: left,
            localPort: 1701,
            peerAddress: right,
            peerPort: 1701,
          },
          sequencing: true,
          mtu_bytes: 1300,
        });
        server.command({ type: 'session-add', row: serverRow });
        client.command({
          type: 'session-add',
          row: row({
            sessionId: serverRow.peerSessionId,
            tunnelId: serverRow.peerTunnelId,
            peerSessionId: serverRow.sessionId,
            peerTunnelId: serverRow.tunnelId,
            path: {
              encapsulation: 'udp' as const,
              localAddress: '',
              localPort: 1701,
              peerAddress: left,
              peerPort: 1701,
            },
            tun: 1,
            bindTun: true,
            transmitAcfc: true,
            transmitPfc: true,
            sources: [],
            destinations: ['10.64.0.7/32', '2001:db8:7::/64'],
          }),
        });
        // With its headers this is more than the line takes: the kernel cuts the datagram, for it must not have DF.
        for (const namespace of [lns, remote]) await namespace.ip('link set eth0 mtu 1280');
        for (const address of ['10.64.0.1', '2001:db8:6::1']) {
          const { status, stdout } = await remote.ping(address, { count: 2, size_bytes: 1250 });
          assert.equal(status, 0, `${address}: ${stdout}`);
        }
        // 1,380 bytes of packet do not fit through 1,300: without DF they go in two, with it the kernel hears of it.
        const fragmented = await lns.ping('10.64.0.7', { count: 2, size_bytes: 1352 });
        assert.equal(fragmented.status, 0, fragmented.stdout);
        const refused = await lns.ping('10.64.0.7', { count: 2, size_bytes: 1352, dontFragment: true });
        assert.match(refused.stdout + refused.stderr, /mtu ?= ?1300/);
        const ipv6 = await lns.ping('2001:db8:7::7', { count: 3, size_bytes: 1352 });
        assert.match(ipv6.stdout, /[12] received/, 'the first is answered with packet too big, the next fit');
        // Datagrams that are too long for the line are not taken joined: they go one by one, cut on the way.
        for (const address of ['10.64.0.1', '2001:db8:6::1']) await transfer(remote, lns, address);
        for (const address of ['10.64.0.7', '2001:db8:7::7']) await transfer(lns, remote, address);
        for (const path of [server, client]) assert.equal((await path.counters()).drops['send-refused'], 0);
        await server.end();
        await client.end();
      });
    }

    test('a port that another program holds is said, with what to do, and the thread ends', async () => {
      await UdpPeer.open(lns, '0.0.0.0');
      const path = PacketPath.launch(lns, offload);
      const report = await path.hear(/"failed"/);
      assert.equal(report.errno, 'EADDRINUSE');
      assert.equal(report.fatal, true);
      assert.match(String(report.advice), /another program .* holds this port: stop it/);
      assert.equal((await path.hear(/"exit"/)).code, 1);
    });

    test('without the right to raw sockets that is said, and the packet path serves L2TP over UDP', async () => {
      const path = PacketPath.launch(lns, offload, 'setpriv', '--bounding-set', '-net_raw', '--inh-caps', '-net_raw');
      await path.hear(/"ready"/);
      for (const family of ['ipv4', 'ipv6']) {
        const report = await path.hear(/"failed"/);
        assert.match(String(report.what), new RegExp(`raw socket for L2TP over ${family}`));
        assert.deepEqual([report.errno, report.fatal], ['EPERM', false]);
        assert.match(String(report.advice), /CAP_NET_RAW/);
      }
      const peer = await UdpPeer.open(remote, PEER);
      peer.send(LNS[0], 'c802 000c 0000 0000 0000 0000');
      await path.hear(/"control"/);
      const overIp = { encapsulation: 'ip' as const, localAddress: '', localPort: 0, peerAddress: PEER, peerPort: 0 };
      path.command({ type: 'send-control', path: overIp, packet: bytes('c803000c0000000900000001') });
      await path.settle();
      assert.equal((await path.counters()).drops['no-socket'], 1);
      await path.end();
    });

    test('a TUN device whose name is taken is reported, and the packet path goes on', async () => {
      const path = await PacketPath.start(lns, offload);
      path.command({ type: 'open-tun', kind: 'tun', tun: 3, name: 'eth0', mtu_bytes: 1400 });
      const report = await path.hear(/"failed"/);
      assert.deepEqual([report.tun, report.fatal, report.errno], [3, false, 'EINVAL']);
      path.command({ type: 'open-tun', kind: 'tun', tun: 3, name: 'tw3', mtu_bytes: 1400 });
      await path.hear(/"tun-opened"/);
      await path.end();
    });

    test('a TUN device that somebody removes is reported, and the packet path goes on', async () => {
      const path = await PacketPath.start(lns, offload);
      await path.openTun(lns, 0, 'tw0');
      await lns.ip('link delete tw0');
      const report = await path.hear(/"failed"/);
      assert.deepEqual([report.tun, report.fatal], [0, false]);
      const { drops } = await path.counters();
      assert.equal(drops['tun-read-error'], 1);
      await path.end();
    });

    test('datagrams that the kernel refuses are counted, and those behind them go out', async () => {
      const path = await PacketPath.start(lns, offload);
      const peer = await UdpPeer.open(remote, PEER);
      const packet = bytes('c802000c0b0b000000000001');
      const to = (peerAddress: string, localAddress: string) => ({
        type: 'send-control' as const,
        path: { encapsulation: 'udp' as const, localAddress, localPort: 1701, peerAddress, peerPort: 1701 },
        packet,
      });
      path.command(to('203.0.113.1', ''), to(PEER, '198.51.100.1'), to('2001:db8:ffff::1', ''), to(PEER, LNS[0]));
      await peer.hear(/hex/);
      const { drops } = await path.counters();
      assert.equal(drops['send-refused'], 3, 'no route, a local address that is not ours, no route over IPv6');
      await path.end();
    });

    test('packets for a TUN device that is not open, or not up, are counted', async () => {
      const path = await PacketPath.start(lns, offload);
      const peer = await UdpPeer.open(remote, PEER);
      path.command({ type: 'open-tun', kind: 'tun', tun: 0, name: 'tw0', mtu_bytes: 1400 });
      await path.hear(/"tun-opened"/);
      const other = row({ sessionId: 0x0102, tun: 9 });
      path.command({ type: 'session-add', row: row() }, { type: 'session-add', row: other });
      await path.settle();
      const packet = '45000018 00000000 40fd0000 0a400007 0a400001 00000000';
      peer.send(LNS[0], `0002 0a0a 0101 ff03 0021 ${packet}`);
      peer.send(LNS[0], `0002 0a0a 0102 ff03 0021 ${packet}`);
      // What comes behind them is reported when they are done.
      peer.send(LNS[0], '0002 0a0a 0101 ff03 c021 01010004');
      await path.hear(/"ppp"/);
      const { drops } = await path.counters();
      assert.deepEqual([drops['tun-write-refused'], drops['tun-not-open']], [1, 1]);
      await path.end();
    });

    test('what the kernel has no room for is counted, and the packet path goes on', async () => {
      const path = await PacketPath.start(lns, offload);
      const peer = await UdpPeer.open(remote, PEER);
      // A line so slow that what is sent fills the socket's buffer.
      await lns.run([
        'tc',
        'qdisc',
        'add',
        'dev',
        'eth0',
        'root',
        'tbf',
        'rate',
        '8kbit',
        'burst',
        '2k',
        'limit',
        '64m',
      ]);
      const packet = new Uint8Array(1900);
      const to = {
        encapsulation: 'udp' as const,
        localAddress: LNS[0],
        localPort: 1701,
        peerAddress: PEER,
        peerPort: 1701,
      };
      for (let i = 0; i < 20; i++) {
        path.command(...Array.from({ length: 200 }, () => ({ type: 'send-control' as const, path: to, packet })));
      }
      await path.settle();
      const { drops } = await path.counters();
      assert.ok(drops['send-buffer-full']! > 0);
      await lns.run(['tc', 'qdisc', 'delete', 'dev', 'eth0', 'root']);
      path.command({ type: 'send-control', path: to, packet: bytes('c802000c0b0b000000000001') });
      await peer.hear(/c802000c0b0b000000000001/);
      await path.end();
    });

    test('a process that ends without saying stop takes the thread and its devices with it', async () => {
      const path = await PacketPath.start(lns, offload);
      await path.openTun(lns, 0, 'tw0');
      await path.daemon.stop('SIGTERM');
      const links = await lns.run(['ip', '-o', 'link', 'show', 'type', 'tun']);
      assert.equal(links.stdout, '');
    });
  });
}
