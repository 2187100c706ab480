/**
 * Finds the secrets of a document by the `secret` marks of its schema: to seal and open them, to leave them out, and
 * to keep those that a new document leaves out. Must not know which documents there are.
 */
import type { TSchema } from 'typebox';
import { canonicalAddress, type Problem } from '../settings.js';

type Fields = Record<string, unknown>;
/** What a schema looks like where it is walked through. */
interface Node {
  properties?: Record<string, Node>;
  items?: Node;
  default?: unknown;
  secret?: boolean;
}

/** Changes each secret that is there; `place` tells it from every other one in the document. */
export function mapSecrets<T>(schema: TSchema, document: T, change: (secret: string, place: string) => string): T {
  return changeSecrets(schema, structuredClone(document), change);
}

/** As mapSecrets, in the document itself, which it gives back. */
export function changeSecrets<T>(schema: TSchema, document: T, change: (secret: string, place: string) => string): T {
  walk(schema, document, '', (object, names, place) => {
    for (const name of names) {
      const secret = object[name];
      if (typeof secret === 'string') object[name] = change(secret, `${place}/${name}`);
    }
  });
  return document;
}

/** The document without its secrets: instead of each there is `<name>Set`, which tells whether there is one. */
export function withoutSecrets(schema: TSchema, document: unknown): unknown {
  const copy = structuredClone(document);
  walk(schema, copy, '', (object, names) => {
    for (const name of names) {
      object[`${name}Set`] = object[name] !== undefined;
      delete object[name];
    }
  });
  return copy;
}

/**
 * The document that is meant by `incoming` when it was written for `previous` (undefined: there was none): a secret
 * that is left out stays, null clears it, and what withoutSecrets told is left out.
 */
export function keepSecrets(schema: TSchema, incoming: unknown, previous: unknown): unknown {
  const kept = new Map<string, unknown>();
  walk(schema, previous, '', (object, names, place) => {
    for (const name of names) kept.set(`${place}/${name}`, object[name]);
  });
  const copy = structuredClone(incoming);
  walk(schema, copy, '', (object, names, place) => {
    for (const name of names) {
      delete object[`${name}Set`];
      const secret = object[name] === undefined ? kept.get(`${place}/${name}`) : object[name];
      if (secret === undefined || secret === null) delete object[name];
      else object[name] = secret;
    }
  });
  return copy;
}

/**
 * Secrets that `incoming` believes to be there, by the `<name>Set` that withoutSecrets told, but that neither it nor
 * `previous` has: of an entry that got another name. Without its secret it would go on unprotected.
 */
export function lostSecrets(schema: TSchema, incoming: unknown, previous: unknown): Problem[] {
  const kept = new Set<string>();
  walk(schema, previous, '', (object, names, place) => {
    for (const name of names) if (object[name] !== undefined) kept.add(`${place}/${name}`);
  });
  const problems: Problem[] = [];
  walk(schema, incoming, '', (object, names, place, field) => {
    for (const name of names) {
      if (object[`${name}Set`] !== true || object[name] !== undefined || kept.has(`${place}/${name}`)) continue;
      const reason = `is not kept under another name; give it again, or leave ${name}Set out to go without`;
      problems.push({ field: `${field}/${name}`, reason });
    }
  });
  return problems;
}

/** What of a schema's object leads to secrets: the names of its own, and the properties that hold some further down. */
interface Paths {
  secretNames: string[];
  properties: [string, Node][];
}

const pathsOfSchemas = new WeakMap<Node, Paths>();

function pathsOf(node: Node): Paths {
  const known = pathsOfSchemas.get(node);
  if (known !== undefined) return known;
  const properties = Object.entries(node.properties ?? {});
  const paths = {
    secretNames: properties.filter(([, property]) => property.secret).map(([name]) => name),
    properties: properties.filter(([, property]) => leadsToSecrets(property)),
  };
  pathsOfSchemas.set(node, paths);
  return paths;
}

function leadsToSecrets({ items, ...node }: Node): boolean {
  if (items !== undefined) return leadsToSecrets(items);
  return Object.values(node.properties ?? {}).some((property) => property.secret || leadsToSecrets(property));
}

/**
 * Calls `visit` for every object that may have secrets. In `place` list entries are told apart by their name or address,
 * since they move; `field` is a JSON pointer. `value` may have any shape.
 */
function walk(
  node: Node,
  value: unknown,
  place: string,
  visit: (object: Fields, secretNames: string[], place: string, field: string) => void,
  field = '',
): void {
  if (Array.isArray(value)) {
    const { items } = node;
    if (!items) return;
    value.forEach((entry, at) => {
      walk(items, entry, `${place}/${entryName(items, entry, at)}`, visit, `${field}/${at}`);
    });
  } else if (isFields(value)) {
    const { secretNames, properties } = pathsOf(node);
    if (secretNames.length > 0) visit(value, secretNames, place, field);
    for (const [name, property] of properties) {
      walk(property, value[name], `${place}/${name}`, visit, `${field}/${name}`);
    }
  }
}

/**
 * What has no name is a server or a client, and told by its address and way, whether that is said or its default, and
 * however the address is spelled: in another spelling it is the same server, and must not lose its secret.
 */
function entryName({ properties }: Node, entry: unknown, at: number): string {
  if (!isFields(entry)) return String(at);
  const { name, address, server } = entry;
  const { port = properties?.port?.default, encapsulation = properties?.encapsulation?.default } = entry;
  if (typeof name === 'string') return JSON.stringify(name);
  const peer = address ?? server;
  if (typeof peer !== 'string') return String(at);
  return JSON.stringify([canonicalAddress(peer) ?? peer, port, encapsulation]);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}
