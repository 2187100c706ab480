/**
 * The settings document, users and address pools: one TypeBox schema for each, shared by store, API and web UI, and
 * their defaults. Must not read or write anything; what the schemas cannot say (contradictions between fields) is in
 * store/rules.ts.
 */
import { isIPv4 } from 'node:net';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import {
  duplicateLogins,
  FilterSchema,
  idleTimeout,
  LacSchema,
  proxyMismatch,
  proxyMode,
  RadiusSchema,
  rate,
  sessionTimeout,
} from './settings-access.js';
import { ApiSchema, InterfaceSchema, LogsSchema, StaticRouteSchema, TracePeerSchema } from './settings-box.js';
import {
  authenticationList,
  canonical,
  canonicalAddress,
  closed,
  cookie,
  cookieLength,
  digest,
  flag,
  hostText,
  interfaceName,
  ipv4Text,
  nameText,
  prefixText,
  secret,
  section,
  sessionId,
  whole,
} from './settings-fields.js';

export {
  canonicalAddressWithLength,
  type InterfaceSettings,
  lanInterfaces,
  networkHolds,
  networkMask,
  networkParts,
  networksOverlap,
  STATIC_ROUTE_PROTOCOL,
} from './settings-box.js';
export * from './settings-fields.js';

/** The packet path takes frames of this size with header, tags and all that comes before them in a packet. */
const MAX_PSEUDOWIRE_MTU_BYTES = 1800;

/** Which fields a mode needs, and which are of no use to it, is in store/pseudowire-rules.ts. */
const PseudowireSchema = Type.Object(
  {
    name: nameText('how this pseudowire is called'),
    enabled: flag(true, 'carry frames'),
    mode: Type.Enum(['dial', 'listen', 'static'], {
      description:
        'who sets the session up. dial: this box opens a tunnel to the peer, asks for the session, and does so again whenever it ends. listen: the peer does; l2tp.accepts and tunnelPeers say who may. static: no control message is exchanged, and both ends are given IDs and cookies, as by `ip l2tp` on a Linux peer',
    }),
    type: Type.Enum(['ethernet', 'vlan'], {
      default: 'ethernet',
      description:
        'Pseudowire Type of RFC 4719. ethernet (5): frames pass as they are, with their VLAN tags; vlan (4): frames get the tag of vlanId on their way to the peer, and lose it on their way from there',
    }),
    vlanId: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 4094, description: 'VLAN ID of that tag; for type vlan alone' }),
    ),
    tapInterface: interfaceName({ description: "this pseudowire's own TAP device, where frames enter and leave" }),
    bridge: Type.Optional(
      interfaceName({ description: 'Linux bridge that the TAP device is made a port of; made where there is none' }),
    ),
    mtu_bytes: whole(
      576,
      MAX_PSEUDOWIRE_MTU_BYTES,
      1500,
      'largest content of a frame, its header of 14 bytes and its VLAN tags not counted; the same at both ends',
    ),
    peer: Type.Optional(
      hostText({
        description:
          'dial: IP address or host name of the peer. static: its IP address. listen: if given, the IP address that the peer must have',
      }),
    ),
    encapsulation: Type.Enum(['udp3', 'ip'], {
      default: 'ip',
      description:
        'dial and static: L2TP version 3 over UDP, or over IP protocol 115; for a Linux peer, encap udp or encap ip. In mode listen the peer chooses, within l2tp.accepts',
    }),
    port: whole(
      1,
      65_535,
      1701,
      'dial and static: UDP port of the peer; a Linux peer has it as its udp_sport, and ours (l2tp.port) as its udp_dport',
    ),
    localAddress: Type.Optional(
      canonical(canonicalAddress, 'is not an IP address; write it as in 192.0.2.1 or 2001:db8::1', {
        description:
          "static: our own IP address, which packets leave with, and a Linux peer's remote; left out, the routing table says which",
      }),
    ),
    secret: secret('dial: tunnel secret, RFC 3931 section 4.3. In mode listen it is that of tunnelPeers or the LNS'),
    digest: digest(),
    cookie_bytes: cookieLength("dial and listen: the peer's packets"),
    sequencing: flag(
      false,
      'dial and listen: ask the peer to number its packets (RFC 3931 section 5.4.4). static: number ours, which takes l2SpecificSublayer default',
    ),
    remoteEndId: Type.Optional(
      Type.Refine(
        Type.String({
          description:
            'dial and listen: Remote End ID, RFC 3931 section 5.4.4, which tells the pseudowire at both ends',
        }),
        (text) => /^[\x21-\x7e]{1,64}$/.test(text),
        () => 'must be 1 to 64 visible ASCII characters without spaces',
      ),
    ),
    localSessionId: sessionId(
      "static: Session ID of packets from the peer, a Linux peer's peer_session_id; above 65535 it never meets a version 2 session's",
    ),
    peerSessionId: sessionId("static: Session ID of packets to the peer, a Linux peer's session_id"),
    localCookie: cookie(
      "static: cookie that packets from the peer must carry, in 0, 8 or 16 hexadecimal digits; a Linux peer's cookie, since it names as its own the one that it sends",
    ),
    peerCookie: cookie(
      "static: cookie that packets to the peer carry, in 0, 8 or 16 hexadecimal digits; a Linux peer's peer_cookie",
    ),
    l2SpecificSublayer: Type.Enum(['none', 'default'], {
      default: 'none',
      description:
        'static: whether packets carry the Default L2-Specific Sublayer (RFC 3931 section 4.6), both ways. Linux has it unless it is told l2spec_type none: tell it so, or say default here. In the other modes it is there where numbers are asked for',
    }),
    redialInitial_s: whole(1, 3600, 2, 'dial: wait before the first redial, doubled each time'),
    redialCap_s: whole(1, 86_400, 60, 'dial: the longest such wait'),
  },
  closed,
);

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
    api: ApiSchema,
    interfaces: Type.Array(InterfaceSchema, {
      maxItems: 64,
      default: [],
      description: 'Ethernet interfaces of the box: what each is for, and its addresses',
    }),
    logs: LogsSchema,
    tracePeers: Type.Array(TracePeerSchema, {
      maxItems: 64,
      default: [],
      description: 'other boxes of this kind, whose traces of a call are joined with ours',
    }),
    l2tp: Type.Object(
      {
        port: whole(1, 65535, 1701, 'UDP port for L2TP, both versions'),
        accepts: Type.Array(Type.Enum(['udp2', 'udp3', 'ip']), {
          uniqueItems: true,
          minItems: 1,
          default: ['udp2', 'udp3', 'ip'],
          description:
            'how peers may open tunnels: version 2 over UDP, version 3 over UDP, version 3 over IP protocol 115',
        }),
        routerId: Type.Refine(
          Type.String({
            maxLength: 255,
            default: '',
            description:
              'Router ID AVP of version 3, RFC 3931 section 5.4.3, as an IPv4 address; empty = one of its own',
          }),
          (text) => text === '' || (isIPv4(text) && text !== '0.0.0.0'),
          () => 'is no Router ID; write four numbers as in 192.0.2.1, not all zero, or leave it empty',
        ),
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
        sequencing: flag(
          false,
          'number data packets (RFC 2661 section 5.4); in version 3, ask for numbers (RFC 3931 section 5.4.4)',
        ),
        cookie_bytes: cookieLength("users' packets"),
        allowUnknownPeers: flag(true, 'take tunnels from peers that no entry of tunnelPeers matches'),
        defaultSecret: secret('tunnel secret for peers that no entry of tunnelPeers matches'),
        proxy: proxyMode('renegotiate'),
        proxyMismatch: proxyMismatch(),
        maxSessionsPerUser: whole(0, 65_535, 0, 'sessions of one user at once; 0 = no limit'),
        duplicateLogins: duplicateLogins(),
        sessionTimeout_s: sessionTimeout(),
        idleTimeout_s: idleTimeout(),
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
          secret: secret('tunnel secret, RFC 2661 section 5.1.1 and RFC 3931 section 4.3'),
          allowTunnelIdZero: flag(false, 'take data packets with tunnel ID 0 (D-Link DIR-300)'),
          addressControl: Type.Enum(['detect', 'always'], { default: 'detect', description: 'FF 03 before PPP' }),
          proxy: proxyMode('trust'),
          proxyMismatch: proxyMismatch(),
          maxSessions: whole(0, 65_535, 0, 'sessions in one tunnel of this peer; 0 = no limit'),
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
          server: hostText({ description: 'IP address or host name of the LNS' }),
          encapsulation: Type.Enum(['auto', 'udp2', 'udp3', 'ip'], {
            default: 'auto',
            description:
              'L2TP of the tunnel. auto: over UDP, version 3 where the LNS has it and else 2 (RFC 3931 section 4.7.3); udp2, udp3: that version over UDP; ip: version 3 over IP protocol 115',
          }),
          port: whole(1, 65_535, 1701, 'UDP port of the LNS'),
          tunnelSecret: secret('tunnel secret, RFC 2661 section 5.1.1 and RFC 3931 section 4.3'),
          digest: digest(),
          cookie_bytes: cookieLength("the LNS's packets"),
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
          sequencing: flag(
            false,
            'number data packets (RFC 2661 section 5.4); in version 3, ask for numbers (RFC 3931 section 5.4.4)',
          ),
          redialInitial_s: whole(1, 3600, 2, 'wait before the first redial, doubled each time'),
          redialCap_s: whole(1, 86_400, 60, 'the longest such wait'),
        },
        closed,
      ),
      { maxItems: 64, default: [], description: 'LNSes that we dial' },
    ),
    pseudowires: Type.Array(PseudowireSchema, {
      maxItems: 256,
      default: [],
      description: 'Ethernet carried over L2TP version 3, each from a TAP device of this box to a peer',
    }),
    lac: LacSchema,
    radius: RadiusSchema,
    filters: Type.Array(FilterSchema, {
      maxItems: 256,
      default: [],
      description: "filters for users' traffic, which a user or RADIUS names",
    }),
    routing: Type.Object(
      {
        forwarding: flag(true, 'forward packets between interfaces'),
        masqueradeOn: Type.Array(interfaceName({ description: 'name of an interface' }), {
          uniqueItems: true,
          maxItems: 64,
          default: [],
          description:
            "NAT: what users send out by these interfaces gets the interface's own IPv4 address as its source. Empty: routed as it is",
        }),
        staticRoutes: Type.Array(StaticRouteSchema, { maxItems: 1024, default: [], description: 'routes of the box' }),
        packetOffload: flag(
          true,
          'exchange packets of one flow with the kernel in one piece, at TUN devices and at L2TP sockets over UDP, as far as it has that. Off: each alone, for finding out whether that is at fault. In force when the program is started',
        ),
        portOffload: flag(
          true,
          'switch on, at the Ethernet ports, that received packets of one flow pass the kernel in one piece (gro and rx-udp-gro-forwarding of ethtool): less work for each packet that is forwarded to users. A capture on a port then shows those pieces. Off: ports are left, or put back, as they were',
        ),
      },
      section,
    ),
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
    tunnelGroup: Type.Optional(
      Type.String({ maxLength: 253, description: 'at the LAC: calls of this user are carried to these LNSes' }),
    ),
    filter: Type.Optional(Type.String({ maxLength: 253, description: 'a name of filters' })),
    sessionTimeout_s: sessionTimeout(),
    idleTimeout_s: idleTimeout(),
    receiveRate_bps: rate('from the user'),
    sendRate_bps: rate('to the user'),
  },
  closed,
);

export type Settings = Static<typeof SettingsSchema>;
export type LnsSettings = Settings['lns'];
export type TunnelPeer = Settings['tunnelPeers'][number];
export type LacClientSettings = Settings['lacClients'][number];
export type PseudowireSettings = Settings['pseudowires'][number];
export type LacSettings = Settings['lac'];
export type TunnelServerSettings = LacSettings['tunnelGroups'][number]['servers'][number];
export type RadiusSettings = Settings['radius'];
export type FilterSettings = Settings['filters'][number];
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
