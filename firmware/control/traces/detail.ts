/** The detail of a trace's line, `name=value, name=(…), word`, taken apart again. Pure. */

export interface DetailField {
  name: string;
  value: string;
}

/** In their order; what has no name has ''. A comma within brackets, or before what is no `name=`, belongs to the value. */
export function parseDetail(detail: string): DetailField[] {
  const fields: DetailField[] = [];
  for (const part of topLevelParts(detail)) {
    const [, name, value = ''] = /^([A-Za-z][\w]*)=([\s\S]*)$/.exec(part) ?? [];
    const last = fields.at(-1);
    if (name !== undefined) fields.push({ name, value });
    else if (last !== undefined && last.name !== '') last.value += `, ${part}`;
    else fields.push({ name: '', value: part });
  }
  return fields;
}

/** By name; the last of several. */
export function fieldsOf(detail: string): Readonly<Record<string, string>> {
  return Object.fromEntries(parseDetail(detail).map(({ name, value }) => [name, value]));
}

function topLevelParts(detail: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < detail.length; at++) {
    const character = detail[at];
    if (character === '(') depth += 1;
    else if (character === ')') depth = Math.max(0, depth - 1);
    else if (character === ',' && depth === 0 && detail[at + 1] === ' ') {
      parts.push(detail.slice(from, at));
      from = at + 2;
    }
  }
  if (from < detail.length) parts.push(detail.slice(from));
  return parts;
}
