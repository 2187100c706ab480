/** A box that nobody has set up yet: its first password. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Setup } from '../../../firmware/api/setup.js';
import { ApiError } from '../../api/client.js';
import { useResource } from '../../api/resource.js';
import { setFirstPassword } from '../../app/account.js';
import { useWords } from '../../app/language.js';
import { navigate } from '../../app/router.js';
import { LanguageChoice } from '../../app/shell.js';
import { Form, TextField } from '../../parts/form.js';
import { Notice } from '../../parts/notice.js';

const WORDS = {
  en: {
    title: 'Welcome',
    why: 'This box has no password yet. Choose the one of its administrator, admin.',
    lost: 'The settings of before could not be read any more, and the box has begun anew. What was there is kept on it. If you have a backup, restore it under System.',
    password: 'Password',
    hint: '10 characters or more',
    again: 'Once more',
    differs: 'is not the same as above',
    go: 'Set password and go on',
  },
  de: {
    title: 'Willkommen',
    why: 'Dieses Gerät hat noch kein Passwort. Wählen Sie das seines Verwalters, admin.',
    lost: 'Die früheren Einstellungen waren nicht mehr lesbar, und das Gerät hat neu begonnen. Was da war, liegt noch auf ihm. Wenn Sie eine Sicherung haben, spielen Sie sie unter System ein.',
    password: 'Passwort',
    hint: '10 Zeichen oder mehr',
    again: 'Noch einmal',
    differs: 'ist nicht dasselbe wie oben',
    go: 'Passwort setzen und weiter',
  },
};

export default function FirstUse() {
  const words = useWords(WORDS);
  const { data: found } = useResource<Setup>('/setup');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const [error, setError] = useState<ApiError>();
  const [isBusy, setBusy] = useState(false);
  const page = useRef<HTMLElement>(null);
  useEffect(() => page.current?.querySelector<HTMLInputElement>('input[type=password]')?.focus(), []);
  const submit = () => {
    if (again !== password) {
      setError(new ApiError(422, { problems: [{ field: '/again', reason: words.differs }] }));
      return;
    }
    setBusy(true);
    setFirstPassword(password, 'admin')
      .then(() => navigate('/set-up', { replace: true }))
      .catch(setError)
      .finally(() => setBusy(false));
  };
  return (
    <main ref={page} class="gate">
      <div class="row">
        <img src="/icon.svg" alt="" width="40" height="40" />
        <h1>{words.title}</h1>
      </div>
      {found?.lost && <Notice kind="warn">{words.lost}</Notice>}
      <section class="card">
        <p>{words.why}</p>
        <Form error={error} onSubmit={submit}>
          <input type="text" name="username" autocomplete="username" value="admin" readOnly hidden />
          <TextField
            label={words.password}
            pointer="/password"
            hint={words.hint}
            type="password"
            autocomplete="new-password"
            value={password}
            onInput={setPassword}
          />
          <TextField
            label={words.again}
            pointer="/again"
            type="password"
            autocomplete="new-password"
            value={again}
            onInput={setAgain}
          />
          <button type="submit" class="primary" disabled={isBusy}>
            {words.go}
          </button>
        </Form>
      </section>
      <LanguageChoice />
    </main>
  );
}
