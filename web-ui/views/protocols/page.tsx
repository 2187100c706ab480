/** Times and limits of L2TP and PPP. */
import { useWords } from '../../app/language.js';
import { SettingsPage } from '../../parts/settings-page.js';

const WORDS = {
  en: {
    title: 'L2TP and PPP',
    intro:
      'Times and limits. What is set works with the peers known to us; change it where a peer needs something else.',
    l2tp: 'L2TP',
    ppp: 'PPP',
  },
  de: {
    title: 'L2TP und PPP',
    intro:
      'Zeiten und Grenzen. Die Vorgaben gehen mit den bekannten Gegenstellen; ändern Sie sie, wo eine anderes braucht.',
    l2tp: 'L2TP',
    ppp: 'PPP',
  },
};

const FIRST_OF_L2TP = ['accepts', 'maxTunnels', 'maxSessions', 'helloInterval_s'];
const FIRST_OF_PPP = ['mru_bytes', 'echoInterval_s', 'echoFailures'];

export default function ProtocolsPage() {
  const words = useWords(WORDS);
  const parts = [
    { pointer: '/l2tp', title: words.l2tp, first: FIRST_OF_L2TP },
    { pointer: '/ppp', title: words.ppp, first: FIRST_OF_PPP },
  ];
  return <SettingsPage title={words.title} intro={words.intro} parts={parts} />;
}
