/** The fourteen steps of a call as a strip of marks: seen, failed, not seen. */
import { useWords } from '../../app/language.js';

const WORDS = {
  en: {
    seen: (steps: string) => `steps ${steps}`,
    failed: (step: number) => `, failed in step ${step}`,
  },
  de: {
    seen: (steps: string) => `Schritte ${steps}`,
    failed: (step: number) => `, gescheitert in Schritt ${step}`,
  },
};
const STEPS = Array.from({ length: 14 }, (_, at) => at + 1);

/** `failed` is the step in which the call failed, or 0. */
export function StepStrip({ steps, failed }: { steps: readonly number[]; failed: number }) {
  const words = useWords(WORDS);
  const said = words.seen(steps.join(', ')) + (failed > 0 ? words.failed(failed) : '');
  return (
    <span class="step-strip" role="img" aria-label={said} title={said}>
      {STEPS.map((step) => (
        <span key={step} class={step === failed ? 'failed' : steps.includes(step) ? 'seen' : ''}>
          {step === failed ? '×' : ''}
        </span>
      ))}
    </span>
  );
}
