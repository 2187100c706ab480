/**
 * What passes the edge of the access concentrator: its configuration, what it is told and what it reports, and why it
 * drops. Types and names alone.
 */
import type { AccessLine } from '../../wire/access-line.js';
import type { VlanTag } from '../../wire/ethernet.js';

/** An Ethernet interface that hosts are attached to, directly or behind VLANs. */
export interface PppoeInterface {
  /** The kernel's. */
  index: number;
  mac: string;
  /** Of what an Ethernet frame carries, behind its header and tags. */
  mtu_bytes: number;
}

/** For a second, in bursts of as many. */
export interface RateConfig {
  perMac_per_s: number;
  perInterface_per_s: number;
}

export interface AccessConcentratorConfig {
  interfaces: readonly PppoeInterface[];
  /** AC-Name TAG: at least one octet. */
  acName: string;
  /** Services that are offered by name. Any service (a Service-Name without a value) always is. */
  serviceNames: readonly string[];
  /** Services of all other names are served too, which RFC 2516 section 9 recommends. */
  servesAnyName: boolean;
  maxSessions: number;
  /** At most 65,534. */
  maxSessionsPerInterface: number;
  /** For each MAC address on an interface or VLAN. */
  maxSessionsPerMac: number;
  /** PADIs that are answered, */
  offers: RateConfig;
  /** and PADRs with a valid cookie. */
  requests: RateConfig;
}

/** Where a host is: the interface, and the tags of its frames, the outer one first, which ours to it have too. */
export interface Attachment {
  interfaceIndex: number;
  tags: readonly VlanTag[];
}

/** A session, as the host has asked for it. */
export interface PppoeSession {
  /** Ours, for calls and events; never given twice. */
  sessionKey: number;
  attachment: Attachment;
  localMac: string;
  peerMac: string;
  /** SESSION_ID: unique on the interface. */
  sessionId: number;
  /** '' is any. Latin-1 text of its octets. */
  serviceName: string;
  /** As the access node says it. */
  accessLine?: AccessLine;
  /** What an MRU may be at most: 1492, less where the interface takes less, more by PPP-Max-Payload (RFC 4638). */
  maxPayload_bytes: number;
}

/** How a request is answered; a message is for people, and goes to the host. */
export type SessionAnswer =
  | { accepted: true }
  | { accepted: false; error: 'service-name' | 'ac-system' | 'generic'; message?: string };

export type DiscoveryEvent =
  /** A question: `answerSession` answers it. */
  | { type: 'session-requested'; session: PppoeSession }
  /** The PADS is on its way. */
  | { type: 'session-up'; session: PppoeSession }
  /** Of a session that is up or was asked for. After it no frame of the session may be sent (RFC 2516 section 5.5). */
  | { type: 'session-closed'; session: PppoeSession; by: 'peer' | 'local' };

export interface DiscoveryTransmit {
  interfaceIndex: number;
  /** With its Ethernet header, without check sequence. */
  frame: Uint8Array;
}

/** Why a packet of discovery is not served, each with a counter. */
export const DISCOVERY_DROPS = [
  'unknown-interface',
  /** Lengths that lie, another version, a third VLAN tag. */
  'malformed',
  'not-discovery',
  /** A group address, or our own, as source. */
  'bad-source',
  'not-for-us',
  /** A message that hosts do not send. */
  'unexpected-code',
  /** PADI or PADR with a SESSION_ID. */
  'session-id-set',
  /** A PADI without the room that a relay agent may need, or more than an Ethernet frame carries. */
  'too-long',
  /** No Service-Name, or several. */
  'service-name-count',
  'service-name-unknown',
  /** A PADR that says itself that something went wrong. */
  'error-tag',
  'cookie-missing',
  'cookie-invalid',
  'rate-of-mac',
  'rate-of-interface',
  'session-limit',
  'interface-session-limit',
  'mac-session-limit',
  /** The same PADR again, while its question is open. */
  'request-pending',
  'reply-too-long',
  /** A PADT for a session that there is not, or from somebody else. */
  'unknown-session',
] as const;
export type DiscoveryDrop = (typeof DISCOVERY_DROPS)[number];

export interface DiscoveryCounters {
  received: { padi: number; padr: number; padt: number };
  sent: { pado: number; pads: number; padt: number };
  drops: Record<DiscoveryDrop, number>;
}
