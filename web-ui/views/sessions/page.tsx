/** The calls that live: all of them in a list, or one of them. */
import type { PageProps } from '../../app/pages.js';
import { SessionDetail } from './detail.js';
import { SessionListView } from './list.js';

export default function SessionsPage({ rest: [id] }: PageProps) {
  return id === undefined ? <SessionListView /> : <SessionDetail key={id} sessionId={id} />;
}
