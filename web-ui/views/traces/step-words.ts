/** The fourteen steps of a call and who takes part in them, by short names. Must not know the browser. */
import type { Lane } from '../../../firmware/api/traces.js';
import type { Language, Words } from '../../app/languages.js';

/** In their order; the first is step 1. */
const STEPS: Words<readonly string[]> = {
  en: [
    'The PC asks for a call',
    'PC and LAC negotiate LCP',
    'The LAC authenticates the user',
    'The LAC asks its RADIUS server',
    'The answer, and the tunnel to the LNS',
    'The session to the LNS',
    'The LNS takes over what PPP has settled',
    'The LNS asks its RADIUS server',
    'The answer',
    'The LNS authenticates the user once more',
    'The LNS asks its RADIUS server again',
    'The answer',
    'The user gets an address',
    'The user reaches the network behind the LNS',
  ],
  de: [
    'Der PC wünscht einen Anruf',
    'PC und LAC handeln LCP aus',
    'Der LAC prüft den Benutzer',
    'Der LAC fragt seinen RADIUS-Server',
    'Die Antwort und der Tunnel zum LNS',
    'Die Sitzung zum LNS',
    'Der LNS übernimmt, was PPP ausgehandelt hat',
    'Der LNS fragt seinen RADIUS-Server',
    'Die Antwort',
    'Der LNS prüft den Benutzer noch einmal',
    'Der LNS fragt seinen RADIUS-Server noch einmal',
    'Die Antwort',
    'Der Benutzer bekommt eine Adresse',
    'Der Benutzer erreicht das Netz hinter dem LNS',
  ],
};
const NO_STEP: Words<string> = { en: 'Before, between and after', de: 'Davor, dazwischen und danach' };

/** 0 is what belongs to no step. */
export const stepName = (step: number, language: Language): string =>
  step === 0 ? NO_STEP[language] : (STEPS[language][step - 1] ?? String(step));

/** The same in both languages. */
export const LANES: Readonly<Record<Lane, { name: string; of: string }>> = {
  pc: { name: 'PC', of: '' },
  lac: { name: 'LAC', of: '' },
  'radius-of-lac': { name: 'RADIUS', of: 'LAC' },
  lns: { name: 'LNS', of: '' },
  'radius-of-lns': { name: 'RADIUS', of: 'LNS' },
};

/** As in 'LAC', or 'RADIUS (LNS)'. */
export const laneName = (lane: Lane): string => {
  const { name, of } = LANES[lane];
  return of === '' ? name : `${name} (${of})`;
};
