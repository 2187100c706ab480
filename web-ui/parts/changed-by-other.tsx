/** Says that somebody else has changed what one is editing, as soon as that happens, and offers to load theirs. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Change } from '../../firmware/api/changes.js';
import { request } from '../api/client.js';
import { useEvent } from '../api/events.js';
import { useWords } from '../app/language.js';
import { Notice } from './notice.js';

interface ChangedByOtherProps {
  /** Of the document in the API, as in /settings or /users/alice. */
  path: string;
  /** Of what was read. */
  etag: string;
  onReload(): void;
}

const WORDS = {
  en: {
    changed: (who: string) =>
      `This was changed meanwhile by ${who}. What you have not saved yet is based on what was before.`,
    theirs: 'Load what is there now',
  },
  de: {
    changed: (who: string) =>
      `Das hat inzwischen jemand geändert: ${who}. Was Sie noch nicht gespeichert haben, geht von dem aus, was vorher war.`,
    theirs: 'Laden, was jetzt da ist',
  },
};

export function ChangedByOther({ path, etag, onReload }: ChangedByOtherProps) {
  const words = useWords(WORDS);
  const [who, setWho] = useState('');
  const known = useRef(etag);
  known.current = etag;
  useEffect(() => setWho(''), [etag]);
  // One's own change is told too: then the edition is the one that the answer to it had.
  useEvent<Change>('settings', async (change) => {
    const resource = path.slice(1);
    if (change.resource !== resource && !change.resource.startsWith(`${resource}/`)) return;
    const latest = await request('GET', path).catch(() => undefined);
    if (latest !== undefined && known.current !== '' && latest.etag !== known.current) setWho(change.who);
  });
  if (who === '') return null;
  return (
    <Notice kind="warn">
      <p>{words.changed(who)}</p>
      <div>
        <button type="button" onClick={onReload}>
          {words.theirs}
        </button>
      </div>
    </Notice>
  );
}
