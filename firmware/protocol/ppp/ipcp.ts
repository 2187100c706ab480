/**
 * IPCP (RFC 1332, name servers RFC 1877): the end that gives an address and the end that asks for one.
 * Must not know where addresses come from.
 */

import { ADDRESS_OPTIONS, emitIpcpOption, type IpcpOption, parseIpcpOption } from '../../wire/ncp.js';
import { type ConfigurationOption, PPP_PROTOCOL } from '../../wire/ppp.js';
import { ControlProtocol, type NegotiationTiming, type Verdict } from './control-protocol.js';
import type { Identifiers } from './identifiers.js';
import type { LinkOutbox } from './link-outbox.js';
import type { NetworkParameters } from './link-types.js';
import { readOrDrop } from './peer-octets.js';

const UNSPECIFIED = '0.0.0.0';

/** What both ends of IPCP can tell once it is up. Addresses are text, '' where there is none. */
export interface IpcpAgreement {
  localAddress: string;
  peerAddress: string;
  dns: readonly string[];
}

/** The end that gives: it asks for its own address and leads the peer to the address and servers meant for it. */
export class IpcpServer extends ControlProtocol {
  readonly #parameters: NonNullable<NetworkParameters['ipv4']>;
  #asksForOwn = true;

  constructor(
    parameters: NonNullable<NetworkParameters['ipv4']>,
    timing: NegotiationTiming,
    identifiers: Identifiers,
    outbox: LinkOutbox,
  ) {
    super(PPP_PROTOCOL.ipcp, timing, identifiers, outbox);
    this.#parameters = parameters;
  }

  get agreement(): IpcpAgreement {
    const { localAddress, peerAddress, dns } = this.#parameters;
    return { localAddress, peerAddress, dns };
  }

  protected override requestOptions(): ConfigurationOption[] {
    if (!this.#asksForOwn) return [];
    return [emitIpcpOption({ name: 'ipAddress', address: this.#parameters.localAddress })];
  }

  /** RFC 1332 section 3.3, RFC 1877 section 1: nak'ed with what we have for it; what we have nothing for is rejected. */
  protected override judge(option: ConfigurationOption): Verdict {
    const value = readOrDrop(() => parseIpcpOption(option));
    if (value === undefined || value.name === 'unknown') return 'reject';
    const address = this.#given(value.name);
    if (address === undefined) return 'reject';
    return value.address === address ? 'ack' : emitIpcpOption({ name: value.name, address });
  }

  #given(name: IpcpOption['name']): string | undefined {
    const { peerAddress, dns, nbns } = this.#parameters;
    switch (name) {
      case 'ipAddress':
        return peerAddress;
      case 'dns1':
        return dns[0];
      case 'dns2':
        return dns[1];
      case 'nbns1':
        return nbns[0];
      case 'nbns2':
        return nbns[1];
      default:
        return undefined;
    }
  }

  /** RFC 1332 section 3.3: a peer that does not mention its address is told of it. */
  protected override missingOptions(types: ReadonlySet<number>): ConfigurationOption[] {
    if (types.has(ADDRESS_OPTIONS.ipAddress)) return [];
    return [emitIpcpOption({ name: 'ipAddress', address: this.#parameters.peerAddress })];
  }

  /** The peer's address was judged and the servers are its own affair. */
  protected override acceptPeerOptions(): void {}

  /** Our address is what it is. */
  protected override handleNak(): undefined {}

  protected override handleReject(): undefined {
    this.#asksForOwn = false;
  }
}

/** The end that asks: for an address and two DNS servers; it takes what it is given. */
export class IpcpClient extends ControlProtocol {
  /** What the next Configure-Request asks for; 0.0.0.0: whatever the peer has. */
  readonly #asked = new Map<'ipAddress' | 'dns1' | 'dns2', string>([
    ['ipAddress', UNSPECIFIED],
    ['dns1', UNSPECIFIED],
    ['dns2', UNSPECIFIED],
  ]);
  #peerAddress = '';

  constructor(timing: NegotiationTiming, identifiers: Identifiers, outbox: LinkOutbox) {
    super(PPP_PROTOCOL.ipcp, timing, identifiers, outbox);
  }

  /** undefined where the peer has acknowledged that we have no address. */
  get agreement(): IpcpAgreement | undefined {
    const localAddress = this.#asked.get('ipAddress') ?? UNSPECIFIED;
    if (localAddress === UNSPECIFIED) return undefined;
    const dns = [this.#asked.get('dns1') ?? UNSPECIFIED, this.#asked.get('dns2') ?? UNSPECIFIED];
    return { localAddress, peerAddress: this.#peerAddress, dns: dns.filter((server) => server !== UNSPECIFIED) };
  }

  protected override requestOptions(): ConfigurationOption[] {
    return Array.from(this.#asked, ([name, address]) => emitIpcpOption({ name, address }));
  }

  /** The peer may have any address of its own; we have none to give, nor servers. */
  protected override judge(option: ConfigurationOption): Verdict {
    const value = readOrDrop(() => parseIpcpOption(option));
    return value?.name === 'ipAddress' && value.address !== UNSPECIFIED ? 'ack' : 'reject';
  }

  protected override acceptPeerOptions(options: readonly ConfigurationOption[]): void {
    this.#peerAddress = '';
    for (const option of options) {
      const value = readOrDrop(() => parseIpcpOption(option));
      if (value?.name === 'ipAddress') this.#peerAddress = value.address;
    }
  }

  protected override handleNak(option: ConfigurationOption): undefined {
    const value = readOrDrop(() => parseIpcpOption(option));
    if (value?.name === 'ipAddress' || value?.name === 'dns1' || value?.name === 'dns2') {
      this.#asked.set(value.name, value.address);
    }
  }

  protected override handleReject(option: ConfigurationOption): string | undefined {
    const value = readOrDrop(() => parseIpcpOption(option));
    if (value?.name === 'ipAddress') return 'the peer gives us no IPv4 address';
    if (value?.name === 'dns1' || value?.name === 'dns2') this.#asked.delete(value.name);
    return undefined;
  }
}
