/**
 * A lab of network namespaces, veth pairs and bridges, and a scratch folder, all under names that carry this process's ID:
 * whatever way the process ends, they go, and what a killed process left behind goes when the next lab is opened.
 * Touches nothing that it did not make. Does not know what runs inside.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Daemon, type DaemonOptions, killDaemons, type Outcome, type RunOptions, run, runNow } from './process.js';
import { until } from './until.js';

/** Namespaces are called tw-<process ID>-<name>, the scratch folder tw-<process ID>. */
const NAME = /^tw-(\d+)(-|$)/;
const NAMESPACE_FOLDER = '/run/netns';

export class Namespace {
  /** The name under /run/netns. */
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** The argument list that runs a program in here. */
  argv(argv: readonly string[]): string[] {
    return ['ip', 'netns', 'exec', this.name, ...argv];
  }

  run(argv: readonly string[], options?: RunOptions): Promise<Outcome> {
    return run(this.argv(argv), options);
  }

  start(title: string, argv: readonly string[], options?: DaemonOptions): Daemon {
    return new Daemon(title, this.argv(argv), options);
  }

  /** Runs lines of iproute2's batch language, without the leading `ip`. */
  async ip(...lines: readonly string[]): Promise<void> {
    await run(['ip', '-n', this.name, '-batch', '-'], { input: `${lines.join('\n')}\n` });
  }

  /** An address with prefix length, IPv4 or IPv6; without duplicate address detection, which would take a second. */
  async address(device: string, ...addresses: readonly string[]): Promise<void> {
    await this.ip(
      ...addresses.map((address) => `address add ${address} dev ${device}${address.includes(':') ? ' nodad' : ''}`),
    );
  }

  /** Resolves when what goes to the address goes to the device. */
  async routed(address: string, device: string): Promise<void> {
    await until(`${address} is routed to ${device}`, 5_000, async () => {
      const { stdout } = await this.run(['ip', '-o', 'route', 'get', address], { mayFail: true });
      return stdout.includes(` dev ${device} `);
    });
  }

  async ping(
    address: string,
    options: { count?: number; size_bytes?: number; dontFragment?: boolean } = {},
  ): Promise<Outcome> {
    return this.run(
      [
        ...[
          'ping',
          '-n',
          '-i',
          '0.2',
          '-c',
          String(options.count ?? 3),
          '-W',
          '2',
          '-s',
          String(options.size_bytes ?? 56),
        ],
        ...(options.dontFragment ? ['-M', 'do'] : []),
        address,
      ],
      { mayFail: true },
    );
  }
}

export interface Port {
  namespace: Namespace;
  device: string;
  addresses?: readonly string[];
}

export class Lab {
  /** A folder that goes with the lab. */
  readonly folder: string;
  readonly #namespaces: Namespace[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Opens a lab, after taking away what a killed process left. One process has one lab at a time. */
  static async open(): Promise<Lab> {
    sweep((pid) => !existsSync(`/proc/${pid}`));
    tidyUpAtExit();
    const lab = new Lab(join(tmpdir(), `tw-${process.pid}`));
    mkdirSync(lab.folder, { mode: 0o755 });
    return lab;
  }

  async namespace(name: string): Promise<Namespace> {
    const namespace = new Namespace(`tw-${process.pid}-${name}`);
    await run(['ip', 'netns', 'add', namespace.name]);
    this.#namespaces.push(namespace);
    await namespace.ip('link set lo up');
    return namespace;
  }

  /**
   * Lays a cable. Both ends compute their checksums and cut what is sent in one piece for the card to cut: a capture
   * then shows what a wire would carry. With `offloads` they leave that to the card, as a good one lets them.
   */
  async cable(one: Port, other: Port, { offloads = false } = {}): Promise<void> {
    await run([
      ...['ip', 'link', 'add', one.device, 'netns', one.namespace.name, 'type', 'veth'],
      ...['peer', 'name', other.device, 'netns', other.namespace.name],
    ]);
    for (const { namespace, device, addresses } of [one, other]) {
      const state = offloads ? 'on' : 'off';
      await namespace.run(['ethtool', '-K', device, 'tx', state, 'tx-udp-segmentation', state], { mayFail: true });
      await namespace.ip(`link set ${device} up`);
      await namespace.address(device, ...(addresses ?? []));
    }
  }

  /** A bridge that joins what is in one namespace already: cables and TAPs. */
  async bridge(namespace: Namespace, device: string, ports: readonly string[]): Promise<void> {
    await namespace.ip(
      `link add ${device} type bridge mcast_snooping 0`,
      ...ports.map((port) => `link set ${port} master ${device}`),
      `link set ${device} up`,
    );
  }

  /** Takes everything away. What still runs in the namespaces is killed. */
  async close(): Promise<void> {
    killDaemons();
    sweep((pid) => pid === process.pid);
    this.#namespaces.length = 0;
  }
}

/** Removes the namespaces, with the processes in them, and the scratch folders of the process IDs chosen. */
function sweep(chosen: (pid: number) => boolean): void {
  const ours = (folder: string): string[] =>
    existsSync(folder)
      ? readdirSync(folder).filter((name) => {
          const match = NAME.exec(name);
          return match !== null && chosen(Number(match[1]));
        })
      : [];
  for (const name of ours(NAMESPACE_FOLDER)) {
    attempt(() => {
      for (const pid of runNow(['ip', 'netns', 'pids', name]).split('\n').filter(Boolean)) {
        attempt(() => process.kill(Number(pid), 'SIGKILL'));
      }
    });
    attempt(() => runNow(['ip', 'netns', 'delete', name]));
  }
  for (const name of ours(tmpdir())) rmSync(join(tmpdir(), name), { recursive: true, force: true });
}

function attempt(action: () => void): void {
  try {
    action();
  } catch {
    // Gone already: what is asked for is that it be gone.
  }
}

let tidies = false;

/** However this process ends, short of SIGKILL, its lab goes with it: an uncaught error too passes through 'exit'. */
function tidyUpAtExit(): void {
  if (tidies) return;
  tidies = true;
  process.on('exit', () => {
    killDaemons();
    sweep((pid) => pid === process.pid);
  });
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
    ['SIGHUP', 1],
  ] as const) {
    process.once(signal, () => process.exit(128 + number));
  }
}
