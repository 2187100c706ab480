/**
 * All in which versions 2 (RFC 2661) and 3 (RFC 3931) differ for the state machines: how a message is addressed, which
 * AVPs carry IDs, what acknowledges, what a peer is told of, which codes say what. Must not act, nor keep anything.
 */
import { type AvpValues, CIRCUIT_STATUS, type L2tpVersion, MESSAGE_TYPE, PSEUDOWIRE_TYPE } from '../../wire/avp.js';
import { ERROR_CODE, octets } from '../../wire/bytes.js';
import type { DisconnectResult, L2tpEndpointConfig, TransportPath } from './events.js';
import { CDN_RESULT } from './result.js';

/** RFC 2661 section 4.4.3, Protocol Version AVP: the only version there is. */
export const PROTOCOL_VERSION = { version: 1, revision: 0 } as const;
/** Framing Capabilities: asynchronous and synchronous. */
const FRAMING_CAPABILITIES = 3;
/** Bearer Capabilities: no device that places calls. */
const BEARER_CAPABILITIES = 0;

export interface VersionRules {
  /** The ID by which the sender of SCCRQ, SCCRP or StopCCN wants to be addressed; 0 where it says none. */
  assignedTunnelId(avps: AvpValues): number;
  tunnelIdAvps(tunnelId: number): AvpValues;
  /** The ID that the sender of a session's message has assigned to it; 0 where it says none. */
  assignedSessionId(avps: AvpValues): number;
  sessionIdAvps(localSessionId: number, peerSessionId: number): AvpValues;
  /** The receiver's ID of the session that a message is for; 0 where the sender did not know it. */
  namedSessionId(headerSessionId: number, avps: AvpValues): number;
  /** What SCCRQ and SCCRP say beyond IDs and authentication: RFC 2661 and RFC 3931 sections 6.1 and 6.2. */
  introduction(config: L2tpEndpointConfig): AvpValues;
  /** What an ICRQ or OCRQ must have, where the caller gives nothing else. */
  callRequest(config: L2tpEndpointConfig): AvpValues;
  /** The same for ICRP and OCRP. */
  callReply: AvpValues;
  /** The codes of a CDN after a message that the state table has no place for, */
  outOfPlace: DisconnectResult;
  /** and after a call that did not come up in time, as an LAC says it, and as an LNS. */
  late: { lac: DisconnectResult; lns: DisconnectResult };
  /** An explicit acknowledgement is a message, ACK (RFC 3931 section 6.15), and not a ZLB. */
  acknowledgesByMessage: boolean;
  /** RFC 2661 section 6.9: an outgoing call takes a peer that has sent Bearer Capabilities. */
  callsNeedBearers: boolean;
}

const STATE_MACHINE = { resultCode: CDN_RESULT.stateMachineError };
const VENDOR_SPECIFIC = { resultCode: CDN_RESULT.generalError, errorCode: ERROR_CODE.vendorSpecific };
const ACTIVE: AvpValues = { circuitStatus: CIRCUIT_STATUS.active | CIRCUIT_STATUS.new };

export const VERSION_RULES: Readonly<Record<L2tpVersion, VersionRules>> = {
  2: {
    assignedTunnelId: ({ assignedTunnelId = 0 }) => assignedTunnelId,
    tunnelIdAvps: (tunnelId) => ({ assignedTunnelId: tunnelId }),
    assignedSessionId: ({ assignedSessionId = 0 }) => assignedSessionId,
    sessionIdAvps: (localSessionId) => ({ assignedSessionId: localSessionId }),
    namedSessionId: (headerSessionId) => headerSessionId,
    introduction: ({ hostName, vendorName, firmwareRevision, receiveWindow }) => ({
      protocolVersion: PROTOCOL_VERSION,
      hostName,
      framingCapabilities: FRAMING_CAPABILITIES,
      bearerCapabilities: BEARER_CAPABILITIES,
      firmwareRevision,
      vendorName,
      receiveWindowSize: receiveWindow,
    }),
    callRequest: () => ({}),
    callReply: {},
    outOfPlace: VENDOR_SPECIFIC,
    late: { lac: { resultCode: CDN_RESULT.notEstablishedInTime }, lns: VENDOR_SPECIFIC },
    acknowledgesByMessage: false,
    callsNeedBearers: true,
  },
  3: {
    assignedTunnelId: ({ assignedControlConnectionId = 0 }) => assignedControlConnectionId,
    tunnelIdAvps: (tunnelId) => ({ assignedControlConnectionId: tunnelId }),
    assignedSessionId: ({ localSessionId = 0 }) => localSessionId,
    sessionIdAvps: (localSessionId, peerSessionId) => ({ localSessionId, remoteSessionId: peerSessionId }),
    namedSessionId: (_headerSessionId, { remoteSessionId = 0 }) => remoteSessionId,
    introduction: ({ hostName, vendorName, receiveWindow, routerId, pseudowireTypes }) => ({
      hostName,
      vendorName,
      receiveWindowSize: receiveWindow,
      routerId,
      pseudowireCapabilitiesList: pseudowireTypes,
    }),
    callRequest: ({ hostName }) => ({
      pseudowireType: PSEUDOWIRE_TYPE.ppp,
      remoteEndId: octets(hostName),
      ...ACTIVE,
    }),
    callReply: ACTIVE,
    outOfPlace: STATE_MACHINE,
    late: { lac: STATE_MACHINE, lns: STATE_MACHINE },
    acknowledgesByMessage: true,
    callsNeedBearers: false,
  },
};

/** While an SCCRQ of both versions waits for its answer, all but that SCCRQ is as in version 2 (RFC 3931 4.7.3). */
export function versionOnWire(version: L2tpVersion | 'auto'): L2tpVersion {
  return version === 'auto' ? 2 : version;
}

/** The AVPs of an SCCRQ or SCCRP that concern the tunnel's version, or both while it is not decided. */
export function rulesOf(version: L2tpVersion | 'auto'): readonly VersionRules[] {
  return version === 'auto' ? [VERSION_RULES[2], VERSION_RULES[3]] : [VERSION_RULES[version]];
}

/**
 * The version that an SCCRQ is answered in: version 3 where it says what that takes and is accepted here (RFC 3931
 * section 4.7.3), undefined where nothing that it offers is.
 */
export function versionOfRequest(
  headerVersion: L2tpVersion,
  avps: AvpValues,
  { encapsulation }: TransportPath,
  accepts: L2tpEndpointConfig['accepts'],
): L2tpVersion | undefined {
  if (encapsulation === 'ip') return headerVersion === 3 && accepts.includes('ip') ? 3 : undefined;
  const offers3 = avps.assignedControlConnectionId !== undefined && avps.pseudowireCapabilitiesList !== undefined;
  if ((headerVersion === 3 || offers3) && accepts.includes('udp3')) return 3;
  return headerVersion === 2 && accepts.includes('udp2') ? 2 : undefined;
}

/** The body of a message that only acknowledges: a ZLB, in version 3 the ACK, vendor 9's of the drafts as well. */
export function isAcknowledgement(version: L2tpVersion, body: Uint8Array): boolean {
  if (body.length === 0) return true;
  if (version === 2 || body.length < 8) return false;
  const view = new DataView(body.buffer, body.byteOffset, 8);
  const [vendorId, type] = [view.getUint16(2), view.getUint16(4)];
  return type === 0 && (vendorId === 9 || (vendorId === 0 && view.getUint16(6) === MESSAGE_TYPE.ACK));
}
