/**
 * Ethernet headers with no, one or two VLAN tags (IEEE 802.3, IEEE 802.1Q). Must not know what a frame carries.
 *
 *   | destination (48) | source (48) | tags, 32 bits each, the outer one first | type (16) | payload |
 *   A tag: | tag protocol 0x8100 or 0x88a8 (16) | priority (3) | drop eligible (1) | VLAN ID (12) |
 */
import { ByteReader, ByteWriter, ERROR_CODE, ProtocolError } from './bytes.js';

/** Tag protocols: of a customer's tag, and of a provider's, which stands in front of it (IEEE 802.1Q section 9.5). */
export const TAG_PROTOCOL = { customer: 0x8100, service: 0x88a8 } as const;

export const BROADCAST_MAC = 'ff:ff:ff:ff:ff:ff';
/** More are nobody's. */
const MAX_TAGS = 2;
const ADDRESS_BYTES = 6;
/** Below this the field is a length (IEEE 802.3 section 3.2.6). */
const FIRST_TYPE = 0x0600;

export interface VlanTag {
  tagProtocol: number;
  /** 0 to 7. */
  priority: number;
  dropEligible: boolean;
  /** 0 to 4095; 0 gives a priority and no VLAN. */
  vlanId: number;
}

/** Addresses are text in lower case, as in '02:00:5e:00:53:01'. */
export interface EthernetHeader {
  destination: string;
  source: string;
  /** The outer one first. */
  tags: readonly VlanTag[];
  etherType: number;
}

export interface ParsedEthernetHeader extends EthernetHeader {
  /** Where what the frame carries begins. */
  payloadOffset: number;
}

/** Reads the header. Throws ProtocolError where the frame ends within it, has a third tag, or a length for a type. */
export function parseEthernetHeader(frame: Uint8Array): ParsedEthernetHeader {
  const reader = new ByteReader(frame);
  const destination = macText(reader.take(ADDRESS_BYTES));
  const source = macText(reader.take(ADDRESS_BYTES));
  const tags: VlanTag[] = [];
  let etherType = reader.u16();
  while (isTagProtocol(etherType)) {
    if (tags.length === MAX_TAGS) throw refusal('a third VLAN tag', reader.offset - 2);
    const control = reader.u16();
    tags.push({
      tagProtocol: etherType,
      priority: control >>> 13,
      dropEligible: (control & 0x1000) !== 0,
      vlanId: control & 0x0fff,
    });
    etherType = reader.u16();
  }
  if (etherType < FIRST_TYPE) throw refusal('a length where a type should be', reader.offset - 2);
  return { destination, source, tags, etherType, payloadOffset: reader.offset };
}

/** The header on the wire. */
export function emitEthernetHeader({ destination, source, tags, etherType }: EthernetHeader): Uint8Array {
  const writer = new ByteWriter(2 * ADDRESS_BYTES + 4 * tags.length + 2);
  writer.bytes(macBytes(destination)).bytes(macBytes(source));
  for (const { tagProtocol, priority, dropEligible, vlanId } of tags) {
    writer.u16(tagProtocol).u16((priority << 13) | (dropEligible ? 0x1000 : 0) | vlanId);
  }
  return writer.u16(etherType).finish();
}

/** The text of an address of 6 octets. */
export function macText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** The octets of an address. Throws RangeError for a text that is none: such texts come from ourselves. */
export function macBytes(text: string): Uint8Array {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(text)) throw new RangeError(`not a MAC address: ${text}`);
  return Uint8Array.from(text.split(':'), (octet) => Number.parseInt(octet, 16));
}

/** Whether an address is that of one station: the group bit is clear, and it is not all zero. */
export function isUnicastMac(mac: string): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 0 && mac !== '00:00:00:00:00:00';
}

function isTagProtocol(etherType: number): boolean {
  return etherType === TAG_PROTOCOL.customer || etherType === TAG_PROTOCOL.service;
}

function refusal(what: string, offset: number): ProtocolError {
  return new ProtocolError(what, offset, ERROR_CODE.valueOutOfRange);
}
