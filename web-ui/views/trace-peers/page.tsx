/** Boxes whose traces are joined with ours. */
import { useWords } from '../../app/language.js';
import { SettingsPage } from '../../parts/settings-page.js';

const WORDS = {
  en: {
    title: 'Trace peers',
    intro:
      'LAC and LNS each see half of a call. Name the other box here, and the call trace shows both halves as one. On the other box, make an API token of the role viewer (page System) and note the fingerprint of its certificate.',
    section: 'Other boxes',
  },
  de: {
    title: 'Trace-Partner',
    intro:
      'LAC und LNS sehen je die Hälfte eines Anrufs. Nennen Sie hier das andere Gerät, und der Trace zeigt beide Hälften als eine. Machen Sie dort ein API-Token der Rolle viewer (Seite System), und notieren Sie den Fingerabdruck des Zertifikats.',
    section: 'Andere Geräte',
  },
};

export default function TracePeersPage() {
  const words = useWords(WORDS);
  const parts = [{ pointer: '/tracePeers', title: words.section }];
  return <SettingsPage title={words.title} intro={words.intro} parts={parts} />;
}
