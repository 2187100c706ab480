/** The password of whoever is signed in. */
import { useState } from 'preact/hooks';
import { useAction } from '../../api/action.js';
import { ApiError, part, put } from '../../api/client.js';
import { useAccount } from '../../app/account.js';
import { useWords } from '../../app/language.js';
import { Form, TextField } from '../../parts/form.js';
import { Notice } from '../../parts/notice.js';

const WORDS = {
  en: {
    title: 'Your own password',
    text: 'Other browsers that are signed in with it have to sign in again.',
    old: 'Password that counts now',
    fresh: 'New password',
    hint: '10 characters or more',
    again: 'New password once more',
    differs: 'is not the same as above',
    change: 'Change password',
    changed: 'The new password counts from now on.',
  },
  de: {
    title: 'Ihr eigenes Passwort',
    text: 'Andere Browser, die damit angemeldet sind, müssen sich neu anmelden.',
    old: 'Passwort, das jetzt gilt',
    fresh: 'Neues Passwort',
    hint: '10 Zeichen oder mehr',
    again: 'Neues Passwort noch einmal',
    differs: 'ist nicht dasselbe wie oben',
    change: 'Passwort ändern',
    changed: 'Ab jetzt gilt das neue Passwort.',
  },
};
const NOTHING = { oldPassword: '', newPassword: '', again: '' };

export function OwnPassword() {
  const words = useWords(WORDS);
  const account = useAccount();
  const { error, isBusy, run } = useAction();
  const [typed, setTyped] = useState(NOTHING);
  const [isChanged, setChanged] = useState(false);
  if (typeof account !== 'object') return null;
  const change = () =>
    run(async () => {
      setChanged(false);
      const { oldPassword, newPassword, again } = typed;
      if (again !== newPassword) throw new ApiError(422, { problems: [{ field: '/again', reason: words.differs }] });
      await put(`/accounts/${part(account.name)}/password`, { oldPassword, newPassword });
      setTyped(NOTHING);
      setChanged(true);
    });
  const field = (name: keyof typeof NOTHING, label: string, autocomplete: string, hint?: string) => (
    <TextField
      label={label}
      pointer={`/${name}`}
      hint={hint}
      type="password"
      autocomplete={autocomplete}
      value={typed[name]}
      onInput={(text) => setTyped({ ...typed, [name]: text })}
    />
  );
  return (
    <section class="card">
      <div>
        <h2>{words.title}</h2>
        <p class="quiet">{words.text}</p>
      </div>
      <Form error={error} onSubmit={() => void change()}>
        <input type="text" name="username" autocomplete="username" value={account.name} readOnly hidden />
        {field('oldPassword', words.old, 'current-password')}
        {field('newPassword', words.fresh, 'new-password', words.hint)}
        {field('again', words.again, 'new-password')}
        {isChanged && <Notice kind="good">{words.changed}</Notice>}
        <div>
          <button type="submit" disabled={isBusy}>
            {words.change}
          </button>
        </div>
      </Form>
    </section>
  );
}
