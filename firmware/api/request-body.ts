/** A request's body against its schema, with field and reason of all that is wrong. */
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Problem } from '../settings.js';
import { schemaProblems } from '../store/shape.js';
import { refusal } from './problem.js';

const compiled = new WeakMap<TSchema, ReturnType<typeof Compile>>();

/** None when the body is as the schema says. */
export function bodyProblems(schema: TSchema, body: unknown): Problem[] {
  const validator = compiled.get(schema) ?? Compile(schema);
  compiled.set(schema, validator);
  return validator.Check(body) ? [] : schemaProblems(validator.Errors(body));
}

/** Throws the problem that answers it. */
export function checkedBody<T extends TSchema>(schema: T, body: unknown): Static<T> {
  const problems = bodyProblems(schema, body);
  if (problems.length > 0) throw refusal(problems);
  return body as Static<T>;
}
