/**
 * A guest with a Linux kernel of its own, in user mode: for peers that need PPP and L2TP in the kernel, which the machine
 * under test need not have. The guest shares the host's files, read-only, sits on a TAP of a lab's namespace, and is
 * driven over its console. Knows nothing of the peers that run in it.
 *
 * What was found out about it: a guest needs no root file system, the host's own serves as a hostfs; with 32 MB it
 * panics; without `quiet` it takes three times as long to boot; there is no /dev/stderr in it; it outlives the end of its
 * standard input, and after a SIGKILL to its first process alone its others stay.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab, Namespace } from '../lab/namespaces.js';
import type { Daemon } from '../lab/process.js';
import { Guest } from './guest.js';

/** Modules beside user-mode-linux, in the order in which they need each other. bsd_comp makes pppd offer CCP. */
const MODULES = [
  ...['lib/crc-ccitt', 'drivers/net/slip/slhc', 'drivers/net/ppp/ppp_generic', 'drivers/net/ppp/pppox'],
  ...['drivers/net/ppp/pppoe', 'drivers/net/ppp/ppp_async', 'drivers/net/ppp/bsd_comp', 'net/ipv6/ipv6'],
  ...['net/ipv4/udp_tunnel', 'net/ipv6/ip6_udp_tunnel', 'net/l2tp/l2tp_core', 'net/l2tp/l2tp_ppp'],
];

/** The guest's init, which speaks as Guest expects. Its loop is in a subshell, since the end of process 1 is a panic. */
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

export class UmlGuest extends Guest {
  /** Bound over the guest's /etc/ppp, writable from both sides. */
  readonly folder: string;

  private constructor(daemon: Daemon, folder: string) {
    super(daemon);
    this.folder = folder;
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
    await guest.booted();
    await guest.address('vec0', ...options.addresses);
    if (options.gateway !== undefined) await guest.run(`ip route add default via ${options.gateway}`);
    return guest;
  }
}
