/**
 * Which devices the packet path shall have: one TUN for all sessions of the LNS, one for each LAC-client profile, a TAP
 * for each pseudowire. Must not configure them: addresses, routes and bridges are the network plan's.
 */

import type { DataPlaneCommand } from '../dataplane/interface.js';
import type { RoleName } from '../roles/role.js';
import type { Settings } from '../settings.js';
import type { OperatingProblem } from './view.js';

/** The TUN that all sessions of the LNS share; those of profiles follow. */
export const LNS_TUN = 0;

export interface TunDevice {
  tun: number;
  kind: 'tun' | 'tap';
  role: RoleName;
  /** Of the LAC client or the pseudowire; '' for the LNS. */
  profile: string;
  name: string;
  mtu_bytes: number;
  /** Counts how often a device of this index was made, so that a new one gets its addresses again. */
  generation: number;
  /** False until the packet path has made it. */
  isOpen: boolean;
  /** Why it could not be made. */
  failure: OperatingProblem | undefined;
}

export type ProfiledRole = 'lac-client' | 'pseudowire';

/** What settings ask of a device. */
type WantedDevice = Pick<TunDevice, 'tun' | 'kind' | 'role' | 'profile' | 'name' | 'mtu_bytes'>;

export class TunDevices {
  readonly #push: (command: DataPlaneCommand) => void;
  readonly #indexes = new Map<string, number>();
  readonly #devices = new Map<number, TunDevice>();
  #generation = 0;

  constructor(push: (command: DataPlaneCommand) => void) {
    this.#push = push;
  }

  /** The index of a profile's or pseudowire's device: the same for the life of the process. */
  indexOf(role: ProfiledRole, profile: string): number {
    const key = `${role} ${profile}`;
    let index = this.#indexes.get(key);
    if (index === undefined) {
      index = LNS_TUN + 1 + this.#indexes.size;
      this.#indexes.set(key, index);
    }
    return index;
  }

  isLnsOpen(): boolean {
    return this.#devices.get(LNS_TUN)?.isOpen ?? false;
  }

  /** Every index that a profile or pseudowire has, and whether its device is there. */
  *states(): Iterable<readonly [tun: number, isOpen: boolean]> {
    for (const tun of this.#indexes.values()) yield [tun, this.#devices.get(tun)?.isOpen ?? false];
  }

  devices(): Iterable<TunDevice> {
    return this.#devices.values();
  }

  /** Asks for the devices that `settings` want and that are not there, under the right name and size. */
  open(settings: Settings): void {
    const wantedDevices = this.#wanted(settings);
    this.#freeNames(wantedDevices);
    for (const wanted of wantedDevices) {
      if (this.#devices.has(wanted.tun)) continue;
      this.#generation += 1;
      this.#devices.set(wanted.tun, { ...wanted, generation: this.#generation, isOpen: false, failure: undefined });
      const { tun, kind, name, mtu_bytes } = wanted;
      this.#push({ type: 'open-tun', kind, tun, name, mtu_bytes });
    }
  }

  /** A name may go from one to another: whoever had it gives it up before it is asked for. */
  #freeNames(wantedDevices: readonly WantedDevice[]): void {
    const byIndex = new Map(wantedDevices.map((wanted) => [wanted.tun, wanted]));
    const names = new Set(wantedDevices.map(({ name }) => name));
    for (const [tun, device] of this.#devices) {
      const wanted = byIndex.get(tun);
      if (wanted === undefined ? !names.has(device.name) : isAsWanted(device, wanted)) continue;
      this.#devices.delete(tun);
      if (mayBeThere(device)) this.#push({ type: 'close-tun', tun });
    }
  }

  /** Gives up the devices that `settings` do not want any more. */
  close(settings: Settings): void {
    const wanted = new Set(this.#wanted(settings).map(({ tun }) => tun));
    for (const tun of [...this.#devices.keys()]) {
      if (wanted.has(tun)) continue;
      const device = this.#devices.get(tun);
      this.#devices.delete(tun);
      if (device !== undefined && mayBeThere(device)) this.#push({ type: 'close-tun', tun });
    }
  }

  /** A device that is wanted under another name by now is still to come. */
  opened(tun: number, name: string): void {
    const device = this.#devices.get(tun);
    if (device?.name !== name) return;
    device.isOpen = true;
    device.failure = undefined;
  }

  failed(tun: number, failure: OperatingProblem): void {
    const device = this.#devices.get(tun);
    if (device === undefined) return;
    device.isOpen = false;
    device.failure = failure;
  }

  /** What could not be made; tried again with the next settings. */
  problems(): OperatingProblem[] {
    return Array.from(this.#devices.values(), ({ failure }) => failure).filter((failure) => failure !== undefined);
  }

  #wanted(settings: Settings): WantedDevice[] {
    const { lns, lac, ppp, lacClients, pseudowires } = settings;
    const wanted: WantedDevice[] = [];
    if (lns.enabled || lac.enabled) {
      const { tunInterface: name } = lns;
      wanted.push({ tun: LNS_TUN, kind: 'tun', role: 'lns', profile: '', name, mtu_bytes: ppp.mru_bytes });
    }
    for (const { name: profile, enabled, tunInterface: name, mru_bytes: mtu_bytes } of lacClients) {
      const tun = this.indexOf('lac-client', profile);
      if (enabled) wanted.push({ tun, kind: 'tun', role: 'lac-client', profile, name, mtu_bytes });
    }
    for (const { name: profile, enabled, tapInterface: name, mtu_bytes } of pseudowires) {
      const tun = this.indexOf('pseudowire', profile);
      if (enabled) wanted.push({ tun, kind: 'tap', role: 'pseudowire', profile, name, mtu_bytes });
    }
    return wanted;
  }
}

/** Open, or asked for and not answered yet. */
function mayBeThere({ isOpen, failure }: TunDevice): boolean {
  return isOpen || failure === undefined;
}

function isAsWanted(device: TunDevice, wanted: WantedDevice): boolean {
  return device.failure === undefined && device.name === wanted.name && device.mtu_bytes === wanted.mtu_bytes;
}
