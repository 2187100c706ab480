/**
 * pppd in a guest: its secrets, the scripts by which it tells what happened, its options, its log. Who starts it is
 * another's business. Knows nothing of our firmware.
 *
 * What was found out about it: it cannot log to /dev/stderr in the guest, which has none; its own ip-down script does not
 * always run.
 */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { UmlGuest } from './uml.js';

export type PppAuthentication = 'pap' | 'chap-md5' | 'mschapv2';

/** The guest's, with all that pppd reads and writes; from outside it is the guest's folder. */
export const PPP_FOLDER = '/etc/ppp';
const LOG = 'pppd.log';

/** The options that leave one way of authentication to pppd as the one who is asked. */
export const REFUSALS: Readonly<Record<PppAuthentication, readonly string[]>> = {
  pap: ['refuse-chap', 'refuse-mschap', 'refuse-mschap-v2', 'refuse-eap'],
  'chap-md5': ['refuse-pap', 'refuse-mschap', 'refuse-mschap-v2', 'refuse-eap'],
  mschapv2: ['refuse-pap', 'refuse-chap', 'refuse-mschap', 'refuse-eap'],
};

export interface LinkUp {
  device: string;
  localAddress: string;
  peerAddress: string;
}

export interface PppUser {
  user: string;
  password: string;
  /** Routes that pppd gets once the link is up. */
  routes?: readonly string[];
}

export function writePppFile(guest: UmlGuest, name: string, lines: readonly string[], mode = 0o600): void {
  writeFileSync(join(guest.folder, name), lines.map((line) => `${line}\n`).join(''));
  chmodSync(join(guest.folder, name), mode);
}

/** Secrets, routes, and scripts that say `@event ip-up ppp0 <own address> <peer's> <name servers>` and the like. */
export function writePppUser(guest: UmlGuest, { user, password, routes = [] }: PppUser): void {
  const secret = `"${user}" * "${password}" *`;
  writePppFile(guest, 'pap-secrets', [secret]);
  writePppFile(guest, 'chap-secrets', [secret]);
  writePppFile(guest, 'routes', routes);
  for (const name of ['ip-up', 'ip-down', 'ipv6-up', 'ipv6-down']) {
    const route = name === 'ip-up' ? ['while read -r r; do ip route replace "$r" dev "$1"; done </etc/ppp/routes'] : [];
    const tell = `echo "@event ${name} $1 $4 $5 $DNS1 $DNS2" >/dev/console`;
    writePppFile(guest, name, ['#!/bin/sh', ...route, tell], 0o755);
  }
  writePppFile(guest, LOG, []);
}

/** What every pppd of a lab is told; whoever starts it adds to that. */
export const pppOptions = ({ ipv6 }: { ipv6?: boolean }): string[] => [
  ...['debug', `logfile ${PPP_FOLDER}/${LOG}`, 'noipdefault', 'nodefaultroute', 'usepeerdns', 'hide-password'],
  ...['lcp-echo-interval 20', 'lcp-echo-failure 3', ipv6 ? '+ipv6' : 'noipv6'],
];

export function pppLog(guest: UmlGuest): string {
  const path = join(guest.folder, LOG);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** Resolves when the link has its IPv4 address. */
export async function linkUp(guest: UmlGuest, from: number, timeout_ms: number): Promise<LinkUp> {
  try {
    const [, device, localAddress, peerAddress] = await guest.event(/ip-up /, { from, timeout_ms });
    return { device: device!, localAddress: localAddress!, peerAddress: peerAddress! };
  } catch (error) {
    throw new Error(`${(error as Error).message}\npppd:\n${pppLog(guest)}`);
  }
}
