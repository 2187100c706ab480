/**
 * PPP control packets as a line of text and back, written from the RFCs' layouts and not with the firmware's own
 * readers: `LCP Configure-Request 1 1:0578 5:02020202` is a packet with identifier 1 and options of type 1 and 5;
 * what is not a list of options is hexadecimal digits.
 */
import { fromHex, toHex } from '../../../vectors/vectors.js';

const PROTOCOLS: Record<string, number> = {
  LCP: 0xc021,
  PAP: 0xc023,
  CHAP: 0xc223,
  IPCP: 0x8021,
  IPV6CP: 0x8057,
  CCP: 0x80fd,
};

const CONTROL_CODES = [
  'Configure-Request',
  'Configure-Ack',
  'Configure-Nak',
  'Configure-Reject',
  'Terminate-Request',
  'Terminate-Ack',
  'Code-Reject',
  'Protocol-Reject',
  'Echo-Request',
  'Echo-Reply',
  'Discard-Request',
  'Identification',
  'Time-Remaining',
];
const CODES: Record<string, string[]> = {
  PAP: ['Authenticate-Request', 'Authenticate-Ack', 'Authenticate-Nak'],
  CHAP: ['Challenge', 'Response', 'Success', 'Failure'],
};

export interface Frame {
  protocol: number;
  information: Uint8Array;
}

/** The frame that a line describes. */
export function frame(line: string): Frame {
  const [name, code, identifier, ...data] = line.split(' ');
  const number = (CODES[name] ?? CONTROL_CODES).indexOf(code) + 1 || Number(code);
  const body = data.map((part) => {
    const [type, value] = part.split(':');
    return value === undefined ? fromHex(type) : Uint8Array.of(Number(type), value.length / 2 + 2, ...fromHex(value));
  });
  const octets = body.flatMap((part) => [...part]);
  const length = octets.length + 4;
  return {
    protocol: PROTOCOLS[name],
    information: Uint8Array.of(number, Number(identifier), length >> 8, length, ...octets),
  };
}

/** The line that describes a frame. */
export function line({ protocol, information }: Frame): string {
  const name = Object.keys(PROTOCOLS).find((key) => PROTOCOLS[key] === protocol) ?? protocol.toString(16);
  const [code, identifier] = information;
  const data = information.subarray(4, (information[2] << 8) | information[3]);
  const isOptions = CODES[name] === undefined && code >= 1 && code <= 4;
  const body = isOptions ? optionList(data) : toHex(data);
  return [name, (CODES[name] ?? CONTROL_CODES)[code - 1] ?? code, identifier, body]
    .filter((part) => part !== '')
    .join(' ');
}

function optionList(data: Uint8Array): string {
  const options: string[] = [];
  for (let offset = 0; offset < data.length; offset += data[offset + 1]) {
    options.push(`${data[offset]}:${toHex(data.subarray(offset + 2, offset + data[offset + 1]))}`);
  }
  return options.join(' ');
}

/** Hexadecimal digits of ASCII text. */
export function ascii(text: string): string {
  return toHex(new TextEncoder().encode(text));
}
