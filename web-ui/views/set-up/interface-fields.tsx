/** One Ethernet interface of the set-up: what it is used as, and where its addresses come from. */
import type { Settings } from '../../../firmware/settings.js';
import { useWords } from '../../app/language.js';
import { Badge } from '../../parts/badge.js';
import { SelectField, TextField, TickField } from '../../parts/form.js';
import { type Interface, withDhcpServer } from './plan.js';
import { WORDS } from './words.js';

type InterfaceSettings = Settings['interfaces'][number];

interface InterfaceFieldsProps {
  planned: InterfaceSettings;
  /** What the box says of it. */
  port: Interface | undefined;
  pointer: string;
  onChange(planned: InterfaceSettings): void;
}

export function InterfaceFields({ planned, port, pointer, onChange }: InterfaceFieldsProps) {
  const words = useWords(WORDS);
  const set = (change: Partial<InterfaceSettings>) => onChange({ ...planned, ...change });
  const options = <T extends string>(labels: Record<T, string>) =>
    (Object.keys(labels) as T[]).map((value) => ({ value, label: labels[value] }));
  const setAddressing = (addressing: InterfaceSettings['addressing']) => {
    // What it has now is a good beginning for a fixed address.
    const ipv4 = port?.addresses.filter((each) => !each.includes(':')) ?? [];
    set({ addressing, addresses: planned.addresses.length > 0 ? planned.addresses : ipv4 });
  };
  return (
    <fieldset>
      <legend>{planned.name}</legend>
      {port && (
        <p class="row small">
          <Badge kind={port.hasCarrier ? 'good' : 'plain'}>{port.hasCarrier ? words.carrier : words.noCarrier}</Badge>
          <span class="mono quiet">{[port.mac, ...port.addresses].filter(Boolean).join(' · ')}</span>
        </p>
      )}
      <div class="columns">
        <SelectField
          label={words.role}
          pointer={`${pointer}/role`}
          value={planned.role}
          options={options(words.interfaceRoles)}
          onInput={(role) => set({ role })}
        />
        <SelectField
          label={words.addressing}
          pointer={`${pointer}/addressing`}
          value={planned.addressing}
          options={options(words.addressings)}
          onInput={setAddressing}
        />
      </div>
      {planned.addressing === 'static' && (
        <div class="columns">
          <TextField
            label={words.address}
            pointer={`${pointer}/addresses/0`}
            hint={words.addressHint}
            value={planned.addresses.join(', ')}
            onInput={(text) => set({ addresses: text === '' ? [] : text.split(/,\s*/) })}
          />
          <TextField
            label={words.gateway}
            pointer={`${pointer}/gateway`}
            hint={words.gatewayHint}
            value={planned.gateway ?? ''}
            onInput={(gateway) => set({ gateway })}
          />
        </div>
      )}
      {planned.addressing === 'static' && planned.role === 'lan' && (
        <DhcpServerFields planned={planned} pointer={`${pointer}/dhcpServer`} onChange={onChange} />
      )}
    </fieldset>
  );
}

function DhcpServerFields({ planned, pointer, onChange }: Omit<InterfaceFieldsProps, 'port'>) {
  const words = useWords(WORDS);
  const { dhcpServer } = planned;
  const end = (name: 'first' | 'last') =>
    dhcpServer && (
      <TextField
        label={words[name]}
        pointer={`${pointer}/${name}`}
        value={dhcpServer[name]}
        onInput={(text) => onChange({ ...planned, dhcpServer: { ...dhcpServer, [name]: text } })}
      />
    );
  return (
    <>
      <TickField
        label={words.dhcpServer}
        pointer={pointer}
        value={dhcpServer !== undefined}
        onInput={(serves) => onChange(withDhcpServer(planned, serves))}
      />
      {dhcpServer && (
        <div class="columns">
          {end('first')}
          {end('last')}
        </div>
      )}
    </>
  );
}
