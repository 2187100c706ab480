/**
 * The types at the seam between a PPP link and the role that owns it: configuration, questions, answers and events.
 * Holds no code.
 */

/** The authentication protocols that a link can ask of its peer, or perform itself. */
export type AuthenticationProtocol = 'pap' | 'chap-md5' | 'mschapv2';

/** What one link is told when it is made. All of it stays as it is for the link's life. */
export interface PppLinkConfig {
  /** 'authenticator': the LNS, which gives addresses. 'peer': the LAC client, which asks for them. */
  side: 'authenticator' | 'peer';
  /** The Maximum-Receive-Unit that we ask for, 128…65535 (RFC 1661 section 6.1). */
  mru_bytes: number;
  /**
   * We authenticate the peer: by the first of `protocols` that it does not refuse. Left out, or with an empty list:
   * nobody is asked who he is. `name` goes into CHAP challenges. With `rechallengeInterval_ms` CHAP is repeated
   * while the link is up (RFC 1994 section 4.1).
   */
  authenticator?: { protocols: readonly AuthenticationProtocol[]; name: string; rechallengeInterval_ms?: number };
  /**
   * The link is a session of PPPoE, and has the options of RFC 2516 section 7. Its host is told of the session a moment
   * before it listens to it: our first Configure-Request waits for the host's first frame, but not longer than
   * HOST_SILENCE_MS.
   */
  overEthernet?: boolean;
  /** We do not ask for an ACCM (RFC 1662 section 7.1): what is known of the peer's line says that it has none. */
  withoutAccm?: boolean;
  /** We authenticate ourselves, by a protocol of `allow` (the first is what we suggest) and by no other. */
  peer?: { name: string; password: string; allow: readonly AuthenticationProtocol[] };
  /** Whether IPCP is run. */
  ipv4: boolean;
  /** Whether IPV6CP is run. */
  ipv6: boolean;
  /** An Echo-Request goes out after so much time without anything from the peer; 0: never. */
  echoInterval_ms: number;
  /** So many Echo-Requests without anything from the peer end the link; 0: they never do. */
  echoFailures: number;
  /** Restart timer of LCP, and of PAP and CHAP (RFC 1661 section 4.6). */
  restartTimer_ms: number;
  /** Restart timer of IPCP and IPV6CP, which may be brisker. */
  ncpRestartTimer_ms: number;
  maxConfigure: number;
  maxTerminate: number;
  maxFailure: number;
  /** The longest time that authentication may take from LCP up on, answers of the outside included. */
  authenticationTimeout_ms: number;
}

/** What a peer said of itself. It may be wrong: the answer to it decides. Names are octets as received. */
export type AuthenticationRequest =
  | {
      protocol: 'pap';
      name: Uint8Array;
      /** Of the Authenticate-Request. */
      identifier: number;
      password: Uint8Array;
    }
  | { protocol: 'chap-md5'; name: Uint8Array; identifier: number; challenge: Uint8Array; response: Uint8Array }
  | {
      protocol: 'mschapv2';
      name: Uint8Array;
      identifier: number;
      /** The authenticator's challenge, 16 octets. */
      challenge: Uint8Array;
      /** 16 octets. */
      peerChallenge: Uint8Array;
      /** 24 octets. */
      ntResponse: Uint8Array;
    };

/**
 * The answer to an AuthenticationRequest. `authenticatorResponse` is the text "S=" and 40 hexadecimal digits of
 * RFC 2759 section 5: required when an 'mschapv2' request is accepted, unused otherwise.
 */
export type AuthenticationAnswer =
  | { accepted: true; message?: string; authenticatorResponse?: string }
  | { accepted: false; message?: string };

/**
 * What a LAC has settled with its user and hands over to the LNS (the proxy AVPs of RFC 2661 section 4.4.5). The two
 * lists are the octets of LCP Configure-Requests from the first option on.
 */
export interface ProxiedLink {
  /** What the LAC asked for last: from now on it is we who asked for it. */
  lastSent: Uint8Array;
  /** What the user asked for last. */
  lastReceived: Uint8Array;
  /** What the user answered to the LAC; undefined (Proxy Authen Type 4, or none): he is asked here. */
  request: AuthenticationRequest | undefined;
  /** The user is challenged by CHAP once more when what is handed over has been accepted. */
  challengeAgain: boolean;
}

/** What the network phase of an authenticator's link is given. A family that is left out is refused to the peer. */
export interface NetworkParameters {
  ipv4?: { localAddress: string; peerAddress: string; dns: readonly string[]; nbns: readonly string[] };
  /**
   * Interface identifiers of 8 octets, both different and neither zero. The peer's is a suggestion: RFC 5072
   * section 4.1 lets the peer choose its own.
   */
  ipv6?: { localInterfaceId: Uint8Array; peerInterfaceId: Uint8Array };
}

/** Why a link has ended. */
export type LinkDownReason =
  | 'peer-terminated'
  | 'local-close'
  | 'authentication-failed'
  | 'authentication-timeout'
  | 'lcp-timeout'
  | 'echo-timeout'
  | 'loopback'
  | 'no-network-protocol'
  | 'negotiation-failed';

/**
 * What a link tells its owner, in order. 'authentication-request' and 'network-request' are questions: each is
 * answered exactly once, by answerAuthentication and answerNetwork, even if the link has renegotiated since; an
 * answer that has lost its question is then dropped by the link, and a new question is only asked after it.
 */
export type PppLinkEvent =
  | {
      /** LCP is opened: at first, and again after each renegotiation. */
      type: 'lcp-up';
      localMru_bytes: number;
      peerMru_bytes: number;
      /** We may leave out FF 03 in what we send. */
      transmitAcfc: boolean;
      /** We may send protocol fields of one octet. */
      transmitPfc: boolean;
      /** What the peer must authenticate itself with, or (side 'peer') what it asks of us. */
      authentication?: AuthenticationProtocol;
    }
  | { type: 'authentication-request'; request: AuthenticationRequest }
  | {
      /** Once per authentication phase. On side 'peer' `name` is our own. */
      type: 'authenticated';
      name: Uint8Array;
      message: string;
    }
  | { type: 'network-request' }
  | {
      type: 'ipcp-up';
      localAddress: string;
      /** '' when the peer told none. */
      peerAddress: string;
      dns: readonly string[];
    }
  | { type: 'ipcp-down' }
  | { type: 'ipv6cp-up'; localInterfaceId: Uint8Array; peerInterfaceId: Uint8Array }
  | { type: 'ipv6cp-down' }
  | { type: 'down'; reason: LinkDownReason; message: string }
  | { type: 'message'; direction: 'sent' | 'received'; protocol: number; packet: Uint8Array };
