/**
 * Version 3 in the packet path's thread as it is shipped, in network namespaces: control messages as IP protocol 115, and
 * Ethernet pseudowires between two of it, from TAP device to TAP device.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { SessionRow } from '../../../firmware/dataplane/interface.js';
import { Lab, type Namespace } from '../../lab/namespaces.js';
import { labIsMissing } from '../../lab/requirements.js';
import { bytes, LNS, LNS_IPV6, PacketPath, PEER, PEER_IPV6, row, stopSpeakers } from './packet-path.js';

const skip = labIsMissing();

/** Between two ends over IP, or over UDP. */
function pathOf(encapsulation: 'udp' | 'ip', localAddress: string, peerAddress: string): SessionRow['path'] {
  const port = encapsulation === 'udp' ? 1701 : 0;
  return { encapsulation, localAddress, localPort: port, peerAddress, peerPort: port };
}

describe('version 3 in the kernel', { skip }, () => {
  let lab: Lab;
  let left: Namespace;
  let right: Namespace;

  before(async () => {
    lab = await Lab.open();
    left = await lab.namespace('left');
    right = await lab.namespace('right');
    await lab.cable(
      { namespace: left, device: 'eth0', addresses: [`${LNS[0]}/24`, `${LNS[1]}/24`, `${LNS_IPV6}/64`] },
      { namespace: right, device: 'eth0', addresses: [`${PEER}/24`, `${PEER_IPV6}/64`] },
    );
  });

  afterEach(stopSpeakers);

  after(() => lab.close());

  for (const [family, address, peer] of [
    ['IPv4', LNS[1], PEER],
    ['IPv6', LNS_IPV6, PEER_IPV6],
  ] as const) {
    test(`a control message as IP protocol 115 over ${family} arrives from its header on, with the address it came to`, async () => {
      const server = await PacketPath.start(left);
      const client = await PacketPath.start(right);
      const packet = bytes('c803001400000000000000008008000000000001');
      client.command({ type: 'send-control', path: pathOf('ip', '', address), packet });
      const report = await server.hear(/"control"/);
      const expected = {
        type: 'control',
        path: pathOf('ip', address, peer),
        packet: { hex: Buffer.from(packet).toString('hex') },
      };
      assert.deepEqual(report, expected);
      client.command({ type: 'tunnel-add', tunnelId: 9, path: pathOf('ip', '', address) });
      await client.settle();
      const answer = bytes('c803000c0000000900000001');
      server.command({ type: 'send-control', path: report.path as SessionRow['path'], packet: answer });
      assert.deepEqual((await client.hear(/"control"/)).path, pathOf('ip', peer, address));
      await server.end();
      await client.end();
    });

    for (const encapsulation of ['udp', 'ip'] as const)
      for (const vlanId of [0, 77]) {
        const type = vlanId === 0 ? 'an Ethernet port' : 'an Ethernet VLAN';
        test(`${type} pseudowire over ${encapsulation} and ${family} carries frames of 1500 octets`, async () => {
          const server = await PacketPath.start(left);
          const client = await PacketPath.start(right);
          await server.openTap(left, 5, 'tap5', '10.9.0.1/24');
          await client.openTap(right, 5, 'tap5', '10.9.0.2/24');
          const cookies = [bytes('a1a2a3a4a5a6a7a8'), bytes('b1b2b3b4b5b6b7b8')] as const;
          const end = (local: number, path: SessionRow['path']): SessionRow =>
            row({
              version: 3,
              sessionId: 100 + local,
              peerSessionId: 100 + (1 - local),
              localCookie: cookies[local]!,
              peerCookie: cookies[1 - local]!,
              localSublayer: true,
              peerSublayer: true,
              sequencing: true,
              payload: 'ethernet',
              ethernetOpen: true,
              vlanId,
              tun: 5,
              bindTun: true,
              mtu_bytes: 1500,
              path,
              ipv4Open: false,
              ipv6Open: false,
              sources: [],
            });
          server.command({ type: 'session-add', row: end(0, pathOf(encapsulation, address, peer)) });
          client.command({ type: 'session-add', row: end(1, pathOf(encapsulation, peer, address)) });
          // 1,472 octets of echo make an IP packet of 1,500, which the frame has to take whole.
          const { status, stdout } = await left.ping('10.9.0.2', { count: 2, size_bytes: 1472, dontFragment: true });
          assert.equal(status, 0, stdout);
          const { session } = await server.counters(100, 7);
          const { sentPackets, receivedPackets } = session as Record<string, number>;
          assert.ok(sentPackets! >= 3 && receivedPackets! >= 3, `${sentPackets} and ${receivedPackets} frames`);
          await server.end();
          await client.end();
        });
      }
  }
});
