/**
 * What the parts of a link (LCP, authentication, the NCPs) put out: packets to send, events to tell, and signals, by
 * which they say what has come about in them. One for all parts of a link, and of what is empty nothing is kept: thousands
 * of links stand for days. Must not know what a signal means: the link does.
 */
import { type ControlPacket, emitPppControlPacket, type PppFrame } from '../../wire/ppp.js';
import { Queue } from '../queue.js';
import type { LinkDownReason, PppLinkEvent } from './link-types.js';

/** RFC 1661 section 6.1: the value that holds without the option. */
export const DEFAULT_MRU_BYTES = 1500;

/** What LCP or an NCP says. */
export type ControlSignal =
  /** This-Layer-Up, This-Layer-Down, This-Layer-Finished. */
  | { type: 'up' }
  | { type: 'down' }
  | { type: 'finished' }
  /** A Terminate-Request came; what the table makes of it follows. */
  | { type: 'peer-terminated'; message: string }
  /** It cannot come to an agreement with this peer; the link has to close it. */
  | { type: 'failed'; message: string }
  /** LCP alone: the peer does not run this PPP protocol. */
  | { type: 'protocol-rejected'; protocol: number }
  /** LCP alone: what we send comes back to us. */
  | { type: 'loopback' };

/** What the authentication phase says, at most once after each start. */
export type AuthenticationSignal = { type: 'done' } | { type: 'failed'; reason: LinkDownReason; message: string };

/** What the network phase says beyond its NCPs. */
export type NetworkSignal =
  /** An NCP that had to end has ended: if no other is left, for this reason the link has nothing to carry. */
  | { type: 'ncp-ended'; message: string }
  /** Nothing is up and nothing can come up any more, or the two ends do not agree on what is up. */
  | { type: 'no-network-protocol'; message: string }
  /** The peer has to be told that we do not run this protocol. */
  | { type: 'not-run'; protocol: number; packet: ControlPacket };

export type LinkSignal =
  /** `machine`: LCP or an NCP, which may have been replaced since. */
  | { from: 'control'; machine: object; signal: ControlSignal }
  | { from: 'authentication'; signal: AuthenticationSignal }
  | { from: 'network'; signal: NetworkSignal };

export class LinkOutbox {
  /** The largest packet that the peer takes. */
  peerMru_bytes = DEFAULT_MRU_BYTES;
  #transmit: Queue<PppFrame> | undefined;
  #events: Queue<PppLinkEvent> | undefined;
  #signals: Queue<LinkSignal> | undefined;

  send(protocol: number, packet: ControlPacket): void {
    const information = emitPppControlPacket(packet);
    this.#transmit ??= new Queue();
    this.#transmit.push({ protocol, information });
    this.emit({ type: 'message', direction: 'sent', protocol, packet: information });
  }

  emit(event: PppLinkEvent): void {
    this.#events ??= new Queue();
    this.#events.push(event);
  }

  /** Is dealt with when the input at hand has been. */
  signal(signal: LinkSignal): void {
    this.#signals ??= new Queue();
    this.#signals.push(signal);
  }

  pollTransmit(): PppFrame | undefined {
    const frame = this.#transmit?.shift();
    if (frame === undefined) this.#transmit = undefined;
    return frame;
  }

  pollEvent(): PppLinkEvent | undefined {
    const event = this.#events?.shift();
    if (event === undefined) this.#events = undefined;
    return event;
  }

  pollSignal(): LinkSignal | undefined {
    const signal = this.#signals?.shift();
    if (signal === undefined) this.#signals = undefined;
    return signal;
  }

  dropFrames(): void {
    this.#transmit = undefined;
  }

  dropSignals(): void {
    this.#signals = undefined;
  }
}
