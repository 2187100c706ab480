/**
 * A list of entries in a settings form: each can be opened, moved and taken out, new ones are added at the end. The order
 * counts in most lists.
 */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { useWords } from '../app/language.js';
import type { Json } from './setting-paths.js';

const WORDS = {
  en: { add: 'Add', up: 'Up', down: 'Down', remove: 'Remove', none: 'None yet.', fresh: 'new entry' },
  de: {
    add: 'Hinzufügen',
    up: 'Nach oben',
    down: 'Nach unten',
    remove: 'Entfernen',
    none: 'Noch keine.',
    fresh: 'neuer Eintrag',
  },
};

/** Members that say which entry it is, the first that there is. */
const TITLES = ['name', 'server', 'prefix', 'address', 'domain', 'remote', 'interface'];

interface ListProps {
  label: string;
  hint: string;
  entries: readonly Json[];
  fresh(): Json;
  onChange(entries: Json[]): void;
  /** The fields of the entry of this number. */
  children(at: number): ComponentChildren;
}

export function ListField({ label, hint, entries, fresh, onChange, children }: ListProps) {
  const words = useWords(WORDS);
  const [opened, setOpened] = useState<number>();
  const add = () => {
    onChange([...entries, fresh()]);
    setOpened(entries.length);
  };
  const move = (from: number, to: number) => {
    onChange(entries.toSpliced(from, 1).toSpliced(to, 0, entries[from] ?? null));
    setOpened(to);
  };
  const button = (text: string, title: string, act: () => void, isDisabled: boolean, kind = '') => (
    <button type="button" class={kind} disabled={isDisabled} onClick={act} aria-label={`${text}: ${title}`}>
      {text}
    </button>
  );
  return (
    <div class="form">
      {hint && <p class="quiet small">{hint}</p>}
      {entries.length === 0 && <p class="quiet">{words.none}</p>}
      {entries.map((entry, at) => {
        const title = titleOf(entry) || words.fresh;
        // An entry is known by its place, since its name is being typed.
        return (
          <details key={at} class="entry" open={opened === at}>
            <summary>{title}</summary>
            <div class="form">
              {children(at)}
              <div class="actions">
                {button(words.up, title, () => move(at, at - 1), at === 0)}
                {button(words.down, title, () => move(at, at + 1), at === entries.length - 1)}
                {button(words.remove, title, () => onChange(entries.toSpliced(at, 1)), false, 'danger')}
              </div>
            </div>
          </details>
        );
      })}
      <div>{button(words.add, label, add, false)}</div>
    </div>
  );
}

function titleOf(entry: Json): string {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return '';
  const name = TITLES.find((each) => typeof entry[each] === 'string' && entry[each] !== '');
  const title = name === undefined ? '' : String(entry[name]);
  return typeof entry.action === 'string' && name !== 'name' ? `${entry.action} ${title}`.trim() : title;
}
