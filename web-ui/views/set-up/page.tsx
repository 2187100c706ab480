/**
 * Set-up in a few steps: what the box is for, its interfaces, who may call. Nothing is written before the summary is
 * confirmed. Can be gone through again at any time; what it does not ask for stays as it is.
 */
import { useState } from 'preact/hooks';
import type { Pool, Settings } from '../../../firmware/settings.js';
import { ApiError, request } from '../../api/client.js';
import { useResource } from '../../api/resource.js';
import { useIsAdmin } from '../../app/account.js';
import { useWords } from '../../app/language.js';
import type { PageProps } from '../../app/pages.js';
import { navigate } from '../../app/router.js';
import { ErrorNotice, Notice } from '../../parts/notice.js';
import { type Applied, apply, pageHost } from './apply.js';
import { Done } from './done.js';
import {
  documentsOf,
  type Found,
  gapsIn,
  type Interface,
  newAddress,
  type Plan,
  pageStays,
  proposal,
  type Step,
  stepOf,
  stepsOf,
} from './plan.js';
import { StepFrame } from './step.js';
import { StepFields } from './steps.js';
import { Summary } from './summary.js';
import { WORDS } from './words.js';

export default function SetUpPage({ rest }: PageProps) {
  const words = useWords(WORDS);
  const isAdmin = useIsAdmin();
  const settings = useResource<Settings>('/settings');
  const pools = useResource<Pool[]>('/pools');
  const interfaces = useResource<Interface[]>('/interfaces');
  const users = useResource<unknown[]>('/users?limit=1');
  const error = settings.error ?? pools.error ?? interfaces.error ?? users.error;
  const isThere = settings.data && pools.data && interfaces.data && users.data;
  const [refreshed, setRefreshed] = useState<{ settings: Settings; etag: string }>();
  return (
    <>
      <h1>{words.title}</h1>
      {!isAdmin && <Notice>{words.viewer}</Notice>}
      {error && <ErrorNotice error={error} />}
      {isAdmin && isThere && (
        <Steps
          wanted={rest[0] ?? ''}
          etag={refreshed?.etag ?? settings.etag}
          found={{
            settings: refreshed?.settings ?? settings.data!,
            pools: pools.data!,
            interfaces: interfaces.data!,
            hasUsers: users.data!.length > 0,
          }}
          onSettings={(read, etag) => setRefreshed({ settings: read, etag })}
        />
      )}
    </>
  );
}

interface StepsProps {
  /** The step that the address bar names. */
  wanted: string;
  found: Found;
  etag: string;
  /** The settings have been read or written since. */
  onSettings(settings: Settings, etag: string): void;
}

type Outcome = Pick<Applied, 'problems'> & { movedTo: string };

function Steps({ wanted, found, etag, onSettings }: StepsProps) {
  const words = useWords(WORDS);
  const [plan, setPlan] = useState<Plan>(() => proposal(found, pageHost()));
  const [hasBegun, setBegun] = useState(false);
  const [error, setError] = useState<ApiError>();
  const [hasGaps, setGaps] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome>();
  const steps = stepsOf(plan.role);
  // A step in the address bar without the answers before it, as after a reload, is the first one.
  const step = (hasBegun && steps.find((each) => each === wanted)) || 'role';
  const at = steps.indexOf(step);
  const go = (to: Step) => navigate(to === 'role' ? '/set-up' : `/set-up/${to}`);

  const next = () => {
    const gaps = gapsIn(step, plan, found);
    setGaps(gaps.length > 0);
    if (gaps.length > 0) {
      setError(new ApiError(422, { problems: gaps.map((field) => ({ field, reason: words.missing })) }));
      return;
    }
    setError(undefined);
    setBegun(true);
    go(steps[at + 1] ?? 'summary');
  };
  const back = () => {
    setError(undefined);
    go(steps[at - 1] ?? 'role');
  };
  const write = async () => {
    setBusy(true);
    const documents = documentsOf(plan, found);
    try {
      const { settings, etag: latest, problems } = await apply(documents, found, etag);
      setError(undefined);
      onSettings(settings, latest);
      setOutcome({ problems, movedTo: '' });
    } catch (refused) {
      if (!(refused instanceof ApiError)) throw refused;
      if (refused.status === 0 && !pageStays(documents.settings, found, pageHost())) {
        setOutcome({ problems: [], movedTo: newAddress(documents.settings) });
        return;
      }
      if (refused.status === 412) {
        const { data, etag: latest } = await request<Settings>('GET', '/settings');
        onSettings(data, latest);
      }
      setError(refused);
      const [first] = refused.problems;
      if (first) go(stepOf(first.field, plan.role));
    } finally {
      setBusy(false);
    }
  };

  if (outcome) return <Done plan={plan} settings={found.settings} {...outcome} onAgain={() => setOutcome(undefined)} />;
  return (
    <>
      <p class="quiet">{words.progress(at + 1, steps.length)}</p>
      <StepFrame
        key={step}
        {...words.steps[step]}
        error={error}
        isListed={!hasGaps}
        isBusy={isBusy}
        onNext={step === 'summary' ? () => void write() : next}
        {...(step === 'summary' && { action: isBusy ? words.applying : words.apply })}
        onBack={at === 0 ? undefined : back}
      >
        {error?.status === 412 && <Notice kind="warn">{words.changed}</Notice>}
        {step === 'summary' ? (
          <Summary plan={plan} />
        ) : (
          <StepFields step={step} plan={plan} found={found} onChange={setPlan} />
        )}
      </StepFrame>
    </>
  );
}
