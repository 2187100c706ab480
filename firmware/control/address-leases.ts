/**
 * Addresses by DHCP: asked for on the interfaces whose settings say so, and given out on those that do that. Works out of
 * what servers have said which leases may be used. Must not set an address, nor run a program.
 */
import { type InterfaceSettings, networkMask, networksOverlap, type Settings } from '../settings.js';
import type { Log } from './call-log.js';
import type { DhcpLease, DhcpPrograms, DhcpService } from './dhcp.js';
import type { EthernetInterface } from './pppoe-interfaces.js';
import type { DhcpView, OperatingProblem } from './view.js';

export interface AddressLeasesDependencies {
  programs: DhcpPrograms;
  log: Log;
  settings(): Settings;
  interfaces(): readonly EthernetInterface[];
  /** Leases are others than before. */
  changed(): void;
}

export class AddressLeases {
  readonly #dependencies: AddressLeasesDependencies;
  /** What was told of each interface last. */
  readonly #told = new Map<string, string>();
  /** What the resolver has of us; undefined: nothing yet. */
  #nameServers: string | undefined;
  #nameServersProblem = '';

  constructor(dependencies: AddressLeasesDependencies) {
    this.#dependencies = dependencies;
    dependencies.programs.clients.onChange = () => this.#changed();
  }

  /** Asks and serves where settings and interfaces of now say so. Costs little where nobody wants DHCP. */
  look(): void {
    const { programs, settings, interfaces } = this.#dependencies;
    const { interfaces: wanted, system } = settings();
    const isWanted = wanted.some(({ addressing, dhcpServer }) => addressing === 'dhcp' || dhcpServer !== undefined);
    const present = isWanted ? interfaces() : [];
    const isAsking = (name: string) => wanted.some((one) => one.name === name && one.addressing === 'dhcp');
    const before = JSON.stringify([...this.leases()]);
    programs.clients.ask(
      present.filter(({ name }) => isAsking(name)),
      system.hostName,
    );
    programs.clients.look();
    const isUp = (name: string) => present.some((one) => one.name === name && one.isUp);
    programs.servers.serve(wanted.filter(({ name }) => isUp(name)).flatMap(serviceOf));
    if (JSON.stringify([...this.leases()]) !== before) this.#changed();
  }

  /** Those that may be used, by interface. */
  leases(): ReadonlyMap<string, DhcpLease> {
    const usable = this.views().filter(({ state }) => state !== 'overlapping');
    return new Map(usable.flatMap(({ interface: name, lease }) => (lease === undefined ? [] : [[name, lease]])));
  }

  /** Of the interfaces that ask and are there. A lease outlasts a cable that is out, and a server that is silent. */
  views(): DhcpView[] {
    const { interfaces } = this.#dependencies.settings();
    return Array.from(this.#dependencies.programs.clients.states(), ([name, { state, lease }]): DhcpView => {
      const other = lease === undefined ? undefined : interfaces.find((one) => hasNetwork(one, lease.address));
      if (other === undefined) return { interface: name, state, lease, other: '' };
      return { interface: name, state: 'overlapping', lease, other: other.name };
    });
  }

  problems(): OperatingProblem[] {
    const { clients, servers } = this.#dependencies.programs;
    const advice = 'look whether BusyBox with udhcpc and udhcpd, and setpriv, are installed';
    const asking = Array.from(clients.states(), ([name, { complaint }]) => [name, complaint] as const);
    const failed = [
      ...asking.map(([name, complaint]) => [`no address can be asked for on ${name}`, complaint] as const),
      ...Array.from(
        servers.complaints(),
        ([name, said]) => [`no addresses can be given out on ${name}`, said] as const,
      ),
    ];
    const problems = failed
      .filter(([, complaint]) => complaint !== '')
      .map(([what, complaint]) => ({ what: `${what}: ${complaint}`, advice }));
    if (this.#nameServersProblem === '') return problems;
    const what = `the name servers of DHCP cannot be written down: ${this.#nameServersProblem}`;
    return [...problems, { what, advice: 'give --name-servers a file that this user may write to' }];
  }

  async stop(): Promise<void> {
    const { clients, servers } = this.#dependencies.programs;
    await Promise.all([clients.stop(), servers.stop()]);
  }

  #changed(): void {
    this.#tell();
    void this.#keepNameServers();
    this.#dependencies.changed();
  }

  #tell(): void {
    const { log } = this.#dependencies;
    const views = this.views();
    for (const name of this.#told.keys()) if (!views.some((one) => one.interface === name)) this.#told.delete(name);
    for (const { interface: name, lease, other } of views) {
      const text = JSON.stringify([lease, other]);
      const former = this.#told.get(name) ?? JSON.stringify([undefined, '']);
      this.#told.set(name, text);
      if (text === former) continue;
      if (lease === undefined) log.warn({ interface: name }, 'the address of DHCP is no longer ours');
      else if (other === '') log.info({ interface: name, ...lease }, 'address by DHCP');
      else log.warn({ interface: name, ...lease, other }, 'the network of DHCP is another interface’s already');
    }
  }

  /** Those of all leases, each once. Without a lease those of the last one stay: they may still answer. */
  async #keepNameServers(): Promise<void> {
    const all = [...this.leases().values()].flatMap(({ nameServers }) => nameServers);
    const servers = [...new Set(all)];
    if (servers.length === 0 || servers.join() === this.#nameServers) return;
    this.#nameServers = servers.join();
    this.#nameServersProblem = await this.#dependencies.programs.writeNameServers(servers);
  }
}

function serviceOf({ name, addressing, addresses, dhcpServer }: InterfaceSettings): DhcpService[] {
  if (dhcpServer === undefined || addressing !== 'static') return [];
  const { first, last, lease_s } = dhcpServer;
  const own = addresses.find((each) => networksOverlap(each, `${first}/32`));
  const [address = '', length = ''] = own?.split('/') ?? [];
  return own === undefined
    ? []
    : [{ interface: name, address, mask: networkMask(Number(length)), first, last, lease_s }];
}

function hasNetwork({ addressing, addresses }: InterfaceSettings, address: string): boolean {
  return addressing === 'static' && addresses.some((each) => networksOverlap(each, address));
}
