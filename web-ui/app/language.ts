/**
 * The language of the page: English or German, as the browser has it until somebody chooses. Every view keeps its words
 * beside it; this gives the set of the language that is chosen. Must not know any word.
 */
import { useSyncExternalStore } from './external-store.js';
import type { Language, Words } from './languages.js';

export type { Language, Words } from './languages.js';

const STORED_AS = 'language';
const listeners = new Set<() => void>();
let chosen: Language = initial();
document.documentElement.lang = chosen;

function initial(): Language {
  const stored = localStorage.getItem(STORED_AS);
  if (stored === 'en' || stored === 'de') return stored;
  return navigator.language.toLowerCase().startsWith('de') ? 'de' : 'en';
}

export function language(): Language {
  return chosen;
}

export function chooseLanguage(next: Language): void {
  chosen = next;
  localStorage.setItem(STORED_AS, next);
  document.documentElement.lang = next;
  for (const listener of listeners) listener();
}

export function useLanguage(): Language {
  return useSyncExternalStore(listeners, language);
}

/** The words of a view in the language that is chosen; the view is drawn anew when that changes. */
export function useWords<T>(words: Words<T>): T {
  return words[useLanguage()];
}
