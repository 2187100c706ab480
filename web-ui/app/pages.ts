/** The views, in the order of the menu. A view is loaded when it is first shown. */
import type { ComponentType } from 'preact';
import type { Words } from './language.js';

export interface Page {
  /** First part of the path; '' is the first page. */
  path: string;
  title: Words<string>;
  group: 'watch' | 'set' | 'box';
  load(): Promise<{ default: ComponentType<PageProps> }>;
}
export interface PageProps {
  /** Of the path, behind the first: ['4711'] of /sessions/4711. */
  rest: string[];
}

export const PAGES: readonly Page[] = [
  page('', 'watch', { en: 'Overview', de: 'Übersicht' }, () => import('../views/overview/page.js')),
  page('sessions', 'watch', { en: 'Sessions', de: 'Sitzungen' }, () => import('../views/sessions/page.js')),
];

function page(path: string, group: Page['group'], title: Words<string>, load: Page['load']): Page {
  return { path, group, title, load };
}
