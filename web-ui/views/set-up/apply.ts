/** Carries the plan of the set-up out: pool, user, settings, in this order, so that each finds what it names. */
import { ApiError, part, post, put, request } from '../../api/client.js';
import { type Documents, type Found, pageStays } from './plan.js';

export interface Applied {
  settings: Found['settings'];
  /** Of the settings as they are now. */
  etag: string;
  problems: readonly { what: string; advice: string }[];
  /** The box takes the settings back then, unless they are kept; null: they stand. */
  confirm: { until: string } | null;
}

/**
 * Rejects with ApiError, whose fields begin with the name of the document: /pool, /user, /settings. Status 0 after the
 * settings were sent means that the box can no longer be reached from here.
 */
export async function apply({ pool, user, settings }: Documents, found: Found, etag: string): Promise<Applied> {
  if (pool) await within('/pool', put(`/pools/${part(pool.name)}`, pool));
  if (user) await within('/user', put(`/users/${part(user.name)}`, user));
  const options = { body: settings, etag };
  const { data, etag: latest } = await within('/settings', request<Omit<Applied, 'etag'>>('PUT', '/settings', options));
  const applied = { ...data, etag: latest };
  if (!data.confirm || !pageStays(settings, found, pageHost())) return applied;
  // The answer has come by the way that stays: that it is kept needs no further question.
  await post('/settings/confirm');
  return { ...applied, confirm: null };
}

/** The host of the address bar, an IPv6 address without its brackets. */
export const pageHost = (): string => location.hostname.replace(/^\[|\]$/g, '');

async function within<T>(document: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const problems = error.problems.map(({ field, reason }) => ({ field: document + field, reason }));
    throw new ApiError(error.status, { title: error.title, detail: error.message, problems }, error.retryAfter_s);
  }
}
