/**
 * Step 13 of a call whose PPP ends at this box, at the LNS or at the LAC: the address, the name servers, and what of them
 * the packet path hears. No I/O: the address is asked for. Must not authenticate anybody.
 */
import type { PppLinkEvent } from '../protocol/ppp/link.js';
import type { RandomBytes } from '../wire/bytes.js';
import type { Call } from './call.js';
import type { Answer, CallInfo, RoleContext } from './role.js';

/** What all users of the box get. */
export interface AssignmentConfig {
  /** Our end of every link, IPv4 text. */
  localAddress: string;
  dns: readonly string[];
  nbns: readonly string[];
  ipv6: boolean;
}

export class AddressAssignment {
  readonly #context: RoleContext;
  readonly #isAlive: (call: Call) => boolean;
  /** undefined: nobody gets an address. */
  #config: AssignmentConfig | undefined;

  /** `isAlive` tells whether a call is still there when the answer comes. */
  constructor(context: RoleContext, isAlive: (call: Call) => boolean) {
    this.#context = context;
    this.#isAlive = isAlive;
  }

  configure(config: AssignmentConfig | undefined): void {
    this.#config = config;
  }

  /** True when the event was one of the network phase. */
  handleLinkEvent(call: Call, event: PppLinkEvent, now_ms: number): boolean {
    const { info } = call;
    switch (event.type) {
      case 'network-request':
        this.#lease(call, now_ms);
        return true;
      case 'ipcp-up':
        call.updateRow({ ipv4Open: true, sources: sourcesOf(info) });
        this.#context.emit({ type: 'call-up', call: info });
        call.note(13, 'note', 'address assigned', { address: info.peerAddress, gateway: info.localAddress }, now_ms);
        return true;
      case 'ipv6cp-up':
        call.updateRow({ ipv6Open: true, sources: sourcesOf(info) });
        this.#context.emit({ type: 'call-changed', call: info });
        return true;
      default:
        return false;
    }
  }

  #lease(call: Call, now_ms: number): void {
    const { callId, userName, authorization } = call.info;
    call.note(13, 'question', 'lease an address', { user: userName }, now_ms);
    this.#context.ask({ type: 'lease', callId, userName, authorization }, (answer, at_ms) => {
      if (answer.type === 'lease' && this.#isAlive(call)) this.#assign(call, answer, at_ms);
    });
  }

  #assign(call: Call, answer: Extract<Answer, { type: 'lease' }>, now_ms: number): void {
    const config = this.#config;
    if (!answer.granted || config === undefined) {
      const reason = answer.granted ? 'addresses are not given any more' : answer.reason;
      call.note(13, 'answer', 'no address', { reason }, now_ms);
      call.end('service-unavailable', reason);
      call.withLink(now_ms, (link) => link.close(reason, now_ms));
      return;
    }
    const { lease } = answer;
    const { authorization } = call.info;
    const { ipv6Prefixes, delegatedPrefixes } = authorization;
    const hasPrefixes = config.ipv6 && ipv6Prefixes.length + delegatedPrefixes.length > 0;
    call.info.routes = hasPrefixes ? lease.routes.concat(ipv6Prefixes, delegatedPrefixes) : lease.routes;
    call.note(13, 'answer', 'address leased', { address: lease.address }, now_ms);
    const dns = authorization.dns.length > 0 ? authorization.dns : config.dns;
    const nbns = authorization.nbns.length > 0 ? authorization.nbns : config.nbns;
    if (config.ipv6) call.interfaceIds ??= interfaceIds(this.#context.random, authorization.interfaceId);
    const ipv6 = config.ipv6 ? { ipv6: call.interfaceIds } : {};
    const { localAddress } = config;
    call.withLink(now_ms, (link) =>
      link.answerNetwork({ ipv4: { localAddress, peerAddress: lease.address, dns, nbns }, ...ipv6 }, now_ms),
    );
  }
}

/** Anti-spoofing: the peer may send from its address, its link-local address and the networks behind it. */
function sourcesOf(info: CallInfo): string[] {
  const address = info.peerAddress === '' ? [] : [`${info.peerAddress}/32`];
  const linkLocal = info.peerLinkLocal === '' ? [] : [`${info.peerLinkLocal}/128`];
  return info.routes.concat(address, linkLocal);
}

/**
 * Two different, non-zero interface identifiers, not universally administered (RFC 5072 section 4.1: u bit 0); the peer's
 * is `wanted` where that has 8 octets.
 */
export function interfaceIds(
  random: RandomBytes,
  wanted: Uint8Array,
): { localInterfaceId: Uint8Array; peerInterfaceId: Uint8Array } {
  const localInterfaceId = random(8).slice();
  const peerInterfaceId = random(8).slice();
  localInterfaceId[0] &= ~0x02;
  peerInterfaceId[0] &= ~0x02;
  localInterfaceId[7] |= 1;
  peerInterfaceId[7] = (peerInterfaceId[7] & ~1) | 2;
  if (wanted.length !== 8 || wanted.every((octet) => octet === 0)) return { localInterfaceId, peerInterfaceId };
  // Ours differs from one that is given in its last bit at least.
  localInterfaceId[7] = wanted[7] ^ 1;
  return { localInterfaceId, peerInterfaceId: wanted };
}
