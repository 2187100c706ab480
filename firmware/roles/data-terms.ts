/**
 * What the two ends of a version 3 session agree on for its data packets: cookies, the Default L2-Specific Sublayer and
 * sequence numbers (RFC 3931 sections 4.1, 4.6 and 5.4.4). Each end says what it wants to receive. Pure.
 */
import type { AvpValues } from '../wire/avp.js';
import type { RandomBytes } from '../wire/bytes.js';
import type { ForwardingRow } from './role.js';

/** L2-Specific Sublayer AVP: the Default L2-Specific Sublayer. */
const DEFAULT_SUBLAYER = 1;
/** Data Sequencing AVP: all packets. */
const ALL_SEQUENCED = 2;
const NONE = new Uint8Array(0);

/** What we want of the packets that we receive. */
export interface DataTerms {
  cookie: Uint8Array;
  /** Numbers, and the sublayer that carries them. */
  sequencing: boolean;
}

/** What a row of the packet path takes of it. */
export type AgreedTerms = Pick<
  ForwardingRow,
  'localCookie' | 'peerCookie' | 'localSublayer' | 'peerSublayer' | 'sequencing'
>;

/** Section 8.2: a cookie is random, so that blind insertion of packets needs to guess it. */
export function localTerms(random: RandomBytes, cookie_bytes: number, sequencing: boolean): DataTerms {
  return { cookie: cookie_bytes === 0 ? NONE : random(cookie_bytes).slice(), sequencing };
}

/** For ICRQ and ICRP. */
export function termsAvps({ cookie, sequencing }: DataTerms): AvpValues {
  return {
    ...(cookie.length > 0 && { assignedCookie: cookie }),
    ...(sequencing && { l2SpecificSublayer: DEFAULT_SUBLAYER, dataSequencing: ALL_SEQUENCED }),
  };
}

/**
 * `peer` is what its ICRQ or ICRP says. Data Sequencing level 1 (packets that are not IP) gets numbers in all packets,
 * as section 5.4.4 has it for who does not look into them.
 */
export function agreedTerms(local: DataTerms, peer: AvpValues): AgreedTerms {
  return {
    localCookie: local.cookie,
    peerCookie: peer.assignedCookie ?? NONE,
    localSublayer: local.sequencing,
    peerSublayer: false,
    sequencing: false,
    ...changedTerms(peer),
  };
}

/** What an ICCN changes of that: it may say either anew, or nothing. */
export function changedTerms({
  l2SpecificSublayer,
  dataSequencing,
}: AvpValues): Partial<Pick<ForwardingRow, 'peerSublayer' | 'sequencing'>> {
  return {
    ...(l2SpecificSublayer !== undefined && { peerSublayer: l2SpecificSublayer !== 0 }),
    ...(dataSequencing !== undefined && { sequencing: dataSequencing !== 0 }),
  };
}

/** Version 2 has none of it; it numbers what it sends where both ends know (RFC 2661 section 5.4). */
export function version2Terms(sequencing: boolean): AgreedTerms {
  return { localCookie: NONE, peerCookie: NONE, localSublayer: false, peerSublayer: false, sequencing };
}
