/** Why packets and messages are dropped, in German and where the box has no English for it. Must not know the browser. */
import type { Language, Words } from '../../app/languages.js';

/** Of the packet path; the English comes from the box. */
const OF_PACKETS: Readonly<Record<string, string>> = {
  'datagram-too-long': 'ein Datagramm, das länger ist als der Puffer dafür',
  'header-truncated': 'ein Datagramm, das in seinem L2TP-Kopf endet',
  'header-version': 'ein L2TP-Kopf einer anderen Version als 2 und 3, oder der Version 2 über IP',
  'header-length': 'Length oder Offset Size eines L2TP-Kopfs, die das Datagramm nicht hat',
  'control-flags': 'eine Kontrollnachricht ohne T-Bit, Length oder Ns und Nr, oder mit Offset Size',
  'control-unknown-tunnel': 'eine Kontrollnachricht für einen Tunnel, den es nicht gibt',
  'control-wrong-peer': 'eine Kontrollnachricht von einer anderen Adresse als der der Gegenstelle',
  'control-rate': 'eine Kontrollnachricht über der Rate, die ein Tunnel haben darf',
  'control-backlog': 'eine Kontrollnachricht, die schneller kam, als sie bearbeitet werden können',
  'stranger-rate': 'eine Bitte um einen Tunnel über der Rate, die eine Adresse oder alle haben dürfen',
  'stranger-backlog': 'eine Bitte um einen Tunnel, während zu viele auf Bearbeitung warten',
  'unknown-session': 'Daten für eine Sitzung, die es nicht gibt',
  'pppoe-truncated': 'ein PPPoE-Rahmen, der in seinen Köpfen endet',
  'pppoe-header': 'ein PPPoE-Sitzungsrahmen, dessen Version, Typ oder Code nicht der von Daten ist',
  'pppoe-length': 'ein PPPoE-Rahmen, der kürzer ist, als er sagt',
  'pppoe-unknown-session': 'ein PPPoE-Rahmen für eine Sitzung, die es nicht gibt',
  'pppoe-wrong-source': 'ein PPPoE-Rahmen von einer anderen MAC-Adresse als der seines Rechners',
  'pppoe-wrong-destination': 'ein PPPoE-Rahmen an eine andere MAC-Adresse als die der Sitzung hier',
  'pppoe-wrong-vlan': 'ein PPPoE-Rahmen mit anderen VLAN-Tags als denen seiner Sitzung',
  'discovery-rate': 'ein Rahmen der PPPoE-Suche über der Rate, die ein Rechner oder alle haben dürfen',
  'discovery-backlog': 'ein Rahmen der PPPoE-Suche, während zu viele auf Bearbeitung warten',
  'wrong-cookie': 'Daten für eine Sitzung ohne deren Cookie',
  'wrong-encapsulation':
    'Daten oder Nachricht in anderer Version oder Verpackung als der ihrer Sitzung oder ihres Tunnels',
  'wrong-tunnel': 'Daten für eine Sitzung unter der ID eines anderen Tunnels',
  'wrong-peer': 'Daten für eine Sitzung von einer anderen Adresse als der der Gegenstelle',
  'sequence-old': 'Daten, deren Ns nicht über dem letzten liegt: zu spät oder doppelt',
  'ppp-truncated': 'ein PPP-Rahmen, der in seinem Protokollfeld endet',
  'ipv4-not-open': 'ein IPv4-Paket einer Sitzung, deren IPCP nicht steht',
  'ipv6-not-open': 'ein IPv6-Paket einer Sitzung, deren IPV6CP nicht steht',
  'ipv4-malformed': 'ein IPv4-Paket, dessen Längen nicht zueinander oder zum Rahmen passen',
  'ipv6-malformed': 'ein IPv6-Paket, dessen Länge nicht zum Rahmen passt',
  'source-not-allowed': 'ein Paket von einer Quelladresse, die nicht die seines Benutzers ist',
  'destination-not-allowed': 'ein Paket an ein Ziel, das nicht hinter diesem Ende des Anrufs liegt',
  'ppp-rate': 'ein PPP-Kontrollrahmen über der Rate, die eine Sitzung haben darf',
  'ppp-backlog': 'ein PPP-Kontrollrahmen, während zu viele auf Bearbeitung warten',
  'rate-exceeded-from-peer': 'ein Paket über der Rate, mit der seine Sitzung senden darf',
  'hold-full': 'ein Rahmen eines Anrufers, dessen Tunnel gerade aufgebaut wird, über der Zahl, die aufgehoben wird',
  'hold-abandoned': 'ein Rahmen, der für einen Tunnel aufgehoben wurde, der nicht zustande kam',
  'relay-gone': 'ein Rahmen an eine Sitzung, die es nicht mehr gibt',
  'ethernet-not-open': 'ein Ethernet-Rahmen eines Pseudowires, das nicht steht',
  'ethernet-truncated': 'ein Ethernet-Rahmen, der in seinem Kopf endet',
  'ethernet-too-long': 'ein Ethernet-Rahmen, der länger ist, als sein Pseudowire trägt',
  'vlan-tag-missing': 'ein Ethernet-Rahmen ohne Tag von der Gegenstelle eines VLAN-Pseudowires',
  'tun-not-open': 'ein Paket für ein TUN- oder TAP-Gerät, das nicht offen ist',
  'tun-write-refused': 'ein Paket, das das TUN- oder TAP-Gerät nicht nahm',
  'tun-malformed': 'ein Paket von einem TUN-Gerät, dessen Längen nicht passen',
  'tun-read-error': 'ein Fehler des Kernels beim Lesen eines TUN- oder TAP-Geräts',
  'no-session-for-destination': 'ein Paket an eine Adresse oder ein Netz, das keine Sitzung hat',
  'link-local-scope': 'ein Paket nur für einen Link (link-local) von einem TUN-Gerät',
  'too-big': 'ein Paket, das größer ist, als seine Sitzung nimmt, und nicht geteilt werden darf',
  'rate-exceeded-to-peer': 'ein Paket über der Rate, mit der seine Sitzung empfangen darf',
  'no-buffer': 'ein Paket, für das in dieser Runde kein Puffer mehr frei war',
  'stale-session': 'ein Rahmen oder eine Änderung für eine Sitzung, die fort oder inzwischen eine andere ist',
  'frame-too-long': 'ein Rahmen oder eine Nachricht zum Senden, länger als ein Puffer',
  'no-session-room': 'eine Sitzung über der Zahl, für die die Tabelle gemacht ist',
  'no-socket': 'ein Datagramm einer Adressfamilie oder eines Protokolls, das diese Maschine nicht hat',
  'interface-not-open': 'ein Rahmen für eine Ethernet-Schnittstelle, die fort oder nicht offen ist',
  'frame-refused': 'ein Rahmen, den eine Ethernet-Schnittstelle nicht nahm: länger als ihre MTU, oder sie ist aus',
  'send-buffer-full': 'ein Datagramm oder Rahmen, für das der Kernel keinen Platz hatte',
  'send-refused': 'ein Datagramm, das der Kernel ablehnte: keine Route, ein Filter, eine verlorene eigene Adresse',
  'receive-error': 'ein Fehler des Kernels beim Empfangen von Datagrammen oder Rahmen',
};

/** Of the control connections. */
const OF_MESSAGES: Readonly<Record<string, Words<string>>> = {
  'malformed-header': {
    en: 'a control message whose header is damaged',
    de: 'eine Kontrollnachricht, deren Kopf beschädigt ist',
  },
  'data-message': {
    en: 'a data message where a control message must be',
    de: 'Daten, wo eine Kontrollnachricht hingehört',
  },
  'unknown-tunnel': {
    en: 'a control message for a tunnel that is not there',
    de: 'eine Kontrollnachricht für einen Tunnel, den es nicht gibt',
  },
  'wrong-peer-address': {
    en: "a control message from another address than the tunnel's peer",
    de: 'eine Kontrollnachricht von einer anderen Adresse als der der Gegenstelle',
  },
  'invalid-acknowledgement': {
    en: 'a control message that acknowledges what was never sent',
    de: 'eine Kontrollnachricht, die bestätigt, was nie gesendet wurde',
  },
  duplicate: { en: 'a control message that came twice', de: 'eine Kontrollnachricht, die zweimal kam' },
  'outside-window': {
    en: 'a control message ahead of the receive window',
    de: 'eine Kontrollnachricht jenseits des Empfangsfensters',
  },
  'version-mismatch': {
    en: "a control message in another L2TP version than its tunnel's",
    de: 'eine Kontrollnachricht in einer anderen L2TP-Version als der ihres Tunnels',
  },
  'digest-mismatch': {
    en: 'a control message whose Message Digest is wrong: the tunnel secrets differ',
    de: 'eine Kontrollnachricht mit falschem Message Digest: die Tunnelgeheimnisse sind verschieden',
  },
  'digest-missing': {
    en: 'a control message without the Message Digest that the tunnel asks for',
    de: 'eine Kontrollnachricht ohne den Message Digest, den der Tunnel verlangt',
  },
  'tunnel-closed': {
    en: 'a control message for a closed tunnel',
    de: 'eine Kontrollnachricht für einen geschlossenen Tunnel',
  },
  'malformed-message': {
    en: 'a control message whose AVPs are damaged',
    de: 'eine Kontrollnachricht mit beschädigten AVP',
  },
  'unknown-message-type': {
    en: 'a control message of an unknown type, which may be passed over',
    de: 'eine Kontrollnachricht unbekannter Art, die übergangen werden darf',
  },
  'unknown-session': {
    en: 'a message or data for a session that is not there',
    de: 'Nachricht oder Daten für eine Sitzung, die es nicht gibt',
  },
  'sccrq-malformed': { en: 'a request for a tunnel that is damaged', de: 'eine beschädigte Bitte um einen Tunnel' },
  'sccrq-invalid-sequence': {
    en: 'a request for a tunnel with sequence numbers other than 0',
    de: 'eine Bitte um einen Tunnel mit anderen Folgenummern als 0',
  },
  'sccrq-unsupported-version': {
    en: 'a request for a tunnel in an L2TP version that is not spoken here',
    de: 'eine Bitte um einen Tunnel in einer L2TP-Version, die hier nicht gesprochen wird',
  },
  'sccrq-tie-breaker': {
    en: 'a request for a tunnel while both ends asked for one, and the other won',
    de: 'eine Bitte um einen Tunnel, als beide Enden einen wollten und die andere gewann',
  },
  'sccrq-no-resources': {
    en: 'a request for a tunnel for which there was no room',
    de: 'eine Bitte um einen Tunnel, für den kein Platz war',
  },
  'call-no-resources': {
    en: 'a request for a call for which there was no room',
    de: 'eine Bitte um einen Anruf, für den kein Platz war',
  },
  'call-tie-breaker': {
    en: 'a request for a call while both ends asked for one, and the other won',
    de: 'eine Bitte um einen Anruf, als beide Enden einen wollten und die andere gewann',
  },
};

/** `english` is what the box says itself, '' where it says nothing; a reason that is not known here stands for itself. */
export function dropText(reason: string, english: string, language: Language): string {
  if (language === 'de') return OF_PACKETS[reason] ?? OF_MESSAGES[reason]?.de ?? (english || reason);
  return english || OF_MESSAGES[reason]?.en || reason;
}
