/** Light, dark, or as the system has it. */
import { useSyncExternalStore } from './external-store.js';

export type Theme = 'system' | 'light' | 'dark';

const STORED_AS = 'theme';
const listeners = new Set<() => void>();
let chosen: Theme = initial();
show();

function initial(): Theme {
  const stored = localStorage.getItem(STORED_AS);
  return stored === 'light' || stored === 'dark' ? stored : 'system';
}

function show(): void {
  if (chosen === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}

const theme = (): Theme => chosen;

export function chooseTheme(next: Theme): void {
  chosen = next;
  localStorage.setItem(STORED_AS, next);
  show();
  for (const listener of listeners) listener();
}

export function useTheme(): Theme {
  return useSyncExternalStore(listeners, theme);
}
