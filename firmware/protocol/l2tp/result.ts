/**
 * Result codes of StopCCN and CDN, RFC 2661 section 4.4.2 and RFC 3931 section 5.4.2, and the AVP that carries them. Must
 * not choose among them.
 */
import type { ResultCode } from '../../wire/avp.js';
import type { DisconnectResult } from './events.js';

/** Of a StopCCN. */
export const STOP_RESULT = {
  clear: 1,
  generalError: 2,
  alreadyExists: 3,
  notAuthorized: 4,
  versionNotSupported: 5,
  shuttingDown: 6,
  stateMachineError: 7,
} as const;

/** Of a CDN. */
export const CDN_RESULT = {
  lossOfCarrier: 1,
  generalError: 2,
  administrative: 3,
  noFacilities: 4,
  noFacilitiesPermanently: 5,
  notEstablishedInTime: 10,
  /** From here on RFC 3931 section 5.4.2. */
  losingTieBreaker: 13,
  unsupportedPseudowireType: 14,
  sequencingWithoutSublayer: 15,
  stateMachineError: 16,
} as const;

/** An AVP holds 1,017 octets, and a character of UTF-8 takes up to four. */
const TEXT_CHARACTERS = 250;

/** Text that fits into an AVP, whatever it quotes. */
export function shortened(text: string): string {
  return text.slice(0, TEXT_CHARACTERS);
}

export function resultCodeAvp({ resultCode, errorCode, errorMessage }: DisconnectResult): ResultCode {
  return { resultCode, errorCode, errorMessage: errorMessage === undefined ? undefined : shortened(errorMessage) };
}
