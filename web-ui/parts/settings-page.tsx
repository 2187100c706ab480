/**
 * A page that sets a part of the settings: reads the whole document with its schema, shows its part as a form, and writes
 * the whole back, unless somebody else has changed it meanwhile. Must not know what is set.
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError, request } from '../api/client.js';
import { useResource } from '../api/resource.js';
import { useIsAdmin } from '../app/account.js';
import { useWords } from '../app/language.js';
import { ChangedByOther } from './changed-by-other.js';
import { Form } from './form.js';
import { ErrorNotice, Notice } from './notice.js';
import { OperatingProblems } from './operating-problems.js';
import { Setting, SettingGroup, SettingList } from './schema-form.js';
import type { Json } from './setting-paths.js';
import { type SettingSchema, schemaAt } from './setting-schema.js';

/** A card of the form. */
export interface SettingsPart {
  /** JSON pointer into the settings. */
  pointer: string;
  title: string;
  /** Names of members that are shown at once, the others are behind "more". */
  first?: readonly string[];
  without?: readonly string[];
}

interface SettingsPageProps {
  title: string;
  /** One or two sentences: what is set here, and what it is for. */
  intro: string;
  parts: readonly SettingsPart[];
  /** How that does which is set here. */
  children?: ComponentChildren;
}

interface Applied {
  settings: Json;
  problems: { what: string; advice: string }[];
}

const WORDS = {
  en: {
    save: 'Save',
    undo: 'Undo changes',
    saved: 'Saved, and in force.',
    savedBut: 'Saved, but the box could not do this:',
    viewer: 'This account may look, but not change anything.',
    theirs: 'Load what is there now',
    unsaved: 'Not saved yet',
  },
  de: {
    save: 'Speichern',
    undo: 'Änderungen verwerfen',
    saved: 'Gespeichert und in Kraft.',
    savedBut: 'Gespeichert, aber das konnte das Gerät nicht:',
    viewer: 'Dieses Konto darf sehen, aber nichts ändern.',
    theirs: 'Laden, was jetzt da ist',
    unsaved: 'Noch nicht gespeichert',
  },
};

export function SettingsPage({ title, intro, parts, children }: SettingsPageProps) {
  return (
    <>
      <header>
        <h1>{title}</h1>
        <p class="quiet">{intro}</p>
      </header>
      {children}
      <SettingsForm parts={parts} />
    </>
  );
}

export function SettingsForm({ parts }: { parts: readonly SettingsPart[] }) {
  const words = useWords(WORDS);
  const isAdmin = useIsAdmin();
  const stored = useResource<Json>('/settings');
  const schema = useResource<SettingSchema>('/settings/schema');
  const [draft, setDraft] = useState<Json>();
  const [error, setError] = useState<ApiError>();
  const [applied, setApplied] = useState<Applied>();
  useEffect(() => setDraft(undefined), [stored.data]);
  if (stored.error ?? schema.error) return <ErrorNotice error={stored.error ?? schema.error} />;
  if (stored.data === undefined || schema.data === undefined) return null;
  const document = draft ?? stored.data;
  const reload = () => {
    setError(undefined);
    stored.reload();
  };
  const change = (next: Json) => {
    setApplied(undefined);
    setDraft(next);
  };
  const save = async () => {
    try {
      const { data, etag } = await request<Applied>('PUT', '/settings', { body: document, etag: stored.etag });
      setError(undefined);
      setApplied(data);
      stored.set(data.settings, etag);
    } catch (refused) {
      if (!(refused instanceof ApiError)) throw refused;
      setError(refused);
    }
  };
  return (
    <Form error={error} onSubmit={() => void save()}>
      {draft !== undefined && <ChangedByOther path="/settings" etag={stored.etag} onReload={reload} />}
      {error?.status === 412 && (
        <div>
          <button type="button" onClick={reload}>
            {words.theirs}
          </button>
        </div>
      )}
      {!isAdmin && <Notice>{words.viewer}</Notice>}
      <fieldset class="bare" disabled={!isAdmin}>
        <legend class="unseen">{words.save}</legend>
        {parts.map((part) => (
          <Part
            key={part.pointer}
            part={part}
            schema={schemaAt(schema.data!, part.pointer)}
            document={document}
            onChange={change}
          />
        ))}
      </fieldset>
      {applied !== undefined && <Result applied={applied} />}
      {isAdmin && (
        <div class="actions save-bar" data-changed={draft !== undefined}>
          <button type="submit" class="primary" disabled={draft === undefined}>
            {words.save}
          </button>
          {draft !== undefined && (
            <>
              <button type="button" onClick={() => setDraft(undefined)}>
                {words.undo}
              </button>
              <span class="quiet">{words.unsaved}</span>
            </>
          )}
        </div>
      )}
    </Form>
  );
}

interface PartProps {
  part: SettingsPart;
  schema: SettingSchema;
  document: Json;
  onChange(document: Json): void;
}

function Part({ part: { pointer, title, first, without }, schema, document, onChange }: PartProps) {
  const setting = { schema, pointer, document, onChange };
  return (
    <section class="card">
      <h2>{title}</h2>
      {schema.items?.properties ? (
        <SettingList {...setting} first={first} />
      ) : schema.properties ? (
        <SettingGroup {...setting} first={first} without={without} />
      ) : (
        <Setting {...setting} />
      )}
    </section>
  );
}

function Result({ applied: { problems } }: { applied: Applied }) {
  const words = useWords(WORDS);
  if (problems.length === 0) return <Notice kind="good">{words.saved}</Notice>;
  return <OperatingProblems title={words.savedBut} problems={problems} />;
}
