/** The control connections: all in a list, or one of them with its sessions. */
import type { Tunnel } from '../../../firmware/api/tunnels.js';
import { useResource } from '../../api/resource.js';
import { count, since } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import type { PageProps } from '../../app/pages.js';
import { Link } from '../../app/router.js';
import { Badge } from '../../parts/badge.js';
import { DataTable } from '../../parts/data-table.js';
import { stateKind } from '../sessions/role-words.js';
import { carriedBy } from './carried-by.js';
import { TunnelDetail } from './detail.js';

const WORDS = {
  en: {
    title: 'Tunnels',
    intro: 'Control connections between a LAC and an LNS. Each carries the sessions of many users.',
    none: 'No tunnel is up.',
    noneHint:
      'A tunnel opens with the first call. Who may open one to this box, and which LNSes it calls, is set under LNS, LAC and Client.',
    toLns: 'Set up the LNS',
    columns: {
      tunnel: 'Tunnel',
      host: 'Host name',
      peer: 'Peer',
      state: 'State',
      by: 'Asked for by',
      sessions: 'Sessions',
      up: 'Up for',
      carried: 'Carried by',
    },
    us: 'this box',
    them: 'the peer',
  },
  de: {
    title: 'Tunnel',
    intro: 'Kontrollverbindungen zwischen LAC und LNS. Jede trägt die Sitzungen vieler Benutzer.',
    none: 'Kein Tunnel steht.',
    noneHint:
      'Ein Tunnel öffnet sich mit dem ersten Anruf. Wer einen zu diesem Gerät öffnen darf und welche LNS es anruft, steht unter LNS, LAC und Client.',
    toLns: 'LNS einrichten',
    columns: {
      tunnel: 'Tunnel',
      host: 'Gerätename',
      peer: 'Gegenstelle',
      state: 'Zustand',
      by: 'Gewünscht von',
      sessions: 'Sitzungen',
      up: 'Steht seit',
      carried: 'Getragen von',
    },
    us: 'diesem Gerät',
    them: 'der Gegenstelle',
  },
};
const EVERY_MS = 3000;

export default function TunnelsPage({ rest: [id] }: PageProps) {
  const words = useWords(WORDS);
  const language = useLanguage();
  const tunnels = useResource<Tunnel[]>('/tunnels', { every_ms: EVERY_MS });
  if (id !== undefined) return <TunnelDetail key={id} tunnelId={Number(id)} tunnels={tunnels} />;
  const { columns } = words;
  return (
    <>
      <header>
        <h1>{words.title}</h1>
        <p class="quiet">{words.intro}</p>
      </header>
      <DataTable
        label={words.title}
        resource={tunnels}
        rows={tunnels.data ?? []}
        keyOf={({ tunnelId }) => tunnelId}
        empty={
          <>
            <p>
              <strong>{words.none}</strong> {words.noneHint}
            </p>
            <Link class="button" to="/lns">
              {words.toLns}
            </Link>
          </>
        }
        columns={[
          {
            title: columns.tunnel,
            cell: ({ tunnelId }) => <Link to={`/tunnels/${tunnelId}`}>{String(tunnelId)}</Link>,
          },
          { title: columns.host, cell: ({ peerHostName }) => peerHostName },
          { title: columns.peer, cell: ({ peerAddress }) => peerAddress },
          { title: columns.state, cell: ({ state }) => <Badge kind={stateKind(state)}>{state}</Badge> },
          { title: columns.by, cell: ({ originator }) => (originator ? words.us : words.them) },
          { title: columns.carried, cell: (tunnel) => carriedBy(tunnel) },
          { title: columns.sessions, isNumber: true, cell: ({ sessions }) => count(sessions, language) },
          { title: columns.up, isNumber: true, cell: (tunnel) => since(tunnel.since) },
        ]}
      />
    </>
  );
}
