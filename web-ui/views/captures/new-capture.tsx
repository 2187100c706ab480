/** The form that begins a capture; the address bar may name whose. */
import { useState } from 'preact/hooks';
import type { CaptureRequest } from '../../../firmware/api/captures.js';
import { ApiError, post } from '../../api/client.js';
import { useWords } from '../../app/language.js';
import { useLocation } from '../../app/router.js';
import { Form, SelectField, TextField, TickField } from '../../parts/form.js';

const WORDS = {
  en: {
    title: 'New capture',
    of: 'Packets of',
    kinds: { user: 'a user', sessionId: 'a session', tunnelId: 'a tunnel' },
    values: { user: 'User name', sessionId: 'Session ID', tunnelId: 'Tunnel ID' },
    userHint: 'all sessions of the user, also those that come later',
    size: 'Ring',
    sizeHint: 'when it is full, the oldest packets go',
    secrets: 'Leave out secrets',
    secretsHint: 'passwords, challenges and responses become zeros; keep this on when the file leaves your hands',
    payload: "Leave out users' data",
    payloadHint: 'packets end behind their IP and transport headers',
    begin: 'Begin capture',
  },
  de: {
    title: 'Neuer Mitschnitt',
    of: 'Pakete von',
    kinds: { user: 'einem Benutzer', sessionId: 'einer Sitzung', tunnelId: 'einem Tunnel' },
    values: { user: 'Benutzername', sessionId: 'Session-ID', tunnelId: 'Tunnel-ID' },
    userHint: 'alle Sitzungen des Benutzers, auch solche, die erst kommen',
    size: 'Ring',
    sizeHint: 'ist er voll, gehen die ältesten Pakete',
    secrets: 'Geheimnisse weglassen',
    secretsHint:
      'Passwörter, Challenges und Antworten werden zu Nullen; so lassen, wenn die Datei aus der Hand gegeben wird',
    payload: 'Daten der Benutzer weglassen',
    payloadHint: 'Pakete enden hinter ihren IP- und Transportköpfen',
    begin: 'Mitschnitt beginnen',
  },
};
const KINDS = ['user', 'sessionId', 'tunnelId'] as const;
type Kind = (typeof KINDS)[number];
const MIB_BYTES = 1024 * 1024;
const SIZES_MIB = ['1', '4', '16', '32'];

export function NewCapture({ onBegun }: { onBegun(): void }) {
  const words = useWords(WORDS);
  const { query } = useLocation();
  const named = KINDS.find((each) => query.get(each)) ?? 'user';
  const [kind, setKind] = useState<Kind>(named);
  const [value, setValue] = useState(query.get(named) ?? '');
  const [size_MiB, setSize] = useState('4');
  const [withoutSecrets, setWithoutSecrets] = useState(true);
  const [withoutPayload, setWithoutPayload] = useState(false);
  const [error, setError] = useState<ApiError>();
  const begin = () => {
    const filter: CaptureRequest['filter'] = { [kind]: kind === 'user' ? value.trim() : Number(value) };
    const size_bytes = Number(size_MiB) * MIB_BYTES;
    setError(undefined);
    post('/captures', { filter, size_bytes, withoutSecrets, withoutPayload }).then(onBegun, (refused: unknown) => {
      if (!(refused instanceof ApiError)) throw refused;
      setError(refused);
    });
  };
  return (
    <section class="card" aria-labelledby="new-capture">
      <h2 id="new-capture">{words.title}</h2>
      <Form error={error} onSubmit={begin}>
        <div class="capture-fields">
          <SelectField
            label={words.of}
            value={kind}
            options={KINDS.map((each) => ({ value: each, label: words.kinds[each] }))}
            onInput={(next) => {
              setKind(next);
              setValue('');
            }}
          />
          <TextField
            label={words.values[kind]}
            pointer={`/filter/${kind}`}
            hint={kind === 'user' ? words.userHint : undefined}
            value={value}
            onInput={setValue}
          />
          <SelectField
            label={words.size}
            pointer="/size_bytes"
            hint={words.sizeHint}
            value={size_MiB}
            options={SIZES_MIB.map((size) => ({ value: size, label: `${size} MiB` }))}
            onInput={setSize}
          />
        </div>
        <div class="columns">
          <TickField
            label={words.secrets}
            hint={words.secretsHint}
            value={withoutSecrets}
            onInput={setWithoutSecrets}
          />
          <TickField
            label={words.payload}
            hint={words.payloadHint}
            value={withoutPayload}
            onInput={setWithoutPayload}
          />
        </div>
        <div class="actions">
          <button type="submit" class="primary">
            {words.begin}
          </button>
        </div>
      </Form>
    </section>
  );
}
