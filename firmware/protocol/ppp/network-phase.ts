/**
 * The Network-Layer Protocol phase of a link (RFC 1661 section 3.6): IPCP and IPV6CP, each for itself.
 * Must not know LCP or authentication.
 */

import type { RandomBytes } from '../../wire/bytes.js';
import { CONTROL_CODE, type ControlPacket, PPP_PROTOCOL } from '../../wire/ppp.js';
import type { AutomatonState } from './automaton.js';
import type { NegotiationTiming } from './control-protocol.js';
import { earliest } from './earliest.js';
import { Identifiers } from './identifiers.js';
import { IpcpClient, IpcpServer } from './ipcp.js';
import { Ipv6cp, randomInterfaceId } from './ipv6cp.js';
import type { ControlSignal, LinkOutbox } from './link-outbox.js';
import type { NetworkParameters, PppLinkConfig, PppLinkEvent } from './link-types.js';
import { Question } from './question.js';

/** One network control protocol that we run. */
interface Ncp {
  readonly machine: IpcpServer | IpcpClient | Ipv6cp;
  /** The peer speaks it, and may take it for open where we have given up. */
  isSpoken: boolean;
  isUp: boolean;
}

/** In these states a NCP has ended. From Stopped the peer may still bring it up again. */
const ENDED: ReadonlySet<AutomatonState> = new Set(['Initial', 'Starting', 'Closed', 'Stopped']);

const NO_NCPS: readonly Ncp[] = [];

export class NetworkPhase {
  readonly #config: PppLinkConfig;
  readonly #random: RandomBytes;
  readonly #outbox: LinkOutbox;
  readonly #question = new Question<undefined>();
  readonly #ipcpIdentifiers: Identifiers;
  readonly #ipv6cpIdentifiers: Identifiers;
  #state: 'idle' | 'waiting' | 'running' = 'idle';
  /** IPCP before IPV6CP. */
  #ncps: readonly Ncp[] = NO_NCPS;
  /** The last Configure-Request of each protocol that came before the answer. */
  #held: Map<number, ControlPacket> | undefined;
  /** A client's, one for the whole link: a request of before a renegotiation that comes late asks for the same. */
  #ownInterfaceIds: NonNullable<NetworkParameters['ipv6']> | undefined;

  constructor(config: PppLinkConfig, random: RandomBytes, outbox: LinkOutbox) {
    this.#config = config;
    this.#random = random;
    this.#outbox = outbox;
    this.#ipcpIdentifiers = new Identifiers(random(1)[0]);
    this.#ipv6cpIdentifiers = new Identifiers(random(1)[0]);
  }

  start(now_ms: number): void {
    if (this.#config.side === 'authenticator') {
      this.#state = 'waiting';
      if (this.#question.ask(undefined)) this.#outbox.emit({ type: 'network-request' });
      return;
    }
    this.#ownInterfaceIds ??= {
      localInterfaceId: randomInterfaceId(this.#random),
      peerInterfaceId: randomInterfaceId(this.#random),
    };
    const ipcp = new IpcpClient(ncpTiming(this.#config), this.#ipcpIdentifiers, this.#outbox);
    this.#run(this.#config.ipv4 ? ipcp : undefined, this.#ownInterfaceIds, now_ms);
  }

  /** The answer to 'network-request'. */
  answer({ ipv4, ipv6 }: NetworkParameters, now_ms: number): void {
    const { isWanted, next } = this.#question.takeAnswer();
    if (next !== undefined) this.#outbox.emit({ type: 'network-request' });
    if (!isWanted) return;
    const ipcp =
      ipv4 !== undefined && this.#config.ipv4
        ? new IpcpServer(ipv4, ncpTiming(this.#config), this.#ipcpIdentifiers, this.#outbox)
        : undefined;
    this.#run(ipcp, ipv6, now_ms);
  }

  /** The lower layer is gone: every NCP is down. */
  stop(now_ms: number): void {
    this.#question.abandon();
    this.#state = 'idle';
    this.#held = undefined;
    for (const { machine, isUp } of this.#ncps) {
      machine.lowerDown(now_ms);
      if (isUp) this.#outbox.emit(downEvent(machine.protocol));
    }
    this.#ncps = NO_NCPS;
  }

  /** Takes a packet of IPCP or IPV6CP. */
  handlePacket(protocol: number, packet: ControlPacket, now_ms: number): void {
    if (this.#state === 'waiting') {
      if (packet.code === CONTROL_CODE.configureRequest) {
        this.#held ??= new Map();
        this.#held.set(protocol, { ...packet, data: packet.data.slice() });
      }
      return;
    }
    const ncp = this.#ncpOf(protocol);
    if (ncp === undefined) {
      this.#outbox.signal({ from: 'network', signal: { type: 'not-run', protocol, packet } });
      return;
    }
    ncp.isSpoken = true;
    ncp.machine.handlePacket(packet, now_ms);
  }

  /** RFC 1661 section 5.7: nothing of this protocol is sent any more. */
  handleProtocolReject(protocol: number, now_ms: number): void {
    const ncp = this.#ncpOf(protocol);
    if (ncp === undefined) return;
    ncp.machine.lowerDown(now_ms);
    const message = 'the peer rejects our network protocols';
    this.#outbox.signal({ from: 'network', signal: { type: 'ncp-ended', message } });
  }

  handleTimeout(now_ms: number): void {
    for (const { machine, isSpoken } of this.#ncps) {
      const isTerminating = machine.state === 'Stopping' || machine.state === 'Closing';
      const hadEnded = ENDED.has(machine.state);
      machine.handleTimeout(now_ms);
      const hasGivenUp = !hadEnded && !isTerminating && machine.state === 'Stopped';
      // A peer that went silent may have IPCP open at its end, and nothing would ever tell it otherwise.
      if (hasGivenUp && isSpoken && machine.protocol === PPP_PROTOCOL.ipcp) {
        this.#giveUp('the peer does not answer IPCP');
      }
    }
  }

  pollTimeout(): number | undefined {
    let first_ms: number | undefined;
    for (const { machine } of this.#ncps) first_ms = earliest(first_ms, machine.pollTimeout());
    return first_ms;
  }

  /** What an NCP has said; `machine` may have been replaced since. */
  handleSignal(machine: object, signal: ControlSignal, now_ms: number): void {
    const ncp = this.#ncps.find((one) => one.machine === machine);
    if (ncp === undefined) return;
    switch (signal.type) {
      case 'up':
        this.#handleUp(ncp, now_ms);
        return;
      case 'down':
        if (ncp.isUp) this.#outbox.emit(downEvent(ncp.machine.protocol));
        ncp.isUp = false;
        return;
      case 'failed':
        ncp.machine.close(signal.message, now_ms);
        return;
      case 'finished':
        this.endIfAlone('no network protocol came to an agreement');
    }
  }

  /** One NCP that ends leaves the link to the others. */
  endIfAlone(message: string): void {
    for (const { machine } of this.#ncps) if (!ENDED.has(machine.state)) return;
    this.#giveUp(message);
  }

  #run(ipcp: IpcpServer | IpcpClient | undefined, ipv6: NetworkParameters['ipv6'], now_ms: number): void {
    const ipv6cp =
      ipv6 !== undefined && this.#config.ipv6
        ? new Ipv6cp(ipv6, ncpTiming(this.#config), this.#ipv6cpIdentifiers, this.#random, this.#outbox)
        : undefined;
    this.#ncps = [ipcp, ipv6cp].flatMap((machine) =>
      machine === undefined ? [] : [{ machine, isSpoken: false, isUp: false }],
    );
    this.#state = 'running';
    for (const { machine } of this.#ncps) {
      machine.open(now_ms);
      machine.lowerUp(now_ms);
    }
    const held = this.#held;
    this.#held = undefined;
    for (const [protocol, packet] of held ?? []) this.handlePacket(protocol, packet, now_ms);
    if (this.#ncps.length === 0) this.#giveUp('no network protocol is to be run');
  }

  #ncpOf(protocol: number): Ncp | undefined {
    return this.#ncps.find(({ machine }) => machine.protocol === protocol);
  }

  #handleUp(ncp: Ncp, now_ms: number): void {
    const event = upEvent(ncp);
    if (event === undefined) {
      ncp.machine.close('no address', now_ms);
      return;
    }
    ncp.isUp = true;
    this.#outbox.emit(event);
  }

  #giveUp(message: string): void {
    this.#outbox.signal({ from: 'network', signal: { type: 'no-network-protocol', message } });
  }
}

/** What to tell of an NCP that is up; undefined where its agreement is worth nothing. */
function upEvent({ machine }: Ncp): PppLinkEvent | undefined {
  if (machine instanceof Ipv6cp) return { type: 'ipv6cp-up', ...machine.agreement };
  const { agreement } = machine;
  return agreement && { type: 'ipcp-up', ...agreement };
}

function downEvent(protocol: number): PppLinkEvent {
  return { type: protocol === PPP_PROTOCOL.ipcp ? 'ipcp-down' : 'ipv6cp-down' };
}

const timings = new WeakMap<PppLinkConfig, NegotiationTiming>();

/** Of all links of a configuration. */
function ncpTiming(config: PppLinkConfig): NegotiationTiming {
  let timing = timings.get(config);
  if (timing === undefined) {
    timing = ncpTimingOf(config);
    timings.set(config, timing);
  }
  return timing;
}

/**
 * A brisk restart timer is there to hide losses, not to have less patience with a peer whose NCP starts late (RFC 1661
 * section 3.6, implementation note): the NCPs try as long as LCP does.
 */
function ncpTimingOf(config: PppLinkConfig): NegotiationTiming {
  const { restartTimer_ms, ncpRestartTimer_ms, maxConfigure, maxTerminate, maxFailure } = config;
  const transmissions = Math.ceil((maxConfigure * restartTimer_ms) / ncpRestartTimer_ms);
  return {
    restartTimer_ms: ncpRestartTimer_ms,
    maxConfigure: Math.max(maxConfigure, transmissions),
    maxTerminate,
    maxFailure,
  };
}
