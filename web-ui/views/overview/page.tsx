/** How the box is, at a glance. */
import { useWords } from '../../app/language.js';

const WORDS = { en: { title: 'Overview' }, de: { title: 'Übersicht' } };

export default function OverviewPage() {
  const words = useWords(WORDS);
  return <h1>{words.title}</h1>;
}
