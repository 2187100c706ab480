/**
 * Sets addresses, links, bridges, routes and forwarding in the kernel, and takes away again what it set: the difference
 * between what is wanted and what it applied before goes through one `ip -batch`, never one process per route; filters
 * go by nft-filters.ts. Must not decide what is wanted, and must not touch what it did not set.
 *
 * Fulfils `NetworkConfiguration` of control/network.ts.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { adviceOn, type Link, readLinks, runIpBatch } from './ip-program.js';
import { type BoxRules, NftBox } from './nft-box.js';
import { NftFilters } from './nft-filters.js';
import type { DesiredFilter } from './nft-script.js';
import { PortNetwork, type PortsAndRoutes } from './port-network.js';

interface DesiredLink {
  readonly name: string;
  readonly kind: 'tun' | 'tap';
  readonly generation: number;
  readonly mtu_bytes: number;
  readonly addresses: readonly string[];
  readonly bridge?: string;
}

interface DesiredNetwork {
  readonly links: readonly DesiredLink[];
  readonly routes: readonly { readonly prefix: string; readonly link: string }[];
  readonly filters: readonly DesiredFilter[];
  readonly box?: BoxRules;
  readonly own?: PortsAndRoutes;
  readonly forwarding: boolean;
}

interface NetworkProblem {
  line: string;
  message: string;
  advice: string;
  isOfFilters?: true;
}

/**
 * One thing in the kernel: how it is set, how it is set again when it may have been lost, and how it is taken away
 * ('' when it goes with its device).
 */
interface Item {
  kind: 'bridge' | 'link' | 'port' | 'address' | 'route';
  /** The device that it belongs to. */
  link: Pick<DesiredLink, 'name' | 'generation'>;
  set: string;
  setAgain: string;
  unset: string;
}

/** A line for ip(8), and the item that it sets or takes away. */
interface Work {
  line: string;
  key: string;
  item: Item;
  takesAway: boolean;
}

/** The alias of the bridges that this program made: by it they are known again after a crash. */
const MADE_HERE = 'made by tunnelwerk';

const NOTHING: DesiredNetwork = { links: [], routes: [], filters: [], forwarding: false };
const NO_RULES: BoxRules = { guard: { ports: [], from: [] }, masquerade: { from: [], out: [] } };

export class NetConfig {
  /** What holds, by a name for the thing. */
  #applied = new Map<string, Item>();
  /** Wanted bridges that somebody else made. */
  readonly #foreignBridges = new Set<string>();
  /** Sysctls that were changed, with the value they had before. */
  readonly #formerSysctls = new Map<string, string>();
  readonly #filters = new NftFilters();
  readonly #box = new NftBox();
  readonly #ports = new PortNetwork();
  #desired: DesiredNetwork | undefined;
  #run: Promise<NetworkProblem[]> | undefined;
  #next: Promise<NetworkProblem[]> | undefined;

  /**
   * Makes `desired` hold. Calls of one turn, and those during a run, become one run, whose last `desired` counts.
   * Gives what the kernel refused; that is tried again by the next call.
   */
  apply(desired: DesiredNetwork): Promise<NetworkProblem[]> {
    this.#desired = desired;
    this.#next ??= this.#afterThisTurn();
    return this.#next;
  }

  /** Takes away all that was set, but from ports that stay set, and gives sysctls their former values. */
  withdraw(): Promise<NetworkProblem[]> {
    const own = this.#desired?.own;
    if (own === undefined) return this.apply(NOTHING);
    return this.apply({ ...NOTHING, own: { ...own, ports: own.ports.filter((port) => port.staysSet), routes: [] } });
  }

  async #afterThisTurn(): Promise<NetworkProblem[]> {
    await this.#run;
    await new Promise(setImmediate);
    this.#run = this.#next;
    this.#next = undefined;
    return this.#reach(this.#desired ?? NOTHING);
  }

  /** Static routes may lead to devices that are brought up first. */
  async #reach(desired: DesiredNetwork): Promise<NetworkProblem[]> {
    const problems = await this.#reachLinks(desired);
    if (desired.own === undefined) return problems;
    const links = desired.links.map(({ name, generation }) => `${name} ${generation}`).join(' ');
    return [...problems, ...(await this.#ports.reach(desired.own, links))];
  }

  async #reachLinks(desired: DesiredNetwork): Promise<NetworkProblem[]> {
    // Filters first: no route leads to a user whose filter does not hold yet.
    const problems: NetworkProblem[] = await this.#filters.reach(desired.filters);
    problems.push(...(await this.#box.reach(desired.box ?? NO_RULES)));
    problems.push(...(await this.#setSysctls(desired)));
    const wanted = itemsOf(desired);
    const refused = await this.#settleBridges(desired, wanted);
    if (refused !== undefined) return [...problems, refused];
    const work = difference(this.#applied, wanted);
    if (work.length === 0) return problems;
    const result = await runIpBatch(work.map(({ line }) => line));
    if (!result.ran)
      return [...problems, { line: 'ip -batch', message: result.message, advice: adviceOn(result.message) }];
    for (const { index, message } of result.failures) {
      const { line, key, item, takesAway } = work[index]!;
      if (takesAway && GONE_ALREADY.test(message)) continue;
      problems.push({ line, message, advice: adviceOn(message) });
      if (takesAway) wanted.set(key, item);
      else wanted.delete(key);
    }
    this.#applied = wanted;
    return problems;
  }

  /**
   * Takes out of `wanted` the making of bridges that others have made, and leaves in it a bridge of ours that others
   * have put ports into. Asks the kernel only where a bridge comes or goes.
   */
  async #settleBridges({ links }: DesiredNetwork, wanted: Map<string, Item>): Promise<NetworkProblem | undefined> {
    const names = new Set(links.flatMap(({ bridge }) => bridge ?? []));
    for (const name of this.#foreignBridges) if (!names.has(name)) this.#foreignBridges.delete(name);
    const comes = [...names].filter((name) => !this.#applied.has(bridgeKey(name)) && !this.#foreignBridges.has(name));
    const goes = [...this.#applied.values()].filter(({ kind, link }) => kind === 'bridge' && !names.has(link.name));
    if (comes.length > 0 || goes.length > 0) {
      const result = await readLinks();
      if (!result.ran) return { line: 'ip -json link show', message: result.message, advice: adviceOn(result.message) };
      const present = new Set(result.links.map(({ name }) => name));
      await this.#makeBridges(comes.filter((name) => !present.has(name)));
      for (const link of result.links) if (comes.includes(link.name)) this.#meetBridge(link);
      this.#keepBridgesInUse(result.links, names, wanted);
    }
    for (const name of this.#foreignBridges) for (const key of bridgeItems(name).keys()) wanted.delete(key);
    return undefined;
  }

  /**
   * Ahead of everything else, so that a bridge has no IPv6 of its own before it comes up: it would announce itself to
   * the other end of a pseudowire. What fails is tried again with the rest, and told then.
   */
  async #makeBridges(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    const items = names.map((name) => bridgeItems(name).get(bridgeKey(name))!);
    const result = await runIpBatch(items.map(({ set }) => set));
    for (const [index, item] of items.entries()) {
      const { name } = item.link;
      if (!result.ran || result.failures.some((failure) => failure.index === index)) continue;
      await writeSysctl(`ipv6/conf/${name}/disable_ipv6`, '1', { mayBeMissing: true });
      this.#applied.set(bridgeKey(name), item);
    }
  }

  /** A bridge of ours was left by a process that was killed: it is there already, but not necessarily up. */
  #meetBridge({ name, alias }: Link): void {
    if (alias !== MADE_HERE) this.#foreignBridges.add(name);
    else this.#applied.set(bridgeKey(name), bridgeItems(name).get(bridgeKey(name))!);
  }

  #keepBridgesInUse(links: readonly Link[], names: ReadonlySet<string>, wanted: Map<string, Item>): void {
    const ports = new Set([...this.#applied.values()].flatMap(({ kind, link }) => (kind === 'port' ? link.name : [])));
    for (const { name, master } of links) {
      if (names.has(master) || ports.has(name) || !this.#applied.has(bridgeKey(master))) continue;
      for (const [key, item] of bridgeItems(master)) wanted.set(key, item);
    }
  }

  /** Before a link comes up, so that nothing of the box's own goes out by it. */
  async #setSysctls({ links, forwarding }: DesiredNetwork): Promise<NetworkProblem[]> {
    const problems: NetworkProblem[] = [];
    for (const link of links) {
      const values = this.#applied.has(linkKey(link)) ? [] : sysctlsOf(link);
      const wasPort = this.#applied.has(portKey(link));
      const isPort = link.bridge !== undefined;
      if (isPort !== wasPort) values.push([`ipv6/conf/${link.name}/disable_ipv6`, isPort ? '1' : '0']);
      // Without IPv6 in the kernel there is no such file, and nothing to keep it from.
      for (const [path, value] of values) problems.push(...(await writeSysctl(path, value, { mayBeMissing: true })));
    }
    if (forwarding) {
      problems.push(...(await this.#keepRouterAdvertisements(new Set(links.map((link) => link.name)))));
      // The kernel sends redirects by a device where the device or `all` says so.
      if (links.some(({ kind }) => kind === 'tun')) {
        problems.push(...(await this.#change('ipv4/conf/all/send_redirects', '0')));
      }
      problems.push(...(await this.#change('ipv4/ip_forward', '1')));
      problems.push(...(await this.#change('ipv6/conf/all/forwarding', '1', { mayBeMissing: true })));
    } else problems.push(...(await this.#restoreSysctls()));
    return problems;
  }

  /** A forwarding kernel ignores router advertisements where accept_ra is 1, and the box would lose its own way out. */
  async #keepRouterAdvertisements(ours: ReadonlySet<string>): Promise<NetworkProblem[]> {
    const problems: NetworkProblem[] = [];
    for (const name of await readdir('/proc/sys/net/ipv6/conf').catch(() => [])) {
      if (name === 'all' || name === 'lo' || ours.has(name)) continue;
      const path = `ipv6/conf/${name}/accept_ra`;
      if ((await readSysctl(path)) === '1') problems.push(...(await this.#change(path, '2', { mayBeMissing: true })));
    }
    return problems;
  }

  async #change(path: string, value: string, options?: { mayBeMissing: boolean }): Promise<NetworkProblem[]> {
    const former = await readSysctl(path);
    if (former === value) return [];
    const problems = await writeSysctl(path, value, options);
    if (problems.length === 0 && former !== undefined && !this.#formerSysctls.has(path)) {
      this.#formerSysctls.set(path, former);
    }
    return problems;
  }

  /** The last changed first: forwarding goes before what it needed. */
  async #restoreSysctls(): Promise<NetworkProblem[]> {
    const problems: NetworkProblem[] = [];
    for (const [path, former] of [...this.#formerSysctls].reverse()) {
      const failed = await writeSysctl(path, former, { mayBeMissing: true });
      if (failed.length === 0) this.#formerSysctls.delete(path);
      problems.push(...failed);
    }
    return problems;
  }
}

function linkKey({ name, generation }: DesiredLink): string {
  return `link ${name} ${generation}`;
}

function portKey(link: DesiredLink): string {
  return `port ${linkKey(link)}`;
}

function bridgeKey(name: string): string {
  return `bridge ${name}`;
}

/**
 * Link-local addresses are given by IPV6CP, and a TUN has no router to listen to; what is sent back to the user that it
 * came from, to another's address, is no reason for an ICMP redirect: users of one TUN are not on one link.
 */
function sysctlsOf({ name, kind }: DesiredLink): [path: string, value: string][] {
  const ipv6 = { addr_gen_mode: '1', accept_ra: '0', autoconf: '0' };
  const paths = Object.entries(ipv6).map(([key, value]): [string, string] => [`ipv6/conf/${name}/${key}`, value]);
  return kind === 'tun' ? [...paths, [`ipv4/conf/${name}/send_redirects`, '0']] : paths;
}

/** A bridge that carries every frame as it is, and sends nothing of its own. The kernel takes no alias when it makes one. */
function bridgeItems(name: string): Map<string, Item> {
  const link = { name, generation: 0 };
  const make = `link add name ${name} type bridge stp_state 0 mcast_snooping 0`;
  const up = `link set dev ${name} alias "${MADE_HERE}" up`;
  return new Map([
    [bridgeKey(name), { kind: 'bridge', link, set: make, setAgain: make, unset: `link delete dev ${name}` }],
    [`up ${bridgeKey(name)}`, { kind: 'link', link, set: up, setAgain: up, unset: '' }],
  ]);
}

/** Everything under a device carries its generation, so that a device made anew gets everything anew. */
function itemsOf({ links, routes }: DesiredNetwork): Map<string, Item> {
  const items = new Map<string, Item>();
  for (const { bridge } of links)
    if (bridge !== undefined) for (const [key, item] of bridgeItems(bridge)) items.set(key, item);
  for (const link of links) {
    const dev = `dev ${link.name}`;
    const up = `link set ${dev} mtu ${link.mtu_bytes} up`;
    items.set(linkKey(link), { kind: 'link', link, set: up, setAgain: up, unset: '' });
    if (link.bridge !== undefined) {
      const set = `link set ${dev} master ${link.bridge}`;
      items.set(portKey(link), { kind: 'port', link, set, setAgain: set, unset: `link set ${dev} nomaster` });
    }
    for (const address of link.addresses) {
      const set = `address replace ${address} ${dev}${address.includes(':') ? ' nodad' : ''}`;
      const unset = `address delete ${address} ${dev}`;
      items.set(`address ${address} ${linkKey(link)}`, { kind: 'address', link, set, setAgain: set, unset });
    }
  }
  for (const { prefix, link: name } of routes) {
    const link = links.find((each) => each.name === name);
    if (!link) continue;
    // Added and not put in the place of another: that one is not ours, and would be lost when ours goes.
    const what = `${prefix} dev ${name} proto static`;
    const [set, setAgain, unset] = [`route add ${what}`, `route replace ${what}`, `route delete ${what}`];
    items.set(`route ${prefix} ${linkKey(link)}`, { kind: 'route', link, set, setAgain, unset });
  }
  return items;
}

/**
 * Bridges, links and addresses first, then what goes, then routes: with its last address a device loses all its routes, so that
 * the new address comes before the old one goes, and where one went the routes are set again.
 */
function difference(applied: ReadonlyMap<string, Item>, wanted: ReadonlyMap<string, Item>): Work[] {
  const devices = new Map([...wanted.values()].map(({ link }) => [link.name, link.generation]));
  const isThere = ({ link }: Item) => (devices.get(link.name) ?? link.generation) === link.generation;
  const gone = [...applied].filter(([key, item]) => item.unset !== '' && !wanted.has(key) && isThere(item));
  const shaken = new Set(gone.filter(([, { kind }]) => kind === 'address').map(([, { link }]) => link.name));
  const setting = (isRoute: boolean): Work[] =>
    [...wanted]
      .filter(([, { kind }]) => (kind === 'route') === isRoute)
      .flatMap(([key, item]) => {
        const isSet = applied.get(key)?.set === item.set;
        if (isSet && !(isRoute && shaken.has(item.link.name))) return [];
        return [{ line: isSet ? item.setAgain : item.set, key, item, takesAway: false }];
      });
  const takingAway = gone.reverse().map(([key, item]) => ({ line: item.unset, key, item, takesAway: true }));
  return [...setting(false), ...takingAway, ...setting(true)];
}

/** What ip(8) says of something that went with its device. */
const GONE_ALREADY =
  /No such process|No such device|Cannot find device|Cannot assign requested address|Address not found/;

async function readSysctl(path: string): Promise<string | undefined> {
  return readFile(`/proc/sys/net/${path}`, 'latin1').then(
    (text) => text.trim(),
    () => undefined,
  );
}

async function writeSysctl(
  path: string,
  value: string,
  options?: { mayBeMissing: boolean },
): Promise<NetworkProblem[]> {
  const file = `/proc/sys/net/${path}`;
  try {
    await writeFile(file, value);
    return [];
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && options?.mayBeMissing) return [];
    return [{ line: file, message, advice: adviceOn(code === 'ENOENT' ? 'No such device' : code) }];
  }
}
