/** The box's routes as the kernel has them now, and who set them. */
import { type Static, Type } from 'typebox';
import type { RouteState } from '../control/network-state.js';
import { canonicalPrefix, type Settings, STATIC_ROUTE_PROTOCOL } from '../settings.js';
import type { Api, ApiContext } from './context.js';

const PageSchema = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 10_000, default: 1000 }),
  prefix: Type.Optional(
    Type.Refine(
      Type.String({ description: 'routes to networks and hosts within this prefix alone' }),
      (text) => canonicalPrefix(text) !== undefined,
      () => 'is not a prefix; write it as in 10.0.0.0/8 or 2001:db8::/32',
    ),
  ),
});
const RouteSchema = Type.Object({
  prefix: Type.String(),
  via: Type.String({ description: 'the next hop; empty where the destinations are on the interface itself' }),
  interface: Type.String({ description: 'empty: it leads nowhere' }),
  origin: Type.Enum(['kernel', 'tunnelwerk', 'static', 'dhcp', 'other'], {
    description: 'tunnelwerk: to users, pools or through a tunnel. static: from the settings, or set by hand',
  }),
  metric: Type.Integer(),
});

export type Route = Static<typeof RouteSchema>;

export function routesResource(app: Api, { store, network }: ApiContext): void {
  app.get(
    '/api/v1/routes',
    {
      schema: {
        summary: 'Routes of the box',
        tags: ['box'],
        querystring: PageSchema,
        response: { 200: Type.Array(RouteSchema) },
      },
    },
    async ({ query: { limit, prefix } }) => {
      const within = prefix === undefined ? '' : (canonicalPrefix(prefix) ?? '');
      const tunnels = ownTunnels(store.documents.settings());
      const routes = await network.routes(within);
      return routes.slice(0, limit).map((route) => shown(route, tunnels));
    },
  );
}

/** Devices that the box makes for users and profiles. */
function ownTunnels({ lns, lacClients }: Settings): Set<string> {
  return new Set([lns.tunInterface, ...lacClients.map(({ tunInterface }) => tunInterface)]);
}

function shown({ protocol, ...route }: RouteState, tunnels: ReadonlySet<string>): Route {
  return { ...route, origin: originOf(protocol, tunnels.has(route.interface)) };
}

function originOf(protocol: string, isOfTunnel: boolean): Route['origin'] {
  if (protocol === STATIC_ROUTE_PROTOCOL) return 'static';
  if (protocol === 'static') return isOfTunnel ? 'tunnelwerk' : 'static';
  return protocol === 'kernel' || protocol === 'dhcp' ? protocol : 'other';
}
