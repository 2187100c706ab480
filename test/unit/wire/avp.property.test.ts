/** Properties of control messages: reading undoes writing, and nothing that arrives gives more than ProtocolError. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  allowedAvps,
  ControlMessageError,
  type EmitOptions,
  emitControlMessage,
  type L2tpVersion,
  MESSAGE_TYPE,
  parseControlMessage,
} from '../../../firmware/wire/avp.js';
import { ProtocolError } from '../../../firmware/wire/bytes.js';
import { emitControlPacket } from '../../../firmware/wire/control-header.js';
import { parseL2tpHeader } from '../../../firmware/wire/l2tp.js';
import { automaticSccrq, avpHiding, controlMessage, controlMessageV3, mutation, record } from './arbitraries.js';
import { readV2, readV3 } from './avp-bytes.js';

/** Reads; gives back what it threw if that is a ProtocolError within the body, and throws all else. */
function readOrRefuse(body: Uint8Array, secret?: Uint8Array, version: L2tpVersion = 2): void {
  try {
    parseControlMessage(body, { version, secret });
  } catch (error) {
    assert.ok(error instanceof ProtocolError, `${error}`);
    assert.ok(error.offset >= 0 && error.offset <= body.length);
    assert.ok([2, 3, 8].includes(error.errorCode));
    if (error instanceof ControlMessageError) assert.ok(error.messageType in MESSAGE_TYPE);
  }
}

test('reading a message that was written gives it back', () => {
  fc.assert(
    fc.property(controlMessage, (message) => {
      assert.deepEqual(readV2(emitControlMessage(message, { dialect: 2 })), message);
    }),
    { numRuns: 1000 },
  );
});

test('reading a message that was written with hidden AVPs gives it back, given the secret (4.3)', () => {
  fc.assert(
    fc.property(controlMessage, avpHiding, (message, hiding) => {
      assert.deepEqual(readV2(emitControlMessage(message, { dialect: 2, hiding }), hiding.secret), message);
    }),
    { numRuns: 1000 },
  );
});

test('reading a message of version 3 that was written gives it back: plain, hidden, in the AVPs of the drafts', () => {
  const digest = fc.constantFrom(undefined, 'md5' as const, 'sha1' as const);
  const hiding = fc.option(avpHiding, { nil: undefined });
  fc.assert(
    fc.property(controlMessageV3, hiding, digest, fc.boolean(), (message, hidingGiven, digestType, draftAvps) => {
      const options: EmitOptions = { dialect: 3, hiding: hidingGiven, digest: digestType, draftAvps };
      assert.deepEqual(readV3(emitControlMessage(message, options), hidingGiven?.secret), message);
    }),
    { numRuns: 1000 },
  );
});

test('an SCCRQ for both versions gives all back behind the header of version 2, and its own to version 3 (4.7.3)', () => {
  fc.assert(
    fc.property(automaticSccrq, (message) => {
      const body = emitControlMessage(message, { dialect: 'auto' });
      assert.deepEqual(readV2(body), message);
      assert.deepEqual(readV3(body)?.avps, allowedAvps('SCCRQ', 3, message.avps));
    }),
    { numRuns: 500 },
  );
});

test('a message of version 3 with up to four changes is a message or a ProtocolError, of either version', () => {
  const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(controlMessageV3, fc.option(avpHiding, { nil: undefined }), mutations, (message, hiding, changes) => {
      const whole = emitControlMessage(message, { dialect: 3, hiding, digest: 'sha1' });
      const body = changes.reduce((bytes, change) => change(bytes), whole);
      readOrRefuse(body, hiding?.secret, 3);
      readOrRefuse(body, hiding?.secret, 2);
    }),
    { numRuns: 3000 },
  );
});

test('a message of hidden AVPs reads as other or not at all under another secret, and only with ProtocolError', () => {
  fc.assert(
    fc.property(controlMessage, avpHiding, fc.uint8Array(), (message, hiding, otherSecret) => {
      readOrRefuse(emitControlMessage(message, { dialect: 2, hiding }), otherSecret);
      readOrRefuse(emitControlMessage(message, { dialect: 2, hiding }));
    }),
  );
});

test('any octets are a message or a ProtocolError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 8 }), (body, secret) => {
      readOrRefuse(body, secret);
    }),
    { numRuns: 3000 },
  );
});

test('any octets behind a good Message Type are a message or a ProtocolError', () => {
  const types = fc.constantFrom(...Object.values(MESSAGE_TYPE));
  fc.assert(
    fc.property(types, fc.uint8Array({ maxLength: 200 }), (type, octets) => {
      readOrRefuse(Uint8Array.of(0x80, 8, 0, 0, 0, 0, 0, type, ...octets));
    }),
    { numRuns: 3000 },
  );
});

test('a message with up to four changes is a message or a ProtocolError, with hidden AVPs and without', () => {
  const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(controlMessage, fc.option(avpHiding, { nil: undefined }), mutations, (message, hiding, changes) => {
      const body = changes.reduce(
        (bytes, change) => change(bytes),
        emitControlMessage(message, { dialect: 2, hiding }),
      );
      readOrRefuse(body, hiding?.secret);
    }),
    { numRuns: 3000 },
  );
});

test('a body as long as a packet can be, of the shortest AVPs, is read in a time that is no weapon', {
  timeout: 5000,
}, () => {
  const avps = Math.floor((0xffff - 12 - 8) / 6);
  const body = new Uint8Array(8 + 6 * avps);
  body.set([0x80, 8, 0, 0, 0, 0, 0, 6]);
  for (let i = 0; i < avps; i++) body.set([0, 6, 0, 0, 0x12, 0x67], 8 + 6 * i);
  assert.deepEqual(readV2(body), { messageType: 'HELLO', avps: {} });
});

test('a control packet gives its header and body back', () => {
  const id = fc.nat(0xffff);
  const fields = record({ tunnelId: id, sessionId: id, ns: id, nr: id });
  fc.assert(
    fc.property(fields, fc.uint8Array({ maxLength: 300 }), (fieldsGiven, body) => {
      const packet = emitControlPacket({ version: 2, controlConnectionId: fieldsGiven.tunnelId, ...fieldsGiven }, body);
      const { tunnelId, sessionId, ns, nr, payloadOffset, payloadEnd, control } = parseL2tpHeader(packet);
      assert.deepEqual({ tunnelId, sessionId, ns, nr }, fieldsGiven);
      assert.deepEqual([control, packet.slice(payloadOffset, payloadEnd)], [true, body]);
    }),
  );
});
