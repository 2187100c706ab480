/** The sender and receiver of protocol 115 that tests of bad input rely on: two of them hear each other. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Lab, type Namespace } from '../lab/namespaces.js';
import { labIsMissing } from '../lab/requirements.js';
import { RawSocketPeer } from './raw-socket-peer.js';

describe('raw sockets of IP protocol 115', { skip: labIsMissing() }, () => {
  let lab: Lab;
  let one: Namespace;
  let other: Namespace;

  before(async () => {
    lab = await Lab.open();
    one = await lab.namespace('one');
    other = await lab.namespace('other');
    await lab.cable(
      { namespace: one, device: 'eth0', addresses: ['192.0.2.1/24', '2001:db8::1/64'] },
      { namespace: other, device: 'eth0', addresses: ['192.0.2.2/24', '2001:db8::2/64'] },
    );
  });
  after(() => lab?.close());

  for (const [family, here, there] of [
    ['IPv4', '192.0.2.1', '192.0.2.2'],
    ['IPv6', '2001:db8::1', '2001:db8::2'],
  ] as const) {
    it(`what one sends over ${family} the other gets, octet by octet, fragmented or not`, async () => {
      const [sender, receiver] = await Promise.all([RawSocketPeer.start(one, there), RawSocketPeer.start(other, here)]);
      const packets = [Buffer.from('00000000c8030014', 'hex'), Buffer.alloc(3000, 0xa5)];
      const from = receiver.mark();
      await sender.send(...packets);
      await receiver.awaitPacket(from, (packet) => packet.equals(packets[1]!));
      assert.deepEqual(receiver.packets(from), packets);
      await Promise.all([sender.stop(), receiver.stop()]);
    });
  }
});
