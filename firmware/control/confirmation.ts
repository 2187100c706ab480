/**
 * Takes back a change that may have cut off who made it, unless somebody confirms it in time. What waits is in the store,
 * so that a restart does not save it. Must not decide which changes these are.
 */
import type { Settings } from '../settings.js';
import type { Documents } from '../store/documents.js';
import { WakeTimer } from './wake-timer.js';

export interface ConfirmationDependencies {
  documents: Documents;
  /** Unix time in ms: all that is still the same after a restart. */
  clock: () => number;
  /** Monotonic: a clock that is set meanwhile changes nothing. */
  now_ms: () => number;
  /** Brings the stored settings into force. */
  apply: () => Promise<unknown>;
  log: { warn(fields: object, message: string): void };
}

export class Confirmation {
  readonly #dependencies: ConfirmationDependencies;
  readonly #timer: WakeTimer;

  constructor(dependencies: ConfirmationDependencies) {
    this.#dependencies = dependencies;
    this.#timer = new WakeTimer(dependencies.now_ms, () => void this.#expire());
  }

  /** To be called at the start, and whenever settings were written. */
  follow(): void {
    const { documents, clock, now_ms } = this.#dependencies;
    const waiting = documents.unconfirmed();
    if (waiting === undefined) {
      this.#timer.stop();
      return;
    }
    const { until_ms, wait_ms } = waiting.held;
    // A board without a battery may have started with a clock that is years behind.
    const left_ms = Math.min(Math.max(0, until_ms - clock()), wait_ms);
    this.#timer.set(now_ms() + left_ms, now_ms());
  }

  /** The change stays. False: there is none that waits. */
  confirm(): boolean {
    const waited = this.#dependencies.documents.confirmSettings();
    this.#timer.stop();
    return waited;
  }

  /** The change goes back now. False: there is none that waits. */
  async takeBack(who: string): Promise<boolean> {
    const { documents, apply } = this.#dependencies;
    const settings = documents.takeBackSettings(who);
    this.#timer.stop();
    if (settings === undefined) return false;
    await apply();
    return true;
  }

  stop(): void {
    this.#timer.stop();
  }

  async #expire(): Promise<void> {
    const { documents, log } = this.#dependencies;
    const waiting = documents.unconfirmed();
    if (waiting === undefined) return;
    const { held, fields } = waiting;
    log.warn({ who: held.who, fields }, 'a change of settings was not confirmed, and goes back');
    await this.takeBack(notConfirmed(held.who));
  }
}

/** To be called before the settings come into force for the first time: a change whose time is up never does. */
export function takeBackExpired(documents: Documents, clock: () => number): Settings | undefined {
  const held = documents.unconfirmed()?.held;
  return held !== undefined && held.until_ms <= clock()
    ? documents.takeBackSettings(notConfirmed(held.who))
    : undefined;
}

/** For the audit. */
const notConfirmed = (who: string): string => `the box, since ${who} did not confirm it`;
