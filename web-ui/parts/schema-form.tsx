/**
 * A form for a part of the settings document, made from its JSON schema: what can be set stands in one place, the schema,
 * and the form has it all. Knows kinds of values, not settings.
 */
import { useId } from 'preact/hooks';
import { type Language, useLanguage, useWords } from '../app/language.js';
import { Field, NumberField, SecretField, SelectField, TextField, TickField, useFault } from './form.js';
import { ListField } from './list-field.js';
import { type Json, placeOf, valueAt, withValue } from './setting-paths.js';
import { freshEntry, type SettingSchema } from './setting-schema.js';
import { settingWords, valueWords } from './setting-words.js';

export interface SettingProps {
  schema: SettingSchema;
  /** Of this part, a JSON pointer into the whole document. */
  pointer: string;
  document: Json;
  onChange(document: Json): void;
  /** May be left out of the document. */
  isOptional?: boolean;
}

const WORDS = {
  en: { more: 'More settings', unset: 'not set', clear: 'Clear', onePerLine: 'one a line' },
  de: { more: 'Weitere Einstellungen', unset: 'nicht gesetzt', clear: 'Löschen', onePerLine: 'eines je Zeile' },
};

/** Label and hint of a setting in the language that is chosen. */
export function wordsOf({ schema, pointer }: Pick<SettingProps, 'schema' | 'pointer'>, language: Language) {
  const place = placeOf(pointer);
  return settingWords(place, schema.description ?? '', language) ?? { label: place.at(-1) ?? '', hint: '' };
}

interface GroupProps extends SettingProps {
  /** Names of members that are shown at once; the others are behind "more". Left out: all are shown. */
  first?: readonly string[] | undefined;
  without?: readonly string[] | undefined;
}

/** The members of an object. */
export function SettingGroup({ schema, pointer, document, onChange, first, without = [] }: GroupProps) {
  const words = useWords(WORDS);
  const names = Object.keys(schema.properties ?? {}).filter((name) => !without.includes(name));
  const shown = first === undefined ? names : first.filter((name) => names.includes(name));
  const hidden = names.filter((name) => !shown.includes(name));
  const setting = (name: string) => (
    <Setting
      key={name}
      schema={schema.properties?.[name] ?? {}}
      pointer={`${pointer}/${name}`}
      document={document}
      onChange={onChange}
      isOptional={!schema.required?.includes(name)}
    />
  );
  return (
    <>
      {shown.map(setting)}
      {hidden.length > 0 && (
        <details class="more">
          <summary>{words.more}</summary>
          <div class="form">{hidden.map(setting)}</div>
        </details>
      )}
    </>
  );
}

/** One setting, whatever it is. */
export function Setting(props: SettingProps) {
  const { schema, pointer, document, onChange } = props;
  const language = useLanguage();
  const { label, hint } = wordsOf(props, language);
  const value = valueAt(document, pointer);
  const set = (next: Json | undefined) => onChange(withValue(document, pointer, next));
  const field = { label, hint: hint || undefined, pointer };
  if (schema.writeOnly) return <Secret {...props} {...field} />;
  if (schema.enum) return <Choice {...props} {...field} />;
  if (schema.type === 'boolean') return <TickField {...field} value={value === true} onInput={set} />;
  if (schema.type === 'integer') {
    const bounds = { min: schema.minimum ?? 0, max: schema.maximum ?? Number.MAX_SAFE_INTEGER };
    return <NumberField {...field} {...bounds} value={typeof value === 'number' ? value : undefined} onInput={set} />;
  }
  if (schema.type === 'string') {
    const change = (text: string) => set(text === '' && props.isOptional ? undefined : text);
    return <TextField {...field} value={typeof value === 'string' ? value : ''} onInput={change} />;
  }
  if (schema.items?.enum) return <Choices {...props} {...field} />;
  if (schema.items?.properties) {
    return (
      <fieldset>
        <legend>{label}</legend>
        <SettingList {...props} />
      </fieldset>
    );
  }
  if (schema.type === 'array') return <Lines {...props} {...field} />;
  if (props.isOptional) return <OptionalGroup {...props} {...field} />;
  return (
    <fieldset>
      <legend>{label}</legend>
      <SettingGroup {...props} />
    </fieldset>
  );
}

/** A group that is there as a whole or not at all. */
function OptionalGroup({ label, hint, ...props }: Named) {
  const { schema, pointer, document, onChange } = props;
  const isThere = valueAt(document, pointer) !== undefined;
  const set = (shall: boolean) => onChange(withValue(document, pointer, shall ? freshEntry(schema) : undefined));
  return (
    <fieldset>
      <legend>{label}</legend>
      <TickField label={label} hint={hint} pointer={pointer} value={isThere} onInput={set} />
      {isThere && <SettingGroup {...props} />}
    </fieldset>
  );
}

/** The entries of a list; `first` as in SettingGroup. */
export function SettingList({ first, ...props }: SettingProps & { first?: readonly string[] | undefined }) {
  const { schema, pointer, document, onChange } = props;
  const { label, hint } = wordsOf(props, useLanguage());
  const value = valueAt(document, pointer);
  const item = schema.items ?? {};
  return (
    <ListField
      label={label}
      hint={hint}
      entries={Array.isArray(value) ? value : []}
      fresh={() => freshEntry(item)}
      onChange={(entries) => onChange(withValue(document, pointer, entries))}
    >
      {(at) => (
        <SettingGroup
          schema={item}
          pointer={`${pointer}/${at}`}
          document={document}
          onChange={onChange}
          first={first}
        />
      )}
    </ListField>
  );
}

type Named = SettingProps & { label: string; hint?: string | undefined };

/** The box says of a secret only whether it is set, under its name with `Set` behind it. */
function Secret({ pointer, document, onChange, label, hint }: Named) {
  const words = useWords(WORDS);
  const isSet = valueAt(document, `${pointer}Set`) === true;
  const value = valueAt(document, pointer);
  const set = (next: string | null | undefined) => onChange(withValue(document, pointer, next));
  const field = { label, hint: value === null ? words.unset : hint, pointer };
  return (
    <div class="with-button">
      <SecretField
        {...field}
        value={typeof value === 'string' ? value : undefined}
        isSet={isSet && value !== null}
        onInput={set}
      />
      {isSet && value !== null && (
        <button type="button" onClick={() => set(null)} aria-label={`${words.clear}: ${label}`}>
          {words.clear}
        </button>
      )}
    </div>
  );
}

function Choice({ schema, pointer, document, onChange, isOptional, label, hint }: Named) {
  const words = useWords(WORDS);
  const language = useLanguage();
  const values = schema.enum ?? [];
  const options = values.map((each) => ({ value: String(each), label: valueWords(each, language) }));
  if (isOptional) options.unshift({ value: '', label: words.unset });
  const value = valueAt(document, pointer);
  const set = (text: string) => {
    onChange(
      withValue(
        document,
        pointer,
        values.find((each) => String(each) === text),
      ),
    );
  };
  const field = { label, hint, pointer };
  return <SelectField {...field} options={options} value={value === undefined ? '' : String(value)} onInput={set} />;
}

/** Several of a few; what is chosen last stands last. */
function Choices({ schema, pointer, document, onChange, label, hint }: Named) {
  const language = useLanguage();
  const fault = useFault(pointer);
  const id = useId();
  const value = valueAt(document, pointer);
  const chosen: Json[] = Array.isArray(value) ? value : [];
  return (
    <fieldset aria-describedby={hint || fault ? id : undefined}>
      <legend>{label}</legend>
      {(schema.items?.enum ?? []).map((each) => (
        <TickField
          key={each}
          label={valueWords(each, language)}
          value={chosen.includes(each)}
          onInput={(isChosen) => {
            const others = chosen.filter((other) => other !== each);
            onChange(withValue(document, pointer, isChosen ? [...others, each] : others));
          }}
        />
      ))}
      {(hint || fault) && (
        <span id={id} class={fault ? 'fault' : 'hint'}>
          {fault || hint}
        </span>
      )}
    </fieldset>
  );
}

/** A list of texts, one a line. A fault names the line by its number, which the form shows above. */
function Lines({ pointer, document, onChange, label, hint }: Named) {
  const words = useWords(WORDS);
  const value = valueAt(document, pointer);
  const lines = Array.isArray(value) ? value.map(String) : [];
  const set = (text: string) => onChange(withValue(document, pointer, text === '' ? [] : text.split('\n')));
  return (
    <Field label={label} pointer={pointer} hint={hint || words.onePerLine}>
      {(attributes) => (
        <textarea
          {...attributes}
          rows={Math.min(8, Math.max(2, lines.length))}
          spellcheck={false}
          value={lines.join('\n')}
          onInput={(event) => set(event.currentTarget.value)}
          onBlur={(event) => set(withoutEmptyLines(event.currentTarget.value))}
        />
      )}
    </Field>
  );
}

const withoutEmptyLines = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n');
