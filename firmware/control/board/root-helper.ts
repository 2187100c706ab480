/** What the firmware of a board asks of the root helper, as control needs it. Types alone. */

/** Of a fixed list; image/package/tunnelwerk-root says what each does. */
export type RootVerb =
  | 'alive'
  | 'install'
  | 'slots'
  | 'mark-good'
  | 'reboot'
  | 'factory-reset'
  | 'led ok'
  | 'led busy'
  | 'led fault';

export type RootAnswer = { ok: true; text: string } | { ok: false; reason: string };

export interface RootHelper {
  /** Resolves with what has come of it; never rejects. `onProgress` hears how far it is. */
  ask(verb: RootVerb, onProgress?: (percent: number, text: string) => void): Promise<RootAnswer>;
}
