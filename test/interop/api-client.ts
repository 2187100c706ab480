/**
 * A client of the appliance's API over its Unix socket: requests with JSON, and the trace as it is streamed.
 * Knows paths and shapes, and takes the shapes' types from the firmware.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type {
  CallStepRecord,
  PseudowireView,
  SessionView,
  StatusView,
  TunnelView,
} from '../../firmware/control/view.js';
import type { Pool, Settings, User } from '../../firmware/settings.js';

export interface ApiResponse {
  status: number;
  body: unknown;
}

type Changes<T> = T extends readonly (infer Item)[]
  ? readonly Changes<Item>[]
  : T extends object
    ? { [Name in keyof T]?: Changes<T[Name]> }
    : T | null;
/** A part of the settings document: objects are merged, lists and values replace what was there, null clears a secret. */
export type SettingsChanges = Changes<Settings>;

const REQUEST_TIMEOUT_MS = 20_000;
/** Where nothing else is asked for. */
const SESSIONS_PER_PAGE = 1_000;

export class ApiClient {
  readonly socketPath: string;

  constructor(socketPath: string) {
    this.socketPath = socketPath;
  }

  async request(method: string, path: string, body?: unknown): Promise<ApiResponse> {
    const response = await this.#open(method, path, body);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const isJson = response.headers['content-type']?.includes('json') === true;
    return { status: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : text };
  }

  /** A file, whose answer must be one of success. */
  async file(path: string): Promise<Buffer> {
    const response = await this.#open('GET', path);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    if (response.statusCode !== 200) throw new Error(`GET ${path}: ${response.statusCode} ${Buffer.concat(chunks)}`);
    return Buffer.concat(chunks);
  }

  /** A request whose answer must be one of success; its body. */
  async demand<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.request(method, path, body);
    if (response.status >= 300) {
      throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(response.body)}`);
    }
    return response.body as T;
  }

  async isHealthy(): Promise<boolean> {
    try {
      return (await this.request('GET', '/api/v1/health')).status === 200;
    } catch {
      return false;
    }
  }

  settings(): Promise<Settings> {
    return this.demand('GET', '/api/v1/settings');
  }

  /** Reads the settings, changes them, and puts the whole document back. */
  async configure(changes: SettingsChanges): Promise<void> {
    await this.demand('PUT', '/api/v1/settings', merge(await this.settings(), changes));
  }

  async putUser(name: string, user: Partial<Omit<User, 'name'>>): Promise<void> {
    await this.demand('PUT', `/api/v1/users/${encodeURIComponent(name)}`, user);
  }

  async putPool(name: string, pool: Partial<Omit<Pool, 'name'>>): Promise<void> {
    await this.demand('PUT', `/api/v1/pools/${encodeURIComponent(name)}`, pool);
  }

  /** How many addresses of a pool are leased, as the database has it. */
  async leasedCount(pool = 'default'): Promise<number> {
    return (await this.demand<{ leased: number }>('GET', `/api/v1/pools/${encodeURIComponent(pool)}`)).leased;
  }

  /** All of them, page by page. */
  async sessions(): Promise<SessionView[]> {
    const all: SessionView[] = [];
    for (;;) {
      const page = await this.demand<SessionView[]>('GET', `/api/v1/sessions?after=${all.at(-1)?.callId ?? 0}`);
      all.push(...page);
      if (page.length < SESSIONS_PER_PAGE) return all;
    }
  }

  pseudowires(): Promise<PseudowireView[]> {
    return this.demand('GET', '/api/v1/pseudowires');
  }

  tunnels(): Promise<TunnelView[]> {
    return this.demand('GET', '/api/v1/tunnels');
  }

  status(): Promise<StatusView> {
    return this.demand('GET', '/api/v1/status');
  }

  async disconnectSession(sessionId: number): Promise<void> {
    await this.demand('DELETE', `/api/v1/sessions/${sessionId}`);
  }

  /** The last records of the trace, oldest first. */
  trace(limit = 1000): Promise<CallStepRecord[]> {
    return this.demand('GET', `/api/v1/trace?limit=${limit}`);
  }

  /** Gives each record of the trace from now on to the listener, until the function that it answers is called. */
  async followTrace(listener: (record: CallStepRecord) => void): Promise<() => void> {
    const response = await this.#open('GET', '/api/v1/trace/stream');
    if (response.statusCode !== 200) throw new Error(`trace: ${response.statusCode}`);
    const lines = createInterface({ input: response });
    // A box that dies ends its trace: whoever follows it sees that from the box itself. The reader passes on the error.
    for (const source of [response, lines]) source.on('error', () => undefined);
    lines.on('line', (line) => {
      if (line.startsWith('data:')) listener(JSON.parse(line.slice('data:'.length)) as CallStepRecord);
    });
    return () => void response.destroy();
  }

  #open(method: string, path: string, body?: unknown): Promise<IncomingMessage> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const headers = text === undefined ? {} : { 'content-type': 'application/json' };
      const request = httpRequest({ socketPath: this.socketPath, method, path, headers, agent: false }, (response) => {
        request.setTimeout(0);
        resolve(response);
      });
      request.setTimeout(REQUEST_TIMEOUT_MS, () => request.destroy(new Error(`${method} ${path}: no answer`)));
      request.once('error', reject);
      request.end(text);
    });
  }
}

function merge(document: unknown, changes: unknown): unknown {
  if (!isObject(document) || !isObject(changes)) return changes;
  const merged = { ...document };
  for (const [name, change] of Object.entries(changes)) merged[name] = merge(document[name], change);
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
