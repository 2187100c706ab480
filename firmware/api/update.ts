/** Updates of a board's image, its reboot, and its way back to factory settings. */
import { PassThrough, type Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { MAX_BUNDLE_BYTES } from '../control/board/update.js';
import { whoAsks } from './authentication.js';
import type { Api, ApiContext } from './context.js';
import { ApiProblem } from './problem.js';
import type { Appliance } from './program.js';
import { checkedBody } from './request-body.js';

const SlotSchema = Type.Object({
  name: Type.Enum(['A', 'B']),
  version: Type.String({ description: "of the image in it; '' where that is not known" }),
  state: Type.Enum(['good', 'bad', 'empty'], { description: 'bad: it did not come up in three tries' }),
  triesLeft: Type.Integer(),
});
const UpdateSchema = Type.Object({
  board: Type.String(),
  version: Type.String({ description: 'that runs' }),
  isProved: Type.Boolean({ description: 'whether the system that runs has been found to work since it was started' }),
  booted: Type.String({ description: 'slot that runs' }),
  slots: Type.Array(SlotSchema),
  update: Type.Object({
    state: Type.Enum(['idle', 'receiving', 'installing', 'installed', 'failed'], {
      description: 'installed: it runs after the next reboot',
    }),
    progress_percent: Type.Integer(),
    message: Type.String(),
    version: Type.String(),
  }),
});
export type UpdateStatus = Static<typeof UpdateSchema>;

const ResetSchema = Type.Object(
  { confirm: Type.Enum(['RESET'], { description: 'all settings, users, leases and history are lost' }) },
  { additionalProperties: false },
);

export function updateResource(app: Api, { program, store }: ApiContext): void {
  const board = (): Appliance => {
    if (program.appliance !== undefined) return program.appliance;
    const detail = 'this program was not started by an image of its own: the system that it runs on is updated as such';
    throw new ApiProblem({ title: 'No appliance', status: 409, detail });
  };

  const noted = (request: FastifyRequest, resource: string) =>
    store.audit.note(Date.now(), { who: whoAsks(request), action: 'put', resource, fields: [] });

  app.get(
    '/api/v1/system/update',
    {
      schema: {
        ...{ summary: 'The image that runs, the slots, and how an update goes', tags: ['box'] },
        response: { 200: UpdateSchema },
      },
    },
    async () => {
      const { description, update, proof } = board();
      const slots = await update.slots();
      if ('reason' in slots) throw new ApiProblem({ title: 'No answer', status: 503, detail: slots.reason });
      return {
        ...{ board: description.board, version: description.version, isProved: proof.isProved },
        ...{ ...slots, update: update.state },
      };
    },
  );

  // The bundle is stored as it comes: in memory it would be larger than all else. Within a scope of its own, so that no
  // other resource takes such a body.
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('application/octet-stream', (_request, octets, done) => done(null, octets));
    scope.put(
      '/api/v1/system/update',
      {
        schema: {
          ...{ summary: 'Send an update bundle, which is installed in the other slot', tags: ['box'] },
          consumes: ['application/octet-stream'],
          querystring: Type.Object({
            older: Type.Enum(['true', 'false'], {
              default: 'false',
              description: 'true: also a version before this one',
            }),
          }),
        },
      },
      async (request, reply) => {
        const { update } = board();
        if (update.isBusy) {
          throw new ApiProblem({
            title: 'Busy',
            status: 409,
            detail: 'an update is on its way; wait until it has ended',
          });
        }
        if (Number(request.headers['content-length']) > MAX_BUNDLE_BYTES) {
          const detail = `no update has more than ${MAX_BUNDLE_BYTES / 1024 / 1024} MiB`;
          throw new ApiProblem({ title: 'The update is refused', status: 413, detail }, { connection: 'close' });
        }
        const { older } = request.query as { older: string };
        const octets = (request.body as Readable | null) ?? new PassThrough().end();
        const taken = await update.take(octets, older === 'true');
        if ('reason' in taken) {
          request.log.warn({ who: whoAsks(request), reason: taken.reason }, 'an update is refused');
          throw new ApiProblem({ title: 'The update is refused', status: 422, detail: taken.reason });
        }
        const { version } = update.state;
        noted(request, `system/update/${version}`);
        void taken.installed.then(() => request.log.info(update.state, 'the update has ended'));
        return reply.code(202).send();
      },
    );
  });

  app.post(
    '/api/v1/system/reboot',
    { schema: { summary: 'Start the board anew', tags: ['box'] } },
    async (request, reply) => {
      const { helper } = board();
      noted(request, 'system/reboot');
      const answer = await helper.ask('reboot');
      if (!answer.ok) throw new ApiProblem({ title: 'No reboot', status: 503, detail: answer.reason });
      return reply.code(202).send();
    },
  );

  app.post(
    '/api/v1/system/factory-reset',
    {
      config: { body: ResetSchema },
      schema: { summary: 'Forget all that is set, and start the board anew', tags: ['box'] },
    },
    async (request, reply) => {
      const { helper } = board();
      checkedBody(ResetSchema, request.body);
      noted(request, 'system/factory-reset');
      const answer = await helper.ask('factory-reset');
      if (!answer.ok) throw new ApiProblem({ title: 'No reset', status: 503, detail: answer.reason });
      return reply.code(202).send();
    },
  );
}
