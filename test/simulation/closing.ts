/** What is done to a box when a simulation closes all. Must not wait for what comes of it. */

import type { Box } from './box.js';
import type { Closing } from './scenario.js';

/** Nothing is left that asks for a tunnel, nor that waits for a session. */
export function withoutProfiles(box: Box, now_ms: number): void {
  box.configure({ ...box.config, lacClients: [], pseudowires: [] }, now_ms);
}

/** Nothing is left that peers may call. */
function withoutLns(box: Box, now_ms: number): void {
  const pseudowires = box.config.pseudowires.filter(({ ends }) => ends.mode !== 'listen');
  box.configure({ ...box.config, lns: undefined, pseudowires }, now_ms);
}

/** Nothing is left that PCs may call. */
function withoutLac(box: Box, now_ms: number): void {
  box.configure({ ...box.config, lac: undefined }, now_ms);
}

function shutDown(box: Box, now_ms: number): void {
  box.appliance.shutDown(now_ms);
}

function shutDownLns(box: Box, now_ms: number): void {
  const isListening = box.config.pseudowires.some(({ ends }) => ends.mode === 'listen');
  if (box.config.lns !== undefined || isListening) shutDown(box, now_ms);
}

/** To each box. */
export const CLOSE: Readonly<Record<Closing, (box: Box, now_ms: number) => void>> = {
  'profiles removed': withoutProfiles,
  'LNS switched off': withoutLns,
  'all shut down': shutDown,
  'LNS shut down first': shutDownLns,
  'LAC switched off': withoutLac,
  'PCs hang up': () => undefined,
};
