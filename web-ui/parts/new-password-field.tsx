/** A password that is being set: typed, or made here and then shown, since somebody has to be told it. */
import { useState } from 'preact/hooks';
import { useWords } from '../app/language.js';
import { CopyButton } from './copy-button.js';
import { SecretField, TextField } from './form.js';
import { randomPassword } from './random-password.js';

const WORDS = {
  en: { make: 'Make one', made: 'Made here. Note it now: the box will not show it again.' },
  de: { make: 'Erzeugen', made: 'Hier erzeugt. Notieren Sie es jetzt: das Gerät zeigt es nicht wieder.' },
};

interface NewPasswordFieldProps {
  label: string;
  pointer?: string;
  hint?: string;
  value: string;
  /** There is one already, which stays when nothing is typed. */
  isSet?: boolean;
  onInput(value: string): void;
}

export function NewPasswordField({ isSet = false, value, onInput, ...field }: NewPasswordFieldProps) {
  const words = useWords(WORDS);
  const [made, setMade] = useState('');
  const isMade = value !== '' && value === made;
  const make = () => {
    const password = randomPassword((octets) => crypto.getRandomValues(octets));
    setMade(password);
    onInput(password);
  };
  return (
    <div class="with-button">
      {isMade ? (
        <TextField {...field} hint={words.made} autocomplete="off" value={value} onInput={onInput} />
      ) : (
        <SecretField {...field} isSet={isSet} value={value} onInput={(text) => onInput(text ?? '')} />
      )}
      {isMade ? (
        <CopyButton text={value} />
      ) : (
        <button type="button" onClick={make} aria-label={`${words.make}: ${field.label}`}>
          {words.make}
        </button>
      )}
    </div>
  );
}
