/**
 * The kernel's filter for PPPoE: a classic BPF program that lets frames of its two types through, also behind one or two
 * VLAN tags, and nothing else. Must not attach itself.
 *
 * The kernel takes the outer tag out of a frame before it asks, and keeps it beside:
 *
 *   on the wire    | addresses | tag | tag | 0x8863 |     | addresses | tag | 0x8863 |     | addresses | 0x8863 |
 *   to the filter  | addresses | tag | 0x8863 |  + tag    | addresses | 0x8863 |  + tag    | addresses | 0x8863 |
 *   type at                            16                               12                               12
 *
 * So a tag within the frame is the second one where there is one beside, and the frame may have one more where there is none.
 */

/** One instruction: what it does, how many it skips where the comparison holds and where it does not, its constant. */
export interface FilterInstruction {
  code: number;
  jumpTrue: number;
  jumpFalse: number;
  k: number;
}

/** BPF_LD | BPF_H | BPF_ABS, BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K, BPF_RET | BPF_K in <linux/bpf_common.h>. */
const CODE = { loadHalf: 0x28, loadWord: 0x20, jumpIfEqual: 0x15, giveBack: 0x06 } as const;
/** Loads from here on are of what the kernel knows of a packet: SKF_AD_OFF in <linux/filter.h>. */
const BESIDE = 0xfffff000;
const PACKET_TYPE = BESIDE + 4;
const VLAN_TAG_PRESENT = BESIDE + 48;
/** A frame for another host, seen on a bridge's port or by a card that hears all. */
const PACKET_OTHERHOST = 3;

const DISCOVERY = 0x8863;
const SESSION = 0x8864;
const CUSTOMER_TAG = 0x8100;
const SERVICE_TAG = 0x88a8;
const TYPE_AT = 12;
const TAG_BYTES = 4;
const WHOLE = 0xffff;

type Label = 'next' | 'pass' | 'drop' | 'inner' | 'third';
interface Line {
  label?: Label;
  load?: readonly [code: number, at: number];
  /** Compares what was loaded last. */
  equal?: readonly [value: number, then: Label, otherwise: Label];
  give?: number;
}

const loadType = (tags: number): Line => ({ load: [CODE.loadHalf, TYPE_AT + tags * TAG_BYTES] });

const PROGRAM: readonly Line[] = [
  { load: [CODE.loadWord, PACKET_TYPE] },
  { equal: [PACKET_OTHERHOST, 'drop', 'next'] },
  loadType(0),
  { equal: [DISCOVERY, 'pass', 'next'] },
  { equal: [SESSION, 'pass', 'next'] },
  { equal: [CUSTOMER_TAG, 'inner', 'next'] },
  { equal: [SERVICE_TAG, 'inner', 'drop'] },
  { label: 'inner', ...loadType(1) },
  { equal: [DISCOVERY, 'pass', 'next'] },
  { equal: [SESSION, 'pass', 'next'] },
  { equal: [CUSTOMER_TAG, 'third', 'next'] },
  { equal: [SERVICE_TAG, 'third', 'drop'] },
  { label: 'third', load: [CODE.loadWord, VLAN_TAG_PRESENT] },
  { equal: [0, 'next', 'drop'] },
  loadType(2),
  { equal: [DISCOVERY, 'pass', 'next'] },
  { equal: [SESSION, 'pass', 'drop'] },
  { label: 'pass', give: WHOLE },
  { label: 'drop', give: 0 },
];

/** The program, as struct sock_filter has its instructions. */
export const PPPOE_FILTER: readonly FilterInstruction[] = PROGRAM.map((line, at) => {
  const distance = (label: Label): number =>
    label === 'next' ? 0 : PROGRAM.findIndex((other) => other.label === label) - at - 1;
  if (line.equal !== undefined) {
    const [k, then, otherwise] = line.equal;
    return { code: CODE.jumpIfEqual, jumpTrue: distance(then), jumpFalse: distance(otherwise), k };
  }
  const [code, k] = line.load ?? [CODE.giveBack, line.give ?? 0];
  return { code, jumpTrue: 0, jumpFalse: 0, k };
});
