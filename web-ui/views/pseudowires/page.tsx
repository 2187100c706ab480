/** Ethernet over L2TPv3: how each pseudowire is, and what it is. */
import type { Pseudowire } from '../../../firmware/api/pseudowires.js';
import { useResource } from '../../api/resource.js';
import { octets, since } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import { Badge, type BadgeKind } from '../../parts/badge.js';
import { DataTable } from '../../parts/data-table.js';
import { SettingsPage } from '../../parts/settings-page.js';

const WORDS = {
  en: {
    title: 'Pseudowires',
    intro:
      'Ethernet carried over L2TP version 3: joins the LANs of two places, with another box of this kind or with Linux.',
    section: 'Pseudowires',
    name: 'Pseudowire',
    state: 'State',
    peer: 'Peer',
    device: 'Device',
    up: 'Up for',
    received: 'Received',
    sent: 'Sent',
    why: 'Why',
    none: 'There is no pseudowire yet. Add one below: “this box dials” at one end, “the peer dials” at the other, with the same Remote End ID.',
    states: { off: 'off', waiting: 'waiting', dialling: 'dialling', listening: 'listening', up: 'up', down: 'down' },
  },
  de: {
    title: 'Pseudowires',
    intro:
      'Ethernet über L2TP Version 3: verbindet die LANs zweier Orte, mit einem zweiten Gerät dieser Art oder mit Linux.',
    section: 'Pseudowires',
    name: 'Pseudowire',
    state: 'Zustand',
    peer: 'Gegenstelle',
    device: 'Gerät',
    up: 'Steht seit',
    received: 'Empfangen',
    sent: 'Gesendet',
    why: 'Warum',
    none: 'Es gibt noch kein Pseudowire. Fügen Sie unten eines hinzu: an einem Ende „dieses Gerät wählt“, am anderen „die Gegenstelle wählt“, mit derselben Remote End ID.',
    states: {
      off: 'aus',
      waiting: 'wartet',
      dialling: 'wählt',
      listening: 'lauscht',
      up: 'steht',
      down: 'steht nicht',
    },
  },
};

const KINDS: Readonly<Record<Pseudowire['state'], BadgeKind>> = {
  up: 'good',
  down: 'bad',
  waiting: 'warn',
  dialling: 'info',
  listening: 'info',
  off: 'plain',
};
const FIRST = ['name', 'enabled', 'mode', 'peer', 'secret', 'remoteEndId', 'tapInterface', 'bridge'];
const EVERY_MS = 3000;

export default function PseudowiresPage() {
  const words = useWords(WORDS);
  const language = useLanguage();
  const wires = useResource<Pseudowire[]>('/pseudowires', { every_ms: EVERY_MS });
  const parts = [{ pointer: '/pseudowires', title: words.section, first: FIRST }];
  return (
    <SettingsPage title={words.title} intro={words.intro} parts={parts}>
      <DataTable
        label={words.section}
        resource={wires}
        rows={wires.data ?? []}
        keyOf={({ name }) => name}
        empty={<p>{words.none}</p>}
        columns={[
          { title: words.name, cell: ({ name }) => name },
          { title: words.state, cell: ({ state }) => <Badge kind={KINDS[state]}>{words.states[state]}</Badge> },
          { title: words.peer, cell: ({ peerAddress, peer }) => peerAddress || peer },
          {
            title: words.device,
            cell: ({ tapInterface, bridge }) => [tapInterface, bridge].filter(Boolean).join(' → '),
          },
          { title: words.up, cell: ({ since: from }) => since(from) },
          { title: words.received, isNumber: true, cell: ({ counters }) => octets(counters.receivedOctets, language) },
          { title: words.sent, isNumber: true, cell: ({ counters }) => octets(counters.sentOctets, language) },
          { title: words.why, cell: ({ lastError }) => lastError },
        ]}
      />
    </SettingsPage>
  );
}
