/** A list of texts as a field with one a line. */
import { Field } from './form.js';

interface TextLinesProps {
  label: string;
  pointer?: string;
  hint?: string;
  value: readonly string[];
  onInput(value: string[]): void;
}

/** A line that is being begun is an empty text; whoever sends the list leaves those out. */
export function TextLines({ value, onInput, ...field }: TextLinesProps) {
  return (
    <Field {...field}>
      {(attributes) => (
        <textarea
          {...attributes}
          rows={Math.min(8, Math.max(2, value.length))}
          spellcheck={false}
          value={value.join('\n')}
          onInput={({ currentTarget: { value: text } }) => onInput(text === '' ? [] : text.split('\n'))}
        />
      )}
    </Field>
  );
}
