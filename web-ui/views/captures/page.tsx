/** Captures of packets: begin one for a user, session or tunnel, stop it, take its file to Wireshark. */
import { useState } from 'preact/hooks';
import type { Capture } from '../../../firmware/api/captures.js';
import { type ApiError, part, post, remove } from '../../api/client.js';
import { useResource } from '../../api/resource.js';
import { useIsAdmin } from '../../app/account.js';
import { count, octets, time } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import { Badge } from '../../parts/badge.js';
import { DataTable } from '../../parts/data-table.js';
import { Confirm } from '../../parts/dialog.js';
import { ErrorNotice } from '../../parts/notice.js';
import { NewCapture } from './new-capture.js';
import './captures.css';

const WORDS = {
  en: {
    title: 'Capture',
    intro:
      'Packets of one user, session or tunnel as they pass, in a ring in memory: when it is full, the oldest go. Wireshark opens the file, with L2TP and PPP dissected.',
    list: 'Captures',
    none: 'There is no capture yet.',
    noneHint: 'Begin one above: it may be begun before the user calls.',
    viewerHint: 'An administrator can begin one.',
    columns: {
      of: 'Of',
      state: 'State',
      began: 'Began',
      packets: 'Packets',
      octets: 'Octets',
      lost: 'Overwritten',
      secrets: 'Secrets',
      actions: 'Actions',
    },
    filters: {
      sessionId: (id: number) => `session ${id}`,
      tunnelId: (id: number) => `tunnel ${id}`,
      user: (name: string) => `user ${name}`,
    },
    states: { running: 'running', stopped: 'stopped' },
    waits: 'waits for a call',
    without: 'left out',
    with: 'in it',
    stop: 'Stop',
    file: 'Download',
    remove: 'Delete',
    askTitle: 'Delete this capture?',
    ask: 'Its packets are gone then.',
  },
  de: {
    title: 'Mitschnitt',
    intro:
      'Die Pakete eines Benutzers, einer Sitzung oder eines Tunnels, wie sie durchlaufen, in einem Ring im Speicher: Ist er voll, gehen die ältesten. Wireshark öffnet die Datei und zerlegt L2TP und PPP.',
    list: 'Mitschnitte',
    none: 'Es gibt noch keinen Mitschnitt.',
    noneHint: 'Beginnen Sie oben einen: auch schon, bevor der Benutzer anruft.',
    viewerHint: 'Ein Administrator kann einen beginnen.',
    columns: {
      of: 'Von',
      state: 'Zustand',
      began: 'Beginn',
      packets: 'Pakete',
      octets: 'Oktette',
      lost: 'Überschrieben',
      secrets: 'Geheimnisse',
      actions: 'Aktionen',
    },
    filters: {
      sessionId: (id: number) => `Sitzung ${id}`,
      tunnelId: (id: number) => `Tunnel ${id}`,
      user: (name: string) => `Benutzer ${name}`,
    },
    states: { running: 'läuft', stopped: 'angehalten' },
    waits: 'wartet auf einen Anruf',
    without: 'weggelassen',
    with: 'enthalten',
    stop: 'Anhalten',
    file: 'Herunterladen',
    remove: 'Löschen',
    askTitle: 'Diesen Mitschnitt löschen?',
    ask: 'Seine Pakete sind dann fort.',
  },
};
const EVERY_MS = 2000;

export default function CapturesPage() {
  const words = useWords(WORDS);
  const isAdmin = useIsAdmin();
  const captures = useResource<Capture[]>('/captures', { every_ms: EVERY_MS });
  const [error, setError] = useState<ApiError>();
  const [asked, setAsked] = useState<Capture>();
  const after = (done: Promise<unknown>) => {
    setError(undefined);
    done.catch(setError).finally(captures.reload);
  };
  return (
    <>
      <header>
        <h1>{words.title}</h1>
        <p class="quiet">{words.intro}</p>
      </header>
      {isAdmin && <NewCapture onBegun={captures.reload} />}
      <ErrorNotice error={error} />
      <CaptureTable
        captures={captures}
        onStop={({ id }) => after(post(`/captures/${part(id)}/stop`))}
        onRemove={setAsked}
      />
      {asked !== undefined && (
        <Confirm
          title={words.askTitle}
          action={words.remove}
          onClose={() => setAsked(undefined)}
          onConfirm={() => {
            setAsked(undefined);
            after(remove(`/captures/${part(asked.id)}`));
          }}
        >
          <p>{words.ask}</p>
        </Confirm>
      )}
    </>
  );
}

interface CaptureTableProps {
  captures: ReturnType<typeof useResource<Capture[]>>;
  onStop(capture: Capture): void;
  onRemove(capture: Capture): void;
}

function CaptureTable({ captures, onStop, onRemove }: CaptureTableProps) {
  const words = useWords(WORDS);
  const language = useLanguage();
  const isAdmin = useIsAdmin();
  const { columns } = words;
  return (
    <DataTable
      label={words.list}
      resource={captures}
      rows={captures.data ?? []}
      keyOf={({ id }) => id}
      empty={
        <p>
          <strong>{words.none}</strong> {isAdmin ? words.noneHint : words.viewerHint}
        </p>
      }
      columns={[
        { title: columns.of, cell: (capture) => filterWords(capture, words) },
        { title: columns.state, cell: (capture) => <State capture={capture} /> },
        { title: columns.began, cell: ({ startedAt }) => <span class="one-line">{time(startedAt, language)}</span> },
        { title: columns.packets, isNumber: true, cell: ({ packets }) => count(packets, language) },
        { title: columns.octets, isNumber: true, cell: (capture) => octets(capture.octets, language) },
        { title: columns.lost, isNumber: true, cell: ({ overwritten }) => count(overwritten, language) },
        { title: columns.secrets, cell: ({ withoutSecrets }) => (withoutSecrets ? words.without : words.with) },
        {
          title: columns.actions,
          cell: (capture) => (
            <div class="capture-actions">
              {(isAdmin || capture.withoutSecrets) && (
                <a
                  class="button"
                  href={`/api/v1/captures/${capture.id}/file`}
                  download={`capture-${capture.id}.pcapng`}
                >
                  {words.file}
                </a>
              )}
              {isAdmin && capture.state === 'running' && (
                <button type="button" onClick={() => onStop(capture)}>
                  {words.stop}
                </button>
              )}
              {isAdmin && (
                <button type="button" class="danger" onClick={() => onRemove(capture)}>
                  {words.remove}
                </button>
              )}
            </div>
          ),
        },
      ]}
    />
  );
}

function State({ capture: { state, sessions } }: { capture: Capture }) {
  const words = useWords(WORDS);
  const isWaiting = state === 'running' && sessions === 0;
  return (
    <>
      <Badge kind={state === 'running' ? 'good' : 'plain'}>{words.states[state]}</Badge>{' '}
      {isWaiting && <span class="quiet small">{words.waits}</span>}
    </>
  );
}

function filterWords({ filter }: Capture, { filters }: (typeof WORDS)['en']): string {
  if (filter.sessionId !== undefined) return filters.sessionId(filter.sessionId);
  if (filter.tunnelId !== undefined) return filters.tunnelId(filter.tunnelId);
  return filters.user(filter.user ?? '');
}
