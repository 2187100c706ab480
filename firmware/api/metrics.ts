/** Figures for Prometheus, in its text format and by its conventions, and a dashboard for Grafana that shows them. */
import { Counter, Gauge, Registry } from 'prom-client';
import type { Api, ApiContext } from './context.js';
import dashboard from './grafana-dashboard.json' with { type: 'json' };

type Labels = Record<string, string | number>;
/** A value for each set of labels, read when it is asked for. */
type Reader = () => Iterable<readonly [Labels, number]>;

export function metricsResource(app: Api, context: ApiContext): void {
  const registry = new Registry();
  const sources = sourcesOf(context);
  for (const [name, { help, labels = [], read }] of Object.entries(sources)) {
    const options = { name, help, labelNames: labels, registers: [registry] };
    if (name.endsWith('_total')) {
      const counter = new Counter({
        ...options,
        collect() {
          counter.reset();
          for (const [of, value] of read()) counter.inc(of, value);
        },
      });
    } else {
      const gauge = new Gauge({
        ...options,
        collect() {
          gauge.reset();
          for (const [of, value] of read()) gauge.set(of, value);
        },
      });
    }
  }

  app.get(
    '/metrics',
    {
      schema: {
        ...{ summary: 'Figures for Prometheus', tags: ['box'], produces: ['text/plain'] },
        description: 'In the text format of Prometheus. A token of the role viewer is enough.',
      },
    },
    async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()),
  );

  app.get(
    '/api/v1/metrics/grafana-dashboard',
    { schema: { summary: 'A dashboard for Grafana that shows the figures', tags: ['box'] } },
    (_request, reply) => {
      const file = 'attachment; filename="tunnelwerk-dashboard.json"';
      return reply
        .type('application/json; charset=utf-8')
        .header('content-disposition', file)
        .send(JSON.stringify(dashboard, null, 2));
    },
  );
}

interface Source {
  help: string;
  labels?: readonly string[];
  read: Reader;
}

const one = (value: number): Iterable<readonly [Labels, number]> => [[{}, value]];

/** By name: those that end in `_total` only grow. */
function sourcesOf(context: ApiContext): Record<string, Source> {
  return { ...ofCalls(context), ...ofRadius(context), ...ofPools(context), ...ofPeers(context), ...ofProgram(context) };
}

function ofCalls({ view }: ApiContext): Record<string, Source> {
  return {
    tunnelwerk_sessions: {
      help: 'Calls, those that are being set up with them, by the role of this box.',
      labels: ['role'],
      read: () => {
        const { lns, lac, lacClient } = view.counts().callsByRole;
        return [
          [{ role: 'lns' }, lns],
          [{ role: 'lac' }, lac],
          [{ role: 'lac-client' }, lacClient],
        ];
      },
    },
    tunnelwerk_tunnels: { help: 'L2TP tunnels.', read: () => one(view.status().tunnels) },
    tunnelwerk_call_setups_total: { help: 'Calls that came up.', read: () => one(view.counts().setups) },
    tunnelwerk_call_failures_total: {
      help: 'Calls that ended before they came up.',
      read: () => one(view.counts().failures),
    },
    tunnelwerk_received_bytes_total: {
      help: "Users' packets from the far ends of all sessions.",
      read: () => one(view.counts().receivedOctets),
    },
    tunnelwerk_sent_bytes_total: {
      help: "Users' packets to the far ends of all sessions.",
      read: () => one(view.counts().sentOctets),
    },
    tunnelwerk_dropped_packets_total: {
      help: 'Packets and messages that were given up, by reason.',
      labels: ['reason'],
      read: () => Object.entries(view.status().drops).map(([reason, count]) => [{ reason }, count]),
    },
  };
}

function ofRadius({ view }: ApiContext): Record<string, Source> {
  const labels = ['service', 'server'] as const;
  type Server = ReturnType<typeof view.radius>['servers'][number];
  const ofServers = (value: (server: Server) => number): Reader => {
    return () =>
      view.radius().servers.map((server) => {
        const { service, address, port } = server;
        return [
          { service, server: address.includes(':') ? `[${address}]:${port}` : `${address}:${port}` },
          value(server),
        ];
      });
  };
  return {
    tunnelwerk_radius_server_up: {
      ...{ help: 'Whether a RADIUS server answers.', labels },
      read: ofServers(({ state }) => (state === 'alive' ? 1 : 0)),
    },
    tunnelwerk_radius_requests_total: {
      ...{ help: 'Requests to a RADIUS server, without retransmissions.', labels },
      read: ofServers(({ requests }) => requests),
    },
    tunnelwerk_radius_replies_total: {
      ...{ help: 'Replies of a RADIUS server that were taken.', labels },
      read: ofServers(({ replies }) => replies),
    },
    tunnelwerk_radius_timeouts_total: {
      ...{ help: 'Requests that a RADIUS server did not answer.', labels },
      read: ofServers(({ noReplies }) => noReplies),
    },
    tunnelwerk_accounting_records_waiting: {
      help: 'Accounting records on the disk that no server has yet.',
      read: () => one(view.radius().accounting.waiting),
    },
    tunnelwerk_accounting_records_delivered_total: {
      help: 'Accounting records that a server has taken.',
      read: () => one(view.radius().accounting.delivered),
    },
    tunnelwerk_accounting_records_given_up_total: {
      help: 'Accounting records that were lost, since too many waited.',
      read: () => one(view.radius().accounting.givenUp),
    },
  };
}

function ofPools({ store }: ApiContext): Record<string, Source> {
  const labels = ['pool'];
  return {
    tunnelwerk_pool_addresses: {
      ...{ help: 'Addresses of a pool.', labels },
      read: () => store.documents.pools().map(({ name, size }) => [{ pool: name }, size]),
    },
    tunnelwerk_pool_leased_addresses: {
      ...{ help: 'Addresses of a pool that calls have.', labels },
      read: () => {
        const leased = store.leases.leasedByPool();
        return store.documents.pools().map(({ name }) => [{ pool: name }, leased.get(name) ?? 0]);
      },
    },
  };
}

function ofPeers({ view }: ApiContext): Record<string, Source> {
  return {
    tunnelwerk_pppoe_sessions: {
      ...{ help: 'PPPoE sessions of the LAC on an interface.', labels: ['interface'] },
      read: () => view.pppoe().interfaces.map(({ name, sessions }) => [{ interface: name }, sessions]),
    },
    tunnelwerk_failed_lnses: {
      help: 'LNSes that the LAC asks after all others, since they have failed.',
      read: () => one(view.pppoe().failedLnses.length),
    },
    tunnelwerk_lac_client_up: {
      ...{ help: 'Whether a profile of the LAC client is connected.', labels: ['profile'] },
      read: () => view.status().lacClients.map(({ name, state }) => [{ profile: name }, state === 'up' ? 1 : 0]),
    },
    tunnelwerk_pseudowire_up: {
      ...{ help: 'Whether frames pass through a pseudowire.', labels: ['pseudowire'] },
      read: () => view.pseudowires().map(({ name, state }) => [{ pseudowire: name }, state === 'up' ? 1 : 0]),
    },
  };
}

function ofProgram({ view, listeners, certificate, reach }: ApiContext): Record<string, Source> {
  return {
    tunnelwerk_build_info: {
      ...{ help: 'What runs; the value is 1.', labels: ['version', 'node_version'] },
      read: () => [[{ version: view.status().version, node_version: process.version }, 1]],
    },
    tunnelwerk_problems: {
      help: 'What does not work although the settings ask for it.',
      read: () => one([view.status(), listeners, certificate, reach].flatMap((part) => part.problems).length),
    },
    tunnelwerk_sessions_that_fit: {
      help: 'How many sessions the memory bears in all.',
      read: () => one(view.status().memory.sessionsThatFit),
    },
    process_start_time_seconds: {
      help: 'When the program was started, Unix time.',
      read: () => one(Date.parse(view.status().startedAt) / 1000),
    },
    process_cpu_seconds_total: {
      help: 'Processor time of the program, all its threads.',
      read: () => one((process.cpuUsage().user + process.cpuUsage().system) / 1e6),
    },
    process_resident_memory_bytes: {
      help: 'Memory of the program.',
      read: () => one(process.memoryUsage.rss()),
    },
  };
}
