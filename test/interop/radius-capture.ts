/**
 * RADIUS as tshark reads it: what passes a device of the lab is captured, and each packet judged with the servers'
 * secret. Takes no other view of a packet than tshark's.
 */
import { run } from '../lab/process.js';

export interface JudgedRadius {
  /** Of the packets, in their order, as 'Access-Request'. */
  packets: readonly string[];
  /** What tshark takes exception to: malformed packets, notes, authenticators that are wrong under this secret. */
  complaints: readonly string[];
}

/** RFC 2865 section 3, RFC 2866 section 3, RFC 5176 section 2.3, RFC 5997 section 3. */
const CODES: Readonly<Record<string, string>> = {
  1: 'Access-Request',
  2: 'Access-Accept',
  3: 'Access-Reject',
  4: 'Accounting-Request',
  5: 'Accounting-Response',
  12: 'Status-Server',
  40: 'Disconnect-Request',
  41: 'Disconnect-ACK',
  42: 'Disconnect-NAK',
  43: 'CoA-Request',
  44: 'CoA-ACK',
  45: 'CoA-NAK',
};
const FIELDS = ['radius.code', 'radius.authenticator.invalid', '_ws.malformed', '_ws.expert.message'];

/** Judges a file that Capture has written. */
export async function judgeRadius(path: string, secret: string): Promise<JudgedRadius> {
  const options = [`radius.shared_secret:${secret}`, 'radius.validate_authenticator:TRUE'];
  const { stdout } = await run([
    ...['tshark', '-n', '-r', path, '-Y', 'udp'],
    ...options.flatMap((option) => ['-o', option]),
    ...['-T', 'fields', '-E', 'separator=|'],
    ...FIELDS.flatMap((field) => ['-e', field]),
  ]);
  const lines = stdout.split('\n').filter((line) => line !== '');
  const packets = lines.map((line) => CODES[line.split('|')[0]!] ?? 'no RADIUS');
  const complaints = lines.flatMap((line, index) => {
    const [, invalid, ...rest] = line.split('|');
    const isWrong = invalid === '1' || invalid === 'True';
    const said = [...rest, ...(isWrong ? ['the authenticator is wrong'] : [])].filter((text) => text !== '');
    return said.length === 0 ? [] : [`${index + 1} ${packets[index]}: ${said.join(', ')}`];
  });
  return { packets, complaints };
}
