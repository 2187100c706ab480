/** How the box is, at a glance: what needs attention, calls, throughput and load now and over the last day, drops. */
import { useState } from 'preact/hooks';
import type { LoadHistory, Overview } from '../../../firmware/api/overview.js';
import { useEvent } from '../../api/events.js';
import { useResource } from '../../api/resource.js';
import { count, octets, percent, rate } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import { Link } from '../../app/router.js';
import { Chart } from '../../parts/chart.js';
import { DataTable } from '../../parts/data-table.js';
import { ErrorNotice } from '../../parts/notice.js';
import { AttentionList } from './attention.js';
import { dropText } from './drop-words.js';
import './overview.css';

const WORDS = {
  en: {
    title: 'Overview',
    loading: 'Loading …',
    now: 'Now',
    calls: 'Calls up',
    roles: (lns: string, lac: string, client: string) => `LNS ${lns} · LAC ${lac} · client ${client}`,
    fit: 'Room for',
    fitCalls: 'calls in all',
    setups: 'Calls set up',
    perMinute: 'a minute',
    failures: 'Calls failed',
    failedLink: 'Reasons',
    received: 'From users',
    sent: 'To users',
    cpu: 'Processor',
    ofCore: (share: string) => `Program: ${share} of one core`,
    memory: 'Memory',
    available: (free: string) => `${free} free`,
    day: 'The last 24 hours',
    charts: { calls: 'Calls', throughput: 'Throughput', cpu: 'Processor' },
    up: 'up',
    program: 'tunnelwerk',
    drops: 'Packets dropped',
    reason: 'Reason',
    dropped: 'Since the start',
    rate: 'A minute, now',
    noDrops: 'No packet has been dropped since the program was started.',
    noHistory: 'Figures come once a minute; the plots begin with the second one.',
  },
  de: {
    title: 'Übersicht',
    loading: 'Lädt …',
    now: 'Jetzt',
    calls: 'Anrufe stehen',
    roles: (lns: string, lac: string, client: string) => `LNS ${lns} · LAC ${lac} · Client ${client}`,
    fit: 'Platz für',
    fitCalls: 'Anrufe insgesamt',
    setups: 'Anrufe aufgebaut',
    perMinute: 'pro Minute',
    failures: 'Anrufe gescheitert',
    failedLink: 'Gründe',
    received: 'Von Benutzern',
    sent: 'Zu Benutzern',
    cpu: 'Prozessor',
    ofCore: (share: string) => `Programm: ${share} eines Kerns`,
    memory: 'Speicher',
    available: (free: string) => `${free} frei`,
    day: 'Die letzten 24 Stunden',
    charts: { calls: 'Anrufe', throughput: 'Durchsatz', cpu: 'Prozessor' },
    up: 'stehen',
    program: 'tunnelwerk',
    drops: 'Verworfene Pakete',
    reason: 'Grund',
    dropped: 'Seit dem Start',
    rate: 'Pro Minute, jetzt',
    noDrops: 'Seit dem Start des Programms wurde kein Paket verworfen.',
    noHistory: 'Werte kommen einmal pro Minute; die Kurven beginnen mit dem zweiten.',
  },
};

const HISTORY_EVERY_MS = 60_000;
/** One alone makes no line. */
const LEAST_MINUTES = 2;

export default function OverviewPage() {
  const words = useWords(WORDS);
  const first = useResource<Overview>('/overview');
  const [live, setLive] = useState<Overview>();
  useEvent<Overview>('overview', setLive);
  useEvent('resync', first.reload);
  const overview = live ?? first.data;
  return (
    <>
      <h1>{words.title}</h1>
      {overview === undefined && <ErrorNotice error={first.error} />}
      {overview === undefined && first.error === undefined && <p class="quiet">{words.loading}</p>}
      {overview !== undefined && (
        <>
          <AttentionList attention={overview.attention} />
          <Tiles overview={overview} />
          <LastDay />
          <Drops drops={overview.drops} />
        </>
      )}
    </>
  );
}

function Tiles({ overview }: { overview: Overview }) {
  const words = useWords(WORDS);
  const language = useLanguage();
  const { callsByRole, memory } = overview;
  const figure = (value: number) => count(value, language);
  return (
    <section aria-labelledby="now">
      <h2 id="now" class="unseen">
        {words.now}
      </h2>
      <dl class="tiles watch-tiles">
        <Tile name={words.calls} value={figure(overview.callsUp)}>
          {words.roles(figure(callsByRole.lns), figure(callsByRole.lac), figure(callsByRole.lacClient))}
        </Tile>
        <Tile name={words.setups} value={figure(overview.setupsPerMinute)}>
          {words.perMinute}
        </Tile>
        <Tile name={words.failures} value={figure(overview.failuresPerMinute)}>
          {words.perMinute} · <Link to="/traces?outcome=failed">{words.failedLink}</Link>
        </Tile>
        <Tile name={words.fit} value={figure(overview.callsThatFit)}>
          {words.fitCalls}
        </Tile>
        <Tile name={words.received} value={rate(overview.received_bps, language)} />
        <Tile name={words.sent} value={rate(overview.sent_bps, language)} />
        <Tile name={words.cpu} value={percent(overview.cpuOfMachine_percent, language)}>
          {words.ofCore(percent(overview.cpu_percent, language))}
        </Tile>
        <Tile name={words.memory} value={octets(memory.resident_bytes, language)}>
          {words.available(octets(memory.available_bytes, language))}
        </Tile>
      </dl>
    </section>
  );
}

function Tile({ name, value, children }: { name: string; value: string; children?: preact.ComponentChildren }) {
  return (
    <div class="tile">
      <dt>{name}</dt>
      <dd>{value}</dd>
      {children !== undefined && <dd class="beside">{children}</dd>}
    </div>
  );
}

function LastDay() {
  const words = useWords(WORDS);
  const language = useLanguage();
  const history = useResource<LoadHistory>('/overview/history', { every_ms: HISTORY_EVERY_MS });
  const { data } = history;
  if (data === undefined) return <ErrorNotice error={history.error} />;
  const times_s = data.times.map((time) => Date.parse(time) / 1000);
  return (
    <section class="card" aria-labelledby="last-day">
      <h2 id="last-day">{words.day}</h2>
      {times_s.length < LEAST_MINUTES ? (
        <p class="quiet">{words.noHistory}</p>
      ) : (
        <div class="charts">
          <Chart
            title={words.charts.throughput}
            times_s={times_s}
            series={[
              { name: words.received, values: data.received_bps },
              { name: words.sent, values: data.sent_bps },
            ]}
            format={(value) => rate(value, language)}
            top={10_000}
          />
          <Chart
            title={words.charts.calls}
            times_s={times_s}
            series={[{ name: words.up, values: data.calls }]}
            format={(value) => count(Math.round(value), language)}
            top={4}
          />
          <Chart
            title={words.charts.cpu}
            times_s={times_s}
            series={[{ name: words.program, values: data.cpu_percent }]}
            format={(value) => percent(value, language)}
            top={10}
          />
        </div>
      )}
    </section>
  );
}

function Drops({ drops }: Pick<Overview, 'drops'>) {
  const words = useWords(WORDS);
  const language = useLanguage();
  const seen = drops.filter(({ count }) => count > 0);
  return (
    <div class="stack">
      <h2>{words.drops}</h2>
      <DataTable
        label={words.drops}
        resource={{ data: drops, error: undefined }}
        rows={seen}
        keyOf={({ reason }) => reason}
        empty={<p>{words.noDrops}</p>}
        columns={[
          {
            title: words.reason,
            cell: ({ reason, text }) => (
              <>
                {dropText(reason, text, language)} <code class="quiet small">{reason}</code>
              </>
            ),
          },
          { title: words.dropped, isNumber: true, cell: ({ count: packets }) => count(packets, language) },
          { title: words.rate, isNumber: true, cell: ({ perMinute }) => count(Math.round(perMinute), language) },
        ]}
      />
    </div>
  );
}
