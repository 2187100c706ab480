/**
 * Keeps web pages of others from using a browser against the API over TCP: a Host that only DNS rebinding leads here, and
 * changes that another site asks for. Must not know who is signed in.
 */
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { canonicalAddress } from '../settings.js';
import { sendProblem } from './problem.js';

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export const isEncrypted = (request: FastifyRequest): boolean => 'encrypted' in request.raw.socket;

/**
 * Whether a Host header names this box: by the address that the connection has come to, by a loopback name, or by one of
 * `names`, which are in lower case; one that begins with `*.` stands for all with one part in place of the asterisk.
 */
export function isOurs(host: string, localAddress: string, names: ReadonlySet<string>): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  if (LOOPBACK_NAMES.has(name) || names.has(name) || names.has(name.replace(/^[a-z0-9_-]+(?=\.)/, '*'))) return true;
  const address = canonicalAddress(name.replace(/^\[(.*)\]$/, '$1'));
  return address !== undefined && address === canonicalAddress(localAddress);
}

/** The address that a connection has come to, as it stands in a URL. */
export function ownHost({ localAddress = '' }: Socket): string {
  return localAddress.includes(':') ? `[${localAddress}]` : localAddress;
}

/** Answers a request that came by TCP and is refused; undefined: it is not. */
export function refuseForeigner(
  request: FastifyRequest,
  reply: FastifyReply,
  names: ReadonlySet<string>,
): FastifyReply | undefined {
  const { host = '', origin, 'sec-fetch-site': site } = request.headers;
  const { socket } = request.raw;
  if (!isOurs(host, socket.localAddress ?? '', names)) {
    const detail = `use ${ownHost(socket)} in the address, or the box's host name, or a name in its certificate`;
    return sendProblem(reply, { title: 'Foreign host name', status: 403, detail });
  }
  if (SAFE_METHODS.has(request.method)) return undefined;
  const own = `${isEncrypted(request) ? 'https' : 'http'}://${host}`;
  if (site !== 'cross-site' && site !== 'same-site' && (origin === undefined || origin === own)) return undefined;
  const detail = 'a page of another site may not do this';
  return sendProblem(reply, { title: 'Cross-site request', status: 403, detail });
}
