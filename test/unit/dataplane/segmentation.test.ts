/**
 * Super-packets from a TUN device, cut into what the kernel would have sent without segmentation offload; and checksums
 * that the kernel left to the device. RFC 791, RFC 8200, RFC 9293, RFC 768, RFC 3168.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { checksumsOf } from '../../../firmware/dataplane/checksum-simd.js';
import { GSO } from '../../../firmware/dataplane/packet-batch.js';
import { completeChecksum, MAX_HEADER_BYTES, SuperPacket } from '../../../firmware/dataplane/segmentation.js';
import { internetChecksum } from '../../../firmware/wire/ip.js';
import { bytesOf, hex } from './harness.js';
import { type TcpFields, tcpPacket, udpPacket } from './super-packets.js';

const FIN = 0x01;
const SYN = 0x02;
const RST = 0x04;
const PSH = 0x08;
const ACK = 0x10;
const URG = 0x20;
const ECE = 0x40;
const CWR = 0x80;

const shared = new WebAssembly.Memory({ initial: 4, maximum: 4 });
const memory = new Uint8Array(shared.buffer);
const checksums = checksumsOf(shared);
const superPacket = new SuperPacket(memory, checksums);
const HEADERS_AT = 64;
const SUPER_PACKET_AT = 1024;

/** The packets that a super-packet becomes; undefined where it is refused. `length_bytes`: of what was read, without it the packet's. */
function cut(packet: string, gso: number, segment_bytes: number, length_bytes?: number): string[] | undefined {
  const bytes = bytesOf(packet);
  memory.fill(0xee).set(bytes, SUPER_PACKET_AT);
  if (!superPacket.open(SUPER_PACKET_AT, length_bytes ?? bytes.length, gso, segment_bytes)) {
    assert.equal(superPacket.count, 0);
    return undefined;
  }
  const packets = Array.from({ length: superPacket.count }, (_, index) => {
    superPacket.emitHeaders(HEADERS_AT, index);
    const headersEnd = HEADERS_AT + superPacket.header_bytes;
    assert.equal(memory[headersEnd], 0xee, 'nothing is written behind the headers');
    const payload = superPacket.payloadOffset(index);
    const parts = [
      memory.subarray(HEADERS_AT, headersEnd),
      memory.subarray(payload, payload + superPacket.payload_bytes(index)),
    ];
    return Buffer.concat(parts).toString('hex');
  });
  assert.deepEqual(memory.subarray(SUPER_PACKET_AT, SUPER_PACKET_AT + bytes.length), bytes, 'the super-packet stays');
  return packets;
}

const partial = { checksum: 'partial' } as const;

describe('TCP super-packets', () => {
  const fields = { options: '0101 080a 00112233 44556677', flags: ACK | PSH } as const;

  test('IPv4: each has a length, an identification and a sequence number of its own; PSH goes with the last', () => {
    assert.deepEqual(cut(tcpPacket({ ...fields, ...partial, payload: '010203040506070809' }), GSO.tcpv4, 4), [
      tcpPacket({ ...fields, identification: 0x1234, sequence: 1000, flags: ACK, payload: '01020304' }),
      tcpPacket({ ...fields, identification: 0x1235, sequence: 1004, flags: ACK, payload: '05060708' }),
      tcpPacket({ ...fields, identification: 0x1236, sequence: 1008, flags: ACK | PSH, payload: '09' }),
    ]);
  });

  test('IPv6: each has a length and a sequence number of its own; traffic class and flow label stay', () => {
    const ipv6 = { ...fields, version: 6 } as const;
    assert.deepEqual(cut(tcpPacket({ ...ipv6, ...partial, payload: '0102030405060708' }), GSO.tcpv6, 4), [
      tcpPacket({ ...ipv6, sequence: 1000, flags: ACK, payload: '01020304' }),
      tcpPacket({ ...ipv6, sequence: 1004, flags: ACK | PSH, payload: '05060708' }),
    ]);
  });

  test('RFC 9293 section 3.4: FIN ends the data; sequence numbers wrap at 2**32, identifications at 2**16', () => {
    const wraps = { identification: 0xffff, sequence: 0xffff_fffe, flags: FIN | ACK };
    assert.deepEqual(cut(tcpPacket({ ...wraps, ...partial, payload: '01020304' }), GSO.tcpv4, 3), [
      tcpPacket({ ...wraps, flags: ACK, payload: '010203' }),
      tcpPacket({ identification: 0, sequence: 1, flags: FIN | ACK, payload: '04' }),
    ]);
  });

  test('RFC 3168 section 6.1.2: CWR goes with the first alone, ECE with all', () => {
    for (const gso of [GSO.tcpv4 | GSO.ecn, GSO.tcpv4]) {
      assert.deepEqual(cut(tcpPacket({ ...partial, flags: CWR | ECE | ACK, payload: '010203' }), gso, 1), [
        tcpPacket({ identification: 0x1234, sequence: 1000, flags: CWR | ECE | ACK, payload: '01' }),
        tcpPacket({ identification: 0x1235, sequence: 1001, flags: ECE | ACK, payload: '02' }),
        tcpPacket({ identification: 0x1236, sequence: 1002, flags: ECE | ACK, payload: '03' }),
      ]);
    }
  });

  test('IPv4 options and IPv6 extension headers stand in each', () => {
    const ipv4 = { ipOptions: '94040000' };
    assert.deepEqual(cut(tcpPacket({ ...ipv4, ...partial, payload: '0102' }), GSO.tcpv4, 1), [
      tcpPacket({ ...ipv4, payload: '01' }),
      tcpPacket({ ...ipv4, identification: 0x1235, sequence: 1001, payload: '02' }),
    ]);
    const headers = '3c 00 050200000104 06 01 0104000000000104000000000000';
    const ipv6 = { version: 6, extension: { first: 0, headers } } as const;
    assert.deepEqual(cut(tcpPacket({ ...ipv6, ...partial, payload: '0102' }), GSO.tcpv6, 1), [
      tcpPacket({ ...ipv6, payload: '01' }),
      tcpPacket({ ...ipv6, sequence: 1001, payload: '02' }),
    ]);
  });

  test('RFC 8200 section 8.1: behind a routing header the checksum is that of the final destination', () => {
    const routing = `06 02 0401 00000000 20010db8000c00000000000000000003`;
    const extension = { first: 43, headers: routing };
    const withFinalDestination = (fields: TcpFields) =>
      tcpPacket({ version: 6, extension, destination: '2001:db8:c::3', ...fields });
    assert.deepEqual(cut(withFinalDestination({ ...partial, payload: '0102' }), GSO.tcpv6, 1), [
      withFinalDestination({ payload: '01' }),
      withFinalDestination({ sequence: 1001, payload: '02' }),
    ]);
  });

  test('one that is no longer than a segment becomes one packet, whatever its flags', () => {
    for (const payload of ['', '01', '01020304']) {
      assert.deepEqual(cut(tcpPacket({ ...partial, flags: SYN | URG, payload }), GSO.tcpv4, 4), [
        tcpPacket({ flags: SYN | URG, payload }),
      ]);
    }
  });

  test('what was read behind the IP length is no part of it', () => {
    const packet = tcpPacket({ ...partial, payload: '0102' });
    assert.deepEqual(cut(packet, GSO.tcpv4, 2, packet.length / 2 + 6), [tcpPacket({ payload: '0102' })]);
  });

  test('an IP length of 0 is that of all that was read, even where that is more than 16 bits tell', () => {
    const payload = 'a5'.repeat(65_600);
    for (const version of [4, 6] as const) {
      const packets = cut(
        tcpPacket({ ...partial, version, ipLength: 0, payload }),
        version === 4 ? GSO.tcpv4 : GSO.tcpv6,
        65_000,
      );
      assert.deepEqual(packets, [
        tcpPacket({ version, payload: payload.slice(0, 130_000) }),
        tcpPacket({ version, identification: 0x1235, sequence: 66_000, payload: payload.slice(130_000) }),
      ]);
    }
  });
});

describe('UDP super-packets', () => {
  test('each has a length and a checksum of its own, over IPv4 and IPv6', () => {
    for (const version of [4, 6] as const) {
      assert.deepEqual(cut(udpPacket({ version, ...partial, payload: '0102030405' }), GSO.udp, 3), [
        udpPacket({ version, payload: '010203' }),
        udpPacket({ version, identification: 0x1235, payload: '0405' }),
      ]);
    }
  });

  test('RFC 768: a checksum of 0 is sent as all ones', () => {
    // The payload takes what is missing to 0xffff of the sum of everything else.
    const missing = udpPacket({ payload: '0000' }).slice(52, 56);
    const packets = cut(udpPacket({ ...partial, payload: `${missing}0102` }), GSO.udp, 2);
    assert.equal(packets![0]!.slice(52, 56), 'ffff');
    assert.equal(packets![0], udpPacket({ payload: missing }));
  });

  test('RFC 768, RFC 6935 section 5: what has no checksum gets none', () => {
    for (const version of [4, 6] as const) {
      const none = { version, checksum: 'none' } as const;
      assert.deepEqual(cut(udpPacket({ ...none, payload: '01020304' }), GSO.udp, 2), [
        udpPacket({ ...none, payload: '0102' }),
        udpPacket({ ...none, identification: 0x1235, payload: '0304' }),
      ]);
    }
  });

  test('a length of 0 is that of more than 16 bits tell', () => {
    const payload = 'a5'.repeat(65_600);
    assert.deepEqual(cut(udpPacket({ ...partial, ipLength: 0, udpLength: 0, payload }), GSO.udp, 65_000), [
      udpPacket({ payload: payload.slice(0, 130_000) }),
      udpPacket({ identification: 0x1235, payload: payload.slice(130_000) }),
    ]);
  });

  test('a datagram without payload is one packet', () => {
    assert.deepEqual(cut(udpPacket(partial), GSO.udp, 2), [udpPacket({})]);
  });
});

describe('super-packets that are refused', () => {
  const tcp4 = (fields: TcpFields) => tcpPacket({ ...partial, payload: '0102', ...fields });
  const tcp6 = (fields: TcpFields) => tcp4({ version: 6, ...fields });
  const refused: readonly (readonly [why: string, packet: string, gso: number])[] = [
    ['no kind', tcp4({}), GSO.none],
    ["UDP's former kind, which makes fragments", udpPacket({ ...partial, payload: '0102' }), 3],
    ['IPv6 that is said to be IPv4', tcp6({}), GSO.tcpv4],
    ['IPv4 that is said to be IPv6', tcp4({}), GSO.tcpv6],
    ['another IP version', `5${tcp4({}).slice(1)}`, GSO.tcpv4],
    ['another IP version, UDP', `7${udpPacket({ payload: '0102' }).slice(1)}`, GSO.udp],
    ['UDP that is said to be TCP', udpPacket({ ...partial, payload: '0102' }), GSO.tcpv4],
    ['TCP that is said to be UDP', tcp4({}), GSO.udp],
    ['UDP with congestion marks of TCP', udpPacket({ ...partial, payload: '0102' }), GSO.udp | GSO.ecn],
    ['nothing', '', GSO.tcpv4],
    ['less than an IPv4 header', tcp4({}).slice(0, 38), GSO.tcpv4],
    ['less than an IPv6 header', tcp6({ ipLength: 0 }).slice(0, 78), GSO.tcpv6],
    ['an IPv4 header shorter than its fixed part', `44${tcp4({ acknowledgment: 0x50100000 }).slice(2)}`, GSO.tcpv4],
    ['an IPv4 header longer than the packet', tcp4({ ipLength: 20, ipOptions: '94040000' }), GSO.tcpv4],
    ['a total length beyond what is there', tcp4({ ipLength: 43 }), GSO.tcpv4],
    ['a payload length beyond what is there', tcp6({ ipLength: 23 }), GSO.tcpv6],
    ['a first fragment', tcp4({ fragment: 0x2000 }), GSO.tcpv4],
    ['another fragment', tcp4({ fragment: 0x0001 }), GSO.tcpv4],
    ['an IPv6 fragment', tcp6({ extension: { first: 44, headers: '0600000100000000' } }), GSO.tcpv6],
    [
      'an extension header that ends behind the packet',
      tcp6({ extension: { first: 0, headers: '0609050200000100' } }),
      GSO.tcpv6,
    ],
    [
      'an extension header of which less than 8 octets are there',
      tcp6({ ipLength: 6, extension: { first: 0, headers: '0600' } }),
      GSO.tcpv6,
    ],
    [
      'a Jumbo Payload option (RFC 2675)',
      tcp6({ ipLength: 0, extension: { first: 0, headers: '0600c20400000020' } }),
      GSO.tcpv6,
    ],
    ['IPsec between IP and TCP', tcp6({ extension: { first: 51, headers: '0600000000000000' } }), GSO.tcpv6],
    ['less than a TCP header', tcp4({ ipLength: 39 }), GSO.tcpv4],
    ['a data offset below 5 words', tcp4({ dataOffset: 4 }), GSO.tcpv4],
    ['a data offset beyond the packet', tcp4({ dataOffset: 6 }), GSO.tcpv4],
    ['SYN', tcp4({ flags: SYN }), GSO.tcpv4],
    ['RST', tcp4({ flags: RST | ACK }), GSO.tcpv4],
    ['URG', tcp4({ flags: URG | ACK }), GSO.tcpv4],
    ['less than a UDP header', udpPacket({ ...partial, ipLength: 27, udpLength: 7, payload: '0102' }), GSO.udp],
    ['a UDP length below what IP says', udpPacket({ ...partial, udpLength: 9, payload: '0102' }), GSO.udp],
    ['a UDP length beyond what IP says', udpPacket({ ...partial, udpLength: 11, payload: '0102' }), GSO.udp],
  ];
  for (const [why, packet, gso] of refused) {
    test(why, () => assert.equal(cut(packet, gso, 1), undefined));
  }

  test('headers that are cut off anywhere, at the very end of the memory', () => {
    for (const [packet, gso, header_bytes] of [
      [tcp4({ ipLength: 0, ipOptions: '94040000' }), GSO.tcpv4, 44],
      [tcp6({ ipLength: 0, extension: { first: 60, headers: '0600010400000000' } }), GSO.tcpv6, 68],
      [udpPacket({ ...partial, ipLength: 0, udpLength: 0, payload: '0102' }), GSO.udp, 28],
    ] as const) {
      const bytes = bytesOf(packet);
      for (let length_bytes = 0; length_bytes <= header_bytes; length_bytes++) {
        const at = memory.length - length_bytes;
        memory.set(bytes.subarray(0, length_bytes), at);
        const isWhole = length_bytes === header_bytes;
        assert.equal(superPacket.open(at, length_bytes, gso, 1), isWhole, `${length_bytes} octets of ${packet}`);
      }
    }
  });

  test('a segment size of 0', () => assert.equal(cut(tcp4({}), GSO.tcpv4, 0), undefined));

  test('headers that are longer than MAX_HEADER_BYTES', () => {
    const options = '01'.repeat(40);
    const headers = (length: number) => `06${(length / 8 - 1).toString(16).padStart(2, '0')}${'00'.repeat(length - 2)}`;
    const extended = (length: number) => tcp6({ options, extension: { first: 60, headers: headers(length) } });
    const longest = MAX_HEADER_BYTES - 40 - 60;
    assert.equal(longest % 8, 4);
    assert.equal(cut(extended(longest - 4), GSO.tcpv6, 1)?.length, 2);
    assert.equal(cut(extended(longest + 4), GSO.tcpv6, 1), undefined);
  });

  test('segments that could not tell their own length', () => {
    const payload = '5a'.repeat(65_600);
    const ipv4 = tcpPacket({ ...partial, ipLength: 0, payload });
    assert.equal(cut(ipv4, GSO.tcpv4, 65_495)?.length, 2);
    assert.equal(cut(ipv4, GSO.tcpv4, 65_496), undefined);
    const ipv6 = tcpPacket({ ...partial, version: 6, ipLength: 0, payload });
    assert.equal(cut(ipv6, GSO.tcpv6, 65_515)?.length, 2);
    assert.equal(cut(ipv6, GSO.tcpv6, 65_516), undefined);
  });
});

describe('random super-packets', () => {
  const options = fc.integer({ min: 0, max: 10 }).map((words) => '01'.repeat(4 * words));
  const payload = fc
    .oneof(fc.nat(200), fc.nat(10_000), fc.nat(65_000))
    .chain((size) =>
      fc.uint8Array({ minLength: Math.min(size, 64), maxLength: 64 }).map((seed) => repeated(seed, size)),
    );
  const fields = fc.record({
    version: fc.constantFrom(4, 6),
    identification: fc.nat(0xffff),
    sequence: fc.nat(0xffff_ffff),
    ipOptions: options,
    options,
    payload,
    // CWR and FIN with what may stand between; neither SYN, RST nor URG.
    flags: fc.nat(0x1ff).map((flags) => flags & ~(SYN | RST | URG)),
  });
  const segments = fc.oneof(fc.integer({ min: 40, max: 400 }), fc.integer({ min: 400, max: 9000 }));

  /** So many octets, made of a few. */
  function repeated(seed: Uint8Array, size: number): string {
    const few = seed.length === 0 ? Uint8Array.of(0xff) : seed;
    return Buffer.alloc(size, few).toString('hex');
  }

  /** What of the fields belongs to the packet with this part of the payload. */
  function part<Fields extends { identification: number; payload: string }>(each: Fields, index: number, size: number) {
    const { payload } = each;
    const identification = (each.identification + index) & 0xffff;
    return { ...each, identification, payload: payload.slice(2 * size * index, 2 * size * (index + 1)) };
  }

  test('TCP: every octet of every packet is what the headers of a packet of its own would be', () => {
    fc.assert(
      fc.property(fields, segments, (each, size) => {
        const gso = each.version === 4 ? GSO.tcpv4 : GSO.tcpv6;
        const count = Math.max(1, Math.ceil(each.payload.length / 2 / size));
        const expected = Array.from({ length: count }, (_, index) => {
          const absent = (index > 0 ? CWR : 0) | (index < count - 1 ? FIN | PSH : 0);
          const sequence = (each.sequence + index * size) % 2 ** 32;
          return tcpPacket({ ...part(each, index, size), sequence, flags: each.flags & ~absent });
        });
        assert.deepEqual(cut(tcpPacket({ ...each, ...partial }), gso, size), expected);
      }),
      { numRuns: 150 },
    );
  });

  test('UDP: the same', () => {
    fc.assert(
      fc.property(fields, segments, (each, size) => {
        const count = Math.max(1, Math.ceil(each.payload.length / 2 / size));
        const expected = Array.from({ length: count }, (_, index) => udpPacket(part(each, index, size)));
        assert.deepEqual(cut(udpPacket({ ...each, ...partial }), GSO.udp, size), expected);
      }),
      { numRuns: 150 },
    );
  });

  test('what is no super-packet is refused, or cut into packets whose payloads follow each other; nothing is thrown', () => {
    const octets = fc.uint8Array({ minLength: 0, maxLength: 300 });
    const first = fc.constantFrom(0x45, 0x46, 0x4f, 0x60, 0x6b, 0x00);
    const kinds = fc.constantFrom(1, 4, 5, 0x81, 0x84, 0x85, 0, 3);
    fc.assert(
      fc.property(octets, first, kinds, fc.nat(200), fc.boolean(), (random, version, gso, size, lengthIsZero) => {
        memory.set(random, SUPER_PACKET_AT);
        memory[SUPER_PACKET_AT] = version;
        memory.fill(0, SUPER_PACKET_AT + 6, SUPER_PACKET_AT + 8);
        memory[SUPER_PACKET_AT + (version >>> 4 === 4 ? 9 : 6)] = gso === GSO.udp ? 17 : 6;
        if (lengthIsZero) memory.fill(0, SUPER_PACKET_AT + 2, SUPER_PACKET_AT + 6);
        if (!superPacket.open(SUPER_PACKET_AT, random.length, gso, size)) return;
        let end = superPacket.payloadOffset(0);
        for (let index = 0; index < superPacket.count; index++) {
          superPacket.emitHeaders(HEADERS_AT, index);
          assert.equal(superPacket.payloadOffset(index), end);
          end += superPacket.payload_bytes(index);
        }
        assert.ok(end <= SUPER_PACKET_AT + random.length);
        assert.ok(superPacket.header_bytes <= MAX_HEADER_BYTES);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a checksum that the kernel left to the device', () => {
  /** The packet after it was completed; undefined where that was refused. */
  function completed(packet: string, start: number, at: number, length_bytes?: number): string | undefined {
    const bytes = bytesOf(packet);
    memory.fill(0xee).set(bytes, SUPER_PACKET_AT);
    if (!completeChecksum(memory, checksums, SUPER_PACKET_AT, length_bytes ?? bytes.length, start, at))
      return undefined;
    assert.equal(memory[SUPER_PACKET_AT + bytes.length], 0xee);
    return Buffer.from(memory.subarray(SUPER_PACKET_AT, SUPER_PACKET_AT + bytes.length)).toString('hex');
  }

  test('RFC 9293 section 3.1: TCP over IPv4 and IPv6', () => {
    for (const version of [4, 6] as const) {
      const fields = { version, options: '020405b4', flags: SYN, payload: '010203' };
      assert.equal(completed(tcpPacket({ ...fields, ...partial }), version === 4 ? 20 : 40, 16), tcpPacket(fields));
    }
  });

  test('RFC 768: UDP over IPv4 and IPv6', () => {
    for (const version of [4, 6] as const) {
      const fields = { version, payload: '010203' };
      assert.equal(completed(udpPacket({ ...fields, ...partial }), version === 4 ? 20 : 40, 6), udpPacket(fields));
    }
  });

  test('RFC 768: a checksum of 0 is sent as all ones', () => {
    const payload = udpPacket({ payload: '0000' }).slice(52, 56);
    const packet = completed(udpPacket({ ...partial, payload }), 20, 6)!;
    assert.equal(packet.slice(52, 56), 'ffff');
    assert.equal(packet, udpPacket({ payload }));
  });

  test('RFC 792: ICMP, whose field is right behind its type, and the last octets of a packet', () => {
    const echo = bytesOf(completed('0800 0000 1234 0001 a5', 0, 2)!);
    assert.equal(internetChecksum(echo, 0, echo.length), 0);
    assert.equal(completed('0001 f203 f4f5 f6f7 0000', 0, 8), hex('0001 f203 f4f5 f6f7 220d'));
  });

  test('a place that does not lie in the packet is refused', () => {
    const packet = udpPacket({ ...partial, payload: '01' });
    assert.equal(completed(packet, 20, 8), undefined);
    assert.equal(completed(packet, 28, 0), undefined);
    assert.equal(completed(packet, 0xffff, 6), undefined);
    assert.equal(completed(packet, 20, 0xffff), undefined);
    assert.equal(completed(packet, 20, 6, 27), undefined);
    assert.equal(completed(packet, 0, 0, 0), undefined);
  });
});
