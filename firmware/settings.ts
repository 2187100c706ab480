/**
 * The settings document, users and address pools: one TypeBox schema for each, shared by store, API and web UI, and
 * their defaults. Must not read or write anything; what the schemas cannot say (contradictions between fields) is in
 * store/rules.ts.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { type Static, type TStringOptions, Type } from 'typebox';
import { Value } from 'typebox/value';

/** What is wrong with a document: `field` is a JSON pointer (RFC 6901) into it, `reason` says what to do about it. */
export interface Problem {
  field: string;
  reason: string;
}

const closed = { additionalProperties: false };
const section = { ...closed, default: {} };

/** A number of the unit that the property's name ends in, with its limits and default. */
const whole = (minimum: number, maximum: number, byDefault: number, description: string) =>
  Type.Integer({ minimum, maximum, default: byDefault, description });

const flag = (byDefault: boolean, description: string) => Type.Boolean({ default: byDefault, description });

/** Marked `secret`: encrypted at rest, never given out by the API, kept when a new document leaves it out. */
const secret = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 255, secret: true, writeOnly: true, description }));

/** Text that is checked, and later rewritten, by a function that gives its canonical form or undefined. */
const canonical = (form: (text: string) => string | undefined, advice: string, options: TStringOptions = {}) =>
  Type.Refine(
    Type.String({ maxLength: 255, ...options }),
    (text) => form(text) !== undefined,
    () => advice,
  );

const ipv4Text = (options: TStringOptions = {}) =>
  canonical(canonicalIpv4, 'is not an IPv4 address; write it as four numbers, as in 10.0.0.1', options);
const prefixText = () =>
  canonical(
    canonicalPrefix,
    'is not a prefix; write address, slash and length with no bit set behind the length, as in 10.1.0.0/16 or 2001:db8::/32',
  );
const nameText = (what: string) =>
  Type.Refine(
    Type.String({ minLength: 1, maxLength: 253, description: what }),
    (text) => !/\p{Cc}/u.test(text),
    () => 'has control characters in it; use visible ones alone',
  );
/** Linux takes 15 characters; those that sysctl and ip(8) read as something else are left out. */
const interfaceName = (options: TStringOptions) =>
  Type.Refine(
    Type.String(options),
    (text) => /^[A-Za-z][A-Za-z0-9_-]{0,14}$/.test(text) && !['lo', 'all', 'default'].includes(text),
    () => 'is not usable as an interface name; take at most 15 letters, digits, - or _, a letter first, as in tw0',
  );
const authenticationList = () =>
  Type.Array(Type.Enum(['mschapv2', 'chap-md5', 'pap']), {
    uniqueItems: true,
    minItems: 1,
    default: ['mschapv2', 'chap-md5', 'pap'],
    description: 'PPP authentication protocols, the preferred one first',
  });

/** Times are seconds or milliseconds as their names say. */
export const SettingsSchema = Type.Object(
  {
    system: Type.Object(
      {
        hostName: Type.Refine(
          Type.String({ default: 'tunnelwerk', description: 'sent to peers as Host Name AVP, RFC 2661 section 4.4.3' }),
          (text) => /^[\x21-\x7e]{1,64}$/.test(text),
          () => 'must be 1 to 64 visible ASCII characters without spaces',
        ),
      },
      section,
    ),
    api: Type.Object(
      { tcpPort: whole(0, 65535, 8080, 'TCP port of API and web UI on the loopback addresses; 0 = Unix socket alone') },
      section,
    ),
    l2tp: Type.Object(
      {
        port: whole(1, 65535, 1701, 'UDP port for L2TP'),
        helloInterval_s: whole(5, 3600, 60, 'a tunnel idle for so long is asked for life by HELLO'),
        retransmitInitial_ms: whole(
          100,
          60_000,
          1000,
          'wait before a control message is sent again, doubled each time',
        ),
        retransmitCap_ms: whole(8000, 60_000, 8000, 'the longest such wait; RFC 2661 section 5.8: at least 8 s'),
        maxRetransmits: whole(1, 30, 5, 'a peer that answers none of so many retransmissions is gone'),
        establishTimeout_s: whole(5, 600, 60, 'a tunnel or call not established by then is cleared'),
        receiveWindow: whole(1, 1024, 16, 'control messages that a peer may have outstanding towards us'),
        maxTunnels: whole(1, 65_535, 1024, 'more tunnels than these are refused'),
        maxSessions: whole(1, 65_535, 4096, 'more sessions than these are refused'),
      },
      section,
    ),
    ppp: Type.Object(
      {
        mru_bytes: whole(576, 1500, 1400, 'largest packet that we ask peers to send through a link'),
        echoInterval_s: whole(0, 3600, 30, 'LCP Echo-Request on an idle link; 0 = none'),
        echoFailures: whole(1, 30, 4, 'unanswered Echo-Requests in a row that end a link'),
        restartTimer_ms: whole(200, 30_000, 3000, 'RFC 1661 section 4.6, for LCP'),
        ncpRestartTimer_ms: whole(200, 30_000, 1000, 'the same for IPCP and IPV6CP, where peers expect haste'),
        maxConfigure: whole(1, 100, 10, 'RFC 1661 section 4.6'),
        maxTerminate: whole(1, 20, 2, 'RFC 1661 section 4.6'),
        maxFailure: whole(1, 20, 5, 'RFC 1661 section 4.6'),
        authenticationTimeout_s: whole(5, 300, 30, 'a peer that has not authenticated by then is hung up on'),
      },
      section,
    ),
    lns: Type.Object(
      {
        enabled: flag(false, 'answer calls'),
        authentication: authenticationList(),
        tunInterface: interfaceName({ default: 'tw0', description: 'TUN device that all sessions share' }),
        localAddress: ipv4Text({ default: '10.112.112.1', description: 'our end of every link' }),
        pool: Type.String({ default: 'default', description: "name of the pool that users' addresses come from" }),
        dns: Type.Array(ipv4Text(), { maxItems: 2, default: [], description: 'name servers given to users, RFC 1877' }),
        nbns: Type.Array(ipv4Text(), { maxItems: 2, default: [], description: 'NetBIOS name servers, RFC 1877' }),
        ipv6: flag(true, 'run IPV6CP: an IPv6 link with each user'),
        mssClamp: flag(true, 'lower the MSS of TCP connections to what fits the link'),
        sequencing: flag(false, 'number data packets, RFC 2661 section 5.4'),
        allowUnknownPeers: flag(true, 'take tunnels from peers that no entry of tunnelPeers matches'),
        defaultSecret: secret('tunnel secret for peers that no entry of tunnelPeers matches'),
        maxSessionsPerUser: whole(0, 65_535, 0, 'sessions of one user at once; 0 = no limit'),
      },
      section,
    ),
    tunnelPeers: Type.Array(
      Type.Object(
        {
          name: nameText('how this entry is called'),
          hostName: Type.Optional(
            Type.String({ minLength: 1, maxLength: 255, description: "the peer's Host Name AVP must be this" }),
          ),
          address: Type.Optional(prefixText()),
          secret: secret('tunnel secret, RFC 2661 section 5.1.1'),
          allowTunnelIdZero: flag(false, 'take data packets with tunnel ID 0 (D-Link DIR-300)'),
          addressControl: Type.Enum(['detect', 'always'], { default: 'detect', description: 'FF 03 before PPP' }),
        },
        closed,
      ),
      { maxItems: 4096, default: [], description: 'peers that open tunnels to us; the first match wins' },
    ),
    lacClients: Type.Array(
      Type.Object(
        {
          name: nameText('how this profile is called'),
          enabled: flag(true, 'dial, and dial again'),
          server: Type.Refine(
            Type.String({ description: 'IP address or host name of the LNS' }),
            (text) => canonicalAddress(text) !== undefined || isHostName(text),
            () => 'is neither an IP address nor a host name; write it as in 192.0.2.1 or lns.example.net',
          ),
          port: whole(1, 65_535, 1701, 'UDP port of the LNS'),
          tunnelSecret: secret('tunnel secret, RFC 2661 section 5.1.1'),
          userName: nameText('name for PPP authentication'),
          password: secret('password for PPP authentication'),
          authentication: authenticationList(),
          tunInterface: interfaceName({ description: "this profile's own TUN device" }),
          routes: Type.Array(prefixText(), { maxItems: 1024, default: [], description: 'what is reached through it' }),
          localNetworks: Type.Array(prefixText(), {
            maxItems: 1024,
            default: [],
            description: 'networks on our side that may be reached from there',
          }),
          ipv6: flag(true, 'run IPV6CP'),
          mru_bytes: whole(576, 1500, 1400, 'largest packet that we ask the LNS to send'),
          mssClamp: flag(true, 'lower the MSS of TCP connections to what fits the link'),
          sequencing: flag(false, 'number data packets, RFC 2661 section 5.4'),
          redialInitial_s: whole(1, 3600, 2, 'wait before the first redial, doubled each time'),
          redialCap_s: whole(1, 86_400, 60, 'the longest such wait'),
        },
        closed,
      ),
      { maxItems: 64, default: [], description: 'LNSes that we dial' },
    ),
    routing: Type.Object({ forwarding: flag(true, 'forward packets between interfaces') }, section),
  },
  { ...closed, default: {} },
);

/** IPv4 addresses that are leased to users. */
export const PoolSchema = Type.Object(
  {
    name: nameText('how the pool is called'),
    ranges: Type.Array(Type.Object({ first: ipv4Text(), last: ipv4Text() }, closed), { minItems: 1, maxItems: 256 }),
    excluded: Type.Array(ipv4Text(), { maxItems: 65_536, default: [], description: 'never leased' }),
    sticky: flag(true, 'a user gets its last address again when it is free'),
  },
  closed,
);

/** Who may call. */
export const UserSchema = Type.Object(
  {
    name: nameText('name for PPP authentication'),
    password: secret('password for PPP authentication'),
    enabled: flag(true, 'may call'),
    fixedAddress: Type.Optional(ipv4Text({ description: 'always this address, in a pool or outside of all' })),
    pool: Type.Optional(Type.String({ description: "another pool than the LNS's" })),
    routes: Type.Array(prefixText(), { maxItems: 64, default: [], description: 'networks behind this user' }),
  },
  closed,
);

export type Settings = Static<typeof SettingsSchema>;
export type LnsSettings = Settings['lns'];
export type TunnelPeer = Settings['tunnelPeers'][number];
export type LacClientSettings = Settings['lacClients'][number];
export type Pool = Static<typeof PoolSchema>;
export type User = Static<typeof UserSchema>;

/** More addresses than a box has session IDs are of no use; each one is a row in the store. */
export const MAX_POOL_ADDRESSES = 131_072;

/** Settings of a box that nobody has set up: it answers no calls, but one switch and one user away from it. */
export const DEFAULT_SETTINGS: Settings = Value.Default(SettingsSchema, {}) as Settings;
/** The pool that DEFAULT_SETTINGS names. */
export const DEFAULT_POOL: Pool = {
  name: 'default',
  ranges: [{ first: '10.112.112.10', last: '10.112.112.250' }],
  excluded: [],
  sticky: true,
};

/** An IPv4 address in canonical form as a number from 0 to 2**32 - 1. */
export function ipv4Number(address: string): number {
  return address.split('.').reduce((number, part) => number * 256 + Number(part), 0);
}

/** The inverse of ipv4Number. */
export function ipv4FromNumber(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
}

function canonicalIpv4(text: string): string | undefined {
  return isIPv4(text) ? text : undefined;
}

/** RFC 5952 form of an IPv6 address, an IPv4 address as it is; undefined when it is neither, or has a zone. */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  if (!isIPv6(text) || text.includes('%')) return undefined;
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}

/** address/length in canonical form, a lone address with its full length; undefined when host bits are set. */
export function canonicalPrefix(text: string): string | undefined {
  const [addressPart = '', lengthPart, ...rest] = text.split('/');
  const address = canonicalAddress(addressPart);
  if (address === undefined || rest.length > 0) return undefined;
  const width = isIPv4(address) ? 32 : 128;
  if (lengthPart !== undefined && !/^(0|[1-9]\d{0,2})$/.test(lengthPart)) return undefined;
  const length = lengthPart === undefined ? width : Number(lengthPart);
  if (length > width) return undefined;
  const hostBits = (1n << BigInt(width - length)) - 1n;
  return (addressBits(address) & hostBits) === 0n ? `${address}/${length}` : undefined;
}

/** The bits of an address in canonical form as one number. */
export function addressBits(address: string): bigint {
  if (isIPv4(address)) return BigInt(ipv4Number(address));
  const [head = '', tail] = address.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const behind = groups(tail ?? '');
  const zeros = tail === undefined ? 0 : 8 - groups(head).length - behind.length;
  const all = [...groups(head), ...Array<string>(zeros).fill('0'), ...behind];
  return all.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

function isHostName(text: string): boolean {
  return (
    text.length <= 253 &&
    /^(?!\d+(\.\d+)*$)([a-z\d]([a-z\d-]{0,61}[a-z\d])?)(\.[a-z\d]([a-z\d-]{0,61}[a-z\d])?)*\.?$/i.test(text)
  );
}
