/** One control connection, and its end by request. */
import { useState } from 'preact/hooks';
import type { Tunnel } from '../../../firmware/api/tunnels.js';
import { type ApiError, part, remove } from '../../api/client.js';
import type { Resource } from '../../api/resource.js';
import { useIsAdmin } from '../../app/account.js';
import { count, since, time } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import { Link } from '../../app/router.js';
import { Badge } from '../../parts/badge.js';
import { Confirm } from '../../parts/dialog.js';
import { ErrorNotice } from '../../parts/notice.js';
import { Pairs } from '../../parts/pairs.js';
import { stateKind } from '../sessions/role-words.js';
import { carriedBy } from './carried-by.js';

const WORDS = {
  en: {
    all: 'All tunnels',
    loading: 'Loading …',
    title: (name: string) => `Tunnel to ${name}`,
    gone: 'There is no such tunnel. It has been closed, or never was.',
    close: 'Close tunnel',
    askTitle: 'Close this tunnel?',
    ask: (sessions: string) => `All its sessions end with it at once: ${sessions}. The peer may open a new one.`,
    sessions: 'Sessions in it',
    what: 'The control connection',
    names: {
      ids: 'Tunnel ID, here and there',
      host: 'Host name',
      vendor: 'Vendor',
      peer: 'Peer',
      local: 'Our address',
      by: 'Asked for by',
      carried: 'Carried by',
      profile: 'Profile',
      since: 'Open since',
      up: 'For',
    },
    us: 'this box',
    them: 'the peer',
  },
  de: {
    all: 'Alle Tunnel',
    loading: 'Lädt …',
    title: (name: string) => `Tunnel zu ${name}`,
    gone: 'Diesen Tunnel gibt es nicht. Er wurde geschlossen, oder es gab ihn nie.',
    close: 'Tunnel schließen',
    askTitle: 'Diesen Tunnel schließen?',
    ask: (sessions: string) =>
      `Alle seine Sitzungen enden sofort mit ihm: ${sessions}. Die Gegenstelle kann einen neuen öffnen.`,
    sessions: 'Sitzungen darin',
    what: 'Die Kontrollverbindung',
    names: {
      ids: 'Tunnel-ID, hier und dort',
      host: 'Gerätename',
      vendor: 'Hersteller',
      peer: 'Gegenstelle',
      local: 'Unsere Adresse',
      by: 'Gewünscht von',
      carried: 'Getragen von',
      profile: 'Profil',
      since: 'Offen seit',
      up: 'Dauer',
    },
    us: 'diesem Gerät',
    them: 'der Gegenstelle',
  },
};

export function TunnelDetail({ tunnelId, tunnels }: { tunnelId: number; tunnels: Resource<Tunnel[]> }) {
  const words = useWords(WORDS);
  const language = useLanguage();
  if (tunnels.data === undefined) {
    return tunnels.error ? <ErrorNotice error={tunnels.error} /> : <p class="quiet">{words.loading}</p>;
  }
  const tunnel = tunnels.data.find((each) => each.tunnelId === tunnelId);
  if (tunnel === undefined) {
    return (
      <section class="empty">
        <h1>{words.gone}</h1>
        <Link class="button" to="/tunnels">
          {words.all}
        </Link>
      </section>
    );
  }
  const { names } = words;
  const port = tunnel.peerPort > 0 ? ` (${tunnel.peerPort})` : '';
  return (
    <>
      <div>
        <Link to="/tunnels">{words.all}</Link>
        <Head tunnel={tunnel} onClosed={tunnels.reload} />
      </div>
      <section class="card" aria-labelledby="what">
        <h2 id="what">{words.what}</h2>
        <Pairs
          pairs={[
            [names.host, tunnel.peerHostName],
            [names.vendor, tunnel.peerVendorName],
            [names.peer, `${tunnel.peerAddress}${port}`],
            [names.local, tunnel.localAddress],
            [names.ids, `${tunnel.tunnelId}, ${tunnel.peerTunnelId}`],
            [names.by, tunnel.originator ? words.us : words.them],
            [names.carried, carriedBy(tunnel)],
            [names.profile, tunnel.profile],
            [names.since, time(tunnel.since, language)],
            [names.up, since(tunnel.since)],
            [
              words.sessions,
              <Link key="sessions" to={`/sessions?q=tunnel:${tunnel.tunnelId}`}>
                {count(tunnel.sessions, language)}
              </Link>,
            ],
          ]}
        />
      </section>
    </>
  );
}

function Head({ tunnel, onClosed }: { tunnel: Tunnel; onClosed(): void }) {
  const words = useWords(WORDS);
  const language = useLanguage();
  const isAdmin = useIsAdmin();
  const [isAsking, setAsking] = useState(false);
  const [error, setError] = useState<ApiError>();
  const close = () => {
    setAsking(false);
    remove(`/tunnels/${part(tunnel.tunnelId)}`).then(onClosed, (refused: ApiError) => setError(refused));
  };
  return (
    <>
      <div class="page-head">
        <div class="row">
          <h1>{words.title(tunnel.peerHostName || tunnel.peerAddress)}</h1>
          <Badge kind={stateKind(tunnel.state)}>{tunnel.state}</Badge>
        </div>
        {isAdmin && (
          <button type="button" class="danger" onClick={() => setAsking(true)}>
            {words.close}
          </button>
        )}
      </div>
      <ErrorNotice error={error} />
      {isAsking && (
        <Confirm title={words.askTitle} action={words.close} onConfirm={close} onClose={() => setAsking(false)}>
          <p>{words.ask(count(tunnel.sessions, language))}</p>
        </Confirm>
      )}
    </>
  );
}
