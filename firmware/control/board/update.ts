/**
 * An update from the first octet to the reboot: received, checked for its board and version, installed by the root helper.
 * One at a time. Must not know HTTP, nor how a bundle is stored.
 */
import type { Readable } from 'node:stream';
import type { Board } from './board.js';
import type { RootHelper } from './root-helper.js';
import { isOlder } from './version.js';

/** Where a bundle is kept while it is installed. Gives reasons in words, and never rejects. */
export interface BundleFile {
  receive(octets: Readable, most_bytes: number): Promise<{ reason: string } | undefined>;
  inspect(): Promise<{ compatible: string; version: string } | { reason: string }>;
  discard(): Promise<void>;
}

export interface UpdateState {
  /** installed: it runs after the next start. */
  state: 'idle' | 'receiving' | 'installing' | 'installed' | 'failed';
  progress_percent: number;
  /** What is being done, or why it failed; '' when there is nothing to say. */
  message: string;
  /** Of the bundle, once it is known. */
  version: string;
}

export interface Slot {
  name: 'A' | 'B';
  version: string;
  state: 'good' | 'bad' | 'empty';
  triesLeft: number;
}

/** Two roots of 64 MiB and two kernels would fit; a slot's system and kernel do. */
export const MAX_BUNDLE_BYTES = 160 * 1024 * 1024;
const IDLE: UpdateState = { state: 'idle', progress_percent: 0, message: '', version: '' };

export class Update {
  readonly #board: Board;
  readonly #helper: RootHelper;
  readonly #file: BundleFile;
  #state = IDLE;

  constructor(board: Board, helper: RootHelper, file: BundleFile) {
    this.#board = board;
    this.#helper = helper;
    this.#file = file;
  }

  get state(): UpdateState {
    return this.#state;
  }

  get isBusy(): boolean {
    return this.#state.state === 'receiving' || this.#state.state === 'installing';
  }

  /**
   * Takes a bundle in, and resolves once it is known to be one for this box, with the rest still to be done: `installed`
   * tells of that. Gives the reason where it is not.
   */
  async take(octets: Readable, mayBeOlder: boolean): Promise<{ reason: string } | { installed: Promise<void> }> {
    this.#state = { ...IDLE, state: 'receiving' };
    const refused = (await this.#file.receive(octets, MAX_BUNDLE_BYTES)) ?? (await this.#check(mayBeOlder));
    if (refused !== undefined) {
      await this.#file.discard();
      this.#fail(refused.reason);
      return refused;
    }
    this.#state = { ...this.#state, state: 'installing' };
    return { installed: this.#install() };
  }

  async slots(): Promise<{ booted: string; slots: Slot[] } | { reason: string }> {
    const answer = await this.#helper.ask('slots');
    return answer.ok ? (JSON.parse(answer.text) as { booted: string; slots: Slot[] }) : answer;
  }

  async #check(mayBeOlder: boolean): Promise<{ reason: string } | undefined> {
    const found = await this.#file.inspect();
    if ('reason' in found) return found;
    const { compatible, version } = found;
    this.#state = { ...this.#state, version };
    const { board, version: own } = this.#board;
    if (compatible !== `tunnelwerk-${board}`) {
      return { reason: `it is for ${compatible || 'no board'}, and this is tunnelwerk-${board}` };
    }
    if (!mayBeOlder && isOlder(version, own)) {
      return {
        reason: `it is version ${version}, older than ${own}, which runs; ask for older=true where that is meant`,
      };
    }
    return undefined;
  }

  async #install(): Promise<void> {
    await this.#helper.ask('led busy');
    const answer = await this.#helper.ask('install', (progress_percent, message) => {
      this.#state = { ...this.#state, progress_percent, message };
    });
    await this.#file.discard();
    await this.#helper.ask('led ok');
    if (answer.ok) this.#state = { ...this.#state, state: 'installed', progress_percent: 100, message: '' };
    else this.#fail(answer.reason);
  }

  #fail(reason: string): void {
    this.#state = { ...this.#state, state: 'failed', message: reason };
  }
}
