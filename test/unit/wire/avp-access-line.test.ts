/** RFC 5515's AVPs of the line, in an ICRQ of either version: octet by octet, since the RFC's rates have 64 bits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AvpValues, emitControlMessage, parseControlMessage } from '../../../firmware/wire/avp.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

const LINE: AvpValues = {
  agentCircuitId: 'atm 1/1:1.32',
  agentRemoteId: 'line 7',
  actualDataRateUpstream_bps: 10_000_000,
  actualDataRateDownstream_bps: 100_000_000,
  actualInterleavingDelayUpstream_ms: 8,
};

test('an AVP of the line has vendor 3561, no M bit, its type, and a rate of 64 bits or a delay of 32', () => {
  const avps = { assignedSessionId: 7, callSerialNumber: 1, actualDataRateUpstream_bps: 1_000_000 };
  const text = hex(emitControlMessage({ messageType: 'ICRQ', avps }, { dialect: 2 }));
  assert.ok(text.includes('000e0de9008100000000000f4240'), text);
  const delay = { assignedSessionId: 7, callSerialNumber: 1, maximumInterleavingDelayUpstream_ms: 16 };
  assert.ok(
    hex(emitControlMessage({ messageType: 'ICRQ', avps: delay }, { dialect: 2 })).includes('000a0de9008b00000010'),
  );
});

for (const version of [2, 3] as const) {
  test(`version ${version}: what is said of a line is read as it was said`, () => {
    const session =
      version === 2
        ? { assignedSessionId: 7 }
        : { localSessionId: 7, remoteSessionId: 0, pseudowireType: 7, circuitStatus: 1 };
    const avps = { ...session, callSerialNumber: 1, ...LINE };
    const body = emitControlMessage({ messageType: 'ICRQ', avps }, { dialect: version });
    const read = parseControlMessage(body, { version })?.avps ?? {};
    for (const [name, value] of Object.entries(LINE)) assert.equal(read[name as keyof AvpValues], value, name);
  });
}
