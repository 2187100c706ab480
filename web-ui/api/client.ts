/**
 * Requests to the box: JSON both ways, or a file towards it; problems as ApiError with the fields that are wrong. Must not draw anything.
 */

/** What is wrong with a field; `field` is a JSON pointer into the document that was sent. */
export interface FieldProblem {
  field: string;
  reason: string;
}

/** A problem document of the API (RFC 9457); status 0 is a box that does not answer. */
export class ApiError extends Error {
  readonly status: number;
  readonly title: string;
  readonly problems: readonly FieldProblem[];
  /** Of a Retry-After; 0 without. */
  readonly retryAfter_s: number;

  constructor(
    status: number,
    document: { title?: string; detail?: string; problems?: FieldProblem[] },
    retryAfter_s = 0,
  ) {
    super(document.detail ?? document.title ?? `status ${status}`);
    this.status = status;
    this.title = document.title ?? '';
    this.problems = document.problems ?? [];
    this.retryAfter_s = retryAfter_s;
  }
}

export interface Answer<T> {
  data: T;
  /** To be given back as If-Match by whoever changes what was read; '' where there is none. */
  etag: string;
}

export interface RequestOptions {
  body?: unknown;
  /** The etag that was read: the box refuses, with 412, when somebody else has changed it since. */
  etag?: string;
  signal?: AbortSignal;
}

const signedOutListeners = new Set<() => void>();

/** `listener` is called when the box says that nobody is signed in. */
export function onSignedOut(listener: () => void): () => void {
  signedOutListeners.add(listener);
  return () => void signedOutListeners.delete(listener);
}

const ROOT = '/api/v1';

/** `path` is that behind /api/v1. Rejects with ApiError. */
export async function request<T>(method: string, path: string, options: RequestOptions = {}): Promise<Answer<T>> {
  const headers: Record<string, string> = {};
  const isFile = options.body instanceof Blob;
  if (options.body !== undefined) headers['content-type'] = isFile ? 'application/octet-stream' : 'application/json';
  if (options.etag) headers['if-match'] = options.etag;
  const body = options.body === undefined || isFile ? (options.body as Blob | undefined) : JSON.stringify(options.body);
  let response: Response;
  try {
    response = await fetch(ROOT + path, { method, headers, body, signal: options.signal, cache: 'no-store' });
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    throw new ApiError(0, { title: 'No answer' });
  }
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  const content = isJson ? await response.json() : undefined;
  if (response.ok) return { data: content as T, etag: response.headers.get('etag') ?? '' };
  if (response.status === 401 && path !== '/sign-in') for (const listener of signedOutListeners) listener();
  throw new ApiError(response.status, content ?? {}, Number(response.headers.get('retry-after') ?? 0));
}

export const get = async <T>(path: string, signal?: AbortSignal): Promise<T> =>
  (await request<T>('GET', path, { signal })).data;
export const put = async <T>(path: string, body: unknown, etag?: string): Promise<T> =>
  (await request<T>('PUT', path, { body, etag })).data;
export const post = async <T>(path: string, body?: unknown): Promise<T> =>
  (await request<T>('POST', path, { body })).data;
export const remove = async (path: string, etag?: string): Promise<void> => {
  await request('DELETE', path, { etag });
};

/** A name as one part of a path. */
export const part = (name: string | number): string => encodeURIComponent(String(name));
