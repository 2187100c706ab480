/** The control connections that live, and their end by request. */
import { type Static, Type } from 'typebox';
import type { Api, ApiContext } from './context.js';
import { notFound } from './problem.js';

const TunnelSchema = Type.Object({
  tunnelId: Type.Integer(),
  peerTunnelId: Type.Integer(),
  state: Type.String(),
  originator: Type.Boolean(),
  profile: Type.String(),
  peerHostName: Type.String(),
  peerVendorName: Type.String(),
  version: Type.Enum([2, 3]),
  encapsulation: Type.Enum(['udp', 'ip']),
  localAddress: Type.String(),
  peerAddress: Type.String(),
  peerPort: Type.Integer(),
  sessions: Type.Integer(),
  since: Type.String(),
});
export type Tunnel = Static<typeof TunnelSchema>;

const TunnelIdSchema = Type.Object({ tunnelId: Type.Integer({ minimum: 1, maximum: 65_535 }) });

export function tunnelsResource(app: Api, { view }: ApiContext): void {
  app.get(
    '/api/v1/tunnels',
    { schema: { summary: 'The L2TP tunnels', tags: ['calls'], response: { 200: Type.Array(TunnelSchema) } } },
    () => view.tunnels(),
  );

  app.delete(
    '/api/v1/tunnels/:tunnelId',
    { schema: { summary: 'Close a tunnel, and with it its sessions', tags: ['calls'], params: TunnelIdSchema } },
    ({ params }, reply) => {
      const wasThere = view.closeTunnel(params.tunnelId);
      if (!wasThere) throw notFound(`tunnel ${params.tunnelId}`);
      return reply.code(204).send();
    },
  );
}
