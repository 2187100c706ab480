/** The calls of which there is a trace, the newest first, in pages. */
import { useEffect, useState } from 'preact/hooks';
import type { CallTrace } from '../../../firmware/api/traces.js';
import { useResource } from '../../api/resource.js';
import { time } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import { Link, navigate, useLocation } from '../../app/router.js';
import { Badge, type BadgeKind } from '../../parts/badge.js';
import { DataTable } from '../../parts/data-table.js';
import { TextField } from '../../parts/form.js';
import { Notice } from '../../parts/notice.js';
import { ROLES } from '../sessions/role-words.js';
import { failureText } from './failure-words.js';
import { userOf } from './ladder-layout.js';
import { StepStrip } from './step-strip.js';
import './traces.css';

const WORDS = {
  en: {
    title: 'Call trace',
    intro: 'What passed between PC, LAC, RADIUS and LNS: the last calls, and all that failed.',
    user: 'User, address or caller',
    search: 'Search',
    onlyFailed: 'Only failed calls',
    notKept: 'The trace of this call is no longer kept. These are the others of this user.',
    none: 'No call has been made yet.',
    noneHint: 'Each call that is made to this box or by it appears here with all its steps, also when it fails.',
    noMatch: 'There is no trace of such a call.',
    clear: 'Show all',
    older: 'Older calls',
    newest: 'To the newest',
    noName: 'no name',
    columns: {
      user: 'User',
      began: 'Began',
      outcome: 'Outcome',
      steps: 'Steps',
      why: 'Why',
      peer: 'Peer, caller',
    },
    outcomes: { 'in-progress': 'under way', up: 'up', ended: 'ended', failed: 'failed' },
  },
  de: {
    title: 'Anruf-Trace',
    intro: 'Was zwischen PC, LAC, RADIUS und LNS geschah: die letzten Anrufe und alle gescheiterten.',
    user: 'Benutzer, Adresse oder Anrufer',
    search: 'Suchen',
    onlyFailed: 'Nur gescheiterte Anrufe',
    notKept: 'Der Trace dieses Anrufs wird nicht mehr aufgehoben. Das sind die anderen dieses Benutzers.',
    none: 'Noch gab es keinen Anruf.',
    noneHint: 'Jeder Anruf zu diesem Gerät oder von ihm erscheint hier mit allen Schritten, auch wenn er scheitert.',
    noMatch: 'Von einem solchen Anruf gibt es keinen Trace.',
    clear: 'Alle zeigen',
    older: 'Ältere Anrufe',
    newest: 'Zu den neuesten',
    noName: 'ohne Namen',
    columns: {
      user: 'Benutzer',
      began: 'Beginn',
      outcome: 'Ausgang',
      steps: 'Schritte',
      why: 'Warum',
      peer: 'Gegenstelle, Anrufer',
    },
    outcomes: { 'in-progress': 'im Gang', up: 'steht', ended: 'beendet', failed: 'gescheitert' },
  },
};
const OUTCOME_KINDS: Readonly<Record<CallTrace['outcome'], BadgeKind>> = {
  'in-progress': 'info',
  up: 'good',
  ended: 'plain',
  failed: 'bad',
};
const PAGE_CALLS = 50;
const EVERY_MS = 3000;
/** The times at which history and trace say that a call began may be that far apart. */
const SAME_CALL_MS = 2000;

interface Wanted {
  user: string;
  outcome: string;
}

/**
 * What is shown stands in the address bar: user, outcome, before. `call` (callId) or `at` (when it began) name one call:
 * whoever comes with them is led on to its trace.
 */
export function TraceList() {
  const words = useWords(WORDS);
  const { query } = useLocation();
  const asked = new URLSearchParams({ limit: String(PAGE_CALLS) });
  for (const name of ['user', 'outcome', 'before']) if (query.get(name)) asked.set(name, query.get(name)!);
  const isNewest = query.get('before') === null;
  const calls = useResource<CallTrace[]>(`/traces?${asked}`, { every_ms: isNewest ? EVERY_MS : 0 });
  const wanted = { user: query.get('user') ?? '', outcome: query.get('outcome') ?? '' };
  const isMissing = useLeadOn(calls.data, query);
  const oldest = calls.data?.at(-1);
  return (
    <>
      <header>
        <h1>{words.title}</h1>
        <p class="quiet">{words.intro}</p>
      </header>
      {isMissing && <Notice>{words.notKept}</Notice>}
      <Search key={wanted.user} wanted={wanted} />
      <CallTable calls={calls} isSearch={wanted.user !== '' || wanted.outcome !== ''} />
      <div class="actions">
        {calls.data?.length === PAGE_CALLS && oldest !== undefined && (
          <Link class="button" to={pathOf({ ...wanted, before: oldest.traceId })}>
            {words.older}
          </Link>
        )}
        {!isNewest && (
          <Link class="button" to={pathOf(wanted)}>
            {words.newest}
          </Link>
        )}
      </div>
    </>
  );
}

function pathOf(wanted: Wanted & { before?: string }): string {
  const query = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value !== ''));
  return query.size === 0 ? '/traces' : `/traces?${query}`;
}

/** Answers whether a call was named of which there is no trace. */
function useLeadOn(calls: CallTrace[] | undefined, query: URLSearchParams): boolean {
  const [callId, at] = [Number(query.get('call') ?? 0), Date.parse(query.get('at') ?? '')];
  const isNamed = callId > 0 || !Number.isNaN(at);
  const found = calls?.find((call) =>
    callId > 0 ? call.callId === callId : Math.abs(Date.parse(call.startedAt) - at) < SAME_CALL_MS,
  );
  const traceId = isNamed ? found?.traceId : undefined;
  useEffect(() => {
    if (traceId !== undefined) navigate(`/traces/${encodeURIComponent(traceId)}`, { replace: true });
  }, [traceId]);
  return isNamed && calls !== undefined && found === undefined;
}

function Search({ wanted }: { wanted: Wanted }) {
  const words = useWords(WORDS);
  const [user, setUser] = useState(wanted.user);
  return (
    <search>
      <form
        class="traces-search"
        onSubmit={(event) => {
          event.preventDefault();
          navigate(pathOf({ ...wanted, user: user.trim() }));
        }}
      >
        <TextField label={words.user} value={user} onInput={setUser} />
        <button type="submit">{words.search}</button>
        <label class="row">
          <input
            type="checkbox"
            checked={wanted.outcome === 'failed'}
            onChange={(event) => navigate(pathOf({ ...wanted, outcome: event.currentTarget.checked ? 'failed' : '' }))}
          />
          {words.onlyFailed}
        </label>
      </form>
    </search>
  );
}

function CallTable({ calls, isSearch }: { calls: ReturnType<typeof useResource<CallTrace[]>>; isSearch: boolean }) {
  const words = useWords(WORDS);
  const language = useLanguage();
  const { columns } = words;
  return (
    <DataTable
      label={words.title}
      resource={calls}
      rows={calls.data ?? []}
      keyOf={({ traceId }) => traceId}
      empty={
        isSearch ? (
          <NoMatch />
        ) : (
          <p>
            <strong>{words.none}</strong> {words.noneHint}
          </p>
        )
      }
      columns={[
        {
          title: columns.user,
          cell: (call) => (
            <Link to={`/traces/${encodeURIComponent(call.traceId)}`}>{userOf(call) || words.noName}</Link>
          ),
        },
        {
          title: columns.outcome,
          cell: ({ outcome }) => <Badge kind={OUTCOME_KINDS[outcome]}>{words.outcomes[outcome]}</Badge>,
        },
        { title: columns.began, cell: ({ startedAt }) => <span class="one-line">{time(startedAt, language)}</span> },
        { title: columns.steps, cell: ({ steps, failure }) => <StepStrip steps={steps} failed={failure?.step ?? 0} /> },
        {
          title: columns.why,
          cell: ({ failure }) => failure !== null && <span class="why">{failureText(failure, language)}</span>,
        },
        {
          title: columns.peer,
          cell: ({ peerAddress, role, callingNumber }) => (
            <>
              {peerAddress} <span class="quiet small">{ROLES[role] ?? role}</span>
              <br />
              {callingNumber}
            </>
          ),
        },
      ]}
    />
  );
}

function NoMatch() {
  const words = useWords(WORDS);
  return (
    <>
      <p>{words.noMatch}</p>
      <Link class="button" to="/traces">
        {words.clear}
      </Link>
    </>
  );
}
