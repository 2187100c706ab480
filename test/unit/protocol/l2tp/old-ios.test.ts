/**
 * Old Cisco IOS, whose version 3 is that of the drafts: IDs, capabilities and pseudowire type in AVPs of vendor 9. Its
 * messages are written here octet by octet, and ours are read so, that neither rests on our own table of AVPs.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Node } from './endpoints.js';

const CISCO = 9;
const MANDATORY = 0x8000;
/** Vendor 9's attribute types, as the drafts had them. */
const DRAFT = {
  ...{ assignedControlConnectionId: 1, pseudowireCapabilities: 2, localSessionId: 3, remoteSessionId: 4 },
  ...{ assignedCookie: 5, remoteEndId: 6, pseudowireType: 7, circuitStatus: 8, avpVersion: 10 },
} as const;
const TYPE = { SCCRQ: 1, SCCRP: 2, SCCCN: 3, StopCCN: 4, ICRQ: 10, ICRP: 11, ICCN: 12, CDN: 14 } as const;

/** IDs of IOS's. */
const IOS_TUNNEL_ID = 0x8a3f0012;
const IOS_SESSION_ID = 0x00011ce4;

const u16 = (value: number) => [value >>> 8, value & 0xff];
const u32 = (value: number) => [...u16(value >>> 16), ...u16(value & 0xffff)];
const text = (value: string) => [...new TextEncoder().encode(value)];
const at = (octets: Uint8Array, offset: number) => (octets[offset] << 8) | octets[offset + 1];
const longAt = (octets: Uint8Array, offset: number) => at(octets, offset) * 0x10000 + at(octets, offset + 2);

function avp(vendorId: number, type: number, value: number[], bits = MANDATORY): number[] {
  return [...u16(bits | (6 + value.length)), ...u16(vendorId), ...u16(type), ...value];
}

/** A message as it came from us: what its header names, and its AVPs by vendor and type. */
interface Seen {
  readonly controlConnectionId: number;
  readonly ns: number;
  readonly type: number;
  readonly avps: ReadonlyMap<string, Uint8Array>;
}

function takeApart(packet: Uint8Array): Seen {
  assert.equal(at(packet, 0), 0xc803, 'flags and version of a control message');
  assert.equal(at(packet, 2), packet.length);
  const avps = new Map<string, Uint8Array>();
  for (let offset = 12; offset < packet.length; ) {
    const length_bytes = at(packet, offset) & 0x3ff;
    const name = `${at(packet, offset + 2)}/${at(packet, offset + 4)}`;
    avps.set(name, packet.subarray(offset + 6, offset + length_bytes));
    offset += length_bytes;
  }
  const messageType = avps.get('0/0');
  const isAck = avps.has('9/0') || (messageType !== undefined && at(messageType, 0) === 20);
  const type = isAck || messageType === undefined ? 0 : at(messageType, 0);
  return { controlConnectionId: longAt(packet, 4), ns: at(packet, 8), type, avps };
}

class OldIos {
  readonly node: Node;
  nodeTunnelId = 0;
  #ns = 0;
  #nr = 0;

  constructor(node: Node) {
    this.node = node;
  }

  get path() {
    const { address: localAddress } = this.node;
    return { encapsulation: 'ip', localAddress, localPort: 0, peerAddress: '198.51.100.9', peerPort: 0 } as const;
  }

  send(type: number, ...avps: number[][]): void {
    const body = [...avp(0, 0, u16(type)), ...avps.flat()];
    const header = [0xc8, 3, ...u16(12 + body.length), ...u32(this.nodeTunnelId), ...u16(this.#ns++), ...u16(this.#nr)];
    this.node.endpoint.handlePacket(Uint8Array.from([...header, ...body]), this.path, 0);
  }

  /** The one message that we have sent since, acknowledgements apart. */
  receive(): Seen {
    const seen = this.node.transmit().map(({ packet }) => takeApart(packet));
    const messages = seen.filter(({ type }) => type !== 0);
    assert.equal(messages.length, 1);
    this.#nr = messages[0].ns + 1;
    return messages[0];
  }

  introduce(type: number): void {
    this.send(
      type,
      avp(CISCO, DRAFT.avpVersion, u16(1), 0),
      avp(0, 7, text('ios')),
      avp(0, 8, text('Cisco Systems, Inc.'), 0),
      avp(0, 60, u32(0x0a000009)),
      avp(CISCO, DRAFT.assignedControlConnectionId, u32(IOS_TUNNEL_ID)),
      avp(CISCO, DRAFT.pseudowireCapabilities, [...u16(4), ...u16(5), ...u16(7)]),
      avp(0, 10, u16(20)),
    );
  }

  request(pseudowireType: number): void {
    this.send(
      TYPE.ICRQ,
      ...sessionIds(0),
      avp(0, 15, u32(0x1234), 0),
      avp(CISCO, DRAFT.pseudowireType, u16(pseudowireType)),
      avp(CISCO, DRAFT.remoteEndId, text('100')),
      avp(CISCO, DRAFT.assignedCookie, [1, 2, 3, 4]),
      avp(CISCO, DRAFT.circuitStatus, u16(3)),
    );
  }
}

function sessionIds(remoteSessionId: number): number[][] {
  return [
    avp(CISCO, DRAFT.localSessionId, u32(IOS_SESSION_ID)),
    avp(CISCO, DRAFT.remoteSessionId, u32(remoteSessionId)),
  ];
}

/** Each by vendor 9 and none by RFC 3931's own AVP; gives the values. */
function draftValues({ avps }: Seen, ...types: [draft: number, own: number][]): Uint8Array[] {
  return types.map(([draft, own]) => {
    assert.ok(!avps.has(`0/${own}`), `AVP ${own} of the RFC`);
    const value = avps.get(`9/${draft}`);
    assert.ok(value !== undefined, `no AVP ${draft} of vendor 9`);
    return value;
  });
}

const IDS: [number, number][] = [
  [DRAFT.localSessionId, 63],
  [DRAFT.remoteSessionId, 64],
];

/** IOS has asked for the tunnel, which stands. */
function answered(): { node: Node; ios: OldIos; tunnelId: number } {
  const node = new Node('192.0.2.2', 2);
  const ios = new OldIos(node);
  ios.introduce(TYPE.SCCRQ);
  const { tunnelId } = node.one('tunnel-requested');
  node.endpoint.answerTunnel(tunnelId, { accepted: true }, 0);
  const sccrp = ios.receive();
  assert.equal(sccrp.type, TYPE.SCCRP);
  assert.equal(sccrp.controlConnectionId, IOS_TUNNEL_ID);
  const [id, capabilities] = draftValues(
    sccrp,
    [DRAFT.assignedControlConnectionId, 61],
    [DRAFT.pseudowireCapabilities, 62],
  );
  assert.deepEqual([...capabilities], [0, 4, 0, 5, 0, 7]);
  ios.nodeTunnelId = longAt(id, 0);
  ios.send(TYPE.SCCCN);
  assert.equal(node.endpoint.tunnel(tunnelId)?.state, 'established');
  return { node, ios, tunnelId };
}

/** We have asked for the tunnel, which stands. */
function dialled(): { node: Node; ios: OldIos; tunnelId: number } {
  const node = new Node('192.0.2.2', 2);
  const ios = new OldIos(node);
  const tunnelId = node.endpoint.openTunnel({ version: 3, path: ios.path }, 0);
  const sccrq = ios.receive();
  assert.equal(sccrq.type, TYPE.SCCRQ);
  ios.nodeTunnelId = longAt(sccrq.avps.get('0/61')!, 0);
  ios.introduce(TYPE.SCCRP);
  assert.equal(ios.receive().type, TYPE.SCCCN);
  assert.equal(node.one('tunnel-established').peerTunnelId, IOS_TUNNEL_ID);
  return { node, ios, tunnelId };
}

describe('Cisco, old IOS, asks for a tunnel', () => {
  it("its SCCRQ of vendor 9's AVPs is understood, and its SCCRP has them", () => {
    const { node, tunnelId } = answered();
    const status = node.endpoint.tunnel(tunnelId)!;
    assert.equal(status.peerTunnelId, IOS_TUNNEL_ID);
    assert.equal(status.peerHostName, 'ios');
    assert.deepEqual(status.peerPseudowireTypes, [4, 5, 7]);
  });

  for (const [name, pseudowireType] of [
    ['Ethernet', 5],
    ['PPP', 7],
  ] as const) {
    it(`ICRQ, ICRP, ICCN and its CDN of an ${name} session`, () => {
      const { node, ios } = answered();
      ios.request(pseudowireType);
      const { sessionId, icrq } = node.one('call-requested');
      assert.equal(icrq.avps.pseudowireType, pseudowireType);
      assert.equal(icrq.avps.circuitStatus, 3);
      assert.deepEqual(icrq.avps.assignedCookie, Uint8Array.of(1, 2, 3, 4));
      assert.deepEqual(icrq.avps.remoteEndId, Uint8Array.from(text('100')));
      node.endpoint.answerCall(sessionId, { accepted: true, avps: { assignedCookie: Uint8Array.of(5, 6, 7, 8) } }, 0);
      const icrp = ios.receive();
      assert.equal(icrp.type, TYPE.ICRP);
      const [local, remote, cookie] = draftValues(icrp, ...IDS, [DRAFT.assignedCookie, 65]);
      assert.deepEqual([longAt(local, 0), longAt(remote, 0)], [sessionId, IOS_SESSION_ID]);
      assert.deepEqual([...cookie], [5, 6, 7, 8]);
      ios.send(TYPE.ICCN, ...sessionIds(sessionId));
      assert.equal(node.one('call-connected').peerSessionId, IOS_SESSION_ID);
      ios.send(TYPE.CDN, avp(0, 1, [...u16(3), ...u16(0)]), ...sessionIds(sessionId));
      assert.equal(node.one('call-closed').cause.resultCode, 3);
    });
  }

  it('a session that we end: our CDN has them', () => {
    const { node, ios } = answered();
    ios.request(5);
    const { sessionId } = node.one('call-requested');
    node.endpoint.answerCall(sessionId, { accepted: false, resultCode: 3 }, 0);
    const cdn = ios.receive();
    assert.equal(cdn.type, TYPE.CDN);
    const [local, remote] = draftValues(cdn, ...IDS);
    assert.deepEqual([longAt(local, 0), longAt(remote, 0)], [sessionId, IOS_SESSION_ID]);
  });

  it('a pseudowire type that was not offered: CDN 14, and it has them', () => {
    const { node, ios } = answered();
    ios.request(1);
    const cdn = ios.receive();
    assert.equal(cdn.type, TYPE.CDN);
    assert.equal(at(cdn.avps.get('0/1')!, 0), 14);
    assert.equal(longAt(draftValues(cdn, ...IDS)[1], 0), IOS_SESSION_ID);
    assert.deepEqual(node.all('call-requested'), []);
  });

  it('a tunnel that we end: our StopCCN has them', () => {
    const { node, ios, tunnelId } = answered();
    node.endpoint.closeTunnel(tunnelId, { resultCode: 6 }, 0);
    const stop = ios.receive();
    assert.equal(stop.type, TYPE.StopCCN);
    assert.equal(longAt(draftValues(stop, [DRAFT.assignedControlConnectionId, 61])[0], 0), ios.nodeTunnelId);
  });
});

describe('Cisco, old IOS, is asked for a tunnel', () => {
  for (const pseudowireType of [5, 7]) {
    it(`ICRQ of pseudowire type ${pseudowireType}, its ICRP, ICCN, CDN`, () => {
      const { node, ios, tunnelId } = dialled();
      const icrqAvps = { callSerialNumber: 1, pseudowireType, remoteEndId: Uint8Array.from(text('100')) };
      const sessionId = node.endpoint.placeCall(tunnelId, icrqAvps, 0);
      const icrq = ios.receive();
      assert.equal(icrq.type, TYPE.ICRQ);
      const [local, remote, type, end, status] = draftValues(
        icrq,
        ...IDS,
        [DRAFT.pseudowireType, 68],
        [DRAFT.remoteEndId, 66],
        [DRAFT.circuitStatus, 71],
      );
      // IOS answers any other Remote Session ID in an ICRQ with StopCCN.
      assert.deepEqual([longAt(local, 0), longAt(remote, 0)], [sessionId, 0]);
      assert.deepEqual([at(type, 0), at(status, 0), [...end]], [pseudowireType, 3, text('100')]);
      ios.send(TYPE.ICRP, ...sessionIds(sessionId), avp(CISCO, DRAFT.circuitStatus, u16(3)));
      assert.equal(node.one('call-replied').peerSessionId, IOS_SESSION_ID);
      node.endpoint.connectCall(sessionId, {}, 0);
      const iccn = ios.receive();
      assert.equal(iccn.type, TYPE.ICCN);
      assert.deepEqual(
        draftValues(iccn, ...IDS).map((id) => longAt(id, 0)),
        [sessionId, IOS_SESSION_ID],
      );
      node.endpoint.closeCall(sessionId, { resultCode: 3 }, 0);
      const cdn = ios.receive();
      assert.equal(cdn.type, TYPE.CDN);
      assert.deepEqual(
        draftValues(cdn, ...IDS).map((id) => longAt(id, 0)),
        [sessionId, IOS_SESSION_ID],
      );
    });
  }

  it('its CDN refuses the ICRQ', () => {
    const { node, ios, tunnelId } = dialled();
    const sessionId = node.endpoint.placeCall(tunnelId, { callSerialNumber: 1, pseudowireType: 5 }, 0);
    ios.receive();
    ios.send(TYPE.CDN, avp(0, 1, [...u16(18), ...u16(0)]), ...sessionIds(sessionId));
    assert.equal(node.one('call-closed').cause.resultCode, 18);
  });
});
