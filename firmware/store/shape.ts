/**
 * Checks a document against a TypeBox schema, fills in its defaults, and says what is wrong in sentences. Must not know
 * what the document is about.
 */
import type { Static, TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { Settings as TypeBox } from 'typebox/system';
import type { Problem } from '../settings.js';

/** TypeBox stops at eight otherwise; a person wants to put everything right at once. */
TypeBox.Set({ maxErrors: 256 });

/** `value` has its defaults filled in. */
export type Validated<T> = { ok: true; value: T } | { ok: false; problems: Problem[] };

/**
 * Gives the function that checks documents against `schema`, which is compiled for the first of them; the document itself
 * is left as it is.
 */
export function compileShape<S extends TSchema>(schema: S): (document: unknown) => Validated<Static<S>> {
  let validator: Validator | undefined;
  return (document) => {
    validator ??= Compile(schema);
    const filled = validator.Default(structuredClone(document));
    if (validator.Check(filled)) return { ok: true, value: filled as Static<S> };
    return { ok: false, problems: schemaProblems(validator.Errors(filled)) };
  };
}

/** Turns what TypeBox finds into sentences about a field, one for each field. */
export function schemaProblems(errors: ReturnType<Validator['Errors']>): Problem[] {
  const found = new Map<string, string>();
  const note = (field: string, reason: string) => {
    if (!found.has(field)) found.set(field, reason);
  };
  const member = (path: string, name: PropertyKey) =>
    `${path}/${shortened(String(name)).replace(/~/g, '~0').replace(/\//g, '~1')}`;
  for (const error of errors) {
    const { instancePath } = error;
    if (error.keyword === 'additionalProperties') {
      for (const name of error.params.additionalProperties) note(member(instancePath, name), 'is not known; remove it');
    } else if (error.keyword === 'required') {
      for (const name of error.params.requiredProperties) note(member(instancePath, name), 'is missing; add it');
    } else if (error.keyword !== 'boolean') note(instancePath, schemaReason(error));
  }
  // More unknown fields than errors are gathered.
  if (found.size === 0) note('', 'is made of fields that are not known; remove them');
  return [...found].map(([field, reason]) => ({ field, reason }));
}

/** No field has a name that long. */
const shortened = (name: string): string => (name.length > 100 ? `${name.slice(0, 100)}…` : name);

const TYPE_NAMES: Readonly<Record<string, string>> = {
  integer: 'a whole number',
  number: 'a number',
  string: 'a text in quotes',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

function schemaReason(error: ReturnType<Validator['Errors']>[number]): string {
  switch (error.keyword) {
    case 'type':
      return `must be ${[error.params.type]
        .flat()
        .map((type) => TYPE_NAMES[type] ?? type)
        .join(' or ')}`;
    case 'minimum':
      return `must be at least ${error.params.limit}`;
    case 'maximum':
      return `must be at most ${error.params.limit}`;
    case 'minLength':
      return error.params.limit === 1 ? 'must not be empty' : `needs at least ${error.params.limit} characters`;
    case 'maxLength':
      return `takes at most ${error.params.limit} characters`;
    case 'minItems':
      return `needs at least ${error.params.limit} ${error.params.limit === 1 ? 'entry' : 'entries'}`;
    case 'maxItems':
      return `takes at most ${error.params.limit} entries`;
    case 'uniqueItems':
      return 'names something twice; leave one out';
    case 'enum':
      return `must be one of ${error.params.allowedValues.join(', ')}`;
    default:
      return error.message;
  }
}
