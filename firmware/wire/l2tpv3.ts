/**
 * The data header of version 3, RFC 3931 sections 4.1.1.1, 4.1.2.1 and 4.6: written for whoever plays a peer. The packet
 * path reads and writes its own in place. Must not know what a session carries.
 *
 *   over UDP only:
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |T|x|x|x|x|x|x|x|x|x|x|x|  Ver  |          Reserved             |
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |                           Session ID                          |
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |               Cookie (0, 32 or 64 bits)
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |x|S|x|x|x|x|x|x|    Sequence Number (default L2-Specific Sublayer)
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
import { ByteWriter } from './bytes.js';

const L2TP_VERSION = 3;
/** The S bit of the default L2-specific sublayer's first 32 bits. */
const SEQUENCE_FLAG = 0x4000_0000;

/** What a data message's header says. */
export interface DataHeaderV3 {
  encapsulation: 'udp' | 'ip';
  /** The receiver's. */
  sessionId: number;
  /** The receiver's: 0, 4 or 8 octets. */
  cookie: Uint8Array;
  /** Given: the default L2-specific sublayer is there; its S bit is set where a 24-bit `sequence` is. */
  sublayer?: { sequence?: number };
}

/** The header of a data message: the payload follows directly. */
export function emitDataHeaderV3({ encapsulation, sessionId, cookie, sublayer }: DataHeaderV3): Uint8Array {
  const writer = new ByteWriter(24);
  if (encapsulation === 'udp') writer.u16(L2TP_VERSION).u16(0);
  writer.u32(sessionId).bytes(cookie);
  if (sublayer !== undefined) {
    const { sequence } = sublayer;
    writer.u32(sequence === undefined ? 0 : SEQUENCE_FLAG | (sequence & 0xff_ffff));
  }
  return writer.finish();
}
