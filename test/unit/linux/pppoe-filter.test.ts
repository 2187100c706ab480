/** The classic BPF program for PPPoE, run by an interpreter of its few instructions (Linux: networking/filter). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PPPOE_FILTERS } from '../../../firmware/linux/pppoe-filter.js';
import { fromHex } from '../../vectors/vectors.js';

const ADDRESSES = 'ffffffffffff 02005e005301';
/** SKF_AD_OFF with SKF_AD_PKTTYPE, SKF_AD_VLAN_TAG and SKF_AD_VLAN_TAG_PRESENT. */
const [PACKET_TYPE, VLAN_TAG, VLAN_TAG_PRESENT] = [4, 44, 48].map((at) => 0x100000000 - 0x1000 + at);
const [TO_US, TO_ANOTHER] = [0, 3];

/**
 * Whether the kernel gives a packet socket this frame, with that tag beside it; a load beyond the frame ends the program
 * with nothing.
 */
function passes(frame: Uint8Array, tagBeside: boolean | number, packetType = TO_US, vlans: Vlans = 'any'): boolean {
  const program = PPPOE_FILTERS[vlans];
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  let accumulator = 0;
  for (let at = 0; ; at++) {
    const { code, jumpTrue, jumpFalse, k } = program[at]!;
    if (code === 0x06) return k !== 0;
    if (code === 0x15) at += accumulator === k ? jumpTrue : jumpFalse;
    else if (code === 0x20 && k === PACKET_TYPE) accumulator = packetType;
    else if (code === 0x20 && k === VLAN_TAG_PRESENT) accumulator = tagBeside === false ? 0 : 1;
    else if (code === 0x20 && k === VLAN_TAG) accumulator = Number(tagBeside);
    else if (code === 0x54) accumulator &= k;
    else if (code === 0x28 && k + 2 <= frame.length) accumulator = view.getUint16(k);
    else if (code === 0x28) return false;
    else assert.fail(`instruction ${at}: code ${code}, k ${k}`);
  }
}

type Vlans = keyof typeof PPPOE_FILTERS;

const frame = (types: string) => fromHex(`${ADDRESSES} ${types} 1109 0000 0000`);

for (const [tags, isBeside, what] of [
  ['', false, 'without a tag'],
  ['', true, 'behind one tag'],
  ['8100 0064', true, 'behind two tags'],
  ['88a8 0064', true, 'behind two service tags'],
  ['8100 0064', false, 'behind one tag that is within the frame'],
  ['88a8 0007 8100 0064', false, 'behind two tags that are within the frame'],
] as const) {
  test(`frames of PPPoE’s two types pass ${what}, and of no other`, () => {
    for (const type of ['8863', '8864']) assert.equal(passes(frame(`${tags} ${type}`), isBeside), true, type);
    for (const type of ['0800', '86dd', '0806', '8862', '8865', '002e']) {
      assert.equal(passes(frame(`${tags} ${type}`), isBeside), false, type);
    }
  });
}

test('behind three tags nothing passes', () => {
  assert.equal(passes(frame('8100 0001 8100 0002 8863'), true), false);
  assert.equal(passes(frame('8100 0001 8100 0002 8100 0003 8863'), false), false);
});

test('a type where no type stands does not count', () => {
  assert.equal(passes(frame('0800 8863 8863 8863'), false), false);
  assert.equal(passes(frame('8100 8863 0800 8863'), true), false);
});

test('a frame for another host does not pass, nor one that ends before its type', () => {
  assert.equal(passes(frame('8863'), false, TO_ANOTHER), false);
  assert.equal(passes(fromHex(`${ADDRESSES} 88`), false), false);
  assert.equal(passes(fromHex(`${ADDRESSES} 8100 0001 88`), true), false);
});

test('where no VLANs are served, frames of none pass, also with a tag of VLAN ID 0, and no others', () => {
  for (const type of ['8863', '8864']) {
    for (const tag of [false, 0, 0xe000]) assert.equal(passes(frame(type), tag, TO_US, 'untagged'), true, `${tag}`);
    for (const tag of [1, 0x64, 0xe064]) assert.equal(passes(frame(type), tag, TO_US, 'untagged'), false, `${tag}`);
    assert.equal(passes(frame(`8100 0064 ${type}`), false, TO_US, 'untagged'), false);
    assert.equal(passes(frame(type), false, TO_ANOTHER, 'untagged'), false);
  }
  for (const type of ['0800', '86dd', '8862']) assert.equal(passes(frame(type), false, TO_US, 'untagged'), false, type);
});

for (const [vlans, program] of Object.entries(PPPOE_FILTERS)) {
  test(`filter for VLANs '${vlans}': every jump ends within the program, and every way ends in an answer`, () => {
    for (const [at, { code, jumpTrue, jumpFalse }] of program.entries()) {
      assert.ok(at + 1 + Math.max(jumpTrue, jumpFalse) < program.length || code === 0x06);
      assert.ok(jumpTrue >= 0 && jumpFalse >= 0);
    }
  });
}
