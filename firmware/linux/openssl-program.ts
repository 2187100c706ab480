/**
 * Runs openssl(1) to make a certificate that nobody has signed but itself. Key and certificate never touch a file. Must
 * not decide whom it names.
 */
import { messageOf, runProgram } from './program.js';

/** Both PEM. */
export interface KeyPair {
  certificate: string;
  key: string;
}

/** Longer than a box lasts: a certificate that runs out by itself would lock its owner out for nothing. */
const VALID_DAYS = 3_650;

const REQUEST = [
  ...['req', '-x509', '-config', '-', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
  ...['-sha256', '-days', String(VALID_DAYS), '-keyout', '-', '-out', '-'],
];

/**
 * Makes a P-256 key and a certificate for these DNS names, the first of which is its subject's, and IP addresses. Gives
 * what went wrong, in words, instead. Names have letters, digits, dots and hyphens alone.
 */
export async function makeSelfSignedCertificate(
  dnsNames: readonly string[],
  addresses: readonly string[],
): Promise<KeyPair | { message: string; advice: string }> {
  const end = await runProgram('openssl', REQUEST, configuration(dnsNames, addresses));
  if ('error' in end) return { message: end.error, advice: adviceOn(end.error) };
  const key = /-----BEGIN PRIVATE KEY-----[\s\S]*?-----END PRIVATE KEY-----\n/.exec(end.stdout)?.[0];
  const certificate = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----\n/.exec(end.stdout)?.[0];
  if (end.status === 0 && key !== undefined && certificate !== undefined) return { certificate, key };
  const message = messageOf(end);
  return { message, advice: adviceOn(message) };
}

function adviceOn(message: string): string {
  return /ENOENT/.test(message) ? 'install the package openssl' : 'set a certificate of your own';
}

/** A whole configuration, since an appliance may have no openssl.cnf. */
function configuration(dnsNames: readonly string[], addresses: readonly string[]): string {
  const [subject = ''] = dnsNames;
  const names = [...dnsNames.map((name) => `DNS:${name}`), ...addresses.map((address) => `IP:${address}`)];
  return `[req]
prompt = no
distinguished_name = subject
x509_extensions = extensions
[subject]
CN = ${subject}
[extensions]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = ${names.join(', ')}
`;
}
