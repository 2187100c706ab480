/** The image that runs: its slots, an update by file, the reboot, and the way back to factory settings. */
import { useState } from 'preact/hooks';
import type { UpdateStatus } from '../../../firmware/api/update.js';
import { useAction } from '../../api/action.js';
import { post, put } from '../../api/client.js';
import { type Resource, useResource } from '../../api/resource.js';
import { useIsAdmin } from '../../app/account.js';
import { useWords } from '../../app/language.js';
import { Badge } from '../../parts/badge.js';
import { DataTable } from '../../parts/data-table.js';
import { Confirm } from '../../parts/dialog.js';
import { Field, Form, TextField, TickField } from '../../parts/form.js';
import { ErrorNotice, Notice } from '../../parts/notice.js';

const WORDS = {
  en: {
    loading: 'Loading …',
    title: 'Update',
    runs: (board: string, version: string) => `This box (${board}) runs version ${version}.`,
    proved: 'It has been found to work since it was started.',
    unproved:
      'It has not been found to work yet. Should it not be within three starts, the box goes back to the other slot by itself.',
    how: 'An update goes into the slot that does not run, and takes over with the next reboot. Settings are kept.',
    file: 'Update file',
    fileHint: 'a file that ends in .raucb, made for this board',
    older: 'The file may be of an older version',
    send: 'Send and install',
    receiving: 'The file is being sent …',
    installing: (version: string, percent: number) => `Version ${version} is being installed: ${percent} %`,
    installed: (version: string) => `Version ${version} is installed. It runs after a reboot, which ends all calls.`,
    failed: 'The last update was not installed:',
    slots: 'Slots',
    slot: 'Slot',
    version: 'Version',
    state: 'State',
    states: { good: 'good', bad: 'did not come up', empty: 'empty' },
    running: 'runs',
    tries: 'Tries left',
    reboot: 'Reboot',
    rebootAsk: 'Start the box anew?',
    rebootText: 'All calls end. The page is there again after about a minute.',
    rebooting: 'The box starts anew. Load this page again in a minute.',
    reset: 'Factory settings',
    resetText:
      'Forgets everything that is set: settings, users, accounts, leases and history. The box then starts anew and asks for a first password.',
    resetWord: 'Type RESET to do that',
    resetDo: 'Forget everything',
    viewer: 'This account may look; updates are for administrators.',
  },
  de: {
    loading: 'Lädt …',
    title: 'Update',
    runs: (board: string, version: string) => `Auf diesem Gerät (${board}) läuft Version ${version}.`,
    proved: 'Sie hat sich seit dem Start bewährt.',
    unproved:
      'Sie hat sich noch nicht bewährt. Gelingt das in drei Starts nicht, kehrt das Gerät von selbst zum anderen Slot zurück.',
    how: 'Ein Update kommt in den Slot, der nicht läuft, und übernimmt beim nächsten Neustart. Einstellungen bleiben.',
    file: 'Update-Datei',
    fileHint: 'eine Datei, die auf .raucb endet, für dieses Gerät gemacht',
    older: 'Die Datei darf von einer älteren Version sein',
    send: 'Senden und installieren',
    receiving: 'Die Datei wird gesendet …',
    installing: (version: string, percent: number) => `Version ${version} wird installiert: ${percent} %`,
    installed: (version: string) =>
      `Version ${version} ist installiert. Sie läuft nach einem Neustart, der alle Anrufe beendet.`,
    failed: 'Das letzte Update wurde nicht installiert:',
    slots: 'Slots',
    slot: 'Slot',
    version: 'Version',
    state: 'Zustand',
    states: { good: 'gut', bad: 'kam nicht hoch', empty: 'leer' },
    running: 'läuft',
    tries: 'Übrige Versuche',
    reboot: 'Neu starten',
    rebootAsk: 'Das Gerät neu starten?',
    rebootText: 'Alle Anrufe enden. Die Seite ist nach etwa einer Minute wieder da.',
    rebooting: 'Das Gerät startet neu. Laden Sie diese Seite in einer Minute wieder.',
    reset: 'Werkseinstellungen',
    resetText:
      'Vergisst alles, was eingestellt ist: Einstellungen, Benutzer, Konten, Leases und Verlauf. Dann startet das Gerät neu und fragt nach einem ersten Passwort.',
    resetWord: 'Tippen Sie dafür RESET',
    resetDo: 'Alles vergessen',
    viewer: 'Dieses Konto darf sehen; Updates sind Sache der Verwalter.',
  },
};
const EVERY_MS = 1_000;

export function UpdatePart() {
  const words = useWords(WORDS);
  const isAdmin = useIsAdmin();
  const status = useResource<UpdateStatus>('/system/update', { every_ms: EVERY_MS });
  if (status.data === undefined) {
    return status.error === undefined ? <p class="quiet">{words.loading}</p> : <ErrorNotice error={status.error} />;
  }
  return (
    <>
      <Send status={status.data} onSent={status.reload} isAdmin={isAdmin} />
      <Slots resource={status} />
      {isAdmin ? <Reboot /> : <Notice>{words.viewer}</Notice>}
      {isAdmin && <Reset />}
    </>
  );
}

function Send({ status, onSent, isAdmin }: { status: UpdateStatus; onSent(): void; isAdmin: boolean }) {
  const words = useWords(WORDS);
  const { error, isBusy, run } = useAction();
  const [file, setFile] = useState<File>();
  const [mayBeOlder, setMayBeOlder] = useState(false);
  const { update, board, version, isProved } = status;
  const isOnItsWay = isBusy || update.state === 'receiving' || update.state === 'installing';
  const send = () =>
    run(async () => {
      if (file === undefined) return;
      await put(`/system/update?older=${mayBeOlder}`, file);
      onSent();
    });
  return (
    <section class="card">
      <div>
        <h2>{words.title}</h2>
        <p>
          {words.runs(board, version)} {isProved ? words.proved : words.unproved}
        </p>
        <p class="quiet">{words.how}</p>
      </div>
      <div aria-live="polite">
        {isBusy && <p>{words.receiving}</p>}
        {update.state === 'installing' && (
          <>
            <p>{words.installing(update.version, update.progress_percent)}</p>
            <progress max={100} value={update.progress_percent} aria-label={words.title} />
          </>
        )}
        {update.state === 'installed' && <Notice kind="good">{words.installed(update.version)}</Notice>}
        {update.state === 'failed' && error === undefined && (
          <Notice kind="bad">
            {words.failed} {update.message}
          </Notice>
        )}
      </div>
      {isAdmin && (
        <Form error={error} onSubmit={() => void send()}>
          <Field label={words.file} pointer="/file" hint={words.fileHint}>
            {(field) => (
              <input
                {...field}
                type="file"
                accept=".raucb"
                required
                onChange={(event) => setFile(event.currentTarget.files?.[0])}
              />
            )}
          </Field>
          <TickField label={words.older} pointer="/older" value={mayBeOlder} onInput={setMayBeOlder} />
          <div>
            <button type="submit" class="primary" disabled={isOnItsWay || file === undefined}>
              {words.send}
            </button>
          </div>
        </Form>
      )}
    </section>
  );
}

function Slots({ resource }: { resource: Resource<UpdateStatus> }) {
  const words = useWords(WORDS);
  const { booted = '', slots = [] } = resource.data ?? {};
  const kinds = { good: 'good', bad: 'bad', empty: 'plain' } as const;
  return (
    <section class="card">
      <h2>{words.slots}</h2>
      <DataTable
        label={words.slots}
        resource={resource}
        empty=""
        rows={slots}
        keyOf={({ name }) => name}
        columns={[
          { title: words.slot, cell: ({ name }) => name },
          { title: words.version, cell: ({ version }) => version },
          {
            title: words.state,
            cell: ({ name, state }) => (
              <>
                <Badge kind={kinds[state]}>{words.states[state]}</Badge> {name === booted && words.running}
              </>
            ),
          },
          { title: words.tries, isNumber: true, cell: ({ triesLeft }) => triesLeft },
        ]}
      />
    </section>
  );
}

function Reboot() {
  const words = useWords(WORDS);
  const { error, run } = useAction();
  const [isAsking, setAsking] = useState(false);
  const [isRebooting, setRebooting] = useState(false);
  const reboot = () => {
    setAsking(false);
    void run(() => post('/system/reboot').then(() => setRebooting(true)));
  };
  return (
    <section class="card">
      <h2>{words.reboot}</h2>
      <p class="quiet">{words.rebootText}</p>
      <ErrorNotice error={error} />
      {isRebooting && <Notice kind="good">{words.rebooting}</Notice>}
      <div>
        <button type="button" onClick={() => setAsking(true)}>
          {words.reboot}
        </button>
      </div>
      {isAsking && (
        <Confirm title={words.rebootAsk} action={words.reboot} onConfirm={reboot} onClose={() => setAsking(false)}>
          <p>{words.rebootText}</p>
        </Confirm>
      )}
    </section>
  );
}

function Reset() {
  const words = useWords(WORDS);
  const { error, isBusy, run } = useAction();
  const [word, setWord] = useState('');
  const [isRebooting, setRebooting] = useState(false);
  const reset = () => run(() => post('/system/factory-reset', { confirm: word }).then(() => setRebooting(true)));
  return (
    <section class="card">
      <div>
        <h2>{words.reset}</h2>
        <p class="quiet">{words.resetText}</p>
      </div>
      {isRebooting && <Notice kind="good">{words.rebooting}</Notice>}
      <Form error={error} onSubmit={() => void reset()}>
        <TextField label={words.resetWord} pointer="/confirm" autocomplete="off" value={word} onInput={setWord} />
        <div>
          <button type="submit" class="danger" disabled={isBusy || word !== 'RESET'}>
            {words.resetDo}
          </button>
        </div>
      </Form>
    </section>
  );
}
