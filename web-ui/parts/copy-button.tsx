/** Copies a text. Browsers offer that on encrypted pages and on the box itself alone; elsewhere there is no button. */
import { useState } from 'preact/hooks';
import { useWords } from '../app/language.js';

const WORDS = { en: { copy: 'Copy', copied: 'Copied' }, de: { copy: 'Kopieren', copied: 'Kopiert' } };

export function CopyButton({ text }: { text: string }) {
  const words = useWords(WORDS);
  const [copied, setCopied] = useState('');
  if (!window.isSecureContext) return null;
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => setCopied(text),
      () => setCopied(''),
    );
  };
  return (
    <button type="button" onClick={copy}>
      <span aria-live="polite">{copied === text ? words.copied : words.copy}</span>
    </button>
  );
}
