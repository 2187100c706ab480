/** What the box has to say to the reader, and what a request failed by, in words. */
import type { ComponentChildren } from 'preact';
import { ApiError } from '../api/client.js';
import { language, useWords } from '../app/language.js';

type Kind = 'info' | 'good' | 'warn' | 'bad';

/** What is bad is said at once to whoever reads by ear, the rest when there is time. */
export function Notice({ kind = 'info', children }: { kind?: Kind; children: ComponentChildren }) {
  return (
    <div class={`notice ${kind}`} role={kind === 'bad' ? 'alert' : 'status'}>
      {children}
    </div>
  );
}

const WORDS = {
  en: {
    silent: 'The box does not answer. Is the way to it up?',
    forbidden: 'This account may look, but not change anything.',
    stale: 'Somebody else has changed this meanwhile. Load it again, and make your change once more.',
    tooMany: (seconds: number) => `Too many tries. Wait ${seconds} s.`,
  },
  de: {
    silent: 'Das Gerät antwortet nicht. Steht der Weg dorthin?',
    forbidden: 'Dieses Konto darf sehen, aber nichts ändern.',
    stale: 'Das hat inzwischen jemand anderes geändert. Laden Sie neu, und ändern Sie dann noch einmal.',
    tooMany: (seconds: number) => `Zu viele Versuche. Warten Sie ${seconds} s.`,
  },
};

export function errorText(error: ApiError): string {
  const words = WORDS[language()];
  if (error.status === 0) return words.silent;
  if (error.status === 403) return words.forbidden;
  if (error.status === 412) return `${words.stale} ${error.message}`;
  if (error.status === 429 && error.retryAfter_s > 0) return words.tooMany(error.retryAfter_s);
  return error.message;
}

/** Nothing where there is no error. */
export function ErrorNotice({ error }: { error: unknown }) {
  useWords(WORDS);
  if (error === undefined || error === null) return null;
  return <Notice kind="bad">{error instanceof ApiError ? errorText(error) : String(error)}</Notice>;
}
