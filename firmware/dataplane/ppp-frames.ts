/**
 * PPP frames from the peers of sessions: IP packets go to a TUN device once they are checked, all else goes to the main
 * thread. Changes nothing but an MSS, does no I/O and allocates nothing.
 *
 *   RFC 1661 section 2 and RFC 1662 section 3.1 without flags and FCS: FF 03 or nothing, protocol (16 bits, or 8 where
 *   the first octet is odd), information.
 */
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
import { ROW, type SessionTable } from './session-table.js';

const ADDRESS_FIELD = 0xff;
const CONTROL_FIELD = 0x03;
const DHCP_SERVER_PORT = 67;
const DHCPV6_SERVER_PORT = 547;

export class PppFrames {
  /** When the batch came that is at hand. */
  now_ms = 0;
  readonly #table: SessionTable;
  readonly #output: ForwarderOutput;

  constructor(table: SessionTable, output: ForwarderOutput) {
    this.#table = table;
    this.#output = output;
  }

  /** The frame from `start` to `end` that the peer of a row has sent. */
  fromPeer(memory: Uint8Array, start: number, end: number, row: number): number {
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
    if (!this.#table.pppBuckets.take(row, this.now_ms)) return DROP['ppp-rate'];
    this.#output.pushPpp(offset, length_bytes, row, protocol);
    return FORWARDED;
  }
}
