/**
 * Has tshark judge the PPPoE discovery in a capture: no malformed packet, no error that it notes, no TAG that it does not
 * know; and lists the packets in their order. Takes no other view of a packet than tshark's.
 */
import { run } from './process.js';

export interface JudgedDiscovery {
  /** 'PADI', 'PADO', 'PADR', 'PADS', 'PADT', or the code. */
  what: string;
  source: string;
  destination: string;
  /** The outer one first. */
  vlanIds: readonly number[];
  sessionId: number;
  acName: string;
  /** In hexadecimal digits, '' without one. */
  cookie: string;
  hostUniq: string;
  relaySessionId: string;
  genericError: string;
}

export interface DiscoveryJudgement {
  packets: readonly JudgedDiscovery[];
  /** What tshark takes exception to, one line for each packet. */
  complaints: readonly string[];
}

const FIELDS = [
  ...['frame.number', 'eth.src', 'eth.dst', 'vlan.id', 'ieee8021ad.id', 'pppoe.code', 'pppoe.session_id'],
  ...['pppoed.tags.ac_name', 'pppoed.tags.ac_cookie', 'pppoed.tags.host_uniq', 'pppoed.tags.relay_session_id'],
  ...[
    'pppoed.tags.generic_error',
    'pppoed.tag_length.invalid',
    'pppoed.tag.unknown_data',
    '_ws.malformed',
    '_ws.expert.severity',
    '_ws.expert.message',
  ],
] as const;
type Field = (typeof FIELDS)[number];

/** RFC 2516 section 5. */
export const CODES: ReadonlyMap<number, string> = new Map([
  [0x07, 'PADO'],
  [0x09, 'PADI'],
  [0x19, 'PADR'],
  [0x65, 'PADS'],
  [0xa7, 'PADT'],
]);
/** tshark's severities are bits of an expert item's group and severity; this one is "Error". */
const SEVERITY_ERROR = 0x00800000;

/** Does not throw for what it finds: the caller asserts. */
export async function judgeDiscovery(path: string): Promise<DiscoveryJudgement> {
  const { stdout } = await run([
    ...['tshark', '-n', '-r', path, '-Y', 'pppoed || _ws.malformed', '-T', 'fields', '-E', 'separator=/t'],
    ...['-E', 'occurrence=a', ...FIELDS.flatMap((field) => ['-e', field])],
  ]);
  const packets: JudgedDiscovery[] = [];
  const complaints: string[] = [];
  for (const line of stdout.split('\n').filter((each) => each !== '')) {
    const columns = line.split('\t');
    const field = (name: Field): string => columns[FIELDS.indexOf(name)] ?? '';
    const packet = readPacket(field);
    packets.push(packet);
    const found = complaintsAbout(field);
    if (found.length > 0) complaints.push(`${field('frame.number')} ${packet.what}: ${found.join('; ')}`);
  }
  return { packets, complaints };
}

const numbers = (text: string): number[] => text.split(',').filter(Boolean).map(Number);

function readPacket(field: (name: Field) => string): JudgedDiscovery {
  const code = Number(field('pppoe.code'));
  return {
    what: CODES.get(code) ?? `0x${code.toString(16)}`,
    source: field('eth.src'),
    destination: field('eth.dst'),
    vlanIds: [...numbers(field('ieee8021ad.id')), ...numbers(field('vlan.id'))],
    sessionId: Number(field('pppoe.session_id')),
    acName: field('pppoed.tags.ac_name'),
    cookie: field('pppoed.tags.ac_cookie'),
    hostUniq: field('pppoed.tags.host_uniq'),
    relaySessionId: field('pppoed.tags.relay_session_id'),
    genericError: field('pppoed.tags.generic_error'),
  };
}

function complaintsAbout(field: (name: Field) => string): string[] {
  const complaints: string[] = [];
  if (field('_ws.malformed') !== '') complaints.push('malformed');
  if (field('pppoed.tag_length.invalid') !== '') complaints.push('wrong TAG_LENGTH');
  if (field('pppoed.tag.unknown_data') !== '') complaints.push('unknown TAG');
  const isGrave = numbers(field('_ws.expert.severity')).some((severity) => severity >= SEVERITY_ERROR);
  if (isGrave) complaints.push(field('_ws.expert.message'));
  return complaints;
}
