/** What the kernel lets this process do, from /proc. */

import { readFileSync } from 'node:fs';

/** The bit of CAP_NET_ADMIN in <linux/capability.h>. */
const CAP_NET_ADMIN = 12n;

/** Whether the process has the one capability without which there is neither TUN device nor route. */
export function mayConfigureNetwork(): boolean {
  return hasNetAdmin(readFileSync('/proc/self/status', 'latin1'));
}

/** `status` is a text as in /proc/self/status, proc_pid_status(5). */
export function hasNetAdmin(status: string): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> CAP_NET_ADMIN) & 1n) === 1n;
}
