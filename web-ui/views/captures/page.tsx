/** Captures of packets: begin one for a user, session or tunnel, stop it, take its file to Wireshark. */
import { useState } from 'preact/hooks';
import type { Capture } from '../../../firmware/api/captures.js';
import { type ApiError, part, post, remove } from '../../api/client.js';
import { useResource } from '../../api/resource.js';
import { useIsAdmin } from '../../app/account.js';
import { count, octets, time } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import { Badge } from '../../parts/badge.js';
import { Confirm } from '../../parts/dialog.js';
import { ErrorNotice } from '../../parts/notice.js';
import { Pairs } from '../../parts/pairs.js';
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
    loading: 'Loading …',
    names: {
      began: 'Began',
      packets: 'Packets',
      lost: 'Overwritten',
      ring: 'Ring',
      secrets: 'Secrets',
      payload: "Users' data",
    },
    filters: {
      sessionId: (id: number) => `Session ${id}`,
      tunnelId: (id: number) => `Tunnel ${id}`,
      user: (name: string) => `User ${name}`,
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
    loading: 'Lädt …',
    names: {
      began: 'Beginn',
      packets: 'Pakete',
      lost: 'Überschrieben',
      ring: 'Ring',
      secrets: 'Geheimnisse',
      payload: 'Daten der Benutzer',
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
      <CaptureList
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

interface CaptureListProps {
  captures: ReturnType<typeof useResource<Capture[]>>;
  onStop(capture: Capture): void;
  onRemove(capture: Capture): void;
}

function CaptureList({ captures, onStop, onRemove }: CaptureListProps) {
  const words = useWords(WORDS);
  const isAdmin = useIsAdmin();
  if (captures.data === undefined && captures.error) return <ErrorNotice error={captures.error} />;
  if (captures.data === undefined) return <p class="quiet">{words.loading}</p>;
  if (captures.data.length === 0) {
    return (
      <div class="empty">
        <p>
          <strong>{words.none}</strong> {isAdmin ? words.noneHint : words.viewerHint}
        </p>
      </div>
    );
  }
  return (
    <ul class="columns capture-list" aria-label={words.list}>
      {captures.data.map((capture) => (
        <CaptureCard key={capture.id} capture={capture} onStop={onStop} onRemove={onRemove} />
      ))}
    </ul>
  );
}

function CaptureCard({ capture, onStop, onRemove }: Omit<CaptureListProps, 'captures'> & { capture: Capture }) {
  const words = useWords(WORDS);
  const language = useLanguage();
  const isAdmin = useIsAdmin();
  const { names } = words;
  const { id, packets, overwritten, withoutSecrets } = capture;
  return (
    <li class="card">
      <div class="row">
        <h2>{filterWords(capture, words)}</h2>
        <State capture={capture} />
      </div>
      <Pairs
        pairs={[
          [names.began, time(capture.startedAt, language)],
          [names.packets, `${count(packets, language)} (${octets(capture.octets, language)})`],
          [names.lost, overwritten > 0 ? count(overwritten, language) : ''],
          [names.ring, octets(capture.size_bytes, language)],
          [names.secrets, withoutSecrets ? words.without : words.with],
          [names.payload, capture.withoutPayload ? words.without : ''],
        ]}
      />
      <div class="actions">
        {(isAdmin || withoutSecrets) && (
          <a class="button" href={`/api/v1/captures/${id}/file`} download={`capture-${id}.pcapng`}>
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
    </li>
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
