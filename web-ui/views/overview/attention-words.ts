/** What needs attention, in words. Must not know the browser. */
import type { Attention } from '../../../firmware/api/overview.js';
import { time } from '../../app/format.js';
import type { Language, Words } from '../../app/languages.js';
import { dropText } from './drop-words.js';

type Tell = (parameters: Attention['parameters'], language: Language) => string;

const at = (moment: string | number | undefined, language: Language) => time(String(moment ?? ''), language);

const WORDS: Readonly<Record<string, Words<Tell>>> = {
  problem: {
    en: ({ what, advice }) => `${what}; ${advice}`,
    de: ({ what, advice }) => `${what}; ${advice}`,
  },
  'not-set-up': {
    en: () => 'this box does nothing yet: neither LNS nor LAC nor client is switched on',
    de: () => 'dieses Gerät tut noch nichts: weder LNS noch LAC noch Client ist eingeschaltet',
  },
  'radius-dead': {
    en: ({ address, service, since }, language) =>
      `the RADIUS server ${address} for ${service} does not answer since ${at(since, language)}; another one is asked`,
    de: ({ address, service, since }, language) =>
      `der RADIUS-Server ${address} für ${germanService(service)} antwortet seit ${at(since, language)} nicht; ein anderer wird gefragt`,
  },
  'radius-all-dead': {
    en: ({ service }) =>
      service === 'accounting'
        ? 'no RADIUS server for accounting answers: the records wait on the disk'
        : `no RADIUS server for ${service} answers: nobody can call`,
    de: ({ service }) =>
      service === 'accounting'
        ? 'kein RADIUS-Server für Abrechnung antwortet: Die Datensätze warten auf dem Datenträger'
        : `kein RADIUS-Server für ${germanService(service)} antwortet: Niemand kann anrufen`,
  },
  'accounting-waiting': {
    en: ({ waiting }) => `${waiting} accounting records wait for a server`,
    de: ({ waiting }) => `${waiting} Abrechnungsdatensätze warten auf einen Server`,
  },
  'pool-full': {
    en: ({ name, size }) =>
      `the pool ${name} is full: all of its ${size} addresses are in use, further calls are refused`,
    de: ({ name, size }) =>
      `der Pool ${name} ist voll: Alle ${size} Adressen sind vergeben, weitere Anrufe werden abgelehnt`,
  },
  'pool-nearly-full': {
    en: ({ name, size, leased }) => `the pool ${name} is nearly full: ${leased} of ${size} addresses are in use`,
    de: ({ name, size, leased }) => `der Pool ${name} ist fast voll: ${leased} von ${size} Adressen sind vergeben`,
  },
  'calls-failing': {
    en: ({ failuresPerMinute, setupsPerMinute }) =>
      `${failuresPerMinute} calls a minute fail, and ${setupsPerMinute} come up`,
    de: ({ failuresPerMinute, setupsPerMinute }) =>
      `${failuresPerMinute} Anrufe pro Minute scheitern, und ${setupsPerMinute} kommen zustande`,
  },
  'lns-failed': {
    en: ({ server, until }, language) =>
      `the LNS ${server} has failed, and is asked after all others until ${at(until, language)}`,
    de: ({ server, until }, language) =>
      `der LNS ${server} ist ausgefallen und wird bis ${at(until, language)} erst nach allen anderen gefragt`,
  },
  'client-down': {
    en: ({ name, lastError }) => `the client profile ${name} is not connected: ${lastError}`,
    de: ({ name, lastError }) => `das Client-Profil ${name} ist nicht verbunden: ${lastError}`,
  },
  'pseudowire-down': {
    en: ({ name }) => `the pseudowire ${name} is not up`,
    de: ({ name }) => `das Pseudowire ${name} steht nicht`,
  },
  'memory-short': {
    en: ({ left }) => `memory bears only some ${left} further sessions`,
    de: ({ left }) => `der Speicher trägt nur noch etwa ${left} weitere Sitzungen`,
  },
  drops: {
    en: ({ reason, perMinute }) => `${perMinute} packets a minute are dropped (${reason}); the reason is below`,
    de: ({ reason, perMinute }, language) =>
      `${perMinute} Pakete pro Minute werden verworfen: ${dropText(String(reason), String(reason), language)}`,
  },
  'accounting-given-up': {
    en: ({ givenUp }) => `${givenUp} accounting records were given up, since too many waited for a server`,
    de: ({ givenUp }) => `${givenUp} Abrechnungsdatensätze wurden aufgegeben, weil zu viele auf einen Server warteten`,
  },
  'certificate-ending': {
    en: ({ days, notAfter }, language) =>
      `the certificate of this page ends in ${days} days, at ${at(notAfter, language)}; put in another one`,
    de: ({ days, notAfter }, language) =>
      `das Zertifikat dieser Seite läuft in ${days} Tagen ab, um ${at(notAfter, language)}; ein anderes wird gebraucht`,
  },
  'certificate-ended': {
    en: ({ notAfter }, language) =>
      `the certificate of this page ended at ${at(notAfter, language)}; put in another one`,
    de: ({ notAfter }, language) =>
      `das Zertifikat dieser Seite ist um ${at(notAfter, language)} abgelaufen; ein anderes wird gebraucht`,
  },
  'forwarding-off': {
    en: () => 'the box does not forward packets: users reach nothing behind it',
    de: () => 'das Gerät leitet keine Pakete weiter: Benutzer erreichen nichts dahinter',
  },
  'nat-off': {
    en: ({ pools }) =>
      `users of the pool ${pools} have private addresses and no interface does NAT: they reach only networks with a route back to this box`,
    de: ({ pools }) =>
      `Benutzer des Pools ${pools} haben private Adressen, und keine Schnittstelle macht NAT: Sie erreichen nur Netze mit einem Weg zurück zu diesem Gerät`,
  },
  'dhcp-no-carrier': {
    en: ({ name }) => `${name} gets its address by DHCP, and there is no cable in it`,
    de: ({ name }) => `${name} bekommt seine Adresse per DHCP, und es steckt kein Kabel darin`,
  },
  'dhcp-silent': {
    en: ({ name }) => `no DHCP server answers on ${name}; look at the cable, or give it a static address`,
    de: ({ name }) =>
      `an ${name} antwortet kein DHCP-Server; sieh nach dem Kabel, oder gib der Schnittstelle eine feste Adresse`,
  },
  'dhcp-overlapping': {
    en: ({ name, address, other }) =>
      `${name} was given ${address} by DHCP, which is in the network of ${other}, and does not use it; give ${other} an address of another network`,
    de: ({ name, address, other }) =>
      `${name} bekam per DHCP ${address}, eine Adresse aus dem Netz von ${other}, und nutzt sie nicht; gib ${other} eine Adresse aus einem anderen Netz`,
  },
  'clock-not-set': {
    en: () => 'the clock is not set: times in logs and history are wrong',
    de: () => 'die Uhr ist nicht gestellt: Zeiten in Protokollen und Verlauf stimmen nicht',
  },
};

const germanService = (service: string | number | undefined): string =>
  service === 'accounting' ? 'Abrechnung' : 'Authentifizierung';

/** A sentence; what a newer box says that is not known here is told in the box's own words. */
export function attentionText({ code, parameters, text }: Attention, language: Language): string {
  const told = WORDS[code]?.[language](parameters, language) ?? text;
  return `${told.charAt(0).toUpperCase()}${told.slice(1)}${/[.!?]$/.test(told) ? '' : '.'}`;
}
