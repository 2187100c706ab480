/**
 * From the network inwards: each datagram of a batch goes to a TUN device, to the main thread, or away with a reason.
 * Reads headers in place, changes nothing but an MSS, does no I/O and allocates nothing.
 *
 *   L2TP data message, RFC 2661 section 3.1: flags and version (16), Length (16, if L), Tunnel ID (16), Session ID (16),
 *   Ns (16) and Nr (16, if S), Offset Size (16, if O) and as much padding; then a PPP frame, RFC 1661 section 2 and RFC
 *   1662 section 3.1 without flags and FCS: FF 03 or nothing, protocol (16 bits, or 8 where the first octet is odd).
 */
import { L2TP_FLAG } from '../wire/l2tp.js';
import { PPP_PROTOCOL } from '../wire/ppp.js';
import { DROP, FORWARDED } from './drop-reasons.js';
import {
  IPV4_DESTINATION_AT,
  IPV4_SOURCE_AT,
  IPV6_DESTINATION_AT,
  IPV6_SOURCE_AT,
  ipv4Length,
  ipv6Length,
  isIpv4UdpTo,
  isIpv6LinkLocal,
  isIpv6UdpTo,
} from './ip-packet.js';
import { clampMssIpv4, clampMssIpv6 } from './mss-clamp.js';
import type { ForwarderOutput } from './output.js';
import { equalAddress, type PacketBatch, ROOM_BYTES } from './packet-batch.js';
import { ROW, type SessionTable } from './session-table.js';
import { StrangerGate } from './stranger-gate.js';
import type { TunnelTable } from './tunnel-table.js';

const VERSION_MASK = 0x000f;
const L2TP_VERSION = 2;
const SHORTEST_HEADER_BYTES = 6;
const ADDRESS_FIELD = 0xff;
const CONTROL_FIELD = 0x03;
const DHCP_SERVER_PORT = 67;
const DHCPV6_SERVER_PORT = 547;
/** RFC 2661 section 5.8: of 65,536 numbers the last one and the 32,767 before it are old. */
const SEQUENCE_HALF = 0x8000;
/**
 * A peer whose numbers began anew (a standby took over) would be silent for up to 32,767 packets. So many old numbers in
 * a row, with no new one between, are neither late nor doubled.
 */
const NEW_START_AFTER = 8;

export class Upstream {
  readonly #table: SessionTable;
  readonly #tunnels: TunnelTable;
  readonly #output: ForwarderOutput;
  readonly #drops: Float64Array;
  readonly #strangers = new StrangerGate();
  #now_ms = 0;

  constructor(table: SessionTable, tunnels: TunnelTable, output: ForwarderOutput, drops: Float64Array) {
    this.#table = table;
    this.#tunnels = tunnels;
    this.#output = output;
    this.#drops = drops;
  }

  /** Each descriptor of `input` is a datagram with its peer's address and port, and the local address it came to. */
  forward(input: PacketBatch, now_ms: number): void {
    this.#now_ms = now_ms;
    for (let i = 0; i < input.count; i++) {
      const drop = this.#datagram(input, i);
      if (drop !== FORWARDED) this.#drops[drop]++;
    }
  }

  #datagram(input: PacketBatch, index: number): number {
    const { memory } = input;
    const length_bytes = input.length_bytes[index];
    if (length_bytes > ROOM_BYTES) return DROP['datagram-too-long'];
    if (length_bytes < SHORTEST_HEADER_BYTES) return DROP['header-truncated'];
    const start = input.offset[index];
    const flags = u16(memory, start);
    if ((flags & VERSION_MASK) !== L2TP_VERSION) return DROP['header-version'];
    let at = start + 2;
    let end = start + length_bytes;
    if ((flags & L2TP_FLAG.length) !== 0) {
      const said_bytes = u16(memory, at);
      if (said_bytes > length_bytes) return DROP['header-length'];
      end = start + said_bytes;
      at += 2;
    }
    const ids = at;
    at += 4;
    const numbers = at;
    if ((flags & L2TP_FLAG.sequence) !== 0) at += 4;
    if ((flags & L2TP_FLAG.offset) !== 0) {
      if (at + 2 > end) return DROP['header-truncated'];
      at += 2 + u16(memory, at);
      if (at > end) return DROP['header-length'];
    }
    if (at > end) return DROP['header-truncated'];
    if ((flags & L2TP_FLAG.type) !== 0) return this.#control(input, index, flags, u16(memory, ids), end - start);
    const row = this.#table.rowOfSession[u16(memory, ids + 2)];
    if (row === 0) return DROP['unknown-session'];
    if (!this.#isOfTunnel(row, u16(memory, ids))) return DROP['wrong-tunnel'];
    if (!equalAddress(this.#table.peerAddress, row, input.peerAddress, index)) return DROP['wrong-peer'];
    if (!this.#isInSequence(row, flags, u16(memory, numbers))) return DROP['sequence-old'];
    return this.#frame(memory, at, end, row);
  }

  #control(input: PacketBatch, index: number, flags: number, tunnelId: number, length_bytes: number): number {
    const wanted = L2TP_FLAG.length | L2TP_FLAG.sequence;
    if ((flags & (wanted | L2TP_FLAG.offset)) !== wanted) return DROP['control-flags'];
    if (tunnelId === 0) {
      const { peerAddress, peerPort } = input;
      if (!this.#strangers.letsIn(peerAddress, index, peerPort[index], this.#now_ms)) return DROP['stranger-rate'];
      this.#output.pushControl(this.#output.strangers, input, index, length_bytes);
      return FORWARDED;
    }
    if (!this.#tunnels.has(tunnelId)) return DROP['control-unknown-tunnel'];
    if (!this.#tunnels.isPeer(tunnelId, input.peerAddress, index)) return DROP['control-wrong-peer'];
    if (!this.#tunnels.takeMessage(tunnelId, this.#now_ms)) return DROP['control-rate'];
    this.#output.pushControl(this.#output.control, input, index, length_bytes);
    return FORWARDED;
  }

  #isOfTunnel(row: number, tunnelId: number): boolean {
    if (tunnelId === this.#table.tunnelId[row]) return true;
    return tunnelId === 0 && (this.#table.flags[row] & ROW.allowTunnelIdZero) !== 0;
  }

  /** False for what is old or came twice; notes the number, and whether an LNS numbers what it sends. */
  #isInSequence(row: number, flags: number, ns: number): boolean {
    const table = this.#table;
    if ((flags & L2TP_FLAG.sequence) === 0) {
      table.flags[row] &= ~ROW.peerNumbers;
      return true;
    }
    const isOld = ((ns - table.lastNs[row] - 1) & 0xffff) >= SEQUENCE_HALF;
    if (isOld && (table.flags[row] & ROW.hasLastNs) !== 0 && !this.#isNewStart(row, ns)) return false;
    table.lastNs[row] = ns;
    table.oldNsCount[row] = 0;
    table.flags[row] |= ROW.peerNumbers | ROW.hasLastNs;
    return true;
  }

  /** Whether this old number is the last of so many in a row that the peer must have begun to count anew. */
  #isNewStart(row: number, ns: number): boolean {
    const table = this.#table;
    if (ns !== table.nextOldNs[row]) table.oldNsCount[row] = 0;
    table.nextOldNs[row] = ns + 1;
    return ++table.oldNsCount[row] > NEW_START_AFTER;
  }

  /** The PPP frame from `start` to `end`. */
  #frame(memory: Uint8Array, start: number, end: number, row: number): number {
    let at = start;
    const hasAddressControl = at + 2 <= end && memory[at] === ADDRESS_FIELD && memory[at + 1] === CONTROL_FIELD;
    if (hasAddressControl) at += 2;
    if (at >= end) return DROP['ppp-truncated'];
    let protocol = memory[at++];
    if ((protocol & 1) === 0) {
      if (at >= end) return DROP['ppp-truncated'];
      protocol = (protocol << 8) | memory[at++];
    }
    if (protocol === PPP_PROTOCOL.ipv4) return this.#ipv4(memory, at, end - at, row);
    if (protocol === PPP_PROTOCOL.ipv6) return this.#ipv6(memory, at, end - at, row);
    if (protocol === PPP_PROTOCOL.lcp) this.#learnAddressControl(row, hasAddressControl);
    return this.#punt(at, end - at, row, protocol);
  }

  /** No option that is negotiated applies to LCP (RFC 1661 section 6.6): a peer that leaves FF 03 out there never has it. */
  #learnAddressControl(row: number, hasAddressControl: boolean): void {
    if (hasAddressControl) this.#table.flags[row] &= ~ROW.peerOmitsAddressControl;
    else this.#table.flags[row] |= ROW.peerOmitsAddressControl;
  }

  #ipv4(memory: Uint8Array, offset: number, available_bytes: number, row: number): number {
    const table = this.#table;
    const flags = table.flags[row];
    if ((flags & ROW.ipv4Open) === 0) return DROP['ipv4-not-open'];
    const length_bytes = ipv4Length(memory, offset, available_bytes);
    if (length_bytes === 0) return DROP['ipv4-malformed'];
    if ((flags & ROW.bindTun) !== 0) {
      if (!table.destinations.holdsIpv4(row, memory, offset + IPV4_DESTINATION_AT)) {
        return DROP['destination-not-allowed'];
      }
    } else {
      if (isIpv4UdpTo(memory, offset, length_bytes, DHCP_SERVER_PORT)) {
        return this.#punt(offset, length_bytes, row, PPP_PROTOCOL.ipv4);
      }
      if (!table.sources.holdsIpv4(row, memory, offset + IPV4_SOURCE_AT)) return DROP['source-not-allowed'];
    }
    clampMssIpv4(memory, offset, length_bytes, table.mssClamp_bytes[row]);
    return this.#toTun(offset, length_bytes, row);
  }

  #ipv6(memory: Uint8Array, offset: number, available_bytes: number, row: number): number {
    const table = this.#table;
    const flags = table.flags[row];
    if ((flags & ROW.ipv6Open) === 0) return DROP['ipv6-not-open'];
    const length_bytes = ipv6Length(memory, offset, available_bytes);
    if (length_bytes === 0) return DROP['ipv6-malformed'];
    if (isIpv6LinkLocal(memory, offset)) return this.#punt(offset, length_bytes, row, PPP_PROTOCOL.ipv6);
    if ((flags & ROW.bindTun) !== 0) {
      if (!table.destinations.holdsIpv6(row, memory, offset + IPV6_DESTINATION_AT)) {
        return DROP['destination-not-allowed'];
      }
    } else {
      if (isIpv6UdpTo(memory, offset, length_bytes, DHCPV6_SERVER_PORT)) {
        return this.#punt(offset, length_bytes, row, PPP_PROTOCOL.ipv6);
      }
      if (!table.sources.holdsIpv6(row, memory, offset + IPV6_SOURCE_AT)) return DROP['source-not-allowed'];
    }
    clampMssIpv6(memory, offset, length_bytes, table.mssClamp_bytes[row]);
    return this.#toTun(offset, length_bytes, row);
  }

  #toTun(offset: number, length_bytes: number, row: number): number {
    this.#table.countReceived(row, length_bytes);
    this.#output.pushToTun(offset, length_bytes, row, this.#table.tun[row]);
    return FORWARDED;
  }

  #punt(offset: number, length_bytes: number, row: number, protocol: number): number {
    if (!this.#table.pppBuckets.take(row, this.#now_ms)) return DROP['ppp-rate'];
    this.#output.pushPpp(offset, length_bytes, row, protocol);
    return FORWARDED;
  }
}

function u16(memory: Uint8Array, offset: number): number {
  return (memory[offset] << 8) | memory[offset + 1];
}
