/** Who changed what, and when; which fields, never their values. */
import { useState } from 'preact/hooks';
import type { AuditEntry } from '../../../firmware/api/history.js';
import { useAction } from '../../api/action.js';
import { get } from '../../api/client.js';
import { useResource } from '../../api/resource.js';
import { time } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import { DataTable } from '../../parts/data-table.js';
import { ErrorNotice } from '../../parts/notice.js';

const WORDS = {
  en: {
    title: 'Who changed what',
    text: 'The newest first. Which fields were changed stands here, their values never.',
    none: 'Nothing has been changed yet.',
    at: 'When',
    who: 'Who',
    resource: 'What',
    action: 'Done',
    actions: { put: 'changed', delete: 'deleted' },
    fields: 'Fields',
    whole: 'all of it',
    more: 'Show older ones',
  },
  de: {
    title: 'Wer was geändert hat',
    text: 'Das Neueste zuerst. Welche Felder geändert wurden, steht hier, ihre Werte nie.',
    none: 'Noch ist nichts geändert worden.',
    at: 'Wann',
    who: 'Wer',
    resource: 'Was',
    action: 'Getan',
    actions: { put: 'geändert', delete: 'gelöscht' },
    fields: 'Felder',
    whole: 'alles',
    more: 'Ältere zeigen',
  },
};
const PAGE_ENTRIES = 100;

export function Audit() {
  const words = useWords(WORDS);
  const language = useLanguage();
  const newest = useResource<AuditEntry[]>(`/audit?limit=${PAGE_ENTRIES}`);
  const [older, setOlder] = useState<AuditEntry[]>([]);
  const [isAll, setAll] = useState(false);
  const { error, isBusy, run } = useAction();
  const entries = [...(newest.data ?? []), ...older];
  const more = () =>
    run(async () => {
      const page = await get<AuditEntry[]>(`/audit?limit=${PAGE_ENTRIES}&before=${entries.at(-1)?.id}`);
      setOlder([...older, ...page]);
      setAll(page.length < PAGE_ENTRIES);
    });
  return (
    <section class="content-part">
      <div>
        <h2>{words.title}</h2>
        <p class="quiet">{words.text}</p>
      </div>
      <DataTable
        label={words.title}
        resource={newest}
        rows={entries}
        keyOf={({ id }) => id}
        empty={<p>{words.none}</p>}
        columns={[
          { title: words.at, cell: ({ at }) => <span class="number">{time(at, language)}</span> },
          { title: words.who, cell: ({ who }) => who },
          { title: words.resource, cell: ({ resource }) => <code>{resource}</code> },
          { title: words.action, cell: ({ action }) => words.actions[action] },
          { title: words.fields, cell: ({ fields }) => <Fields fields={fields} /> },
        ]}
      />
      <ErrorNotice error={error} />
      {!isAll && entries.length >= PAGE_ENTRIES && (
        <div>
          <button type="button" disabled={isBusy} onClick={() => void more()}>
            {words.more}
          </button>
        </div>
      )}
    </section>
  );
}

/** A few are shown, the rest can be opened. */
const SHOWN_FIELDS = 3;

function Fields({ fields }: { fields: readonly string[] }) {
  const words = useWords(WORDS);
  const names = fields.map((field) => field.slice(1) || words.whole);
  if (names.length <= SHOWN_FIELDS) return <>{names.join(', ')}</>;
  return (
    <details>
      <summary>
        {names.slice(0, SHOWN_FIELDS).join(', ')} … ({names.length})
      </summary>
      {names.slice(SHOWN_FIELDS).join(', ')}
    </details>
  );
}
