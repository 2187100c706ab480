/**
 * One packet to a server and the reply to it, sealed and opened with that server's secret. Must know neither time nor
 * other servers.
 */
import {
  checkMessageAuthenticator,
  checkResponseAuthenticator,
  decryptSalted,
  hideUserPassword,
  messageAuthenticator,
  requestAuthenticator,
} from '../../crypto/radius.js';
import {
  AUTHENTICATOR_BYTES,
  AUTHENTICATOR_OFFSET,
  emitRadiusPacket,
  MESSAGE_AUTHENTICATOR,
  messageAuthenticatorOffset,
  RADIUS_CODE,
  RADIUS_HEADER_BYTES,
  type RadiusPacket,
} from '../../wire/radius.js';
import {
  emitRadiusAttributes,
  type ParsedAttributes,
  parseRadiusAttributes,
  type RadiusValues,
} from '../../wire/radius-attributes.js';
import type { RadiusServer, RadiusServerDrop } from './client-types.js';

/** The first attribute's value: a Message-Authenticator that stands first cannot be pushed out by a forger's own octets. */
const FIRST_VALUE_OFFSET = RADIUS_HEADER_BYTES + 2;
const UNSIGNED = { type: MESSAGE_AUTHENTICATOR, value: new Uint8Array(AUTHENTICATOR_BYTES) };

/** A request on the wire. */
export interface SealedRequest {
  datagram: Uint8Array;
  authenticator: Uint8Array;
}

/** An Access-Request or Status-Server, with Message-Authenticator. `authenticator` is 16 octets of chance. */
export function sealAccessRequest(
  code: number,
  identifier: number,
  authenticator: Uint8Array,
  request: { values: RadiusValues; password?: Uint8Array },
  secret: Uint8Array,
): SealedRequest {
  const { password } = request;
  const hidden = password && { userPassword: hideUserPassword(password, authenticator, secret) };
  const attributes = [UNSIGNED, ...emitRadiusAttributes({ ...request.values, ...hidden })];
  const datagram = emitRadiusPacket({ code, identifier, authenticator, attributes });
  datagram.set(messageAuthenticator(datagram, FIRST_VALUE_OFFSET, authenticator, secret), FIRST_VALUE_OFFSET);
  return { datagram, authenticator };
}

/** An Accounting-Request, whose authenticator is made of its content. */
export function sealAccountingRequest(identifier: number, values: RadiusValues, secret: Uint8Array): SealedRequest {
  const datagram = emitRadiusPacket({
    code: RADIUS_CODE.accountingRequest,
    identifier,
    authenticator: new Uint8Array(AUTHENTICATOR_BYTES),
    attributes: emitRadiusAttributes(values),
  });
  const authenticator = requestAuthenticator(datagram, secret);
  datagram.set(authenticator, AUTHENTICATOR_OFFSET);
  return { datagram, authenticator };
}

/**
 * Opens a reply to a request; gives why not where it is not of this server, or not to this request. Throws ProtocolError
 * for attributes that do not fit their formats.
 */
export function openReply(
  packet: RadiusPacket,
  datagram: Uint8Array,
  authenticator: Uint8Array,
  server: RadiusServer,
  mustBeSigned: boolean,
): ParsedAttributes | RadiusServerDrop {
  if (!checkResponseAuthenticator(datagram, authenticator, server.secret)) return 'authenticator-wrong';
  const offset = messageAuthenticatorOffset(packet);
  if (offset === undefined && mustBeSigned) return 'message-authenticator-missing';
  if (offset !== undefined && !checkMessageAuthenticator(datagram, offset, authenticator, server.secret)) {
    return 'message-authenticator-wrong';
  }
  const parsed = parseRadiusAttributes(packet.attributes);
  const values = inClear(parsed.values, (value) => decryptSalted(value, authenticator, server.secret));
  return values === undefined ? 'undecipherable' : { ...parsed, values };
}

function inClear(
  values: RadiusValues,
  decrypt: (value: Uint8Array) => Uint8Array | undefined,
): RadiusValues | undefined {
  const clear: RadiusValues = { ...values };
  for (const name of ['msMppeSendKey', 'msMppeRecvKey'] as const) {
    const key = values[name];
    if (key === undefined) continue;
    clear[name] = decrypt(key);
    if (clear[name] === undefined) return undefined;
  }
  if (values.tunnelPassword === undefined) return clear;
  const passwords = values.tunnelPassword.flatMap(({ tag, value }) => {
    const password = decrypt(value);
    return password === undefined ? [] : [{ tag, value: password }];
  });
  if (passwords.length < values.tunnelPassword.length) return undefined;
  return { ...clear, tunnelPassword: passwords };
}
