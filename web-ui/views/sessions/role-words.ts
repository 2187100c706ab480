/** What the box is in a call, and how a state is marked. Must not know the browser. */
import type { BadgeKind } from '../../parts/badge.js';

/** The same in both languages. */
export const ROLES: Readonly<Record<string, string>> = { lns: 'LNS', lac: 'LAC', 'lac-client': 'Client' };

export const stateKind = (state: string): BadgeKind => (state === 'up' || state === 'established' ? 'good' : 'info');
