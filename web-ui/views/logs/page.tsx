/** The log as it is written: filtered, held on wish, and how much of it is written at all. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { LogLine } from '../../../firmware/api/logs.js';
import { useEvent } from '../../api/events.js';
import { useResource } from '../../api/resource.js';
import { count } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import { Badge, type BadgeKind } from '../../parts/badge.js';
import { SelectField, TextField } from '../../parts/form.js';
import { ErrorNotice } from '../../parts/notice.js';
import { LogLevels } from './levels.js';
import { fieldText, isWanted, LEVELS, type LogFilter, PARTS, withLines } from './lines.js';
import { WORDS } from './words.js';

const SHOWN_LINES = 500;
/** Lines that come at once are drawn at once. */
const DRAW_EVERY_MS = 250;
const TYPING_MS = 250;

export default function LogsPage() {
  const words = useWords(WORDS);
  const [filter, setFilter] = useState<LogFilter>({ level: 'debug', part: '', contains: '' });
  const [isHeld, setHeld] = useState(false);
  const tail = useTail(filter, isHeld);
  return (
    <>
      <header class="page-head">
        <div>
          <h1>{words.title}</h1>
          <p class="quiet">{words.intro}</p>
        </div>
        <button type="button" aria-pressed={isHeld} onClick={() => setHeld(!isHeld)}>
          {isHeld ? words.resume : words.hold}
        </button>
      </header>
      <Filters filter={filter} onChange={setFilter} />
      {isHeld && <HeldBack lines={tail.heldBack} />}
      <ErrorNotice error={tail.error} />
      <Lines lines={tail.lines} filter={filter} />
      <LogLevels />
    </>
  );
}

function HeldBack({ lines }: { lines: number }) {
  const words = useWords(WORDS);
  const language = useLanguage();
  return (
    <p class="quiet" role="status">
      {words.held(count(lines, language))}
    </p>
  );
}

/** What the box has, and what comes since; while it is held, what comes is counted alone. */
function useTail(filter: LogFilter, isHeld: boolean) {
  const query = new URLSearchParams({ ...filter, limit: String(SHOWN_LINES) });
  const [asked, setAsked] = useState(query.toString());
  useEffect(() => {
    const timer = setTimeout(() => setAsked(query.toString()), TYPING_MS);
    return () => clearTimeout(timer);
  }, [query.toString()]);
  const stored = useResource<LogLine[]>(`/logs?${asked}`);
  const [lines, setLines] = useState<LogLine[]>();
  const [heldBack, setHeldBack] = useState(0);
  const fresh = useRef<LogLine[]>([]);
  useEffect(() => {
    if (stored.data) setLines(stored.data);
  }, [stored.data]);
  useEvent<LogLine>('log', (line) => {
    if (isWanted(line, filter)) fresh.current.push(line);
    if (fresh.current.length > SHOWN_LINES && !isHeld) fresh.current.shift();
  });
  useEvent('resync', stored.reload);
  useEffect(() => {
    if (!isHeld) stored.reload();
    fresh.current = [];
    setHeldBack(0);
    const timer = setInterval(() => {
      const came = fresh.current.splice(0);
      if (came.length === 0) return;
      if (isHeld) setHeldBack((before) => before + came.length);
      else setLines((before) => withLines(before ?? [], came, SHOWN_LINES));
    }, DRAW_EVERY_MS);
    return () => clearInterval(timer);
  }, [isHeld]);
  return { lines, error: stored.error, heldBack };
}

function Filters({ filter, onChange }: { filter: LogFilter; onChange(filter: LogFilter): void }) {
  const words = useWords(WORDS);
  return (
    <div class="columns narrow">
      <SelectField
        label={words.level}
        value={filter.level}
        options={[...LEVELS].reverse().map((level) => ({ value: level, label: words.andGraver[level] }))}
        onInput={(level) => onChange({ ...filter, level })}
      />
      <SelectField
        label={words.part}
        value={filter.part}
        options={[
          { value: '', label: words.each },
          ...PARTS.map((part) => ({ value: part, label: words.parts[part] })),
        ]}
        onInput={(part) => onChange({ ...filter, part })}
      />
      <TextField
        label={words.contains}
        autocomplete="off"
        value={filter.contains}
        onInput={(contains) => onChange({ ...filter, contains })}
      />
    </div>
  );
}

const KINDS: Readonly<Record<LogLine['level'], BadgeKind>> = {
  fatal: 'bad',
  error: 'bad',
  warn: 'warn',
  info: 'info',
  debug: 'plain',
};

function Lines({ lines, filter }: { lines: readonly LogLine[] | undefined; filter: LogFilter }) {
  const words = useWords(WORDS);
  const language = useLanguage();
  if (lines === undefined) return <p class="quiet">{words.loading}</p>;
  if (lines.length === 0) {
    const isAll = filter.level === 'debug' && filter.part === '' && filter.contains === '';
    return <div class="empty">{isAll ? words.none : words.noneFound}</div>;
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what is longer than its place is scrolled by keys too
    <section class="log" aria-label={words.title} tabIndex={0}>
      <ol>
        {lines.map(({ sequence, time, level, part, message, fields }) => (
          <li key={sequence}>
            <time dateTime={time} title={new Date(time).toLocaleString(language)}>
              {new Date(time).toLocaleTimeString(language, { hour12: false })}
            </time>
            <span>
              <Badge kind={KINDS[level]}>{words.levels[level]}</Badge>
            </span>
            <span class="quiet">{part}</span>
            <span class="log-text">
              {message} <span class="quiet">{fieldText(fields)}</span>
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
