/**
 * A peer of version 3 played by hand over either encapsulation: builds, numbers and seals what a test wants to say, and
 * reads what comes. Acknowledges only when told to; sends nothing by itself.
 */
import { deriveMessageDigestKey, type MessageNonces, sealMessageDigest } from '../../firmware/crypto/message-digest.js';
import {
  type AvpValues,
  type ControlMessage,
  emitControlMessage,
  type MessageType,
  parseControlMessage,
} from '../../firmware/wire/avp.js';
import { octets } from '../../firmware/wire/bytes.js';
import { type ControlHeader, emitControlPacket, parseControlHeader } from '../../firmware/wire/control-header.js';
import { emitDataHeaderV3 } from '../../firmware/wire/l2tpv3.js';

/** Who carries packets: raw-peer.ts over UDP, raw-socket-peer.ts over IP. */
interface Carrier {
  send(...packets: readonly Uint8Array[]): Promise<void>;
  mark(): number;
  packets(from: number): Buffer[];
  awaitAnother(from: number): Promise<void>;
}

export interface Read {
  header: ControlHeader;
  /** From the control header on. */
  packet: Buffer;
  /** null: a ZLB. */
  message: ControlMessage | null;
}

interface Version3PeerOptions {
  encapsulation: 'udp' | 'ip';
  hostName?: string;
  /** Messages are sealed with it. */
  secret?: string;
  /** Speaks as old IOS does: the drafts' AVPs, under vendor 9. */
  draftAvps?: boolean;
  /** What SCCRQ and SCCRP offer. */
  pseudowireTypes?: readonly number[];
}

/** Where a packet departs from what would be right. */
interface Departures {
  controlConnectionId?: number;
  ns?: number;
  nr?: number;
  /** Instead of the secret; null leaves the Message Digest out. */
  secret?: string | null;
}

/** In front of every control message over IP, RFC 3931 section 4.1.1.2. */
const SESSION_ID_ZERO = Buffer.alloc(4);
const NONCE_BYTES = 16;
const ANSWER_TIMEOUT_MS = 10_000;
const WITHOUT_NONCES: readonly MessageType[] = ['SCCRQ'];

export class Version3Peer {
  readonly options: Version3PeerOptions;
  /** Our Control Connection ID, and the one to which all goes; 0 as long as the box has not said it. */
  localId: number;
  remoteId = 0;
  /** Of the next message. */
  ns = 0;
  readonly #carrier: Carrier;
  readonly #localNonce: Uint8Array;
  #remoteNonce: Uint8Array = new Uint8Array(0);
  #from: number;
  /** All that was sent and counts in Ns, as it was on the wire. */
  readonly said: Uint8Array[] = [];

  constructor(carrier: Carrier, localId: number, options: Version3PeerOptions) {
    this.#carrier = carrier;
    this.localId = localId;
    this.options = options;
    this.#localNonce = new Uint8Array(NONCE_BYTES).fill(localId & 0xff);
    this.#from = carrier.mark();
  }

  // To the box.

  /** A whole packet as the carrier takes it. */
  packet(message: ControlMessage, departures: Departures = {}): Uint8Array {
    const { secret = this.options.secret ?? null, ns = this.ns, nr = this.#nr() } = departures;
    const digest = secret === null ? undefined : 'sha1';
    const body = emitControlMessage(message, { dialect: 3, digest, draftAvps: this.options.draftAvps });
    const { controlConnectionId = this.remoteId } = departures;
    const packet = emitControlPacket({ version: 3, controlConnectionId, ns, nr }, body);
    if (secret !== null) {
      const nonces = WITHOUT_NONCES.includes(message.messageType) ? undefined : this.#nonces;
      sealMessageDigest(packet, deriveMessageDigestKey(octets(secret)), nonces);
    }
    return this.#enveloped(packet);
  }

  /** The SCCRQ with which `open` begins, with changes. */
  sccrq(changes: AvpValues = {}): ControlMessage {
    return { messageType: 'SCCRQ', avps: { ...this.#introduction, ...changes } };
  }

  /** Sends the next message. */
  async say(message: ControlMessage, departures: Departures = {}): Promise<void> {
    const packet = this.packet(message, departures);
    this.said.push(packet);
    this.ns += 1;
    await this.#carrier.send(packet);
  }

  /** What is no message of the connection. */
  async throw(...packets: readonly Uint8Array[]): Promise<void> {
    await this.#carrier.send(...packets);
  }

  async acknowledge(): Promise<void> {
    await this.#carrier.send(this.packet({ messageType: 'ACK', avps: {} }));
  }

  /** SCCRQ and SCCRP; `sccrq` is the packet, where it is not a new one. */
  async begin(sccrq = this.packet(this.sccrq())): Promise<Read & { message: ControlMessage }> {
    this.said.push(sccrq);
    this.ns = 1;
    await this.#carrier.send(sccrq);
    const sccrp = await this.hear('SCCRP');
    this.#take(sccrp.message);
    return sccrp;
  }

  /** SCCRQ, SCCRP, SCCCN. */
  async open(): Promise<void> {
    await this.begin();
    await this.say({ messageType: 'SCCCN', avps: {} });
  }

  /** Awaits the box's SCCRQ and answers it; `sccrp` gives another packet than the right one. */
  async answer(sccrp?: (sccrq: Read) => Uint8Array): Promise<Read> {
    const sccrq = await this.hear('SCCRQ');
    this.#take(sccrq.message);
    if (sccrp !== undefined) await this.#carrier.send(sccrp(sccrq));
    else await this.say({ messageType: 'SCCRP', avps: this.#introduction });
    return sccrq;
  }

  async close(): Promise<void> {
    const avps = { resultCode: { resultCode: 1 }, assignedControlConnectionId: this.localId };
    await this.say({ messageType: 'StopCCN', avps });
  }

  /** A data message of a session of the box's. */
  data(sessionId: number, cookie: Uint8Array, payload: Uint8Array): Uint8Array {
    const { encapsulation } = this.options;
    return Buffer.concat([emitDataHeaderV3({ encapsulation, sessionId, cookie }), payload]);
  }

  // From the box.

  /** Every control message since the connection began that was meant for it, or for nobody yet. */
  heard(): Read[] {
    return this.#carrier.packets(this.#from).flatMap((packet) => {
      const read = this.#read(packet);
      const isOurs = read?.header.controlConnectionId === this.localId || read?.header.controlConnectionId === 0;
      return read !== undefined && isOurs ? [read] : [];
    });
  }

  /** Awaits the first message of the type since the connection began. */
  async hear(messageType: MessageType): Promise<Read & { message: ControlMessage }> {
    return this.hearThat(({ message }) => message?.messageType === messageType) as Promise<
      Read & { message: ControlMessage }
    >;
  }

  async hearThat(isIt: (read: Read) => boolean): Promise<Read> {
    let seen = this.#from;
    const deadline_ms = performance.now() + ANSWER_TIMEOUT_MS;
    for (;;) {
      const found = this.heard().find(isIt);
      if (found !== undefined) return found;
      if (performance.now() > deadline_ms) throw new Error(`no such message in ${ANSWER_TIMEOUT_MS} ms`);
      seen = Math.max(seen, this.#carrier.mark());
      await this.#carrier.awaitAnother(seen);
    }
  }

  /** Awaits the box's acknowledgement of all that was said. */
  async isAcknowledged(): Promise<void> {
    await this.hearThat(({ header }) => header.nr === this.ns);
  }

  #take({ avps }: ControlMessage): void {
    this.remoteId = avps.assignedControlConnectionId ?? 0;
    this.#remoteNonce = avps.controlMessageAuthenticationNonce ?? this.#remoteNonce;
  }

  get #nonces(): MessageNonces {
    return { local: this.#localNonce, remote: this.#remoteNonce };
  }

  get #introduction(): AvpValues {
    const { secret, hostName = 'stranger', pseudowireTypes = [5, 7] } = this.options;
    return {
      ...{ hostName, routerId: 0x0a00_0001, assignedControlConnectionId: this.localId },
      ...(secret !== undefined && { controlMessageAuthenticationNonce: this.#localNonce }),
      // The last AVP that is written, so that a message cut anywhere lacks something.
      pseudowireCapabilitiesList: pseudowireTypes,
    };
  }

  /** One above the highest Ns of the box's messages; ACKs and ZLBs have none. */
  #nr(): number {
    const numbers = this.heard().flatMap(({ header, message }) =>
      message === null || message.messageType === 'ACK' ? [] : [header.ns + 1],
    );
    return Math.max(0, ...numbers);
  }

  #enveloped(packet: Uint8Array): Uint8Array {
    return this.options.encapsulation === 'ip' ? Buffer.concat([SESSION_ID_ZERO, packet]) : packet;
  }

  /** Undefined for data, and for what is of version 2. */
  #read(whole: Buffer): Read | undefined {
    const isOverIp = this.options.encapsulation === 'ip';
    if (isOverIp && whole.readUInt32BE(0) !== 0) return undefined;
    const packet = isOverIp ? whole.subarray(SESSION_ID_ZERO.length) : whole;
    if ((packet[0]! & 0x80) === 0 || (packet[1]! & 0x0f) !== 3) return undefined;
    const header = parseControlHeader(packet);
    const body = packet.subarray(header.payloadOffset, header.payloadEnd);
    return { header, packet, message: body.length === 0 ? null : parseControlMessage(body, { version: 3 }) };
  }
}
