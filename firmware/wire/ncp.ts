/**
 * The options of IPCP (RFC 1332 section 3, name servers RFC 1877 section 1) and of IPV6CP (RFC 5072 section 4). Must
 * not decide what is acceptable.
 */
import { ByteReader } from './bytes.js';
import { formatAddress, parseAddress } from './ip.js';
import type { ConfigurationOption } from './ppp.js';

/**
 * Types of the options of IPCP whose value is one IPv4 address, '0.0.0.0' where the sender asks for one. The others
 * there are, IP-Addresses (1, deprecated) and IP-Compression-Protocol (2), are for us to reject.
 */
export const ADDRESS_OPTIONS = { ipAddress: 3, dns1: 129, nbns1: 130, dns2: 131, nbns2: 132 } as const;

type AddressOptionName = keyof typeof ADDRESS_OPTIONS;

const ADDRESS_OPTION_NAME: ReadonlyMap<number, AddressOptionName> = new Map(
  (Object.keys(ADDRESS_OPTIONS) as AddressOptionName[]).map((name) => [ADDRESS_OPTIONS[name], name]),
);

/** An IPCP option with its value; dns1 and nbns1 are RFC 1877's Primary servers, dns2 and nbns2 the Secondary ones. */
export type IpcpOption =
  | { name: AddressOptionName; address: string }
  | { name: 'unknown'; type: number; data: Uint8Array };

/** Reads one option. Throws ProtocolError where an address is not 4 octets. */
export function parseIpcpOption(option: ConfigurationOption): IpcpOption {
  const name = ADDRESS_OPTION_NAME.get(option.type);
  if (name === undefined) return { name: 'unknown', type: option.type, data: option.data };
  const reader = new ByteReader(option.data);
  const address = formatAddress(reader.take(4));
  reader.expectEnd();
  return { name, address };
}

/** The option on the wire; '' is sent as 0.0.0.0. */
export function emitIpcpOption(option: IpcpOption): ConfigurationOption {
  if (option.name === 'unknown') return { type: option.type, data: option.data };
  const data = option.address === '' ? new Uint8Array(4) : parseAddress(option.address);
  if (data.length !== 4) throw new RangeError(`${option.address} is not an IPv4 address`);
  return { type: ADDRESS_OPTIONS[option.name], data };
}

export const IPV6CP_OPTION = { interfaceIdentifier: 1, ipv6CompressionProtocol: 2 } as const;

const INTERFACE_IDENTIFIER_BYTES = 8;

/** An IPV6CP option with its value: 8 octets, all zero where the sender asks for one (RFC 5072 section 4.1). */
export type Ipv6cpOption =
  | { name: 'interfaceIdentifier'; interfaceIdentifier: Uint8Array }
  | { name: 'unknown'; type: number; data: Uint8Array };

/** Reads one option; the identifier is a copy. Throws ProtocolError where it is not 8 octets. */
export function parseIpv6cpOption(option: ConfigurationOption): Ipv6cpOption {
  if (option.type !== IPV6CP_OPTION.interfaceIdentifier) return { name: 'unknown', ...option };
  const reader = new ByteReader(option.data);
  const interfaceIdentifier = reader.take(INTERFACE_IDENTIFIER_BYTES).slice();
  reader.expectEnd();
  return { name: 'interfaceIdentifier', interfaceIdentifier };
}

/** The option on the wire. */
export function emitIpv6cpOption(option: Ipv6cpOption): ConfigurationOption {
  if (option.name === 'unknown') return { type: option.type, data: option.data };
  if (option.interfaceIdentifier.length !== INTERFACE_IDENTIFIER_BYTES) {
    throw new RangeError(`an interface identifier of ${option.interfaceIdentifier.length} bytes`);
  }
  return { type: IPV6CP_OPTION.interfaceIdentifier, data: option.interfaceIdentifier };
}
