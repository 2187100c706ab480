/** The LNS: whom it takes tunnels from, and what users get. */
import { useWords } from '../../app/language.js';
import { Link } from '../../app/router.js';
import { SettingsPage } from '../../parts/settings-page.js';

const WORDS = {
  en: {
    title: 'LNS',
    intro: 'Answers the calls of users and LACs, checks who they are, and gives them an address.',
    section: 'Calls',
    peers: 'Peers that open tunnels',
    pools: 'Address pools',
    users: 'Users',
  },
  de: {
    title: 'LNS',
    intro: 'Nimmt Anrufe von Benutzern und LACs an, prüft, wer sie sind, und gibt ihnen eine Adresse.',
    section: 'Anrufe',
    peers: 'Gegenstellen, die Tunnel öffnen',
    pools: 'Adresspools',
    users: 'Benutzer',
  },
};

const FIRST = ['enabled', 'localAddress', 'pool', 'dns', 'authentication', 'defaultSecret', 'allowUnknownPeers'];
const FIRST_OF_PEER = ['name', 'hostName', 'address', 'secret', 'proxy'];

export default function LnsPage() {
  const words = useWords(WORDS);
  const parts = [
    { pointer: '/lns', title: words.section, first: FIRST },
    { pointer: '/tunnelPeers', title: words.peers, first: FIRST_OF_PEER },
  ];
  return (
    <SettingsPage title={words.title} intro={words.intro} parts={parts}>
      <div class="actions">
        <Link to="/users" class="button">
          {words.users}
        </Link>
        <Link to="/pools" class="button">
          {words.pools}
        </Link>
      </div>
    </SettingsPage>
  );
}
