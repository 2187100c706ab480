/**
 * What version 3 forbids a call whatever the roles say, RFC 3931 section 5.4.4: pseudowire types that were not offered,
 * and sequencing without a sublayer. Must not send anything: call-control.ts and call-messages.ts do.
 */
import { type AvpValues, PSEUDOWIRE_TYPE } from '../../wire/avp.js';
import type { CallDisconnect } from './events.js';
import { CDN_RESULT } from './result.js';
import type { Session, Tunnel } from './tunnel.js';

/** Of an ICRQ or OCRQ of ours: what the peer has not offered must not be asked of it. */
export function refusalOfOurType(tunnel: Tunnel, request: AvpValues): CallDisconnect | undefined {
  const { pseudowireType = PSEUDOWIRE_TYPE.ppp } = request;
  if (tunnel.version !== 3 || tunnel.peerPseudowireTypes.includes(pseudowireType)) return undefined;
  const errorMessage = `the peer has not offered pseudowire type ${pseudowireType}`;
  return { resultCode: CDN_RESULT.unsupportedPseudowireType, errorMessage };
}

/** Of the peer's. */
export function refusalOfPeersType(
  offered: readonly number[],
  { pseudowireType = 0 }: AvpValues,
): CallDisconnect | undefined {
  if (offered.includes(pseudowireType)) return undefined;
  const errorMessage = `pseudowire type ${pseudowireType} was not offered`;
  return { resultCode: CDN_RESULT.unsupportedPseudowireType, errorMessage };
}

/** Data Sequencing: numbers that the peer wants, with no sublayer to hold them. */
export function refusalOfSequencing({ peerSequencing }: Pick<Session, 'peerSequencing'>): CallDisconnect | undefined {
  const { dataSequencing = 0, l2SpecificSublayer = 0 } = peerSequencing;
  if (dataSequencing === 0 || l2SpecificSublayer !== 0) return undefined;
  const errorMessage = 'sequencing is wanted without an L2-Specific Sublayer';
  return { resultCode: CDN_RESULT.sequencingWithoutSublayer, errorMessage };
}

/** What a message of the peer asks for, and what it leaves as it was. */
export function sequencingAfter(before: Session['peerSequencing'], avps: AvpValues): Session['peerSequencing'] {
  const { l2SpecificSublayer, dataSequencing } = before;
  if (avps.l2SpecificSublayer === undefined && avps.dataSequencing === undefined) return before;
  return {
    l2SpecificSublayer: avps.l2SpecificSublayer ?? l2SpecificSublayer,
    dataSequencing: avps.dataSequencing ?? dataSequencing,
  };
}
