/** A log that keeps its lines for the test to read. */
import type { Log } from '../../../../firmware/control/call-log.js';

export class RecordedLog implements Log {
  readonly lines: { level: 'info' | 'warn' | 'error'; fields: Record<string, unknown>; message: string }[] = [];

  info(fields: object, message: string): void {
    this.lines.push({ level: 'info', fields: { ...fields }, message });
  }

  warn(fields: object, message: string): void {
    this.lines.push({ level: 'warn', fields: { ...fields }, message });
  }

  error(fields: object, message: string): void {
    this.lines.push({ level: 'error', fields: { ...fields }, message });
  }
}
