/** Frames that the bench's generator sends, and the marks by which they are counted and timed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { internetChecksum } from '../../firmware/wire/ip.js';
import { parseL2tpHeader } from '../../firmware/wire/l2tp.js';
import { parsePppFrame } from '../../firmware/wire/ppp.js';
import { Latencies } from './latencies.js';
import { emitUserFrame, markedPayload, numberPacket, readMark, writeMark } from './marks.js';

const CALL = { server: '192.0.2.1', peerTunnelId: 0x1234, peerSessionId: 0xfedc, address: '10.112.0.9' };
const ABOUT = { destination: '10.21.0.2', sourcePort: 20_000, destinationPort: 9_009, payload_bytes: 64 };

/** The sum over pseudo-header and datagram of a UDP packet of IPv4 without options is 0 where its checksum is right. */
function udpResidue(packet: Uint8Array): number {
  const udp = packet.subarray(20);
  const pseudo = Uint8Array.of(...packet.subarray(12, 20), 0, 17, udp.length >> 8, udp.length & 0xff, ...udp);
  return internetChecksum(pseudo, 0, pseudo.length);
}

function packetIn(frame: Uint8Array): Uint8Array {
  const { payloadOffset } = parseL2tpHeader(frame);
  return parsePppFrame(frame.subarray(payloadOffset)).information;
}

describe('frames of the generator', () => {
  it('go to the LNS with its own tunnel and session ID, PPP has FF 03 and IPv4 in it', () => {
    const frame = emitUserFrame(CALL, ABOUT);
    const header = parseL2tpHeader(frame);
    assert.deepEqual([header.control, header.tunnelId, header.sessionId], [false, 0x1234, 0xfedc]);
    assert.deepEqual([...frame.subarray(header.payloadOffset, header.payloadOffset + 4)], [0xff, 0x03, 0x00, 0x21]);
  });

  it('hold a UDP datagram of that length from the user to the office, both checksums right', () => {
    const packet = packetIn(emitUserFrame(CALL, ABOUT));
    assert.equal(packet.length, 20 + 8 + 64);
    assert.deepEqual([...packet.subarray(20, 24)], [20_000 >> 8, 20_000 & 0xff, 9_009 >> 8, 9_009 & 0xff]);
    assert.deepEqual([...packet.subarray(12, 20)], [10, 112, 0, 9, 10, 21, 0, 2]);
    assert.equal(internetChecksum(packet, 0, 20), 0);
    assert.notDeepEqual([...packet.subarray(26, 28)], [0, 0]);
    assert.equal(udpResidue(packet), 0);
  });

  it('count their packets by the Identification of RFC 791, the header checksum stays right', () => {
    const frame = emitUserFrame(CALL, ABOUT);
    for (const identification of [1, 0x1234, 0xffff, 0]) {
      numberPacket(frame, 0, identification);
      const packet = packetIn(frame);
      assert.deepEqual([...packet.subarray(4, 6)], [identification >> 8, identification & 0xff]);
      assert.equal(internetChecksum(packet, 0, 20), 0);
    }
  });

  it('keep their checksum whatever mark is written', () => {
    const packet = packetIn(emitUserFrame(CALL, ABOUT));
    for (const [run, stamp] of [
      [1, 0],
      [0xffffffff, 0x12345678],
      [77, 0xfffffffe],
    ] as const) {
      writeMark(packet, packet.length, run, stamp);
      assert.equal(udpResidue(packet), 0);
      assert.equal(readMark(packet, packet.length, run), stamp);
    }
  });

  it('are not counted for another run, nor is what has no mark', () => {
    const payload = markedPayload(512);
    writeMark(payload, payload.length, 3, 1_000);
    assert.equal(readMark(payload, payload.length, 4), -1);
    assert.equal(readMark(new Uint8Array(512), 512, 0), -1);
  });
});

describe('latencies', () => {
  it('a quantile is the time that this share of all does not exceed', () => {
    const latencies = new Latencies();
    for (let latency_us = 1; latency_us <= 100; latency_us++) latencies.add(latency_us);
    assert.deepEqual(
      [latencies.quantile_us(0.5), latencies.quantile_us(0.99), latencies.quantile_us(1)],
      [50, 99, 100],
    );
    latencies.clear();
    assert.equal(latencies.quantile_us(0.5), 0);
  });

  it('what takes longer than there is room for counts as the longest', () => {
    const latencies = new Latencies();
    latencies.add(10_000_000);
    assert.equal(latencies.quantile_us(0.5), 200_000);
  });
});
