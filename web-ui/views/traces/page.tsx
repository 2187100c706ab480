/** The traces of calls: a list of the last and the failed ones, or one as a ladder. */
import type { PageProps } from '../../app/pages.js';
import { TraceLadder } from './ladder.js';
import { TraceList } from './list.js';

export default function TracesPage({ rest: [traceId] }: PageProps) {
  return traceId === undefined ? <TraceList /> : <TraceLadder key={traceId} traceId={traceId} />;
}
