/** The bar for a change of settings that goes back by itself unless somebody keeps it, in time. */
import { useEffect, useState } from 'preact/hooks';
import type { Change } from '../../firmware/api/changes.js';
import type { Unconfirmed } from '../../firmware/api/unconfirmed.js';
import { useAction } from '../api/action.js';
import { post, remove } from '../api/client.js';
import { useEvent } from '../api/events.js';
import { type Resource, useResource } from '../api/resource.js';
import { ErrorNotice } from '../parts/notice.js';
import { useIsAdmin } from './account.js';
import { useWords } from './language.js';

const WORDS = {
  en: {
    label: 'Change that waits to be kept',
    waits: (who: string) =>
      `A change by ${who} may cut the box off from its administrators. You still reach it: keep it?`,
    left: (seconds: number) => `It goes back in ${seconds} s.`,
    keep: 'Keep the change',
    back: 'Take it back',
  },
  de: {
    label: 'Änderung, die auf Bestätigung wartet',
    waits: (who: string) =>
      `Eine Änderung von ${who} könnte das Gerät von seinen Verwaltern abschneiden. Sie erreichen es noch: soll sie bleiben?`,
    left: (seconds: number) => `Sie wird in ${seconds} s zurückgenommen.`,
    keep: 'Änderung behalten',
    back: 'Zurücknehmen',
  },
};

/** Read anew whenever settings have changed; null: nothing waits. */
export function useUnconfirmed(): Resource<Unconfirmed | null> {
  const waiting = useResource<Unconfirmed | null>('/settings/unconfirmed');
  useEvent<Change>('settings', ({ resource }) => {
    if (resource.startsWith('settings')) waiting.reload();
  });
  useEvent('resync', waiting.reload);
  return waiting;
}

export function UnconfirmedBar() {
  const waiting = useUnconfirmed();
  if (!waiting.data) return null;
  return <Waiting key={waiting.data.until} change={waiting.data} onEnd={waiting.reload} />;
}

const secondsUntil = (iso: string): number => Math.max(0, Math.ceil((Date.parse(iso) - Date.now()) / 1000));

function Waiting({ change: { until, who }, onEnd }: { change: Unconfirmed; onEnd(): void }) {
  const words = useWords(WORDS);
  const isAdmin = useIsAdmin();
  const { isBusy, error, run } = useAction();
  const [left_s, setLeft] = useState(() => secondsUntil(until));
  useEffect(() => {
    const timer = setInterval(() => setLeft(secondsUntil(until)), 1000);
    return () => clearInterval(timer);
  }, [until]);
  useEffect(() => {
    if (left_s === 0) onEnd();
  }, [left_s]);
  const act = (ask: () => Promise<unknown>) => void run(ask).then(onEnd);
  return (
    <section class="waiting" aria-label={words.label}>
      <p role="alert">{words.waits(who)}</p>
      <p class="number">{words.left(left_s)}</p>
      {isAdmin && (
        <div class="actions">
          <button type="button" class="primary" disabled={isBusy} onClick={() => act(() => post('/settings/confirm'))}>
            {words.keep}
          </button>
          <button type="button" disabled={isBusy} onClick={() => act(() => remove('/settings/unconfirmed'))}>
            {words.back}
          </button>
        </div>
      )}
      <ErrorNotice error={error} />
    </section>
  );
}
