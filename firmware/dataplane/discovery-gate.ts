/**
 * Which frames of PPPoE discovery, and of sessions that there are not, reach the main thread: on each interface so many of one host, so many of all, and, while
 * more come than that, those of hosts that ask again. What is asked of all (PADI) has a gate of its own and goes into the
 * lower queue, so that a flood of it keeps nobody from what is under way (PADR, PADT). Answers nothing.
 */
import { PPPOE_CODE } from '../wire/pppoe.js';
import { readWord } from './address.js';
import { DROP, FORWARDED } from './drop-reasons.js';
import type { ForwarderOutput } from './output.js';
import { ADDRESS_WORDS, type PacketBatch } from './packet-batch.js';
import { StrangerGate } from './stranger-gate.js';

const SOURCE_AT = 6;
const GROUP_BIT = 0x01;

interface InterfaceGates {
  toAll: StrangerGate;
  toUs: StrangerGate;
}

export class DiscoveryGate {
  readonly #output: ForwarderOutput;
  readonly #gates = new Map<number, InterfaceGates>();
  /** The host's MAC address, as StrangerGate has addresses. */
  readonly #host = new Uint32Array(ADDRESS_WORDS);

  constructor(output: ForwarderOutput) {
    this.#output = output;
  }

  /**
   * The `index`th frame of `input`, from an interface; its code is as PPPoE's header has it. The end of a session that
   * stands passes at any rate: its host tells it once, and the session goes with it.
   */
  take(
    input: PacketBatch,
    index: number,
    interfaceIndex: number,
    code: number,
    isEnd: boolean,
    now_ms: number,
  ): number {
    const { memory } = input;
    const start = input.offset[index];
    const { toAll, toUs } = this.#gatesOf(interfaceIndex);
    const isToAll = code === PPPOE_CODE.padi || (memory[start] & GROUP_BIT) !== 0;
    this.#host[2] = readWord(memory, start + SOURCE_AT) >>> 16;
    this.#host[3] = readWord(memory, start + SOURCE_AT + 2);
    const gate = isToAll ? toAll : toUs;
    if (!isEnd && !gate.letsIn(this.#host, 0, code, now_ms)) return DROP['discovery-rate'];
    const { discovery, discoveryToAll } = this.#output;
    const batch = isToAll ? discoveryToAll : discovery;
    const at = batch.append(start, input.length_bytes[index], 0);
    batch.interfaceIndex[at] = interfaceIndex;
    return FORWARDED;
  }

  /** A frame of a session that there is not: its host asks nothing, so it goes with what is asked of all, or not at all. */
  takeStray(input: PacketBatch, index: number, interfaceIndex: number, now_ms: number): void {
    const start = input.offset[index];
    if ((input.memory[start] & GROUP_BIT) !== 0) return;
    this.#host[2] = readWord(input.memory, start + SOURCE_AT) >>> 16;
    this.#host[3] = readWord(input.memory, start + SOURCE_AT + 2);
    if (!this.#gatesOf(interfaceIndex).toAll.letsIn(this.#host, 0, PPPOE_CODE.session, now_ms)) return;
    const { discoveryToAll } = this.#output;
    const at = discoveryToAll.append(start, input.length_bytes[index], 0);
    discoveryToAll.interfaceIndex[at] = interfaceIndex;
  }

  /** Forgets an interface that is no longer open. */
  close(interfaceIndex: number): void {
    this.#gates.delete(interfaceIndex);
  }

  #gatesOf(interfaceIndex: number): InterfaceGates {
    let gates = this.#gates.get(interfaceIndex);
    if (gates === undefined) {
      gates = { toAll: new StrangerGate(), toUs: new StrangerGate() };
      this.#gates.set(interfaceIndex, gates);
    }
    return gates;
  }
}
