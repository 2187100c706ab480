/** What was settled for a session, in sentences. Must not know the browser. */
import type { Session } from '../../../firmware/api/sessions.js';
import type { Language } from '../../app/languages.js';

const AUTHENTICATIONS: Readonly<Record<string, string>> = { pap: 'PAP', 'chap-md5': 'CHAP', mschapv2: 'MS-CHAPv2' };

const WORDS = {
  en: {
    l2tp: (version: number, by: string) => `L2TPv${version} ${by}.`,
    overUdp: (port: number) => `over UDP, the peer's port is ${port}`,
    overIp: 'over IP protocol 115',
    noTunnel: 'PPP ends on this box; no L2TP is involved.',
    cookie: (length: number) => `Each packet from the peer carries a cookie of ${length} octets.`,
    authentication: (name: string) => `The user was authenticated by ${name}.`,
    noAuthentication: 'There was no authentication.',
    proxied: {
      no: 'LCP was negotiated with the user directly.',
      lcp: 'LCP was taken over as the LAC had settled it; the user was authenticated here.',
      'lcp-and-authentication': 'LCP and the authentication were taken over as the LAC had settled them.',
    },
    mru: (peer: number, local: number) =>
      `Largest PPP frame: ${peer} octets towards the peer, ${local} octets from it (MRU).`,
    mtu: (mtu: number) => `Largest IP packet through the session: ${mtu} octets (MTU).`,
    acfc: 'Frames to the peer go without address and control field (ACFC).',
    pfc: 'Frames to the peer go with a protocol field of one octet (PFC).',
    ipv6: (address: string) => `IPv6 was negotiated; the far end is ${address}.`,
    filters: (names: string) => `Packet filters: ${names}.`,
    sendRate: (rate: string) => `Towards the user at most ${rate}.`,
    receiveRate: (rate: string) => `From the user at most ${rate}.`,
    sessionTimeout: (time: string) => `Ends at the latest ${time} after its start.`,
    idleTimeout: (time: string) => `Ends when nothing passes for ${time}.`,
    pppoe: (line: string, mac: string, id: number) => `PPPoE session ${id} on ${line} with the host ${mac}.`,
    vlans: (ids: string) => `VLAN ${ids}.`,
    circuit: (id: string) => `Line of the access node: ${id}.`,
  },
  de: {
    l2tp: (version: number, by: string) => `L2TPv${version} ${by}.`,
    overUdp: (port: number) => `über UDP, der Port der Gegenstelle ist ${port}`,
    overIp: 'über IP-Protokoll 115',
    noTunnel: 'PPP endet auf diesem Gerät; L2TP ist nicht beteiligt.',
    cookie: (length: number) => `Jedes Paket der Gegenstelle trägt ein Cookie von ${length} Oktetten.`,
    authentication: (name: string) => `Der Benutzer hat sich mit ${name} ausgewiesen.`,
    noAuthentication: 'Es gab keine Authentifizierung.',
    proxied: {
      no: 'LCP wurde unmittelbar mit dem Benutzer ausgehandelt.',
      lcp: 'LCP wurde so übernommen, wie es der LAC ausgehandelt hat; der Benutzer wurde hier geprüft.',
      'lcp-and-authentication': 'LCP und Authentifizierung wurden so übernommen, wie der LAC sie erledigt hat.',
    },
    mru: (peer: number, local: number) =>
      `Größter PPP-Rahmen: ${peer} Oktette zur Gegenstelle, ${local} Oktette von ihr (MRU).`,
    mtu: (mtu: number) => `Größtes IP-Paket durch die Sitzung: ${mtu} Oktette (MTU).`,
    acfc: 'Rahmen zur Gegenstelle gehen ohne Adress- und Kontrollfeld (ACFC).',
    pfc: 'Rahmen zur Gegenstelle gehen mit einem Protokollfeld von einem Oktett (PFC).',
    ipv6: (address: string) => `IPv6 ist ausgehandelt; das ferne Ende ist ${address}.`,
    filters: (names: string) => `Paketfilter: ${names}.`,
    sendRate: (rate: string) => `Zum Benutzer höchstens ${rate}.`,
    receiveRate: (rate: string) => `Vom Benutzer höchstens ${rate}.`,
    sessionTimeout: (time: string) => `Endet spätestens ${time} nach dem Beginn.`,
    idleTimeout: (time: string) => `Endet, wenn ${time} lang nichts durchläuft.`,
    pppoe: (line: string, mac: string, id: number) => `PPPoE-Sitzung ${id} an ${line} mit dem Rechner ${mac}.`,
    vlans: (ids: string) => `VLAN ${ids}.`,
    circuit: (id: string) => `Anschluss am Zugangsknoten: ${id}.`,
  },
};

export interface Figures {
  rate(value_bps: number): string;
  duration(length_s: number): string;
}

/** The most telling first. What was not settled is left out. */
export function negotiatedWords(session: Session, language: Language, { rate, duration }: Figures): string[] {
  const words = WORDS[language];
  const { lcp, pppoe, authentication } = session;
  const lines = [
    authentication === ''
      ? words.noAuthentication
      : words.authentication(AUTHENTICATIONS[authentication] ?? authentication),
    session.role === 'lns' && words.proxied[session.proxied],
    carriedBy(session, words),
    session.cookie_bytes > 0 && words.cookie(session.cookie_bytes),
    lcp.peerMru_bytes > 0 && words.mru(lcp.peerMru_bytes, lcp.localMru_bytes),
    session.mtu_bytes > 0 && words.mtu(session.mtu_bytes),
    lcp.transmitAcfc && words.acfc,
    lcp.transmitPfc && words.pfc,
    session.linkLocalAddress !== '' && words.ipv6(session.linkLocalAddress),
    session.filters.length > 0 && words.filters(session.filters.join(', ')),
    session.sendRate_bps > 0 && words.sendRate(rate(session.sendRate_bps)),
    session.receiveRate_bps > 0 && words.receiveRate(rate(session.receiveRate_bps)),
    session.sessionTimeout_s > 0 && words.sessionTimeout(duration(session.sessionTimeout_s)),
    session.idleTimeout_s > 0 && words.idleTimeout(duration(session.idleTimeout_s)),
    pppoe !== null && words.pppoe(pppoe.interface, pppoe.mac, pppoe.sessionId),
    pppoe !== null && pppoe.vlanIds.length > 0 && words.vlans(pppoe.vlanIds.join(', ')),
    pppoe !== null && pppoe.circuitId !== '' && words.circuit(pppoe.circuitId),
  ];
  return lines.filter((line): line is string => line !== false);
}

function carriedBy(session: Session, words: (typeof WORDS)['en']): string {
  if (session.tunnelId === 0) return words.noTunnel;
  const by = session.encapsulation === 'ip' ? words.overIp : words.overUdp(session.peerPort);
  return words.l2tp(session.version, by);
}
