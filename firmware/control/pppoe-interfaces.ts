/**
 * The Ethernet interfaces that PPPoE is answered on: which of the settings' are there, under which index and address, and
 * whether the packet path has its socket on them. An interface may come, go, and come back as another one. Must not
 * configure an interface.
 */
import type { DataPlaneCommand } from '../dataplane/interface.js';
import type { PppoeInterface } from '../protocol/pppoe/events.js';
import type { LacSettings } from '../settings.js';
import type { OperatingProblem } from './view.js';

/** As the kernel has it. */
export interface EthernetInterface {
  name: string;
  index: number;
  mac: string;
  mtu_bytes: number;
  isUp: boolean;
}

interface Port extends PppoeInterface {
  readonly name: string;
  readonly vlans: LacSettings['interfaces'][number]['vlans'];
  isOpen: boolean;
  /** Why there is no socket. */
  failure: OperatingProblem | undefined;
}

export class PppoeInterfaces {
  readonly #push: (command: DataPlaneCommand) => void;
  readonly #read: () => readonly EthernetInterface[];
  /** By the interface's name. */
  #ports = new Map<string, Port>();
  #problems: OperatingProblem[] = [];
  /** Not served any more, by their index, and not closed yet. */
  readonly #retired = new Set<number>();

  constructor(push: (command: DataPlaneCommand) => void, read: () => readonly EthernetInterface[]) {
    this.#push = push;
    this.#read = read;
  }

  /** Looks at what is there; true when what PPPoE is answered on has changed: `closeRetired` follows. */
  refresh(lac: LacSettings): boolean {
    const wanted = lac.enabled ? lac.interfaces : [];
    const present = wanted.length > 0 ? new Map(this.#read().map((one) => [one.name, one])) : new Map();
    this.#problems = [];
    const ports = new Map<string, Port>();
    let hasOtherMtu = false;
    for (const { name, vlans, mtu_bytes } of wanted) {
      const found: EthernetInterface | undefined = present.get(name);
      if (found === undefined) {
        this.#complain(
          `PPPoE: there is no Ethernet interface ${name}`,
          'plug it in, or name another in lac.interfaces',
        );
        continue;
      }
      if (!found.isUp) this.#complain(`PPPoE: interface ${name} is down`, `bring it up: ip link set ${name} up`);
      const wantedMtu_bytes = mtu_bytes ?? found.mtu_bytes;
      const port = this.#port({ name, vlans, index: found.index, mac: found.mac, mtu_bytes: wantedMtu_bytes });
      hasOtherMtu ||= port.mtu_bytes !== wantedMtu_bytes;
      port.mtu_bytes = wantedMtu_bytes;
      ports.set(name, port);
    }
    const hasChanged = this.#takeOver(ports) || hasOtherMtu;
    this.#ports = ports;
    return hasChanged;
  }

  /** Closes the sockets of interfaces that are not served any more: their last PADTs have been handed on by now. */
  closeRetired(): void {
    for (const interfaceIndex of this.#retired) this.#push({ type: 'close-packet-socket', interfaceIndex });
    this.#retired.clear();
  }

  opened(interfaceIndex: number): void {
    const port = this.#byIndex(interfaceIndex);
    if (port === undefined) return;
    port.isOpen = true;
    port.failure = undefined;
  }

  /** The socket could not be had, or is lost: tried again when the interface has changed, or with the next settings. */
  failed(interfaceIndex: number, failure: OperatingProblem): void {
    const port = this.#byIndex(interfaceIndex);
    if (port === undefined) return;
    port.isOpen = false;
    port.failure = failure;
  }

  /** Forgets failures, so that the next look tries again. */
  retry(): void {
    for (const [name, { failure }] of this.#ports) if (failure !== undefined) this.#ports.delete(name);
  }

  /** Those that PPPoE is answered on. */
  open(): Port[] {
    return [...this.#ports.values()].filter(({ isOpen }) => isOpen);
  }

  problems(): OperatingProblem[] {
    const failures = Array.from(this.#ports.values(), ({ failure }) => failure);
    return [...this.#problems, ...failures.filter((failure) => failure !== undefined)];
  }

  #complain(what: string, advice: string): void {
    this.#problems.push({ what, advice });
  }

  /** What is there already stays, unless it is another interface by now. Its MTU matters to sessions to come alone. */
  #port(wanted: Omit<Port, 'isOpen' | 'failure'>): Port {
    const known = this.#ports.get(wanted.name);
    if (known?.index !== wanted.index || known.mac !== wanted.mac || known.vlans !== wanted.vlans) {
      return { ...wanted, isOpen: false, failure: undefined };
    }
    return known;
  }

  #takeOver(ports: ReadonlyMap<string, Port>): boolean {
    let hasChanged = false;
    for (const [name, port] of this.#ports) {
      if (ports.get(name) === port) continue;
      hasChanged = true;
      if (port.failure === undefined) this.#retired.add(port.index);
    }
    for (const [name, port] of ports) {
      if (this.#ports.get(name) === port) continue;
      hasChanged = true;
      const { index: interfaceIndex, vlans } = port;
      // One socket at a time.
      if (this.#retired.delete(interfaceIndex)) this.#push({ type: 'close-packet-socket', interfaceIndex });
      this.#push({ type: 'open-packet-socket', interfaceIndex, vlans });
    }
    return hasChanged;
  }

  #byIndex(interfaceIndex: number): Port | undefined {
    for (const port of this.#ports.values()) if (port.index === interfaceIndex) return port;
    return undefined;
  }
}
