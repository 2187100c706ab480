/** API tokens: a token is shown once, when it is made. */
import { useState } from 'preact/hooks';
import type { Token } from '../../../firmware/api/tokens.js';
import { useAction } from '../../api/action.js';
import { part, post, remove } from '../../api/client.js';
import { useResource } from '../../api/resource.js';
import { useIsAdmin } from '../../app/account.js';
import { time } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import { CopyButton } from '../../parts/copy-button.js';
import { DataTable } from '../../parts/data-table.js';
import { Confirm, Dialog } from '../../parts/dialog.js';
import { Form, SelectField, TextField } from '../../parts/form.js';
import { ErrorNotice, Notice } from '../../parts/notice.js';
import { ROLE_WORDS } from './role-words.js';

const WORDS = {
  en: {
    title: 'API tokens',
    text: 'For scripts, Prometheus and other boxes: they send it as “Authorization: Bearer …”.',
    add: 'Make a token',
    remove: 'Delete',
    none: 'There is no token. Make one for each program that asks this box, so that each can be shut out alone.',
    name: 'Name',
    nameHint: 'which program it is for',
    role: 'Role',
    created: 'Made',
    used: 'Last used',
    never: 'never',
    make: 'Make',
    actions: 'Actions',
    cancel: 'Cancel',
    made: (name: string) => `The token ${name} is made. Copy it now: it is not shown again.`,
    token: 'Token',
    done: 'Done',
    question: (name: string) => `Whatever uses ${name} is shut out at once.`,
  },
  de: {
    title: 'API-Token',
    text: 'Für Skripte, Prometheus und andere Geräte: sie senden es als „Authorization: Bearer …“.',
    add: 'Token erzeugen',
    remove: 'Löschen',
    none: 'Es gibt kein Token. Erzeugen Sie eines je Programm, das dieses Gerät fragt; dann lässt sich jedes einzeln aussperren.',
    name: 'Name',
    nameHint: 'für welches Programm es ist',
    role: 'Rolle',
    created: 'Erzeugt',
    used: 'Zuletzt benutzt',
    never: 'nie',
    make: 'Erzeugen',
    actions: 'Aktionen',
    cancel: 'Abbrechen',
    made: (name: string) => `Das Token ${name} ist erzeugt. Kopieren Sie es jetzt: es wird nicht wieder gezeigt.`,
    token: 'Token',
    done: 'Fertig',
    question: (name: string) => `Was ${name} benutzt, ist sofort ausgesperrt.`,
  },
};

export function Tokens() {
  const words = useWords(WORDS);
  const roles = useWords(ROLE_WORDS);
  const language = useLanguage();
  const isAdmin = useIsAdmin();
  const tokens = useResource<Token[]>('/tokens');
  const { error, run } = useAction();
  const [isMaking, setMaking] = useState(false);
  const [leaving, setLeaving] = useState('');
  const drop = () => {
    setLeaving('');
    void run(() => remove(`/tokens/${part(leaving)}`)).then(tokens.reload);
  };
  const add = isAdmin && (
    <button type="button" onClick={() => setMaking(true)}>
      {words.add}
    </button>
  );
  const removal = ({ name }: Token) => (
    <button type="button" class="danger" aria-label={`${words.remove}: ${name}`} onClick={() => setLeaving(name)}>
      {words.remove}
    </button>
  );
  return (
    <section class="card">
      <header class="page-head">
        <div>
          <h2>{words.title}</h2>
          <p class="quiet">{words.text}</p>
        </div>
        {add}
      </header>
      <ErrorNotice error={error} />
      <DataTable
        label={words.title}
        resource={tokens}
        rows={tokens.data ?? []}
        keyOf={({ name }) => name}
        empty={<p>{words.none}</p>}
        columns={[
          { title: words.name, cell: ({ name }) => name },
          { title: words.role, cell: ({ role }) => roles[role] },
          { title: words.created, cell: ({ createdAt }) => time(createdAt, language) },
          { title: words.used, cell: ({ usedAt }) => time(usedAt, language) || words.never },
          ...(isAdmin ? [{ title: words.actions, cell: removal }] : []),
        ]}
      />
      {isMaking && <TokenDialog onMade={tokens.reload} onClose={() => setMaking(false)} />}
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

function TokenDialog({ onMade, onClose }: { onMade(): void; onClose(): void }) {
  const words = useWords(WORDS);
  const roles = useWords(ROLE_WORDS);
  const { error, isBusy, run } = useAction();
  const [name, setName] = useState('');
  const [role, setRole] = useState<Token['role']>('viewer');
  const [token, setToken] = useState('');
  const make = () =>
    run(async () => {
      setToken((await post<{ token: string }>('/tokens', { name, role })).token);
      onMade();
    });
  if (token !== '') {
    return (
      <Dialog title={words.title} onClose={onClose}>
        <Notice kind="good">{words.made(name)}</Notice>
        <div class="with-button">
          <TextField label={words.token} value={token} onInput={() => undefined} />
          <CopyButton text={token} />
        </div>
        <div>
          <button type="button" class="primary" onClick={onClose}>
            {words.done}
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={words.add} onClose={onClose}>
      <Form error={error} onSubmit={() => void make()}>
        <TextField
          label={words.name}
          pointer="/name"
          hint={words.nameHint}
          autocomplete="off"
          value={name}
          onInput={setName}
        />
        <SelectField
          label={words.role}
          pointer="/role"
          value={role}
          options={[
            { value: 'viewer', label: roles.viewer },
            { value: 'admin', label: roles.admin },
          ]}
          onInput={(next) => setRole(next)}
        />
        <div class="actions">
          <button type="submit" class="primary" disabled={isBusy}>
            {words.make}
          </button>
          <button type="button" onClick={onClose}>
            {words.cancel}
          </button>
        </div>
      </Form>
    </Dialog>
  );
}
