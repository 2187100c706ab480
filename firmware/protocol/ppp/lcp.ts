/**
 * LCP: the link's own options (RFC 1661 section 6), Echo, Protocol-Reject and detection of a looped-back link.
 * Must not know phases: the link decides what follows when LCP is up or down.
 */

import type { RandomBytes } from '../../wire/bytes.js';
import {
  CHAP_ALGORITHM,
  emitLcpOption,
  emitMagicNumberPacket,
  emitProtocolReject,
  LCP_OPTION,
  type LcpOption,
  parseLcpOption,
  parseMagicNumberPacket,
  parseProtocolReject,
} from '../../wire/lcp.js';
import { CONTROL_CODE, type ConfigurationOption, type ControlPacket, PPP_PROTOCOL } from '../../wire/ppp.js';
import { ControlProtocol, type NegotiationTiming, type Verdict } from './control-protocol.js';
import { Identifiers } from './identifiers.js';
import { DEFAULT_MRU_BYTES, type LinkOutbox } from './link-outbox.js';
import type { AuthenticationProtocol } from './link-types.js';
import { readOrDrop } from './peer-octets.js';

/** What LCP asks for and gives. */
export interface LcpConfig {
  readonly mru_bytes: number;
  /** What the peer may authenticate itself with, the most wanted first; empty: it need not. */
  readonly demand: readonly AuthenticationProtocol[];
  /** What we are ready to authenticate ourselves with. */
  readonly allow: readonly AuthenticationProtocol[];
  /** RFC 2516 section 7: neither end may have ACCM or ACFC. */
  readonly overEthernet: boolean;
  /** No ACCM is asked for, though the peer may. */
  readonly withoutAccm: boolean;
}

/** What both ends have agreed on once LCP is up. */
export interface LcpAgreement {
  localMru_bytes: number;
  peerMru_bytes: number;
  /** The peer takes frames without address and control, or with a protocol field of one octet. */
  transmitAcfc: boolean;
  transmitPfc: boolean;
  /** The peer has to authenticate itself by this. */
  demanded?: AuthenticationProtocol;
  /** We have to authenticate ourselves by this. */
  promised?: AuthenticationProtocol;
}

/** What one end asked for in the Configure-Request that was acknowledged; undefined: an option that it left out. */
export interface LcpRequest {
  mru_bytes: number | undefined;
  accm: number | undefined;
  authentication: AuthenticationProtocol | undefined;
  magicNumber: number | undefined;
  pfc: boolean;
  acfc: boolean;
}

/** Below this no header and no authentication packet has room. */
export const MIN_MRU_BYTES = 128;
/** RFC 1661 section 6.4: two equal magic numbers happen once in 2^32, so five in a row are no chance. */
const LOOPBACK_LIMIT = 5;
const ECHO_HEADER_BYTES = 8;
const PROTOCOL_REJECT_HEADER_BYTES = 4;

const AUTHENTICATION_OPTION: Readonly<Record<AuthenticationProtocol, ConfigurationOption>> = {
  pap: emitLcpOption({ name: 'authentication', protocol: PPP_PROTOCOL.pap }),
  'chap-md5': emitLcpOption({
    name: 'authentication',
    protocol: PPP_PROTOCOL.chap,
    algorithm: CHAP_ALGORITHM.md5,
  }),
  mschapv2: emitLcpOption({
    name: 'authentication',
    protocol: PPP_PROTOCOL.chap,
    algorithm: CHAP_ALGORITHM.msChapV2,
  }),
};

export class Lcp extends ControlProtocol {
  readonly #config: LcpConfig;
  readonly #random: RandomBytes;
  /** What the next Configure-Request asks for; undefined or 0: not at all. */
  #mru_bytes: number | undefined;
  #accm: number | undefined;
  #magicNumber: number;
  /** What the peer may still choose from; the first is asked for. */
  #demand: readonly AuthenticationProtocol[];
  /** What the peer has asked for and been granted; its MRU is known to all parts of the link. */
  #peerAcfc = false;
  #peerPfc = false;
  #promised: AuthenticationProtocol | undefined;
  #collisions = 0;
  #suggestions = 0;
  #echoRejected = false;

  constructor(config: LcpConfig, timing: NegotiationTiming, random: RandomBytes, outbox: LinkOutbox) {
    super(PPP_PROTOCOL.lcp, timing, new Identifiers(random(1)[0]), outbox);
    this.#config = config;
    this.#random = random;
    this.#mru_bytes = config.mru_bytes === DEFAULT_MRU_BYTES ? undefined : config.mru_bytes;
    this.#accm = config.overEthernet || config.withoutAccm ? undefined : 0;
    this.#demand = config.demand;
    this.#magicNumber = this.#newMagicNumber();
  }

  get agreement(): LcpAgreement {
    return {
      localMru_bytes: this.#mru_bytes ?? DEFAULT_MRU_BYTES,
      peerMru_bytes: this.outbox.peerMru_bytes,
      transmitAcfc: this.#peerAcfc,
      transmitPfc: this.#peerPfc,
      ...(this.#demand.length > 0 ? { demanded: this.#demand[0] } : {}),
      ...(this.#promised === undefined ? {} : { promised: this.#promised }),
    };
  }

  /**
   * A LAC has negotiated LCP with the peer: what it asked for is what we asked for, and is what we shall ask for again.
   * Both requests are such as we could have sent and acknowledged.
   */
  startProxied(ours: LcpRequest, peers: LcpRequest): void {
    this.#mru_bytes = ours.mru_bytes;
    this.#accm = ours.accm;
    this.#magicNumber = ours.magicNumber ?? 0;
    const { authentication } = ours;
    if (authentication !== undefined) {
      this.#demand = [authentication, ...this.#demand.filter((one) => one !== authentication)];
    }
    this.outbox.peerMru_bytes = peers.mru_bytes ?? DEFAULT_MRU_BYTES;
    this.#peerAcfc = peers.acfc;
    this.#peerPfc = peers.pfc;
    this.#promised = peers.authentication;
    this.takeOverOpened();
  }

  /** RFC 1661 section 5.8. False when the peer has said that it does not know Echo-Requests. */
  sendEchoRequest(): boolean {
    if (this.state !== 'Opened' || this.#echoRejected) return false;
    const data = emitMagicNumberPacket({ magicNumber: this.#magicNumber, data: new Uint8Array(0) });
    this.send({ code: CONTROL_CODE.echoRequest, identifier: this.nextIdentifier(), data });
    return true;
  }

  /** RFC 1661 section 5.7: only in state Opened, and cut to comply with the peer's MRU. */
  sendProtocolReject(protocol: number, information: Uint8Array): void {
    if (this.state !== 'Opened') return;
    const data = emitProtocolReject(
      { protocol, information },
      this.outbox.peerMru_bytes - PROTOCOL_REJECT_HEADER_BYTES,
    );
    this.send({ code: CONTROL_CODE.protocolReject, identifier: this.nextIdentifier(), data });
  }

  /**
   * One proposal that every common peer takes as it is, because some have only patience for three rounds: neither
   * compression of header fields (peers behind PPPoE refuse it) nor default values.
   */
  protected override requestOptions(): ConfigurationOption[] {
    const options: ConfigurationOption[] = [];
    if (this.#mru_bytes !== undefined) options.push(emitLcpOption({ name: 'mru', mru_bytes: this.#mru_bytes }));
    if (this.#accm !== undefined) options.push(emitLcpOption({ name: 'accm', accm: this.#accm }));
    if (this.#demand.length > 0) options.push(AUTHENTICATION_OPTION[this.#demand[0]]);
    if (this.#magicNumber !== 0) options.push(emitLcpOption({ name: 'magicNumber', magicNumber: this.#magicNumber }));
    return options;
  }

  /** A magic number like our own: RFC 1661 section 6.4 wants the Configure-Nak at once, whatever else is asked. */
  protected override nakFirst(options: readonly ConfigurationOption[]): ConfigurationOption[] {
    const isEcho = options.some((option) => {
      const value = lcpOption(option);
      return value?.name === 'magicNumber' && value.magicNumber !== 0 && value.magicNumber === this.#magicNumber;
    });
    if (!isEcho) {
      this.#collisions = 0;
      return [];
    }
    if (++this.#collisions === LOOPBACK_LIMIT) this.signal({ type: 'loopback' });
    return [emitLcpOption({ name: 'magicNumber', magicNumber: this.#newMagicNumber() })];
  }

  protected override judge(option: ConfigurationOption): Verdict {
    const value = lcpOption(option);
    switch (value?.name) {
      case 'mru':
        return value.mru_bytes >= MIN_MRU_BYTES ? 'ack' : emitLcpOption({ name: 'mru', mru_bytes: MIN_MRU_BYTES });
      case 'magicNumber':
        if (value.magicNumber !== 0) return 'ack';
        return emitLcpOption({ name: 'magicNumber', magicNumber: this.#newMagicNumber() });
      case 'authentication':
        return this.#judgeAuthentication(value);
      case 'pfc':
        return 'ack';
      case 'accm':
      case 'acfc':
        return this.#config.overEthernet ? 'reject' : 'ack';
      default:
        // Multilink (MRRU, short sequence numbers, endpoint discriminator), callback, quality and what is unknown.
        return 'reject';
    }
  }

  /** We suggest each protocol that we would take, one after the other. */
  #judgeAuthentication(value: Extract<LcpOption, { name: 'authentication' }>): Verdict {
    const { allow } = this.#config;
    if (allow.length === 0) return 'reject';
    const asked = authenticationOf(value);
    if (asked !== undefined && allow.includes(asked)) return 'ack';
    return AUTHENTICATION_OPTION[allow[this.#suggestions++ % allow.length]];
  }

  protected override acceptPeerOptions(options: readonly ConfigurationOption[]): void {
    this.outbox.peerMru_bytes = DEFAULT_MRU_BYTES;
    this.#peerAcfc = false;
    this.#peerPfc = false;
    this.#promised = undefined;
    for (const option of options) {
      const value = lcpOption(option);
      if (value?.name === 'mru') this.outbox.peerMru_bytes = value.mru_bytes;
      else if (value?.name === 'acfc') this.#peerAcfc = true;
      else if (value?.name === 'pfc') this.#peerPfc = true;
      else if (value?.name === 'authentication') this.#promised = authenticationOf(value);
    }
  }

  protected override handleNak(option: ConfigurationOption): string | undefined {
    if (option.type === LCP_OPTION.authenticationProtocol) return this.#moveAuthentication(option);
    const value = lcpOption(option);
    if (value?.name === 'mru' && value.mru_bytes >= MIN_MRU_BYTES) {
      // Every implementation must take 1500 octets (section 6.1), so a wish for up to that can be met.
      this.#mru_bytes = Math.min(value.mru_bytes, Math.max(this.#config.mru_bytes, DEFAULT_MRU_BYTES));
    } else if (value?.name === 'accm' && !this.#config.overEthernet) {
      this.#accm = value.accm;
    } else if (value?.name === 'magicNumber') {
      this.#magicNumber = this.#newMagicNumber();
    }
    return undefined;
  }

  /** RFC 1661 section 6.2: the next one that we want, or at once the one that the peer names if we allow it. */
  #moveAuthentication(option: ConfigurationOption): string | undefined {
    const value = lcpOption(option);
    const wish = value?.name === 'authentication' ? authenticationOf(value) : undefined;
    const left = this.#demand.slice(1);
    if (left.length === 0) return 'the peer refuses every authentication protocol that is allowed';
    this.#demand = wish !== undefined && left.includes(wish) ? [wish, ...left.filter((one) => one !== wish)] : left;
    return undefined;
  }

  protected override handleReject(option: ConfigurationOption): string | undefined {
    switch (option.type) {
      case LCP_OPTION.mru:
        this.#mru_bytes = undefined;
        return undefined;
      case LCP_OPTION.accm:
        this.#accm = undefined;
        return undefined;
      case LCP_OPTION.magicNumber:
        this.#magicNumber = 0;
        return undefined;
      default:
        return 'the peer refuses to authenticate itself';
    }
  }

  protected override handleFurtherCode(packet: ControlPacket, now_ms: number): boolean {
    switch (packet.code) {
      case CONTROL_CODE.protocolReject:
        this.#handleProtocolReject(packet, now_ms);
        return true;
      case CONTROL_CODE.echoRequest:
        if (this.#isLooped(packet)) this.signal({ type: 'loopback' });
        else this.event('RXR', now_ms);
        return true;
      case CONTROL_CODE.echoReply:
      case CONTROL_CODE.discardRequest:
      case CONTROL_CODE.identification:
      case CONTROL_CODE.timeRemaining:
        this.event('RXR', now_ms);
        return true;
      default:
        return false;
    }
  }

  /** "Protocol-Reject packets received in any state other than the LCP Opened state SHOULD be silently discarded." */
  #handleProtocolReject(packet: ControlPacket, now_ms: number): void {
    const reject = readOrDrop(() => parseProtocolReject(packet.data));
    if (reject === undefined || this.state !== 'Opened') return;
    if (reject.protocol === PPP_PROTOCOL.lcp) {
      this.failForGood('the peer rejects LCP', now_ms);
      return;
    }
    this.signal({ type: 'protocol-rejected', protocol: reject.protocol });
    this.event('RXJ+', now_ms);
  }

  protected override handleCodeRejected(code: number): void {
    if (code === CONTROL_CODE.echoRequest) this.#echoRejected = true;
  }

  /** RFC 1661 section 5.8: our magic number, the request's identifier and data. */
  protected override sendEchoReply(): void {
    if (this.received.code !== CONTROL_CODE.echoRequest) return;
    const echo = readOrDrop(() => parseMagicNumberPacket(this.received.data));
    if (echo === undefined) return;
    const data = emitMagicNumberPacket({
      magicNumber: this.#magicNumber,
      data: this.fitting(echo.data, ECHO_HEADER_BYTES),
    });
    this.send({ code: CONTROL_CODE.echoReply, identifier: this.received.identifier, data });
  }

  #isLooped(packet: ControlPacket): boolean {
    if (this.state !== 'Opened' || this.#magicNumber === 0) return false;
    return readOrDrop(() => parseMagicNumberPacket(packet.data))?.magicNumber === this.#magicNumber;
  }

  /** "A Magic-Number of zero is illegal." */
  #newMagicNumber(): number {
    const [a, b, c, d] = this.#random(4);
    return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0 || 1;
  }
}

/** The protocol that an Authentication-Protocol option names; undefined for one that we do not have. */
export function authenticationOf(
  value: Extract<LcpOption, { name: 'authentication' }>,
): AuthenticationProtocol | undefined {
  if (value.protocol === PPP_PROTOCOL.pap) return 'pap';
  if (value.protocol !== PPP_PROTOCOL.chap) return undefined;
  if (value.algorithm === CHAP_ALGORITHM.md5) return 'chap-md5';
  return value.algorithm === CHAP_ALGORITHM.msChapV2 ? 'mschapv2' : undefined;
}

/** An option of a length that its type does not have is treated like an unknown one. */
function lcpOption(option: ConfigurationOption): LcpOption | undefined {
  return readOrDrop(() => parseLcpOption(option));
}
