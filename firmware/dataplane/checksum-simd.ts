/**
 * The sums of checksum.ts with vectors of 128 bits, as a WebAssembly module (WebAssembly Core Specification version 2.0)
 * put together here, instruction by instruction. Knows nothing of packets.
 */
import { type Checksums, plainChecksums } from './checksum.js';

/** Section 5.3: types of values; section 5.5: sections of a module. */
const TYPE = { i32: 0x7f, i64: 0x7e, v128: 0x7b, function: 0x60 } as const;
const SECTION = { type: 1, import: 2, function: 3, export: 7, code: 10 } as const;
const EXTERNAL = { function: 0, memory: 2 } as const;
const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const NO_RESULT = 0x40;

/** Section 5.4: instructions. What their names end in follows as immediates. */
const OP = {
  block: [0x02, NO_RESULT],
  loop: [0x03, NO_RESULT],
  end: [0x0b],
  branch: [0x0c],
  branchIf: [0x0d],
  localGet: [0x20],
  localSet: [0x21],
  i64Load8: [0x31],
  i64Load16: [0x33],
  i64Load32: [0x35],
  i32Const: [0x41],
  i64Const: [0x42],
  i32IsAbove: [0x4b],
  i32Add: [0x6a],
  i64Add: [0x7c],
  i64And: [0x83],
  i64ShiftLeft: [0x86],
  i64ShiftRight: [0x88],
  i32FromI64: [0xa7],
  i64FromI32: [0xad],
  v128Load: [0xfd, 0x00],
  i32x4Lane: [0xfd, 0x1b],
  /** Adds each two neighbours of eight words of 16 bits. */
  i32x4AddPairsOfI16x8: [0xfd, 0x7f],
  i32x4Add: [0xfd, 0xae, 0x01],
} as const;

/** The parameters of the one function, of which the length becomes the end, and its variables. */
const AT = 0;
const LENGTH = 1;
const END = 1;
const START = 2;
const EVEN = 3;
const ODD = 4;
const TOTAL = 5;

/** Section 5.2.2, LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

/** The same of a number that is not negative where it may be: bit 6 of the last octet is its sign. */
function signed(value: number): number[] {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >>> 7)];
}

/** What says its own length, or number, first. */
function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function sized(bytes: readonly number[]): number[] {
  return [...unsigned(bytes.length), ...bytes];
}

function section(id: number, items: readonly (readonly number[])[]): number[] {
  return [id, ...sized(vector(items))];
}

function name(text: string): number[] {
  return sized([...new TextEncoder().encode(text)]);
}

const get = (local: number): number[] => [...OP.localGet, local];
const set = (local: number): number[] => [...OP.localSet, local];

/** Reads at AT and so far behind it; any place will do, for no alignment is promised. */
function load(operation: readonly number[], behind: number): number[] {
  const alignment = 0;
  return [...get(AT), ...operation, alignment, ...unsigned(behind)];
}

/** while (AT + step <= END) { body; AT += step } */
function whileThereAre(step: number, body: readonly number[]): number[] {
  const next = [...get(AT), ...OP.i32Const, ...signed(step), ...OP.i32Add];
  const leave = [...next, ...get(END), ...OP.i32IsAbove, ...OP.branchIf, 1];
  const again = [...next, ...set(AT), ...OP.branch, 0];
  return [...OP.block, ...OP.loop, ...leave, ...body, ...again, ...OP.end, ...OP.end];
}

/** sums += the eight words that lie so far behind AT, by pairs */
function addVector(sums: number, behind: number): number[] {
  const pairs = [...load(OP.v128Load, behind), ...OP.i32x4AddPairsOfI16x8];
  return [...get(sums), ...pairs, ...OP.i32x4Add, ...set(sums)];
}

/** TOTAL += what an instruction leaves */
function addToTotal(value: readonly number[]): number[] {
  return [...get(TOTAL), ...value, ...OP.i64Add, ...set(TOTAL)];
}

function lane(index: number): number[] {
  return [...get(EVEN), ...OP.i32x4Lane, index, ...OP.i64FromI32];
}

/** TOTAL = (TOTAL & 0xffff) + (TOTAL >>> 16) */
const FOLD: readonly number[] = [
  ...[...get(TOTAL), ...OP.i64Const, ...signed(0xffff), ...OP.i64And],
  ...[...get(TOTAL), ...OP.i64Const, ...signed(16), ...OP.i64ShiftRight],
  ...[...OP.i64Add, ...set(TOTAL)],
];

/**
 * (AT, LENGTH, START) -> the sum. The words are read with their octets swapped, as WebAssembly has them; in ones'
 * complement a shift by 8 bits swaps them back, as 2**16 is 1. TOTAL is below 2**35 before that.
 */
const SUM: readonly number[] = [
  ...[...get(AT), ...get(LENGTH), ...OP.i32Add, ...set(END)],
  ...whileThereAre(32, [...addVector(EVEN, 0), ...addVector(ODD, 16)]),
  ...whileThereAre(16, addVector(EVEN, 0)),
  ...[...get(EVEN), ...get(ODD), ...OP.i32x4Add, ...set(EVEN)],
  ...[0, 1, 2, 3].flatMap((index) => addToTotal(lane(index))),
  ...whileThereAre(4, addToTotal(load(OP.i64Load32, 0))),
  ...whileThereAre(2, addToTotal(load(OP.i64Load16, 0))),
  ...whileThereAre(1, addToTotal(load(OP.i64Load8, 0))),
  ...[...get(TOTAL), ...OP.i64Const, ...signed(8), ...OP.i64ShiftLeft, ...set(TOTAL)],
  ...addToTotal([...get(START), ...OP.i64FromI32]),
  ...[...FOLD, ...FOLD, ...FOLD],
  ...[...get(TOTAL), ...OP.i32FromI64],
  ...OP.end,
];
/** How many of which type, in the order of their numbers. */
const LOCALS = vector([
  [2, TYPE.v128],
  [1, TYPE.i64],
]);
const MEMORY_OF_ANY_SIZE = [EXTERNAL.memory, 0, 0];

const MODULE = Uint8Array.from([
  ...MAGIC_AND_VERSION,
  ...section(SECTION.type, [[TYPE.function, ...vector([[TYPE.i32], [TYPE.i32], [TYPE.i32]]), ...vector([[TYPE.i32]])]]),
  ...section(SECTION.import, [[...name('arena'), ...name('memory'), ...MEMORY_OF_ANY_SIZE]]),
  ...section(SECTION.function, [[0]]),
  ...section(SECTION.export, [[...name('sum'), EXTERNAL.function, 0]]),
  ...section(SECTION.code, [sized([...LOCALS, ...SUM])]),
]);

/** The sums of a memory that does not grow: with vectors where the machine has them. */
export function checksumsOf(memory: WebAssembly.Memory): Checksums {
  if (!WebAssembly.validate(MODULE)) return plainChecksums(new Uint8Array(memory.buffer));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(MODULE), { arena: { memory } });
  return { sum: exports.sum as Checksums['sum'] };
}
