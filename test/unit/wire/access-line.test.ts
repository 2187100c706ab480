/** The DSL Forum's Vendor-Specific TAG: RFC 2516 appendix A around the attributes of RFC 4679 section 3.3. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AccessLine, emitAccessLine, parseAccessLine } from '../../../firmware/wire/access-line.js';
import { ProtocolError } from '../../../firmware/wire/bytes.js';
import { PPPOE_TAG, type PppoeTag } from '../../../firmware/wire/pppoe.js';
import { ascii, fromHex, toHex } from '../../vectors/vectors.js';

/** 3561 is 0de9. */
function vendorTag(attributes: string, vendor = '00000de9'): PppoeTag {
  return { type: PPPOE_TAG.vendorSpecific, value: fromHex(`${vendor} ${attributes}`) };
}

/** RFC 4679 section 3.3.3 to 3.3.16: Vendor-Type, as the section's title has it. */
const NUMBERS: readonly [type: string, name: keyof AccessLine][] = [
  ['81', 'actualDataRateUpstream_bps'],
  ['82', 'actualDataRateDownstream_bps'],
  ['83', 'minimumDataRateUpstream_bps'],
  ['84', 'minimumDataRateDownstream_bps'],
  ['85', 'attainableDataRateUpstream_bps'],
  ['86', 'attainableDataRateDownstream_bps'],
  ['87', 'maximumDataRateUpstream_bps'],
  ['88', 'maximumDataRateDownstream_bps'],
  ['89', 'minimumDataRateUpstreamLowPower_bps'],
  ['8a', 'minimumDataRateDownstreamLowPower_bps'],
  ['8b', 'maximumInterleavingDelayUpstream_ms'],
  ['8c', 'actualInterleavingDelayUpstream_ms'],
  ['8d', 'maximumInterleavingDelayDownstream_ms'],
  ['8e', 'actualInterleavingDelayDownstream_ms'],
];

for (const [type, name] of NUMBERS) {
  test(`RFC 4679: type 0x${type} is ${name}, 32 bits`, () => {
    const tag = vendorTag(`${type} 04 f0000001`);
    assert.deepEqual(parseAccessLine([tag]), { [name]: 0xf0000001 });
    assert.equal(toHex(emitAccessLine({ [name]: 0xf0000001 }).value), toHex(tag.value));
    for (const length of ['03 f00000', '05 f000000100']) {
      assert.throws(() => parseAccessLine([vendorTag(`${type} ${length}`)]), ProtocolError, length);
    }
  });
}

test('RFC 4679 sections 3.3.1 and 3.3.2: Agent-Circuit-Id and Agent-Remote-Id are text', () => {
  const circuit = ascii('dslam7 atm 3/0:100.33');
  const tag = vendorTag(`01 ${circuit.length.toString(16)} ${toHex(circuit)} 02 03 ${toHex(ascii('555'))}`);
  const line = { agentCircuitId: 'dslam7 atm 3/0:100.33', agentRemoteId: '555' };
  assert.deepEqual(parseAccessLine([tag]), line);
  assert.equal(toHex(emitAccessLine(line).value), toHex(tag.value));
});

test('RFC 4679: a Vendor-Length of up to 65 leaves an identifier 63 octets', () => {
  const longest = 'x'.repeat(63);
  assert.deepEqual(parseAccessLine([emitAccessLine({ agentCircuitId: longest })]), { agentCircuitId: longest });
  assert.throws(() => emitAccessLine({ agentRemoteId: `${longest}y` }), RangeError);
  assert.throws(() => parseAccessLine([vendorTag(`01 40 ${'41'.repeat(64)}`)]), ProtocolError);
});

test('RFC 4679 sections 3.3.17 and 3.3.18: Access-Loop-Encapsulation has three octets, IWF-Session none', () => {
  const line: AccessLine = {
    accessLoopEncapsulation: { dataLink: 1, encapsulation1: 2, encapsulation2: 5 },
    iwfSession: true,
  };
  const tag = vendorTag('90 03 010205 fe 00');
  assert.deepEqual(parseAccessLine([tag]), line);
  assert.equal(toHex(emitAccessLine(line).value), toHex(tag.value));
  assert.throws(() => parseAccessLine([vendorTag('90 02 0102')]), ProtocolError);
  assert.throws(() => parseAccessLine([vendorTag('90 04 01020500')]), ProtocolError);
});

test('an attribute that reaches beyond the TAG is an error', () => {
  for (const attributes of ['01', '01 02 41', '81 04 000000', '01 01 41 81']) {
    assert.throws(() => parseAccessLine([vendorTag(attributes)]), ProtocolError, attributes);
  }
});

test('attributes of unknown type, TAGs of other vendors and TAGs too short for a vendor are passed over', () => {
  assert.deepEqual(parseAccessLine([vendorTag('77 02 aaaa 02 01 42')]), { agentRemoteId: 'B' });
  const others = [
    vendorTag('01 ff', '00000009'),
    vendorTag('', '000d'),
    { type: PPPOE_TAG.hostUniq, value: ascii('1') },
  ];
  assert.equal(parseAccessLine(others), undefined);
  assert.equal(parseAccessLine([]), undefined);
  assert.deepEqual(parseAccessLine([...others, vendorTag('01 01 41'), vendorTag('01 01 42')]), { agentCircuitId: 'A' });
});

test('property: what is written is read', () => {
  const number = fc.option(fc.integer({ min: 0, max: 0xffffffff }), { nil: undefined });
  const id = fc.option(
    fc.uint8Array({ maxLength: 63 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    { nil: undefined },
  );
  const fields = Object.fromEntries(NUMBERS.map(([, name]) => [name, number]));
  fc.assert(
    fc.property(fc.record({ ...fields, agentCircuitId: id, agentRemoteId: id }), (values) => {
      const line = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as AccessLine;
      assert.deepEqual(parseAccessLine([emitAccessLine(line)]), line);
    }),
  );
});
