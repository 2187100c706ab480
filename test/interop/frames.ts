/**
 * Ethernet frames as a host writes them, tags and all, from a packet socket: what the lab's kernel, which has no VLAN
 * devices, cannot send otherwise. Builds and sends; whether a frame arrives is tcpdump's to say.
 */
import type { Namespace } from '../lab/namespaces.js';

/** AF_PACKET, which Node does not have. */
const SENDER = `
import socket, sys
device, frame, count = sys.argv[1], bytes.fromhex(sys.stdin.read()), int(sys.argv[2])
sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
sender.bind((device, 0))
for _ in range(count):
    sender.send(frame)
`;

export interface Frame {
  /** VLAN IDs of the tags, the outer one first. */
  tags?: readonly number[];
  etherType: number;
  payload: Uint8Array;
}

/** A broadcast frame from a locally administered address. */
export function emitFrame({ tags = [], etherType, payload }: Frame): Buffer {
  const header = Buffer.alloc(12 + tags.length * 4 + 2);
  header.fill(0xff, 0, 6);
  header.set([2, 0, 0, 0, 0, 7], 6);
  let at = 12;
  for (const vlanId of tags) {
    at = header.writeUInt16BE(0x8100, at);
    at = header.writeUInt16BE(vlanId, at);
  }
  header.writeUInt16BE(etherType, at);
  return Buffer.concat([header, payload]);
}

export async function sendFrame(namespace: Namespace, device: string, frame: Uint8Array, count = 1): Promise<void> {
  const input = Buffer.from(frame).toString('hex');
  await namespace.run(['python3', '-c', SENDER, device, String(count)], { input });
}
