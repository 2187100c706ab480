/** What the box is and how long it runs, its name and how its page is reached, and its restart. */
import { useEffect, useState } from 'preact/hooks';
import type { System } from '../../../firmware/api/system.js';
import { useAction } from '../../api/action.js';
import { get, post } from '../../api/client.js';
import { useResource } from '../../api/resource.js';
import { useIsAdmin } from '../../app/account.js';
import { duration, octets, since, time } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import { Confirm } from '../../parts/dialog.js';
import { ErrorNotice, Notice } from '../../parts/notice.js';
import { Pairs } from '../../parts/pairs.js';
import { SettingsForm } from '../../parts/settings-page.js';

const WORDS = {
  en: {
    title: 'What it is',
    hostName: 'Name',
    version: 'Version of tunnelwerk',
    runs: 'The program runs for',
    machineRuns: 'The machine runs for',
    clock: 'Clock of the box',
    clockWrong:
      'The clock is not set: certificates and times in the log are not to be relied on. Does the box reach a time server?',
    kernel: 'Kernel',
    node: 'Node',
    load: 'Load over 1, 5 and 15 minutes',
    disk: 'Free for settings and history',
    of: (free: string, total: string) => `${free} of ${total}`,
    reached: 'Web page and API',
    restart: 'Restart',
    restartText: 'Ends the program and starts it again. All calls are ended, and users call anew.',
    notSupervised: 'Nobody would start the program again here: it was not started by a supervisor.',
    question: 'All calls are ended. The page comes back by itself after some seconds.',
    going: 'The box restarts …',
    back: 'The box is back.',
  },
  de: {
    title: 'Was es ist',
    hostName: 'Name',
    version: 'Version von tunnelwerk',
    runs: 'Das Programm läuft seit',
    machineRuns: 'Der Rechner läuft seit',
    clock: 'Uhr des Geräts',
    clockWrong:
      'Die Uhr ist nicht gestellt: auf Zertifikate und Zeiten im Protokoll ist kein Verlass. Erreicht das Gerät einen Zeitserver?',
    kernel: 'Kernel',
    node: 'Node',
    load: 'Last über 1, 5 und 15 Minuten',
    disk: 'Frei für Einstellungen und Verlauf',
    of: (free: string, total: string) => `${free} von ${total}`,
    reached: 'Webseite und API',
    restart: 'Neustart',
    restartText: 'Beendet das Programm und startet es wieder. Alle Anrufe enden, und Benutzer rufen neu an.',
    notSupervised: 'Hier würde niemand das Programm wieder starten: es lief nicht unter Aufsicht.',
    question: 'Alle Anrufe enden. Die Seite kommt nach einigen Sekunden von selbst wieder.',
    going: 'Das Gerät startet neu …',
    back: 'Das Gerät ist wieder da.',
  },
};
const EVERY_MS = 5000;
const TRY_AGAIN_MS = 1000;

export function Facts() {
  const words = useWords(WORDS);
  const language = useLanguage();
  const isAdmin = useIsAdmin();
  const system = useResource<System>('/system', { every_ms: EVERY_MS });
  if (system.data === undefined) return <ErrorNotice error={system.error} />;
  const { hostName, version, startedAt, uptime_s, kernel, architecture, nodeVersion, loadAverage, disk } = system.data;
  const load = loadAverage.map((each) => each.toLocaleString(language, { maximumFractionDigits: 2 })).join(' · ');
  return (
    <>
      {!system.data.timeIsSet && <Notice kind="warn">{words.clockWrong}</Notice>}
      <section class="card">
        <h2>{words.title}</h2>
        <Pairs
          pairs={[
            [words.hostName, hostName],
            [words.version, version],
            [words.runs, since(startedAt)],
            [words.machineRuns, duration(uptime_s)],
            [words.clock, time(system.data.time, language)],
            [words.kernel, `${kernel}, ${architecture}`],
            [words.node, nodeVersion],
            [words.load, load],
            [words.disk, words.of(octets(disk.free_bytes, language), octets(disk.total_bytes, language))],
          ]}
        />
      </section>
      <SettingsForm
        parts={[
          { pointer: '/system', title: words.hostName },
          { pointer: '/api', title: words.reached, first: ['httpsPort', 'httpPort'] },
        ]}
      />
      {isAdmin && <Restart system={system.data} onBack={system.reload} />}
    </>
  );
}

function Restart({ system: { startedAt, mayRestart }, onBack }: { system: System; onBack(): void }) {
  const words = useWords(WORDS);
  const { error, run } = useAction();
  const [isAsking, setAsking] = useState(false);
  /** When the program that was told to end had started. */
  const [ended, setEnded] = useState('');
  const [isBack, setBack] = useState(false);
  useEffect(() => {
    if (ended === '') return undefined;
    const timer = setInterval(() => {
      get<System>('/system').then(
        (now) => {
          if (now.startedAt === ended) return;
          setEnded('');
          setBack(true);
          onBack();
        },
        () => undefined,
      );
    }, TRY_AGAIN_MS);
    return () => clearInterval(timer);
  }, [ended]);
  const restart = () => {
    setAsking(false);
    void run(async () => {
      await post('/system/restart');
      setBack(false);
      setEnded(startedAt);
    });
  };
  return (
    <section class="card">
      <h2>{words.restart}</h2>
      <p class="quiet">{mayRestart ? words.restartText : words.notSupervised}</p>
      <ErrorNotice error={error} />
      {ended !== '' && <Notice>{words.going}</Notice>}
      {isBack && <Notice kind="good">{words.back}</Notice>}
      <div>
        <button type="button" class="danger" disabled={!mayRestart || ended !== ''} onClick={() => setAsking(true)}>
          {words.restart}
        </button>
      </div>
      {isAsking && (
        <Confirm
          title={`${words.restart}?`}
          action={words.restart}
          onConfirm={restart}
          onClose={() => setAsking(false)}
        >
          {words.question}
        </Confirm>
      )}
    </section>
  );
}
