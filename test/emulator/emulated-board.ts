/**
 * The emulated ARM board of `make emulate` between an internet and a LAN of the lab, seen from outside alone: its serial
 * console, its page's API over TLS, and what passes its two ports.
 *
 *   internet ── bridge wan ── eth0 │ board │ eth1 ── bridge lan ── office
 *
 * Knows no test.
 */
import { constants, copyFileSync, truncateSync } from 'node:fs';
import { request } from 'node:https';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { UpdateStatus } from '../../firmware/api/update.js';
import type { Settings } from '../../firmware/settings.js';
import { forwardPort } from '../lab/forward.js';
import type { Lab, Namespace } from '../lab/namespaces.js';
import type { Daemon } from '../lab/process.js';
import { until } from '../lab/until.js';

const PROJECT = resolve(fileURLToPath(new URL('../../..', import.meta.url)));
/** As `make emulator` leaves it. */
export const EMULATOR = join(PROJECT, 'dist/emulator');
const EMULATE = join(PROJECT, 'image/emulator/emulate.sh');
/** What is written to the card is less than what the card holds. */
const CARD_BYTES = 1024 * 1024 * 1024;

/** From the factory on. */
export const LAN_ADDRESS = '192.168.115.1';
export const PASSWORD = 'correct horse battery';
export const BOOT_TIMEOUT_MS = 120_000;
const REQUEST_TIMEOUT_MS = 60_000;
const INSTALL_TIMEOUT_MS = 120_000;

export interface BoardAnswer {
  status: number;
  body: unknown;
}

export class EmulatedBoard {
  readonly #namespace: Namespace;
  readonly #image: string;
  readonly #port: number;
  #console: Daemon;
  #cookie = '';

  private constructor(namespace: Namespace, image: string, port: number) {
    this.#namespace = namespace;
    this.#image = image;
    this.#port = port;
    this.#console = this.#power();
  }

  /**
   * Puts a card with the image into a board whose ports are the devices `internet` and `office` of the namespace, and
   * switches it on. The LAN is reached from `office`.
   */
  static async start(lab: Lab, namespace: Namespace, office: Namespace): Promise<EmulatedBoard> {
    const image = join(lab.folder, 'board.img');
    copyFileSync(join(EMULATOR, 'disk.img'), image, constants.COPYFILE_FICLONE);
    truncateSync(image, CARD_BYTES);
    for (const [port, bridge, cable] of [
      ['wan', 'br-wan', 'internet'],
      ['lan', 'br-lan', 'office'],
    ] as const) {
      await namespace.run(['ip', 'tuntap', 'add', port, 'mode', 'tap']);
      await namespace.ip(`link set ${port} up`);
      await lab.bridge(namespace, bridge, [port, cable]);
    }
    const port = await forwardPort(lab, office, 443, LAN_ADDRESS);
    return new EmulatedBoard(namespace, image, port);
  }

  /** The lines of the serial console since the power was last switched on. */
  get console(): Daemon {
    return this.#console;
  }

  #power(): Daemon {
    return this.#namespace.start('board', ['sh', EMULATE, EMULATOR], {
      environment: { IMAGE: this.#image, WAN_TAP: 'wan', LAN_TAP: 'lan' },
    });
  }

  /** Asks for a reboot, and resolves when the firmware of before is gone. */
  async reboot(): Promise<void> {
    const from = this.#console.lineCount;
    await this.demand('POST', '/api/v1/system/reboot');
    await this.#console.waitForLine(/^U-Boot /, { from, timeout_ms: BOOT_TIMEOUT_MS });
  }

  /** Sends a bundle, and resolves when it has been installed or refused; with the reason in that case. */
  async update(bundle: Uint8Array): Promise<string> {
    const { status, body } = await this.request('PUT', '/api/v1/system/update?older=true', bundle);
    if (status >= 300) return (body as { detail: string }).detail;
    return until('the update has ended', INSTALL_TIMEOUT_MS, async () => {
      const { update } = await this.demand<UpdateStatus>('GET', '/api/v1/system/update');
      return update.state === 'installed' || update.state === 'failed'
        ? `${update.state} ${update.message}`
        : undefined;
    });
  }

  /** Slot and version that run, once they have proved themselves. */
  async proved(): Promise<string> {
    return until('the system has proved itself', BOOT_TIMEOUT_MS, async () => {
      const { booted, version, isProved } = await this.demand<UpdateStatus>('GET', '/api/v1/system/update');
      return isProved && `${booted} ${version}`;
    });
  }

  /** Pulls the plug, and puts it in again. */
  async powerCut(): Promise<void> {
    this.#console.signal('SIGKILL');
    await this.#console.exited;
    this.#console = this.#power();
  }

  /** Resolves when the page is served, with how long that took from now on. */
  async served(timeout_ms = BOOT_TIMEOUT_MS): Promise<number> {
    const began_ms = performance.now();
    await until('the page is served', timeout_ms, async () => {
      if (this.#console.hasExited) throw new Error(`the emulator has ended\n${this.#console.tail()}`);
      return this.request('GET', '/api/v1/health').then(
        ({ status }) => status === 200,
        () => false,
      );
    });
    return performance.now() - began_ms;
  }

  /** One request from the LAN, with the cookie of whoever has signed in last. Rejects when nobody answers. */
  request(method: string, path: string, body?: unknown): Promise<BoardAnswer> {
    const isOctets = body instanceof Uint8Array;
    const payload = body === undefined ? undefined : isOctets ? body : JSON.stringify(body);
    const type = isOctets ? 'application/octet-stream' : 'application/json';
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          ...{ host: '127.0.0.1', port: this.#port, method, path, agent: false, rejectUnauthorized: false },
          headers: {
            ...{ host: LAN_ADDRESS, cookie: this.#cookie },
            ...(payload !== undefined && { 'content-type': type, 'content-length': Buffer.byteLength(payload) }),
          },
          timeout: REQUEST_TIMEOUT_MS,
        },
        async (response) => {
          const [cookie] = response.headers['set-cookie'] ?? [];
          if (cookie !== undefined) this.#cookie = cookie.split(';')[0] ?? '';
          let text = '';
          try {
            for await (const chunk of response.setEncoding('utf8')) text += chunk;
          } catch (error) {
            reject(error as Error);
          }
          const isJson = response.headers['content-type']?.includes('json') === true;
          resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : text });
        },
      );
      sent.once('timeout', () => sent.destroy(new Error('no answer in time')));
      sent.once('error', reject);
      sent.end(payload);
    });
  }

  /** A request whose answer must be one of success; its body. */
  async demand<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.request(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  }

  /** Sets the first password, or signs in where there is one. */
  async signIn(): Promise<void> {
    this.#cookie = '';
    const { status } = await this.request('POST', '/api/v1/setup', { password: PASSWORD });
    if (status >= 300) await this.demand('POST', '/api/v1/sign-in', { name: 'admin', password: PASSWORD });
  }

  /** Changes sections of the settings, each as a whole but for what is left out of it. */
  async configure(changes: { [Section in keyof Settings]?: object }): Promise<void> {
    const settings = await this.demand<Record<string, unknown>>('GET', '/api/v1/settings');
    for (const [name, change] of Object.entries(changes)) {
      settings[name] = Array.isArray(change) ? change : { ...(settings[name] as object), ...change };
    }
    await this.demand('PUT', '/api/v1/settings', settings);
    // Whoever still reaches it keeps it.
    await this.request('POST', '/api/v1/settings/confirm');
  }
}
