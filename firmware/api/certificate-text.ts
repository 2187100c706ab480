/**
 * Certificates and keys as PEM text: whether they can be shown to browsers, and what is in them. Must not let a key into a
 * message.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Problem } from '../settings.js';

/** Both PEM; `chain` begins with the certificate that belongs to the key. */
export interface TlsIdentity {
  chain: string;
  key: string;
}

export interface CertificateInfo {
  subject: string;
  issuer: string;
  /** ISO 8601 */
  notBefore: string;
  notAfter: string;
  /** SHA-256, as pairs of hexadecimal digits with colons between them. */
  fingerprint256: string;
  /** DNS names in lower case, and IP addresses. */
  names: string[];
  selfSigned: boolean;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
/** More than a chain has. */
const MAX_CERTIFICATES = 10;

/** Of the first certificate in a text that has one. */
export function certificateInfo(chain: string): CertificateInfo {
  const certificate = new X509Certificate(chain);
  const isOwnIssuer = certificate.subject === certificate.issuer;
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    notBefore: new Date(certificate.validFrom).toISOString(),
    notAfter: new Date(certificate.validTo).toISOString(),
    fingerprint256: certificate.fingerprint256,
    names: namesOf(certificate),
    selfSigned: isOwnIssuer && certificate.verify(certificate.publicKey),
  };
}

/** The identity in a form that is kept, or field and reason of what is wrong. `now_ms` is Unix time. */
export function checkIdentity(
  { certificate, key }: { certificate: string; key: string },
  now_ms: number,
): { ok: true; identity: TlsIdentity } | { ok: false; problems: Problem[] } {
  const chain = parseChain(certificate, now_ms);
  const privateKey = parseKey(key);
  const problems = [chain, privateKey].flatMap((parsed) => ('reason' in parsed ? [parsed] : []));
  if ('reason' in chain || 'reason' in privateKey) return { ok: false, problems };
  const [own] = chain.certificates;
  if (own === undefined || !own.checkPrivateKey(privateKey.key)) {
    const reason =
      'does not belong to the certificate; give the key that it was made for, and the certificate before those of its issuers';
    return { ok: false, problems: [{ field: '/key', reason }] };
  }
  const identity = {
    chain: chain.certificates.map((each) => each.toString()).join(''),
    key: privateKey.key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
  const reason = whyUnusable(identity);
  return reason === undefined ? { ok: true, identity } : { ok: false, problems: [{ field: '/certificate', reason }] };
}

function parseChain(text: string, now_ms: number): { certificates: X509Certificate[] } | Problem {
  const field = '/certificate';
  const blocks = text.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) {
    return { field, reason: 'holds no certificate in PEM; it begins with -----BEGIN CERTIFICATE-----' };
  }
  if (blocks.length > MAX_CERTIFICATES) return { field, reason: `holds more than ${MAX_CERTIFICATES} certificates` };
  const certificates: X509Certificate[] = [];
  for (const [at, block] of blocks.entries()) {
    try {
      const certificate = new X509Certificate(block);
      if (Date.parse(certificate.validTo) < now_ms) {
        return { field, reason: `number ${at + 1} has expired on ${certificate.validTo}; get a new one` };
      }
      certificates.push(certificate);
    } catch {
      return { field, reason: `number ${at + 1} cannot be read; copy it again, with its first and last line` };
    }
  }
  return { certificates };
}

function parseKey(text: string): { key: KeyObject } | Problem {
  const field = '/key';
  if (/ENCRYPTED/.test(text)) return { field, reason: 'is encrypted; give it without its passphrase' };
  try {
    return { key: createPrivateKey(text) };
  } catch {
    return { field, reason: 'is no private key in PEM; it begins with -----BEGIN PRIVATE KEY-----' };
  }
}

/** What TLS itself has against it: a key that is too short, for one. */
function whyUnusable({ chain: cert, key }: TlsIdentity): string | undefined {
  try {
    createSecureContext({ cert, key });
    return undefined;
  } catch (error) {
    return `is not usable for TLS (${(error as Error).message}); get one with a P-256 key, or an RSA key of 2048 bits`;
  }
}

/** Subject Alternative Name (RFC 5280 section 4.2.1.6), as OpenSSL writes it: names with odd characters are in quotes. */
function namesOf({ subjectAltName = '' }: X509Certificate): string[] {
  return [...subjectAltName.matchAll(/(?:^|, )(DNS|IP Address):([^",]+)(?=$|, )/g)].map(([, , name = '']) =>
    name.toLowerCase(),
  );
}

/** Node writes a part of a name on each line. */
const oneLine = (name: string | undefined): string => (name ?? '').split('\n').join(', ');
