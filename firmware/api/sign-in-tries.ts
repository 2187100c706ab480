/**
 * Holds tries of passwords to a rate: from one address, of one account that is signed in already, and in all. A browser
 * that has signed in before is counted by itself, so that nobody else's tries keep its owner out. Must not know a password.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { tooMany } from './passwords.js';

/** Wrong tries from one address, by one browser or of one account, and in all, until the next ones have to wait. */
const TRIES_OF_ONE = { points: 10, duration: 300, blockDuration: 300 };
const TRIES_IN_ALL = { points: 300, duration: 300 };
const NONCE_BYTES = 16;
const LINE_EVERY_MS = 10_000;

/** A browser is known for so long. */
export const KNOWN_BROWSER_S = 20 * 86_400;

/** A try that has begun. */
export interface Try {
  /** A right password is no try to guess one. */
  succeeded(): Promise<void>;
}

export class SignInTries {
  readonly #ofAddress = new RateLimiterMemory({ ...TRIES_OF_ONE, keyPrefix: 'address' });
  readonly #ofBrowser = new RateLimiterMemory({ ...TRIES_OF_ONE, keyPrefix: 'browser' });
  readonly #ofAccount = new RateLimiterMemory({ ...TRIES_OF_ONE, keyPrefix: 'account' });
  readonly #inAll = new RateLimiterMemory({ ...TRIES_IN_ALL, keyPrefix: 'all' });
  readonly #key = randomBytes(32);
  #saidAt_ms = 0;
  #unsaid = 0;

  /**
   * Each try counts before its password is looked at, so that many at once are not better off than one by one. `known` is
   * what `knownBrowser` gave to the browser, '' without. Throws the problem where there have been too many.
   */
  async begin(address: string, account: string, known: string): Promise<Try> {
    const browser = this.#browserOf(known, account);
    if (browser !== undefined) return spend([this.#ofBrowser, browser]);
    // Of addresses no more are kept in mind than there are tries in all.
    const all = await this.#inAll.get('');
    if (all !== null && all.remainingPoints <= 0) throw waitFor(all);
    return spend([this.#ofAddress, address], [this.#inAll, '']);
  }

  /** Of who is signed in, and gives the account's password once more. */
  beginOwn(account: string): Promise<Try> {
    return spend([this.#ofAccount, account]);
  }

  /** By which a browser that has signed in to this account is known later; it is good for this account alone. */
  knownBrowser(account: string): string {
    const nonce = randomBytes(NONCE_BYTES).toString('base64url');
    const until_s = Math.floor(Date.now() / 1000) + KNOWN_BROWSER_S;
    return `${nonce}.${until_s}.${this.#sign(account, nonce, until_s).toString('base64url')}`;
  }

  /** `account` is '' where there is none of the name: what was typed there may be a password. */
  failed(request: FastifyRequest, account: string): void {
    const now_ms = performance.now();
    if (this.#saidAt_ms > 0 && now_ms - this.#saidAt_ms < LINE_EVERY_MS) {
      this.#unsaid += 1;
      return;
    }
    const others = this.#unsaid > 0 ? { refusalsNotLogged: this.#unsaid } : {};
    request.log.warn({ account, address: request.socket.remoteAddress, ...others }, 'sign-in refused');
    this.#saidAt_ms = now_ms;
    this.#unsaid = 0;
  }

  #browserOf(known: string, account: string): string | undefined {
    const [nonce = '', until_s = '', signature = ''] = known.split('.');
    const given = Buffer.from(signature, 'base64url');
    const right = this.#sign(account, nonce, Number(until_s));
    if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
    return Number(until_s) * 1000 > Date.now() ? nonce : undefined;
  }

  #sign(account: string, nonce: string, until_s: number): Buffer {
    return createHmac('sha256', this.#key)
      .update(JSON.stringify([account, nonce, until_s]))
      .digest();
  }
}

async function spend(...limits: [RateLimiterMemory, string][]): Promise<Try> {
  for (const [limiter, key] of limits) {
    await limiter.consume(key).catch((refused: RateLimiterRes) => {
      throw waitFor(refused);
    });
  }
  return {
    async succeeded() {
      for (const [limiter, key] of limits) await limiter.reward(key);
    },
  };
}

const waitFor = ({ msBeforeNext }: RateLimiterRes) => tooMany(Math.ceil(msBeforeNext / 1000));
