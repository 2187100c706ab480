/** The box's own users: the list with its search, and one user's form. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { User } from '../../../firmware/settings.js';
import { type ApiError, get } from '../../api/client.js';
import { useIsAdmin } from '../../app/account.js';
import { rate } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import type { PageProps } from '../../app/pages.js';
import { Link } from '../../app/router.js';
import { Badge } from '../../parts/badge.js';
import { DataTable } from '../../parts/data-table.js';
import { TextField } from '../../parts/form.js';
import { UserPage } from './user.js';
import { WORDS } from './words.js';

/** So many are shown at once; who has more searches. */
const PAGE_USERS = 200;
const TYPING_MS = 200;

/** /users, /users/new, /users/edit/alice */
export default function UsersPage({ rest: [what, name] }: PageProps) {
  if (what === 'new') return <UserPage key="new" name={undefined} />;
  if (what === 'edit' && name !== undefined) return <UserPage key={name} name={name} />;
  return <UserList />;
}

interface FoundUsers {
  data: User[] | undefined;
  error: ApiError | undefined;
  hasMore: boolean;
  more(): void;
}

/** Users with a text in their names, page by page. What is typed further makes an older answer void. */
function useUsers(contains: string): FoundUsers {
  const [data, setData] = useState<User[]>();
  const [error, setError] = useState<ApiError>();
  const [hasMore, setMore] = useState(false);
  const wanted = useRef('');
  const read = (before: readonly User[]) => {
    const query = new URLSearchParams({ limit: String(PAGE_USERS), after: before.at(-1)?.name ?? '', contains });
    get<User[]>(`/users?${query}`).then(
      (users) => {
        if (wanted.current !== contains) return;
        setError(undefined);
        setData([...before, ...users]);
        setMore(users.length === PAGE_USERS);
      },
      (refused: ApiError) => setError(refused),
    );
  };
  useEffect(() => {
    wanted.current = contains;
    const timer = setTimeout(() => read([]), contains === '' ? 0 : TYPING_MS);
    return () => clearTimeout(timer);
  }, [contains]);
  return { data, error, hasMore, more: () => read(data ?? []) };
}

function UserList() {
  const words = useWords(WORDS);
  const language = useLanguage();
  const isAdmin = useIsAdmin();
  const [search, setSearch] = useState('');
  const users = useUsers(search.trim());
  const limit = (bps: number) => (bps === 0 ? '–' : rate(bps, language));
  const add = isAdmin && (
    <Link to="/users/new" class="button primary">
      {words.add}
    </Link>
  );
  const isEmpty = users.data?.length === 0 && search === '';
  return (
    <>
      <header class="page-head">
        <div>
          <h1>{words.title}</h1>
          <p class="quiet">{words.intro}</p>
        </div>
        {!isEmpty && add}
      </header>
      {!isEmpty && (
        <div class="search">
          <TextField label={words.search} value={search} onInput={setSearch} autocomplete="off" />
        </div>
      )}
      <DataTable
        label={words.title}
        resource={users}
        rows={users.data ?? []}
        keyOf={({ name }) => name}
        empty={
          <>
            <p>{isEmpty ? words.none : words.noneFound(search)}</p>
            {isEmpty && add}
          </>
        }
        columns={[
          { title: words.name, cell: ({ name }) => <Link to={`/users/edit/${encodeURIComponent(name)}`}>{name}</Link> },
          {
            title: words.state,
            cell: ({ enabled }) => (
              <Badge kind={enabled ? 'good' : 'warn'}>{enabled ? words.enabled : words.disabled}</Badge>
            ),
          },
          { title: words.address, cell: ({ fixedAddress, pool }) => fixedAddress ?? pool ?? words.poolOfLns },
          {
            title: words.rates,
            cell: ({ receiveRate_bps, sendRate_bps }) =>
              receiveRate_bps + sendRate_bps === 0
                ? words.unlimited
                : `${limit(receiveRate_bps)} / ${limit(sendRate_bps)}`,
          },
          {
            title: words.other,
            cell: ({ tunnelGroup, filter }) => [tunnelGroup, filter].filter(Boolean).join(', ') || '–',
          },
        ]}
      />
      {users.hasMore && (
        <div>
          <button type="button" onClick={users.more}>
            {words.more}
          </button>
        </div>
      )}
    </>
  );
}
