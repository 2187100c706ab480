/**
 * The program's log: lines of JSON by pino, each with the part of the program that wrote it, to the standard output, to
 * the ring in memory that the API reads, and to a syslog server if one is set. Levels change while it runs. Must not know
 * what a line says.
 */
import { type Logger, pino } from 'pino';
import { type LogRing, logLine } from './control/log-ring.js';
import type { PartLogs } from './control/part-logs.js';
import type { OperatingProblem } from './control/view.js';
import type { LogOutput } from './log-output.js';
import type { Settings } from './settings.js';
import { LOG_PARTS, type LogPart } from './settings-box.js';
import { SyslogSender, type SyslogSurroundings } from './syslog.js';

export class ProgramLog implements PartLogs {
  /** Of what belongs to no part. */
  readonly root: Logger;
  readonly #parts: ReadonlyMap<LogPart, Logger>;
  readonly #syslog: SyslogSender;

  constructor(output: LogOutput, ring: LogRing, surroundings: SyslogSurroundings) {
    this.#syslog = new SyslogSender(surroundings);
    const destination: LogOutput = {
      write: (line) => {
        output.write(line);
        ring.write(line);
        if (this.#syslog.isOn) this.#syslog.send(logLine(0, line));
      },
      flushSync: () => output.flushSync(),
    };
    this.root = pino({}, destination);
    this.#parts = new Map(LOG_PARTS.map((part) => [part, this.root.child({ part })]));
  }

  part(part: LogPart): Logger {
    return this.#parts.get(part)!;
  }

  configure({ logs, system }: Pick<Settings, 'logs' | 'system'>): void {
    this.root.level = logs.level;
    for (const [part, log] of this.#parts) log.level = logs.parts[part] ?? logs.level;
    this.#syslog.configure(logs.syslog, system.hostName);
  }

  problems(): OperatingProblem[] {
    return this.#syslog.problems();
  }

  close(): void {
    this.#syslog.close();
  }
}
