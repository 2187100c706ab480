/** The calls that live. */
import { useWords } from '../../app/language.js';

const WORDS = { en: { title: 'Sessions' }, de: { title: 'Sitzungen' } };

export default function SessionsPage() {
  const words = useWords(WORDS);
  return <h1>{words.title}</h1>;
}
