/** RADIUS: how its servers do, and which they are. */
import type { Radius } from '../../../firmware/api/radius.js';
import { useResource } from '../../api/resource.js';
import { count, since } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import { Badge } from '../../parts/badge.js';
import { DataTable } from '../../parts/data-table.js';
import { SettingsPage } from '../../parts/settings-page.js';

const WORDS = {
  en: {
    title: 'RADIUS',
    intro:
      'Servers that say who a user is and what it may do, and that are told what it used. Without one, the box’s own users count.',
    section: 'Servers and limits',
    server: 'Server',
    service: 'Is asked for',
    services: { authentication: 'users', accounting: 'accounting' },
    state: 'State',
    alive: 'answers',
    dead: 'silent',
    since: 'For',
    requests: 'Requests',
    replies: 'Replies',
    silent: 'Without answer',
    none: 'No RADIUS server is set: the box’s own users count. Add a server below to have it asked instead.',
    waiting: 'Accounting records that wait for a server',
    delivered: 'delivered',
    givenUp: 'given up',
    dynamic: 'CoA and Disconnect: requests',
    refused: 'refused',
  },
  de: {
    title: 'RADIUS',
    intro:
      'Server, die sagen, wer ein Benutzer ist und was er darf, und die erfahren, was er verbraucht hat. Ohne sie gelten die Benutzer des Geräts.',
    section: 'Server und Grenzen',
    server: 'Server',
    service: 'Gefragt nach',
    services: { authentication: 'Benutzern', accounting: 'Abrechnung' },
    state: 'Zustand',
    alive: 'antwortet',
    dead: 'stumm',
    since: 'Seit',
    requests: 'Anfragen',
    replies: 'Antworten',
    silent: 'Ohne Antwort',
    none: 'Kein RADIUS-Server ist gesetzt: die Benutzer des Geräts gelten. Fügen Sie unten einen Server hinzu, damit er gefragt wird.',
    waiting: 'Abrechnungssätze, die auf einen Server warten',
    delivered: 'zugestellt',
    givenUp: 'aufgegeben',
    dynamic: 'CoA und Disconnect: Anfragen',
    refused: 'abgelehnt',
  },
};

const FIRST = ['authentication', 'accounting', 'dynamicAuthorization'];
const EVERY_MS = 5000;

export default function RadiusPage() {
  const words = useWords(WORDS);
  const language = useLanguage();
  const radius = useResource<Radius>('/radius', { every_ms: EVERY_MS });
  const parts = [{ pointer: '/radius', title: words.section, first: FIRST }];
  return (
    <SettingsPage title={words.title} intro={words.intro} parts={parts}>
      <DataTable
        label={words.title}
        resource={radius}
        rows={radius.data?.servers ?? []}
        keyOf={({ service, address, port }) => `${service} ${address} ${port}`}
        empty={<p>{words.none}</p>}
        columns={[
          { title: words.server, cell: ({ address, port }) => `${address}, ${port}` },
          { title: words.service, cell: ({ service }) => words.services[service] },
          {
            title: words.state,
            cell: ({ state }) => <Badge kind={state === 'alive' ? 'good' : 'bad'}>{words[state]}</Badge>,
          },
          { title: words.since, cell: ({ since: from }) => since(from) },
          { title: words.requests, isNumber: true, cell: ({ requests }) => count(requests, language) },
          { title: words.replies, isNumber: true, cell: ({ replies }) => count(replies, language) },
          { title: words.silent, isNumber: true, cell: ({ noReplies }) => count(noReplies, language) },
        ]}
      />
      {radius.data !== undefined && <Deliveries radius={radius.data} />}
    </SettingsPage>
  );
}

function Deliveries({ radius: { accounting, dynamicAuthorization } }: { radius: Radius }) {
  const words = useWords(WORDS);
  const language = useLanguage();
  const { waiting, delivered, givenUp } = accounting;
  return (
    <dl class="pairs">
      <dt>{words.waiting}</dt>
      <dd>
        {count(waiting, language)} ({words.delivered}: {count(delivered, language)}, {words.givenUp}:{' '}
        {count(givenUp, language)})
      </dd>
      {dynamicAuthorization !== null && (
        <>
          <dt>{words.dynamic}</dt>
          <dd>
            {count(dynamicAuthorization.requests, language)} ({words.refused}:{' '}
            {count(dynamicAuthorization.refused, language)})
          </dd>
        </>
      )}
    </dl>
  );
}
