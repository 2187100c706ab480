/** The box's RADIUS in a namespace of the lab: started, asked about users, listened to. Knows no RADIUS server. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DynamicAuthorizationView } from '../../firmware/control/radius/dynamic-authorization.js';
import type { RadiusServerView } from '../../firmware/control/radius/transport.js';
import type { AuthenticationAnswer, AuthenticationProtocol } from '../../firmware/protocol/ppp/link.js';
import type { Authorization, AuthorizationChange, CallInfo, CallRole } from '../../firmware/roles/role.js';
import type { FilterSettings, LacSettings, RadiusSettings } from '../../firmware/settings.js';
import type { Namespace } from '../lab/namespaces.js';
import type { Daemon } from '../lab/process.js';

const PROGRAM = resolve(fileURLToPath(import.meta.url), '../radius-box-process.js');
const PATIENCE_MS = 30_000;

export interface RadiusBoxArgument {
  radius: Partial<RadiusSettings>;
  tunnelGroups: LacSettings['tunnelGroups'];
  filters: readonly FilterSettings[];
  calls: readonly Partial<CallInfo>[];
}

export interface UserOrder {
  id: number;
  role: CallRole;
  protocol: AuthenticationProtocol;
  name: string;
  password: string;
}

export type RadiusBoxOrder = UserOrder | { servers: true };

export interface UserAnswer {
  took_ms: number;
  answer: AuthenticationAnswer;
  authorization: Authorization | undefined;
}

export class RadiusBox {
  readonly #daemon: Daemon;
  #lastId = 0;

  private constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  static async start(namespace: Namespace, argument: Partial<RadiusBoxArgument>): Promise<RadiusBox> {
    const all = { radius: {}, tunnelGroups: [], filters: [], calls: [], ...argument };
    const daemon = namespace.start('RADIUS of the box', [process.execPath, PROGRAM, JSON.stringify(all)]);
    await daemon.waitForLine(/"ready"/, { timeout_ms: PATIENCE_MS });
    return new RadiusBox(daemon);
  }

  mark(): number {
    return this.#daemon.lineCount;
  }

  async authenticate(user: Omit<UserOrder, 'id' | 'role'> & { role?: CallRole }): Promise<UserAnswer> {
    this.#lastId += 1;
    const order: UserOrder = { role: 'lns', ...user, id: this.#lastId };
    return this.#asked(order, new RegExp(`^\\{"id":${order.id},`));
  }

  async views(): Promise<{ servers: RadiusServerView[]; dynamicAuthorization: DynamicAuthorizationView | undefined }> {
    return this.#asked({ servers: true }, /^\{"servers":/);
  }

  /** What has become of calls since the mark. */
  done(from: number): ({ ended: string; reason: string } | { changed: string; change: AuthorizationChange })[] {
    return this.#daemon
      .lines(from)
      .filter((line) => /^\{"(ended|changed)":/.test(line))
      .map((line) => JSON.parse(line));
  }

  /** The log's messages since the mark. */
  said(from = 0): string[] {
    return this.#daemon
      .lines(from)
      .filter((line) => line.startsWith('{"log":'))
      .map((line) => (JSON.parse(line) as { log: { message: string } }).log.message);
  }

  async #asked<T>(order: RadiusBoxOrder, answer: RegExp): Promise<T> {
    const from = this.mark();
    this.#daemon.write(`${JSON.stringify(order)}\n`);
    return JSON.parse(await this.#daemon.waitForLine(answer, { from, timeout_ms: PATIENCE_MS })) as T;
  }
}
