/**
 * A peer of version 3 whose packets the test writes, with its own Ns and Nr, towards one endpoint, over UDP or IP. Must
 * not know what the endpoint ought to answer.
 */
import assert from 'node:assert/strict';
import type { TransportPath } from '../../../../firmware/protocol/l2tp/endpoint.js';
import {
  type AvpValues,
  emitControlMessage,
  type MessageType,
  parseControlMessage,
} from '../../../../firmware/wire/avp.js';
import { emitControlPacket, parseControlHeader } from '../../../../firmware/wire/control-header.js';
import type { Node } from './endpoints.js';

/** Our session's ID as this peer assigns it, above 16 bits. */
export const PEER_SESSION_ID = 0x0a0b0c0d;

/** What RFC 3931 section 6.1 and 6.2 require. */
export const INTRODUCTION: AvpValues = {
  hostName: 'raw.example',
  routerId: 0x0a000009,
  assignedControlConnectionId: 0x01020304,
  pseudowireCapabilitiesList: [4, 5, 7],
};

export class Version3Peer {
  readonly node: Node;
  readonly path: TransportPath;
  nodeTunnelId = 0;
  ns = 0;
  nr = 0;

  constructor(node: Node, encapsulation: TransportPath['encapsulation'] = 'udp') {
    this.node = node;
    const port = encapsulation === 'ip' ? 0 : 1701;
    const [localAddress, peerAddress] = [node.address, '198.51.100.9'];
    this.path = { encapsulation, localAddress, localPort: port, peerAddress, peerPort: port };
  }

  send(messageType: MessageType, avps: AvpValues, now_ms = 0): void {
    this.sendBody(emitControlMessage({ messageType, avps }, { dialect: 3 }), now_ms);
  }

  /** With the next Ns, in a header for the endpoint's tunnel as far as that is known. */
  sendBody(body: Uint8Array, now_ms = 0): void {
    this.sendPacket(this.packetOf(body), now_ms);
    this.ns++;
  }

  packetOf(body: Uint8Array): Uint8Array {
    const { nodeTunnelId: controlConnectionId, ns, nr } = this;
    return emitControlPacket({ version: 3, controlConnectionId, ns, nr }, body);
  }

  sendPacket(packet: Uint8Array, now_ms = 0): void {
    this.node.endpoint.handlePacket(packet, this.path, now_ms);
  }

  /** The messages, ACKs apart, that the endpoint has sent since; learns Nr and the endpoint's tunnel ID from them. */
  receive(secret?: Uint8Array) {
    return this.node.transmit().flatMap(({ packet }) => {
      const header = parseControlHeader(packet);
      const body = packet.subarray(header.payloadOffset, header.payloadEnd);
      const message = parseControlMessage(body, { version: 3, secret });
      if (message === null || message.messageType === 'ACK') return [];
      if (header.ns === this.nr) this.nr++;
      this.nodeTunnelId ||= message.avps.assignedControlConnectionId ?? 0;
      return [{ ...message, header, body }];
    });
  }

  /** The one message that the endpoint has sent since. */
  receiveOne(secret?: Uint8Array) {
    const messages = this.receive(secret);
    assert.equal(messages.length, 1, messages.map(({ messageType }) => messageType).join(', '));
    return messages[0];
  }

  /** SCCRQ, SCCRP, SCCCN: gives the endpoint's tunnel ID. */
  establish(): number {
    this.send('SCCRQ', INTRODUCTION);
    const { tunnelId } = this.node.all('tunnel-requested').at(-1)!;
    this.node.endpoint.answerTunnel(tunnelId, { accepted: true }, 0);
    assert.equal(this.receiveOne().messageType, 'SCCRP');
    this.send('SCCCN', {});
    assert.equal(this.node.endpoint.tunnel(tunnelId)?.state, 'established');
    return tunnelId;
  }

  /** ICRQ and ICRP: gives the endpoint's session ID. */
  requestCall(avps: AvpValues = {}): number {
    this.send('ICRQ', { ...callRequest(), ...avps });
    const { sessionId } = this.node.all('call-requested').at(-1)!;
    this.node.endpoint.answerCall(sessionId, { accepted: true }, 0);
    assert.equal(this.receiveOne().messageType, 'ICRP');
    return sessionId;
  }

  /** The same with ICCN. */
  establishCall(avps: AvpValues = {}): number {
    const remoteSessionId = this.requestCall(avps);
    this.send('ICCN', { localSessionId: PEER_SESSION_ID, remoteSessionId });
    assert.equal(this.node.all('call-connected').at(-1)?.sessionId, remoteSessionId);
    return remoteSessionId;
  }
}

/** What RFC 3931 section 6.6 and 6.9 require of an ICRQ and OCRQ. */
export function callRequest(remoteEndId = 'office'): AvpValues {
  return {
    localSessionId: PEER_SESSION_ID,
    remoteSessionId: 0,
    callSerialNumber: 1,
    pseudowireType: 5,
    remoteEndId: new TextEncoder().encode(remoteEndId),
    circuitStatus: 3,
  };
}
