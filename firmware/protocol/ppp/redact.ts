/** Takes the passwords out of PPP control packets before anybody keeps them. Must not know where they are kept. */

import { emitPapRequest, PAP_CODE, parsePapRequest } from '../../wire/authentication.js';
import { emitProtocolReject, parseProtocolReject } from '../../wire/lcp.js';
import {
  CONTROL_CODE,
  type ControlPacket,
  emitPppControlPacket,
  PPP_PROTOCOL,
  parsePppControlPacket,
} from '../../wire/ppp.js';
import { readOrDrop } from './peer-octets.js';

const NOTHING = new Uint8Array(0);

/**
 * The packet as it may be shown: a PAP Authenticate-Request (RFC 1334 section 2.2.1) without its password, also where
 * an LCP Protocol-Reject brings one back, nothing of it when its lengths do not fit; any other packet as it is.
 */
export function redactPppPacket(protocol: number, packet: Uint8Array): Uint8Array {
  if (protocol !== PPP_PROTOCOL.pap && protocol !== PPP_PROTOCOL.lcp) return packet;
  const control = readOrDrop(() => parsePppControlPacket(packet));
  if (protocol === PPP_PROTOCOL.pap) return control === undefined ? NOTHING : redactPap(control, packet);
  if (control?.code !== CONTROL_CODE.protocolReject) return packet;
  const reject = readOrDrop(() => parseProtocolReject(control.data));
  if (reject?.protocol !== PPP_PROTOCOL.pap) return packet;
  const information = redactPppPacket(PPP_PROTOCOL.pap, reject.information);
  return emitPppControlPacket({ ...control, data: emitProtocolReject({ ...reject, information }) });
}

function redactPap(control: ControlPacket, packet: Uint8Array): Uint8Array {
  if (control.code === PAP_CODE.authenticateAck || control.code === PAP_CODE.authenticateNak) return packet;
  const request = readOrDrop(() => parsePapRequest(control.data));
  const data = request === undefined ? NOTHING : emitPapRequest({ peerId: request.peerId, password: NOTHING });
  return emitPppControlPacket({ ...control, data });
}
