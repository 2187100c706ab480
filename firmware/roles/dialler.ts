/**
 * A tunnel that this box opens (step 5): the server's name, the SCCRQ and, whenever the tunnel has ended, the same again
 * with backoff. What LAC-client profiles and pseudowires have in common. Must not know what the tunnel carries. No I/O.
 */
import type { CloseCause, TransportPath } from '../protocol/l2tp/endpoint.js';
import { octets } from '../wire/bytes.js';
import type { RoleContext } from './role.js';

/** A call that stood this long was a good one: the next redial starts from the initial delay again. */
const GOOD_CALL_MS = 60_000;
/** From the first SCCRQ until what it is for is up; a server that answers but never finishes is dialled anew. */
const SET_UP_TIMEOUT_MS = 60_000;

/** Whom to dial and how. */
export interface DialTarget {
  /** Unique among those of a role. */
  name: string;
  /** Host name or address. */
  server: string;
  /** Of the server, over UDP. */
  port: number;
  /** Our own UDP port. */
  localPort: number;
  /** `auto`: version 3 over UDP with fallback to version 2, RFC 3931 section 4.7.3. */
  encapsulation: 'auto' | 'udp2' | 'udp3' | 'ip';
  /** '': none. */
  tunnelSecret: string;
  /** Of the Message Digest, in version 3. */
  digest: 'md5' | 'sha1';
  redialInitial_ms: number;
  redialCap_ms: number;
}

type DiallingRole = 'lac-client' | 'pseudowire';

/** How the two ends are called in reasons. */
const ENDS = {
  'lac-client': { local: 'client', peer: 'LNS' },
  pseudowire: { local: 'pseudowire', peer: 'peer' },
} as const;

const TUNNEL_VERSION = { auto: 'auto', udp2: 2, udp3: 3, ip: 3 } as const;

export class Dialler {
  readonly target: DialTarget;
  phase: 'idle' | 'resolve' | 'wait-tunnel' | 'open' = 'idle';
  /** 0 while there is none. */
  tunnelId = 0;
  /** Why the last attempt failed, in words; '' while all is well. */
  lastFailure = '';
  /** Why the tunnel is about to end, '' while it is not. */
  endReason = '';
  /** When to dial (idle) or to give up (otherwise); undefined while what the tunnel is for is up. */
  deadline_ms: number | undefined;
  readonly #context: RoleContext;
  readonly #role: DiallingRole;
  readonly #opened: (tunnelId: number) => void;
  #delay_ms: number;
  #upSince_ms: number | undefined;
  #isRetired = false;

  /** Dials at the first timeout. `opened` is told the ID of each tunnel, before any event of it. */
  constructor(
    context: RoleContext,
    role: DiallingRole,
    target: DialTarget,
    now_ms: number,
    opened: (tunnelId: number) => void,
  ) {
    this.#context = context;
    this.target = target;
    this.#role = role;
    this.#opened = opened;
    this.#delay_ms = target.redialInitial_ms;
    this.deadline_ms = now_ms;
  }

  get redialAt_ms(): number | undefined {
    return this.phase === 'idle' ? this.deadline_ms : undefined;
  }

  /** Whether the deadline has come; it is past then. */
  takeDue(now_ms: number): boolean {
    if (this.deadline_ms === undefined || this.deadline_ms > now_ms) return false;
    this.deadline_ms = undefined;
    return true;
  }

  dial(now_ms: number): void {
    this.phase = 'resolve';
    this.endReason = '';
    this.allowTime(now_ms);
    const { name, server: host } = this.target;
    this.#context.ask({ type: 'resolve', profile: name, host }, (answer, at_ms) => {
      if (answer.type !== 'resolve' || this.phase !== 'resolve' || this.#isRetired) return;
      if (answer.address === undefined) {
        this.#redialLater(`the server's name ${host} has no address: ${answer.reason}`, at_ms);
        return;
      }
      this.#openTunnel(answer.address, at_ms);
    });
  }

  /** The tunnel stands. */
  established(): void {
    this.phase = 'open';
  }

  /** What is set up now has so long to come up. */
  allowTime(now_ms: number): void {
    this.deadline_ms = now_ms + SET_UP_TIMEOUT_MS;
  }

  /** What the tunnel is for is up. */
  cameUp(now_ms: number): void {
    this.deadline_ms = undefined;
    this.#upSince_ms = now_ms;
    this.lastFailure = '';
  }

  /** Closes the tunnel, or ends the attempt to have one. Dials again later, unless retired. */
  close(reason: string, now_ms: number): void {
    this.endReason = reason;
    if (this.tunnelId !== 0) {
      this.#context.endpoint.closeTunnel(this.tunnelId, { resultCode: 1, errorMessage: reason }, now_ms);
    } else if (this.phase !== 'idle') {
      this.#redialLater(reason, now_ms);
    }
  }

  /** The tunnel has ended, whoever ended it. */
  tunnelClosed({ by, resultCode, errorMessage }: CloseCause, now_ms: number): void {
    this.tunnelId = 0;
    const ends = ENDS[this.#role];
    const reason =
      by === 'timeout'
        ? `the ${ends.peer} does not answer${this.#silence}`
        : `the tunnel was closed by the ${ends[by]}: result ${resultCode}${errorMessage ? `, ${errorMessage}` : ''}`;
    this.#redialLater(this.endReason || reason, now_ms);
  }

  /** Who authenticates every message drops those of a stranger without a word (RFC 3931 section 4.3). */
  get #silence(): string {
    const { tunnelSecret, encapsulation } = this.target;
    return tunnelSecret === '' || encapsulation === 'udp2' || encapsulation === 'auto'
      ? ''
      : ', or has another secret, which version 3 answers by silence';
  }

  /** No redial once it is down. */
  retire(): void {
    this.#isRetired = true;
  }

  #openTunnel(peerAddress: string, now_ms: number): void {
    const { encapsulation, port, localPort, tunnelSecret, digest } = this.target;
    const path: TransportPath =
      encapsulation === 'ip'
        ? { encapsulation: 'ip', localAddress: '', localPort: 0, peerAddress, peerPort: 0 }
        : { encapsulation: 'udp', localAddress: '', localPort, peerAddress, peerPort: port };
    const secret = tunnelSecret === '' ? undefined : octets(tunnelSecret);
    this.phase = 'wait-tunnel';
    this.tunnelId = this.#context.endpoint.openTunnel(
      { path, version: TUNNEL_VERSION[encapsulation], secret, digest },
      now_ms,
    );
    this.#opened(this.tunnelId);
  }

  /** Exponential backoff with up to a quarter of jitter, so that branches do not redial in step. */
  #redialLater(reason: string, now_ms: number): void {
    const { name, redialInitial_ms, redialCap_ms } = this.target;
    const wasGood = this.#upSince_ms !== undefined && now_ms - this.#upSince_ms >= GOOD_CALL_MS;
    if (wasGood) this.#delay_ms = redialInitial_ms;
    this.#upSince_ms = undefined;
    this.lastFailure = reason;
    this.phase = 'idle';
    const jitter = this.#context.random(1)[0] / 256 / 4;
    const redialAfter_ms = this.#isRetired ? undefined : Math.round(this.#delay_ms * (1 + jitter));
    this.deadline_ms = redialAfter_ms === undefined ? undefined : now_ms + redialAfter_ms;
    this.#context.emit({ type: 'dial-ended', role: this.#role, profile: name, reason, redialAfter_ms });
    this.#delay_ms = Math.min(this.#delay_ms * 2, redialCap_ms);
  }
}
