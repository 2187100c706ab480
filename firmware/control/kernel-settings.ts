/**
 * Keeps the kernel's network settings to what settings, pools and the calls that stand make of them: knows when that may
 * have changed, so that a thousand calls that need nothing of their own cost no run. Must not plan, nor carry out.
 */
import type { CallInfo } from '../roles/role.js';
import type { Pool, Settings } from '../settings.js';
import { type Prefix, parsePrefix } from '../wire/ip.js';
import { poolPrefixes } from './address-pool.js';
import type { Log } from './call-log.js';
import type { DhcpLease } from './dhcp.js';
import { concernsFilters, unknownFilters } from './filter-plan.js';
import type { DesiredNetwork, NetworkConfiguration, NetworkProblem } from './network.js';
import { planNetwork, routesToUser } from './network-plan.js';
import type { EthernetInterface } from './pppoe-interfaces.js';
import type { TunDevice } from './tun-devices.js';
import type { OperatingProblem } from './view.js';

export interface KernelSettingsDependencies {
  network: NetworkConfiguration;
  log: Log;
  settings(): Settings;
  pools(): readonly Pool[];
  devices(): Iterable<TunDevice>;
  /** Those that are up, the oldest first. */
  calls(): readonly CallInfo[];
  /** The interfaces that the box is administered from. */
  lan(): readonly string[];
  /** Those that are there now. */
  interfaces(): readonly EthernetInterface[];
  /** What DHCP gave, by interface. */
  leases(): ReadonlyMap<string, DhcpLease>;
}

export class KernelSettings {
  /** What holds may not be what shall hold. */
  isStale = false;
  readonly #dependencies: KernelSettingsDependencies;
  #inForce: Pick<DesiredNetwork, 'filters'> = { filters: [] };
  /** What the kernel refused. */
  #problems: readonly NetworkProblem[] = [];
  /** The interfaces that get their addresses from here, as they were at the last look. */
  #seen = '';
  #run: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #routed: { pools: readonly Pool[]; routes: readonly Prefix[] } = { pools: [], routes: [] };

  constructor(dependencies: KernelSettingsDependencies) {
    this.#dependencies = dependencies;
  }

  /** Notes where an interface that gets its addresses from here has come, gone, or been switched on or off. */
  look(): void {
    const seen = this.#seen;
    this.#lookAtPorts();
    if (this.#seen !== seen) this.isStale = true;
  }

  #lookAtPorts(): readonly EthernetInterface[] {
    const { settings, interfaces } = this.#dependencies;
    const names = settings().interfaces.flatMap(({ name, addressing }) => (addressing === 'system' ? [] : [name]));
    const ports = names.length === 0 ? [] : interfaces().filter(({ name }) => names.includes(name));
    this.#seen = ports.map(({ name, index, isUp }) => `${name} ${index} ${isUp}`).join();
    return ports;
  }

  /** A call has come, gone, or changed: it matters only when it has routes or filters of its own. */
  noteCall(call: CallInfo): void {
    if (call.role === 'lac-client') this.isStale = true;
    else if (call.isTunnelled) return;
    else if (call.peerAddress !== '' && routesToUser(call, this.#poolRoutes()).length > 0) this.isStale = true;
    else if (concernsFilters(call, this.#inForce.filters, this.#dependencies.calls)) this.isStale = true;
  }

  /** What changes during a run is planned once, when that is over: with ten thousand calls a plan takes its time. */
  apply(): Promise<void> {
    this.isStale = false;
    if (this.#run === undefined) {
      this.#run = this.#reach().finally(() => {
        this.#run = undefined;
      });
      return this.#run;
    }
    this.#next ??= this.#run.then(() => {
      this.#next = undefined;
      return this.apply();
    });
    return this.#next;
  }

  async #reach(): Promise<void> {
    const { settings, pools, devices, calls, lan, leases, network, log } = this.#dependencies;
    const ports = this.#lookAtPorts();
    const desired = planNetwork(settings(), pools(), devices(), calls(), lan(), ports, leases());
    this.#inForce = desired;
    const problems = await network.apply(desired);
    for (const problem of problems) log.warn(problem, 'kernel configuration');
    this.#problems = problems;
  }

  async withdraw(): Promise<void> {
    const { network, log } = this.#dependencies;
    await (this.#next ?? this.#run);
    for (const problem of await network.withdraw()) log.warn(problem, 'kernel configuration');
  }

  /** Whether users were filtered as they should be when that was last applied. */
  get filtersHold(): boolean {
    return !this.#problems.some(({ isOfFilters }) => isOfFilters);
  }

  problems(): OperatingProblem[] {
    const { settings, calls } = this.#dependencies;
    const refused = this.#problems.map(({ line, message, advice }) => ({ what: `${line}: ${message}`, advice }));
    return [...refused, ...unknownFilters(settings().filters, calls())];
  }

  /** Worked out anew when the pools have changed, not for every call. */
  #poolRoutes(): readonly Prefix[] {
    const pools = this.#dependencies.pools();
    if (this.#routed.pools !== pools) this.#routed = { pools, routes: poolPrefixes(pools).map(parsePrefix) };
    return this.#routed.routes;
  }
}
