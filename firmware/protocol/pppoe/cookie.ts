/**
 * AC-Cookies (RFC 2516 section 9): what we put into an offer, to know our own offer again when the host comes back with it,
 * without having kept anything. Must not read packets.
 *
 *   | nonce (64) | HMAC-SHA-256 over nonce and binding, its first 128 bits |
 *
 * The nonce makes each offer another: two hosts with one MAC address, or one that asks again after a crash, come back
 * with different cookies, while a request that is sent twice carries one.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { RandomBytes } from '../../wire/bytes.js';

/** A key lives so long, and its cookies are taken for as long again: many times what a host waits before it asks anew. */
export const COOKIE_KEY_LIFE_MS = 60_000;
const NONCE_BYTES = 8;
const DIGEST_BYTES = 16;

export class AcCookies {
  readonly #secret: Uint8Array;
  readonly #random: RandomBytes;

  /** `secret` is known to us alone, and at least 16 octets. */
  constructor(secret: Uint8Array, random: RandomBytes) {
    if (secret.length < 16) throw new RangeError('the secret for cookies is too short');
    this.#secret = secret;
    this.#random = random;
  }

  /** `binding` is what the host has to come back from: equal octets for one host and way alone. */
  make(binding: Uint8Array, now_ms: number): Uint8Array {
    const nonce = this.#random(NONCE_BYTES);
    return Uint8Array.of(...nonce, ...this.#digest(nonce, binding, keyNumber(now_ms)));
  }

  /** Whether we made this cookie for that binding, with the key of now or the one before. */
  isOurs(cookie: Uint8Array, binding: Uint8Array, now_ms: number): boolean {
    if (cookie.length !== NONCE_BYTES + DIGEST_BYTES) return false;
    const nonce = cookie.subarray(0, NONCE_BYTES);
    const digest = cookie.subarray(NONCE_BYTES);
    const current = keyNumber(now_ms);
    return [current, current - 1].some((number) => timingSafeEqual(digest, this.#digest(nonce, binding, number)));
  }

  #digest(nonce: Uint8Array, binding: Uint8Array, number: number): Uint8Array {
    const key = createHmac('sha256', this.#secret).update(`AC-Cookie ${number}`).digest();
    return createHmac('sha256', key).update(nonce).update(binding).digest().subarray(0, DIGEST_BYTES);
  }
}

function keyNumber(now_ms: number): number {
  return Math.floor(now_ms / COOKIE_KEY_LIFE_MS);
}
