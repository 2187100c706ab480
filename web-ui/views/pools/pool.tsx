/** One pool as a form, and who has its addresses. */
import { useEffect, useState } from 'preact/hooks';
import type { Pool } from '../../../firmware/settings.js';
import { type ApiError, get, part } from '../../api/client.js';
import { useResource } from '../../api/resource.js';
import { useWords } from '../../app/language.js';
import { Link } from '../../app/router.js';
import { DataTable } from '../../parts/data-table.js';
import { DocumentForm } from '../../parts/document-form.js';
import { TextField, TickField } from '../../parts/form.js';
import { filledLines } from '../../parts/lines.js';
import { ErrorNotice } from '../../parts/notice.js';
import { TextLines } from '../../parts/text-lines.js';
import { rangesOf, rangeText } from './ranges.js';
import { WORDS } from './words.js';

/** The pool as it is typed. */
interface Draft {
  name: string;
  ranges: string[];
  excluded: string[];
  sticky: boolean;
}

const FRESH: Draft = { name: '', ranges: [], excluded: [], sticky: true };
const draftOf = ({ name, ranges, excluded, sticky }: Pool): Draft => ({
  ...{ name, ranges: ranges.map(rangeText), excluded, sticky },
});

/** `name` undefined: a new one. */
export function PoolPage({ name }: { name: string | undefined }) {
  const words = useWords(WORDS);
  const stored = useResource<Pool>(name === undefined ? undefined : `/pools/${part(name)}`);
  const [changed, setChanged] = useState<Draft>();
  useEffect(() => setChanged(undefined), [stored.data]);
  if (stored.error) return <ErrorNotice error={stored.error} />;
  const draft = changed ?? (name === undefined ? FRESH : stored.data && draftOf(stored.data));
  if (draft === undefined) return null;
  const set = (change: Partial<Draft>) => setChanged({ ...draft, ...change });
  return (
    <>
      <DocumentForm
        title={name === undefined ? words.newTitle : words.poolTitle(name)}
        path={draft.name === '' ? '' : `/pools/${part(draft.name)}`}
        list="/pools"
        isNew={name === undefined}
        body={{ ...draft, ranges: rangesOf(draft.ranges), excluded: filledLines(draft.excluded) }}
        etag={stored.etag}
        question={words.question(draft.name)}
        onReload={stored.reload}
      >
        <section class="card">
          <h2>{words.addresses}</h2>
          {name === undefined && (
            <TextField
              label={words.name}
              pointer="/name"
              autocomplete="off"
              value={draft.name}
              onInput={(text) => set({ name: text })}
            />
          )}
          <TextLines
            label={words.ranges}
            pointer="/ranges"
            hint={words.rangesHint}
            value={draft.ranges}
            onInput={(ranges) => set({ ranges })}
          />
          <TextLines
            label={words.excluded}
            pointer="/excluded"
            hint={words.excludedHint}
            value={draft.excluded}
            onInput={(excluded) => set({ excluded })}
          />
          <TickField
            label={words.sticky}
            pointer="/sticky"
            hint={words.stickyHint}
            value={draft.sticky}
            onInput={(sticky) => set({ sticky })}
          />
        </section>
      </DocumentForm>
      {name !== undefined && <Leases pool={name} />}
    </>
  );
}

/** As GET /pools/:name/leases says them. */
interface Lease {
  address: string;
  user: string;
  state: string;
  /** 0: no call has it. */
  sessionId: number;
}

const PAGE_LEASES = 200;

function Leases({ pool }: { pool: string }) {
  const words = useWords(WORDS);
  const [data, setData] = useState<Lease[]>();
  const [error, setError] = useState<ApiError>();
  const [hasMore, setMore] = useState(false);
  const read = (before: readonly Lease[]) => {
    const query = new URLSearchParams({ limit: String(PAGE_LEASES), after: before.at(-1)?.address ?? '' });
    if (before.length === 0) query.delete('after');
    get<Lease[]>(`/pools/${part(pool)}/leases?${query}`).then((leases) => {
      setData([...before, ...leases]);
      setMore(leases.length === PAGE_LEASES);
    }, setError);
  };
  useEffect(() => read([]), [pool]);
  return (
    <section class="content-part">
      <h2>{words.leases}</h2>
      <DataTable
        label={words.leases}
        resource={{ data, error }}
        rows={data ?? []}
        keyOf={({ address }) => address}
        empty={<p>{words.noLeases}</p>}
        columns={[
          { title: words.address, cell: ({ address }) => <span class="mono">{address}</span> },
          {
            title: words.user,
            cell: ({ user }) => user && <Link to={`/users/edit/${encodeURIComponent(user)}`}>{user}</Link>,
          },
          { title: words.state, cell: ({ state }) => words.states[state] ?? state },
          {
            title: words.session,
            isNumber: true,
            cell: ({ sessionId }) => sessionId > 0 && <Link to={`/sessions/${sessionId}`}>{sessionId}</Link>,
          },
        ]}
      />
      {hasMore && (
        <div>
          <button type="button" onClick={() => read(data ?? [])}>
            {words.more}
          </button>
        </div>
      )}
    </section>
  );
}
