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

  /** Resolves when the capture listens. `filter` is pcap's. */
  static async start(lab: Lab, namespace: Namespace, device: string, name: string, filter = ''): Promise<Capture> {
    const path = join(lab.folder, `${name}.pcap`);
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
  tunnelId: number;
  sessionId: number;
  /** 'SCCRQ' … 'SLI', 'ZLB', 'LCP Configure-Request' …, 'IPv4', 'IPv6', or the PPP protocol in hexadecimal. */
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
  /** Opens hidden AVPs. */
  tunnelSecret?: string;
  /** L2TP ports other than 1701. */
  ports?: readonly number[];
}

const FIELDS = [
  ...['frame.number', 'frame.time_relative', 'ip.src', 'ipv6.src', 'ip.dst', 'ipv6.dst', 'udp.srcport', 'udp.dstport'],
  ...['l2tp.type', 'l2tp.tunnel', 'l2tp.session', 'l2tp.avp.message_type', 'l2tp.result_code', 'l2tp.avp.error_code'],
  ...['l2tp.avp.hidden', 'l2tp.avp.vendor_id', 'l2tp.avp.type', 'ppp.protocol', 'ppp.code', 'chap.code', 'pap.code'],
  ...['_ws.malformed', '_ws.expert.severity', '_ws.expert.message', 'l2tp.zero_length_body_message'],
] as const;
type Field = (typeof FIELDS)[number];

/** RFC 2661 section 3.2. */
const MESSAGES: readonly string[] = [
  ...['', 'SCCRQ', 'SCCRP', 'SCCCN', 'StopCCN', '', 'HELLO', 'OCRQ', 'OCRP', 'OCCN', 'ICRQ', 'ICRP', 'ICCN', '', 'CDN'],
  ...['WEN', 'SLI'],
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
/** AVPs without vendor: RFC 2661 section 4.4 (20 is reserved) and RFC 3145 section 2. */
const isKnownAvp = (type: number): boolean => (type <= 39 && type !== 20) || type === 46;
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
      ...(options.tunnelSecret === undefined ? [] : ['-o', `l2tp.shared_secret:${options.tunnelSecret}`]),
      ...(options.ports ?? []).flatMap((port) => ['-d', `udp.port==${port},l2tp`]),
      ...FIELDS.flatMap((field) => ['-e', field]),
    ],
    { timeout_ms: 120_000 },
  );
  const packets: JudgedPacket[] = [];
  const complaints: string[] = [];
  for (const line of stdout.split('\n').filter((each) => each !== '')) {
    const columns = line.split('\t');
    const field = (name: Field): string => columns[FIELDS.indexOf(name)] ?? '';
    const packet = readPacket(field);
    packets.push(packet);
    if (options.sentBy !== undefined && packet.source !== options.sentBy) continue;
    const found = complaintsAbout(field);
    if (found.length > 0) complaints.push(`${packet.number} ${packet.source} ${packet.what}: ${found.join('; ')}`);
  }
  return { packets, complaints };
}

const first = (text: string): string => text.split(',')[0]!;
const number = (text: string): number => Number(first(text));

function readPacket(field: (name: Field) => string): JudgedPacket {
  return {
    number: number(field('frame.number')),
    time_ms: number(field('frame.time_relative')) * 1000,
    // Of a packet in a tunnel the outer addresses come first, unless the two differ in version.
    source: first(field('ip.src') || field('ipv6.src')),
    destination: first(field('ip.dst') || field('ipv6.dst')),
    sourcePort: number(field('udp.srcport')),
    destinationPort: number(field('udp.dstport')),
    tunnelId: number(field('l2tp.tunnel')),
    sessionId: number(field('l2tp.session')),
    what: nameOf(field),
    ...(field('l2tp.result_code') === '' ? {} : { resultCode: number(field('l2tp.result_code')) }),
    ...(field('l2tp.avp.error_code') === '' ? {} : { errorCode: number(field('l2tp.avp.error_code')) }),
    hasHiddenAvps: field('l2tp.avp.hidden')
      .split(',')
      .some((flag) => flag === '1' || flag === 'True'),
  };
}

function nameOf(field: (name: Field) => string): string {
  if (number(field('l2tp.type')) === 1) {
    const type = field('l2tp.avp.message_type');
    return type === '' ? 'ZLB' : (MESSAGES[number(type)] ?? `message ${type}`);
  }
  const protocol = number(field('ppp.protocol'));
  if (field('chap.code') !== '') return `CHAP ${CHAP_CODES[number(field('chap.code'))]}`;
  if (field('pap.code') !== '') return `PAP ${PAP_CODES[number(field('pap.code'))]}`;
  const control = CONTROL_PROTOCOLS.get(protocol);
  if (control !== undefined) return `${control} ${CODES[number(field('ppp.code'))] ?? field('ppp.code')}`;
  return NETWORK_PROTOCOLS.get(protocol) ?? `0x${protocol.toString(16).padStart(4, '0')}`;
}

function complaintsAbout(field: (name: Field) => string): string[] {
  const complaints: string[] = [];
  if (field('_ws.malformed') !== '') complaints.push('malformed');
  const isGrave = field('_ws.expert.severity')
    .split(',')
    .some((severity) => Number(severity) >= SEVERITY_ERROR);
  if (isGrave) complaints.push(field('_ws.expert.message'));
  const vendors = field('l2tp.avp.vendor_id').split(',');
  const types = field('l2tp.avp.type').split(',').filter(Boolean).map(Number);
  if (vendors.every((vendor) => Number(vendor) === 0)) {
    complaints.push(...types.filter((type) => !isKnownAvp(type)).map((type) => `unknown AVP ${type}`));
  }
  return complaints;
}

/** The names alone, of the packets chosen, in their order: for comparing with the steps of a call. */
export function steps(judgement: Judgement, chosen: (packet: JudgedPacket) => boolean = () => true): string[] {
  return judgement.packets.filter(chosen).map((packet) => packet.what);
}
