/** A resource of the box as a component sees it: read when it is first shown, and again when asked or every so often. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, request } from './client.js';

export interface Resource<T> {
  /** Undefined until it has been read. */
  data: T | undefined;
  etag: string;
  /** Of the last try; the data before it stay. */
  error: ApiError | undefined;
  reload(): void;
  /** Puts in what a request of one's own has answered. */
  set(data: T, etag?: string): void;
}

/** `path` is that behind /api/v1; undefined reads nothing. */
export function useResource<T>(path: string | undefined, { every_ms = 0 } = {}): Resource<T> {
  const [state, setState] = useState<{ path?: string; data?: T; etag: string; error?: ApiError }>({ etag: '' });
  const [round, setRound] = useState(0);
  const known = useRef('');
  useEffect(() => {
    if (path === undefined) return undefined;
    const abort = new AbortController();
    request<T>('GET', path, { signal: abort.signal }).then(
      ({ data, etag }) => setState({ path, data, etag }),
      (error) => {
        if (error instanceof ApiError) setState((before) => ({ ...before, path, error }));
        else if ((error as Error).name !== 'AbortError') throw error;
      },
    );
    return () => abort.abort();
  }, [path, round]);
  useEffect(() => {
    if (every_ms === 0) return undefined;
    const timer = setInterval(() => {
      if (!document.hidden) setRound((before) => before + 1);
    }, every_ms);
    return () => clearInterval(timer);
  }, [every_ms]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  const set = useCallback((data: T, etag = '') => setState({ path: known.current, data, etag }), []);
  known.current = path ?? '';
  // What was read of another path is not shown under this one.
  const isOfPath = state.path === path;
  return {
    data: isOfPath ? state.data : undefined,
    etag: isOfPath ? state.etag : '',
    error: isOfPath ? state.error : undefined,
    reload,
    set,
  };
}
