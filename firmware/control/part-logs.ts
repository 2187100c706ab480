/** The log as the control plane has it: one for each part of the program. Types alone. */
import type { Settings } from '../settings.js';
import type { LogPart } from '../settings-box.js';
import type { Log } from './call-log.js';
import type { OperatingProblem } from './view.js';

/** A log for each part of the program, and what the settings say of them. */
export interface PartLogs {
  part(part: LogPart): Log;
  configure(settings: Pick<Settings, 'logs' | 'system'>): void;
  /** Why lines do not get where they should. */
  problems(): OperatingProblem[];
}
