/** Accounts of those who administer the box, or look at it. */
import { useState } from 'preact/hooks';
import type { Account } from '../../../firmware/api/accounts.js';
import { useAction } from '../../api/action.js';
import { ApiError, part, put, remove } from '../../api/client.js';
import { useResource } from '../../api/resource.js';
import { useAccount, useIsAdmin } from '../../app/account.js';
import { time } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import { DataTable } from '../../parts/data-table.js';
import { Confirm, Dialog } from '../../parts/dialog.js';
import { Form, SelectField, TextField } from '../../parts/form.js';
import { NewPasswordField } from '../../parts/new-password-field.js';
import { ErrorNotice } from '../../parts/notice.js';
import { ROLE_WORDS } from './role-words.js';

const WORDS = {
  en: {
    title: 'Accounts',
    text: 'People who sign in to this page. A viewer sees everything but secrets, and changes nothing.',
    add: 'Add an account',
    edit: 'Change',
    remove: 'Delete',
    none: 'There is no account.',
    name: 'Name',
    role: 'Role',
    changed: 'Changed',
    you: 'you',
    password: 'Password',
    hint: '10 characters or more',
    save: 'Save',
    actions: 'Actions',
    cancel: 'Cancel',
    missing: 'is missing',
    taken: 'is taken already; choose another one',
    question: (name: string) => `${name} is signed out everywhere and cannot sign in any more.`,
  },
  de: {
    title: 'Konten',
    text: 'Menschen, die sich an dieser Seite anmelden. Ein Betrachter sieht alles außer Geheimnissen und ändert nichts.',
    add: 'Konto hinzufügen',
    edit: 'Ändern',
    remove: 'Löschen',
    none: 'Es gibt kein Konto.',
    name: 'Name',
    role: 'Rolle',
    changed: 'Geändert',
    you: 'Sie',
    password: 'Passwort',
    hint: '10 Zeichen oder mehr',
    save: 'Speichern',
    actions: 'Aktionen',
    cancel: 'Abbrechen',
    missing: 'fehlt',
    taken: 'ist schon vergeben; wählen Sie einen anderen',
    question: (name: string) => `${name} wird überall abgemeldet und kann sich nicht mehr anmelden.`,
  },
};
type Editing = Pick<Account, 'name' | 'role'> & { isNew: boolean };

export function Accounts() {
  const words = useWords(WORDS);
  const roles = useWords(ROLE_WORDS);
  const language = useLanguage();
  const isAdmin = useIsAdmin();
  const me = useAccount();
  const accounts = useResource<Account[]>('/accounts');
  const { error, run } = useAction();
  const [editing, setEditing] = useState<Editing>();
  const [leaving, setLeaving] = useState('');
  const isMe = (name: string) => typeof me === 'object' && me.name === name;
  const drop = () => {
    setLeaving('');
    void run(() => remove(`/accounts/${part(leaving)}`)).then(accounts.reload);
  };
  const buttons = ({ name, role }: Account) => (
    <div class="actions">
      <button
        type="button"
        aria-label={`${words.edit}: ${name}`}
        onClick={() => setEditing({ name, role, isNew: false })}
      >
        {words.edit}
      </button>
      <button type="button" class="danger" aria-label={`${words.remove}: ${name}`} onClick={() => setLeaving(name)}>
        {words.remove}
      </button>
    </div>
  );
  return (
    <section class="card">
      <header class="page-head">
        <div>
          <h2>{words.title}</h2>
          <p class="quiet">{words.text}</p>
        </div>
        {isAdmin && (
          <button type="button" onClick={() => setEditing({ name: '', role: 'viewer', isNew: true })}>
            {words.add}
          </button>
        )}
      </header>
      <ErrorNotice error={error} />
      <DataTable
        label={words.title}
        resource={accounts}
        rows={accounts.data ?? []}
        keyOf={({ name }) => name}
        empty={<p>{words.none}</p>}
        columns={[
          { title: words.name, cell: ({ name }) => (isMe(name) ? `${name} (${words.you})` : name) },
          { title: words.role, cell: ({ role }) => roles[role] },
          { title: words.changed, cell: ({ changedAt }) => time(changedAt, language) },
          ...(isAdmin ? [{ title: words.actions, cell: buttons }] : []),
        ]}
      />
      {editing && (
        <AccountDialog
          editing={editing}
          names={accounts.data?.map(({ name }) => name) ?? []}
          onClose={() => setEditing(undefined)}
          onSaved={accounts.reload}
        />
      )}
      {leaving !== '' && (
        <Confirm
          title={`${words.remove}: ${leaving}?`}
          action={words.remove}
          onConfirm={drop}
          onClose={() => setLeaving('')}
        >
          {words.question(leaving)}
        </Confirm>
      )}
    </section>
  );
}

interface AccountDialogProps {
  editing: Editing;
  /** Of the accounts that there are. */
  names: readonly string[];
  onClose(): void;
  onSaved(): void;
}

function AccountDialog({ editing: { isNew, ...before }, names, onClose, onSaved }: AccountDialogProps) {
  const words = useWords(WORDS);
  const roles = useWords(ROLE_WORDS);
  const { error, isBusy, run } = useAction();
  const [name, setName] = useState(before.name);
  const [role, setRole] = useState(before.role);
  const [password, setPassword] = useState('');
  const save = () =>
    run(async () => {
      const reason = name === '' ? words.missing : isNew && names.includes(name) ? words.taken : undefined;
      if (reason) throw new ApiError(422, { problems: [{ field: '/name', reason }] });
      await put(`/accounts/${part(name)}`, { role, ...(password && { password }) });
      onSaved();
      onClose();
    });
  return (
    <Dialog title={isNew ? words.add : `${words.edit}: ${before.name}`} onClose={onClose}>
      <Form error={error} onSubmit={() => void save()}>
        {isNew && <TextField label={words.name} pointer="/name" autocomplete="off" value={name} onInput={setName} />}
        <SelectField
          label={words.role}
          pointer="/role"
          value={role}
          options={[
            { value: 'admin', label: roles.admin },
            { value: 'viewer', label: roles.viewer },
          ]}
          onInput={(next) => setRole(next)}
        />
        <NewPasswordField
          label={words.password}
          pointer="/password"
          hint={words.hint}
          isSet={!isNew}
          value={password}
          onInput={setPassword}
        />
        <div class="actions">
          <button type="submit" class="primary" disabled={isBusy}>
            {words.save}
          </button>
          <button type="button" onClick={onClose}>
            {words.cancel}
          </button>
        </div>
      </Form>
    </Dialog>
  );
}
