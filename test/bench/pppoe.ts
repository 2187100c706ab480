/**
 * What the LAC costs: PPPoE calls that it carries to our LNS, beside calls that a LAC client dials at the same LNS itself;
 * and UDP packets through both boxes, the LAC's relay beside the LNS. Measures and counts; prints
 * nothing.
 */
import { emitEthernetHeader } from '../../firmware/wire/ethernet.js';
import type { Appliance } from '../interop/appliance.js';
import {
  dialOrder,
  type LacAndLns,
  nothingLeft,
  PASSWORD,
  startLacAndLns,
  TUNNEL_SECRET,
  USER_PREFIX,
} from '../interop/lac-and-lns.js';
import { ACCESS_DEVICE, PCS_DEVICE } from '../lab/access-sites.js';
import { sendFrames } from '../lab/frame-sender.js';
import { emitUdpPacket } from '../lab/ip-packets.js';
import type { Namespace } from '../lab/namespaces.js';
import { ADDRESS } from '../lab/three-sites.js';
import { Caller } from './caller.js';
import { processorTime_ms } from './processor.js';
import { atRest } from './rounds.js';

const ETHER_TYPE_IPV4 = 0x0800;
const L2TP_PORT = 1701;
const UP_TIMEOUT_MS = 45_000;
const DURATION_MS = 1_000;

export interface PppoeLoad {
  calls: number;
  /** How many calls are on their way up at one time. */
  atOnce: number;
}

export interface PppoeRound {
  up: number;
  failures: Readonly<Record<string, number>>;
  rate: number;
  latencyMedian_ms: number;
  latencyP99_ms: number;
  /** Processor time for each call that came up, of the LAC or, where there is none, of its clients. */
  lac_ms: number;
  lns_ms: number;
}

/** Packets that one box passed on. */
export interface RelayRound {
  rate: number;
  /** Processor time of the box for each. */
  processor_us: number;
}

export type Direction = 'to the PC' | 'from the PC';

/** Both boxes, the PCs and a LAC client in the LAC's place, for calls of both kinds. */
export class PppoeBench {
  readonly #boxes: LacAndLns;
  readonly #client: Caller;

  private constructor(boxes: LacAndLns, client: Caller) {
    this.#boxes = boxes;
    this.#client = client;
  }

  static async open(users: number): Promise<PppoeBench> {
    const boxes = await startLacAndLns({ users, lns: { lns: { ipv6: false } } });
    await leaveToCards(boxes);
    return new PppoeBench(boxes, await Caller.start(boxes.sites.lac));
  }

  close(): Promise<void> {
    return this.#boxes.sites.lab.close();
  }

  /** PCs call through the LAC, and hang up. */
  async throughLac({ calls, atOnce }: PppoeLoad): Promise<PppoeRound> {
    const { callers } = this.#boxes;
    const used = await this.#meter();
    const report = await callers.dial(dialOrder({ calls, atOnce, ipv6: false, timeout_ms: UP_TIMEOUT_MS }));
    const [lac_ms, lns_ms] = await used();
    await callers.hangUp();
    await nothingLeft(this.#boxes);
    return roundOf({ ...report, up: report.up.length }, lac_ms, lns_ms);
  }

  /** The LAC client dials the LNS itself, in one tunnel as the LAC has it, and hangs up. */
  async direct({ calls, atOnce }: PppoeLoad): Promise<PppoeRound> {
    const used = await this.#meter();
    const report = await this.#client.place({
      ...{ server: ADDRESS.lns, port: L2TP_PORT, calls, atOnce, tunnels: 1, ports: 1, tunnelSecret: TUNNEL_SECRET },
      ...{ userPrefix: USER_PREFIX, firstUser: 0, password: PASSWORD, ipv6: false, timeout_ms: UP_TIMEOUT_MS },
    });
    const [, lns_ms] = await used();
    await this.#client.hangUp();
    await nothingLeft(this.#boxes);
    return roundOf(report, report.processorTime_ms, lns_ms);
  }

  /** One call, and packets of one direction as fast as one sender sends. */
  async relay(
    direction: Direction,
    payload_bytes: number,
  ): Promise<Record<'lac' | 'lns', RelayRound> & { arrived: number; sent: number }> {
    const { callers, sites } = this.#boxes;
    const { up, failures } = await callers.dial(dialOrder({ calls: 1, ipv6: false }));
    const [pc] = up;
    if (pc === undefined) throw new Error(`no call: ${JSON.stringify(failures)}`);
    const isToPc = direction === 'to the PC';
    const [from, to] = isToPc ? [sites.office, sites.pcs] : [sites.pcs, sites.office];
    const frame = isToPc
      ? await this.#frameToPc(pc.address, payload_bytes)
      : Buffer.from(await callers.frame(pc.pc, ADDRESS.office, payload_bytes), 'hex');
    const before = { received: await receivedFrames(to), passed: await this.#passed() };
    const used = await this.#meter();
    const { frames, seconds } = await sendFrames(from, {
      ...{ device: PCS_DEVICE, frame, duration_ms: DURATION_MS, perSecond: 0 },
    });
    const [lac_ms, lns_ms] = await used();
    const passed = await this.#passed();
    const arrived = (await receivedFrames(to)) - before.received;
    await callers.hangUp();
    await nothingLeft(this.#boxes);
    const round = (box: 'lac' | 'lns', used_ms: number): RelayRound => {
      const count = passed[box] - before.passed[box];
      return { rate: count / seconds, processor_us: (used_ms * 1000) / count };
    };
    return { lac: round('lac', lac_ms), lns: round('lns', lns_ms), arrived: arrived / seconds, sent: frames / seconds };
  }

  /** From when both boxes are at rest; gives what tells, when they are again, the processor time of LAC and LNS. */
  async #meter(): Promise<() => Promise<[number, number]>> {
    const { lac, lns } = this.#boxes;
    const rest = async (): Promise<void> => {
      await atRest({ name: 'the LAC', pid: lac.pid });
      await atRest({ name: 'the LNS', pid: lns.pid });
    };
    await rest();
    const before = [processorTime_ms(lac.pid), processorTime_ms(lns.pid)];
    return async () => {
      await rest();
      return [processorTime_ms(lac.pid) - before[0], processorTime_ms(lns.pid) - before[1]];
    };
  }

  /** Packets of the one call that each box has passed on, both ways. */
  async #passed(): Promise<Record<'lac' | 'lns', number>> {
    const count = async ({ api }: Appliance): Promise<number> => {
      const [session] = await api.sessions();
      return session.counters.sentPackets + session.counters.receivedPackets;
    };
    return { lac: await count(this.#boxes.lac), lns: await count(this.#boxes.lns) };
  }

  /** A packet to this address, as the office host hands it to the LNS. */
  async #frameToPc(address: string, payload_bytes: number): Promise<Uint8Array> {
    const { office, lns } = this.#boxes.sites;
    const [source, destination] = [await macOf(office, PCS_DEVICE), await macOf(lns, 'office')];
    const header = emitEthernetHeader({ destination, source, tags: [], etherType: ETHER_TYPE_IPV4 });
    return Buffer.concat([header, emitUdpPacket(ADDRESS.office, address, payload_bytes)]);
  }
}

/** Every cable's ends leave checksums and cutting to the card, as in the rest of the bench. */
async function leaveToCards({ sites: { pcs, lac, lns, office } }: LacAndLns): Promise<void> {
  const ends = [
    [pcs, PCS_DEVICE],
    [lac, ACCESS_DEVICE],
    [lac, 'uplink'],
    [lns, 'internet'],
    [lns, 'office'],
    [office, PCS_DEVICE],
  ] as const;
  for (const [namespace, device] of ends) {
    await namespace.run(['ethtool', '-K', device, 'tx', 'on', 'tx-udp-segmentation', 'on']);
  }
}

function roundOf(
  report: Pick<PppoeRound, 'up' | 'failures' | 'latencyMedian_ms' | 'latencyP99_ms'> & { setUp_ms: number },
  lac_ms: number,
  lns_ms: number,
): PppoeRound {
  const { up, failures, setUp_ms, latencyMedian_ms, latencyP99_ms } = report;
  const rate = (up / setUp_ms) * 1000;
  return { up, failures, rate, latencyMedian_ms, latencyP99_ms, lac_ms: lac_ms / up, lns_ms: lns_ms / up };
}

async function macOf(namespace: Namespace, device: string): Promise<string> {
  return (await namespace.run(['cat', `/sys/class/net/${device}/address`])).stdout.trim();
}

/** Frames that have come by the namespace's cable, whoever took them. */
async function receivedFrames(namespace: Namespace): Promise<number> {
  return Number((await namespace.run(['cat', `/sys/class/net/${PCS_DEVICE}/statistics/rx_packets`])).stdout);
}
