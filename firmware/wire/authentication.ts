/**
 * The packets of PAP (RFC 1334 section 2.2), CHAP (RFC 1994 section 4) and MS-CHAPv2 (RFC 2759 sections 4 to 6):
 * the data behind code, identifier and length. Must not know passwords' meaning nor compute a response: crypto does.
 */
import { ByteReader, ByteWriter, ERROR_CODE, ProtocolError } from './bytes.js';
import { decodeUtf8, encodeUtf8 } from './text.js';

export const PAP_CODE = { authenticateRequest: 1, authenticateAck: 2, authenticateNak: 3 } as const;
export const CHAP_CODE = { challenge: 1, response: 2, success: 3, failure: 4 } as const;

/**
 * PAP Authenticate-Request, RFC 1334 section 2.2.1:
 *   +---------------+-------------+---------------+--------------
 *   | Peer-ID Length | Peer-Id ... | Passwd-Length | Password ...
 *   +---------------+-------------+---------------+--------------
 */
export interface PapRequest {
  peerId: Uint8Array;
  password: Uint8Array;
}

/** Reads the data of an Authenticate-Request, into views. Throws ProtocolError where a length is more than there is. */
export function parsePapRequest(data: Uint8Array): PapRequest {
  const reader = new ByteReader(data);
  return { peerId: reader.take(reader.u8()), password: reader.take(reader.u8()) };
}

/** Throws RangeError for more than 255 octets of either. */
export function emitPapRequest({ peerId, password }: PapRequest): Uint8Array {
  if (peerId.length > 0xff || password.length > 0xff) throw new RangeError('PAP holds 255 octets of name and password');
  return new ByteWriter(2 + peerId.length + password.length)
    .u8(peerId.length)
    .bytes(peerId)
    .u8(password.length)
    .bytes(password)
    .finish();
}

/**
 * Reads the message of an Authenticate-Ack or -Nak, RFC 1334 section 2.2.2: | Msg-Length (8) | Message ... |. Peers
 * leave the length octet out where they have nothing to say: no data is no message. Throws ProtocolError where
 * Msg-Length is more than there is.
 */
export function parsePapMessage(data: Uint8Array): string {
  if (data.length === 0) return '';
  const reader = new ByteReader(data);
  return decodeUtf8(reader.take(reader.u8()));
}

/** The data of an Authenticate-Ack or -Nak; a message of more than 255 octets is cut. */
export function emitPapMessage(message: string): Uint8Array {
  const text = encodeUtf8(message, 0xff);
  return new ByteWriter(1 + text.length).u8(text.length).bytes(text).finish();
}

/**
 * CHAP Challenge and Response, RFC 1994 section 4.1:
 *   +---------------+-----------+----------
 *   |  Value-Size   | Value ... | Name ...
 *   +---------------+-----------+----------
 */
export interface ChapValue {
  value: Uint8Array;
  name: Uint8Array;
}

/** Reads the data of a Challenge or Response, into views. Throws ProtocolError where Value-Size is 0 or too large. */
export function parseChapValue(data: Uint8Array): ChapValue {
  const reader = new ByteReader(data);
  const size_bytes = reader.u8();
  if (size_bytes === 0) throw new ProtocolError('an empty CHAP value', 0, ERROR_CODE.valueOutOfRange);
  return { value: reader.take(size_bytes), name: reader.rest() };
}

/** The data of a Challenge or Response. Throws RangeError for a value of no or more than 255 octets. */
export function emitChapValue({ value, name }: ChapValue): Uint8Array {
  if (value.length === 0 || value.length > 0xff) throw new RangeError(`a CHAP value of ${value.length} bytes`);
  return new ByteWriter(1 + value.length + name.length).u8(value.length).bytes(value).bytes(name).finish();
}

/** The data of a CHAP Success or Failure is its message and nothing else, RFC 1994 section 4.2. */
export function parseChapMessage(data: Uint8Array): string {
  return decodeUtf8(data);
}

export function emitChapMessage(message: string): Uint8Array {
  return encodeUtf8(message);
}

/**
 * The value of an MS-CHAPv2 Response, 49 octets, RFC 2759 section 4:
 *   | Peer-Challenge (16 octets) | Reserved, zero (8) | NT-Response (24) | Flags, zero (1) |
 */
export interface MsChapV2Response {
  peerChallenge: Uint8Array;
  ntResponse: Uint8Array;
  flags: number;
}

/** Reads it into copies. Throws ProtocolError for another length; reserved octets are not looked at. */
export function parseMsChapV2Response(value: Uint8Array): MsChapV2Response {
  const reader = new ByteReader(value);
  const peerChallenge = reader.take(16).slice();
  reader.take(8);
  const ntResponse = reader.take(24).slice();
  const flags = reader.u8();
  reader.expectEnd();
  return { peerChallenge, ntResponse, flags };
}

export function emitMsChapV2Response(response: MsChapV2Response): Uint8Array {
  if (response.peerChallenge.length !== 16 || response.ntResponse.length !== 24) {
    throw new RangeError('an MS-CHAPv2 response is a challenge of 16 octets and an NT-Response of 24');
  }
  return new ByteWriter(49)
    .bytes(response.peerChallenge)
    .bytes(new Uint8Array(8))
    .bytes(response.ntResponse)
    .u8(response.flags)
    .finish();
}

/** The message of an MS-CHAPv2 Success, RFC 2759 section 5: "S=<40 hexadecimal digits> M=<message>". */
export interface MsChapV2Success {
  /** "S=" and 40 digits in upper case, as generateAuthenticatorResponse gives it. */
  authenticatorResponse: string;
  message: string;
}

/** Throws ProtocolError where the text does not start with S= and 40 hexadecimal digits. */
export function parseMsChapV2Success(data: Uint8Array): MsChapV2Success {
  const match = /^(S=[0-9A-Fa-f]{40})(?: *M=(.*))?/s.exec(decodeUtf8(data));
  if (match === null) throw new ProtocolError('no S= in an MS-CHAPv2 Success', 0, ERROR_CODE.valueOutOfRange);
  return { authenticatorResponse: `S=${match[1].slice(2).toUpperCase()}`, message: match[2] ?? '' };
}

export function emitMsChapV2Success(success: MsChapV2Success): Uint8Array {
  return encodeUtf8(`${success.authenticatorResponse} M=${success.message}`);
}

/**
 * The message of an MS-CHAPv2 Failure, RFC 2759 section 6: "E=eeeeeeeeee R=r C=<32 hexadecimal digits> V=3 M=<msg>".
 */
export interface MsChapV2Failure {
  errorCode: number;
  retryAllowed: boolean;
  /** 16 octets, for the retry; absent where the peer gave none. */
  challenge?: Uint8Array;
  message: string;
}

/** The decimal error codes of RFC 2759 section 6. */
export const MS_CHAP_ERROR = {
  restrictedLogonHours: 646,
  accountDisabled: 647,
  passwordExpired: 648,
  noDialinPermission: 649,
  authenticationFailure: 691,
  changingPassword: 709,
} as const;

/** Throws ProtocolError where the text does not start with E= and a number; R, C and M may be absent. */
export function parseMsChapV2Failure(data: Uint8Array): MsChapV2Failure {
  const text = decodeUtf8(data);
  const errorCode = /^E=(\d{1,10})/.exec(text)?.[1];
  if (errorCode === undefined) {
    throw new ProtocolError('no E= in an MS-CHAPv2 Failure', 0, ERROR_CODE.valueOutOfRange);
  }
  // M= runs to the end, and what it says must not be taken for another field.
  const [fields, ...message] = text.split(' M=');
  const challenge = / C=([0-9A-Fa-f]{32})(?= |$)/.exec(fields)?.[1];
  const failure: MsChapV2Failure = {
    errorCode: Number(errorCode),
    retryAllowed: / R=1(?= |$)/.test(fields),
    message: message.join(' M='),
  };
  if (challenge !== undefined)
    failure.challenge = Uint8Array.from(challenge.match(/../g)!, (hex) => Number.parseInt(hex, 16));
  return failure;
}

export function emitMsChapV2Failure(failure: MsChapV2Failure): Uint8Array {
  const challenge = failure.challenge === undefined ? '' : ` C=${hexadecimal(failure.challenge)}`;
  const retry = failure.retryAllowed ? 1 : 0;
  return encodeUtf8(`E=${failure.errorCode} R=${retry}${challenge} V=3 M=${failure.message}`);
}

function hexadecimal(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase();
}
