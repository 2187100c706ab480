/**
 * Sets addresses, links, routes and forwarding in the kernel, and takes away again what it set: the difference between
 * what is wanted and what it applied before goes through one `ip -batch`, never one process per route. Must not decide
 * what is wanted, and must not touch what it did not set.
 *
 * Fulfils `NetworkConfiguration` of control/network.ts.
 */
import { spawn } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';

interface DesiredLink {
  readonly name: string;
  readonly generation: number;
  readonly mtu_bytes: number;
  readonly addresses: readonly string[];
}

interface DesiredNetwork {
  readonly links: readonly DesiredLink[];
  readonly routes: readonly { readonly prefix: string; readonly link: string }[];
  readonly forwarding: boolean;
}

interface NetworkProblem {
  line: string;
  message: string;
  advice: string;
}

/**
 * One thing in the kernel: how it is set, how it is set again when it may have been lost, and how it is taken away
 * ('' when it goes with its device).
 */
interface Item {
  kind: 'link' | 'address' | 'route';
  link: DesiredLink;
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

const NOTHING: DesiredNetwork = { links: [], routes: [], forwarding: false };

export class NetConfig {
  /** What holds, by a name for the thing. */
  #applied = new Map<string, Item>();
  /** Sysctls that were changed, with the value they had before. */
  readonly #formerSysctls = new Map<string, string>();
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

  /** Takes away all that was set and gives sysctls their former values. */
  withdraw(): Promise<NetworkProblem[]> {
    return this.apply(NOTHING);
  }

  async #afterThisTurn(): Promise<NetworkProblem[]> {
    await this.#run;
    await new Promise(setImmediate);
    this.#run = this.#next;
    this.#next = undefined;
    return this.#reach(this.#desired ?? NOTHING);
  }

  async #reach(desired: DesiredNetwork): Promise<NetworkProblem[]> {
    const problems = await this.#setSysctls(desired);
    const wanted = itemsOf(desired);
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

  /** Before a link comes up: link-local addresses are given by IPV6CP, and a TUN has no router to listen to. */
  async #setSysctls({ links, forwarding }: DesiredNetwork): Promise<NetworkProblem[]> {
    const problems: NetworkProblem[] = [];
    for (const link of links) {
      if (this.#applied.has(linkKey(link))) continue;
      for (const [name, value] of Object.entries({ addr_gen_mode: '1', accept_ra: '0', autoconf: '0' })) {
        // Without IPv6 in the kernel there is no such file, and nothing to keep it from.
        problems.push(...(await writeSysctl(`ipv6/conf/${link.name}/${name}`, value, { mayBeMissing: true })));
      }
    }
    if (forwarding) {
      problems.push(...(await this.#keepRouterAdvertisements(new Set(links.map((link) => link.name)))));
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

/** Everything under a device carries its generation, so that a device made anew gets everything anew. */
function itemsOf({ links, routes }: DesiredNetwork): Map<string, Item> {
  const items = new Map<string, Item>();
  for (const link of links) {
    const dev = `dev ${link.name}`;
    const up = `link set ${dev} mtu ${link.mtu_bytes} up`;
    items.set(linkKey(link), { kind: 'link', link, set: up, setAgain: up, unset: '' });
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
 * Links and addresses first, then what goes, then routes: with its last address a device loses all its routes, so that
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

type BatchResult = { ran: true; failures: { index: number; message: string }[] } | { ran: false; message: string };

/** Runs all lines, whichever fail. */
function runIpBatch(lines: readonly string[]): Promise<BatchResult> {
  return new Promise((resolve) => {
    const child = spawn('ip', ['-force', '-batch', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', (error) => resolve({ ran: false, message: error.message }));
    child.once('close', (status, signal) => {
      const failures = parseFailures(stderr);
      if (status === 0 || failures.length > 0) resolve({ ran: true, failures });
      else resolve({ ran: false, message: stderr.trim() || `ended by ${signal ?? `status ${status}`}` });
    });
    // A program that ends early closes the pipe; `close` says what there is to say.
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${lines.join('\n')}\n`);
  });
}

/** ip(8) writes, for each line that failed, its words and then `Command failed -:<line number>`. */
function parseFailures(stderr: string): { index: number; message: string }[] {
  const failures: { index: number; message: string }[] = [];
  let words: string[] = [];
  for (const line of stderr.split('\n')) {
    const failed = /^Command failed .*:(\d+)$/.exec(line);
    if (failed) {
      failures.push({ index: Number(failed[1]) - 1, message: words.join(' ') });
      words = [];
    } else if (line !== '') words.push(line.replace(/^(RTNETLINK answers|Error): /, ''));
  }
  return failures;
}

const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/ENOENT/, 'install the package iproute2'],
  [/Operation not permitted|EPERM|EACCES/, 'run as root, or with the capability CAP_NET_ADMIN'],
  [/EROFS/, '/proc/sys is read-only here; set this value outside of the container'],
  [/Cannot find device|No such device/, 'the device is not there (any more); look for why its TUN was not opened'],
  [/Network is down|Device for nexthop is not up/, 'the device did not come up; look at the first problem'],
  [
    /File exists/,
    'there is another route to this prefix already; remove it, or leave the prefix out of pool or profile',
  ],
  [
    /IPv6 is disabled|No such file or directory/,
    'the kernel has no IPv6 on this device; switch IPv6 on or set ipv6 to false',
  ],
  [/mtu|Invalid argument/i, 'check the address, prefix or MTU in this line'],
];

function adviceOn(message: string): string {
  return ADVICE.find(([pattern]) => pattern.test(message))?.[1] ?? 'try the line by hand with ip(8) to see more';
}

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
