/** Why a call failed, in plain words. Must not know the browser. */
import type { Failure, FailureCode } from '../../../firmware/api/traces.js';
import type { Language } from '../../app/languages.js';

/** What happened, and what to do; `{name}` stands for a parameter. The English is the box's own. */
const GERMAN: Readonly<Record<FailureCode, string>> = {
  'user-refused':
    'Name oder Passwort von {user} ist falsch, oder niemand kennt den Namen; prüfen Sie beides am PC und dort, wo die Benutzer stehen',
  'radius-silent':
    'kein RADIUS-Server antwortet; prüfen Sie, ob er läuft, ob er dieses Gerät als Client kennt und ob beide dasselbe Geheimnis haben',
  'radius-refused': 'der RADIUS-Server hat {user} abgelehnt: „{reason}“; sein eigenes Protokoll sagt mehr',
  'radius-unusable':
    'der RADIUS-Server hat {user} zugelassen, aber mit etwas, das hier nicht geht; das Protokoll nennt das Attribut',
  'duplicate-login':
    '{user} hat schon einen Anruf, und die Einstellungen erlauben keinen zweiten; beenden Sie den ersten, oder ändern Sie, was bei doppelter Anmeldung geschieht',
  'too-many-sessions':
    '{user} hat schon so viele Sitzungen, wie erlaubt sind; beenden Sie eine, oder erlauben Sie in RADIUS oder den Einstellungen mehr',
  'pool-empty': 'alle Adressen des Pools {pool} sind vergeben; vergrößern Sie den Pool, oder beenden Sie andere Anrufe',
  'pool-missing':
    'es gibt keinen Pool {pool}, aus dem der Benutzer seine Adresse haben soll; legen Sie ihn an, oder nennen Sie einen anderen',
  'no-address':
    'für den Benutzer gab es keine Adresse: „{reason}“; prüfen Sie die Pools und was der Benutzer haben soll',
  'lns-silent':
    'der LNS {server} antwortet nicht; prüfen Sie seine Adresse, den Weg dorthin und ob UDP 1701 oder Protokoll 115 durchkommt',
  'lns-unknown': 'der Name des LNS {server} hat keine Adresse; prüfen Sie den Namen und die Nameserver dieses Geräts',
  'tunnel-refused':
    'der LNS {server} hat den Tunnel abgelehnt: {result}{message}; prüfen Sie, ob er diesen LAC unter seinem Gerätenamen und mit demselben Geheimnis kennt',
  'tunnel-refused-here':
    'dieser LNS hat den Tunnel abgelehnt: {result}{message}; seine Tunnel-Gegenstellen und sein Geheimnis entscheiden, wen er nimmt',
  'tunnel-secret': 'die Tunnelgeheimnisse beider Enden sind verschieden; setzen Sie an LAC und LNS dasselbe',
  'session-refused': 'der LNS {server} hat den Anruf abgelehnt: „{reason}“; Trace und Protokoll des LNS sagen, warum',
  'mru-clash':
    'die Paketgrößen passen nicht zusammen: „{reason}“; senken Sie die MRU am LAC, erhöhen Sie sie am LNS, oder lassen Sie den LNS LCP neu beginnen',
  'proxy-not-taken':
    'der LNS konnte nicht übernehmen, was der LAC übergeben hat: „{reason}“; lassen Sie ihn LCP für diese Gegenstelle neu beginnen',
  'no-common-authentication':
    'PC und Gerät haben kein gemeinsames Verfahren, sich auszuweisen; erlauben Sie auf einer Seite ein weiteres (PAP, CHAP, MS-CHAPv2)',
  'lcp-failed':
    'PC und Gerät haben sich nicht über die Verbindung geeinigt (LCP): „{reason}“; die Schritte unten zeigen, was jeder verlangt hat',
  'ipcp-failed':
    'PC und Gerät haben sich nicht über Adressen geeinigt (IPCP): „{reason}“; lassen Sie den PC seine Adresse vom Gerät nehmen',
  'authentication-timeout':
    'der PC hat nicht rechtzeitig gesagt, wer er ist; prüfen Sie, ob er Name und Passwort zu senden hat',
  'pc-silent': 'der PC antwortet nicht; prüfen Sie die Leitung und den PC',
  'link-lost':
    'das ferne Ende antwortet nicht mehr; die Leitung oder der Weg dorthin ist unterbrochen, oder es wurde ausgeschaltet',
  loopback:
    'was gesendet wird, kommt zurück: Die Leitung ist eine Schleife; suchen Sie sie an einem Modem oder Prüfstecker',
  'pc-hung-up': 'der PC hat aufgelegt; wenn das niemand wollte, sagt sein eigenes Protokoll, warum',
  'lns-hung-up': 'der LNS hat aufgelegt: „{reason}“; Trace und Protokoll des LNS sagen, warum',
  'lac-hung-up': 'der LAC hat aufgelegt: „{reason}“; Trace und Protokoll des LAC sagen, warum',
  'lns-gone':
    'der LNS antwortet nicht mehr; er selbst oder der Weg dorthin ist ausgefallen: versuchen Sie von hier einen Ping zu seiner Adresse',
  'peer-gone':
    'das ferne Ende des Tunnels antwortet nicht mehr; es selbst oder der Weg dorthin ist ausgefallen: versuchen Sie von hier einen Ping zu seiner Adresse',
  administrator: 'er wurde hier beendet: „{reason}“',
  timeout: 'es dauerte zu lange, bis er stand; der letzte Schritt unten ist der, auf den gewartet wurde',
  other: '„{reason}“',
};

/** RFC 2661 section 4.4.2, Result Codes of StopCCN. */
const GERMAN_RESULTS: Readonly<Record<string, string>> = {
  1: 'er räumt den Tunnel ab',
  2: 'ein allgemeiner Fehler',
  3: 'es gibt schon einen solchen Tunnel',
  4: 'keine Berechtigung',
  5: 'er spricht diese Version von L2TP nicht',
  6: 'er fährt herunter',
  7: 'die Nachrichten kamen in einer Reihenfolge, die er nicht erwartet',
};

/** A code of a newer box is told in the box's own words. */
export function failureText({ code, parameters, text }: Failure, language: Language): string {
  const told = language === 'de' ? GERMAN[code] : undefined;
  if (told === undefined) return text;
  return told.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = parameters[name] ?? '';
    return name === 'result' ? germanResult(value) : value;
  });
}

/** Of 'no authorization (StopCCN result 4)'. */
function germanResult(english: string): string {
  const result = /StopCCN result (\d+)/.exec(english)?.[1] ?? '';
  const meaning = GERMAN_RESULTS[result];
  return meaning === undefined ? english : `${meaning} (StopCCN result ${result})`;
}
