/** What happened in a line of a call: names of the RFCs as they are, the box's own words in German. Must not know the browser. */
import type { LadderMessage } from '../../../firmware/api/traces.js';
import type { Language } from '../../app/languages.js';

const GERMAN: Readonly<Record<string, string>> = {
  authenticate: 'Wer ist der Benutzer?',
  accepted: 'angenommen',
  refused: 'abgelehnt',
  'LNS chosen': 'LNS gewählt',
  'the LNS does not take the call': 'der LNS nimmt den Anruf nicht',
  'no LNS takes the call': 'kein LNS nimmt den Anruf',
  'LCP taken over from the LAC': 'LCP vom LAC übernommen',
  'what the LAC hands over is not taken': 'nicht übernommen, was der LAC übergibt',
  'lease an address': 'eine Adresse ausleihen',
  'address leased': 'Adresse ausgeliehen',
  'no address': 'keine Adresse',
  'address assigned': 'Adresse zugeteilt',
  'traffic both ways': 'Verkehr in beide Richtungen',
  'call ended': 'Anruf beendet',
};

/** Without the protocol, which is said before it. */
export function messageText({ protocol, what }: Pick<LadderMessage, 'protocol' | 'what'>, language: Language): string {
  const name = protocol !== '' && what.startsWith(`${protocol} `) ? what.slice(protocol.length + 1) : what;
  return language === 'de' ? (GERMAN[name] ?? name) : name;
}
