/** Calls at both LNSes whose traffic is measured, and runs of it in which both get the same. Prints nothing. */
import type { BranchCall } from './branch-calls.js';
import { type BenchSites, DIRECT, type Lns, PASSWORD, TUNNEL_SECRET, USER_PREFIX } from './lnses.js';
import { type Direction, type RunOrder, type RunReport, Traffic } from './traffic.js';

const L2TP_PORT = 1701;
const AT_ONCE = 50;
/** More than are asked for: under a load that it cannot bear, l2tpns was seen to end a call that answers its echoes. */
const SPARE_CALLS = 4;
const UP_TIMEOUT_MS = 60_000;

export interface Load {
  direction: Direction;
  payload_bytes: number;
  sessions: number;
  flows: number;
  perSecond: number;
  isJoined: boolean;
}

const RUN = { burst: 32, warmUp_ms: 100, duration_ms: 400 };

export class TrafficLab {
  readonly #traffic: Traffic;
  readonly #lnses: readonly Lns[];
  #calls = 0;

  private constructor(traffic: Traffic, lnses: readonly Lns[]) {
    this.#traffic = traffic;
    this.#lnses = lnses;
  }

  static async open({ caller, office }: BenchSites, lnses: readonly Lns[]): Promise<TrafficLab> {
    return new TrafficLab(await Traffic.start(caller, office), lnses);
  }

  /**
   * Opens one more tunnel each: of twenty tunnels from one UDP port, l2tpns was seen to let each have 15 calls and to
   * acknowledge nothing from then on.
   *
   * From now on so many calls stand at each LNS, or as many as stood. Throws where one of them does not come up.
   */
  async callsStand(calls: number): Promise<void> {
    const more = calls + SPARE_CALLS - this.#calls;
    if (more <= 0) return;
    for (const { name, address } of this.#lnses) {
      const { up, failures } = await this.#traffic.place({
        ...{ server: address, port: L2TP_PORT, calls: more, atOnce: AT_ONCE, tunnels: 1 },
        ...{ tunnelSecret: TUNNEL_SECRET, userPrefix: USER_PREFIX, firstUser: this.#calls, password: PASSWORD },
        ...{ ipv6: false, timeout_ms: UP_TIMEOUT_MS },
      });
      if (up < more) throw new Error(`${name}: ${up} of ${more} calls came up: ${JSON.stringify(failures)}`);
    }
    this.#calls += more;
  }

  through(lns: Lns, load: Load, changes: Partial<RunOrder> = {}): Promise<RunReport> {
    const [destination] = lns.offices;
    return this.#traffic.run({
      ...{ ...RUN, ...load, server: lns.address, destination: destination!, pid: lns.pid },
      ...changes,
    });
  }

  /** Through a call of the branch: the kernel has the way to its other end. */
  throughBranch({ lns, office, address }: BranchCall, load: Load): Promise<RunReport> {
    const destination = load.direction === 'up' ? office : address;
    return this.#traffic.run({ ...RUN, ...load, server: '', destination, pid: lns.pid });
  }

  /** The same over the cable from end to end. */
  direct(load: Load, changes: Partial<RunOrder> = {}): Promise<RunReport> {
    const destination = load.direction === 'up' ? DIRECT.office : DIRECT.caller;
    return this.#traffic.run({ ...RUN, ...load, server: '', destination, pid: 0, ...changes });
  }

  async close(): Promise<void> {
    await this.#traffic.hangUp();
    await this.#traffic.stop();
  }
}
