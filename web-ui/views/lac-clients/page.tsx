/** The LNSes that this box dials by itself. */
import type { Status } from '../../../firmware/api/status.js';
import { useResource } from '../../api/resource.js';
import { time } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import { Badge, type BadgeKind } from '../../parts/badge.js';
import { DataTable } from '../../parts/data-table.js';
import { SettingsPage } from '../../parts/settings-page.js';

const WORDS = {
  en: {
    title: 'Client',
    intro: 'LNSes that this box dials by itself, to reach the networks behind them.',
    section: 'Profiles',
    name: 'Profile',
    server: 'LNS',
    state: 'State',
    why: 'Last reason',
    again: 'Dials again',
    none: 'This box dials nobody yet. Add a profile below: the address of the LNS, a user name, a password, and the networks behind it.',
    states: { off: 'off', dialling: 'dialling', up: 'up', waiting: 'waiting' } as Record<string, string>,
  },
  de: {
    title: 'Client',
    intro: 'LNS, die dieses Gerät selbst anwählt, um die Netze dahinter zu erreichen.',
    section: 'Profile',
    name: 'Profil',
    server: 'LNS',
    state: 'Zustand',
    why: 'Letzter Grund',
    again: 'Wählt wieder',
    none: 'Dieses Gerät wählt noch niemanden an. Fügen Sie unten ein Profil hinzu: Adresse des LNS, Benutzername, Passwort und die Netze dahinter.',
    states: { off: 'aus', dialling: 'wählt', up: 'steht', waiting: 'wartet' } as Record<string, string>,
  },
};

const KINDS: Readonly<Record<string, BadgeKind>> = { up: 'good', dialling: 'info', waiting: 'warn' };
const FIRST = ['name', 'enabled', 'server', 'userName', 'password', 'tunnelSecret', 'tunInterface', 'routes'];
const EVERY_MS = 3000;

export default function LacClientsPage() {
  const words = useWords(WORDS);
  const language = useLanguage();
  const status = useResource<Status>('/status', { every_ms: EVERY_MS });
  const parts = [{ pointer: '/lacClients', title: words.section, first: FIRST }];
  return (
    <SettingsPage title={words.title} intro={words.intro} parts={parts}>
      <DataTable
        label={words.section}
        resource={status}
        rows={status.data?.lacClients ?? []}
        keyOf={({ name }) => name}
        empty={<p>{words.none}</p>}
        columns={[
          { title: words.name, cell: ({ name }) => name },
          { title: words.server, cell: ({ server }) => server },
          {
            title: words.state,
            cell: ({ state }) => <Badge kind={KINDS[state] ?? 'plain'}>{words.states[state] ?? state}</Badge>,
          },
          { title: words.why, cell: ({ lastError }) => lastError },
          { title: words.again, cell: ({ redialAt }) => time(redialAt, language) },
        ]}
      />
    </SettingsPage>
  );
}
