/**
 * A form for one document of the box, a user or a pool: save, delete after a question, and the way back to the list. When
 * somebody else has changed it meanwhile, what is there now can be loaded.
 */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { useAction } from '../api/action.js';
import { ApiError, request } from '../api/client.js';
import { useIsAdmin } from '../app/account.js';
import { useWords } from '../app/language.js';
import { Link, navigate } from '../app/router.js';
import { ChangedByOther } from './changed-by-other.js';
import { Confirm } from './dialog.js';
import { Form } from './form.js';
import { Notice } from './notice.js';

interface DocumentFormProps {
  title: string;
  /** Path in the API, as in /users/alice; '' as long as it has no name. */
  path: string;
  /** Path of the list in the page. */
  list: string;
  isNew: boolean;
  body: unknown;
  etag: string;
  /** Asked before it is deleted. */
  question: string;
  onReload(): void;
  children: ComponentChildren;
}

const WORDS = {
  en: {
    save: 'Save',
    back: 'Back to the list',
    remove: 'Delete',
    theirs: 'Load what is there now',
    taken: 'is taken already; choose another one',
    missing: 'is missing',
    viewer: 'This account may look, but not change anything.',
  },
  de: {
    save: 'Speichern',
    back: 'Zurück zur Liste',
    remove: 'Löschen',
    theirs: 'Laden, was jetzt da ist',
    taken: 'ist schon vergeben; wählen Sie einen anderen',
    missing: 'fehlt',
    viewer: 'Dieses Konto darf sehen, aber nichts ändern.',
  },
};

/** Rejects with a problem of the field of the name when there is such a document already. */
async function refuseTaken(path: string, reason: string): Promise<void> {
  try {
    await request('GET', path);
  } catch (error) {
    if ((error as ApiError).status === 404) return;
    throw error;
  }
  throw new ApiError(422, { problems: [{ field: '/name', reason }] });
}

export function DocumentForm({
  title,
  path,
  list,
  isNew,
  body,
  etag,
  question,
  onReload,
  children,
}: DocumentFormProps) {
  const words = useWords(WORDS);
  const isAdmin = useIsAdmin();
  const { error, isBusy, run, fail } = useAction();
  const [isAsking, setAsking] = useState(false);
  const save = () =>
    run(async () => {
      if (path === '') throw new ApiError(422, { problems: [{ field: '/name', reason: words.missing }] });
      if (isNew) await refuseTaken(path, words.taken);
      await request('PUT', path, { body, etag });
      navigate(list);
    });
  const remove = () => {
    setAsking(false);
    void run(async () => {
      await request('DELETE', path, { etag });
      navigate(list);
    });
  };
  const reload = () => {
    fail(undefined);
    onReload();
  };
  return (
    <>
      <header class="page-head">
        <h1>{title}</h1>
        <Link to={list} class="button">
          {words.back}
        </Link>
      </header>
      {!isAdmin && <Notice>{words.viewer}</Notice>}
      {!isNew && <ChangedByOther path={path} etag={etag} onReload={reload} />}
      <Form error={error} onSubmit={() => void save()}>
        {error?.status === 412 && (
          <div>
            <button type="button" onClick={reload}>
              {words.theirs}
            </button>
          </div>
        )}
        <fieldset class="bare" disabled={!isAdmin}>
          <legend class="unseen">{title}</legend>
          {children}
        </fieldset>
        {isAdmin && (
          <div class="actions">
            <button type="submit" class="primary" disabled={isBusy}>
              {words.save}
            </button>
            {!isNew && (
              <button type="button" class="danger" disabled={isBusy} onClick={() => setAsking(true)}>
                {words.remove}
              </button>
            )}
          </div>
        )}
      </Form>
      {isAsking && (
        <Confirm title={`${words.remove}?`} action={words.remove} onConfirm={remove} onClose={() => setAsking(false)}>
          {question}
        </Confirm>
      )}
    </>
  );
}
