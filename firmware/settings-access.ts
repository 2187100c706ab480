/**
 * The settings of how users get in: the PPPoE access concentrator and the tunnels of the LAC, RADIUS, and what a user may
 * do. Schemas alone; what they cannot say is in store/access-rules.ts.
 */
import { Type } from 'typebox';
import {
  authenticationList,
  canonical,
  canonicalAddress,
  closed,
  cookieLength,
  digest,
  flag,
  hostText,
  interfaceName,
  nameText,
  prefixText,
  secret,
  section,
  whole,
} from './settings-fields.js';

const addressText = (description: string) =>
  canonical(canonicalAddress, 'is not an IP address; write it as in 192.0.2.1 or 2001:db8::1', { description });

/** What an LNS does with the LCP and authentication that a LAC hands over (RFC 2661 section 4.4.5). */
export const proxyMode = (byDefault: 'trust' | 'chap' | 'renegotiate') =>
  Type.Enum(['trust', 'chap', 'renegotiate'], {
    default: byDefault,
    description:
      'what is done with the LCP and authentication that a LAC hands over. trust: both are taken, and the handed-over answer is checked. chap: the same, and then the user is challenged once more by CHAP. renegotiate: LCP begins anew, and the user authenticates here',
  });
export const proxyMismatch = () =>
  Type.Enum(['renegotiate', 'refuse'], {
    default: 'renegotiate',
    description:
      'when what the LAC hands over cannot be taken (it contradicts itself, an MRU larger than ours, an authentication that is not allowed here): begin LCP anew, or refuse the call',
  });

export const sessionTimeout = () => whole(0, 31_536_000, 0, 'a call is ended after this time; 0 = none');
export const idleTimeout = () => whole(0, 86_400, 0, 'a call without traffic for so long is ended; 0 = never');
export const rate = (direction: string) => whole(0, 4_000_000_000, 0, `bits a second ${direction}; 0 = no limit`);
export const duplicateLogins = () =>
  Type.Enum(['allow', 'replace', 'refuse'], {
    default: 'allow',
    description:
      'when a user calls who has a call already. allow: both stand. replace: the older one is ended. refuse: the newer one is',
  });

/** One LNS of a group. */
const TunnelServerSchema = Type.Object(
  {
    server: hostText({ description: 'IP address or host name of the LNS' }),
    preference: whole(
      0,
      65_535,
      0,
      'RFC 2868 section 3.8: the lowest is taken first, equal ones share the calls, higher ones are for when those fail',
    ),
    encapsulation: Type.Enum(['auto', 'udp2', 'udp3', 'ip'], {
      default: 'udp2',
      description:
        'L2TP of the tunnel. auto: over UDP, version 3 where the LNS has it and else 2 (RFC 3931 section 4.7.3); udp2, udp3: that version over UDP; ip: version 3 over IP protocol 115',
    }),
    port: whole(1, 65_535, 1701, 'UDP port of the LNS'),
    localAddress: Type.Optional(addressText('our address in the tunnel; left out, the routing table says which')),
    secret: secret('tunnel secret, RFC 2661 section 5.1.1 and RFC 3931 section 4.3'),
    hostName: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description: "our Host Name AVP in this tunnel; left out, the box's",
      }),
    ),
    peerHostName: Type.Optional(
      Type.String({ minLength: 1, maxLength: 255, description: "the LNS's Host Name AVP must be this" }),
    ),
    digest: digest(),
    cookie_bytes: cookieLength("the LNS's packets"),
    sequencing: flag(false, 'number data packets (RFC 2661 section 5.4, RFC 3931 section 5.4.4)'),
  },
  closed,
);

const LacInterfaceSchema = Type.Object(
  {
    name: interfaceName({ description: 'Ethernet interface that PCs are attached to' }),
    vlans: Type.Enum(['untagged', 'any'], {
      default: 'any',
      description:
        'any: PCs behind one or two VLAN tags are served too, each in its VLAN; untagged: only those without',
    }),
    mtu_bytes: Type.Optional(
      whole(576, 1508, 1500, "of the wire, where it is not the interface's own; 1508 carries PPP of 1500 (RFC 4638)"),
    ),
  },
  closed,
);

const TunnelRuleSchema = Type.Object(
  {
    domain: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 253,
        description: 'user names that end in @ and this; without domain and interface: every call',
      }),
    ),
    interface: Type.Optional(interfaceName({ description: 'calls that come by this interface' })),
    action: Type.Enum(['tunnel', 'local', 'refuse'], {
      description:
        'tunnel: to the group of LNSes, who authenticate the user; local: the user is authenticated and gets an address here; refuse: no',
    }),
    group: Type.Optional(Type.String({ maxLength: 253, description: 'for tunnel: a name of tunnelGroups' })),
  },
  closed,
);

export const LacSchema = Type.Object(
  {
    enabled: flag(false, 'answer PPPoE'),
    interfaces: Type.Array(LacInterfaceSchema, { maxItems: 64, default: [], description: 'where PPPoE is answered' }),
    acName: Type.String({ maxLength: 64, default: '', description: "AC-Name of our offers; empty = the box's name" }),
    serviceNames: Type.Array(nameText('a service'), {
      maxItems: 16,
      uniqueItems: true,
      default: [],
      description: 'services offered by name, beside any service, which always is',
    }),
    servesAnyName: flag(true, 'a service of another name is served too, RFC 2516 section 9'),
    authentication: authenticationList(),
    ipv6: flag(true, 'run IPV6CP on calls that end here'),
    maxSessions: whole(1, 65_534, 4096, 'PPPoE sessions at once'),
    maxSessionsPerInterface: whole(1, 65_534, 4096, 'PPPoE sessions on one interface'),
    maxSessionsPerMac: whole(1, 65_534, 4, 'PPPoE sessions of one MAC address on an interface or VLAN'),
    padiPerMac_per_s: whole(1, 100, 5, 'PADI and PADR of one MAC address that are answered a second'),
    padiPerInterface_per_s: whole(1, 500, 500, 'PADI and PADR of one interface that are answered a second'),
    tunnelAnswer_s: whole(
      2,
      60,
      8,
      'an LNS that has given no tunnel or session by then has failed, and the next one is asked',
    ),
    deadTime_s: whole(0, 86_400, 60, 'an LNS that has failed is not asked for so long while there is another'),
    tunnelIdle_s: whole(0, 86_400, 60, 'a tunnel without a session is closed after this time'),
    maxSessionsPerTunnel: whole(
      0,
      65_535,
      0,
      'a tunnel with so many sessions is full, and another is opened; 0 = no limit',
    ),
    tunnelGroups: Type.Array(
      Type.Object(
        {
          name: nameText('how this group of LNSes is called'),
          servers: Type.Array(TunnelServerSchema, { minItems: 1, maxItems: 31 }),
        },
        closed,
      ),
      { maxItems: 256, default: [], description: 'LNSes that calls are carried to' },
    ),
    rules: Type.Array(TunnelRuleSchema, {
      maxItems: 1024,
      default: [],
      description:
        'where a call goes, the first match decides; where none does, RADIUS or the user table says, by tunnel attributes or the group of the user',
    }),
  },
  section,
);

const RadiusServerSchema = (port: number) =>
  Type.Object(
    {
      address: addressText('IP address of the server'),
      port: whole(1, 65_535, port, 'UDP port of the server'),
      secret: secret('shared secret, RFC 2865 section 3'),
      requireMessageAuthenticator: flag(
        true,
        'drop replies to Access-Requests without Message-Authenticator (RFC 3579, CVE-2024-3596)',
      ),
      statusServer: flag(true, 'the server answers Status-Server (RFC 5997): asked so when it is dead'),
    },
    closed,
  );

export const RadiusSchema = Type.Object(
  {
    authentication: Type.Array(RadiusServerSchema(1812), {
      maxItems: 8,
      default: [],
      description: 'servers that are asked who a user is, in this order; without any, the user table says',
    }),
    accounting: Type.Array(RadiusServerSchema(1813), {
      maxItems: 8,
      default: [],
      description: 'servers that are told of calls, in this order',
    }),
    nasIdentifier: Type.String({ maxLength: 253, default: '', description: "NAS-Identifier; empty = the box's name" }),
    nasAddress: Type.Optional(addressText('NAS-IP-Address or NAS-IPv6-Address; left out, none is sent')),
    sourcePorts: whole(1, 64, 4, 'UDP ports that requests leave from, each with 256 identifiers for each server'),
    initialRetransmission_ms: whole(200, 10_000, 2000, 'IRT, RFC 5080 section 2.2.1'),
    transmissionsPerServer: whole(1, 10, 2, 'transmissions without an answer, and the next server is asked'),
    timeout_s: whole(2, 120, 20, 'a request without an answer from any server is given up'),
    deadTime_s: whole(1, 86_400, 60, 'a dead server is not asked for so long while there is another'),
    interimInterval_s: whole(
      0,
      86_400,
      0,
      'Interim-Update after each such time unless RADIUS says otherwise; 0 = none',
    ),
    tunnelAccounting: flag(true, 'Tunnel-Start, Tunnel-Stop and their like, RFC 2867'),
    dynamicAuthorization: Type.Object(
      {
        port: whole(0, 65_535, 0, 'UDP port for CoA and Disconnect, RFC 5176, which has 3799; 0 = none'),
        clients: Type.Array(
          Type.Object(
            {
              address: addressText('IP address of who may send'),
              secret: secret('shared secret'),
              requireMessageAuthenticator: flag(true, 'drop requests without Message-Authenticator'),
            },
            closed,
          ),
          { maxItems: 16, default: [] },
        ),
      },
      section,
    ),
  },
  section,
);

/** A filter for users' traffic, named by Filter-Id. */
export const FilterSchema = Type.Object(
  {
    name: nameText('the Filter-Id'),
    rules: Type.Array(
      Type.Object(
        {
          action: Type.Enum(['accept', 'drop']),
          direction: Type.Enum(['from-user', 'to-user', 'both'], { default: 'both' }),
          remote: Type.Optional(prefixText()),
          protocol: Type.Optional(Type.Enum(['tcp', 'udp', 'icmp'])),
          port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, description: 'of the remote end' })),
        },
        closed,
      ),
      { maxItems: 256, default: [], description: 'the first match decides' },
    ),
    otherwise: Type.Enum(['accept', 'drop'], { default: 'accept' }),
  },
  closed,
);
