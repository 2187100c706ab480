/**
 * Which view is shown: the path of the address bar. Links are real links, which this takes over as long as they lead
 * within the page. Must not know any view.
 */
import type { ComponentChildren, TargetedMouseEvent } from 'preact';
import { useSyncExternalStore } from './external-store.js';

const listeners = new Set<() => void>();
const read = (): string => location.pathname + location.search;
const tell = (): void => {
  for (const listener of listeners) listener();
};
addEventListener('popstate', tell);

/** Shows another view; `replace` leaves no way back to this one. */
export function navigate(to: string, { replace = false } = {}): void {
  if (to === read()) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', to);
  tell();
  scrollTo(0, 0);
}

export interface Location {
  /** As in '/sessions/4711'. */
  path: string;
  /** Its parts, decoded: ['sessions', '4711']. */
  parts: string[];
  query: URLSearchParams;
}

export function useLocation(): Location {
  const { pathname, searchParams } = new URL(useSyncExternalStore(listeners, read), location.origin);
  const parts = pathname.split('/').filter((part) => part !== '');
  return { path: pathname, parts: parts.map(decoded), query: searchParams };
}

/** What is no encoding stands for itself. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

interface LinkProps {
  to: string;
  children: ComponentChildren;
  class?: string;
  id?: string;
  title?: string;
  'aria-current'?: 'page' | undefined;
  'aria-label'?: string;
}

export function Link({ to, children, ...rest }: LinkProps) {
  const follow = (event: TargetedMouseEvent<HTMLAnchorElement>) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    navigate(to);
  };
  return (
    <a href={to} onClick={follow} {...rest}>
      {children}
    </a>
  );
}
