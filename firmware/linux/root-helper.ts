/**
 * Asks the root helper of a board by its Unix socket: one line a connection, answered line by line. Must not know what a
 * verb is for.
 */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

type Answer = { ok: true; text: string } | { ok: false; reason: string };

/** Longer than any update takes. */
const PATIENCE_MS = 15 * 60_000;

export class RootHelper {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** Resolves with what the helper's last line says; never rejects. `onProgress` hears of each line before it. */
  ask(verb: string, onProgress?: (percent: number, text: string) => void): Promise<Answer> {
    return new Promise((resolve) => {
      const socket = connect(this.#socketPath);
      const end = (answer: Answer) => {
        resolve(answer);
        socket.destroy();
      };
      socket.setTimeout(PATIENCE_MS, () => end({ ok: false, reason: 'the root helper does not answer' }));
      socket.once('error', ({ message }) => end({ ok: false, reason: `the root helper cannot be asked: ${message}` }));
      const lines = createInterface({ input: socket });
      lines.on('line', (line) => {
        const [, percent, text] = /^progress (\d{1,3}) (.*)$/.exec(line) ?? [];
        if (percent !== undefined) onProgress?.(Math.min(100, Number(percent)), text ?? '');
        else if (line === 'ok' || line.startsWith('ok ')) end({ ok: true, text: line.slice(3) });
        else if (line.startsWith('error ')) end({ ok: false, reason: line.slice(6) });
      });
      lines.once('close', () => end({ ok: false, reason: 'the root helper ended before its answer' }));
      // Readline's own copy of an error of its input; the socket's is told above.
      lines.once('error', () => undefined);
      socket.end(`${verb}\n`);
    });
  }
}
