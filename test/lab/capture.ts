/**
 * Captures what passes a device of a lab, and has tshark judge it: no malformed packet, no error that tshark notes, no
 * attribute that it does not know; and lists the L2TP messages and PPP packets in their order, by their RFC names, for a
 * test to compare with the steps of a call. Takes no other view of a packet than tshark's.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab, Namespace } from './namespaces.js';
import { type Daemon, run } from './process.js';

/** More than any packet on a cable of the lab; tcpdump's buffer has room for the fewer packets the larger this is. */
const SNAPSHOT_BYTES = '4096';

/** A capture under way. */
export class Capture {
  readonly path: string;
  readonly #daemon: Daemon;

  private constructor(daemon: Daemon, path: string) {
    this.#daemon = daemon;
    this.path = path;
  }

  /**
   * Resolves when the capture listens. `filter` is pcap's. The device shows packets as they came by the cable, not in the
   * larger pieces that the kernel makes of them on the way to a capture.
   */
  static async start(lab: Lab, namespace: Namespace, device: string, name: string, filter = ''): Promise<Capture> {
    const path = join(lab.folder, `${name}.pcap`);
    await namespace.run(['ethtool', '-K', device, 'gro', 'off'], { mayFail: true });
    const daemon = namespace.start(`capture ${name}`, [
      ...[
        'tcpdump',
        '-Z',
        'root',
        '-n',
        '-U',
        '--immediate-mode',
        '-B',
        '16384',
        '-s',
        SNAPSHOT_BYTES,
        '-i',
        device,
        '-w',
        path,
      ],
      ...(filter === '' ? [] : [filter]),
    ]);
    await daemon.waitForLine(/listening on/, { timeout_ms: 10_000 });
    return new Capture(daemon, path);
  }

  /** Ends it when all that has passed is written, and answers the file. Throws if the kernel dropped packets. */
  async stop(): Promise<string> {
    let size_bytes = -1;
    while (size_bytes !== statSync(this.path).size) {
      size_bytes = statSync(this.path).size;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await this.#daemon.stop('SIGINT');
    const lost = /(\d+) packets? dropped by kernel/.exec(this.#daemon.tail());
    if (lost === null || lost[1] !== '0') throw new Error(`${this.path}: incomplete\n${this.#daemon.tail()}`);
    return this.path;
  }
}

/** One L2TP packet as tshark reads it. */
export interface JudgedPacket {
  number: number;
  /** Since the first packet of the capture. */
  time_ms: number;
  source: string;
  destination: string;
  sourcePort: number;
  destinationPort: number;
  version: 2 | 3;
  /** In version 3 the Control Connection ID, of control messages alone. */
  tunnelId: number;
  sessionId: number;
  /** Of a version 3 data packet, in hexadecimal digits; '' without one. */
  cookie: string;
  /**
   * 'SCCRQ' … 'SLI', 'ACK', 'ZLB', 'LCP Configure-Request' …, 'IPv4', 'IPv6', 'Ethernet', or the PPP protocol in
   * hexadecimal.
   */
  what: string;
  /** Of StopCCN and CDN. */
  resultCode?: number;
  errorCode?: number;
  hasHiddenAvps: boolean;
}

export interface Judgement {
  packets: readonly JudgedPacket[];
  /** What tshark takes exception to, one line for each packet. */
  complaints: readonly string[];
}

export interface JudgeOptions {
  /** Judges what this address sent, and leaves the rest unjudged: for tests that send nonsense themselves. */
  sentBy?: string;
  /** Checks the Message Digest of version 3's control messages. */
  secret?: string;
  /** Of version 3's data packets; without it tshark goes by the control messages, or guesses. */
  cookie_bytes?: 0 | 4 | 8;
  /** Version 3's L2-specific sublayer; without it tshark goes by the control messages, or guesses. */
  sublayer?: 'none' | 'default';
  /** Of version 3 sessions that no control message in the capture set up. */
  payload?: 'ppp' | 'ethernet';
  /** L2TP ports other than 1701. */
  ports?: readonly number[];
}

/** What is asked of tshark about a packet. */
export const FIELDS = [
  ...['frame.number', 'frame.time_relative', 'ip.src', 'ipv6.src', 'ip.dst', 'ipv6.dst', 'udp.srcport', 'udp.dstport'],
  ...['l2tp.type', 'l2tp.tunnel', 'l2tp.session', 'l2tp.avp.message_type', 'l2tp.result_code', 'l2tp.avp.error_code'],
  ...[
    'l2tp.avp.hidden',
    'l2tp.avp.vendor_id',
    'l2tp.avp.type',
    'l2tp.avp.ciscotype',
    'ppp.protocol',
    'ppp.code',
    'chap.code',
    'pap.code',
  ],
  ...['_ws.malformed', '_ws.expert.severity', '_ws.expert.message', 'l2tp.zero_length_body_message'],
  ...['frame.protocols', 'l2tp.version', 'l2tp.ccid', 'l2tp.sid', 'l2tp.cookie', 'l2tp.incorrect_digest'],
] as const;
/** What tshark said of one packet, by field; '' where the packet has no such field. */
export type FieldOf = (name: (typeof FIELDS)[number]) => string;

/** RFC 2661 section 3.2 and RFC 3931 section 3.1. */
const MESSAGES: readonly string[] = [
  ...['', 'SCCRQ', 'SCCRP', 'SCCCN', 'StopCCN', '', 'HELLO', 'OCRQ', 'OCRP', 'OCCN', 'ICRQ', 'ICRP', 'ICCN', '', 'CDN'],
  ...['WEN', 'SLI', '', '', '', 'ACK'],
];
/** RFC 1661 section 5 and RFC 1570 section 2. */
const CODES: readonly string[] = [
  ...['', 'Configure-Request', 'Configure-Ack', 'Configure-Nak', 'Configure-Reject', 'Terminate-Request'],
  ...['Terminate-Ack', 'Code-Reject', 'Protocol-Reject', 'Echo-Request', 'Echo-Reply', 'Discard-Request'],
  ...['Identification', 'Time-Remaining'],
];
const CHAP_CODES: readonly string[] = ['', 'Challenge', 'Response', 'Success', 'Failure'];
const PAP_CODES: readonly string[] = ['', 'Authenticate-Request', 'Authenticate-Ack', 'Authenticate-Nak'];
const CONTROL_PROTOCOLS: ReadonlyMap<number, string> = new Map([
  [0xc021, 'LCP'],
  [0x8021, 'IPCP'],
  [0x8057, 'IPV6CP'],
  [0x80fd, 'CCP'],
]);
const NETWORK_PROTOCOLS: ReadonlyMap<number, string> = new Map([
  [0x0021, 'IPv4'],
  [0x0057, 'IPv6'],
]);
/** AVPs without vendor: RFC 2661 section 4.4 (20 is reserved), RFC 3145 section 2, RFC 3931 section 5.4, RFC 4667. */
const isKnownAvp = (type: number): boolean =>
  (type <= 39 && type !== 20) || type === 46 || (type >= 58 && type <= 75 && type !== 67) || type === 91;
/** Vendor 9's AVPs of the drafts that became RFC 3931, which old IOS sends. */
const CISCO = 9;
const CISCO_AVPS: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14]);
const COOKIE_SIZES = { 0: 'None', 4: '4 Byte Cookie', 8: '8 Byte Cookie' } as const;
const SUBLAYERS = { none: 'None', default: 'Default L2-Specific' } as const;
const PAYLOADS = { ppp: 'ppp', ethernet: 'eth' } as const;
/** Pseudowire types of RFC 4719 (VLAN), which tshark knows but leaves unread, and of a session that it knows nothing of. */
const [VLAN_PSEUDOWIRE, UNKNOWN_PSEUDOWIRE] = [4, 0];
/** tshark's severities are bits of an expert item's group and severity; this one is "Error". */
const SEVERITY_ERROR = 0x00800000;

/** Has tshark read a capture. Does not throw for what it finds: the caller asserts. */
export async function judge(path: string, options: JudgeOptions = {}): Promise<Judgement> {
  const { stdout } = await run(
    [
      ...[
        'tshark',
        '-n',
        '-r',
        path,
        '-Y',
        'l2tp || _ws.malformed',
        '-T',
        'fields',
        '-E',
        'separator=/t',
        '-E',
        'occurrence=a',
      ],
      ...['-o', 'udp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE'],
      // Fragments are put together before they are judged; what TCP retransmits is its own affair.
      ...['-o', 'ip.defragment:TRUE', '-o', 'tcp.analyze_sequence_numbers:FALSE'],
      // Of what users send each other nothing is guessed: a port that a kernel picks may be that of some protocol.
      ...['-d', 'tcp.port==1-65535,data'],
      ...version3Options(options),
      ...(options.ports ?? []).flatMap((port) => ['-d', `udp.port==${port},l2tp`]),
      ...FIELDS.flatMap((field) => ['-e', field]),
    ],
    { timeout_ms: 120_000 },
  );
  const packets: JudgedPacket[] = [];
  const complaints: string[] = [];
  for (const line of stdout.split('\n').filter((each) => each !== '')) {
    const columns = line.split('\t');
    const field: FieldOf = (name) => columns[FIELDS.indexOf(name)] ?? '';
    const packet = readPacket(field);
    packets.push(packet);
    if (options.sentBy !== undefined && packet.source !== options.sentBy) continue;
    const found = complaintsAbout(field);
    if (found.length > 0) complaints.push(`${packet.number} ${packet.source} ${packet.what}: ${found.join('; ')}`);
  }
  return { packets, complaints };
}

/** tshark's arguments for what it cannot know. */
export function version3Options({ secret, cookie_bytes, sublayer, payload }: JudgeOptions): string[] {
  return [
    ...(secret === undefined ? [] : ['-o', `l2tp.shared_secret:${secret}`]),
    ...(cookie_bytes === undefined ? [] : ['-o', `l2tp.cookie_size:${COOKIE_SIZES[cookie_bytes]}`]),
    ...(sublayer === undefined ? [] : ['-o', `l2tp.l2_specific:${SUBLAYERS[sublayer]}`]),
    ...['-d', `l2tp.pw_type==${VLAN_PSEUDOWIRE},eth`],
    ...(payload === undefined ? [] : ['-d', `l2tp.pw_type==${UNKNOWN_PSEUDOWIRE},${PAYLOADS[payload]}`]),
  ];
}

const first = (text: string): string => text.split(',')[0]!;
const number = (text: string): number => Number(first(text));

function readPacket(field: FieldOf): JudgedPacket {
  // Of a packet in a tunnel the outer addresses come first in each of the two lists.
  const [outside] = field('frame.protocols').split(/:l2tp(?::|$)/);
  const ip = outside!.split(':').includes('ipv6') ? 'ipv6' : 'ip';
  // Data over IP has no version field, being of version 3 alone.
  const isVersion3 = first(field('l2tp.version')) !== '2';
  return {
    number: number(field('frame.number')),
    time_ms: number(field('frame.time_relative')) * 1000,
    source: first(field(`${ip}.src`)),
    destination: first(field(`${ip}.dst`)),
    sourcePort: number(field('udp.srcport')),
    destinationPort: number(field('udp.dstport')),
    version: isVersion3 ? 3 : 2,
    tunnelId: number(field(isVersion3 ? 'l2tp.ccid' : 'l2tp.tunnel')),
    sessionId: number(field(isVersion3 ? 'l2tp.sid' : 'l2tp.session')),
    cookie: first(field('l2tp.cookie')),
    what: nameOf(field),
    ...(field('l2tp.result_code') === '' ? {} : { resultCode: number(field('l2tp.result_code')) }),
    ...(field('l2tp.avp.error_code') === '' ? {} : { errorCode: number(field('l2tp.avp.error_code')) }),
    hasHiddenAvps: field('l2tp.avp.hidden')
      .split(',')
      .some((flag) => flag === '1' || flag === 'True'),
  };
}

/** Of an L2TP message, or of a PPP packet in L2TP or PPPoE. */
export function nameOf(field: FieldOf): string {
  if (number(field('l2tp.type')) === 1) {
    const type = field('l2tp.avp.message_type');
    return type === '' ? 'ZLB' : (MESSAGES[number(type)] ?? `message ${type}`);
  }
  if (/:l2tp:(?:eth|llc)/.test(field('frame.protocols'))) return 'Ethernet';
  const protocol = number(field('ppp.protocol'));
  if (field('chap.code') !== '') return `CHAP ${CHAP_CODES[number(field('chap.code'))]}`;
  if (field('pap.code') !== '') return `PAP ${PAP_CODES[number(field('pap.code'))]}`;
  const control = CONTROL_PROTOCOLS.get(protocol);
  if (control !== undefined) return `${control} ${CODES[number(field('ppp.code'))] ?? field('ppp.code')}`;
  return NETWORK_PROTOCOLS.get(protocol) ?? `0x${protocol.toString(16).padStart(4, '0')}`;
}

export function complaintsAbout(field: FieldOf): string[] {
  const complaints: string[] = [];
  if (field('_ws.malformed') !== '') complaints.push('malformed');
  const isGrave = field('_ws.expert.severity')
    .split(',')
    .some((severity) => Number(severity) >= SEVERITY_ERROR);
  if (isGrave) complaints.push(field('_ws.expert.message'));
  if (field('l2tp.incorrect_digest') !== '') complaints.push('incorrect digest');
  const typesIn = (name: Parameters<FieldOf>[0]): number[] => field(name).split(',').filter(Boolean).map(Number);
  const vendors = typesIn('l2tp.avp.vendor_id');
  // tshark has a field of its own for Cisco's types; those of a vendor that it does not know are among the others.
  if (vendors.every((vendor) => vendor === 0 || vendor === CISCO)) {
    const unknown = typesIn('l2tp.avp.type').filter((type) => !isKnownAvp(type));
    complaints.push(...unknown.map((type) => `unknown AVP ${type}`));
    const unknownOfCisco = typesIn('l2tp.avp.ciscotype').filter((type) => !CISCO_AVPS.has(type));
    complaints.push(...unknownOfCisco.map((type) => `unknown AVP ${type} of vendor ${CISCO}`));
  }
  return complaints;
}

/** The names alone, of the packets chosen, in their order: for comparing with the steps of a call. */
export function steps(judgement: Judgement, chosen: (packet: JudgedPacket) => boolean = () => true): string[] {
  return judgement.packets.filter(chosen).map((packet) => packet.what);
}
