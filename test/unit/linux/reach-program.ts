/**
 * Tries, for tests in a network namespace, what answers from where: each line of its input is a list of probes, answered
 * by a line that says which of them got an answer. All of one line are under way at once.
 */
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

export interface Probe {
  protocol: 'tcp' | 'udp' | 'icmp';
  /** One of our addresses. */
  from: string;
  to: string;
  port?: number;
  /** Of a datagram's content. */
  size_bytes?: number;
}

/** Nothing tells that a packet was dropped but that no answer comes. */
const PATIENCE_MS = 600;

function isReached({ protocol, from, to, port = 0, size_bytes = 8 }: Probe): Promise<boolean> {
  return new Promise((resolve) => {
    if (protocol === 'icmp') {
      const argv = ['-n', '-c', '1', '-W', String(PATIENCE_MS / 1000), '-I', from, to];
      execFile('ping', argv, (error) => resolve(error === null));
      return;
    }
    const timer = setTimeout(() => done(false), PATIENCE_MS);
    const family = from.includes(':') ? 'udp6' : 'udp4';
    const socket = protocol === 'tcp' ? connect({ host: to, port, localAddress: from }) : createSocket(family);
    const done = (reached: boolean) => {
      clearTimeout(timer);
      if ('destroy' in socket) socket.destroy();
      else socket.close();
      resolve(reached);
    };
    socket.once('error', () => done(false));
    if ('destroy' in socket) socket.once('connect', () => done(true));
    else {
      socket.once('message', (bytes) => done(bytes.length === size_bytes));
      socket.bind(0, from, () => socket.send(Buffer.alloc(size_bytes), port, to));
    }
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const reached = await Promise.all((JSON.parse(line) as Probe[]).map(isReached));
  process.stdout.write(`${JSON.stringify({ reached })}\n`);
}
