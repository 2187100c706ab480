/**
 * What every resource of the API is given, and the types of the server that carries it. Types and the compilers of schemas
 * alone.
 */
import { type Serializer, SerializerSelector } from '@fastify/fast-json-stringify-compiler';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifySchemaCompiler,
  FastifySerializerCompiler,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import type { Confirmation } from '../control/confirmation.js';
import type { LogRing } from '../control/log-ring.js';
import type { NetworkState } from '../control/network-state.js';
import type { TestCalls } from '../control/test-call/test-calls.js';
import type { CallTraces } from '../control/traces/call-traces.js';
import type { ControlPlaneView, OperatingProblem } from '../control/view.js';
import { schemaProblems } from '../store/shape.js';
import type { Store } from '../store/store.js';
import type { Changes } from './changes.js';
import type { Listeners } from './listeners.js';
import type { Program } from './program.js';
import type { Reach } from './reach.js';
import type { SignInTries } from './sign-in-tries.js';
import type { WebCertificate } from './web-certificate.js';

export type Api = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export interface ApiContext {
  store: Store;
  view: ControlPlaneView;
  traces: CallTraces;
  testCalls: TestCalls;
  listeners: Listeners;
  reach: Reach;
  certificate: WebCertificate;
  /** Of changes that may cut off who makes them. */
  confirmation: Confirmation;
  /** Of passwords. */
  tries: SignInTries;
  /** Brings the stored settings into force, and gives what could not be done of them. */
  apply: () => Promise<OperatingProblem[]>;
  /** What was changed through the API, for those who show it. */
  changes: Changes;
  /** The log's last lines. */
  logs: LogRing;
  program: Program;
  /** Interfaces and routes as the kernel has them. */
  network: NetworkState;
  /** The LAN of a box whose settings name no interface. */
  givenLan: readonly string[];
}

/**
 * Checks parameters and query strings, which are text, against TypeBox schemas, with reasons in words. A schema is compiled
 * when the first request needs it: all of them at once are a second of a board's start.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema }) => {
  let validator: ReturnType<typeof Compile> | undefined;
  const { properties = {} } = schema as { properties?: Record<string, { type?: string }> };
  const numbers = Object.keys(properties).filter((name) => properties[name]?.type === 'integer');
  return (value: unknown) => {
    validator ??= Compile(schema);
    const converted = Value.Default(schema, { ...(value as object) }) as Record<string, unknown>;
    for (const name of numbers) converted[name] = asNumber(converted[name]);
    if (validator.Check(converted)) return { value: converted };
    const error = schemaProblems(validator.Errors(converted)).map(({ field, reason }) => ({
      instancePath: field,
      message: reason,
      keyword: '',
      schemaPath: '',
      params: {},
    }));
    return { error };
  };
};

const compileSerializer = SerializerSelector()();

/** Writes answers by their schemas, as Fastify does, but for the time of compiling: when the first is written. */
export const serializerCompiler: FastifySerializerCompiler<unknown> = (route) => {
  let write: Serializer | undefined;
  return (answer) => {
    write ??= compileSerializer({ ...route, httpStatus: route.httpStatus ?? '' });
    return write(answer);
  };
};

/** The number that a text in decimal says; everything else stays what it is, to be refused. */
function asNumber(value: unknown): unknown {
  return typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
}
