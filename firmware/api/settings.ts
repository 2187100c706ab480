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

const PublicSettingsSchema = publicSchema(SettingsSchema);
/** `problems`: what the box could not do of what is now set. */
const AppliedSettingsSchema = Type.Object({
  settings: PublicSettingsSchema,
  problems: Type.Array(OperatingProblemSchema),
});

export function settingsResource(app: Api, { store, view, listeners }: ApiContext): void {
  const shown = () => withoutSecrets(SettingsSchema, store.documents.settings());

  const editions = new Editions(store);

  app.get('/api/v1/settings', { schema: { response: { 200: PublicSettingsSchema } } }, (_request, reply) => {
    editions.tell(reply, 'settings');
    return shown();
  });

  app.put('/api/v1/settings', { schema: { response: { 200: AppliedSettingsSchema } } }, async (request, reply) => {
    editions.require(request, 'settings');
    const written = store.documents.writeSettings(request.body, whoAsks(request));
    if (!written.ok) throw refusal(written.problems);
    editions.tell(reply, 'settings');
    const problems = await view.applySettings(written.value);
    problems.push(...(await listeners.useTcpPort(written.value.api.tcpPort)));
    return { settings: shown(), problems };
  });
}
