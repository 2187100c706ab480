/** Who wants to see anything signs in here. */
import { useState } from 'preact/hooks';
import type { ApiError } from '../../api/client.js';
import { signIn } from '../../app/account.js';
import { useWords } from '../../app/language.js';
import { LanguageChoice } from '../../app/shell.js';
import { Form, TextField } from '../../parts/form.js';
import { Notice } from '../../parts/notice.js';

const WORDS = {
  en: {
    title: 'Sign in',
    name: 'Name',
    password: 'Password',
    wrong: 'Name or password is wrong.',
    forgotten: 'Forgotten? On the console of the box: tunnelwerk password-reset',
  },
  de: {
    title: 'Anmelden',
    name: 'Name',
    password: 'Passwort',
    wrong: 'Name oder Passwort ist falsch.',
    forgotten: 'Vergessen? An der Konsole des Geräts: tunnelwerk password-reset',
  },
};

export default function SignIn({ hostName }: { hostName: string }) {
  const words = useWords(WORDS);
  const [name, setName] = useState('admin');
  const [password, setPassword] = useState('');
  const [error, setError] = useState<ApiError>();
  const [isBusy, setBusy] = useState(false);
  const submit = () => {
    setBusy(true);
    signIn(name, password)
      .catch((refused: ApiError) => {
        setError(refused);
        setPassword('');
      })
      .finally(() => setBusy(false));
  };
  return (
    <main class="gate">
      <div class="row">
        <img src="/icon.svg" alt="" width="40" height="40" />
        <h1>{hostName || 'tunnelwerk'}</h1>
      </div>
      <section class="card" aria-labelledby="sign-in">
        <h2 id="sign-in">{words.title}</h2>
        {error?.status === 401 && <Notice kind="bad">{words.wrong}</Notice>}
        <Form error={error?.status === 401 ? undefined : error} onSubmit={submit}>
          <TextField label={words.name} value={name} onInput={setName} autocomplete="username" />
          <TextField
            label={words.password}
            type="password"
            value={password}
            onInput={setPassword}
            autocomplete="current-password"
          />
          <button type="submit" class="primary" disabled={isBusy}>
            {words.title}
          </button>
        </Form>
        <p class="quiet small">{words.forgotten}</p>
      </section>
      <LanguageChoice />
    </main>
  );
}
