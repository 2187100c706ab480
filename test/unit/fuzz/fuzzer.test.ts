/** The fuzzer is itself proven: it finds planted bugs, replays from its seed, and starts from inputs that are valid. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../../../firmware/wire/bytes.js';
import { Fuzzer, type FuzzFailure, type FuzzTarget } from '../../fuzz/fuzzer.js';
import { TARGETS } from '../../fuzz/targets.js';
import { fromHex, toHex } from '../../vectors/vectors.js';

const STEPS = 50_000;

function firstFailure(target: FuzzTarget, seed: number): FuzzFailure | undefined {
  const fuzzer = new Fuzzer([target], seed);
  for (let i = 0; i < STEPS; i++) {
    const failure = fuzzer.step();
    if (failure !== undefined) return failure;
  }
  return undefined;
}

/** An option list read by a parser that trusts a length: the planted bug. */
const TRUSTS_LENGTHS: FuzzTarget = {
  name: 'trusts lengths',
  seeds: [fromHex('0104 05dc 0506 01020304')],
  run: (input) => {
    let offset = 0;
    while (offset < input.length) {
      if (input[offset + 1] < 2) throw new ProtocolError('too short', offset);
      offset += input[offset + 1];
      if (offset > input.length) throw new RangeError('read past the end');
    }
  },
};

test('a planted bug is found, and the input that it gives shows it', () => {
  const failure = firstFailure(TRUSTS_LENGTHS, 1);
  assert.ok(failure !== undefined);
  assert.ok(failure.error instanceof RangeError);
  assert.throws(() => TRUSTS_LENGTHS.run(failure.input), RangeError);
});

test('the same seed finds the same input, another seed another', () => {
  const inputs = [7, 7, 8].map((seed) => toHex(firstFailure(TRUSTS_LENGTHS, seed)?.input ?? new Uint8Array(0)));
  assert.equal(inputs[0], inputs[1]);
  assert.notEqual(inputs[0], inputs[2]);
});

test('ProtocolError is no failure, and a target that spoils its input does not spoil the corpus', () => {
  const seeds = [fromHex('00112233')];
  const target: FuzzTarget = {
    name: 'refuses',
    seeds,
    run: (input) => {
      input.fill(0xff);
      throw new ProtocolError('no', 0);
    },
  };
  assert.equal(firstFailure(target, 1), undefined);
  assert.equal(toHex(seeds[0]), '00112233');
});

for (const target of TARGETS) {
  test(`target ${target.name}: its seeds are read without error, and 2,000 changes of them without any but ProtocolError`, () => {
    for (const seed of target.seeds) target.run(seed.slice());
    const fuzzer = new Fuzzer([target], 42);
    for (let i = 0; i < 2000; i++) assert.equal(fuzzer.step(), undefined);
  });
}
