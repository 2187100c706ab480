/**
 * The settings of the box itself: where it is administered from, its Ethernet interfaces, routes and NAT, its log, and the
 * boxes whose traces it joins with its own. Schemas alone; what they cannot say is in store/box-rules.ts.
 */
import { type Static, type TEnum, type TOptional, Type } from 'typebox';
import {
  addressBits,
  canonical,
  canonicalAddress,
  canonicalPrefix,
  closed,
  hostText,
  interfaceName,
  ipv4FromNumber,
  ipv4Text,
  nameText,
  prefixText,
  secret,
  section,
  whole,
} from './settings-fields.js';

/** Parts of the program whose lines in the log can be told apart. */
export const LOG_PARTS = ['control', 'radius', 'api', 'packet-path', 'kernel'] as const;
export type LogPart = (typeof LOG_PARTS)[number];
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;

const addressText = (description: string) =>
  canonical(canonicalAddress, 'is not an IP address; write it as in 192.0.2.1 or 2001:db8::1', { description });
/** An address of ours with the length of its network: host bits may be set. */
const addressWithLength = () =>
  canonical(
    canonicalAddressWithLength,
    'is not an address with its length; write it as in 192.168.115.1/24 or 2001:db8::1/64',
    { description: 'address of the box, with the length of its network' },
  );

export const ApiSchema = Type.Object(
  {
    tcpPort: whole(0, 65_535, 8080, 'TCP port of API and web UI on the loopback addresses, without TLS; 0 = none'),
    httpsPort: whole(0, 65_535, 443, 'TCP port of API and web UI on the LAN interfaces, with TLS; 0 = none'),
    httpPort: whole(0, 65_535, 80, 'TCP port on the LAN interfaces that leads browsers to httpsPort; 0 = none'),
    signInIdle_min: whole(5, 43_200, 720, 'a browser that has asked nothing for so long has to sign in again'),
  },
  section,
);

/** Addresses for whoever is plugged in; those that get one are told of no router and no name server. */
const DhcpServerSchema = Type.Object(
  {
    first: ipv4Text({ description: 'first address that is given out' }),
    last: ipv4Text({ description: 'last address that is given out' }),
    lease_s: whole(120, 604_800, 43_200, 'for so long an address is given'),
  },
  { ...closed, description: 'for a LAN with static addressing: gives addresses to what is plugged in there' },
);

/** An Ethernet interface; one that is not listed is left alone, and the box is not administered from there. */
export const InterfaceSchema = Type.Object(
  {
    name: interfaceName({ description: 'name of the Ethernet interface or bridge' }),
    role: Type.Enum(['lan', 'wan', 'other'], {
      description: 'lan: the box is administered from there. wan, other: never',
    }),
    addressing: Type.Enum(['system', 'dhcp', 'static'], {
      default: 'system',
      description:
        'system: addresses are those that the system gives it. dhcp: that of a DHCP server there. static: those given here',
    }),
    addresses: Type.Array(addressWithLength(), { maxItems: 16, default: [], description: 'for static addressing' }),
    gateway: Type.Optional(addressText('for static addressing: where the default route of its family leads')),
    dhcpServer: Type.Optional(DhcpServerSchema),
  },
  closed,
);

export type InterfaceSettings = Static<typeof InterfaceSchema>;

export const StaticRouteSchema = Type.Object(
  {
    prefix: prefixText(),
    via: Type.Optional(addressText('next hop; without it the destinations are on the interface itself')),
    interface: Type.Optional(interfaceName({ description: 'needed where there is no next hop' })),
    metric: whole(0, 1_000_000, 0, 'of several routes to one prefix the lowest counts; 0 = the system’s default'),
  },
  closed,
);

export const LogsSchema = Type.Object(
  {
    level: Type.Enum([...LOG_LEVELS], { default: 'info', description: 'lines below this level are left out' }),
    parts: Type.Object(
      Object.fromEntries(LOG_PARTS.map((part) => [part, Type.Optional(Type.Enum([...LOG_LEVELS]))])) as Record<
        (typeof LOG_PARTS)[number],
        TOptional<TEnum<[...typeof LOG_LEVELS]>>
      >,
      { ...section, description: 'another level for a part of the program' },
    ),
    syslog: Type.Optional(
      Type.Object(
        {
          server: hostText({
            description: 'IP address or host name of the syslog server (RFC 5424 over UDP, RFC 5426)',
          }),
          port: whole(1, 65_535, 514, 'its UDP port'),
          facility: whole(0, 23, 16, 'RFC 5424 section 6.2.1; 16 = local0'),
        },
        closed,
      ),
    ),
  },
  section,
);

/** Another box of this kind, whose traces of a call are joined with ours. */
export const TracePeerSchema = Type.Object(
  {
    name: nameText('how the other box is called'),
    address: hostText({ description: 'IP address or host name under which its web page is reached' }),
    port: whole(1, 65_535, 443, 'TCP port of its API'),
    token: secret('API token made on the other box, of the role viewer'),
    fingerprint: Type.Refine(
      Type.String({ description: 'SHA-256 fingerprint of its certificate, as its page System shows it' }),
      (text) => /^([\dA-F]{2}:){31}[\dA-F]{2}$/i.test(text),
      () => 'is no SHA-256 fingerprint; write 32 pairs of hexadecimal digits with colons between them',
    ),
  },
  closed,
);

/**
 * The routing protocol by whose number static routes and gateways stand in the kernel, so that they are known again after a
 * crash; IP protocol 115 has nothing to do with it but the number.
 */
export const STATIC_ROUTE_PROTOCOL = '115';

/** From which interfaces the box is administered; `given`: as long as the settings name no interface at all. */
export function lanInterfaces(interfaces: readonly InterfaceSettings[], given: readonly string[]): readonly string[] {
  if (interfaces.length === 0) return given;
  return interfaces.filter(({ role }) => role === 'lan').map(({ name }) => name);
}

/** Address and length in canonical form; undefined when the text is neither. */
export function canonicalAddressWithLength(text: string): string | undefined {
  const [addressPart = '', lengthPart = '', ...rest] = text.split('/');
  const address = canonicalAddress(addressPart);
  if (address === undefined || rest.length > 0 || !/^\d{1,3}$/.test(lengthPart)) return undefined;
  const isLength = canonicalPrefix(`${address.includes(':') ? '::' : '0.0.0.0'}/${Number(lengthPart)}`) !== undefined;
  return isLength ? `${address}/${Number(lengthPart)}` : undefined;
}

interface NetworkParts {
  address: string;
  bits: bigint;
  length: number;
  width: 32 | 128;
}

/** Of an address with the length of its network. */
export function networkParts(text: string): NetworkParts {
  const [address = '', length] = text.split('/');
  return { address, bits: addressBits(address), length: Number(length), width: address.includes(':') ? 128 : 32 };
}

/** Whether `address` is in the network of `text`. */
export function networkHolds(text: string, address: string): boolean {
  const { bits, length, width } = networkParts(text);
  if ((width === 128) !== address.includes(':')) return false;
  const shift = BigInt(width - length);
  return bits >> shift === addressBits(address) >> shift;
}

/** Whether two addresses with their length are in networks that have addresses in common. */
export function networksOverlap(one: string, other: string): boolean {
  const [first, second] = [networkParts(one), networkParts(other)];
  return first.length <= second.length ? networkHolds(one, second.address) : networkHolds(other, first.address);
}

/** The mask of an IPv4 network of this length, as in '255.255.255.0'. */
export function networkMask(length: number): string {
  return ipv4FromNumber(length === 0 ? 0 : (0xffff_ffff << (32 - length)) >>> 0);
}
