/**
 * The connections to one port of one address, bounded in number: when there are too many, the oldest one of a stranger makes
 * room, so that whoever holds connections open without signing in keeps nobody out. Must not know what is asked on them.
 */
import type { Socket } from 'node:net';

export class Connections {
  readonly #most: number;
  /** Those on which nobody has shown who he is yet, the oldest first. */
  readonly #strangers = new Map<string, Socket>();
  readonly #all = new Set<Socket>();

  constructor(most: number) {
    this.#most = most;
  }

  /** A new one, as the kernel gives it. */
  admit(socket: Socket): void {
    if (this.#all.size >= this.#most && !this.#makeRoom()) {
      socket.destroy();
      return;
    }
    const name = nameOf(socket);
    this.#strangers.set(name, socket);
    this.#all.add(socket);
    socket.once('close', () => {
      this.#all.delete(socket);
      if (this.#strangers.get(name) === socket) this.#strangers.delete(name);
    });
  }

  /** Who asks on this connection is known: it stays. With TLS both sockets are meant, that within and that around it. */
  know(socket: Socket): void {
    this.#strangers.delete(nameOf(socket));
  }

  /** Ends all of them, those too that have not begun to speak TLS. */
  end(): void {
    for (const socket of this.#all) socket.destroy();
  }

  #makeRoom(): boolean {
    const [oldest] = this.#strangers;
    if (oldest === undefined) return false;
    const [name, socket] = oldest;
    this.#strangers.delete(name);
    this.#all.delete(socket);
    socket.destroy();
    return true;
  }
}

/** One on each port of an address. */
const nameOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
