/**
 * Captures the call of the fourteen steps at all four cables of its LAC and LNS at once, and has tshark read it as one: PPPoE,
 * L2TP, RADIUS and the user's packets in the order in which they passed. Takes no other view of a packet than tshark's.
 */
import { join } from 'node:path';
import { ACCESS_DEVICE } from './access-sites.js';
import { Capture, complaintsAbout, FIELDS, type FieldOf, nameOf, version3Options } from './capture.js';
import { type FourteenSteps, LAC_RADIUS_DEVICE, RADIUS_SECRET, TUNNEL_SECRET } from './fourteen-steps.js';
import { CODES as DISCOVERY_CODES } from './pppoe-capture.js';
import { run } from './process.js';

export interface JudgedCall {
  /**
   * In their order: 'PPPoE PADI', 'PPPoE LCP Configure-Request', 'L2TP SCCRQ', 'RADIUS 10.20.0.2 Access-Request',
   * 'IP 10.112.112.10 > 10.20.0.2'. A packet in PPPoE or L2TP has its PPP name alone.
   */
  steps: readonly string[];
  /** What tshark takes exception to, one line for each packet. */
  complaints: readonly string[];
}

const MORE_FIELDS = ['radius.code', 'radius.Acct_Status_Type', 'radius.authenticator.invalid', 'pppoe.code'] as const;

/** RFC 2865 section 3, RFC 2866 section 3, RFC 5997 section 3. */
const RADIUS_CODES: ReadonlyMap<number, string> = new Map([
  [1, 'Access-Request'],
  [2, 'Access-Accept'],
  [3, 'Access-Reject'],
  [4, 'Accounting-Request'],
  [5, 'Accounting-Response'],
  [12, 'Status-Server'],
]);
/** RFC 2866 section 5.1, RFC 2867 section 3. */
const STATUS_TYPES: ReadonlyMap<number, string> = new Map([
  [1, 'Start'],
  [2, 'Stop'],
  [3, 'Interim-Update'],
  [7, 'Accounting-On'],
  [8, 'Accounting-Off'],
  [9, 'Tunnel-Start'],
  [10, 'Tunnel-Stop'],
  [12, 'Tunnel-Link-Start'],
  [13, 'Tunnel-Link-Stop'],
]);

export class CallCapture {
  readonly #captures: readonly Capture[];
  readonly #merged: string;

  private constructor(captures: readonly Capture[], merged: string) {
    this.#captures = captures;
    this.#merged = merged;
  }

  static async start({ sites }: FourteenSteps, name: string): Promise<CallCapture> {
    const { lab, lac, lns } = sites;
    const places = [
      [lac, ACCESS_DEVICE],
      [lac, LAC_RADIUS_DEVICE],
      [lns, 'internet'],
      [lns, 'office'],
    ] as const;
    const captures = await Promise.all(
      places.map(([namespace, device]) => Capture.start(lab, namespace, device, `${name}-${device}`)),
    );
    return new CallCapture(captures, join(lab.folder, `${name}.pcapng`));
  }

  /** Does not throw for what tshark finds: the caller asserts. */
  async judge(): Promise<JudgedCall> {
    const paths = await Promise.all(this.#captures.map((capture) => capture.stop()));
    await run(['mergecap', '-w', this.#merged, ...paths]);
    const names = [...FIELDS, ...MORE_FIELDS];
    const { stdout } = await run([
      ...['tshark', '-n', '-r', this.#merged, '-T', 'fields', '-E', 'separator=/t', '-E', 'occurrence=a'],
      ...['-Y', '(pppoed || pppoes || l2tp || radius || icmp || _ws.malformed) && !icmpv6'],
      ...['-o', `radius.shared_secret:${RADIUS_SECRET}`, '-o', 'radius.validate_authenticator:TRUE'],
      ...version3Options({ secret: TUNNEL_SECRET }),
      ...names.flatMap((name) => ['-e', name]),
    ]);
    const steps: string[] = [];
    const complaints: string[] = [];
    for (const line of stdout.split('\n').filter((each) => each !== '')) {
      const columns = line.split('\t');
      const field = (name: (typeof names)[number]): string => columns[names.indexOf(name)] ?? '';
      const step = stepOf(field);
      steps.push(step);
      const isForged = ['1', 'True'].includes(field('radius.authenticator.invalid'));
      const found = [...complaintsAbout(field), ...(isForged ? ['the authenticator is wrong'] : [])];
      if (found.length > 0) complaints.push(`${field('frame.number')} ${step}: ${found.join('; ')}`);
    }
    return { steps, complaints };
  }
}

function stepOf(field: FieldOf & ((name: (typeof MORE_FIELDS)[number]) => string)): string {
  const protocols = field('frame.protocols').split(':');
  if (protocols.includes('pppoed')) return `PPPoE ${DISCOVERY_CODES.get(Number(field('pppoe.code')))}`;
  if (protocols.includes('pppoes')) return `PPPoE ${nameOf(field)}`;
  if (protocols.includes('l2tp')) return `L2TP ${nameOf(field)}`;
  const [source, destination] = [field('ip.src'), field('ip.dst')];
  if (!protocols.includes('radius')) return `IP ${source} > ${destination}`;
  const code = Number(field('radius.code'));
  const isRequest = code === 1 || code === 4 || code === 12;
  const status = STATUS_TYPES.get(Number(field('radius.Acct_Status_Type')));
  const words = [
    'RADIUS',
    isRequest ? destination : source,
    RADIUS_CODES.get(code) ?? code,
    ...(status ? [status] : []),
  ];
  return words.join(' ');
}
