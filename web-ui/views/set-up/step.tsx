/** One step of the set-up: what it is about, its fields, on and back. Enter goes on, and the first field has the focus. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import type { ApiError } from '../../api/client.js';
import { useWords } from '../../app/language.js';
import { Form } from '../../parts/form.js';

const WORDS = { en: { next: 'Next', back: 'Back' }, de: { next: 'Weiter', back: 'Zurück' } };

interface StepFrameProps {
  title: string;
  intro: string;
  error?: ApiError | undefined;
  /** As in Form. */
  isListed: boolean;
  /** In place of "Next". */
  action?: string;
  isBusy?: boolean;
  onNext(): void;
  /** Left out on the first step. */
  onBack?: (() => void) | undefined;
  children: ComponentChildren;
}

/** In which Enter goes on; where there is none, the button that does. */
const FIRST = 'input:checked, input:not([type=radio]):not([hidden])';

export function StepFrame({ title, intro, error, isListed, action, isBusy, onNext, onBack, children }: StepFrameProps) {
  const words = useWords(WORDS);
  const id = useId();
  const section = useRef<HTMLElement>(null);
  useEffect(() => {
    const form = section.current?.querySelector('form');
    (form?.querySelector<HTMLElement>(FIRST) ?? form?.querySelector<HTMLElement>('[type=submit]'))?.focus({
      preventScroll: true,
    });
  }, []);
  return (
    <section ref={section} class="card step" aria-labelledby={id}>
      <div>
        <h2 id={id}>{title}</h2>
        <p class="quiet">{intro}</p>
      </div>
      <Form error={error} isListed={isListed} onSubmit={onNext}>
        {children}
        <div class="actions">
          <button type="submit" class="primary" disabled={isBusy}>
            {action ?? words.next}
          </button>
          {onBack && (
            <button type="button" onClick={onBack}>
              {words.back}
            </button>
          )}
        </div>
      </Form>
    </section>
  );
}
