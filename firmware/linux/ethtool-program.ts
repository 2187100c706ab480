/**
 * Runs ethtool(8): which features a device has on, and switches them. Must not decide which are to be on.
 */
import { messageOf, runProgram } from './program.js';

/** A feature as a driver has it. */
export interface Feature {
  isOn: boolean;
  /** The driver does not let it be changed, or does not know it. */
  isFixed: boolean;
}

type FeaturesResult = { ran: true; features: Map<string, Feature> } | { ran: false; message: string };

/** The features of a device under the long names that `ethtool -k` shows. */
export async function readFeatures(device: string): Promise<FeaturesResult> {
  const end = await runProgram('ethtool', ['-k', device], '');
  if ('error' in end) return { ran: false, message: end.error };
  if (end.status !== 0) return { ran: false, message: messageOf(end) };
  return { ran: true, features: parseFeatures(end.stdout) };
}

/** Switches features in one process, by the names that `ethtool -K` takes. Gives what was said against it, or undefined. */
export async function setFeatures(device: string, values: ReadonlyMap<string, boolean>): Promise<string | undefined> {
  const words = [...values].flatMap(([name, isOn]) => [name, isOn ? 'on' : 'off']);
  const end = await runProgram('ethtool', ['-K', device, ...words], '');
  if ('error' in end) return end.error;
  return end.status === 0 ? undefined : messageOf(end);
}

/**
 * What `ethtool -k` writes, in all its versions (JSON came late): a title that ends in a colon, and then a line for each
 * feature, those that belong to another one behind a tab:
 *
 *     tx-checksumming: on
 *     <tab>tx-checksum-ipv4: off [fixed]
 *     loopback: off [requested on]
 */
export function parseFeatures(text: string): Map<string, Feature> {
  const features = new Map<string, Feature>();
  for (const line of text.split('\n')) {
    const [, name, value, remark] = /^\t?(\S+): (on|off)(?: \[(.*)\])?$/.exec(line) ?? [];
    if (name !== undefined) features.set(name, { isOn: value === 'on', isFixed: remark === 'fixed' });
  }
  return features;
}

/** The device went away since it was looked for. */
export function saysGone(message: string): boolean {
  return /No such device|no device matches/i.test(message);
}

const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/ENOENT/, 'install the package ethtool, or set routing.portOffload to false'],
  [
    /Operation not permitted|EPERM|EACCES/,
    'run as root, or with the capability CAP_NET_ADMIN, or set routing.portOffload to false',
  ],
];

/**
 * What a person can do about what ethtool(8) says; undefined where nothing is wrong but that a driver has not all that
 * others have.
 */
export function adviceOnEthtool(message: string): string | undefined {
  return ADVICE.find(([pattern]) => pattern.test(message))?.[1];
}
