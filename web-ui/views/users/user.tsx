/** One user as a form. */
import { useEffect, useState } from 'preact/hooks';
import type { Pool, Settings, User } from '../../../firmware/settings.js';
import { part } from '../../api/client.js';
import { useResource } from '../../api/resource.js';
import { useWords } from '../../app/language.js';
import { DocumentForm } from '../../parts/document-form.js';
import { NumberField, SelectField, TextField, TickField } from '../../parts/form.js';
import { filledLines } from '../../parts/lines.js';
import { NewPasswordField } from '../../parts/new-password-field.js';
import { ErrorNotice } from '../../parts/notice.js';
import { TextLines } from '../../parts/text-lines.js';
import { WORDS } from './words.js';

const FRESH: User = {
  ...{ name: '', enabled: true, routes: [], sessionTimeout_s: 0, idleTimeout_s: 0 },
  ...{ receiveRate_bps: 0, sendRate_bps: 0 },
};

/** `name` undefined: a new one. */
export function UserPage({ name }: { name: string | undefined }) {
  const words = useWords(WORDS);
  const stored = useResource<User>(name === undefined ? undefined : `/users/${part(name)}`);
  const [draft, setDraft] = useState<User>();
  useEffect(() => setDraft(undefined), [stored.data]);
  if (stored.error) return <ErrorNotice error={stored.error} />;
  const user = draft ?? (name === undefined ? FRESH : stored.data);
  if (user === undefined) return null;
  const title = name === undefined ? words.newTitle : words.userTitle(name);
  return (
    <DocumentForm
      title={title}
      path={user.name === '' ? '' : `/users/${part(user.name)}`}
      list="/users"
      isNew={name === undefined}
      body={{ ...user, routes: filledLines(user.routes) }}
      etag={stored.etag}
      question={words.question(user.name)}
      onReload={stored.reload}
    >
      <UserFields user={user} isNew={name === undefined} onChange={setDraft} />
    </DocumentForm>
  );
}

interface FieldsProps {
  user: User;
  isNew: boolean;
  onChange(user: User): void;
}

function UserFields(props: FieldsProps) {
  const words = useWords(WORDS);
  const { user, isNew, onChange } = props;
  const set = (change: Partial<User>) => onChange({ ...user, ...change });
  return (
    <>
      <section class="card">
        <h2>{words.who}</h2>
        {isNew && (
          <TextField
            label={words.name}
            pointer="/name"
            autocomplete="off"
            value={user.name}
            onInput={(name) => set({ name })}
          />
        )}
        <NewPasswordField
          label={words.password}
          pointer="/password"
          isSet={!isNew}
          value={user.password ?? ''}
          onInput={(password) => onChange(withText(user, 'password', password))}
        />
        <TickField
          label={words.mayCall}
          pointer="/enabled"
          value={user.enabled}
          onInput={(enabled) => set({ enabled })}
        />
      </section>
      <AddressFields {...props} />
      <LimitFields {...props} />
    </>
  );
}

/** What is empty is left out. */
function withText(
  user: User,
  member: 'password' | 'fixedAddress' | 'pool' | 'filter' | 'tunnelGroup',
  text: string,
): User {
  const { [member]: _before, ...others } = user;
  return text === '' ? others : { ...others, [member]: text };
}

function AddressFields({ user, onChange }: FieldsProps) {
  const words = useWords(WORDS);
  const pools = useResource<Pool[]>('/pools');
  return (
    <section class="card">
      <h2>{words.addressPart}</h2>
      <div class="columns">
        <TextField
          label={words.fixedAddress}
          pointer="/fixedAddress"
          hint={words.fixedHint}
          value={user.fixedAddress ?? ''}
          onInput={(text) => onChange(withText(user, 'fixedAddress', text))}
        />
        <SelectField
          label={words.pool}
          pointer="/pool"
          value={user.pool ?? ''}
          options={choices(words.poolOfLns, pools.data, user.pool)}
          onInput={(pool) => onChange(withText(user, 'pool', pool))}
        />
      </div>
      <TextLines
        label={words.routes}
        pointer="/routes"
        hint={words.routesHint}
        value={user.routes}
        onInput={(routes) => onChange({ ...user, routes })}
      />
    </section>
  );
}

function LimitFields({ user, onChange }: FieldsProps) {
  const words = useWords(WORDS);
  const settings = useResource<Settings>('/settings');
  const set = (change: Partial<User>) => onChange({ ...user, ...change });
  const rateField = (member: 'receiveRate_bps' | 'sendRate_bps', label: string) => (
    <NumberField
      label={label}
      pointer={`/${member}`}
      hint={words.rateHint}
      min={0}
      value={user[member] / 1e6}
      onInput={(value = 0) => set({ [member]: Math.round(value * 1e6) })}
    />
  );
  const timeField = (member: 'sessionTimeout_s' | 'idleTimeout_s', label: string) => (
    <NumberField
      label={label}
      pointer={`/${member}`}
      hint={words.timeoutHint}
      min={0}
      value={user[member]}
      onInput={(value = 0) => set({ [member]: value })}
    />
  );
  return (
    <section class="card">
      <h2>{words.limits}</h2>
      <div class="columns">
        {rateField('receiveRate_bps', words.receiveRate)}
        {rateField('sendRate_bps', words.sendRate)}
        {timeField('sessionTimeout_s', words.sessionTimeout)}
        {timeField('idleTimeout_s', words.idleTimeout)}
        <SelectField
          label={words.filter}
          pointer="/filter"
          value={user.filter ?? ''}
          options={choices(words.nothing, settings.data?.filters, user.filter)}
          onInput={(filter) => onChange(withText(user, 'filter', filter))}
        />
        <SelectField
          label={words.tunnelGroup}
          pointer="/tunnelGroup"
          hint={words.tunnelGroupHint}
          value={user.tunnelGroup ?? ''}
          options={choices(words.here, settings.data?.lac.tunnelGroups, user.tunnelGroup)}
          onInput={(group) => onChange(withText(user, 'tunnelGroup', group))}
        />
      </div>
    </section>
  );
}

/** What there is, and what is set even where it is not there (yet). */
function choices(none: string, entries: readonly { name: string }[] | undefined, set: string | undefined) {
  const names = new Set([...(entries ?? []).map(({ name }) => name), ...(set ? [set] : [])]);
  return [{ value: '', label: none }, ...[...names].map((name) => ({ value: name, label: name }))];
}
