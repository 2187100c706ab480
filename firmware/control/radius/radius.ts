/**
 * RADIUS as the settings have it: the servers that say who a user is, those that are told of calls, and who may end and
 * change calls. Must not know what a request says, nor what is done to a call.
 */
import type { RadiusSettings, Settings } from '../../settings.js';
import type { RandomBytes } from '../../wire/bytes.js';
import type { Authenticator } from '../answers.js';
import type { Log } from '../call-log.js';
import type { OperatingProblem } from '../view.js';
import { RadiusAuthentication } from './authentication.js';
import { radiusClientConfig } from './client-config.js';
import {
  DynamicAuthorization,
  type DynamicAuthorizationDependencies,
  type DynamicAuthorizationView,
} from './dynamic-authorization.js';
import { type RadiusServerView, RadiusTransport } from './transport.js';

export interface RadiusDependencies extends Pick<DynamicAuthorizationDependencies, 'calls' | 'disconnect' | 'change'> {
  /** Monotonic. */
  now_ms(): number;
  unixTime_ms(): number;
  random: RandomBytes;
  log: Log;
}

/** radius.timeout_s at most. */
const LONGEST_REQUEST_MS = 120_000;

export class Radius {
  readonly #dependencies: RadiusDependencies;
  readonly #dynamicAuthorization: DynamicAuthorization;
  #settings: Settings;
  /** What the way to the authentication servers was made of. */
  #madeOf = '';
  #authentication: { transport: RadiusTransport; authenticator: Authenticator } | undefined;
  #accounting: RadiusTransport | undefined;
  /** Former ways to the authentication servers, with requests under way. */
  readonly #retired = new Map<RadiusTransport, NodeJS.Timeout>();

  constructor(dependencies: RadiusDependencies, settings: Settings) {
    this.#dependencies = dependencies;
    this.#settings = settings;
    this.#dynamicAuthorization = new DynamicAuthorization(dependencies);
  }

  /** Goes by these settings from now on. What is under way with former servers is waited for. */
  configure(settings: Settings): void {
    this.#settings = settings;
    this.#dynamicAuthorization.configure(settings);
    const { accounting: _accounting, dynamicAuthorization: _dynamic, ...authentication } = settings.radius;
    const madeOf = JSON.stringify(authentication);
    if (madeOf === this.#madeOf) return;
    this.#madeOf = madeOf;
    this.#retire(this.#authentication?.transport);
    this.#authentication = this.#authenticationBy(settings.radius);
  }

  /** Who is asked about users; undefined: nobody, the box knows its own. */
  get authenticator(): Authenticator | undefined {
    return this.#authentication?.authenticator;
  }

  /** The way to the accounting servers, of which there is at least one; whoever had the former one closes it. */
  connectAccounting(settings: RadiusSettings): RadiusTransport {
    const config = radiusClientConfig(settings, 'accounting');
    if (config === undefined) throw new Error('accounting without a server');
    this.#accounting = new RadiusTransport(config, this.#dependencies);
    return this.#accounting;
  }

  servers(): RadiusServerView[] {
    const accounting = this.#settings.radius.accounting.length > 0 ? (this.#accounting?.servers() ?? []) : [];
    return [...(this.#authentication?.transport.servers() ?? []), ...accounting];
  }

  /** Datagrams that came to the requests' ports from none of the servers. */
  get strangers(): number {
    return (this.#authentication?.transport.strangers ?? 0) + (this.#accounting?.strangers ?? 0);
  }

  dynamicAuthorization(): DynamicAuthorizationView | undefined {
    return this.#dynamicAuthorization.view();
  }

  /** What does not work although the settings ask for it. */
  problems(): OperatingProblem[] {
    const { problem } = this.#dynamicAuthorization;
    if (problem === undefined) return this.deadServers();
    return [...this.deadServers(), { what: problem, advice: 'choose another radius.dynamicAuthorization.port' }];
  }

  /** Those of the problems that are servers which do not answer. */
  deadServers(): OperatingProblem[] {
    return this.servers()
      .filter(({ state }) => state === 'dead')
      .map(deadServer);
  }

  close(): void {
    this.#dynamicAuthorization.close();
    this.#authentication?.transport.close();
    this.#authentication = undefined;
    for (const transport of this.#retired.keys()) this.#close(transport);
  }

  #authenticationBy(
    settings: RadiusSettings,
  ): { transport: RadiusTransport; authenticator: Authenticator } | undefined {
    const config = radiusClientConfig(settings, 'authentication');
    if (config === undefined) return undefined;
    const { now_ms, log } = this.#dependencies;
    const transport = new RadiusTransport(config, this.#dependencies);
    const authenticator = new RadiusAuthentication({ transport, settings: () => this.#settings, now_ms, log });
    return { transport, authenticator };
  }

  /** Closed when the last request that it may have is given up. */
  #retire(transport: RadiusTransport | undefined): void {
    if (transport === undefined) return;
    const timer = setTimeout(() => this.#close(transport), LONGEST_REQUEST_MS);
    this.#retired.set(transport, timer);
  }

  #close(transport: RadiusTransport): void {
    clearTimeout(this.#retired.get(transport));
    this.#retired.delete(transport);
    transport.close();
  }
}

function deadServer({ service, address, port, since, drops }: RadiusServerView): OperatingProblem {
  const dropped = Object.entries(drops).flatMap(([reason, count]) => (count > 0 ? [`${count} ${reason}`] : []));
  const isHeard = dropped.length > 0 ? `, and what it sent was not taken: ${dropped.join(', ')}` : '';
  const what = `RADIUS server ${address} port ${port} for ${service} does not answer since ${since}${isHeard}`;
  return { what, advice: 'see that it runs, knows this box as its client, and has the same secret' };
}
