/**
 * The offloaded packet path as fuzz targets. An input is a train of datagrams, behind an octet that says how long each
 * is: it comes to what it would come to one datagram at a time. Or it is a super-packet from a TUN device behind the
 * fields of virtio's network header: nothing is thrown, and it goes on in packets or is counted.
 */
import assert from 'node:assert/strict';
import { GSO } from '../../firmware/dataplane/packet-batch.js';
import { emitFlowPacket, payload, TCP_IPV4, TCP_IPV6, UDP_IPV4 } from '../unit/dataplane/flow-packets.js';
import { hex, lnsRow, pppoeRow, version3Row } from '../unit/dataplane/harness.js';
import { OffloadSide } from '../unit/dataplane/offload-side.js';
import { tcpPacket, udpPacket } from '../unit/dataplane/super-packets.js';
import { fromHex } from '../vectors/vectors.js';
import type { FuzzTarget } from './fuzzer.js';

const PPPOE_RELAY = 0xf000_0001;
const ROWS = [
  lnsRow({ sessionId: 1, sources: ['0.0.0.0/0', '::/0'] }),
  version3Row({ sessionId: 0x1_0002, path: lnsRow().path, sources: ['10.65.0.0/16'], mtu_bytes: 576 }),
  lnsRow({ sessionId: 3, sources: [], relayTo: { sessionId: PPPOE_RELAY, generation: 7 } }),
  pppoeRow({ sessionId: PPPOE_RELAY, sources: [], relayTo: { sessionId: 3, generation: 7 } }, { sessionId: 9 }),
];
const [BUILD_SLOTS, OUTPUT_PACKETS] = [60, 400];
const STEP_MS = 100;

class Both {
  readonly #offloaded = new OffloadSide(ROWS, true, OUTPUT_PACKETS, BUILD_SLOTS);
  readonly #plain = new OffloadSide(ROWS, false, OUTPUT_PACKETS, BUILD_SLOTS);
  #now_ms = 0;

  train(input: Uint8Array): void {
    this.#now_ms += STEP_MS;
    const each_bytes = 1 + (input[0] ?? 0);
    const octets = input.subarray(1);
    if (Math.ceil(octets.length / each_bytes) > OUTPUT_PACKETS) return;
    this.#offloaded.upstream(
      [{ octets, each_bytes: octets.length > each_bytes ? each_bytes : 0 }],
      'udp',
      this.#now_ms,
    );
    for (let at = 0; at < Math.max(1, octets.length); at += each_bytes) {
      const datagram = { octets: octets.subarray(at, at + each_bytes), each_bytes: 0 };
      this.#plain.upstream([datagram], 'udp', this.#now_ms);
    }
    const [offloaded, plain] = [this.#offloaded, this.#plain].map((side) => side.take());
    assert.deepEqual(offloaded, plain);
  }

  superPacket(input: Uint8Array): void {
    this.#now_ms += STEP_MS;
    const [gso = 0, high = 0, low = 0, checksumStart_bytes = 0, checksumAt_bytes = 0] = input;
    const superPacket = { octets: input.subarray(5), each_bytes: (high << 8) | low, gso };
    const before = JSON.stringify(this.#offloaded.drops());
    this.#offloaded.downstream([{ ...superPacket, checksumStart_bytes, checksumAt_bytes }], 0, this.#now_ms);
    const wasDropped = JSON.stringify(this.#offloaded.drops()) !== before;
    const { toPeers, toInterfaces } = this.#offloaded.take();
    assert.ok(wasDropped || toPeers.length + toInterfaces.length > 0, 'neither went on nor was counted');
  }
}

const text = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');
const PAYLOAD = text(payload(300));
const both = new Both();
const superPackets = new Both();

export const OFFLOAD_TARGETS: readonly FuzzTarget[] = [
  {
    name: 'offload-train',
    seeds: [TCP_IPV4, UDP_IPV4, TCP_IPV6].flatMap((packet) =>
      ['00020a0a0001', '00020a0a0003'].map((header) => {
        const frames = [0, 1, 2].map((i) =>
          hex(
            header,
            packet === TCP_IPV6 ? '0057' : '0021',
            text(emitFlowPacket({ ...packet, sequence: 1000 + 100 * i, identification: i })),
          ),
        );
        return fromHex(hex((frames[0]!.length / 2 - 1).toString(16).padStart(2, '0'), ...frames));
      }),
    ),
    run: (input) => both.train(input),
  },
  {
    name: 'offload-super-packet',
    seeds: [
      hex('01 0064 14 10', tcpPacket({ checksum: 'partial', payload: PAYLOAD, destination: '10.65.0.9' })),
      hex('81 0100 14 10', tcpPacket({ checksum: 'partial', payload: PAYLOAD, flags: 0x90 })),
      hex('04 0020 28 10', tcpPacket({ version: 6, checksum: 'partial', payload: PAYLOAD })),
      hex(`0${GSO.udp} 0064 14 06`, udpPacket({ checksum: 'partial', payload: PAYLOAD })),
      hex('00 0000 14 06', udpPacket({ checksum: 'partial', payload: PAYLOAD })),
    ].map(fromHex),
    run: (input) => superPackets.superPacket(input),
  },
];
