/** PPPoE's header and TAGs, RFC 2516 sections 4 to 6 and its appendices. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ProtocolError } from '../../../firmware/wire/bytes.js';
import { parseEthernetHeader } from '../../../firmware/wire/ethernet.js';
import {
  emitDiscoveryPacket,
  emitPppMaxPayload,
  emitPppoeHeader,
  PPPOE_CODE,
  PPPOE_ETHER_TYPE,
  PPPOE_TAG,
  parseDiscoveryPacket,
  parsePppMaxPayload,
  parsePppoeHeader,
  parseTags,
  tagValue,
} from '../../../firmware/wire/pppoe.js';
import { ascii, fromHex, toHex } from '../../vectors/vectors.js';

/** Appendix B, with 02005e005301 for the host's address and 02005e005302 for the access concentrator's. */
const PADI = fromHex('ffffffffffff 02005e005301 8863 11 09 0000 0004 0101 0000');
const PADO = fromHex(
  '02005e005301 02005e005302 8863 11 07 0000 0020 0101 0000 0102 0018 476f205265644261636b202d2065736873686573686f6f74',
);
const LCP = fromHex('02005e005302 02005e005301 8864 11 00 1234 0006 c021 01010004');

function behindEthernet(frame: Uint8Array): Uint8Array {
  return frame.subarray(parseEthernetHeader(frame).payloadOffset);
}

test('appendix B: the PADI asks for any service', () => {
  assert.equal(parseEthernetHeader(PADI).etherType, PPPOE_ETHER_TYPE.discovery);
  const packet = parseDiscoveryPacket(behindEthernet(PADI));
  assert.deepEqual(packet, {
    code: PPPOE_CODE.padi,
    sessionId: 0,
    tags: [{ type: PPPOE_TAG.serviceName, value: new Uint8Array(0) }],
  });
  assert.equal(toHex(emitDiscoveryPacket(packet)), toHex(behindEthernet(PADI)));
});

test('appendix B: the PADO names the access concentrator', () => {
  const packet = parseDiscoveryPacket(behindEthernet(PADO));
  assert.deepEqual([packet.code, packet.sessionId], [PPPOE_CODE.pado, 0]);
  assert.deepEqual(tagValue(packet.tags, PPPOE_TAG.acName), ascii('Go RedBack - eshsheshoot'));
  assert.deepEqual(tagValue(packet.tags, PPPOE_TAG.serviceName), new Uint8Array(0));
  assert.equal(tagValue(packet.tags, PPPOE_TAG.acCookie), undefined);
  assert.equal(toHex(emitDiscoveryPacket(packet)), toHex(behindEthernet(PADO)));
});

test('appendix B: a PPP frame of the session stage begins with its protocol', () => {
  assert.equal(parseEthernetHeader(LCP).etherType, PPPOE_ETHER_TYPE.session);
  const packet = behindEthernet(LCP);
  const { code, sessionId, payloadOffset, payloadEnd } = parsePppoeHeader(packet);
  assert.deepEqual([code, sessionId], [PPPOE_CODE.session, 0x1234]);
  assert.equal(toHex(packet.subarray(payloadOffset, payloadEnd)), 'c02101010004');
  assert.equal(toHex(emitPppoeHeader(code, sessionId, 6)), '110012340006');
});

test('section 4: VER and TYPE MUST be 1', () => {
  for (const octet of ['21', '12', '01', '10', '00']) {
    assert.throws(() => parsePppoeHeader(fromHex(`${octet} 09 0000 0000`)), { name: 'ProtocolError', errorCode: 3 });
  }
});

test('section 4: LENGTH is that of the payload; what fills the frame behind it is nothing', () => {
  const { tags } = parseDiscoveryPacket(fromHex('11 09 0000 0004 0101 0000 0102 ffff 0000'));
  assert.deepEqual(
    tags.map(({ type }) => type),
    [PPPOE_TAG.serviceName],
  );
  for (const hex of ['11 09 0000 0005 0101 0000', '11 09 0000 ffff', '11 09 0000 00', '11']) {
    assert.throws(() => parseDiscoveryPacket(fromHex(hex)), ProtocolError, hex);
  }
});

test('section 5: a TAG_LENGTH beyond the payload is an error, wherever the frame ends', () => {
  for (const hex of ['0101 0001', '0101 ffff 41', '0101 00', '0101', '01', '0101 0000 0103 0002 41']) {
    assert.throws(() => parseTags(fromHex(hex)), ProtocolError, hex);
  }
  assert.throws(() => parseDiscoveryPacket(fromHex('11 09 0000 0004 0101 0001 41')), ProtocolError);
});

test('section 5: TAGs of unknown type are kept for who ignores them', () => {
  assert.deepEqual(parseTags(fromHex('7777 0001 aa 0101 0000')), [
    { type: 0x7777, value: fromHex('aa') },
    { type: PPPOE_TAG.serviceName, value: new Uint8Array(0) },
  ]);
});

test('appendix A: End-Of-List ends the list, and its TAG_LENGTH is zero', () => {
  assert.deepEqual(parseTags(fromHex('0101 0000 0000 0000 0102 ffff')), [
    { type: PPPOE_TAG.serviceName, value: new Uint8Array(0) },
  ]);
  assert.throws(() => parseTags(fromHex('0000 0001 00')), ProtocolError);
});

test('RFC 4638: PPP-Max-Payload has two octets', () => {
  assert.deepEqual(emitPppMaxPayload(1500), { type: 0x0120, value: fromHex('05dc') });
  assert.equal(parsePppMaxPayload(fromHex('05dc')), 1500);
  for (const hex of ['', '05', '05dc00', '000005dc']) {
    assert.throws(() => parsePppMaxPayload(fromHex(hex)), ProtocolError, hex);
  }
});

test('what does not fit its field is a fault of who wrote it', () => {
  const tag = { type: PPPOE_TAG.hostUniq, value: new Uint8Array(0x8000) };
  assert.throws(() => emitDiscoveryPacket({ code: 7, sessionId: 0, tags: [tag, tag] }), RangeError);
  const long = { type: PPPOE_TAG.hostUniq, value: new Uint8Array(0x10000) };
  assert.throws(() => emitDiscoveryPacket({ code: 7, sessionId: 0, tags: [long] }), RangeError);
});

/** Objects as literals make them. */
const PLAIN = { noNullPrototype: true };

test('property: what is written is read, whatever fills the frame behind it', () => {
  const tag = fc.record({ type: fc.integer({ min: 1, max: 0xffff }), value: fc.uint8Array({ maxLength: 300 }) }, PLAIN);
  const packet = fc.record(
    {
      code: fc.constantFrom(...Object.values(PPPOE_CODE)),
      sessionId: fc.integer({ min: 0, max: 0xffff }),
      tags: fc.array(tag, { maxLength: 12 }),
    },
    PLAIN,
  );
  fc.assert(
    fc.property(packet, fc.uint8Array({ maxLength: 46 }), (each, padding) => {
      assert.deepEqual(parseDiscoveryPacket(Uint8Array.of(...emitDiscoveryPacket(each), ...padding)), each);
    }),
  );
});

test('property: any octets are read or are a ProtocolError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      try {
        const { tags } = parseDiscoveryPacket(Uint8Array.of(0x11, 0x09, 0, 0, 0, bytes.length, ...bytes));
        const read_bytes = tags.reduce((sum, { value }) => sum + 4 + value.length, 0);
        assert.ok(read_bytes <= bytes.length);
      } catch (error) {
        assert.ok(error instanceof ProtocolError);
      }
    }),
  );
});
