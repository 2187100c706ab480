/**
 * The schemas of the documents that are written as a whole, for who makes forms or checks documents by them: JSON Schema
 * with descriptions, limits and defaults; secrets are marked writeOnly.
 */
import { type TSchema, Type } from 'typebox';
import { PoolSchema, SettingsSchema, UserSchema } from '../settings.js';
import type { Api } from './context.js';

const AnySchema = Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true });
const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

export function settingsSchemaResource(app: Api): void {
  const offer = (path: string, ofWhat: string, schema: TSchema) => {
    const document = { $schema: DIALECT, ...(JSON.parse(JSON.stringify(schema)) as object) };
    app.get(
      `/api/v1/settings/schema${path}`,
      { schema: { summary: `JSON schema of ${ofWhat}`, tags: ['settings'], response: { 200: AnySchema } } },
      () => document,
    );
  };
  offer('', 'the settings', SettingsSchema);
  offer('/user', 'a user', UserSchema);
  offer('/pool', 'a pool', PoolSchema);
}
