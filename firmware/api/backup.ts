/** All that is set, as one document under a passphrase, and back. Accounts, tokens and the certificate are not in it. */
import { type Static, Type } from 'typebox';
import { BackupSchema, openBackup, sealBackup } from '../store/backup.js';
import { checkContent } from '../store/content.js';
import { whoAsks } from './authentication.js';
import type { Api, ApiContext } from './context.js';
import { refusal } from './problem.js';
import { checkedBody } from './request-body.js';
import { OperatingProblemSchema } from './status.js';
import { ConfirmQuerySchema, ConfirmSchema, untilOf, waitOf } from './unconfirmed.js';

/** A box full of users, compressed, and some. */
const MAX_BACKUP_BYTES = 32 * 1024 * 1024;

const PassphraseSchema = Type.Object(
  {
    passphrase: Type.String({
      ...{ minLength: 10, maxLength: 256, writeOnly: true },
      description: 'without it nobody can restore the backup, and with it everybody',
    }),
  },
  { additionalProperties: false },
);
const RestoreSchema = Type.Object(
  { passphrase: Type.String({ minLength: 1, maxLength: 256, writeOnly: true }), backup: Type.Unknown() },
  { additionalProperties: false },
);
const RestoredSchema = Type.Object({
  createdAt: Type.String({ description: 'ISO 8601, when the backup was made' }),
  hostName: Type.String({ description: 'on which box' }),
  pools: Type.Integer(),
  users: Type.Integer(),
  problems: Type.Array(OperatingProblemSchema, { description: 'what the box could not do of what is now set' }),
  confirm: ConfirmSchema,
});
export type Restored = Static<typeof RestoredSchema>;

export function backupResource(app: Api, context: ApiContext): void {
  const { store, view, confirmation, apply } = context;

  app.post(
    '/api/v1/backup',
    {
      config: { body: PassphraseSchema },
      schema: { summary: 'Settings, users and pools, sealed', tags: ['settings'], response: { 200: BackupSchema } },
    },
    async (request) => {
      const { passphrase } = checkedBody(PassphraseSchema, request.body);
      const content = await store.documents.readAll();
      const { hostName, version } = view.status();
      request.log.info({ who: whoAsks(request) }, 'a backup was made');
      return sealBackup(content, passphrase, { createdAt: new Date().toISOString(), hostName, program: version });
    },
  );

  app.post(
    '/api/v1/backup/restore',
    {
      bodyLimit: MAX_BACKUP_BYTES,
      config: { body: RestoreSchema },
      schema: {
        ...{ summary: 'Put what a backup holds in the place of all settings, users and pools', tags: ['settings'] },
        querystring: ConfirmQuerySchema,
        response: { 200: RestoredSchema },
      },
    },
    async (request) => {
      const { passphrase, backup } = checkedBody(RestoreSchema, request.body);
      const opened = await openBackup(backup, passphrase);
      if (!opened.ok) throw refusal(opened.problems);
      const checked = await checkContent(opened.content);
      if (!checked.ok) {
        throw refusal(checked.problems.map(({ field, reason }) => ({ field: `/backup${field}`, reason })));
      }
      const wait = waitOf(request, request.query.confirm);
      const touched = await store.documents.replaceAll(checked.value, whoAsks(request), wait);
      confirmation.follow();
      const confirm = untilOf(context);
      view.usersChanged(touched);
      view.poolsChanged();
      const problems = await apply();
      const { createdAt, hostName } = backup as Static<typeof BackupSchema>;
      const { pools, users } = checked.value;
      return { createdAt, hostName, pools: pools.length, users: users.length, problems, confirm };
    },
  );
}
