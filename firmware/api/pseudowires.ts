/** The Ethernet pseudowires of the settings, and how each of them is. */
import { type Static, Type } from 'typebox';
import type { Api, ApiContext } from './context.js';
import { CountersSchema } from './sessions.js';

const PseudowireSchema = Type.Object({
  name: Type.String(),
  enabled: Type.Boolean(),
  mode: Type.Enum(['dial', 'listen', 'static']),
  type: Type.Enum(['ethernet', 'vlan']),
  vlanId: Type.Integer(),
  state: Type.Enum(['off', 'waiting', 'dialling', 'listening', 'up', 'down']),
  lastError: Type.String(),
  redialAt: Type.String(),
  encapsulation: Type.Enum(['udp', 'ip', '']),
  tunnelId: Type.Integer(),
  sessionId: Type.Integer(),
  peerSessionId: Type.Integer(),
  remoteEndId: Type.String(),
  peer: Type.String(),
  peerAddress: Type.String(),
  tapInterface: Type.String(),
  bridge: Type.String(),
  mtu_bytes: Type.Integer(),
  peerActive: Type.Boolean(),
  since: Type.String(),
  counters: CountersSchema,
});

export type Pseudowire = Static<typeof PseudowireSchema>;

export function pseudowiresResource(app: Api, { view }: ApiContext): void {
  app.get(
    '/api/v1/pseudowires',
    {
      schema: { summary: 'The Ethernet pseudowires', tags: ['calls'], response: { 200: Type.Array(PseudowireSchema) } },
    },
    () => view.pseudowires(),
  );
}
