/** Who is signed in at this browser. */
import type { Setup } from '../../firmware/api/setup.js';
import { get, onSignedOut, post, remove } from '../api/client.js';
import { useSyncExternalStore } from './external-store.js';

export interface Account {
  name: string;
  role: 'admin' | 'viewer';
}
/** 'asking': the box has not said yet; 'set-up': it has no password yet; 'silent': it does not answer. */
export type AccountState = 'asking' | 'set-up' | 'signed-out' | 'silent' | Account;

const listeners = new Set<() => void>();
let state: AccountState = 'asking';
const read = (): AccountState => state;

function become(next: AccountState): void {
  state = next;
  for (const listener of listeners) listener();
}

onSignedOut(() => become('signed-out'));

/** Asks the box. */
export async function lookWhoIsSignedIn(): Promise<void> {
  try {
    const { state: setUp, account } = await get<Setup>('/setup');
    if (setUp === 'password') become('set-up');
    else become(account ?? 'signed-out');
  } catch {
    become('silent');
  }
}

/** Rejects with ApiError: 401 for a wrong name or password, 429 for too many tries. */
export async function signIn(name: string, password: string): Promise<void> {
  become(await post<Account>('/sign-in', { name, password }));
}

/** First use: sets the administrator's password. */
export async function setFirstPassword(password: string, name: string): Promise<void> {
  become(await post<Account>('/setup', { password, name }));
}

export async function signOut(): Promise<void> {
  await remove('/sign-in').catch(() => undefined);
  become('signed-out');
}

export function useAccount(): AccountState {
  return useSyncExternalStore(listeners, read);
}

/** Whether who is signed in may change anything. */
export function useIsAdmin(): boolean {
  const account = useAccount();
  return typeof account === 'object' && account.role === 'admin';
}
