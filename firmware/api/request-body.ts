/** A request's body against its schema, with field and reason of all that is wrong. */
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { schemaProblems } from '../store/shape.js';
import { refusal } from './problem.js';

const compiled = new WeakMap<TSchema, ReturnType<typeof Compile>>();

/** Throws the problem that answers it. */
export function checkedBody<T extends TSchema>(schema: T, body: unknown): Static<T> {
  const validator = compiled.get(schema) ?? Compile(schema);
  compiled.set(schema, validator);
  if (!validator.Check(body)) throw refusal(schemaProblems(validator.Errors(body)));
  return body as Static<T>;
}
