/** What passes the edge of the RADIUS client: its configuration, requests, replies, and why it drops. Types and names alone. */
import type { ParsedAttributes, RadiusValues } from '../../wire/radius-attributes.js';

export interface RadiusServer {
  /** Canonical text. */
  address: string;
  port: number;
  secret: Uint8Array;
  /** A reply to an Access-Request without Message-Authenticator is dropped: CVE-2024-3596, Blast-RADIUS. */
  requiresMessageAuthenticator: boolean;
  /**
   * It may be sent Status-Server (RFC 5997): when it is dead, it is asked, and lives again when it answers; where it has
   * never answered one, it lives again after the dead time, as without.
   */
  answersStatusServer: boolean;
}

export interface RadiusClientConfig {
  service: 'authentication' | 'accounting';
  /** In the order in which they are asked; at least one. No two with one address and port. */
  servers: readonly RadiusServer[];
  /** Each has 256 identifiers with each server. */
  sourcePorts: number;
  /** IRT, RFC 5080 section 2.2.1: the wait after a first transmission to a server. */
  initialRetransmission_ms: number;
  /** MRT: the wait is never longer, but for a tenth of jitter. */
  maxRetransmission_ms: number;
  /** MRC: transmissions of one request to all servers together. */
  maxTransmissions: number;
  /** MRD: the life of a request. */
  maxDuration_ms: number;
  /** So many transmissions without an answer, and the next server is asked. */
  transmissionsPerServer: number;
  /** How long a dead server is not asked while there is another; with Status-Server, the time between two of those. */
  deadTime_ms: number;
}

export interface RadiusRequest {
  /** Without User-Password; Acct-Delay-Time is added to what is here. */
  values: RadiusValues;
  /** In clear, for an Access-Request with PAP: hidden for each server anew. */
  password?: Uint8Array;
}

export type RadiusReplyCode = 'accept' | 'reject' | 'challenge' | 'accounting-response';

export type RadiusClientEvent =
  /** Tunnel-Password and MPPE keys in the values are in clear. */
  | ({ type: 'reply'; requestKey: number; code: RadiusReplyCode; serverIndex: number } & ParsedAttributes)
  /** No server has answered in time. */
  | { type: 'no-reply'; requestKey: number }
  | { type: 'server-dead' | 'server-alive'; serverIndex: number };

export interface RadiusTransmit {
  sourcePortIndex: number;
  address: string;
  port: number;
  datagram: Uint8Array;
}

/** Why a datagram is not taken, each with a counter. */
export const RADIUS_REPLY_DROPS = [
  'unknown-server',
  'malformed',
  'unexpected-code',
  /** Too late, twice, or to nothing that was asked. */
  'no-such-request',
  'authenticator-wrong',
  'message-authenticator-missing',
  'message-authenticator-wrong',
  /** A Tunnel-Password or key whose length, in clear, lies. */
  'undecipherable',
] as const;

export type RadiusReplyDrop = (typeof RADIUS_REPLY_DROPS)[number];
/** Those of datagrams that come from a server's address and port. */
export type RadiusServerDrop = Exclude<RadiusReplyDrop, 'unknown-server'>;

/** How one server does. */
export interface RadiusServerStatus {
  address: string;
  port: number;
  isDead: boolean;
  /** That it was asked, each once however often it was sent. */
  requests: number;
  /** Of these. */
  replies: number;
  /** Given to the next server, or given up, without a reply. */
  noReplies: number;
  statusServers: number;
  drops: Record<RadiusServerDrop, number>;
}

export interface RadiusClientCounters {
  requests: number;
  transmissions: number;
  statusServers: number;
  replies: number;
  noReplies: number;
  drops: Record<RadiusReplyDrop, number>;
}
