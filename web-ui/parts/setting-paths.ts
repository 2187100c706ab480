/** Reading and changing a part of the settings document by its JSON pointer (RFC 6901). Pure: a change gives a new document. */

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json | undefined };

const namesOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));

/** Undefined where there is nothing. */
export function valueAt(document: Json | undefined, pointer: string): Json | undefined {
  let value: Json | undefined = document;
  for (const name of namesOf(pointer)) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Array.isArray(value) ? value[Number(name)] : value[name];
  }
  return value;
}

/** `value` undefined takes the member away. What is missing on the way there is made. */
export function withValue(document: Json | undefined, pointer: string, value: Json | undefined): Json {
  const [name, ...rest] = namesOf(pointer);
  if (name === undefined) return value ?? null;
  const inner = rest.map((each) => `/${each.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  if (Array.isArray(document)) {
    return document.map((item, at) => (at === Number(name) ? withValue(item, inner, value) : item));
  }
  const members = typeof document === 'object' && document !== null ? { ...document } : {};
  if (inner === '' && value === undefined) delete members[name];
  else members[name] = inner === '' ? value : withValue(members[name], inner, value);
  return members;
}

/** The names that lead there, numbers of entries left out. */
export const placeOf = (pointer: string): string[] => namesOf(pointer).filter((name) => !/^\d+$/.test(name));
