/**
 * The API's server: joins the resources, the web page, the listeners and the way errors are told. Must not hold what
 * belongs to one resource.
 */
import cookie from '@fastify/cookie';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, { type FastifyBaseLogger, type FastifyReply, type FastifyRequest } from 'fastify';
import { Confirmation } from '../control/confirmation.js';
import type { LogRing } from '../control/log-ring.js';
import type { NetworkState } from '../control/network-state.js';
import type { TestCalls } from '../control/test-call/test-calls.js';
import type { CallTraces } from '../control/traces/call-traces.js';
import type { ControlPlaneView } from '../control/view.js';
import type { Store } from '../store/store.js';
import { accountsResource } from './accounts.js';
import { authenticate } from './authentication.js';
import { backupResource } from './backup.js';
import { capturesResource } from './captures.js';
import { certificateResource } from './certificate.js';
import { Changes } from './changes.js';
import { type Api, serializerCompiler, validatorCompiler } from './context.js';
import { eventsResource } from './events.js';
import { historyResource } from './history.js';
import { interfacesResource } from './interfaces.js';
import { takeJsonBodies } from './json-body.js';
import { leasesResource } from './leases.js';
import { Listeners } from './listeners.js';
import { logsResource } from './logs.js';
import { type Methods, refuseOtherMethods, rememberMethods } from './methods.js';
import { metricsResource } from './metrics.js';
import { noteChanges } from './note-changes.js';
import { describeRoutes, referencePage } from './openapi.js';
import { overviewResource } from './overview.js';
import { poolsResource } from './pools.js';
import { pppoeResource } from './pppoe.js';
import { answerErrors, sendProblem } from './problem.js';
import type { Program } from './program.js';
import { pseudowiresResource } from './pseudowires.js';
import { radiusResource } from './radius.js';
import { Reach } from './reach.js';
import { routesResource } from './routes.js';
import { SECURITY_HEADERS } from './security-headers.js';
import { sessionListResource } from './session-list.js';
import { sessionsResource } from './sessions.js';
import { settingsResource } from './settings.js';
import { settingsSchemaResource } from './settings-schema.js';
import { setupResource } from './setup.js';
import { signInResource } from './sign-in.js';
import { SignInTries } from './sign-in-tries.js';
import { statusResource } from './status.js';
import { systemResource } from './system.js';
import { testCallResource } from './test-call.js';
import { tokensResource } from './tokens.js';
import { traceResource } from './trace.js';
import { tracesResource } from './traces.js';
import { tunnelsResource } from './tunnels.js';
import { unconfirmedResource } from './unconfirmed.js';
import { updateResource } from './update.js';
import { usersResource } from './users.js';
import { type MakeCertificate, WebCertificate } from './web-certificate.js';
import { webPage } from './web-page.js';

/** The largest document is a pool with many excluded addresses. */
const BODY_LIMIT_BYTES = 2 * 1024 * 1024;

export interface ServerDependencies {
  store: Store;
  view: ControlPlaneView;
  traces: CallTraces;
  testCalls: TestCalls;
  /** Folder with index.html and what it loads. */
  webUiFolder: string;
  /** Interfaces from which the box is administered as long as its settings name none. */
  givenLan: readonly string[];
  makeCertificate: MakeCertificate;
  network: NetworkState;
  log: FastifyBaseLogger;
  /** The log's last lines. */
  logs: LogRing;
  program: Program;
}

export interface ApiServer {
  app: Api;
  /** Opened by the caller once the box works; closed together with `app`. */
  listeners: Listeners;
  changes: Changes;
  /** Started by the caller then; stopped together with `app`. */
  reach: Reach;
}

export function buildServer(dependencies: ServerDependencies): ApiServer {
  const { store, view, traces, testCalls, webUiFolder, givenLan, makeCertificate, network, log, logs, program } =
    dependencies;
  const beginAnswer = (request: FastifyRequest, reply: FastifyReply) => {
    reply.headers(SECURITY_HEADERS).header('cache-control', 'no-store');
    return listeners.refuseForeigners(request, reply);
  };
  const app: Api = fastify({
    loggerInstance: log,
    logController: new fastify.LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT_BYTES,
    routerOptions: { maxParamLength: 1024 },
    // What is no path at all meets no hook.
    frameworkErrors: (error, request, reply) => {
      if (beginAnswer(request, reply) !== undefined) return;
      sendProblem(reply, { title: 'The request is refused', status: error.statusCode ?? 400, detail: error.message });
    },
  }).withTypeProvider<TypeBoxTypeProvider>();
  const listeners = new Listeners((request, response) => app.routing(request, response));
  const changes = new Changes();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.removeContentTypeParser('text/plain');
  takeJsonBodies(app);
  answerErrors(app);
  app.addHook('onRequest', async (request, reply) => beginAnswer(request, reply));
  const certificate = new WebCertificate(store, listeners, makeCertificate);
  const reach = new Reach({ store, listeners, certificate, givenLan });
  const apply = async () => {
    const problems = await view.applySettings(store.documents.settings());
    return [...problems, ...(await reach.follow())];
  };
  const now_ms = () => performance.now();
  const applyFormer = () => {
    changes.tell({ who: 'the box', resource: 'settings' });
    return apply();
  };
  const confirmation = new Confirmation({
    ...{ documents: store.documents, clock: Date.now, now_ms, log },
    apply: applyFormer,
  });
  app.addHook('onReady', async () => confirmation.follow());
  app.addHook('onClose', async () => {
    confirmation.stop();
    await reach.stop();
    await listeners.close();
  });
  app.register(cookie);
  describeRoutes(app, view.status().version);
  // Cookies are read before it is asked whose they are, and routes are described from the first one on.
  app.after(() => {
    authenticate(app, store, listeners);
    const methods: Methods = new Map();
    rememberMethods(app, methods);
    noteChanges(app, changes);
    const context = {
      ...{ store, view, traces, testCalls, listeners, reach, certificate, confirmation, apply, changes, logs, program },
      ...{ network, givenLan, tries: new SignInTries() },
    };
    for (const resource of RESOURCES) resource(app, context);
    // Some resources have routes in a scope of their own, which are there only then.
    app.after(() => {
      webPage(app, webUiFolder);
      refuseOtherMethods(app, methods);
      referencePage(app);
    });
  });
  return { app, listeners, reach, changes };
}

/** Builds the server and serves it where the settings say. Rejects when the socket is in use. */
export async function startApi(dependencies: ServerDependencies & { socketPath: string }): Promise<ApiServer> {
  const server = buildServer(dependencies);
  await server.app.ready();
  await server.listeners.openSocket(dependencies.socketPath);
  await server.reach.start();
  return server;
}

const RESOURCES = [
  setupResource,
  signInResource,
  accountsResource,
  tokensResource,
  certificateResource,
  settingsResource,
  settingsSchemaResource,
  unconfirmedResource,
  backupResource,
  usersResource,
  poolsResource,
  leasesResource,
  interfacesResource,
  routesResource,
  statusResource,
  overviewResource,
  sessionListResource,
  eventsResource,
  logsResource,
  systemResource,
  updateResource,
  metricsResource,
  sessionsResource,
  tunnelsResource,
  pseudowiresResource,
  pppoeResource,
  radiusResource,
  historyResource,
  traceResource,
  tracesResource,
  testCallResource,
  capturesResource,
];
