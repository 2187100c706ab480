/** All calls that live, searched and sorted at once, kept up by what the box tells. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { SessionsEvent } from '../../../firmware/api/events.js';
import type { SessionList, SessionRow } from '../../../firmware/api/session-list.js';
import { useEvent } from '../../api/events.js';
import { useResource } from '../../api/resource.js';

import { count, octets, since } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import type { Language } from '../../app/languages.js';
import { Link, navigate, useLocation } from '../../app/router.js';
import { Badge } from '../../parts/badge.js';
import { ErrorNotice } from '../../parts/notice.js';
import { type VirtualColumn, VirtualTable } from '../../parts/virtual-table.js';
import { ROLES, stateKind } from './role-words.js';
import { type Order, SessionTable, type SortKey } from './session-table.js';
import './sessions.css';

const WORDS = {
  en: {
    title: 'Sessions',
    loading: 'Loading …',
    search: 'Search',
    searchHint: 'user, address, caller, peer, tunnel',
    sort: 'Sort by',
    of: (shown: string, all: string) => {
      const words = all === '1' ? 'session' : 'sessions';
      return shown === all ? `${all} ${words}` : `${shown} of ${all} ${words}`;
    },
    noName: 'no name yet',
    none: 'No call is up.',
    noneHint: 'Calls appear here by themselves. The call trace shows those that failed, and why.',
    toTraces: 'To the call trace',
    noMatch: 'No session matches this search.',
    clear: 'Clear the search',
    columns: {
      user: 'User',
      address: 'Address',
      callingNumber: 'Caller',
      peerAddress: 'Peer',
      tunnelId: 'Tunnel',
      state: 'State',
      since: 'Up for',
      octets: 'Received, sent',
    },
  },
  de: {
    title: 'Sitzungen',
    loading: 'Lädt …',
    search: 'Suche',
    searchHint: 'Benutzer, Adresse, Anrufer, Gegenstelle, Tunnel',
    sort: 'Sortiert nach',
    of: (shown: string, all: string) => {
      const words = all === '1' ? 'Sitzung' : 'Sitzungen';
      return shown === all ? `${all} ${words}` : `${shown} von ${all} ${words}`;
    },
    noName: 'noch ohne Namen',
    none: 'Kein Anruf steht.',
    noneHint: 'Anrufe erscheinen hier von selbst. Der Anruf-Trace zeigt die gescheiterten und woran es lag.',
    toTraces: 'Zum Anruf-Trace',
    noMatch: 'Keine Sitzung passt zu dieser Suche.',
    clear: 'Suche leeren',
    columns: {
      user: 'Benutzer',
      address: 'Adresse',
      callingNumber: 'Anrufer',
      peerAddress: 'Gegenstelle',
      tunnelId: 'Tunnel',
      state: 'Zustand',
      since: 'Steht seit',
      octets: 'Empf., gesendet',
    },
  },
};
type ListWords = (typeof WORDS)['en'];
const COUNTERS_EVERY_MS = 10_000;
const SORT_KEYS: readonly SortKey[] = [
  ...(['user', 'address', 'callingNumber', 'peerAddress', 'tunnelId', 'state', 'since', 'octets'] as const),
];

export function SessionListView() {
  const words = useWords(WORDS);
  const language = useLanguage();
  const { query } = useLocation();
  const search = query.get('q') ?? '';
  const [order, setOrder] = useState<Order>({ by: 'since', isDown: false });
  const { table, version, list } = useSessions();
  const rows = useMemo(() => table.rows(search, order), [table, version, search, order]);
  const columns = useMemo(() => columnsOf(words, language), [words, language]);
  const sortBy = (by: SortKey) =>
    setOrder((before) => ({
      by,
      // Of data, one looks for those who have the most.
      isDown: before.by === by ? !before.isDown : by === 'octets',
    }));
  const look = (text: string) =>
    navigate(text === '' ? '/sessions' : `/sessions?q=${encodeURIComponent(text)}`, { replace: true });
  const [shown, all] = [count(rows.length, language), count(table.size, language)];
  return (
    <>
      <div class="page-head">
        <h1>{words.title}</h1>
        {list.data !== undefined && <p class="quiet">{words.of(shown, all)}</p>}
      </div>
      <div class="search-bar">
        <label>
          <span class="unseen">{words.search}</span>
          <input
            type="search"
            value={search}
            placeholder={`${words.search}: ${words.searchHint}`}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => look(event.currentTarget.value)}
          />
        </label>
        <label class="phone-only">
          <span class="unseen">{words.sort}</span>
          <select value={order.by} onChange={(event) => sortBy(event.currentTarget.value as SortKey)}>
            {SORT_KEYS.map((key) => (
              <option key={key} value={key}>
                {words.columns[key]}
              </option>
            ))}
          </select>
        </label>
      </div>
      <p class="unseen" role="status">
        {search !== '' && words.of(shown, all)}
      </p>
      {list.data === undefined ? (
        <Waiting error={list.error} words={words} />
      ) : rows.length === 0 ? (
        <Empty isSearch={table.size > 0} words={words} onClear={() => look('')} />
      ) : (
        <VirtualTable
          label={words.title}
          class="sessions"
          rows={rows}
          columns={columns}
          keyOf={({ callId }) => callId}
          order={order}
          onSort={sortBy}
        />
      )}
    </>
  );
}

/**
 * Events tell who comes and goes; counters are in the list alone. `version` grows with the changes of the table, which stays
 * the same object: once a frame at most, for a page that comes back into view gets many events at once.
 */
function useSessions() {
  const list = useResource<SessionList>('/session-list', { every_ms: COUNTERS_EVERY_MS });
  const table = useRef<SessionTable>(undefined);
  table.current ??= new SessionTable();
  const [version, setVersion] = useState(0);
  const filled = useRef<SessionList>(undefined);
  if (list.data !== undefined && list.data !== filled.current) {
    table.current.fill(list.data);
    filled.current = list.data;
  }
  useEffect(() => setVersion((before) => before + 1), [list.data]);
  const frame = useRef(0);
  useEffect(() => () => cancelAnimationFrame(frame.current), []);
  useEvent<SessionsEvent>('sessions', (event) => {
    table.current!.apply(event);
    frame.current ||= requestAnimationFrame(() => {
      frame.current = 0;
      setVersion((before) => before + 1);
    });
  });
  useEvent('resync', list.reload);
  return { table: table.current, version, list };
}

function Waiting({ error, words }: { error: unknown; words: ListWords }) {
  return error === undefined ? <p class="quiet">{words.loading}</p> : <ErrorNotice error={error} />;
}

function Empty({ isSearch, words, onClear }: { isSearch: boolean; words: ListWords; onClear(): void }) {
  if (isSearch) {
    return (
      <div class="empty">
        <p>{words.noMatch}</p>
        <button type="button" onClick={onClear}>
          {words.clear}
        </button>
      </div>
    );
  }
  return (
    <div class="empty">
      <p>
        <strong>{words.none}</strong> {words.noneHint}
      </p>
      <Link class="button" to="/traces">
        {words.toTraces}
      </Link>
    </div>
  );
}

function columnsOf(words: ListWords, language: Language): VirtualColumn<SessionRow, SortKey>[] {
  const { columns } = words;
  return [
    {
      name: 'user',
      title: columns.user,
      sortKey: 'user',
      cell: ({ sessionId, user }) => <Link to={`/sessions/${sessionId}`}>{user || words.noName}</Link>,
    },
    { name: 'address', title: columns.address, sortKey: 'address', cell: ({ address }) => address },
    { name: 'caller', title: columns.callingNumber, sortKey: 'callingNumber', cell: (row) => row.callingNumber },
    { name: 'peer', title: columns.peerAddress, sortKey: 'peerAddress', cell: ({ peerAddress }) => peerAddress },
    {
      name: 'tunnel',
      title: columns.tunnelId,
      sortKey: 'tunnelId',
      isNumber: true,
      cell: ({ tunnelId }) => tunnelId > 0 && <Link to={`/tunnels/${tunnelId}`}>{String(tunnelId)}</Link>,
    },
    {
      name: 'state',
      title: columns.state,
      sortKey: 'state',
      cell: ({ state, role }) => (
        <>
          <Badge kind={stateKind(state)}>{state}</Badge> <span class="quiet small">{ROLES[role]}</span>
        </>
      ),
    },
    { name: 'since', title: columns.since, sortKey: 'since', isNumber: true, cell: (row) => since(row.since) },
    {
      name: 'octets',
      title: columns.octets,
      sortKey: 'octets',
      isNumber: true,
      cell: ({ receivedOctets, sentOctets }) => `${octets(receivedOctets, language)}, ${octets(sentOctets, language)}`,
    },
  ];
}
