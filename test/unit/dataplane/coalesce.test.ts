/**
 * Packets of one flow joined to super-packets: RFC 9293 (TCP), RFC 768 (UDP), RFC 791 and 8200 (IP), and what a kernel
 * makes of them.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { plainChecksums } from '../../../firmware/dataplane/checksum.js';
import { Coalescer, JOIN } from '../../../firmware/dataplane/coalesce.js';
import { PacketBatch, PacketPieces } from '../../../firmware/dataplane/packet-batch.js';
import {
  emitFlowPacket,
  FLAG,
  type FlowPacket,
  follower,
  payload,
  TCP_IPV4,
  TCP_IPV6,
  UDP_IPV4,
  UDP_IPV6,
} from './flow-packets.js';
import { segmentsOf } from './kernel-segments.js';

const ALL = JOIN.tcpv4 | JOIN.tcpv6 | JOIN.udp;
const FLOWS = { 'TCP, IPv4': TCP_IPV4, 'TCP, IPv6': TCP_IPV6, 'UDP, IPv4': UDP_IPV4, 'UDP, IPv6': UDP_IPV6 };

interface Way {
  row?: number;
  tun?: number;
  joins?: number;
}

/** A coalescer, and the packets that go in. */
class Line {
  readonly memory: Uint8Array;
  readonly batch: PacketBatch;
  readonly pieces: PacketPieces;
  readonly coalescer: Coalescer;
  #end = 0;

  constructor({ capacity = 200, pieces = 200, memory_bytes = 1 << 18 } = {}) {
    this.memory = new Uint8Array(memory_bytes);
    this.batch = new PacketBatch(this.memory, capacity);
    this.pieces = new PacketPieces(pieces);
    this.coalescer = new Coalescer(this.memory, plainChecksums(this.memory), this.batch, this.pieces);
  }

  push(packet: Uint8Array, { row = 1, tun = 0, joins = ALL }: Way = {}): boolean {
    this.memory.set(packet, this.#end);
    const isTaken = this.coalescer.push(this.#end, packet.length, row, tun, joins);
    this.#end += packet.length;
    return isTaken;
  }

  /** Descriptor by descriptor, what the kernel makes of it. */
  finish(): Buffer[][] {
    this.coalescer.finish();
    return Array.from({ length: this.batch.count }, (_, index) => segmentsOf(this.batch, this.pieces, index));
  }
}

/** How many packets each descriptor takes; the kernel makes of them what came, in order. */
function joined(packets: readonly Uint8Array[], way: Way = {}): number[] {
  const line = new Line();
  for (const packet of packets) assert.equal(line.push(packet, way), true);
  const out = line.finish();
  const hexOf = (list: readonly Uint8Array[]) => list.map((packet) => Buffer.from(packet).toString('hex'));
  assert.deepEqual(hexOf(out.flat()), hexOf(packets));
  return out.map((segments) => segments.length);
}

const emitAll = (...packets: FlowPacket[]) => packets.map(emitFlowPacket);

/** A packet with octets changed, its checksums as they were. */
function changed(packet: FlowPacket, change: (octets: Buffer) => void): Buffer {
  const octets = Buffer.from(emitFlowPacket(packet));
  change(octets);
  return octets;
}

for (const [name, first] of Object.entries(FLOWS)) {
  const header_bytes = emitFlowPacket(first).length - first.payload.length;
  const network_bytes = first.source.includes(':') ? 40 : 20;
  const isTcp = first.protocol === TCP_IPV4.protocol;

  describe(`coalescing: ${name}`, () => {
    test('joins packets that follow each other', () => {
      assert.deepEqual(joined(emitAll(first, follower(first), follower(first, 2))), [3]);
    });

    test('a packet alone stays as it is', () => {
      assert.deepEqual(joined(emitAll(first)), [1]);
    });

    test('a shorter one joins as the last', () => {
      const short = { ...follower(first), payload: payload(33) };
      const next = { ...follower(first, 2), sequence: first.sequence + 133 };
      assert.deepEqual(joined(emitAll(first, short, next, follower(next))), [2, 2]);
    });

    test('does not join when it is longer than the first: it opens the next', () => {
      const long = { ...follower(first), payload: payload(101) };
      assert.deepEqual(joined(emitAll(first, long, follower(long))), [1, 2]);
    });

    test('does not join without payload', () => {
      const empty = { ...follower(first), payload: payload(0) };
      const next = { ...follower(first, 2), sequence: empty.sequence };
      assert.deepEqual(joined(emitAll(first, empty, next)), [1, 1, 1]);
      assert.deepEqual(joined(emitAll(empty, follower(empty))), [1, 1]);
    });

    test('does not join what the device does not take', () => {
      const own = isTcp ? (network_bytes === 20 ? JOIN.tcpv4 : JOIN.tcpv6) : JOIN.udp;
      assert.deepEqual(joined(emitAll(first, follower(first)), { joins: own }), [2]);
      assert.deepEqual(joined(emitAll(first, follower(first)), { joins: ALL & ~own }), [1, 1]);
      assert.deepEqual(joined(emitAll(first, follower(first)), { joins: 0 }), [1, 1]);
    });

    test('at most 64 packets, at most 65,535 octets', () => {
      const many = Array.from({ length: 130 }, (_, i) => follower(first, i));
      assert.deepEqual(joined(many.map(emitFlowPacket)), [64, 64, 2]);
      const big = { ...first, payload: payload(Math.floor((65535 - header_bytes) / 3)) };
      assert.deepEqual(joined(emitAll(big, follower(big), follower(big, 2))), [3]);
      const bigger = { ...first, payload: payload(big.payload.length + 1) };
      assert.deepEqual(joined(emitAll(bigger, follower(bigger), follower(bigger, 2))), [2, 1]);
    });

    const differences: Record<string, (packet: FlowPacket) => FlowPacket> = {
      'source address': (packet) => ({ ...packet, source: packet.source.replace('7', '8') }),
      'destination address': (packet) => ({ ...packet, destination: packet.destination.replace(/9$/, '10') }),
      'source port': (packet) => ({ ...packet, sourcePort: 49153 }),
      'destination port': (packet) => ({ ...packet, destinationPort: 444 }),
      'traffic class': (packet) => ({ ...packet, trafficClass: 0x20 }),
      'ECN mark (RFC 3168 section 5)': (packet) => ({ ...packet, trafficClass: 3 }),
      'TTL or hop limit': (packet) => ({ ...packet, hopLimit: 63 }),
      ...(network_bytes === 20
        ? {
            "don't fragment": (packet: FlowPacket) => ({ ...packet, fragment: 0 }),
            'reserved bit beside it': (packet: FlowPacket) => ({ ...packet, fragment: 0xc000 }),
            'identification that stands still': (packet: FlowPacket) => ({ ...packet, identification: 100 }),
            'identification two further': (packet: FlowPacket) => ({ ...packet, identification: 102 }),
          }
        : { 'flow label': (packet: FlowPacket) => ({ ...packet, flowLabel: 0x12346 }) }),
    };
    for (const [what, differ] of Object.entries(differences)) {
      test(`does not join with another ${what}: what follows joins that`, () => {
        const other = differ(follower(first));
        assert.deepEqual(joined(emitAll(first, other, follower(other))), [1, 2]);
      });
    }

    test('does not join across rows or devices', () => {
      const line = new Line();
      const ways = [{}, { row: 2 }, { tun: 1 }];
      for (const [i, way] of ways.entries()) line.push(emitFlowPacket(follower(first, i)), way);
      assert.deepEqual(
        line.finish().map((segments) => segments.length),
        [1, 1, 1],
      );
      assert.deepEqual([...line.batch.tun.subarray(0, 3)], [0, 0, 1]);
      assert.deepEqual([...line.batch.row.subarray(0, 3)], [1, 2, 1]);
    });

    test('does not join any of many other flows, whatever place they are looked up at', () => {
      const address = (i: number) => (network_bytes === 20 ? `10.65.${i >> 8}.${i & 255}` : `2001:db8:65::${i}`);
      const others = (i: number): readonly [FlowPacket, Way][] => [
        [{ ...follower(first), sourcePort: i }, {}],
        [{ ...follower(first), source: address(i) }, {}],
        [{ ...follower(first), destination: address(i) }, {}],
        [follower(first), { row: 2 + i }],
      ];
      for (let i = 0; i < 300; i++) {
        for (const [other, way] of others(i)) {
          const line = new Line({ memory_bytes: 1 << 10 });
          line.push(emitFlowPacket(first));
          line.push(emitFlowPacket(other), way);
          assert.equal(line.finish().length, 2);
        }
      }
    });

    test('does not join with a wrong checksum, which is not made right', () => {
      const flip = (octets: Buffer) => {
        octets[octets.length - 1] ^= 1;
      };
      const wrong = (i: number) => changed(follower(first, i), flip);
      const right = (i: number) => emitFlowPacket(follower(first, i));
      assert.deepEqual(joined([right(0), wrong(1), right(2), right(3)]), [1, 1, 2]);
      assert.deepEqual(joined([wrong(0), right(1), right(2)]), [1, 2]);
      assert.deepEqual(joined([right(0), right(1), wrong(2), right(3)]), [2, 1, 1]);
    });

    test('forgets all flows at the end of a batch', () => {
      const line = new Line();
      line.push(emitFlowPacket(first));
      line.finish();
      line.batch.count = 0;
      line.pieces.clear();
      line.push(emitFlowPacket(follower(first)));
      assert.deepEqual(
        line.finish().map((segments) => segments.length),
        [1],
      );
    });

    test('where the batch is full, what joins is taken yet', () => {
      const line = new Line({ capacity: 1 });
      assert.equal(line.push(emitFlowPacket(first)), true);
      assert.equal(line.push(emitFlowPacket(follower(first))), true);
      assert.equal(line.push(emitFlowPacket({ ...first, sourcePort: 1 })), false);
      assert.equal(line.push(emitFlowPacket({ ...follower(first, 2), hopLimit: 1 })), false);
      assert.equal(line.push(emitFlowPacket(follower(first, 2))), false);
      assert.deepEqual(
        line.finish().map((segments) => segments.length),
        [2],
      );
    });

    test('where no piece is left, a packet gets a descriptor of its own', () => {
      const line = new Line({ pieces: 1 });
      for (let i = 0; i < 4; i++) assert.equal(line.push(emitFlowPacket(follower(first, i))), true);
      assert.deepEqual(
        line.finish().map((segments) => segments.length),
        [2, 1, 1],
      );
    });
  });
}

describe('coalescing: TCP', () => {
  for (const [name, flag] of Object.entries({ PSH: FLAG.psh, FIN: FLAG.fin, 'FIN and PSH': FLAG.fin | FLAG.psh })) {
    test(`${name} joins as the last, and opens nothing`, () => {
      const last = { ...follower(TCP_IPV4), flags: FLAG.ack | flag };
      assert.deepEqual(joined(emitAll(TCP_IPV4, last, follower(TCP_IPV4, 2), follower(TCP_IPV4, 3))), [2, 2]);
      assert.deepEqual(joined(emitAll({ ...TCP_IPV4, flags: FLAG.ack | flag }, follower(TCP_IPV4))), [1, 1]);
    });
  }

  const { syn, rst, urg, cwr, ack } = FLAG;
  for (const [name, flags] of Object.entries({
    SYN: ack | syn,
    RST: ack | rst,
    URG: ack | urg,
    CWR: ack | cwr,
    'no ACK': 0,
  })) {
    test(`does not join with ${name}`, () => {
      const odd = (i: number) => ({ ...follower(TCP_IPV4, i), flags });
      assert.deepEqual(joined(emitAll(TCP_IPV4, odd(1), odd(2), follower(TCP_IPV4, 3))), [1, 1, 1, 1]);
    });
  }

  for (const [name, flags] of Object.entries({ ECE: ack | FLAG.ece, AE: ack | FLAG.ae })) {
    test(`${name} joins with its like alone`, () => {
      const marked = (i: number) => ({ ...follower(TCP_IPV4, i), flags });
      assert.deepEqual(joined(emitAll(TCP_IPV4, marked(1), marked(2), follower(TCP_IPV4, 3))), [1, 2, 1]);
    });
  }

  const differences: Record<string, Partial<FlowPacket>> = {
    'acknowledgment number': { acknowledgment: 78 },
    window: { window: 501 },
    'urgent pointer': { urgent: 1 },
    timestamp: { tcpOptions: '0101 080a 00000012 00000022' },
    'options of another length': { tcpOptions: '' },
    'gap in the sequence': { sequence: TCP_IPV4.sequence + 101 },
    'sequence that overlaps': { sequence: TCP_IPV4.sequence + 99 },
    'sequence that stands still': { sequence: TCP_IPV4.sequence },
  };
  for (const [what, difference] of Object.entries(differences)) {
    test(`does not join with ${what}: what follows joins that`, () => {
      const other = { ...follower(TCP_IPV4), ...difference };
      assert.deepEqual(joined(emitAll(TCP_IPV4, other, follower(other))), [1, 2]);
    });
  }

  test('joins where sequence number and identification begin again at 0', () => {
    const first = { ...TCP_IPV4, sequence: 0xffff_ff80, identification: 0xffff };
    const second = { ...follower(first), sequence: first.sequence + 100 - 2 ** 32 };
    assert.deepEqual(joined(emitAll(first, second, follower(second))), [3]);
  });

  test('joins without options, and with as many as there can be', () => {
    for (const tcpOptions of ['', '01'.repeat(40)]) {
      const first = { ...TCP_IPV4, tcpOptions };
      assert.deepEqual(joined(emitAll(first, follower(first))), [2]);
    }
  });

  test('does not join with a data offset within the header or behind the end', () => {
    for (const words of [0, 4, 15]) {
      const lie = (i: number) =>
        changed({ ...follower({ ...TCP_IPV4, payload: payload(8) }, i), tcpOptions: '' }, (octets) => {
          octets[20 + 12] = words << 4;
        });
      assert.deepEqual(joined([lie(0), lie(1)]), [1, 1]);
    }
  });

  test('does not join with a checksum of 0 or FFFF: the kernel may write either for the other', () => {
    // The last two octets of the payload take up what the others leave.
    const settled = (packet: FlowPacket) =>
      changed(packet, (octets) => {
        const rest = octets.readUInt16BE(20 + 16);
        const sum = octets.readUInt16BE(octets.length - 2) + rest;
        octets.writeUInt16BE((sum & 0xffff) + (sum >>> 16), octets.length - 2);
        octets.writeUInt16BE(0, 20 + 16);
      });
    const all = settled(follower(TCP_IPV4));
    all.writeUInt16BE(0xffff, 20 + 16);
    const [first, third] = emitAll(TCP_IPV4, follower(TCP_IPV4, 2));
    assert.deepEqual(joined([first, settled(follower(TCP_IPV4)), third]), [1, 1, 1]);
    assert.deepEqual(joined([first, all, third]), [1, 1, 1]);
  });

  test('flows that alternate are joined each', () => {
    const other = { ...TCP_IPV4, sourcePort: 49153 };
    const line = new Line();
    for (let i = 0; i < 5; i++) for (const flow of [TCP_IPV4, other]) line.push(emitFlowPacket(follower(flow, i)));
    assert.deepEqual(
      line.finish().map((segments) => segments.map((segment) => segment.toString('hex'))),
      [TCP_IPV4, other].map((flow) =>
        Array.from({ length: 5 }, (_, i) => Buffer.from(emitFlowPacket(follower(flow, i))).toString('hex')),
      ),
    );
  });
});

describe('coalescing: UDP', () => {
  test('does not join without a checksum (RFC 768)', () => {
    const without = (i: number) => changed(follower(UDP_IPV4, i), (octets) => octets.writeUInt16BE(0, 20 + 6));
    assert.deepEqual(joined([without(0), without(1)]), [1, 1]);
  });

  test('does not join where its length is not what IP carries', () => {
    const shorter = (i: number) => changed(follower(UDP_IPV4, i), (octets) => octets.writeUInt16BE(100, 20 + 4));
    assert.deepEqual(joined([shorter(0), shorter(1)]), [1, 1]);
  });
});

describe('coalescing: IP', () => {
  test('does not join with a wrong IPv4 header checksum', () => {
    const wrong = (i: number) => changed(follower(TCP_IPV4, i), (octets) => octets.writeUInt16BE(1, 10));
    const right = (i: number) => emitFlowPacket(follower(TCP_IPV4, i));
    assert.deepEqual(joined([right(0), wrong(1), right(2), right(3)]), [1, 1, 2]);
    assert.deepEqual(joined([wrong(0), right(1), right(2)]), [1, 2]);
  });

  const [tcp, tcp6] = [TCP_IPV4, TCP_IPV6];
  const ofAnyFlow: Record<string, readonly [FlowPacket, Uint8Array]> = {
    'the first fragment (MF)': [tcp, emitFlowPacket({ ...follower(tcp), fragment: 0x2000 })],
    'a later fragment (offset)': [tcp, emitFlowPacket({ ...follower(tcp), fragment: 185 })],
    'IPv4 options': [tcp, emitFlowPacket({ ...follower(tcp), ipOptions: '94040000' })],
    'an IPv6 fragment header': [
      tcp6,
      changed(follower(tcp6), (octets) => {
        octets[6] = 44;
      }),
    ],
    'IPv6 hop-by-hop options': [
      tcp6,
      changed(follower(tcp6), (octets) => {
        octets[6] = 0;
      }),
    ],
    'a TCP header that is cut short': [
      tcp,
      changed({ ...follower(tcp), tcpOptions: '', payload: payload(0) }, (octets) =>
        octets.writeUInt16BE(39, 2),
      ).subarray(0, 39),
    ],
    'a UDP header that is cut short': [
      tcp,
      changed({ ...UDP_IPV4, payload: payload(0) }, (octets) => octets.writeUInt16BE(27, 2)).subarray(0, 27),
    ],
  };
  for (const [what, [first, packet]] of Object.entries(ofAnyFlow)) {
    test(`${what} may be of any flow: those of its row are closed`, () => {
      const [second, third] = [1, 2].map((i) => emitFlowPacket(follower(first, i)));
      assert.deepEqual(joined([emitFlowPacket(first), second, packet, third]), [2, 1, 1]);
    });

    test(`${what} leaves other rows' flows open`, () => {
      const line = new Line();
      line.push(emitFlowPacket(first));
      line.push(packet, { row: 2 });
      line.push(emitFlowPacket(follower(first)));
      assert.deepEqual(
        line.finish().map((segments) => segments.length),
        [2, 1],
      );
    });
  }

  test('ICMP between the packets of a flow leaves it open', () => {
    for (const [first, protocol] of [
      [TCP_IPV4, 1],
      [TCP_IPV6, 58],
    ] as const) {
      const line = new Line();
      line.push(emitFlowPacket(first));
      line.push(emitFlowPacket({ ...UDP_IPV4, ...first, protocol }));
      line.push(emitFlowPacket(follower(first)));
      assert.deepEqual(
        line.finish().map((segments) => segments.length),
        [2, 1],
      );
    }
  });
});
