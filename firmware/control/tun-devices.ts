/**
 * Which TUN devices the packet path shall have: one for all sessions of the LNS, one for each LAC-client profile.
 * Must not configure them: addresses and routes are the network plan's.
 */

import type { DataPlaneCommand } from '../dataplane/interface.js';
import type { Settings } from '../settings.js';
import { LNS_TUN } from './appliance-config.js';
import type { OperatingProblem } from './view.js';

export interface TunDevice {
  tun: number;
  /** undefined: the LNS's. */
  profile: string | undefined;
  name: string;
  mtu_bytes: number;
  /** Counts how often a device of this index was made, so that a new one gets its addresses again. */
  generation: number;
  /** False until the packet path has made it. */
  isOpen: boolean;
  /** Why it could not be made. */
  failure: OperatingProblem | undefined;
}

export class TunDevices {
  readonly #push: (command: DataPlaneCommand) => void;
  readonly #indexes = new Map<string, number>();
  readonly #devices = new Map<number, TunDevice>();
  #generation = 0;

  constructor(push: (command: DataPlaneCommand) => void) {
    this.#push = push;
  }

  /** The index of a profile's TUN: the same for the life of the process. */
  indexOf(profile: string): number {
    let index = this.#indexes.get(profile);
    if (index === undefined) {
      index = LNS_TUN + 1 + this.#indexes.size;
      this.#indexes.set(profile, index);
    }
    return index;
  }

  isLnsOpen(): boolean {
    return this.#devices.get(LNS_TUN)?.isOpen ?? false;
  }

  devices(): Iterable<TunDevice> {
    return this.#devices.values();
  }

  /** Asks for the devices that `settings` want and that are not there, under the right name and size. */
  open(settings: Settings): void {
    for (const wanted of this.#wanted(settings)) {
      const device = this.#devices.get(wanted.tun);
      if (device !== undefined && isAsWanted(device, wanted)) continue;
      if (device !== undefined && mayBeThere(device)) this.#push({ type: 'close-tun', tun: wanted.tun });
      this.#generation += 1;
      this.#devices.set(wanted.tun, { ...wanted, generation: this.#generation, isOpen: false, failure: undefined });
      const { tun, name, mtu_bytes } = wanted;
      this.#push({ type: 'open-tun', kind: 'tun', tun, name, mtu_bytes });
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

  #wanted(settings: Settings): Pick<TunDevice, 'tun' | 'profile' | 'name' | 'mtu_bytes'>[] {
    const lns = settings.lns.enabled
      ? [{ tun: LNS_TUN, profile: undefined, name: settings.lns.tunInterface, mtu_bytes: settings.ppp.mru_bytes }]
      : [];
    const profiles = settings.lacClients
      .filter(({ enabled }) => enabled)
      .map(({ name, tunInterface, mru_bytes }) => ({
        tun: this.indexOf(name),
        profile: name,
        name: tunInterface,
        mtu_bytes: mru_bytes,
      }));
    return [...lns, ...profiles];
  }
}

/** Open, or asked for and not answered yet. */
function mayBeThere({ isOpen, failure }: TunDevice): boolean {
  return isOpen || failure === undefined;
}

function isAsWanted(device: TunDevice, wanted: Pick<TunDevice, 'name' | 'mtu_bytes'>): boolean {
  return device.failure === undefined && device.name === wanted.name && device.mtu_bytes === wanted.mtu_bytes;
}
