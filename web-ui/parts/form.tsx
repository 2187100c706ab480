/**
 * Fields of a form: label, input, hint, and what the box found wrong with it. A field knows its JSON pointer, and takes
 * from the form's problems those that are its own.
 */
import { type ComponentChildren, createContext, type InputHTMLAttributes } from 'preact';
import { useContext, useEffect, useId, useRef } from 'preact/hooks';
import type { ApiError, FieldProblem } from '../api/client.js';
import { useWords } from '../app/language.js';
import { errorText, Notice } from './notice.js';

const Problems = createContext<readonly FieldProblem[]>([]);

interface FormProps {
  /** Of the last try to send it. */
  error?: ApiError | undefined;
  /** Whether what is wrong stands above the form too; false where each problem is one of a field that is seen. */
  isListed?: boolean;
  onSubmit(): void;
  children: ComponentChildren;
}

/** What is wrong stands above the form; the first field that is wrong gets the focus. */
export function Form({ error, isListed = true, onSubmit, children }: FormProps) {
  const problems = error?.problems ?? [];
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (error === undefined) return;
    const wrong = form.current?.querySelector<HTMLElement>('[aria-invalid=true]');
    // A field in a part that is folded up cannot be shown.
    if (wrong?.checkVisibility()) wrong.focus();
    else form.current?.querySelector('.notice.bad')?.scrollIntoView({ block: 'center' });
  }, [error]);
  return (
    <form
      ref={form}
      class="form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      {error !== undefined && isListed && <FormError error={error} />}
      <Problems.Provider value={problems}>{children}</Problems.Provider>
    </form>
  );
}

const WORDS = {
  en: { wrong: 'That was not taken over:', secretSet: 'is set; leave empty to keep it' },
  de: { wrong: 'Das wurde nicht übernommen:', secretSet: 'ist gesetzt; leer lassen, um es zu behalten' },
};

function FormError({ error }: { error: ApiError }) {
  const words = useWords(WORDS);
  if (error.problems.length === 0) return <Notice kind="bad">{errorText(error)}</Notice>;
  return (
    <Notice kind="bad">
      <strong>{words.wrong}</strong>
      <ul>
        {error.problems.map(({ field, reason }) => (
          <li key={field + reason}>
            {field !== '' && <code>{field}</code>} {reason}
          </li>
        ))}
      </ul>
    </Notice>
  );
}

/** What the box found wrong with the field of this JSON pointer. */
export function useFault(pointer: string): string {
  return useContext(Problems)
    .filter(({ field }) => field === pointer)
    .map(({ reason }) => reason)
    .join('; ');
}

interface FieldProps {
  label: string;
  /** JSON pointer of what it sets. */
  pointer?: string;
  hint?: string | undefined;
}

interface Described extends FieldProps {
  children(attributes: {
    id: string;
    'aria-describedby': string | undefined;
    'aria-invalid': boolean | undefined;
  }): ComponentChildren;
}

export function Field({ label, pointer = '', hint, children }: Described) {
  const id = useId();
  const found = useFault(pointer);
  const fault = pointer === '' ? '' : found;
  const describedBy = [hint ? `${id}-hint` : '', fault ? `${id}-fault` : ''].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, 'aria-describedby': describedBy || undefined, 'aria-invalid': fault !== '' || undefined })}
      {hint && (
        <span class="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {fault && (
        <span class="fault" id={`${id}-fault`}>
          {fault}
        </span>
      )}
    </div>
  );
}

type TextProps = FieldProps & {
  value: string;
  onInput(value: string): void;
  type?: 'text' | 'password';
  autocomplete?: string;
  placeholder?: string | undefined;
  required?: boolean;
  disabled?: boolean;
};

export function TextField({ label, pointer, hint, value, onInput, type = 'text', ...rest }: TextProps) {
  return (
    <Field label={label} pointer={pointer} hint={hint}>
      {(attributes) => (
        <input
          {...({ ...attributes, ...rest, type } as InputHTMLAttributes<HTMLInputElement>)}
          value={value}
          spellcheck={false}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

type SecretProps = FieldProps & {
  /** undefined: not touched; null: to be cleared. */
  value: string | null | undefined;
  isSet: boolean;
  onInput(value: string | undefined): void;
};

/** What the box never gives back: empty keeps what is set. */
export function SecretField({ label, pointer, hint, value, isSet, onInput }: SecretProps) {
  const words = useWords(WORDS);
  return (
    <TextField
      label={label}
      pointer={pointer}
      hint={[isSet ? `${label} ${words.secretSet}` : '', hint].filter(Boolean).join('. ') || undefined}
      type="password"
      autocomplete="new-password"
      value={value ?? ''}
      onInput={(text) => onInput(text === '' ? undefined : text)}
    />
  );
}

type NumberProps = FieldProps & {
  value: number | undefined;
  onInput(value: number | undefined): void;
  min?: number;
  max?: number;
};

export function NumberField({ label, pointer, hint, value, onInput, min, max }: NumberProps) {
  return (
    <Field label={label} pointer={pointer} hint={hint}>
      {(attributes) => (
        <input
          {...attributes}
          type="number"
          inputMode="numeric"
          min={min}
          max={max}
          value={value ?? ''}
          onInput={({ currentTarget: { value: text } }) => onInput(text === '' ? undefined : Number(text))}
        />
      )}
    </Field>
  );
}

type SelectProps<T extends string> = FieldProps & {
  value: T;
  options: readonly { value: T; label: string }[];
  onInput(value: T): void;
};

export function SelectField<T extends string>({ label, pointer, hint, value, options, onInput }: SelectProps<T>) {
  return (
    <Field label={label} pointer={pointer} hint={hint}>
      {(attributes) => (
        <select {...attributes} value={value} onChange={(event) => onInput(event.currentTarget.value as T)}>
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

type TickProps = FieldProps & { value: boolean; onInput(value: boolean): void; disabled?: boolean };

export function TickField({ label, pointer = '', hint, value, onInput, disabled }: TickProps) {
  const id = useId();
  const found = useFault(pointer);
  const fault = pointer === '' ? '' : found;
  return (
    <div class="field">
      <div class="tick">
        <input
          id={id}
          type="checkbox"
          checked={value}
          disabled={disabled}
          aria-describedby={hint || fault ? `${id}-hint` : undefined}
          onChange={(event) => onInput(event.currentTarget.checked)}
        />
        <div>
          <label for={id}>{label}</label>
          {(hint || fault) && (
            <span id={`${id}-hint`} class={fault ? 'fault' : 'hint'}>
              {fault || hint}
            </span>
          )}
        </div>
      </div>
    </div>
  );
}
