/**
 * Control Message Authentication of version 3, RFC 3931 sections 4.3 and 5.4.1: which nonces and which key count for a
 * tunnel's packet, in both directions. Must not drop, count or answer anything: whoever asks does.
 */
import { equalBytes } from '../../crypto/chap.js';
import {
  checkMessageDigest,
  deriveMessageDigestKey,
  type MessageNonces,
  messageDigestType,
  sealMessageDigest,
} from '../../crypto/message-digest.js';
import { type ControlMessage, ControlMessageError, parseControlMessage } from '../../wire/avp.js';
import { ProtocolError } from '../../wire/bytes.js';
import type { ControlHeader } from '../../wire/control-header.js';
import type { Tunnel } from './tunnel.js';

const NONE = new Uint8Array(0);
const KEY_WITHOUT_SECRET = deriveMessageDigestKey(NONE);

export type DigestVerdict = 'valid' | 'digest-mismatch' | 'digest-missing';

/** Fills the Message Digest of a packet of ours, where it has one; anew each time, since Nr may have moved. */
export function sealPacket(tunnel: Tunnel, packet: Uint8Array, isRequest: boolean): void {
  const { secret, localNonce = NONE, peerNonce = NONE } = tunnel;
  if (secret === undefined || messageDigestType(packet) === undefined) return;
  const nonces = isRequest ? undefined : { local: localNonce, remote: peerNonce };
  sealMessageDigest(packet, digestKey(tunnel, secret), nonces);
}

/** Derived when the first packet needs it, and kept. */
function digestKey(tunnel: Tunnel, secret: Uint8Array): Uint8Array {
  tunnel.digestKey ??= deriveMessageDigestKey(secret);
  return tunnel.digestKey;
}

/** An SCCRQ, which is digested without nonces. */
export function checkRequestDigest(packet: Uint8Array, secret: Uint8Array): 'valid' | 'invalid' | 'absent' {
  return checkMessageDigest(packet, deriveMessageDigestKey(secret), undefined);
}

/**
 * A packet of version 3 for this tunnel, which ends where its Length says. Without a secret a digest is an integrity
 * check with an empty one (section 4.3).
 */
export function checkPacketDigest(tunnel: Tunnel, header: ControlHeader, packet: Uint8Array): DigestVerdict {
  const { secret, request } = tunnel;
  if (request !== undefined && sameOctets(request.packet, packet)) return 'valid';
  if (secret === undefined) {
    const verdict = checkMessageDigest(packet, KEY_WITHOUT_SECRET, undefined);
    return verdict === 'invalid' ? 'digest-mismatch' : 'valid';
  }
  const message = isUnanswered(tunnel) ? readAnswer(packet.subarray(header.payloadOffset), secret) : null;
  const verdict = checkMessageDigest(packet, digestKey(tunnel, secret), noncesOf(tunnel, header, message));
  if (verdict === 'valid') return 'valid';
  // Whoever refuses our SCCRQ has sent no nonce, and may have no secret: that must be heard.
  if (verdict === 'absent' && message?.messageType === 'StopCCN') return 'valid';
  return verdict === 'absent' ? 'digest-missing' : 'digest-mismatch';
}

/** No SCCRP has answered our SCCRQ: the peer's nonce is not known, and after a refusal, which may come again, never will be. */
function isUnanswered({ state, originator, peerNonce, lingerUntil_ms }: Tunnel): boolean {
  return state === 'wait-ctl-reply' || (originator && lingerUntil_ms !== undefined && peerNonce === undefined);
}

/** As the peer had them: it knows ours from our SCCRQ or SCCRP, and tells its own in the SCCRP. */
function noncesOf(
  { localNonce = NONE, peerNonce = NONE }: Tunnel,
  { controlConnectionId }: ControlHeader,
  message: ControlMessage | null,
): MessageNonces {
  // Our SCCRP has not reached a peer that does not know our ID.
  const local = controlConnectionId === 0 ? NONE : localNonce;
  if (message?.messageType !== 'SCCRP') return { local, remote: peerNonce };
  const remote = message.avps.controlMessageAuthenticationNonce ?? NONE;
  // With our own nonce sent back to us, our own messages would pass for the peer's: no digest fits.
  return equalBytes(remote, localNonce) ? { local: NONE, remote: NONE } : { local, remote };
}

/** An SCCRP or StopCCN, as far as it can be read; null for what is none or cannot. */
function readAnswer(body: Uint8Array, secret: Uint8Array): ControlMessage | null {
  if (body.length === 0) return null;
  try {
    return parseControlMessage(body, { version: 3, secret });
  } catch (error) {
    if (error instanceof ControlMessageError) return error;
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

export function sameOctets(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && a.length === b.length && a.every((octet, index) => octet === b[index]);
}

/** Below 0 where `a`, as a big-endian number, is the lower. Both have 8 octets. */
export function compareOctets(a: Uint8Array, b: Uint8Array): number {
  for (const [index, octet] of a.entries()) if (octet !== b[index]) return octet - b[index];
  return 0;
}
