/**
 * Sends the packet path a datagram that it has to count, over the loopback address. Must not know what it counts.
 */
import { createSocket } from 'node:dgram';

const EVERY_MS = 50;
const PATIENCE_MS = 5_000;

/**
 * Resolves when `isSeen` says so after datagrams with these octets were sent to the UDP port; rejects when it does not
 * within five seconds.
 */
export function probeDataPath(port: number, datagram: Uint8Array, isSeen: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    const deadline_ms = performance.now() + PATIENCE_MS;
    const end = (settle: () => void) => {
      clearInterval(timer);
      socket.close();
      settle();
    };
    const look = () => {
      if (isSeen()) end(resolve);
      else if (performance.now() > deadline_ms) {
        end(() => reject(new Error(`the packet path does not see what comes to UDP port ${port}`)));
      } else socket.send(datagram, port, '127.0.0.1');
    };
    const timer = setInterval(look, EVERY_MS);
    socket.once('error', (error) => end(() => reject(error)));
    look();
  });
}
