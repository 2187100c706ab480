/**
 * What a LAC hands over to the LNS of a call that it has begun: the LCP Configure-Requests of the PC and its own, and how
 * the PC has authenticated itself, as the AVPs of RFC 2661 section 4.4.5, at both ends. Pure. Must not judge LCP options:
 * that is the link's.
 */
import type { AuthenticationRequest, ProxiedLink } from '../protocol/ppp/link.js';
import type { AvpValues } from '../wire/avp.js';
import { CONTROL_CODE } from '../wire/ppp.js';

/** Proxy Authen Type, section 4.4.5. MS-CHAPv2 has none of its own. */
const PROXY_AUTHEN_TYPE = { chap: 2, pap: 3, none: 4 } as const;
/** Of an LCP packet: code, identifier, length (RFC 1661 section 5). */
const LCP_HEADER_BYTES = 4;
const MD5_BYTES = 16;
/** Type of the LCP option, RFC 1662 section 7.1. */
const ACCM = 2;
/** What an AVP has room for (section 4.1), also where it is hidden (section 4.3). */
const MAX_OPTIONS_BYTES = 1000;
const NOTHING = new Uint8Array(0);

/** The Configure-Requests of a negotiation, by their options. */
export class LcpRecord {
  #initialReceived: Uint8Array | undefined;
  #lastReceived: Uint8Array | undefined;
  #lastSent: Uint8Array | undefined;

  /** A whole LCP packet, whichever it is. */
  note(direction: 'sent' | 'received', packet: Uint8Array): void {
    if (packet[0] !== CONTROL_CODE.configureRequest) return;
    const options = packet.slice(LCP_HEADER_BYTES, (packet[2] << 8) | packet[3]);
    if (direction === 'sent') this.#lastSent = options;
    else {
      this.#initialReceived ??= options;
      this.#lastReceived = options;
    }
  }

  /**
   * For the ICCN. An empty list of options is said too: it is what was asked for. A first request that no AVP has room for
   * has been refused, and is not told of.
   */
  avps(): AvpValues {
    const initialReceived = this.#initialReceived ?? NOTHING;
    return {
      ...(initialReceived.length <= MAX_OPTIONS_BYTES && { initialReceivedLcpConfReq: initialReceived }),
      lastSentLcpConfReq: this.#lastSent ?? NOTHING,
      lastReceivedLcpConfReq: this.#lastReceived ?? NOTHING,
    };
  }
}

/** What the PC has answered, for the ICCN: after MS-CHAPv2 the LNS has to ask for itself. */
export function proxyAuthenticationAvps(request: AuthenticationRequest): AvpValues {
  switch (request.protocol) {
    case 'pap':
      return {
        proxyAuthenType: PROXY_AUTHEN_TYPE.pap,
        proxyAuthenName: request.name,
        proxyAuthenId: request.identifier,
        proxyAuthenResponse: request.password,
      };
    case 'chap-md5':
      return {
        proxyAuthenType: PROXY_AUTHEN_TYPE.chap,
        proxyAuthenName: request.name,
        proxyAuthenChallenge: request.challenge,
        proxyAuthenId: request.identifier,
        proxyAuthenResponse: request.response,
      };
    case 'mschapv2':
      return { proxyAuthenType: PROXY_AUTHEN_TYPE.none };
  }
}

/**
 * Whether the user's line has no ACCM: neither end asked for one when the LAC negotiated. Hosts on Ethernet reject it (RFC
 * 2516 section 7), and some have no patience for one round more.
 */
export function hasNoAccm({ initialReceivedLcpConfReq: received, lastSentLcpConfReq: sent }: AvpValues): boolean {
  return received !== undefined && sent !== undefined && !hasOption(received, ACCM) && !hasOption(sent, ACCM);
}

/** Whether a list of LCP options has one of this type; what lies about its length has it in what can be read. */
function hasOption(options: Uint8Array, type: number): boolean {
  for (let at = 0; at + 1 < options.length && options[at + 1] >= 2; at += options[at + 1]) {
    if (options[at] === type) return true;
  }
  return false;
}

type Proxied = Pick<ProxiedLink, 'lastSent' | 'lastReceived' | 'request'>;

/** What an ICCN hands over: nothing, something that cannot be taken and why, or what the link may begin from. */
export function readProxy(
  avps: AvpValues,
): { given: false } | { given: true; problem: string } | { given: true; proxied: Proxied } {
  const { lastSentLcpConfReq: lastSent, lastReceivedLcpConfReq: lastReceived } = avps;
  if (lastSent === undefined && lastReceived === undefined) return { given: false };
  if (lastSent === undefined || lastReceived === undefined) {
    return { given: true, problem: 'only one of Last Sent and Last Received LCP CONFREQ is there' };
  }
  const request = readAuthentication(avps);
  if (typeof request === 'string') return { given: true, problem: request };
  return { given: true, proxied: { lastSent, lastReceived, request } };
}

/** undefined: the user has not authenticated; text: why what is there cannot be taken. */
function readAuthentication(avps: AvpValues): AuthenticationRequest | string | undefined {
  const { proxyAuthenType: type, proxyAuthenName: name, proxyAuthenId: identifier = 0 } = avps;
  const { proxyAuthenChallenge: challenge, proxyAuthenResponse: response } = avps;
  switch (type) {
    case undefined:
    case PROXY_AUTHEN_TYPE.none:
      return undefined;
    case PROXY_AUTHEN_TYPE.chap:
      if (name === undefined || challenge === undefined) return 'proxied CHAP without name or challenge';
      if (response?.length !== MD5_BYTES) return 'a proxied CHAP Response is not 16 octets long';
      return { protocol: 'chap-md5', name, identifier, challenge, response };
    case PROXY_AUTHEN_TYPE.pap:
      if (name === undefined || response === undefined) return 'proxied PAP without name or password';
      return { protocol: 'pap', name, identifier, password: response };
    default:
      return `proxied authentication of type ${type} is not known here`;
  }
}
