/**
 * An accounting server on loopback (RFC 2866 section 4): takes what comes, checks its authenticator, remembers it and
 * answers, if the test wants it to. Knows nothing of who asks.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { checkRequestAuthenticator, responseAuthenticator } from '../../../../firmware/crypto/radius.js';
import {
  AUTHENTICATOR_OFFSET,
  emitRadiusPacket,
  parseRadiusPacket,
  RADIUS_CODE,
} from '../../../../firmware/wire/radius.js';
import { parseRadiusAttributes, type RadiusValues } from '../../../../firmware/wire/radius-attributes.js';

export const SECRET = 'shared';

export class AccountingServer {
  /** Every transmission, in the order of their coming. */
  readonly heard: RadiusValues[] = [];
  /** Whether it answers this one. */
  answers: (values: RadiusValues) => boolean = () => true;
  readonly #socket: Socket;
  readonly #secret = new TextEncoder().encode(SECRET);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (received, { address, port }) => this.#take(new Uint8Array(received), address, port));
  }

  static async open(t: TestContext): Promise<AccountingServer> {
    const socket = createSocket('udp4');
    t.after(() => socket.close());
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new AccountingServer(socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  #take(datagram: Uint8Array, address: string, port: number): void {
    const packet = parseRadiusPacket(datagram);
    if (packet.code !== RADIUS_CODE.accountingRequest) return;
    if (!checkRequestAuthenticator(datagram, this.#secret)) throw new Error('a wrong Request Authenticator');
    const { values } = parseRadiusAttributes(packet.attributes);
    this.heard.push(values);
    if (!this.answers(values)) return;
    const code = RADIUS_CODE.accountingResponse;
    const answer = emitRadiusPacket({ ...packet, code, attributes: [] });
    answer.set(responseAuthenticator(answer, packet.authenticator, this.#secret), AUTHENTICATOR_OFFSET);
    this.#socket.send(answer, port, address);
  }
}
