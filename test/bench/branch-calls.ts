/**
 * A branch: our own appliance as LAC client beside the callers, which dials both LNSes, each call in a profile of its own
 * that stays up. What is sent to a call's office goes through it. Measures nothing.
 */
import { Appliance } from '../interop/appliance.js';
import { until } from '../lab/until.js';
import { type BenchSites, type Lns, PASSWORD, TUNNEL_SECRET, USER_PREFIX } from './lnses.js';

const UP_TIMEOUT_MS = 30_000;

export interface BranchCall {
  name: string;
  encapsulation: 'udp2' | 'udp3' | 'ip';
  lns: Lns;
  /** The host behind the LNS that this call leads to. */
  office: string;
  /** The branch's own in this call. */
  address: string;
}

export class BranchCalls {
  readonly #appliance: Appliance;
  /** Ours in each form that L2TP has, and l2tpns last. */
  readonly calls: readonly BranchCall[];

  private constructor(appliance: Appliance, calls: readonly BranchCall[]) {
    this.#appliance = appliance;
    this.calls = calls;
  }

  /** Resolves when all calls are up. */
  static async dial({ lab, caller }: BenchSites, ours: Lns, theirs: Lns): Promise<BranchCalls> {
    const calls = [
      { name: 'L2TPv2/UDP', encapsulation: 'udp2', lns: ours, office: ours.offices[0]! },
      { name: 'L2TPv3/UDP', encapsulation: 'udp3', lns: ours, office: ours.offices[1]! },
      { name: 'L2TPv3/IP 115', encapsulation: 'ip', lns: ours, office: ours.offices[2]! },
      { name: theirs.name, encapsulation: 'udp2', lns: theirs, office: theirs.offices[0]! },
    ] as const;
    const appliance = await Appliance.start(lab, caller, 'branch');
    await appliance.api.configure({
      lacClients: calls.map(({ encapsulation, lns, office }, index) => ({
        ...{ name: `call-${index}`, enabled: true, server: lns.address, encapsulation, tunnelSecret: TUNNEL_SECRET },
        ...{ userName: `${USER_PREFIX}${index}`, password: PASSWORD, tunInterface: tun(index) },
        routes: [`${office}/32`],
      })),
    });
    await until('the LAC client is up', UP_TIMEOUT_MS, async () => {
      const { lacClients } = await appliance.api.status();
      return lacClients.length === calls.length && lacClients.every(({ state }) => state === 'up');
    });
    const placed = calls.map(async (call, index) => {
      await caller.routed(call.office, tun(index));
      const { stdout } = await caller.run(['ip', '-o', 'route', 'get', call.office]);
      return { ...call, address: / src (\S+)/.exec(stdout)![1]! };
    });
    return new BranchCalls(appliance, await Promise.all(placed));
  }

  get pid(): number {
    return this.#appliance.pid;
  }

  stop(): Promise<number> {
    return this.#appliance.stop();
  }
}

function tun(index: number): string {
  return `tw-call-${index}`;
}
