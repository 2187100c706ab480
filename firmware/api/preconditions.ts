/**
 * Keeps two people who edit one document from undoing each other's work: entity tags and If-Match (RFC 9110 sections 8.8.3
 * and 13.1.1). Must not know what the documents are.
 */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Store } from '../store/store.js';
import { ApiProblem } from './problem.js';

/** A document that is read and written as a whole; `resource` as in the audit: 'settings', 'users/alice'. */
export class Editions {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Tells the edition that is stored now, as the header `etag`. Without one nothing is told. */
  tell(reply: FastifyReply, resource: string): void {
    const tag = this.#tag(resource);
    if (tag !== undefined) reply.header('etag', tag);
  }

  /**
   * Throws, with status 412, who changed the document and when, if the request names other editions in If-Match than the
   * one that is stored. To be called in the same turn of the event loop as the change itself.
   */
  require(request: FastifyRequest, resource: string): void {
    const header = request.headers['if-match'];
    if (header === undefined) return;
    const tag = this.#tag(resource);
    const named = header.split(',').map((each) => each.trim());
    if (tag !== undefined && (named.includes(tag) || named.includes('*'))) return;
    const last = this.#store.audit.last(resource);
    const what = last?.action === 'delete' ? 'deleted' : 'changed';
    const by = last === undefined ? `this is not what is stored` : `${last.who} ${what} it at ${last.at}`;
    throw new ApiProblem({
      title: 'Changed meanwhile',
      status: 412,
      detail: `${by}; read it again, and put your change into what is there now`,
      ...(last === undefined ? {} : { changed: { who: last.who, at: last.at } }),
    });
  }

  /** Secrets are sealed anew with each edition, so that a tag tells nothing about them. */
  #tag(resource: string): string | undefined {
    const text = this.#store.documents.storedText(resource);
    return text === undefined ? undefined : `"${createHash('sha256').update(text).digest('base64url')}"`;
  }
}
