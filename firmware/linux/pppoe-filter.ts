/**
 * The kernel's filter for PPPoE: classic BPF programs that let frames of its two types through, one of them also behind one
 * or two VLAN tags, and nothing else. Must not attach themselves.
 *
 * The kernel takes the outer tag out of a frame before it asks, and keeps it beside:
 *
 *   on the wire    | addresses | tag | tag | 0x8863 |     | addresses | tag | 0x8863 |     | addresses | 0x8863 |
 *   to the filter  | addresses | tag | 0x8863 |  + tag    | addresses | 0x8863 |  + tag    | addresses | 0x8863 |
 *   type at                            16                               12                               12
 *
 * So a tag within the frame is the second one where there is one beside, and the frame may have one more where there is none.
 * Frames without a VLAN may have a tag of VLAN ID 0 (IEEE 802.1Q section 9.6), which the kernel has beside them.
 */

/** One instruction: what it does, how many it skips where the comparison holds and where it does not, its constant. */
export interface FilterInstruction {
  code: number;
  jumpTrue: number;
  jumpFalse: number;
  k: number;
}

/**
 * BPF_LD | BPF_H | BPF_ABS, BPF_LD | BPF_W | BPF_ABS, BPF_ALU | BPF_AND | BPF_K, BPF_JMP | BPF_JEQ | BPF_K, BPF_RET | BPF_K
 * in <linux/bpf_common.h>.
 */
const CODE = { loadHalf: 0x28, loadWord: 0x20, and: 0x54, jumpIfEqual: 0x15, giveBack: 0x06 } as const;
/** Loads from here on are of what the kernel knows of a packet: SKF_AD_OFF in <linux/filter.h>. */
const BESIDE = 0xfffff000;
const PACKET_TYPE = BESIDE + 4;
const VLAN_TAG = BESIDE + 44;
const VLAN_TAG_PRESENT = BESIDE + 48;
const VLAN_ID = 0x0fff;
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
  /** Leaves these bits of what was loaded last. */
  and?: number;
  /** Compares what was loaded last. */
  equal?: readonly [value: number, then: Label, otherwise: Label];
  give?: number;
}

const loadType = (tags: number): Line => ({ load: [CODE.loadHalf, TYPE_AT + tags * TAG_BYTES] });

const TO_US: readonly Line[] = [{ load: [CODE.loadWord, PACKET_TYPE] }, { equal: [PACKET_OTHERHOST, 'drop', 'next'] }];

const ENDS: readonly Line[] = [
  { label: 'pass', give: WHOLE },
  { label: 'drop', give: 0 },
];

const ANY: readonly Line[] = [
  ...TO_US,
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
  ...ENDS,
];

const UNTAGGED: readonly Line[] = [
  ...TO_US,
  { load: [CODE.loadWord, VLAN_TAG] },
  { and: VLAN_ID },
  { equal: [0, 'next', 'drop'] },
  loadType(0),
  { equal: [DISCOVERY, 'pass', 'next'] },
  { equal: [SESSION, 'pass', 'drop'] },
  ...ENDS,
];

/** The programs, by the VLANs that they let through, as struct sock_filter has their instructions. */
export const PPPOE_FILTERS: Readonly<Record<'any' | 'untagged', readonly FilterInstruction[]>> = {
  any: assemble(ANY),
  untagged: assemble(UNTAGGED),
};

function assemble(program: readonly Line[]): FilterInstruction[] {
  return program.map((line, at) => {
    const distance = (label: Label): number =>
      label === 'next' ? 0 : program.findIndex((other) => other.label === label) - at - 1;
    if (line.equal !== undefined) {
      const [k, then, otherwise] = line.equal;
      return { code: CODE.jumpIfEqual, jumpTrue: distance(then), jumpFalse: distance(otherwise), k };
    }
    if (line.and !== undefined) return { code: CODE.and, jumpTrue: 0, jumpFalse: 0, k: line.and };
    const [code, k] = line.load ?? [CODE.giveBack, line.give ?? 0];
    return { code, jumpTrue: 0, jumpFalse: 0, k };
  });
}
