/** The machine and the program on it, and the program's restart. */
import { statfs } from 'node:fs/promises';
import { arch, loadavg, release, uptime } from 'node:os';
import { type Static, Type } from 'typebox';
import { clockIsSet } from '../control/attention.js';
import type { Api, ApiContext } from './context.js';
import { ApiProblem } from './problem.js';

const SystemSchema = Type.Object({
  hostName: Type.String(),
  version: Type.String(),
  nodeVersion: Type.String(),
  kernel: Type.String(),
  architecture: Type.String(),
  startedAt: Type.String({ description: 'when the program was' }),
  time: Type.String(),
  uptime_s: Type.Integer({ description: 'of the machine' }),
  loadAverage: Type.Array(Type.Number(), { description: 'over 1, 5 and 15 minutes' }),
  disk: Type.Object(
    { total_bytes: Type.Number(), free_bytes: Type.Number() },
    { description: 'the file system that the settings are on' },
  ),
  timeIsSet: Type.Boolean({ description: 'false when the clock cannot be right' }),
  isAppliance: Type.Boolean({ description: 'whether the system beneath is an image of this program, with updates' }),
  mayRestart: Type.Boolean({ description: 'whether the program is started again when it ends' }),
});
export type System = Static<typeof SystemSchema>;

export function systemResource(app: Api, { view, program }: ApiContext): void {
  app.get(
    '/api/v1/system',
    { schema: { summary: 'The machine and the program on it', tags: ['box'], response: { 200: SystemSchema } } },
    async () => {
      const { hostName, version, startedAt } = view.status();
      const { bsize, blocks, bavail } = await statfs(program.dataFolder);
      return {
        ...{ hostName, version, nodeVersion: process.version, kernel: release(), architecture: arch(), startedAt },
        ...{ time: new Date().toISOString(), uptime_s: Math.floor(uptime()), loadAverage: loadavg() },
        disk: { total_bytes: blocks * bsize, free_bytes: bavail * bsize },
        timeIsSet: clockIsSet(Date.now()),
        isAppliance: program.appliance !== undefined,
        mayRestart: program.restart !== undefined,
      };
    },
  );

  app.post(
    '/api/v1/system/restart',
    {
      schema: { summary: 'End the program, and have it started again', tags: ['box'] },
    },
    (request, reply) => {
      const { restart } = program;
      if (restart === undefined) {
        const detail = 'nobody would start the program again: it was not started with --supervised';
        throw new ApiProblem({ title: 'Not supervised', status: 409, detail });
      }
      request.log.warn('restarted by request');
      reply.raw.once('close', restart);
      return reply.code(202).send();
    },
  );
}
