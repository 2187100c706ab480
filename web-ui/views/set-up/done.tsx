/** After the set-up: what the box could not do, whether the page has to move, and the test call. */
import type { Settings } from '../../../firmware/settings.js';
import { useWords } from '../../app/language.js';
import { Link } from '../../app/router.js';
import { useUnconfirmed } from '../../app/unconfirmed.js';
import { Notice } from '../../parts/notice.js';
import { OperatingProblems } from '../../parts/operating-problems.js';
import { type Plan, testCallOf } from './plan.js';
import { TestCallPanel } from './test-call.js';
import { WORDS } from './words.js';

interface DoneProps {
  plan: Plan;
  /** As they are now. */
  settings: Settings;
  problems: readonly { what: string; advice: string }[];
  /** Where the box is to be reached now, when not here; else ''. */
  movedTo: string;
  onAgain(): void;
}

export function Done({ plan, settings, problems, movedTo, onAgain }: DoneProps) {
  const words = useWords(WORDS);
  const { done } = words;
  const unconfirmed = useUnconfirmed();
  if (movedTo !== '') return <Moved address={movedTo} />;
  return (
    <section class="card step">
      <h2>{done.title}</h2>
      {unconfirmed.data && <Notice kind="warn">{done.keep}</Notice>}
      <OperatingProblems title={done.problems} problems={problems} />
      <p>{done[plan.role]}</p>
      <TestCallPanel
        needsUser={plan.role !== 'client'}
        known={plan.users === 'local' ? plan.user : { name: '', password: '' }}
        callOf={(credentials) => testCallOf(settings, plan.role, credentials)}
      />
      <div class="actions">
        <Link to="/" class="button">
          {done.overview}
        </Link>
        <button type="button" onClick={onAgain}>
          {done.again}
        </button>
      </div>
    </section>
  );
}

function Moved({ address }: { address: string }) {
  const { done } = useWords(WORDS);
  const host = address.includes(':') ? `[${address}]` : address;
  return (
    <section class="card step">
      <h2>{done.title}</h2>
      <Notice kind="warn">{done.moved(address)}</Notice>
      <div>
        <a class="button primary" href={`https://${host}/`}>
          {done.toNew}
        </a>
      </div>
    </section>
  );
}
