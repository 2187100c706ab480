/**
 * What the box tells by itself: one stream of server-sent events for the whole page, for the topics that somebody
 * listens to. Opened again by the browser when it breaks.
 */
import { useEffect, useRef } from 'preact/hooks';

type Handler = (data: unknown) => void;

const TOPIC_OF: Readonly<Record<string, string>> = {
  overview: 'overview',
  sessions: 'sessions',
  settings: 'settings',
  log: 'log',
};
const handlers = new Map<string, Set<Handler>>();
let source: EventSource | undefined;
let topicsOfSource = '';
let isPlanned = false;

/** What is asked for in one go of the event loop becomes one stream. */
function plan(): void {
  if (isPlanned) return;
  isPlanned = true;
  queueMicrotask(() => {
    isPlanned = false;
    follow();
  });
}

function follow(): void {
  const wanted = [...handlers].filter(([, listeners]) => listeners.size > 0).map(([event]) => event);
  const topics = [...new Set(wanted.flatMap((event) => TOPIC_OF[event] ?? []))].sort().join(',');
  if (topics === topicsOfSource) return;
  source?.close();
  source = undefined;
  topicsOfSource = topics;
  if (topics === '') return;
  source = new EventSource(`/api/v1/events?topics=${topics}`);
  for (const event of [...Object.keys(TOPIC_OF), 'resync']) source.addEventListener(event, deliver);
}

function deliver({ type, data }: MessageEvent<string>): void {
  for (const handler of handlers.get(type) ?? []) handler(data === '' ? undefined : JSON.parse(data));
}

/** Calls `handle` for each event of this name (overview, sessions, settings, log, resync) while it is shown. */
export function useEvent<T>(event: string, handle: (data: T) => void, isWanted = true): void {
  const latest = useRef(handle);
  latest.current = handle;
  useEffect(() => {
    if (!isWanted) return undefined;
    const listeners = handlers.get(event) ?? new Set();
    handlers.set(event, listeners);
    const deliverLatest: Handler = (data) => latest.current(data as T);
    listeners.add(deliverLatest);
    plan();
    return () => {
      listeners.delete(deliverLatest);
      plan();
    };
  }, [event, isWanted]);
}
