/**
 * Keeps the API reached from where the settings say, while addresses come and go: on loopback, and on the interfaces of
 * the LAN, by those and by name. Must not set an address.
 */
import { networkInterfaces } from 'node:os';
import type { OperatingProblem } from '../control/view.js';
import { lanInterfaces } from '../settings.js';
import type { Store } from '../store/store.js';
import { type Interfaces, LanAddresses, lanNetworks } from './lan-addresses.js';
import type { Listeners } from './listeners.js';
import { LocalName } from './local-name.js';
import type { WebCertificate } from './web-certificate.js';

/** DHCP gives an address when it does: so often the kernel is asked what there is. */
const LOOK_INTERVAL_MS = 2_000;

export interface ReachDependencies {
  store: Store;
  listeners: Listeners;
  certificate: WebCertificate;
  /** The LAN of a box whose settings name no interface. */
  givenLan: readonly string[];
  readInterfaces?: () => Interfaces;
}

export class Reach {
  readonly #dependencies: ReachDependencies;
  readonly #readInterfaces: () => Interfaces;
  readonly #lan = new LanAddresses();
  readonly #name = new LocalName();
  #addresses: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(dependencies: ReachDependencies) {
    this.#dependencies = dependencies;
    this.#readInterfaces = dependencies.readInterfaces ?? networkInterfaces;
  }

  /** Why the box is not found by its name. */
  get problems(): OperatingProblem[] {
    return this.#name.problems;
  }

  /** Of the LAN, as they were last. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** Serves the settings of now, from now on wherever addresses move. Makes a certificate if there is none. */
  async start(): Promise<void> {
    const { certificate } = this.#dependencies;
    await this.follow();
    if (certificate.info === undefined) {
      await certificate.renew(this.#addresses, 'the box, at its first start');
      await this.follow();
    }
    this.#timer = setInterval(() => void this.follow(), LOOK_INTERVAL_MS).unref();
  }

  /** Serves what the settings say now. Gives what could not be served. */
  async follow(): Promise<OperatingProblem[]> {
    this.#last = this.#last.then(() => this.#serve());
    await this.#last;
    return [...this.#dependencies.listeners.problems, ...this.problems];
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#last;
    await this.#name.stop();
  }

  async #serve(): Promise<void> {
    const { store, listeners, certificate, givenLan } = this.#dependencies;
    const { api, interfaces, system } = store.documents.settings();
    const [lan, present] = [lanInterfaces(interfaces, givenLan), this.#readInterfaces()];
    this.#addresses = this.#lan.of(lan, present);
    this.#name.follow(system.hostName, lanNetworks(lan, present));
    listeners.names = certificate.names();
    await listeners.useTcpPort(api.tcpPort);
    await listeners.useLan({ addresses: this.#addresses, httpsPort: api.httpsPort, httpPort: api.httpPort });
  }
}
