/**
 * One HTTP or HTTPS request, described by JSON in the first argument, from whoever trusts any certificate. Writes status,
 * headers, text and the certificate's fingerprint as JSON, or the code of the error.
 */
import { request } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { TLSSocket } from 'node:tls';

export interface WebRequest {
  url: string;
  method?: string;
  headers?: Record<string, string>;
  body?: unknown;
}

export interface WebAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** '' without TLS. */
  fingerprint: string;
}

const TIMEOUT_MS = 3_000;

const { url, method = 'GET', headers = {}, body } = JSON.parse(process.argv[2] ?? '') as WebRequest;
const type = body === undefined ? {} : { 'content-type': 'application/json' };
const options = { method, headers: { ...type, ...headers }, timeout: TIMEOUT_MS, agent: false } as const;
const sent = url.startsWith('https:')
  ? tlsRequest(url, { ...options, rejectUnauthorized: false })
  : request(url, options);
sent.once('timeout', () => sent.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })));
sent.once('error', ({ code }: NodeJS.ErrnoException) => console.log(JSON.stringify({ error: code })));
sent.once('response', async (response) => {
  const fingerprint = url.startsWith('https:')
    ? (response.socket as TLSSocket).getPeerCertificate().fingerprint256
    : '';
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  const answer: WebAnswer = { status: response.statusCode ?? 0, headers: response.headers, text, fingerprint };
  console.log(JSON.stringify(answer));
});
sent.end(body === undefined ? undefined : JSON.stringify(body));
