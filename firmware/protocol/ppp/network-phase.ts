/**
 * The Network-Layer Protocol phase of a link (RFC 1661 section 3.6): IPCP and IPV6CP, each for itself.
 * Must not know LCP or authentication.
 */

import type { RandomBytes } from '../../wire/bytes.js';
import { CONTROL_CODE, type ControlPacket, PPP_PROTOCOL } from '../../wire/ppp.js';
import type { AutomatonState } from './automaton.js';
import type { ControlOutput, ControlProtocol, ControlSignal, NegotiationTiming } from './control-protocol.js';
import { earliest } from './earliest.js';
import { Identifiers } from './identifiers.js';
import { IpcpClient, IpcpServer } from './ipcp.js';
import { Ipv6cp, randomInterfaceId } from './ipv6cp.js';
import type { NetworkParameters, PppLinkConfig, PppLinkEvent } from './link-types.js';
import { Question } from './question.js';

export interface NetworkPhaseOutput {
  send(protocol: number, packet: ControlPacket): void;
  emit(event: PppLinkEvent): void;
  /** Does `work` once the input that is being handled is dealt with. */
  later(work: (now_ms: number) => void): void;
  /** The peer is told that we do not run this protocol. */
  refuse(protocol: number, packet: ControlPacket, now_ms: number): void;
  /** Nothing is up and nothing can come up any more, or the two ends do not agree on what is up. */
  noNetworkProtocol(message: string, now_ms: number): void;
  peerMru_bytes(): number;
}

/** One network control protocol that we run. */
interface Ncp {
  readonly machine: ControlProtocol;
  /** What to tell when it is up; undefined where its agreement is worth nothing. */
  readonly upEvent: () => PppLinkEvent | undefined;
  readonly downEvent: PppLinkEvent;
  /** The peer speaks it, and may take it for open where we have given up. */
  isSpoken: boolean;
  isUp: boolean;
}

/** In these states a NCP has ended. From Stopped the peer may still bring it up again. */
const ENDED: ReadonlySet<AutomatonState> = new Set(['Initial', 'Starting', 'Closed', 'Stopped']);

export class NetworkPhase {
  readonly #config: PppLinkConfig;
  readonly #timing: NegotiationTiming;
  readonly #random: RandomBytes;
  readonly #output: NetworkPhaseOutput;
  readonly #question: Question<undefined>;
  readonly #ipcpIdentifiers: Identifiers;
  readonly #ipv6cpIdentifiers: Identifiers;
  #state: 'idle' | 'waiting' | 'running' = 'idle';
  readonly #ncps = new Map<number, Ncp>();
  /** The last Configure-Request of each protocol that came before the answer. */
  readonly #held = new Map<number, ControlPacket>();
  /** A client's, one for the whole link: a request of before a renegotiation that comes late asks for the same. */
  #ownInterfaceIds: NonNullable<NetworkParameters['ipv6']> | undefined;

  constructor(config: PppLinkConfig, random: RandomBytes, output: NetworkPhaseOutput) {
    this.#config = config;
    this.#timing = ncpTiming(config);
    this.#random = random;
    this.#output = output;
    this.#ipcpIdentifiers = new Identifiers(random(1)[0]);
    this.#ipv6cpIdentifiers = new Identifiers(random(1)[0]);
    this.#question = new Question(() => output.emit({ type: 'network-request' }));
  }

  start(now_ms: number): void {
    if (this.#config.side === 'authenticator') {
      this.#state = 'waiting';
      this.#question.ask(undefined);
      return;
    }
    if (this.#config.ipv4) {
      this.#add(PPP_PROTOCOL.ipcp, (output) => this.#ipcp(new IpcpClient(this.#timing, this.#ipcpIdentifiers, output)));
    }
    this.#ownInterfaceIds ??= {
      localInterfaceId: randomInterfaceId(this.#random),
      peerInterfaceId: randomInterfaceId(this.#random),
    };
    this.#addIpv6cp(this.#ownInterfaceIds);
    this.#run(now_ms);
  }

  /** The answer to 'network-request'. */
  answer(parameters: NetworkParameters, now_ms: number): void {
    if (!this.#question.takeAnswer()) return;
    const { ipv4, ipv6 } = parameters;
    if (ipv4 !== undefined && this.#config.ipv4) {
      this.#add(PPP_PROTOCOL.ipcp, (output) =>
        this.#ipcp(new IpcpServer(ipv4, this.#timing, this.#ipcpIdentifiers, output)),
      );
    }
    if (ipv6 !== undefined) this.#addIpv6cp(ipv6);
    this.#run(now_ms);
  }

  /** The lower layer is gone: every NCP is down. */
  stop(now_ms: number): void {
    this.#question.abandon();
    this.#state = 'idle';
    this.#held.clear();
    for (const ncp of this.#ncps.values()) {
      ncp.machine.lowerDown(now_ms);
      if (ncp.isUp) this.#output.emit(ncp.downEvent);
    }
    this.#ncps.clear();
  }

  /** Takes a packet of IPCP or IPV6CP. */
  handlePacket(protocol: number, packet: ControlPacket, now_ms: number): void {
    if (this.#state === 'waiting') {
      if (packet.code === CONTROL_CODE.configureRequest) {
        this.#held.set(protocol, { ...packet, data: packet.data.slice() });
      }
      return;
    }
    const ncp = this.#ncps.get(protocol);
    if (ncp === undefined) {
      this.#output.refuse(protocol, packet, now_ms);
      return;
    }
    ncp.isSpoken = true;
    ncp.machine.handlePacket(packet, now_ms);
  }

  /** RFC 1661 section 5.7: nothing of this protocol is sent any more. */
  handleProtocolReject(protocol: number, now_ms: number): void {
    const ncp = this.#ncps.get(protocol);
    if (ncp === undefined) return;
    ncp.machine.lowerDown(now_ms);
    this.#output.later((at_ms) => this.#endIfAlone('the peer rejects our network protocols', at_ms));
  }

  handleTimeout(now_ms: number): void {
    for (const [protocol, { machine, isSpoken }] of this.#ncps) {
      const isTerminating = machine.state === 'Stopping' || machine.state === 'Closing';
      const hadEnded = ENDED.has(machine.state);
      machine.handleTimeout(now_ms);
      const hasGivenUp = !hadEnded && !isTerminating && machine.state === 'Stopped';
      // A peer that went silent may have IPCP open at its end, and nothing would ever tell it otherwise.
      if (hasGivenUp && isSpoken && protocol === PPP_PROTOCOL.ipcp) {
        this.#output.later((at_ms) => this.#output.noNetworkProtocol('the peer does not answer IPCP', at_ms));
      }
    }
  }

  pollTimeout(): number | undefined {
    let first_ms: number | undefined;
    for (const { machine } of this.#ncps.values()) first_ms = earliest(first_ms, machine.pollTimeout());
    return first_ms;
  }

  #run(now_ms: number): void {
    this.#state = 'running';
    for (const { machine } of this.#ncps.values()) {
      machine.open(now_ms);
      machine.lowerUp(now_ms);
    }
    for (const [protocol, packet] of this.#held) this.handlePacket(protocol, packet, now_ms);
    this.#held.clear();
    if (this.#ncps.size === 0) this.#output.noNetworkProtocol('no network protocol is to be run', now_ms);
  }

  #addIpv6cp(interfaceIds: NonNullable<NetworkParameters['ipv6']>): void {
    if (!this.#config.ipv6) return;
    this.#add(PPP_PROTOCOL.ipv6cp, (output) => {
      const machine = new Ipv6cp(interfaceIds, this.#timing, this.#ipv6cpIdentifiers, this.#random, output);
      const upEvent = (): PppLinkEvent => ({ type: 'ipv6cp-up', ...machine.agreement });
      return { machine, upEvent, downEvent: { type: 'ipv6cp-down' }, isSpoken: false, isUp: false };
    });
  }

  #ipcp(machine: IpcpServer | IpcpClient): Ncp {
    const upEvent = (): PppLinkEvent | undefined => {
      const { agreement } = machine;
      return agreement && { type: 'ipcp-up', ...agreement };
    };
    return { machine, upEvent, downEvent: { type: 'ipcp-down' }, isSpoken: false, isUp: false };
  }

  #add(protocol: number, make: (output: ControlOutput) => Ncp): void {
    const ncp = make({
      send: (packet) => this.#output.send(protocol, packet),
      signal: (signal) =>
        this.#output.later((now_ms) => {
          if (this.#ncps.get(protocol) === ncp) this.#handleSignal(ncp, signal, now_ms);
        }),
      peerMru_bytes: () => this.#output.peerMru_bytes(),
    });
    this.#ncps.set(protocol, ncp);
  }

  #handleSignal(ncp: Ncp, signal: ControlSignal, now_ms: number): void {
    switch (signal.type) {
      case 'up':
        this.#handleUp(ncp, now_ms);
        return;
      case 'down':
        if (ncp.isUp) this.#output.emit(ncp.downEvent);
        ncp.isUp = false;
        return;
      case 'failed':
        ncp.machine.close(signal.message, now_ms);
        return;
      case 'finished':
        this.#endIfAlone('no network protocol came to an agreement', now_ms);
    }
  }

  #handleUp(ncp: Ncp, now_ms: number): void {
    const event = ncp.upEvent();
    if (event === undefined) {
      ncp.machine.close('no address', now_ms);
      return;
    }
    ncp.isUp = true;
    this.#output.emit(event);
  }

  /** One NCP that ends leaves the link to the others. */
  #endIfAlone(message: string, now_ms: number): void {
    for (const { machine } of this.#ncps.values()) if (!ENDED.has(machine.state)) return;
    this.#output.noNetworkProtocol(message, now_ms);
  }
}

/**
 * A brisk restart timer is there to hide losses, not to have less patience with a peer whose NCP starts late (RFC 1661
 * section 3.6, implementation note): the NCPs try as long as LCP does.
 */
function ncpTiming(config: PppLinkConfig): NegotiationTiming {
  const { restartTimer_ms, ncpRestartTimer_ms, maxConfigure, maxTerminate, maxFailure } = config;
  const transmissions = Math.ceil((maxConfigure * restartTimer_ms) / ncpRestartTimer_ms);
  return {
    restartTimer_ms: ncpRestartTimer_ms,
    maxConfigure: Math.max(maxConfigure, transmissions),
    maxTerminate,
    maxFailure,
  };
}
