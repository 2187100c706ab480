/** The settings document, read and replaced as a whole. */
import { Type } from 'typebox';
import { SettingsSchema } from '../settings.js';
import { withoutSecrets } from '../store/secret-fields.js';
import { whoAsks } from './authentication.js';
import type { Api, ApiContext } from './context.js';
import { Editions } from './preconditions.js';
import { refusal } from './problem.js';
import { publicSchema } from './public-schema.js';
import { OperatingProblemSchema } from './status.js';
import { ConfirmQuerySchema, ConfirmSchema, untilOf, waitOf } from './unconfirmed.js';

const PublicSettingsSchema = publicSchema(SettingsSchema);
const AppliedSettingsSchema = Type.Object({
  settings: PublicSettingsSchema,
  problems: Type.Array(OperatingProblemSchema, { description: 'what the box could not do of what is now set' }),
  confirm: ConfirmSchema,
});

export function settingsResource(app: Api, context: ApiContext): void {
  const { store, confirmation, apply } = context;
  const shown = () => withoutSecrets(SettingsSchema, store.documents.settings());
  const editions = new Editions(store);

  app.get(
    '/api/v1/settings',
    { schema: { summary: 'All settings', tags: ['settings'], response: { 200: PublicSettingsSchema } } },
    (_request, reply) => {
      editions.tell(reply, 'settings');
      return shown();
    },
  );

  app.put(
    '/api/v1/settings',
    {
      config: { body: SettingsSchema },
      schema: {
        ...{ summary: 'Replace all settings', tags: ['settings'] },
        querystring: ConfirmQuerySchema,
        response: { 200: AppliedSettingsSchema },
      },
    },
    async (request, reply) => {
      editions.require(request, 'settings');
      const wait = waitOf(request, request.query.confirm);
      const written = store.documents.writeSettings(request.body, whoAsks(request), wait);
      if (!written.ok) throw refusal(written.problems);
      confirmation.follow();
      const confirm = untilOf(context);
      editions.tell(reply, 'settings');
      const problems = await apply();
      return { settings: shown(), problems, confirm };
    },
  );
}
