/** The page: first use, sign-in, or the views, as the box says. */
import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { useResource } from '../api/resource.js';
import '../style/tokens.css';
import '../style/base.css';
import '../style/shell.css';
import '../style/parts.css';
import FirstUse from '../views/set-up/first-use.js';
import SignIn from '../views/sign-in/page.js';
import { lookWhoIsSignedIn, useAccount } from './account.js';
import { useWords } from './language.js';
import { Shell } from './shell.js';

const WORDS = {
  en: { silent: 'The box does not answer. Trying again …' },
  de: { silent: 'Das Gerät antwortet nicht. Neuer Versuch …' },
};
const TRY_AGAIN_MS = 3000;

function App() {
  const words = useWords(WORDS);
  const account = useAccount();
  const setup = useResource<{ hostName: string }>(account === 'asking' ? undefined : '/setup');
  useEffect(() => {
    if (account !== 'asking' && account !== 'silent') return undefined;
    if (account === 'asking') void lookWhoIsSignedIn();
    const timer = setInterval(() => void lookWhoIsSignedIn(), TRY_AGAIN_MS);
    return () => clearInterval(timer);
  }, [account]);
  if (account === 'asking') return null;
  if (account === 'silent') {
    return (
      <main class="gate">
        <p role="status">{words.silent}</p>
      </main>
    );
  }
  if (account === 'set-up') return <FirstUse />;
  if (account === 'signed-out') return <SignIn hostName={setup.data?.hostName ?? ''} />;
  return <Shell account={account} hostName={setup.data?.hostName ?? ''} />;
}

render(<App />, document.getElementById('app')!);
