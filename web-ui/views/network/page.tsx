/** The box's place in the network: its interfaces, addresses, NAT and routes. */
import { useState } from 'preact/hooks';
import type { Interface } from '../../../firmware/api/interfaces.js';
import type { Route } from '../../../firmware/api/routes.js';
import { useResource } from '../../api/resource.js';
import { octets } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import { Badge } from '../../parts/badge.js';
import { DataTable } from '../../parts/data-table.js';
import { TextField } from '../../parts/form.js';
import { SettingsPage } from '../../parts/settings-page.js';

const WORDS = {
  en: {
    title: 'Network',
    intro: 'Interfaces of the box and what each is for, its addresses and routes, NAT, and where this page is reached.',
    interfaces: 'Interfaces',
    name: 'Interface',
    state: 'State',
    up: 'up',
    noCarrier: 'no cable',
    down: 'off',
    role: 'Role',
    addresses: 'Addresses',
    dhcp: 'DHCP',
    dhcpStates: {
      'no-carrier': 'no cable',
      asking: 'asking',
      silent: 'no server answers',
      bound: 'from',
      overlapping: 'not usable:',
    },
    speed: 'Speed',
    received: 'Received',
    sent: 'Sent',
    noInterfaces: 'The box has no interface that it could use.',
    routes: 'Routes',
    search: 'Part of prefix, next hop or interface',
    prefix: 'Prefix',
    via: 'Next hop',
    origin: 'From',
    origins: {
      kernel: 'address',
      tunnelwerk: 'users and tunnels',
      static: 'settings',
      dhcp: 'DHCP',
      other: 'elsewhere',
    },
    metric: 'Metric',
    noRoutes: 'No route is like that.',
    routing: 'Forwarding, NAT, static routes',
    page: 'Web page and API',
  },
  de: {
    title: 'Netzwerk',
    intro:
      'Schnittstellen des Geräts und wozu jede da ist, seine Adressen und Routen, NAT, und wo diese Seite erreicht wird.',
    interfaces: 'Schnittstellen',
    name: 'Schnittstelle',
    state: 'Zustand',
    up: 'an',
    noCarrier: 'kein Kabel',
    down: 'aus',
    role: 'Rolle',
    addresses: 'Adressen',
    dhcp: 'DHCP',
    dhcpStates: {
      'no-carrier': 'kein Kabel',
      asking: 'fragt',
      silent: 'kein Server antwortet',
      bound: 'von',
      overlapping: 'nicht nutzbar:',
    },
    speed: 'Tempo',
    received: 'Empfangen',
    sent: 'Gesendet',
    noInterfaces: 'Das Gerät hat keine Schnittstelle, die es nutzen könnte.',
    routes: 'Routen',
    search: 'Teil von Präfix, nächstem Router oder Schnittstelle',
    prefix: 'Präfix',
    via: 'Nächster Router',
    origin: 'Woher',
    origins: {
      kernel: 'Adresse',
      tunnelwerk: 'Benutzer und Tunnel',
      static: 'Einstellungen',
      dhcp: 'DHCP',
      other: 'anderswoher',
    },
    metric: 'Metrik',
    noRoutes: 'Keine Route ist so.',
    routing: 'Weiterleiten, NAT, feste Routen',
    page: 'Webseite und API',
  },
};

const EVERY_MS = 5000;

export default function NetworkPage() {
  const words = useWords(WORDS);
  const parts = [
    { pointer: '/interfaces', title: words.interfaces },
    { pointer: '/routing', title: words.routing, first: ['forwarding', 'masqueradeOn', 'staticRoutes'] },
    { pointer: '/api', title: words.page },
  ];
  return (
    <SettingsPage title={words.title} intro={words.intro} parts={parts}>
      <Interfaces />
      <Routes />
    </SettingsPage>
  );
}

function Interfaces() {
  const words = useWords(WORDS);
  const language = useLanguage();
  const interfaces = useResource<Interface[]>('/interfaces', { every_ms: EVERY_MS });
  const state = ({ isUp, hasCarrier }: Interface) => {
    if (!isUp) return <Badge kind="plain">{words.down}</Badge>;
    return hasCarrier ? <Badge kind="good">{words.up}</Badge> : <Badge kind="warn">{words.noCarrier}</Badge>;
  };
  const dhcpText = ({ state, address, server }: NonNullable<Interface['dhcp']>) => {
    const what = { bound: server, overlapping: address };
    const of = state === 'bound' || state === 'overlapping' ? ` ${what[state]}` : '';
    return `${words.dhcpStates[state]}${of}`;
  };
  return (
    <DataTable
      label={words.interfaces}
      resource={interfaces}
      rows={interfaces.data ?? []}
      keyOf={({ name }) => name}
      empty={<p>{words.noInterfaces}</p>}
      columns={[
        { title: words.name, cell: ({ name, kind }) => `${name} (${kind})` },
        { title: words.state, cell: state },
        { title: words.role, cell: ({ role }) => role.toUpperCase() },
        { title: words.addresses, cell: ({ addresses }) => addresses.join(', ') },
        { title: words.dhcp, cell: ({ dhcp }) => dhcp && dhcpText(dhcp) },
        { title: words.speed, isNumber: true, cell: ({ speed_Mbps }) => (speed_Mbps ? `${speed_Mbps} Mbit/s` : '') },
        { title: words.received, isNumber: true, cell: ({ counters }) => octets(counters.receivedOctets, language) },
        { title: words.sent, isNumber: true, cell: ({ counters }) => octets(counters.sentOctets, language) },
      ]}
    />
  );
}

function Routes() {
  const words = useWords(WORDS);
  const routes = useResource<Route[]>('/routes');
  const [wanted, setWanted] = useState('');
  const found = (routes.data ?? []).filter((route) =>
    [route.prefix, route.via, route.interface].some((text) => text.includes(wanted)),
  );
  return (
    <section class="card">
      <h2>{words.routes}</h2>
      <TextField label={words.search} value={wanted} onInput={setWanted} />
      <DataTable
        label={words.routes}
        resource={routes}
        rows={found}
        keyOf={({ prefix, via, interface: name, metric }) => `${prefix} ${via} ${name} ${metric}`}
        empty={<p>{words.noRoutes}</p>}
        columns={[
          { title: words.prefix, cell: ({ prefix }) => <span class="mono">{prefix}</span> },
          { title: words.via, cell: ({ via }) => via },
          { title: words.name, cell: ({ interface: name }) => name },
          { title: words.origin, cell: ({ origin }) => words.origins[origin] },
          { title: words.metric, isNumber: true, cell: ({ metric }) => metric || '' },
        ]}
      />
    </section>
  );
}
