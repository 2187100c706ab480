/**
 * Switches on, at the box's Ethernet ports, that received packets of one flow pass the kernel in one piece (GRO), UDP's
 * too where they are forwarded, and switches off again what it switched on. What a driver does not have is left alone.
 * Must not decide whether that is wanted, and must not touch an interface that is no port.
 *
 * Fulfils `PortOffload` of control/ports.ts.
 */
import { interfacesPresent } from './ethernet-interfaces.js';
import { adviceOnEthtool, type Feature, readFeatures, saysGone, setFeatures } from './ethtool-program.js';
import { adviceOn, type Link, readLinks } from './ip-program.js';

interface PortState {
  name: string;
  gro: boolean | null;
  udpGroForwarding: boolean | null;
}

interface Problem {
  what: string;
  advice: string;
}

interface Port extends PortState {
  /** What was switched on here, by its name for `ethtool -K`. */
  readonly switchedOn: Set<string>;
  /** What is wanted has been tried: what somebody changes later is theirs. */
  isDone: boolean;
}

/** GRO is of use to TCP; the kernel forwards UDP in one piece only where the second is on too. */
const GRO = { shown: 'generic-receive-offload', name: 'gro' } as const;
const UDP_GRO_FORWARDING = { shown: 'rx-udp-gro-forwarding', name: 'rx-udp-gro-forwarding' } as const;
const WANTED = [GRO, UDP_GRO_FORWARDING];

/** Of virtual interfaces these alone bring packets from outside: the other end of a cable, a port of a switch chip. */
const VIRTUAL_PORTS = new Set(['veth', 'dsa']);

export class PortOffload {
  /** By the kernel's number for the interface. */
  readonly #ports = new Map<number, Port>();
  #present = '';
  #run: Promise<unknown> = Promise.resolve();

  /** Whether interfaces have come, gone or been made anew since `apply` last looked. */
  haveChanged(): boolean {
    return interfacesPresent() !== this.#present;
  }

  /**
   * Makes it hold on all ports that are there, or takes it back from all. A port on which it was made to hold is not
   * touched again before it is taken back. Gives what a person must do something about; that is tried again by the next
   * call.
   */
  apply(isWanted: boolean): Promise<Problem[]> {
    this.#present = interfacesPresent();
    const run = this.#run.then(() => this.#reach(isWanted));
    this.#run = run;
    return run;
  }

  /** The ports that were there at the last look, by their names. */
  ports(): PortState[] {
    const states = Array.from(this.#ports.values(), ({ name, gro, udpGroForwarding }) => ({
      ...{ name, gro, udpGroForwarding },
    }));
    return states.sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  async #reach(isWanted: boolean): Promise<Problem[]> {
    const result = await readLinks();
    if (!result.ran) return [{ what: `ip link show: ${result.message}`, advice: adviceOn(result.message) }];
    this.#meet(result.links.filter(isPort));
    for (const port of this.#ports.values()) {
      const refusal = await settle(port, isWanted);
      const advice = refusal === undefined ? undefined : adviceOnEthtool(refusal);
      if (advice === undefined) continue;
      // The next port would say the same. With nothing to set, there is nothing to do about it either.
      if (!isWanted && port.switchedOn.size === 0) return [];
      return [{ what: `the offloads of Ethernet ports are not switched: ${refusal}`, advice }];
    }
    return [];
  }

  #meet(links: readonly Link[]): void {
    const present = new Set(links.map(({ index }) => index));
    for (const index of this.#ports.keys()) if (!present.has(index)) this.#ports.delete(index);
    for (const { index, name } of links) {
      const port = this.#ports.get(index);
      if (port !== undefined) port.name = name;
      else {
        const unknown = { gro: null, udpGroForwarding: null };
        this.#ports.set(index, { name, ...unknown, switchedOn: new Set(), isDone: false });
      }
    }
  }
}

function isPort({ isEthernet, kind }: Link): boolean {
  return isEthernet && (kind === '' || VIRTUAL_PORTS.has(kind));
}

/** Gives what ethtool(8) said against it. */
async function settle(port: Port, isWanted: boolean): Promise<string | undefined> {
  const result = await readFeatures(port.name);
  if (!result.ran) return saysGone(result.message) ? undefined : result.message;
  show(port, result.features);
  const changes = isWanted ? missing(port, result.features) : toTakeBack(port, result.features);
  let refusal: string | undefined;
  if (changes.size > 0) {
    refusal = await setFeatures(port.name, changes);
    if (refusal !== undefined && adviceOnEthtool(refusal) !== undefined) return refusal;
    const after = await readFeatures(port.name);
    if (!after.ran) return saysGone(after.message) ? undefined : after.message;
    show(port, after.features);
    for (const { shown, name } of WANTED) {
      if (isWanted && changes.has(name) && after.features.get(shown)?.isOn) port.switchedOn.add(name);
    }
  }
  if (!isWanted) port.switchedOn.clear();
  port.isDone = isWanted;
  return refusal;
}

function show(port: Port, features: ReadonlyMap<string, Feature>): void {
  port.gro = features.get(GRO.shown)?.isOn ?? null;
  port.udpGroForwarding = features.get(UDP_GRO_FORWARDING.shown)?.isOn ?? null;
}

function missing({ isDone }: Port, features: ReadonlyMap<string, Feature>): Map<string, boolean> {
  const changes = new Map<string, boolean>();
  for (const { shown, name } of isDone ? [] : WANTED) {
    const feature = features.get(shown);
    if (feature !== undefined && !feature.isFixed && !feature.isOn) changes.set(name, true);
  }
  return changes;
}

function toTakeBack({ switchedOn }: Port, features: ReadonlyMap<string, Feature>): Map<string, boolean> {
  const stillOn = WANTED.filter(({ shown, name }) => switchedOn.has(name) && features.get(shown)?.isOn);
  return new Map(stillOn.map(({ name }) => [name, false]));
}
