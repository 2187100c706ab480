/** A backup of settings, users and pools as a file, and the way back from one. */
import { useState } from 'preact/hooks';
import type { Restored } from '../../../firmware/api/backup.js';
import { useAction } from '../../api/action.js';
import { ApiError, post } from '../../api/client.js';
import { useIsAdmin } from '../../app/account.js';
import { time } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import { Confirm } from '../../parts/dialog.js';
import { Field, Form, TextField } from '../../parts/form.js';
import { Notice } from '../../parts/notice.js';
import { OperatingProblems } from '../../parts/operating-problems.js';
import { backupName, isBackup, type SealedBackup } from './backup-file.js';

const WORDS = {
  en: {
    save: 'Backup',
    saveText:
      'Settings, users and pools with their secrets, sealed by a passphrase. Accounts, tokens, calls and the certificate are not in it.',
    passphrase: 'Passphrase',
    passphraseHint: 'without it nobody can open the backup, and you neither',
    again: 'Passphrase once more',
    differs: 'is not the same as above',
    download: 'Download a backup',
    saved: (name: string) => `The backup is in your downloads: ${name}`,
    restore: 'Restore',
    restoreText:
      'Everything that is in the backup takes the place of what the box has. What does not fit is refused as a whole.',
    file: 'File of the backup',
    chosen: (name: string, at: string) => `of ${name}, made ${at}`,
    noBackup: 'is no backup of tunnelwerk; choose another file',
    missing: 'is missing',
    passphraseThen: 'Passphrase of that time',
    look: 'Restore …',
    question: (name: string, at: string) =>
      `All settings, users and pools of this box are replaced by those of ${name} from ${at}. Calls may end.`,
    replace: 'Replace everything',
    restored: 'The backup is restored and in force.',
    problems: 'The box could not do this of it:',
    viewer: 'This account may look; backups are for administrators.',
  },
  de: {
    save: 'Sicherung',
    saveText:
      'Einstellungen, Benutzer und Pools mit ihren Geheimnissen, versiegelt mit einer Passphrase. Konten, Token, Anrufe und das Zertifikat sind nicht darin.',
    passphrase: 'Passphrase',
    passphraseHint: 'ohne sie kann niemand die Sicherung öffnen, auch Sie nicht',
    again: 'Passphrase noch einmal',
    differs: 'ist nicht dieselbe wie oben',
    download: 'Sicherung herunterladen',
    saved: (name: string) => `Die Sicherung liegt bei Ihren Downloads: ${name}`,
    restore: 'Wiederherstellen',
    restoreText:
      'Alles, was in der Sicherung ist, tritt an die Stelle dessen, was das Gerät hat. Was nicht passt, wird im Ganzen abgelehnt.',
    file: 'Datei der Sicherung',
    chosen: (name: string, at: string) => `von ${name}, gemacht am ${at}`,
    noBackup: 'ist keine Sicherung von tunnelwerk; wählen Sie eine andere Datei',
    missing: 'fehlt',
    passphraseThen: 'Passphrase von damals',
    look: 'Wiederherstellen …',
    question: (name: string, at: string) =>
      `Alle Einstellungen, Benutzer und Pools dieses Geräts werden durch die von ${name} vom ${at} ersetzt. Anrufe können enden.`,
    replace: 'Alles ersetzen',
    restored: 'Die Sicherung ist wiederhergestellt und in Kraft.',
    problems: 'Das davon konnte das Gerät nicht:',
    viewer: 'Dieses Konto darf sehen; Sicherungen sind Sache der Verwalter.',
  },
};

export function BackupPart() {
  const words = useWords(WORDS);
  if (!useIsAdmin()) return <Notice>{words.viewer}</Notice>;
  return (
    <>
      <Save />
      <Restore />
    </>
  );
}

/** Hands a text to the browser as a file. */
function download(name: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function Save() {
  const words = useWords(WORDS);
  const { error, isBusy, run } = useAction();
  const [passphrase, setPassphrase] = useState('');
  const [again, setAgain] = useState('');
  const [saved, setSaved] = useState('');
  const save = () =>
    run(async () => {
      setSaved('');
      if (again !== passphrase) throw new ApiError(422, { problems: [{ field: '/again', reason: words.differs }] });
      const backup = await post<SealedBackup>('/backup', { passphrase });
      const name = backupName(backup);
      download(name, JSON.stringify(backup, undefined, 2));
      setSaved(name);
      setPassphrase('');
      setAgain('');
    });
  return (
    <section class="card">
      <div>
        <h2>{words.save}</h2>
        <p class="quiet">{words.saveText}</p>
      </div>
      <Form error={error} onSubmit={() => void save()}>
        <TextField
          label={words.passphrase}
          pointer="/passphrase"
          hint={words.passphraseHint}
          type="password"
          autocomplete="new-password"
          value={passphrase}
          onInput={setPassphrase}
        />
        <TextField
          label={words.again}
          pointer="/again"
          type="password"
          autocomplete="new-password"
          value={again}
          onInput={setAgain}
        />
        {saved !== '' && <Notice kind="good">{words.saved(saved)}</Notice>}
        <div>
          <button type="submit" class="primary" disabled={isBusy}>
            {words.download}
          </button>
        </div>
      </Form>
    </section>
  );
}

function Restore() {
  const words = useWords(WORDS);
  const language = useLanguage();
  const { error, isBusy, run, fail } = useAction();
  const [backup, setBackup] = useState<SealedBackup>();
  const [passphrase, setPassphrase] = useState('');
  const [isAsking, setAsking] = useState(false);
  const [restored, setRestored] = useState<Restored>();
  const refuse = (reason: string) => fail(new ApiError(422, { problems: [{ field: '/backup', reason }] }));
  const choose = async (file: File | undefined) => {
    setBackup(undefined);
    setRestored(undefined);
    fail(undefined);
    if (file === undefined) return;
    const content = await file
      .text()
      .then(JSON.parse)
      .catch(() => undefined);
    if (isBackup(content)) setBackup(content);
    else refuse(words.noBackup);
  };
  const restore = () => {
    setAsking(false);
    void run(async () => {
      setRestored(undefined);
      setRestored(await post<Restored>('/backup/restore', { passphrase, backup }));
      setPassphrase('');
    });
  };
  const facts = backup && ([backup.hostName, time(backup.createdAt, language)] as const);
  return (
    <section class="card">
      <div>
        <h2>{words.restore}</h2>
        <p class="quiet">{words.restoreText}</p>
      </div>
      <Form error={error} onSubmit={() => (backup ? setAsking(true) : refuse(words.missing))}>
        <Field label={words.file} pointer="/backup" hint={facts && words.chosen(...facts)}>
          {(attributes) => (
            <input
              {...attributes}
              type="file"
              accept=".json,application/json"
              onChange={(event) => void choose(event.currentTarget.files?.[0])}
            />
          )}
        </Field>
        <TextField
          label={words.passphraseThen}
          pointer="/passphrase"
          type="password"
          autocomplete="off"
          value={passphrase}
          onInput={setPassphrase}
        />
        {restored && <Notice kind="good">{words.restored}</Notice>}
        <OperatingProblems title={words.problems} problems={restored?.problems ?? []} />
        <div>
          <button type="submit" class="danger" disabled={isBusy}>
            {words.look}
          </button>
        </div>
      </Form>
      {isAsking && facts && (
        <Confirm
          title={`${words.restore}?`}
          action={words.replace}
          onConfirm={restore}
          onClose={() => setAsking(false)}
        >
          {words.question(...facts)}
        </Confirm>
      )}
    </section>
  );
}
