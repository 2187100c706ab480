/**
 * The fuzzer as a command: `node run.js SECONDS [SEED]`. Prints its seed, fuzzes all targets for that long, and ends
 * with status 1 and the input in hexadecimal when a target throws anything but ProtocolError, or does not come back.
 * Fuzzes in a thread of its own, so that this one can tell a hang.
 */
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { Fuzzer } from './fuzzer.js';
import { TARGETS } from './targets.js';

const HANG_MS = 5000;
const WATCH_MS = 500;
const INPUT_BYTES = 4096;
/** Steps between two looks at the clock. */
const STEPS_PER_LOOK = 256;

/** What the fuzzing thread shows of the input at work: | steps | target | length | then the input |, first three 32 bits. */
interface Window {
  numbers: Int32Array;
  input: Uint8Array;
}

interface FuzzWork {
  seed: number;
  duration_ms: number;
  shared: SharedArrayBuffer;
}

function windowOf(shared: SharedArrayBuffer): Window {
  return { numbers: new Int32Array(shared, 0, 3), input: new Uint8Array(shared, 12) };
}

function fuzz({ seed, duration_ms, shared }: FuzzWork): void {
  const { numbers, input: shown } = windowOf(shared);
  const fuzzer = new Fuzzer(TARGETS, seed, (targetIndex, input) => {
    shown.set(input);
    numbers[1] = targetIndex;
    numbers[2] = input.length;
    Atomics.add(numbers, 0, 1);
  });
  const end = Date.now() + duration_ms;
  while (Date.now() < end) {
    for (let i = 0; i < STEPS_PER_LOOK; i++) {
      const failure = fuzzer.step();
      if (failure === undefined) continue;
      report(failure.target, failure.input, failure.error instanceof Error ? failure.error.stack : failure.error);
      process.exitCode = 1;
      return;
    }
  }
}

function report(target: string, input: Uint8Array, what: unknown): void {
  console.error(`FAILED: target ${target}, ${input.length} bytes:\n${Buffer.from(input).toString('hex')}\n${what}`);
}

function watch(duration_ms: number, seed: number): void {
  const shared = new SharedArrayBuffer(12 + INPUT_BYTES);
  const { numbers, input } = windowOf(shared);
  const work: FuzzWork = { seed, duration_ms, shared };
  const worker = new Worker(new URL(import.meta.url), { workerData: work });
  let seen = -1;
  let seenAt = Date.now();
  const timer = setInterval(() => {
    const steps = Atomics.load(numbers, 0);
    if (steps !== seen) {
      seen = steps;
      seenAt = Date.now();
    } else if (Date.now() - seenAt > HANG_MS) {
      report(TARGETS[numbers[1]].name, input.slice(0, numbers[2]), `did not come back within ${HANG_MS} ms`);
      process.exit(1);
    }
  }, WATCH_MS);
  worker.on('error', (error) => {
    report(TARGETS[numbers[1]].name, input.slice(0, numbers[2]), error.stack);
    process.exitCode = 1;
  });
  worker.on('exit', (status) => {
    clearInterval(timer);
    console.log(`${Atomics.load(numbers, 0)} inputs over ${TARGETS.length} targets, seed ${seed}`);
    if (status !== 0) process.exitCode = 1;
  });
}

function main(): void {
  const [seconds, seed = Date.now() % 2 ** 32] = process.argv.slice(2).map(Number);
  if (!(seconds > 0) || !Number.isInteger(seed)) {
    console.error('usage: run.js SECONDS [SEED]');
    process.exitCode = 2;
    return;
  }
  console.log(`fuzzing for ${seconds} s, seed ${seed}`);
  watch(seconds * 1000, seed);
}

if (isMainThread) main();
else fuzz(workerData as FuzzWork);
