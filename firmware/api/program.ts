/** What the API is told of the program that it belongs to, and of its board. Types alone. */
import type { Board } from '../control/board/board.js';
import type { Proof } from '../control/board/proof.js';
import type { RootHelper } from '../control/board/root-helper.js';
import type { Update } from '../control/board/update.js';

/** A board that this program's own image runs on. */
export interface Appliance {
  description: Board;
  helper: RootHelper;
  update: Update;
  proof: Proof;
}

export interface Program {
  /** Where the database is. */
  dataFolder: string;
  /** Ends the program, for its supervisor to start it again; undefined where nobody would. */
  restart: (() => void) | undefined;
  /** Undefined where the program runs on a system that is not its own. */
  appliance: Appliance | undefined;
}
