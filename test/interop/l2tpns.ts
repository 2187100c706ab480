/**
 * l2tpns, an LNS of another house in user space, in a namespace of the host's kernel. It asks RADIUS for every call.
 *
 * What was found out about it: until it has become the master of its cluster of one, it ignores SCCRQ, hence the short
 * heartbeats and the wait for its own word that it is master; its peer_address must differ from the tunnel's address, or
 * the caller routes the tunnel into itself; it offers Multilink and protocol-rejects IPV6CP; a user's LCP Terminate-Request it
 * acknowledges, and leaves the session as it is until the user has been silent for long.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab, Namespace } from '../lab/namespaces.js';
import type { Daemon } from '../lab/process.js';

export interface L2tpnsOptions {
  namespace: Namespace;
  /** The address that callers dial. */
  address: string;
  /** A device that exists in the namespace. */
  device: string;
  /** The LNS's end of each link. */
  peerAddress: string;
  /** Pool in l2tpns's own notation: a prefix or a range. */
  pool: string;
  tunnelSecret: string;
  radius: { address: string; secret: string };
  authentication: 'pap' | 'chap';
  /** A user who is silent for so long is asked for an echo, and after twice that time is gone; left out: minutes. */
  silence_s?: number;
  /** How much it logs, 0 (what is critical) to 5; 3 unless told. */
  debug?: number;
}

const MASTER_TIMEOUT_MS = 20_000;

export async function startL2tpns(lab: Lab, options: L2tpnsOptions): Promise<Daemon> {
  const folder = join(lab.folder, 'l2tpns');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'startup-config'), configuration(folder, options));
  writeFileSync(join(folder, 'ip_pool'), `${options.pool}\n`);
  writeFileSync(join(folder, 'users'), '');
  // It reads /etc/l2tpns, whatever its arguments: bound privately, since each `ip netns exec` has mounts of its own.
  const script = 'echo 1 >/proc/sys/net/ipv4/ip_forward && mount --bind "$1" /etc/l2tpns && exec l2tpns -v';
  const daemon = options.namespace.start('l2tpns', ['sh', '-c', script, 'sh', folder]);
  await daemon.waitForLine(/I am master|declaring myself|becoming master/i, { timeout_ms: MASTER_TIMEOUT_MS });
  return daemon;
}

function configuration(folder: string, options: L2tpnsOptions): string {
  return `
set debug ${options.debug ?? 3}
set pid_file "${folder}/pid"
set hostname "l2tpns"
set bind_address ${options.address}
set peer_address ${options.peerAddress}
set iftun_address ${options.peerAddress}
set l2tp_secret "${options.tunnelSecret}"
set primary_radius ${options.radius.address}
set primary_radius_port 1812
set radius_secret "${options.radius.secret}"
set radius_authtypes "${options.authentication}"
set cluster_interface "${options.device}"
set cluster_hb_interval 1
set cluster_hb_timeout 10
set send_garp no
${options.silence_s === undefined ? '' : `set echo_timeout ${options.silence_s}\nset idle_echo_timeout ${2 * options.silence_s}`}
set accounting_dir ""
`;
}
