/**
 * PPP frames from the peers of sessions: IP packets go to a TUN device once they are checked, all else goes to the main
 * thread; or all are relayed to another session; or all are kept. Changes nothing but an MSS, does no I/O and allocates
 * nothing.
 *
 *   RFC 1661 section 2 and RFC 1662 section 3.1 without flags and FCS: FF 03 or nothing, protocol (16 bits, or 8 where
 *   the first octet is odd), information.
 */
import { PPP_PROTOCOL } from '../wire/ppp.js';
import { DROP, FORWARDED } from './drop-reasons.js';
import { prependRelayHeaders } from './framing.js';
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
import { ROW, type SessionTable } from './session-table.js';

const ADDRESS_FIELD = 0xff;
const CONTROL_FIELD = 0x03;
const DHCP_SERVER_PORT = 67;
const DHCPV6_SERVER_PORT = 547;
/** Protocol numbers below are of network-layer protocols (RFC 1661 section 2), above of what controls them and the link. */
const FIRST_CONTROL_PROTOCOL = 0x4000;

export class PppFrames {
  /** When the batch came that is at hand. */
  now_ms = 0;
  /** Frames lie one close behind the other: in front of them there is no room for headers. */
  isTrain = false;
  readonly #table: SessionTable;
  readonly #output: ForwarderOutput;
  readonly #drops: Float64Array;

  constructor(table: SessionTable, output: ForwarderOutput, drops: Float64Array) {
    this.#table = table;
    this.#output = output;
    this.#drops = drops;
  }

  /** The frame from `start` to `end` that the peer of a row has sent. */
  fromPeer(memory: Uint8Array, start: number, end: number, row: number): number {
    const flags = this.#table.flags[row];
    if ((flags & ROW.hold) !== 0) return this.#output.held.keep(memory, start, end, row);
    let at = start;
    const hasAddressControl = at + 2 <= end && memory[at] === ADDRESS_FIELD && memory[at + 1] === CONTROL_FIELD;
    if (hasAddressControl) at += 2;
    if (at >= end) return DROP['ppp-truncated'];
    const frame = at;
    let protocol = memory[at++];
    if ((protocol & 1) === 0) {
      if (at >= end) return DROP['ppp-truncated'];
      protocol = (protocol << 8) | memory[at++];
    }
    if ((flags & ROW.relay) !== 0) return this.#relay(memory, frame, at, end, row, protocol);
    if (protocol === PPP_PROTOCOL.ipv4) return this.#ipv4(memory, at, end - at, row);
    if (protocol === PPP_PROTOCOL.ipv6) return this.#ipv6(memory, at, end - at, row);
    if (protocol === PPP_PROTOCOL.lcp) this.#learnAddressControl(row, hasAddressControl);
    return this.#punt(at, end - at, row, protocol);
  }

  /** What a row had on hold goes where its frames go now. */
  letGo(row: number): void {
    const { memory, held } = this.#output;
    held.letGo(row, (start, end) => {
      const drop = this.fromPeer(memory, start, end, row);
      if (drop !== FORWARDED) this.#drops[drop]++;
    });
  }

  /** A row that is removed takes what it had on hold with it. */
  abandon(row: number): void {
    this.#output.held.letGo(row, () => this.#drops[DROP['hold-abandoned']]++);
  }

  /** The frame from `frame`, where its protocol field is, to `end`; nothing of that is changed. */
  #relay(memory: Uint8Array, frame: number, information: number, end: number, row: number, protocol: number): number {
    const table = this.#table;
    const to = table.relayRow(row);
    if (to === 0) return DROP['relay-gone'];
    if (protocol < FIRST_CONTROL_PROTOCOL) {
      const octets = end - information;
      if (!table.receivePolicers.take(row, octets, this.now_ms)) return DROP['rate-exceeded-from-peer'];
      if (!table.sendPolicers.take(to, octets, this.now_ms)) return DROP['rate-exceeded-to-peer'];
      table.countReceived(row, octets);
      table.countSent(to, octets);
    }
    const headers = this.isTrain ? this.#output.takeHeaderSlot() : frame;
    if (headers < 0) return DROP['no-buffer'];
    const start = prependRelayHeaders(memory, headers, end - frame, to, table);
    if (headers === frame) this.#output.pushToPeer(start, end - start, to, table);
    else this.#output.pushToPeer(start, headers - start, to, table, frame, end - frame);
    return FORWARDED;
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
    if (!table.receivePolicers.take(row, length_bytes, this.now_ms)) return DROP['rate-exceeded-from-peer'];
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
    if (!table.receivePolicers.take(row, length_bytes, this.now_ms)) return DROP['rate-exceeded-from-peer'];
    clampMssIpv6(memory, offset, length_bytes, table.mssClamp_bytes[row]);
    return this.#toTun(offset, length_bytes, row);
  }

  #toTun(offset: number, length_bytes: number, row: number): number {
    this.#table.countReceived(row, length_bytes);
    this.#output.pushToTun(offset, length_bytes, row, this.#table.tun[row]);
    return FORWARDED;
  }

  #punt(offset: number, length_bytes: number, row: number, protocol: number): number {
    if (!this.#table.pppBuckets.take(row, this.now_ms)) return DROP['ppp-rate'];
    this.#output.pushPpp(offset, length_bytes, row, protocol);
    return FORWARDED;
  }
}
