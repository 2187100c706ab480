/** One of a few, each with a sentence that says what it means. */
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface ChoiceCardsProps<T extends string> {
  label: string;
  value: T;
  options: readonly { value: T; label: string; text: ComponentChildren }[];
  onInput(value: T): void;
}

export function ChoiceCards<T extends string>({ label, value, options, onInput }: ChoiceCardsProps<T>) {
  const name = useId();
  return (
    <fieldset class="bare choice-cards">
      <legend class="unseen">{label}</legend>
      {options.map((option) => (
        <label key={option.value} class="choice-card">
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === value}
            onChange={() => onInput(option.value)}
          />
          <span>
            <strong>{option.label}</strong>
            <span class="quiet">{option.text}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
