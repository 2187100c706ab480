/**
 * What the endpoint keeps of a tunnel and of a session, as plain data. Must not decide anything.
 */
import type { AvpValues, ControlMessage, DigestType, L2tpVersion } from '../../wire/avp.js';
import type { ControlConnectionState } from './control-connection.js';
import type { TransportPath } from './events.js';
import type { ReliableDelivery } from './reliable-delivery.js';
import type { CallKind, SessionState } from './session.js';

/** A control message on its way out: the header's Session ID is the peer's, `localSessionId` is for the trace. */
export interface OutgoingMessage {
  readonly message: ControlMessage;
  readonly body: Uint8Array;
  readonly peerSessionId: number;
  readonly localSessionId: number;
}

/** A control message as it came: version and `sessionId` (ours or 0) are those of the header. */
export interface IncomingMessage {
  readonly version: L2tpVersion;
  readonly sessionId: number;
  readonly body: Uint8Array;
}

export interface Tunnel {
  /** `auto`: our SCCRQ of both versions has no answer yet (RFC 3931 section 4.7.3). */
  version: L2tpVersion | 'auto';
  readonly tunnelId: number;
  /** 0 until the peer has assigned it. */
  peerTunnelId: number;
  /** True where we sent the SCCRQ. */
  readonly originator: boolean;
  state: ControlConnectionState;
  path: TransportPath;
  readonly delivery: ReliableDelivery<OutgoingMessage, IncomingMessage>;

  /** Shared secret of tunnel authentication and AVP hiding. */
  secret: Uint8Array | undefined;
  readonly hideAvps: boolean;
  /** Our Host Name AVP where it is not the box's. */
  readonly hostName: string | undefined;
  /** The peer writes 0 for our tunnel ID into its headers (D-Link DIR-300). */
  allowTunnelIdZero: boolean;
  /** Of our SCCRQ. */
  readonly tieBreaker: Uint8Array | undefined;
  localChallenge: Uint8Array | undefined;
  peerChallenge: Uint8Array | undefined;
  /** Where the peer sent the SCCRQ: whence it came, and the packet, by which a repeated one is known. */
  readonly request: { readonly key: string; readonly packet: Uint8Array } | undefined;

  /** Control Message Authentication, RFC 3931 section 4.3: set where every message of ours has a Message Digest. */
  digest: DigestType | undefined;
  /** Of the secret, which does not change once a packet has been digested with it. */
  digestKey: Uint8Array | undefined;
  localNonce: Uint8Array | undefined;
  peerNonce: Uint8Array | undefined;
  /** The peer writes vendor 9's AVPs of the drafts (old IOS), and gets them. */
  draftAvps: boolean;
  peerRouterId: number;
  peerPseudowireTypes: readonly number[];

  peerHostName: string;
  peerVendorName: string;
  /** Absent where the peer cannot place outgoing calls (RFC 2661 section 4.4.3). */
  peerBearerCapabilities: number | undefined;

  /** By our ID, and by the peer's where it has assigned one. */
  readonly sessions: Map<number, Session>;
  readonly sessionsByPeerId: Map<number, Session>;

  /** When the last control message or data came. */
  lastReceived_ms: number;
  /** Set until the tunnel is established. */
  establishBy_ms: number | undefined;
  /** Set once the tunnel is closed: until then it acknowledges what still comes (RFC 2661 section 5.7). */
  lingerUntil_ms: number | undefined;
}

export interface Session {
  readonly sessionId: number;
  /** 0 until the peer has assigned it. */
  peerSessionId: number;
  readonly tunnel: Tunnel;
  readonly kind: CallKind;
  state: SessionState;
  /** What our ICRQ or OCRQ will say once the tunnel is open; while it has no answer, what a tie is known by. */
  request: AvpValues;
  /** What the peer's messages of version 3 have asked for so far, each in place of what came before. */
  peerSequencing: Pick<AvpValues, 'l2SpecificSublayer' | 'dataSequencing'>;
  /** An ICRP has come and waits for connectCall. */
  replied: boolean;
}
