/** The calls that have ended, the newest first, in pages. */
import { useState } from 'preact/hooks';
import type { Call } from '../../../firmware/api/history.js';
import { useResource } from '../../api/resource.js';
import { duration, octets, time } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import { Link, navigate, useLocation } from '../../app/router.js';
import { DataTable } from '../../parts/data-table.js';
import { TextField } from '../../parts/form.js';
import { ROLES } from '../sessions/role-words.js';
import './calls.css';

const WORDS = {
  en: {
    title: 'Past calls',
    intro:
      'Every call that stood and ended. A name leads to the trace of that call. Calls that never came up are in the call trace alone.',
    noName: 'no name',
    user: 'User',
    address: 'Address',
    search: 'Search',
    none: 'No call has ended yet.',
    noneHint: 'A call is listed here when it is over. Those that are up are under Sessions.',
    toSessions: 'To the sessions',
    noMatch: 'No past call has this user and address.',
    clear: 'Show all',
    older: 'Older calls',
    newest: 'To the newest',
    columns: {
      user: 'User',
      address: 'Address',
      peer: 'Peer',
      caller: 'Caller',
      began: 'Began',
      lasted: 'Lasted',
      octets: 'Received, sent',
      cause: 'Ended because',
    },
  },
  de: {
    title: 'Frühere Anrufe',
    intro:
      'Jeder Anruf, der stand und beendet ist. Ein Name führt zum Trace dieses Anrufs. Anrufe, die nie zustande kamen, stehen nur im Anruf-Trace.',
    noName: 'ohne Namen',
    user: 'Benutzer',
    address: 'Adresse',
    search: 'Suchen',
    none: 'Noch ist kein Anruf beendet.',
    noneHint: 'Ein Anruf steht hier, wenn er vorbei ist. Die stehenden finden Sie unter Sitzungen.',
    toSessions: 'Zu den Sitzungen',
    noMatch: 'Kein früherer Anruf hat diesen Benutzer und diese Adresse.',
    clear: 'Alle zeigen',
    older: 'Ältere Anrufe',
    newest: 'Zu den neuesten',
    columns: {
      user: 'Benutzer',
      address: 'Adresse',
      peer: 'Gegenstelle',
      caller: 'Anrufer',
      began: 'Beginn',
      lasted: 'Dauer',
      octets: 'Empfangen, gesendet',
      cause: 'Beendet, weil',
    },
  },
};
const PAGE_CALLS = 100;

/** What is shown stands in the address bar: user, address, before. */
export default function CallsPage() {
  const words = useWords(WORDS);
  const { query } = useLocation();
  const asked = new URLSearchParams({ limit: String(PAGE_CALLS) });
  for (const name of ['user', 'address', 'before']) if (query.get(name)) asked.set(name, query.get(name)!);
  const calls = useResource<Call[]>(`/calls?${asked}`);
  const [user, address] = [query.get('user') ?? '', query.get('address') ?? ''];
  const isSearch = user !== '' || address !== '';
  const oldest = calls.data?.at(-1);
  return (
    <>
      <header>
        <h1>{words.title}</h1>
        <p class="quiet">{words.intro}</p>
      </header>
      <Search key={`${user} ${address}`} user={user} address={address} />
      <CallTable calls={calls} isSearch={isSearch} />
      <div class="actions">
        {calls.data?.length === PAGE_CALLS && oldest !== undefined && (
          <Link class="button" to={pathOf({ user, address, before: String(oldest.id) })}>
            {words.older}
          </Link>
        )}
        {query.get('before') !== null && (
          <Link class="button" to={pathOf({ user, address })}>
            {words.newest}
          </Link>
        )}
      </div>
    </>
  );
}

function pathOf(wanted: Record<string, string>): string {
  const query = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value !== ''));
  return query.size === 0 ? '/calls' : `/calls?${query}`;
}

function Search({ user, address }: { user: string; address: string }) {
  const words = useWords(WORDS);
  const [wanted, setWanted] = useState({ user, address });
  return (
    <search>
      <form
        class="calls-search"
        onSubmit={(event) => {
          event.preventDefault();
          navigate(pathOf({ user: wanted.user.trim(), address: wanted.address.trim() }));
        }}
      >
        <TextField label={words.user} value={wanted.user} onInput={(next) => setWanted({ ...wanted, user: next })} />
        <TextField
          label={words.address}
          value={wanted.address}
          onInput={(next) => setWanted({ ...wanted, address: next })}
        />
        <button type="submit">{words.search}</button>
      </form>
    </search>
  );
}

function CallTable({ calls, isSearch }: { calls: ReturnType<typeof useResource<Call[]>>; isSearch: boolean }) {
  const words = useWords(WORDS);
  const language = useLanguage();
  const { columns } = words;
  return (
    <DataTable
      label={words.title}
      resource={calls}
      rows={calls.data ?? []}
      keyOf={({ id }) => id}
      empty={isSearch ? <NoMatch /> : <None />}
      columns={[
        {
          title: columns.user,
          cell: ({ user, startedAt }) => (
            <Link to={`/traces?${new URLSearchParams({ user, at: startedAt })}`}>{user || words.noName}</Link>
          ),
        },
        { title: columns.address, cell: ({ address }) => address },
        {
          title: columns.peer,
          cell: ({ peerAddress, role }) => (
            <>
              {peerAddress} <span class="quiet small">{ROLES[role]}</span>
            </>
          ),
        },
        { title: columns.caller, cell: ({ callingNumber }) => callingNumber },
        { title: columns.began, cell: ({ startedAt }) => <span class="one-line">{time(startedAt, language)}</span> },
        { title: columns.lasted, isNumber: true, cell: lasted },
        {
          title: columns.octets,
          isNumber: true,
          cell: ({ receivedOctets, sentOctets }) =>
            `${octets(receivedOctets, language)}, ${octets(sentOctets, language)}`,
        },
        { title: columns.cause, cell: ({ cause }) => cause },
      ]}
    />
  );
}

const lasted = ({ startedAt, endedAt }: Call): string => duration((Date.parse(endedAt) - Date.parse(startedAt)) / 1000);

function None() {
  const words = useWords(WORDS);
  return (
    <>
      <p>
        <strong>{words.none}</strong> {words.noneHint}
      </p>
      <Link class="button" to="/sessions">
        {words.toSessions}
      </Link>
    </>
  );
}

function NoMatch() {
  const words = useWords(WORDS);
  return (
    <>
      <p>{words.noMatch}</p>
      <Link class="button" to="/calls">
        {words.clear}
      </Link>
    </>
  );
}
