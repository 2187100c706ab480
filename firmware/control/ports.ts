/**
 * The box's Ethernet ports, and what the kernel does with packets that come by them: keeps that to the settings while ports
 * come and go. Must not know how it is done: that is linux/port-offload.ts, which main.ts hands in.
 */
import type { Log } from './call-log.js';
import type { OperatingProblem, PortView } from './view.js';

export interface PortOffload {
  /** Whether interfaces have come, gone or been made anew since `apply` last looked. Costs little. */
  haveChanged(): boolean;
  /**
   * Switches it on at all ports that are there, or takes back what was switched on. Gives what a person must do something
   * about; that is tried again by the next call.
   */
  apply(isWanted: boolean): Promise<OperatingProblem[]>;
  /** As the last `apply` has left them. */
  ports(): PortView[];
}

export class Ports {
  readonly #offload: PortOffload;
  readonly #log: Log;
  #isWanted = false;
  #problems: readonly OperatingProblem[] = [];

  constructor(offload: PortOffload, log: Log) {
    this.#offload = offload;
    this.#log = log;
  }

  /** Takes `routing.portOffload` into force. */
  async configure(isWanted: boolean): Promise<void> {
    this.#isWanted = isWanted;
    const problems = await this.#offload.apply(isWanted);
    const known = new Set(this.#problems.map(({ what }) => what));
    for (const { what, advice } of problems) if (!known.has(what)) this.#log.warn({ advice }, what);
    this.#problems = problems;
  }

  /** A port that has come gets what the others have. */
  look(): void {
    if (this.#offload.haveChanged()) void this.configure(this.#isWanted);
  }

  /** Takes back what was switched on. */
  withdraw(): Promise<void> {
    return this.configure(false);
  }

  problems(): readonly OperatingProblem[] {
    return this.#problems;
  }

  view(): PortView[] {
    return this.#offload.ports();
  }
}
