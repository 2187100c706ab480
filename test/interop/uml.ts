/**
 * A guest with a Linux kernel of its own, in user mode: for peers that need PPP and L2TP in the kernel, which the machine
 * under test need not have. The guest shares the host's files, read-only, sits on a TAP of a lab's namespace, and is
 * driven line by line over its console. Knows nothing of the peers that run in it.
 *
 * What was found out about it: a guest needs no root file system, the host's own serves as a hostfs; with 32 MB it
 * panics; without `quiet` it takes three times as long to boot; there is no /dev/stderr in it; it outlives the end of its
 * standard input, and after a SIGKILL to its first process alone its others stay.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab, Namespace } from '../lab/namespaces.js';
import type { Daemon } from '../lab/process.js';

/** Modules beside user-mode-linux, in the order in which they need each other. bsd_comp makes pppd offer CCP. */
const MODULES = [
  ...['lib/crc-ccitt', 'drivers/net/slip/slhc', 'drivers/net/ppp/ppp_generic', 'drivers/net/ppp/pppox'],
  ...['drivers/net/ppp/ppp_async', 'drivers/net/ppp/bsd_comp', 'net/ipv6/ipv6'],
  ...['net/ipv4/udp_tunnel', 'net/ipv6/ip6_udp_tunnel', 'net/l2tp/l2tp_core', 'net/l2tp/l2tp_ppp'],
];

/**
 * The guest's init. Its loop is in a subshell, since the end of process 1 is a panic. A line that it reads is a command,
 * answered by what the command prints and `@done <status>`; what the guest says of itself begins with `@event`.
 */
const INIT = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
mount -t hostfs none /etc/ppp -o "$GUEST_FOLDER"
for module in ${MODULES.join(' ')}; do
  insmod "/usr/lib/uml/modules/$(uname -r)/kernel/$module.ko" || echo "@event failed insmod $module"
done
ip link set lo up
(ip -o monitor link | sed -u 's/^/@event link /' >/dev/console) &
stty -echo -icanon -opost
echo "@event ready"
(while IFS= read -r line; do eval "$line"; echo "@done $?"; done)
poweroff -f
`;

const BOOT_TIMEOUT_MS = 40_000;
const COMMAND_TIMEOUT_MS = 30_000;

export interface GuestOptions {
  name: string;
  /** The namespace that gets the TAP. */
  namespace: Namespace;
  /** Name of the TAP there; the caller gives it addresses or makes it the port of a bridge. */
  tap: string;
  /** The guest's own addresses, with prefix length. */
  addresses: readonly string[];
  /** Where all else goes. */
  gateway?: string;
}

export interface CommandOutcome {
  status: number;
  lines: readonly string[];
}

interface Pending {
  lines: string[];
  resolve(outcome: CommandOutcome): void;
}

export class UmlGuest {
  /** Bound over the guest's /etc/ppp, writable from both sides. */
  readonly folder: string;
  readonly #daemon: Daemon;
  readonly #pending: Pending[] = [];

  private constructor(daemon: Daemon, folder: string) {
    this.#daemon = daemon;
    this.folder = folder;
    daemon.onLine((line) => this.#hear(line));
  }

  /** Resolves when the guest has its addresses and takes commands. */
  static async boot(lab: Lab, options: GuestOptions): Promise<UmlGuest> {
    const home = join(lab.folder, `guest-${options.name}`);
    const folder = join(home, 'ppp');
    mkdirSync(folder, { recursive: true });
    const init = join(home, 'init');
    writeFileSync(init, INIT, { mode: 0o755 });
    await options.namespace.ip(`tuntap add ${options.tap} mode tap`, `link set ${options.tap} up`);
    const daemon = options.namespace.start(`guest ${options.name}`, [
      ...['linux.uml', 'mem=64M', `umid=${options.name}`, `uml_dir=${home}/`],
      ...['root=/dev/root', 'rootfstype=hostfs', 'rootflags=/', 'ro', `init=${init}`],
      ...['con=null', 'con0=fd:0,fd:1', 'ssl=null', 'noreboot', 'quiet'],
      ...[`vec0:transport=tap,ifname=${options.tap}`, `GUEST_FOLDER=${folder}`],
    ]);
    const guest = new UmlGuest(daemon, folder);
    await daemon.waitForLine(/^@event ready/, { timeout_ms: BOOT_TIMEOUT_MS });
    await guest.run(
      [
        'ip link set vec0 up',
        ...options.addresses.map(
          (address) => `ip address add ${address} dev vec0${address.includes(':') ? ' nodad' : ''}`,
        ),
        ...(options.gateway === undefined ? [] : [`ip route add default via ${options.gateway}`]),
      ].join(' && '),
    );
    return guest;
  }

  /** A mark: events that are awaited from here on count, earlier ones do not. */
  mark(): number {
    return this.#daemon.lineCount;
  }

  /** Runs a shell command of one line in the guest. Throws on a status other than 0 unless told that it may fail. */
  async run(command: string, options: { mayFail?: boolean; timeout_ms?: number } = {}): Promise<CommandOutcome> {
    if (command.includes('\n')) throw new Error(`not one line: ${command}`);
    const timeout_ms = options.timeout_ms ?? COMMAND_TIMEOUT_MS;
    const outcome = await new Promise<CommandOutcome>((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`${command}: ${why}\n${this.#daemon.tail()}`));
      const timer = setTimeout(() => fail(`not done in ${timeout_ms} ms`), timeout_ms);
      void this.#daemon.exited.then(() => fail('the guest has ended'));
      this.#pending.push({
        lines: [],
        resolve: (done) => {
          clearTimeout(timer);
          resolve(done);
        },
      });
      this.#daemon.write(`${command}\n`);
    });
    if (outcome.status !== 0 && !options.mayFail) {
      throw new Error(`${command}: ended with ${outcome.status}\n${outcome.lines.join('\n')}`);
    }
    return outcome;
  }

  /** Awaits an event, by a pattern for what follows `@event `. Answers the words of that event. */
  async event(pattern: RegExp, options: { from?: number; timeout_ms: number }): Promise<string[]> {
    const line = await this.#daemon.waitForLine(new RegExp(`^@event (?:${pattern.source})`), options);
    return line.trim().split(' ').slice(1);
  }

  /** Whether an event has come since the mark. */
  hasSeen(pattern: RegExp, from: number): boolean {
    return this.#daemon.lines(from).some((line) => new RegExp(`^@event (?:${pattern.source})`).test(line));
  }

  async stop(): Promise<void> {
    await this.#daemon.stop();
  }

  #hear(line: string): void {
    const pending = this.#pending[0];
    if (pending === undefined || line.startsWith('@event')) return;
    const done = /^(.*)@done (\d+)/.exec(line);
    if (done === null) {
      pending.lines.push(line.trimEnd());
      return;
    }
    if (done[1] !== '') pending.lines.push(done[1]!);
    this.#pending.shift();
    pending.resolve({ status: Number(done[2]), lines: pending.lines });
  }
}
