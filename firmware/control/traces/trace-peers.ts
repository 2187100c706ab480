/**
 * Asks other boxes what they have traced of a call. A box is known by its certificate's fingerprint, and gets our token
 * only when it is the one. Bounded in time and size. Must not trust what comes: whoever asks checks it.
 */
import { request as httpRequest } from 'node:http';
import { connect, type TLSSocket } from 'node:tls';
import type { Settings } from '../../settings.js';

export type TracePeer = Settings['tracePeers'][number];

const TIMEOUT_MS = 3_000;
const MAX_ANSWER_BYTES = 2 * 1024 * 1024;

/** The JSON that the box answers; undefined when it knows no such call. Rejects with the reason in words. */
export async function askTracePeer(peer: TracePeer, question: unknown, signal: AbortSignal): Promise<unknown> {
  const socket = await connectTo(peer, AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]));
  try {
    return await post(socket, peer, JSON.stringify(question));
  } finally {
    socket.destroy();
  }
}

function connectTo({ address, port, fingerprint, name }: TracePeer, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    // Who it is, is told by the fingerprint and not by an authority.
    const socket = connect({ host: address, port, rejectUnauthorized: false });
    const fail = (reason: string) => {
      socket.destroy();
      reject(new Error(`${name} (${address}): ${reason}`));
    };
    // Also once it is connected: then it is the request that hears of it.
    signal.addEventListener('abort', () => socket.destroy(new Error('does not answer in time')), { once: true });
    socket.once('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    socket.once('secureConnect', () => {
      const shown = socket.getPeerCertificate().fingerprint256;
      if (shown?.toUpperCase() === fingerprint.toUpperCase()) resolve(socket);
      else fail('its certificate has another fingerprint than is set');
    });
  });
}

function post(socket: TLSSocket, { token = '', address, name }: TracePeer, body: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => reject(new Error(`${name} (${address}): ${reason}`));
    const headers = {
      host: address.includes(':') ? `[${address}]` : address,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      authorization: `Bearer ${token}`,
    };
    const path = '/api/v1/traces/match';
    const request = httpRequest({ createConnection: () => socket, method: 'POST', path, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > MAX_ANSWER_BYTES) socket.destroy(new Error('its answer is too long'));
      });
      response.once('error', (error) => fail(error.message));
      response.once('end', () => {
        const { statusCode = 0 } = response;
        const answer = parsed(text);
        if (statusCode === 404) resolve(undefined);
        else if (statusCode === 401) fail('it does not take the token');
        else if (statusCode !== 200) fail(`it refuses: ${(answer as { title?: string })?.title ?? statusCode}`);
        else if (answer === undefined) fail('its answer makes no sense');
        else resolve(answer);
      });
    });
    request.once('error', (error) => fail(error.message));
    request.end(body);
  });
}

/** Undefined when it is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
