/** A call that the box places itself, with its steps as they happen, and the reason when it fails. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { TestCall as TestCallProgress } from '../../../firmware/api/test-call.js';
import { type ApiError, post } from '../../api/client.js';
import { useResource } from '../../api/resource.js';
import { useLanguage, useWords } from '../../app/language.js';
import { Badge } from '../../parts/badge.js';
import { Form, TextField } from '../../parts/form.js';
import { Notice } from '../../parts/notice.js';
import { failureText } from '../traces/failure-words.js';
import type { TestCall } from './plan.js';

const WORDS = {
  en: {
    place: 'Place a test call',
    again: 'Call again',
    running: 'Calling …',
    user: 'User who calls',
    password: 'Password of the user',
    steps: 'Steps of the call',
    done: 'done',
    failed: 'failed',
    passed: (address: string, took: string) =>
      `The call came up${address && `, with the address ${address}`}${took && `; an echo took ${took}`}.`,
    what: {
      tunnel: 'Tunnel to the LNS',
      session: 'Session',
      link: 'Link (LCP)',
      authentication: 'Name and password',
      address: 'Address (IPCP)',
      echo: 'Echo through the call',
    },
    failure: 'The call failed:',
    unknown: 'the box gives no reason; the log has more',
  },
  de: {
    place: 'Testanruf machen',
    again: 'Noch einmal anrufen',
    running: 'Ruft an …',
    user: 'Benutzer, der anruft',
    password: 'Passwort des Benutzers',
    steps: 'Schritte des Anrufs',
    done: 'erledigt',
    failed: 'gescheitert',
    passed: (address: string, took: string) =>
      `Der Anruf steht${address && `, mit der Adresse ${address}`}${took && `; ein Echo brauchte ${took}`}.`,
    what: {
      tunnel: 'Tunnel zum LNS',
      session: 'Sitzung',
      link: 'Verbindung (LCP)',
      authentication: 'Name und Passwort',
      address: 'Adresse (IPCP)',
      echo: 'Echo durch den Anruf',
    },
    failure: 'Der Anruf ist gescheitert:',
    unknown: 'das Gerät nennt keinen Grund; mehr steht im Protokoll',
  },
};
const EVERY_MS = 400;

interface TestCallPanelProps {
  /** Whether somebody has to call: a client's profile has its own name. */
  needsUser: boolean;
  /** Who was set up just now; '' where nobody. */
  known: { name: string; password: string };
  callOf(credentials: { user: string; password: string }): TestCall;
}

export function TestCallPanel({ needsUser, known, callOf }: TestCallPanelProps) {
  const words = useWords(WORDS);
  const [isPlaced, setPlaced] = useState(false);
  const [user, setUser] = useState(known.name);
  const [password, setPassword] = useState(known.password);
  const [error, setError] = useState<ApiError>();
  const call = useResource<TestCallProgress>(isPlaced ? '/test-call' : undefined, { every_ms: EVERY_MS });
  const isRunning = isPlaced && (call.data === undefined || call.data.state === 'running');
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => button.current?.focus(), []);
  const place = () => {
    setPlaced(false);
    post('/test-call', callOf({ user, password })).then(
      () => {
        setError(undefined);
        setPlaced(true);
      },
      (refused: ApiError) => setError(refused),
    );
  };
  const asks = needsUser && known.name === '';
  return (
    <Form error={error} onSubmit={place}>
      {asks && (
        <div class="columns">
          <TextField label={words.user} pointer="/user" autocomplete="off" value={user} onInput={setUser} />
          <TextField
            label={words.password}
            pointer="/password"
            type="password"
            autocomplete="off"
            value={password}
            onInput={setPassword}
          />
        </div>
      )}
      <div>
        <button ref={button} type="submit" class="primary" disabled={isRunning}>
          {isRunning ? words.running : isPlaced ? words.again : words.place}
        </button>
      </div>
      {isPlaced && call.data && <Course call={call.data} />}
    </Form>
  );
}

function Course({ call: { state, steps, address, roundTrip_ms, failure } }: { call: TestCallProgress }) {
  const words = useWords(WORDS);
  const language = useLanguage();
  return (
    <>
      {steps.length > 0 && (
        <ol class="course" aria-label={words.steps} aria-live="polite">
          {steps.map((step) => (
            <li key={`${step.number} ${step.at_ms} ${step.what}`}>
              <Badge kind={step.state === 'done' ? 'good' : 'bad'}>{words[step.state]}</Badge>
              <span>
                {step.number}. {words.what[step.what]}
              </span>
              <span class="quiet number">{step.at_ms} ms</span>
            </li>
          ))}
        </ol>
      )}
      {state === 'passed' && (
        <Notice kind="good">
          {words.passed(address, roundTrip_ms === null ? '' : `${roundTrip_ms.toFixed(1)} ms`)}
        </Notice>
      )}
      {state === 'failed' && (
        <Notice kind="bad">
          <strong>{words.failure}</strong> {failure === null ? words.unknown : failureText(failure, language)}
        </Notice>
      )}
    </>
  );
}
