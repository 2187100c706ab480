/**
 * The API's own description (OpenAPI 3.1), made from the routes' schemas, and the page on which it can be read and tried.
 * Must not describe a route itself.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { TSchema } from 'typebox';
import type { Api } from './context.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the body is, of a route whose body is checked by the rules of the store. */
    body?: TSchema;
  }
}

const DESCRIPTION = `Everything that the page does, it does by this API. Sign in at \`/api/v1/sign-in\`, or send
\`Authorization: Bearer\` with a token made at \`/api/v1/tokens\`. On the box's own Unix socket nothing of that is needed.
What is refused is answered by a problem document (RFC 9457) with field and reason of all that is wrong.`;

const TAGS = [
  { name: 'access', description: 'First password, sign-in, accounts, tokens, certificate' },
  { name: 'settings', description: 'What is set: settings, users, pools, backup' },
  { name: 'calls', description: 'Sessions, tunnels, pseudowires, history, traces, captures' },
  { name: 'box', description: 'How the box is: overview, interfaces, RADIUS, logs, metrics, system' },
];

/** Where Swagger UI's own files are, wherever its code has been put. */
const REFERENCE_FILES = join(createRequire(import.meta.url).resolve('@fastify/swagger-ui'), '../static');

/** The hash is of the one style sheet that Swagger UI puts into the page itself; its icons are data. */
const REFERENCE_POLICY = [
  "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:",
  "style-src 'self' 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='",
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
].join('; ');

/** Before the routes. */
export function describeRoutes(app: Api, version: string): void {
  app.register(swagger, {
    hideUntagged: true,
    openapi: {
      openapi: '3.1.0',
      info: { title: 'tunnelwerk', version, description: DESCRIPTION },
      servers: [{ url: '/' }],
      tags: TAGS,
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer' },
          browser: { type: 'apiKey', in: 'cookie', name: '__Host-tunnelwerk' },
        },
      },
      security: [{ token: [] }, { browser: [] }],
    },
    transform: ({ schema, url, route }) => {
      const body = route.config?.body;
      return { schema: { ...schema, ...(body !== undefined && { body }) }, url };
    },
  });
}

/** Behind the routes. The page of the reference loads what it needs from here, under a policy that lets nothing else in. */
export function referencePage(app: Api): void {
  app.get('/api/v1/openapi.json', { schema: { summary: 'This description', tags: ['box'] } }, () => app.swagger());
  app.register(swaggerUi, {
    routePrefix: '/api/v1/reference',
    baseDir: REFERENCE_FILES,
    logo: { type: 'image/svg+xml', content: readFileSync(join(REFERENCE_FILES, 'logo.svg')) },
    staticCSP: REFERENCE_POLICY,
    uiConfig: { deepLinking: true, docExpansion: 'list', validatorUrl: null },
    theme: { title: 'tunnelwerk API' },
  });
}
