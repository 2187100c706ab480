/** The trace of one call as a ladder: read again while the call goes on, joined with what other boxes saw of it. */
import { useRef, useState } from 'preact/hooks';
import type { CallTrace, Ladder } from '../../../firmware/api/traces.js';
import { ApiError, part, post } from '../../api/client.js';
import { useResource } from '../../api/resource.js';
import { time } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import { Link } from '../../app/router.js';
import { ErrorNotice, Notice } from '../../parts/notice.js';
import { userOf } from './ladder-layout.js';
import { LadderSteps } from './ladder-steps.js';
import { summary } from './summary-words.js';
import './traces.css';

const WORDS = {
  en: {
    all: 'All traces',
    loading: 'Loading …',
    title: (user: string) => `Call of ${user}`,
    noName: 'a user without a name',
    gone: 'There is no trace of this call. It is no longer kept, or never was.',
    boxes: 'Seen by',
    sources: { here: 'this box', peer: 'joined from there', import: 'from a file' },
    alone:
      'Only this box has told what it saw. The other one can be asked by itself when it is set as a trace peer, or its trace file can be opened here.',
    toPeers: 'Trace peers',
    joinProblem: 'What the other box saw could not be had:',
    open: 'Open trace file of the other box',
    save: 'Save trace file',
    close: 'Without the file',
    noTrace: 'This file is no trace of a call that such a box has written.',
    live: 'The call goes on; new messages appear by themselves.',
    began: (at: string) => `began ${at}`,
  },
  de: {
    all: 'Alle Traces',
    loading: 'Lädt …',
    title: (user: string) => `Anruf von ${user}`,
    noName: 'einem Benutzer ohne Namen',
    gone: 'Von diesem Anruf gibt es keinen Trace. Er wird nicht mehr aufgehoben, oder es gab ihn nie.',
    boxes: 'Gesehen von',
    sources: { here: 'dieses Gerät', peer: 'von dort geholt', import: 'aus einer Datei' },
    alone:
      'Nur dieses Gerät hat erzählt, was es sah. Das andere wird von selbst gefragt, wenn es als Trace-Partner eingetragen ist; oder öffnen Sie hier seine Trace-Datei.',
    toPeers: 'Trace-Partner',
    joinProblem: 'Was das andere Gerät sah, war nicht zu bekommen:',
    open: 'Trace-Datei des anderen Geräts öffnen',
    save: 'Trace-Datei sichern',
    close: 'Ohne die Datei',
    noTrace: 'Diese Datei ist kein Trace eines Anrufs, den ein solches Gerät geschrieben hat.',
    live: 'Der Anruf läuft; neue Nachrichten erscheinen von selbst.',
    began: (at: string) => `Beginn ${at}`,
  },
};
const EVERY_MS = 2000;
const OVER = ['ended', 'failed'];

export function TraceLadder({ traceId }: { traceId: string }) {
  const words = useWords(WORDS);
  const [isOver, setOver] = useState(false);
  const [imported, setImported] = useState<Ladder>();
  const [error, setError] = useState<unknown>();
  const isRead = !isOver && imported === undefined;
  const path = `/traces/${part(traceId)}/ladder`;
  const resource = useResource<Ladder>(path, { every_ms: isRead ? EVERY_MS : 0 });
  const ladder = imported ?? resource.data;
  if (resource.data !== undefined && !isOver && OVER.includes(resource.data.outcome)) setOver(true);
  const open = (file: File) => {
    setError(undefined);
    readTrace(file)
      .then((trace) => post<Ladder>(path, { imported: trace }))
      .then(setImported, setError)
      // What came of it stands on top.
      .finally(() => scrollTo(0, 0));
  };
  if (ladder === undefined) return <Missing error={resource.error} />;
  return (
    <>
      <div>
        <Link to="/traces">{words.all}</Link>
        <Head ladder={ladder} onOpen={open} />
      </div>
      <ImportError error={error} />
      <Notice kind={ladder.outcome === 'failed' ? 'bad' : ladder.outcome === 'up' ? 'good' : 'info'}>
        <Summary ladder={ladder} />
      </Notice>
      <Boxes ladder={ladder} onClose={imported && (() => setImported(undefined))} />
      <LadderSteps ladder={ladder} />
      {isRead && <p class="quiet small">{words.live}</p>}
    </>
  );
}

/** What is no JSON is refused as the box refuses what is no trace. */
async function readTrace(file: File): Promise<unknown> {
  try {
    return JSON.parse(await file.text());
  } catch {
    throw new ApiError(422, { title: file.name });
  }
}

function ImportError({ error }: { error: unknown }) {
  const words = useWords(WORDS);
  if (!(error instanceof ApiError) || error.status !== 422) return <ErrorNotice error={error} />;
  const [first] = error.problems;
  return (
    <Notice kind="bad">
      <p>{words.noTrace}</p>
      {first !== undefined && (
        <p class="small">
          <code>{first.field}</code> {first.reason}
        </p>
      )}
    </Notice>
  );
}

function Missing({ error }: { error: ApiError | undefined }) {
  const words = useWords(WORDS);
  if (error === undefined) return <p class="quiet">{words.loading}</p>;
  if (error.status !== 404) return <ErrorNotice error={error} />;
  return (
    <section class="empty">
      <h1>{words.gone}</h1>
      <Link class="button" to="/traces">
        {words.all}
      </Link>
    </section>
  );
}

function Head({ ladder, onOpen }: { ladder: Ladder; onOpen(file: File): void }) {
  const words = useWords(WORDS);
  const language = useLanguage();
  const input = useRef<HTMLInputElement>(null);
  return (
    <div class="page-head">
      <div>
        <h1>{words.title(userOf(ladder) || words.noName)}</h1>
        <p class="quiet">{words.began(time(ladder.startedAt, language))}</p>
      </div>
      <div class="actions">
        <a
          class="button"
          href={`/api/v1/traces/${part(ladder.traceId)}/export`}
          download={`trace-${ladder.traceId}.json`}
        >
          {words.save}
        </a>
        <button type="button" onClick={() => input.current?.click()}>
          {words.open}
        </button>
        <input
          ref={input}
          type="file"
          accept=".json,application/json"
          hidden
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            event.currentTarget.value = '';
            if (file) onOpen(file);
          }}
        />
      </div>
    </div>
  );
}

function Summary({ ladder }: { ladder: Ladder }) {
  const language = useLanguage();
  return (
    <p>
      <strong>{summary(ladder, language)}</strong>
    </p>
  );
}

function Boxes({ ladder, onClose }: { ladder: Ladder; onClose: (() => void) | undefined }) {
  const words = useWords(WORDS);
  const { boxes, joinProblem } = ladder;
  return (
    <div class="boxes">
      <p>
        <span class="quiet">{words.boxes}</span>{' '}
        {boxes.map(({ name, role, source }, at) => (
          <span key={`${name} ${source}`}>
            {at > 0 && ', '}
            <strong>{name}</strong> ({roleName(role)}, {words.sources[source]})
          </span>
        ))}
        {onClose !== undefined && (
          <>
            {' '}
            <button type="button" class="quiet-button" onClick={onClose}>
              {words.close}
            </button>
          </>
        )}
      </p>
      {joinProblem !== '' && (
        <p>
          {words.joinProblem} {joinProblem}
        </p>
      )}
      {boxes.length < 2 && ladder.lanes.includes('lac') && ladder.lanes.includes('lns') && (
        <p class="quiet small">
          {words.alone} <Link to="/trace-peers">{words.toPeers}</Link>
        </p>
      )}
    </div>
  );
}

const roleName = (role: CallTrace['role']): string => (role === 'lac-client' ? 'Client' : role.toUpperCase());
