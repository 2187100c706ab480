/**
 * The API as the command uses it: by the box's Unix socket, or over the network with a token. Must not print anything.
 */
import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';

export interface Where {
  socket: string;
  /** Instead of the socket, as in https://192.168.115.1. */
  url: string | undefined;
  tokenFile: string | undefined;
  /** SHA-256 of the box's certificate, where no authority vouches for it. */
  fingerprint: string | undefined;
}

/** Something went wrong; the message says what, in words. */
export class CommandError extends Error {}
/** The command was given wrongly. */
export class UsageError extends Error {}

interface ProblemDocument {
  title?: string;
  detail?: string;
  problems?: { field: string; reason: string }[];
}

const TIMEOUT_MS = 30_000;

export class Client {
  readonly #where: Where;

  constructor(where: Where) {
    this.#where = where;
  }

  /** The answer's document; a body of octets is sent as it is. Rejects with CommandError, with field and reason of what the box refuses. */
  async demand<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.open(method, path, body);
    const text = (await readAll(response)).toString();
    if (text === '') return undefined as T;
    try {
      return JSON.parse(text) as T;
    } catch {
      throw new CommandError('the answer makes no sense: is that a tunnelwerk?');
    }
  }

  async download(path: string): Promise<Buffer> {
    return readAll(await this.open('GET', path));
  }

  /** An answer of success, still to be read. */
  async open(method: string, path: string, body?: unknown): Promise<IncomingMessage> {
    const response = await this.#send(method, `/api/v1${path}`, body);
    const { statusCode = 0 } = response;
    if (statusCode < 300) return response;
    throw new CommandError(inWords(statusCode, (await readAll(response)).toString()));
  }

  async #send(method: string, path: string, body: unknown): Promise<IncomingMessage> {
    const { socket, url } = this.#where;
    const isFile = body instanceof Uint8Array;
    const text = body === undefined ? undefined : isFile ? body : JSON.stringify(body);
    const type = isFile ? 'application/octet-stream' : 'application/json';
    const headers = text === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(text) };
    if (url === undefined) return exchange(httpRequest, { socketPath: socket, method, path, headers }, text, socket);
    const { hostname, port, protocol } = new URL(url);
    const options = {
      host: hostname.replace(/^\[|\]$/g, ''),
      port,
      method,
      path,
      headers: { ...headers, ...this.#bearer() },
    };
    if (protocol === 'http:') return exchange(httpRequest, options, text, url);
    const { fingerprint } = this.#where;
    if (fingerprint === undefined) return exchange(httpsRequest, options, text, url);
    const pinned = await connectTo(options.host, Number(port || 443), fingerprint);
    return exchange(
      httpRequest,
      { ...options, createConnection: () => pinned, headers: { ...options.headers, host: hostname } },
      text,
      url,
    );
  }

  #bearer(): Record<string, string> {
    const { tokenFile } = this.#where;
    let token = process.env.TUNNELWERK_TOKEN ?? '';
    if (tokenFile !== undefined) {
      try {
        token = readFileSync(tokenFile, 'utf8').trim();
      } catch (error) {
        throw new CommandError(`the token file cannot be read: ${(error as Error).message}`);
      }
    }
    if (token === '') throw new CommandError('over the network a token is needed: TUNNELWERK_TOKEN, or --token-file');
    return { authorization: `Bearer ${token}` };
  }
}

function exchange(
  send: typeof httpRequest,
  options: RequestOptions,
  body: string | Uint8Array | undefined,
  where: string,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // An agent would open a connection of its own.
    const agent = options.createConnection === undefined ? { agent: false } : {};
    const request = send({ ...options, ...agent }, (response) => {
      request.setTimeout(0);
      resolve(response);
    });
    request.setTimeout(TIMEOUT_MS, () => request.destroy(new Error('no answer')));
    request.once('error', (error: NodeJS.ErrnoException) => reject(new CommandError(`${where}: ${reasonOf(error)}`)));
    request.end(body);
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket; is the program running, and is --socket right?',
  ECONNREFUSED: 'nobody answers there; is the program running?',
  EACCES: 'no right to open it; take sudo',
  ENOTFOUND: 'the name has no address',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'no authority vouches for its certificate; give its --fingerprint, which its page System shows',
};

const reasonOf = ({ code = '', message }: NodeJS.ErrnoException): string => REASONS[code] ?? message;

function connectTo(host: string, port: number, fingerprint: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, rejectUnauthorized: false });
    const fail = (reason: string) => {
      socket.destroy();
      reject(new CommandError(`${host}: ${reason}`));
    };
    socket.once('error', (error: NodeJS.ErrnoException) => fail(reasonOf(error)));
    socket.setTimeout(TIMEOUT_MS, () => fail('no answer'));
    socket.once('secureConnect', () => {
      const shown = socket.getPeerCertificate().fingerprint256 ?? '';
      if (shown.toUpperCase() === fingerprint.toUpperCase()) resolve(socket);
      else fail('its certificate has another fingerprint than was given');
    });
  });
}

async function readAll(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** What a problem document (RFC 9457) says. */
function inWords(status: number, text: string): string {
  let problem: ProblemDocument;
  try {
    problem = JSON.parse(text) as ProblemDocument;
  } catch {
    return `the box answers with status ${status}`;
  }
  const { title = `status ${status}`, detail, problems = [] } = problem;
  const lines = problems.map(({ field, reason }) => `\n  ${field} ${reason}`);
  return `${title}${detail === undefined ? '' : `: ${detail}`}${lines.join('')}`;
}
