/**
 * What the lab needs of the machine it runs on, and how to say that something is missing. Looks, and changes nothing.
 */
import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';

/** Programs without which no lab can be laid, or judged. */
const PROGRAMS = [
  'ip',
  'nft',
  'ethtool',
  'ping',
  'tcpdump',
  'tshark',
  'linux.uml',
  'xl2tpd',
  'pppoe',
  'pppoe-discovery',
  'l2tpns',
  'freeradius',
  'radclient',
  'iperf3',
];

/** Why no lab can be laid here, or false: as the `skip` of a test. */
export function labIsMissing(): string | false {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root, for network namespaces and TUN';
  if (!existsSync('/dev/net/tun')) return 'needs /dev/net/tun';
  const missing = PROGRAMS.filter((program) => !isInPath(program));
  if (missing.length > 0) return `needs ${missing.join(' ')}: test/lab/install-packages.sh installs them`;
  return false;
}

/** Where a skipped test is a failure: where everything can run, and where somebody relies on its having run. */
export function mayNotSkip(): boolean {
  if (process.env.CI === 'true') return true;
  return process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/dev/net/tun');
}

function isInPath(program: string): boolean {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
