/**
 * IPV6CP (RFC 5072 section 4.1): two interface identifiers that differ. Both ends are alike.
 * Must not know of prefixes or addresses.
 */

import type { RandomBytes } from '../../wire/bytes.js';
import { emitIpv6cpOption, IPV6CP_OPTION, parseIpv6cpOption } from '../../wire/ncp.js';
import { type ConfigurationOption, PPP_PROTOCOL } from '../../wire/ppp.js';
import { ControlProtocol, type NegotiationTiming, type Verdict } from './control-protocol.js';
import type { Identifiers } from './identifiers.js';
import type { LinkOutbox } from './link-outbox.js';
import { readOrDrop, sameOctets } from './peer-octets.js';

const UNIVERSAL_BIT = 0x02;

/** A random identifier: never zero, its "u" bit clear (RFC 5072 section 4.1, case 3). */
export function randomInterfaceId(random: RandomBytes): Uint8Array {
  const identifier = random(8).slice();
  identifier[0] &= ~UNIVERSAL_BIT;
  if (isZero(identifier)) identifier[7] = 1;
  return identifier;
}

export class Ipv6cp extends ControlProtocol {
  readonly #random: RandomBytes;
  #localInterfaceId: Uint8Array;
  /** What the peer has; until it says so, what we would suggest. */
  #peerInterfaceId: Uint8Array;
  #lastSuggested: Uint8Array | undefined;
  #hasPrompted = false;
  #asksForOwn = true;

  /** `interfaceIds`: ours, and what a peer without one is told; both of 8 octets, different, not zero. */
  constructor(
    interfaceIds: { localInterfaceId: Uint8Array; peerInterfaceId: Uint8Array },
    timing: NegotiationTiming,
    identifiers: Identifiers,
    random: RandomBytes,
    outbox: LinkOutbox,
  ) {
    super(PPP_PROTOCOL.ipv6cp, timing, identifiers, outbox);
    this.#random = random;
    this.#localInterfaceId = interfaceIds.localInterfaceId;
    this.#peerInterfaceId = interfaceIds.peerInterfaceId;
  }

  get agreement(): { localInterfaceId: Uint8Array; peerInterfaceId: Uint8Array } {
    return { localInterfaceId: this.#localInterfaceId, peerInterfaceId: this.#peerInterfaceId };
  }

  protected override requestOptions(): ConfigurationOption[] {
    return this.#asksForOwn ? [optionOf(this.#localInterfaceId)] : [];
  }

  /** The four cases of section 4.1; ours is never zero, so the one of two zeros does not arise. */
  protected override judge(option: ConfigurationOption): Verdict {
    const identifier = identifierOf(option);
    if (identifier === undefined) return 'reject';
    if (!isZero(identifier) && !sameOctets(identifier, this.#localInterfaceId)) return 'ack';
    return this.#suggest();
  }

  /** "If the next Configure-Request does not include this option, the peer MUST NOT send another Configure-Nak." */
  protected override missingOptions(types: ReadonlySet<number>): ConfigurationOption[] {
    if (this.#hasPrompted || types.has(IPV6CP_OPTION.interfaceIdentifier)) return [];
    this.#hasPrompted = true;
    return [this.#suggest()];
  }

  protected override acceptPeerOptions(options: readonly ConfigurationOption[]): void {
    for (const option of options) this.#peerInterfaceId = identifierOf(option) ?? this.#peerInterfaceId;
  }

  /** The suggested one is taken; one that we have suggested ourselves comes back from a peer that is in our place. */
  protected override handleNak(option: ConfigurationOption): undefined {
    const suggested = identifierOf(option);
    if (suggested === undefined) return;
    const isUnique =
      !isZero(suggested) && (this.#lastSuggested === undefined || !sameOctets(suggested, this.#lastSuggested));
    this.#localInterfaceId = isUnique ? suggested : randomInterfaceId(this.#random);
  }

  protected override handleReject(): undefined {
    this.#asksForOwn = false;
  }

  #suggest(): ConfigurationOption {
    if (sameOctets(this.#peerInterfaceId, this.#localInterfaceId)) {
      this.#peerInterfaceId = differentInterfaceId(this.#localInterfaceId);
    }
    this.#lastSuggested = this.#peerInterfaceId;
    return optionOf(this.#peerInterfaceId);
  }
}

function differentInterfaceId(interfaceId: Uint8Array): Uint8Array {
  const different = interfaceId.slice();
  different[0] &= ~UNIVERSAL_BIT;
  different[7] ^= 1;
  if (isZero(different)) different[7] = 2;
  return different;
}

function optionOf(interfaceIdentifier: Uint8Array): ConfigurationOption {
  return emitIpv6cpOption({ name: 'interfaceIdentifier', interfaceIdentifier });
}

function identifierOf(option: ConfigurationOption): Uint8Array | undefined {
  const value = readOrDrop(() => parseIpv6cpOption(option));
  return value?.name === 'interfaceIdentifier' ? value.interfaceIdentifier : undefined;
}

function isZero(identifier: Uint8Array): boolean {
  return identifier.every((octet) => octet === 0);
}
