/**
 * Runs ip(8): many lines in one process, and the question what links there are. Must not decide what they are to be.
 */
import { messageOf, runProgram } from './program.js';

export type BatchResult =
  | { ran: true; failures: { index: number; message: string }[] }
  | { ran: false; message: string };

/** Runs all lines of ip(8)'s batch language, whichever fail. */
export async function runIpBatch(lines: readonly string[]): Promise<BatchResult> {
  const end = await runProgram('ip', ['-force', '-batch', '-'], `${lines.join('\n')}\n`);
  if ('error' in end) return { ran: false, message: end.error };
  const failures = parseFailures(end.stderr);
  if (end.status === 0 || failures.length > 0) return { ran: true, failures };
  return { ran: false, message: messageOf(end) };
}

/** A link as ip(8) shows it. */
export interface Link {
  name: string;
  /** The kernel's number for it. */
  index: number;
  isEthernet: boolean;
  /** Of a virtual one, as in 'veth' or 'bridge'; '' of a card. */
  kind: string;
  /** Name of the bridge that it is a port of, or '' */
  master: string;
  alias: string;
}

type LinksResult = { ran: true; links: Link[] } | { ran: false; message: string };

/** All links of the network namespace. */
export async function readLinks(): Promise<LinksResult> {
  const end = await runProgram('ip', ['-json', '-details', 'link', 'show'], '');
  if ('error' in end) return { ran: false, message: end.error };
  if (end.status !== 0) return { ran: false, message: messageOf(end) };
  return { ran: true, links: (JSON.parse(end.stdout || '[]') as ShownLink[]).map(linkOf) };
}

interface ShownLink {
  ifname: string;
  ifindex: number;
  link_type: string;
  linkinfo?: { info_kind?: string };
  master?: string;
  ifalias?: string;
}

function linkOf(shown: ShownLink): Link {
  const { ifname: name, ifindex: index, link_type, linkinfo, master = '', ifalias: alias = '' } = shown;
  return { name, index, isEthernet: link_type === 'ether', kind: linkinfo?.info_kind ?? '', master, alias };
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
  [
    /Cannot find device|No such device/,
    'the device is not there (any more); look for its card, or for why its TUN or TAP was not opened',
  ],
  [/Network is down|Device for nexthop is not up/, 'the device did not come up; look at the first problem'],
  [
    /File exists/,
    'there is another route to this prefix already; remove it, or leave the prefix out of pool, profile or routes',
  ],
  [
    /invalid gateway|Network is unreachable|No route to host/,
    'no network that the box is in has this next hop; look at the addresses of the interfaces',
  ],
  [
    /IPv6 is disabled|No such file or directory/,
    'the kernel has no IPv6 on this device; switch IPv6 on or set ipv6 to false',
  ],
  [
    /enslav|does not allow|Operation not supported/i,
    'a device of that name is no bridge; name another bridge in the pseudowire',
  ],
  [/Device or resource busy/, 'the device is a port of something else already; take it out there'],
  [/mtu|Invalid argument/i, 'check the address, prefix or MTU in this line'],
];

/** What a person can do about what ip(8), or the name of an errno, says. */
export function adviceOn(message: string): string {
  return ADVICE.find(([pattern]) => pattern.test(message))?.[1] ?? 'try the line by hand with ip(8) to see more';
}
