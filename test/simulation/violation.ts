/** What the checker throws when something is not as the RFCs and the design want it. */

/** What must hold, each in a word; the checks say in full what is wrong. */
export type Invariant =
  /** A machine threw, or was driven to where it cannot be. */
  | 'no-exception'
  /** What is due is done at once: after handleTimeout nothing is due any more. */
  | 'timers-served'
  /** One input makes a bounded number of packets, and so does one second. */
  | 'no-storm'
  /** The packet path's rows are added once, updated and removed with their generation, and injected into while there. */
  | 'row-commands'
  /** Every call has a row and every row a call. */
  | 'rows-have-calls'
  /** Both ends of a call or pseudowire have the same version, encapsulation, cookies and sublayers. */
  | 'same-terms'
  /** Nothing comes out of a session whose cookie the sender did not know. */
  | 'cookie'
  /** What accounting hears of calls and tunnels is one account: a beginning, an end, nothing behind it. */
  | 'records'
  /** What a PC sends goes to the LNS whole, once and in order, from the handover on. */
  | 'relay-order'
  /** On a call that is carried to an LNS it is the LNS, not the LAC, that accepts the user. */
  | 'lns-accepts'
  /** The row is there before the message goes out that lets the peer send. */
  | 'row-before-message'
  /** Session, tunnel and call IDs: not 0, unique, calls' never used again; each version's session IDs in their range. */
  | 'unique-ids'
  /** No two live calls hold one address. */
  | 'unique-addresses'
  /** Every lease belongs to a live call. */
  | 'leases-have-calls'
  /** A call that both ends see as up has the same addresses at both. */
  | 'same-addresses'
  /** Whom the LNS must refuse is never up. */
  | 'refused-stays-down'
  /** Control messages reach the roles exactly once and in order. */
  | 'exactly-once'
  /** RFC 2661 section 5.8: Ns of new messages counts up, a retransmission is the same message, Nr never goes back and acknowledges nothing that has not come. */
  | 'sequence-numbers'
  /** RFC 2661 section 5.8: a message that is not acknowledged is sent again in time. */
  | 'retransmission'
  /** What has come is acknowledged at once, each time that it comes. */
  | 'acknowledgement'
  /** An SCCRQ makes one tunnel, however often it comes. */
  | 'one-tunnel'
  /** RFC 2661 section 5.7: a closed tunnel stays for a full retransmission cycle. */
  | 'lingering'
  /** RFC 3931 section 4.7.3: a tunnel is of one version. */
  | 'one-version'
  /** RFC 3931 section 4.3: with a secret every control message has a digest. */
  | 'authentication'
  /** The trace tells of every message that is on the wire. */
  | 'trace-is-true'
  /** Without faults every call is up again, or refused, in bounded time, and both ends have the same tunnels and calls. */
  | 'convergence'
  /** Whoever is refused hears the RFC's code. */
  | 'result-code'
  /** A call that is up carries packets both ways, a pseudowire frames. */
  | 'traffic'
  /** When all is closed nothing is left. */
  | 'nothing-left';

export class Violation extends Error {
  override readonly name = 'Violation';
  readonly invariant: Invariant;

  constructor(invariant: Invariant, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}

export function ensure(holds: boolean, invariant: Invariant, message: () => string): asserts holds {
  if (!holds) throw new Violation(invariant, message());
}
