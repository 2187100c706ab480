/** The JSON schema of the settings as far as forms are made from it. Pure. */
import type { Json } from './setting-paths.js';

/** As much of a JSON schema as the settings' has. */
export interface SettingSchema {
  type?: string;
  properties?: Record<string, SettingSchema>;
  required?: string[];
  items?: SettingSchema;
  enum?: (string | number)[];
  default?: Json;
  description?: string;
  minimum?: number;
  maximum?: number;
  writeOnly?: boolean;
}

/** The schema of the part that a pointer leads to. */
export function schemaAt(schema: SettingSchema, pointer: string): SettingSchema {
  let part = schema;
  for (const name of pointer.split('/').slice(1)) part = part.items ?? part.properties?.[name] ?? {};
  return part;
}

/** What has a default has it, a choice that must be made is its first, and the rest is empty. */
export function freshEntry(schema: SettingSchema): Json {
  const entry: { [name: string]: Json } = {};
  for (const [name, member] of Object.entries(schema.properties ?? {})) {
    if (member.default !== undefined) entry[name] = member.default;
    else if (!schema.required?.includes(name)) continue;
    else if (member.enum) entry[name] = member.enum[0] ?? '';
    else if (member.items) entry[name] = [];
    else if (member.type === 'string') entry[name] = '';
  }
  return entry;
}
