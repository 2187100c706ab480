/** One call: how it does now, what was settled for it, and its end by request. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Session } from '../../../firmware/api/sessions.js';
import { type ApiError, part, remove } from '../../api/client.js';
import { type Resource, useResource } from '../../api/resource.js';
import { useIsAdmin } from '../../app/account.js';
import { count, duration, octets, rate, since, time } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import { Link } from '../../app/router.js';
import { Badge } from '../../parts/badge.js';
import { Chart } from '../../parts/chart.js';
import { Confirm } from '../../parts/dialog.js';
import { ErrorNotice, Notice } from '../../parts/notice.js';
import { Pairs } from '../../parts/pairs.js';
import { type Counted, type LiveRates, NO_RATES, withReading } from './live-rate.js';
import { negotiatedWords } from './negotiated-words.js';
import { ROLES, stateKind } from './role-words.js';
import './sessions.css';

const WORDS = {
  en: {
    all: 'All sessions',
    loading: 'Loading …',
    session: (id: number) => `Session ${id}`,
    gone: 'There is no such session. It has ended, or never was.',
    endedState: 'ended',
    ended: 'This session has ended. Below is what was last seen of it.',
    toCalls: 'Past calls of this user',
    toAllCalls: 'Past calls',
    trace: 'Call trace',
    tunnel: 'Its tunnel',
    capture: 'Capture this session',
    disconnect: 'Disconnect',
    askTitle: 'Disconnect this session?',
    ask: (user: string) => `The call of ${user} ends at once. The user may call again.`,
    someone: 'this user',
    live: 'Now',
    rates: 'Throughput',
    waitForRates: 'The first figures come in a second or two.',
    received: 'Received',
    sent: 'Sent',
    traffic: 'Traffic so far',
    packets: (packets: string) => `${packets} packets`,
    call: 'The call',
    settled: 'What was settled',
    names: {
      user: 'User',
      address: 'Address',
      interfaceId: 'IPv6 interface ID',
      role: 'This box is',
      profile: 'Profile',
      calling: 'Caller',
      called: 'Called number',
      peer: 'Peer',
      lns: 'LNS',
      since: 'Asked for',
      up: 'Up for',
      ids: 'Session ID, here and there',
      serial: 'Call Serial Number',
      accounting: 'Acct-Session-Id',
    },
  },
  de: {
    all: 'Alle Sitzungen',
    loading: 'Lädt …',
    session: (id: number) => `Sitzung ${id}`,
    gone: 'Diese Sitzung gibt es nicht. Sie ist beendet, oder es gab sie nie.',
    endedState: 'beendet',
    ended: 'Diese Sitzung ist beendet. Unten steht, was zuletzt von ihr zu sehen war.',
    toCalls: 'Frühere Anrufe dieses Benutzers',
    toAllCalls: 'Frühere Anrufe',
    trace: 'Anruf-Trace',
    tunnel: 'Ihr Tunnel',
    capture: 'Diese Sitzung mitschneiden',
    disconnect: 'Trennen',
    askTitle: 'Diese Sitzung trennen?',
    ask: (user: string) => `Der Anruf von ${user} endet sofort. Der Benutzer kann wieder anrufen.`,
    someone: 'diesem Benutzer',
    live: 'Jetzt',
    rates: 'Durchsatz',
    waitForRates: 'Die ersten Werte kommen in ein, zwei Sekunden.',
    received: 'Empfangen',
    sent: 'Gesendet',
    traffic: 'Verkehr bisher',
    packets: (packets: string) => `${packets} Pakete`,
    call: 'Der Anruf',
    settled: 'Was ausgehandelt wurde',
    names: {
      user: 'Benutzer',
      address: 'Adresse',
      interfaceId: 'IPv6-Interface-ID',
      role: 'Dieses Gerät ist',
      profile: 'Profil',
      calling: 'Anrufer',
      called: 'Gerufene Nummer',
      peer: 'Gegenstelle',
      lns: 'LNS',
      since: 'Gewünscht',
      up: 'Steht seit',
      ids: 'Session-ID, hier und dort',
      serial: 'Call Serial Number',
      accounting: 'Acct-Session-Id',
    },
  },
};
const EVERY_MS = 1000;
/** One alone makes no line. */
const LEAST_READINGS = 2;

export function SessionDetail({ sessionId }: { sessionId: string }) {
  const words = useWords(WORDS);
  const resource = useResource<Session>(`/sessions/${part(sessionId)}`, { every_ms: EVERY_MS });
  const rates = useRates(resource.data);
  const { data: session, error } = resource;
  if (session === undefined) return <Missing error={error} />;
  const hasEnded = error?.status === 404;
  return (
    <>
      <div>
        <Link to="/sessions">{words.all}</Link>
        <Head session={session} hasEnded={hasEnded} onEnded={resource.reload} />
      </div>
      {hasEnded && (
        <Notice kind="warn">
          {words.ended} <Link to={`/calls?user=${encodeURIComponent(session.user)}`}>{words.toCalls}</Link>
        </Notice>
      )}
      {!hasEnded && <ErrorNotice error={error} />}
      <Throughput rates={rates} session={session} />
      <div class="columns">
        <CallPairs session={session} hasEnded={hasEnded} />
        <Settled session={session} />
      </div>
    </>
  );
}

function Missing({ error }: Pick<Resource<Session>, 'error'>) {
  const words = useWords(WORDS);
  if (error === undefined) return <p class="quiet">{words.loading}</p>;
  if (error.status !== 404) return <ErrorNotice error={error} />;
  return (
    <section class="empty">
      <h1>{words.gone}</h1>
      <div class="actions">
        <Link class="button" to="/sessions">
          {words.all}
        </Link>
        <Link class="button" to="/calls">
          {words.toAllCalls}
        </Link>
      </div>
    </section>
  );
}

/** Of one reading after the other, while the session is shown. */
function useRates(session: Session | undefined): LiveRates {
  const [rates, setRates] = useState(NO_RATES);
  const before = useRef<Counted>(undefined);
  useEffect(() => {
    if (session === undefined) return;
    const { receivedOctets, sentOctets } = session.counters;
    const now = { at_ms: Date.now(), receivedOctets, sentOctets };
    const last = before.current;
    before.current = now;
    if (last !== undefined) setRates((known) => withReading(known, last, now));
  }, [session]);
  return rates;
}

function Head({ session, hasEnded, onEnded }: { session: Session; hasEnded: boolean; onEnded(): void }) {
  const words = useWords(WORDS);
  const isAdmin = useIsAdmin();
  const [isAsking, setAsking] = useState(false);
  const [error, setError] = useState<ApiError>();
  const disconnect = () => {
    setAsking(false);
    remove(`/sessions/${part(session.sessionId)}`).then(onEnded, (refused: ApiError) => setError(refused));
  };
  const trace = new URLSearchParams({ user: session.user, call: String(session.callId) });
  return (
    <>
      <div class="page-head">
        <div class="row">
          <h1>{session.user || words.session(session.sessionId)}</h1>
          {hasEnded ? (
            <Badge kind="plain">{words.endedState}</Badge>
          ) : (
            <Badge kind={stateKind(session.state)}>{session.state}</Badge>
          )}
        </div>
        <div class="actions">
          <Link class="button" to={`/traces?${trace}`}>
            {words.trace}
          </Link>
          {session.tunnelId > 0 && (
            <Link class="button" to={`/tunnels/${session.tunnelId}`}>
              {words.tunnel}
            </Link>
          )}
          {isAdmin && !hasEnded && (
            <Link class="button" to={`/captures?sessionId=${session.sessionId}`}>
              {words.capture}
            </Link>
          )}
          {isAdmin && !hasEnded && (
            <button type="button" class="danger" onClick={() => setAsking(true)}>
              {words.disconnect}
            </button>
          )}
        </div>
      </div>
      <ErrorNotice error={error} />
      {isAsking && (
        <Confirm
          title={words.askTitle}
          action={words.disconnect}
          onConfirm={disconnect}
          onClose={() => setAsking(false)}
        >
          <p>{words.ask(session.user || words.someone)}</p>
        </Confirm>
      )}
    </>
  );
}

function Throughput({ rates, session }: { rates: LiveRates; session: Session }) {
  const words = useWords(WORDS);
  const language = useLanguage();
  const { counters } = session;
  return (
    <section class="card" aria-labelledby="live">
      <h2 id="live" class="unseen">
        {words.live}
      </h2>
      <div class="chart-live">
        {rates.times_s.length < LEAST_READINGS ? (
          <p class="quiet">{words.waitForRates}</p>
        ) : (
          <Chart
            title={words.rates}
            times_s={rates.times_s}
            series={[
              { name: words.received, values: rates.received_bps },
              { name: words.sent, values: rates.sent_bps },
            ]}
            format={(value) => rate(value, language)}
            top={10_000}
            withSeconds
          />
        )}
      </div>
      <Pairs
        pairs={[
          [
            words.received,
            `${octets(counters.receivedOctets, language)}, ${words.packets(count(counters.receivedPackets, language))}`,
          ],
          [
            words.sent,
            `${octets(counters.sentOctets, language)}, ${words.packets(count(counters.sentPackets, language))}`,
          ],
        ]}
      />
    </section>
  );
}

function CallPairs({ session, hasEnded }: { session: Session; hasEnded: boolean }) {
  const words = useWords(WORDS);
  const language = useLanguage();
  const { names } = words;
  const { sessionId, l2tpSessionId, peerSessionId, peerAddress, peerPort } = session;
  const port = peerPort > 0 ? ` (${peerPort})` : '';
  return (
    <section class="card" aria-labelledby="call">
      <h2 id="call">{words.call}</h2>
      <Pairs
        pairs={[
          [names.user, session.user],
          [names.address, session.address],
          [names.interfaceId, session.interfaceId],
          [names.role, ROLES[session.role] ?? session.role],
          [names.profile, session.profile],
          [names.peer, peerAddress && `${peerAddress}${port}`],
          [names.lns, session.lns],
          [names.calling, session.callingNumber],
          [names.called, session.calledNumber],
          [names.since, time(session.since, language)],
          [names.up, hasEnded ? '' : since(session.since)],
          [names.ids, peerSessionId > 0 ? `${l2tpSessionId || sessionId}, ${peerSessionId}` : String(sessionId)],
          [names.serial, session.callSerialNumber > 0 ? String(session.callSerialNumber) : ''],
          [names.accounting, session.accountingId],
        ]}
      />
    </section>
  );
}

function Settled({ session }: { session: Session }) {
  const words = useWords(WORDS);
  const language = useLanguage();
  const figures = { rate: (value_bps: number) => rate(value_bps, language), duration };
  return (
    <section class="card" aria-labelledby="settled">
      <h2 id="settled">{words.settled}</h2>
      <ul class="plain-list">
        {negotiatedWords(session, language, figures).map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </section>
  );
}
