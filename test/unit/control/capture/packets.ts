/** Captured packets as the ring gives them, from hex: the givens of the tests of captures. */
import type { CapturedPacket } from '../../../../firmware/dataplane/interface.js';

const LOCAL = [0, 0, 0xffff, 0xc0000202];
const PEER = [0, 0, 0xffff, 0xc0000201];

/** Words in memory order, from numbers in network byte order: 192.0.2.2 and 192.0.2.1 as they stand in IPv6. */
const address = (words: readonly number[]): Uint32Array => {
  const octets = new DataView(new ArrayBuffer(16));
  for (const [i, word] of words.entries()) octets.setUint32(4 * i, word);
  return new Uint32Array(octets.buffer);
};

export const hexOf = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');

export function captured(text: string, changes: Partial<CapturedPacket> = {}): CapturedPacket {
  const octets = Uint8Array.from(Buffer.from(text.replaceAll(/\s+/g, ''), 'hex'));
  return {
    ...{ time_us: 1_790_000_000_000_000, sessionId: 0, generation: 0, kind: 'udp', isSent: false, isControl: false },
    ...{ carriesEthernet: false, payloadAt: 0, wire_bytes: octets.length, octets, peerPort: 1701, interfaceIndex: 0 },
    ...{ localAddress: address(LOCAL), peerAddress: address(PEER) },
    ...changes,
  };
}

export const ascii = (text: string): string => Buffer.from(text, 'latin1').toString('hex');
