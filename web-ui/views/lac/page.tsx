/** The LAC: where PPPoE is answered, and to which LNS calls go. */
import type { Pppoe } from '../../../firmware/api/pppoe.js';
import { useResource } from '../../api/resource.js';
import { count, time } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import { Badge } from '../../parts/badge.js';
import { DataTable } from '../../parts/data-table.js';
import { Notice } from '../../parts/notice.js';
import { SettingsPage } from '../../parts/settings-page.js';

const WORDS = {
  en: {
    title: 'LAC',
    intro: 'Answers PPPoE on Ethernet and carries the calls through tunnels to an LNS.',
    section: 'PPPoE and tunnels',
    groups: 'Groups of LNSes',
    rules: 'Where calls go',
    ports: 'Interfaces',
    name: 'Interface',
    state: 'State',
    served: 'answers',
    notServed: 'not there',
    sessions: 'Sessions',
    mtu: 'MTU',
    mac: 'MAC address',
    none: 'PPPoE is answered on no interface yet. Add one below, at “Interfaces”, and switch “Answer PPPoE” on.',
    failed: (server: string, until: string) => `${server} has failed and is asked after all others until ${until}.`,
  },
  de: {
    title: 'LAC',
    intro: 'Beantwortet PPPoE auf Ethernet und trägt die Anrufe durch Tunnel zu einem LNS.',
    section: 'PPPoE und Tunnel',
    groups: 'Gruppen von LNS',
    rules: 'Wohin Anrufe gehen',
    ports: 'Schnittstellen',
    name: 'Schnittstelle',
    state: 'Zustand',
    served: 'antwortet',
    notServed: 'nicht da',
    sessions: 'Sitzungen',
    mtu: 'MTU',
    mac: 'MAC-Adresse',
    none: 'PPPoE wird noch auf keiner Schnittstelle beantwortet. Fügen Sie unten bei „Schnittstellen“ eine hinzu, und schalten Sie „PPPoE beantworten“ ein.',
    failed: (server: string, until: string) =>
      `${server} ist ausgefallen und wird bis ${until} nach allen anderen gefragt.`,
  },
};

const FIRST = ['enabled', 'interfaces', 'authentication'];
const EVERY_MS = 5000;

export default function LacPage() {
  const words = useWords(WORDS);
  const language = useLanguage();
  const pppoe = useResource<Pppoe>('/pppoe', { every_ms: EVERY_MS });
  const parts = [
    { pointer: '/lac', title: words.section, first: FIRST, without: ['tunnelGroups', 'rules'] },
    { pointer: '/lac/tunnelGroups', title: words.groups },
    { pointer: '/lac/rules', title: words.rules },
  ];
  return (
    <SettingsPage title={words.title} intro={words.intro} parts={parts}>
      {pppoe.data?.failedLnses.map(({ server, until }) => (
        <Notice key={server} kind="warn">
          {words.failed(server, time(until, language))}
        </Notice>
      ))}
      <DataTable
        label={words.ports}
        resource={pppoe}
        rows={pppoe.data?.interfaces ?? []}
        keyOf={({ name }) => name}
        empty={<p>{words.none}</p>}
        columns={[
          { title: words.name, cell: ({ name }) => name },
          {
            title: words.state,
            cell: ({ isServed }) => (
              <Badge kind={isServed ? 'good' : 'bad'}>{isServed ? words.served : words.notServed}</Badge>
            ),
          },
          { title: words.mac, cell: ({ mac }) => <span class="mono">{mac}</span> },
          { title: words.mtu, isNumber: true, cell: ({ mtu_bytes }) => mtu_bytes || '' },
          { title: words.sessions, isNumber: true, cell: ({ sessions }) => count(sessions, language) },
        ]}
      />
    </SettingsPage>
  );
}
