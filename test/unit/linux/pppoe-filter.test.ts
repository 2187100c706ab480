/** The classic BPF program for PPPoE, run by an interpreter of its few instructions (Linux: networking/filter). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PPPOE_FILTER } from '../../../firmware/linux/pppoe-filter.js';
import { fromHex } from '../../vectors/vectors.js';

const ADDRESSES = 'ffffffffffff 02005e005301';
/** SKF_AD_OFF, SKF_AD_PKTTYPE and SKF_AD_VLAN_TAG_PRESENT. */
const [PACKET_TYPE, VLAN_TAG_PRESENT] = [0x100000000 - 0x1000 + 4, 0x100000000 - 0x1000 + 48];
const [TO_US, TO_ANOTHER] = [0, 3];

/** What the kernel gives a packet socket of this frame: 0 is nothing. A load beyond the frame is nothing, too. */
function passes(frame: Uint8Array, hasTagBeside: boolean, packetType: number = TO_US): boolean {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  let accumulator = 0;
  for (let at = 0; ; at++) {
    const { code, jumpTrue, jumpFalse, k } = PPPOE_FILTER[at]!;
    if (code === 0x06) return k !== 0;
    if (code === 0x15) at += accumulator === k ? jumpTrue : jumpFalse;
    else if (code === 0x20 && k === PACKET_TYPE) accumulator = packetType;
    else if (code === 0x20 && k === VLAN_TAG_PRESENT) accumulator = Number(hasTagBeside);
    else if (code === 0x28 && k + 2 <= frame.length) accumulator = view.getUint16(k);
    else if (code === 0x28) return false;
    else assert.fail(`instruction ${at}: code ${code}, k ${k}`);
  }
}

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

test('every jump ends within the program, and every way ends in an answer', () => {
  for (const [at, { jumpTrue, jumpFalse }] of PPPOE_FILTER.entries()) {
    assert.ok(at + 1 + Math.max(jumpTrue, jumpFalse) < PPPOE_FILTER.length || PPPOE_FILTER[at]!.code === 0x06);
    assert.ok(jumpTrue >= 0 && jumpFalse >= 0);
  }
});
