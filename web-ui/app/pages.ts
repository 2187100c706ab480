/** The views, in the order of the menu. A view is loaded when it is first shown. */
import type { ComponentType } from 'preact';
import type { Words } from './languages.js';

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
  page('tunnels', 'watch', { en: 'Tunnels', de: 'Tunnel' }, () => import('../views/tunnels/page.js')),
  page('traces', 'watch', { en: 'Call trace', de: 'Anruf-Trace' }, () => import('../views/traces/page.js')),
  page('captures', 'watch', { en: 'Capture', de: 'Mitschnitt' }, () => import('../views/captures/page.js')),
  page('calls', 'watch', { en: 'Past calls', de: 'Frühere Anrufe' }, () => import('../views/calls/page.js')),
  page('set-up', 'set', { en: 'Set-up', de: 'Ersteinrichtung' }, () => import('../views/set-up/page.js')),
  page('lns', 'set', { en: 'LNS', de: 'LNS' }, () => import('../views/lns/page.js')),
  page('lac', 'set', { en: 'LAC', de: 'LAC' }, () => import('../views/lac/page.js')),
  page('lac-clients', 'set', { en: 'Client', de: 'Client' }, () => import('../views/lac-clients/page.js')),
  page('users', 'set', { en: 'Users', de: 'Benutzer' }, () => import('../views/users/page.js')),
  page('pools', 'set', { en: 'Pools', de: 'Pools' }, () => import('../views/pools/page.js')),
  page('pseudowires', 'set', { en: 'Pseudowires', de: 'Pseudowires' }, () => import('../views/pseudowires/page.js')),
  page('radius', 'set', { en: 'RADIUS', de: 'RADIUS' }, () => import('../views/radius/page.js')),
  page('network', 'set', { en: 'Network', de: 'Netzwerk' }, () => import('../views/network/page.js')),
  page('filters', 'set', { en: 'Filters', de: 'Filter' }, () => import('../views/filters/page.js')),
  page('protocols', 'set', { en: 'L2TP and PPP', de: 'L2TP und PPP' }, () => import('../views/protocols/page.js')),
  page('trace-peers', 'set', { en: 'Trace peers', de: 'Trace-Partner' }, () => import('../views/trace-peers/page.js')),
  page('logs', 'box', { en: 'Log', de: 'Protokoll' }, () => import('../views/logs/page.js')),
  page('system', 'box', { en: 'System', de: 'System' }, () => import('../views/system/page.js')),
];

function page(path: string, group: Page['group'], title: Words<string>, load: Page['load']): Page {
  return { path, group, title, load };
}
