/** How much is written to the log, part by part, and where else it goes. */
import { useEffect, useState } from 'preact/hooks';
import type { Settings } from '../../../firmware/settings.js';
import { useAction } from '../../api/action.js';
import { request } from '../../api/client.js';
import { useResource } from '../../api/resource.js';
import { useIsAdmin } from '../../app/account.js';
import { useWords } from '../../app/language.js';
import { Form, NumberField, SelectField, TextField } from '../../parts/form.js';
import { ErrorNotice, Notice } from '../../parts/notice.js';
import { LEVELS, PARTS } from './lines.js';
import { WORDS } from './words.js';

type Logs = Settings['logs'];
const SYSLOG = { server: '', port: 514, facility: 16 };

export function LogLevels() {
  const words = useWords(WORDS);
  const isAdmin = useIsAdmin();
  const stored = useResource<Settings>('/settings');
  const { error, isBusy, run, fail } = useAction();
  const [draft, setDraft] = useState<Logs>();
  const [isSaved, setSaved] = useState(false);
  useEffect(() => setDraft(undefined), [stored.data]);
  if (stored.data === undefined) return <ErrorNotice error={stored.error} />;
  const settings = stored.data;
  const logs = draft ?? settings.logs;
  const change = (next: Logs) => {
    setSaved(false);
    setDraft(next);
  };
  const save = () =>
    run(async () => {
      const body = { ...settings, logs: withoutEmptySyslog(logs) };
      const { data, etag } = await request<{ settings: Settings }>('PUT', '/settings', { body, etag: stored.etag });
      stored.set(data.settings, etag);
      setSaved(true);
    });
  const reload = () => {
    fail(undefined);
    stored.reload();
  };
  return (
    <section class="card">
      <div>
        <h2>{words.settings}</h2>
        <p class="quiet">{words.settingsText}</p>
      </div>
      <Form error={error} onSubmit={() => void save()}>
        {error?.status === 412 && (
          <div>
            <button type="button" onClick={reload}>
              {words.theirs}
            </button>
          </div>
        )}
        <fieldset class="bare" disabled={!isAdmin}>
          <legend class="unseen">{words.settings}</legend>
          <Levels logs={logs} onChange={change} />
          <Syslog logs={logs} onChange={change} />
        </fieldset>
        {isSaved && <Notice kind="good">{words.saved}</Notice>}
        {isAdmin && (
          <div>
            <button type="submit" class="primary" disabled={isBusy || draft === undefined}>
              {words.save}
            </button>
          </div>
        )}
      </Form>
    </section>
  );
}

interface LogsProps {
  logs: Logs;
  onChange(logs: Logs): void;
}

function Levels({ logs, onChange }: LogsProps) {
  const words = useWords(WORDS);
  const levels = LEVELS.map((level) => ({ value: level, label: words.levels[level] }));
  return (
    <div class="columns narrow">
      <SelectField
        label={words.byDefault}
        pointer="/logs/level"
        value={logs.level}
        options={levels}
        onInput={(level) => onChange({ ...logs, level })}
      />
      {PARTS.map((part) => (
        <SelectField
          key={part}
          label={words.parts[part]}
          pointer={`/logs/parts/${part}`}
          value={logs.parts[part] ?? ''}
          options={[{ value: '', label: words.asDefault }, ...levels]}
          onInput={(level) => {
            const { [part]: _before, ...others } = logs.parts;
            onChange({ ...logs, parts: level === '' ? others : { ...others, [part]: level } });
          }}
        />
      ))}
    </div>
  );
}

function Syslog({ logs, onChange }: LogsProps) {
  const words = useWords(WORDS);
  const syslog = logs.syslog ?? SYSLOG;
  const set = (change: Partial<typeof syslog>) => onChange({ ...logs, syslog: { ...syslog, ...change } });
  return (
    <div class="columns narrow">
      <TextField
        label={words.syslog}
        pointer="/logs/syslog/server"
        hint={words.syslogHint}
        value={syslog.server}
        onInput={(server) => set({ server })}
      />
      {syslog.server !== '' && (
        <>
          <NumberField
            label={words.port}
            pointer="/logs/syslog/port"
            min={1}
            max={65535}
            value={syslog.port}
            onInput={(port = SYSLOG.port) => set({ port })}
          />
          <NumberField
            label={words.facility}
            pointer="/logs/syslog/facility"
            hint={words.facilityHint}
            min={0}
            max={23}
            value={syslog.facility}
            onInput={(facility = SYSLOG.facility) => set({ facility })}
          />
        </>
      )}
    </div>
  );
}

function withoutEmptySyslog({ syslog, ...others }: Logs): Logs {
  return syslog === undefined || syslog.server === '' ? others : { ...others, syslog };
}
