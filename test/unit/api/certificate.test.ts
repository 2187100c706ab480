/** The web certificate: the box's own, one that is set, and what is refused as one. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Certificate } from '../../../firmware/api/certificate.js';
import { checkIdentity } from '../../../firmware/api/certificate-text.js';
import { type KeyPair, makeSelfSignedCertificate } from '../../../firmware/linux/openssl-program.js';
import { temporaryStore } from '../store/temporary-store.js';
import { type Box, openBox } from './box.js';

async function pair(...names: string[]): Promise<KeyPair> {
  const made = await makeSelfSignedCertificate(names, []);
  assert.ok('key' in made);
  return made;
}

async function call<T = Certificate>(box: Box, method: 'GET' | 'PUT' | 'DELETE', payload?: object) {
  const response = await box.app.inject({ method, url: '/api/v1/certificate', ...(payload ? { payload } : {}) });
  return { status: response.statusCode, text: response.body, body: response.json<T>() };
}

/** Field and reason of what is wrong. */
async function problemsOf(box: Box, payload: object): Promise<[string, string][]> {
  const { status, body } = await call<{ problems: { field: string; reason: string }[] }>(box, 'PUT', payload);
  assert.equal(status, 422);
  return body.problems.map(({ field, reason }) => [field, reason]);
}

async function started(t: TestContext): Promise<Box> {
  const box = await openBox(t);
  box.store.documents.writeSettings({ api: { tcpPort: 0 }, system: { hostName: 'LNS1' } }, 'test');
  await box.reach.start();
  return box;
}

test('a box makes a certificate at its first start, for its names, and keeps it', async (t) => {
  const box = await started(t);
  const { status, body, text } = await call(box, 'GET');
  assert.equal(status, 200);
  assert.deepEqual([body.subject, body.issuer, body.selfSigned], ['CN=LNS1', 'CN=LNS1', true]);
  for (const name of ['lns1', 'lns1.local', 'localhost', '127.0.0.1']) assert.ok(body.names.includes(name), name);
  assert.match(body.fingerprint256, /^([\dA-F]{2}:){31}[\dA-F]{2}$/);
  assert.ok(Date.parse(body.notBefore) <= Date.now() && Date.parse(body.notAfter) > Date.now() + 9 * 365 * 86_400_000);
  assert.equal(text.includes('PRIVATE'), false);
  const { chain } = box.store.certificates.read()!;
  assert.equal(new X509Certificate(chain).publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  await box.reach.start();
  assert.equal(box.store.certificates.read()?.chain, chain);
});

test('a host name that is none in DNS does not get into the certificate', async (t) => {
  const box = await openBox(t);
  const hostName = 'a,DNS:evil.example';
  box.store.documents.writeSettings({ api: { tcpPort: 0 }, system: { hostName } }, 'test');
  await box.reach.start();
  const { body } = await call(box, 'GET');
  assert.deepEqual([body.subject, body.names.includes('evil.example')], ['CN=tunnelwerk', false]);
});

test('a certificate is set with its chain, in the audit without its key; DELETE brings back one of the box', async (t) => {
  const box = await started(t);
  const [own, issuer] = [await pair('lns.example', 'www.lns.example'), await pair('ca.example')];
  const chain = `Subject: lns.example\n${own.certificate}${issuer.certificate}`;
  const put = await call(box, 'PUT', { certificate: chain, key: own.key });
  assert.equal(put.status, 200, put.text);
  assert.deepEqual([put.body.subject, put.body.names], ['CN=lns.example', ['lns.example', 'www.lns.example']]);
  assert.equal(put.body.fingerprint256, new X509Certificate(own.certificate).fingerprint256);
  const stored = box.store.certificates.read()!;
  assert.equal(stored.chain.match(/BEGIN CERTIFICATE/g)?.length, 2);
  const [entry] = box.store.audit.newest(1);
  assert.deepEqual([entry?.action, entry?.resource, entry?.who], ['put', 'certificate', 'local socket']);
  assert.equal(JSON.stringify(box.store.audit.newest(100)).includes('PRIVATE'), false);
  const removed = await call(box, 'DELETE');
  assert.deepEqual([removed.status, removed.body.subject, removed.body.selfSigned], [200, 'CN=LNS1', true]);
  assert.equal(box.store.audit.newest(1)[0]?.action, 'delete');
});

test('a certificate that cannot be shown is refused by field and reason, and the one before stays', async (t) => {
  const box = await started(t);
  const before = await call(box, 'GET');
  const [own, other] = [await pair('lns.example'), await pair('other.example')];
  const key = (type: string, ...words: string[]) =>
    execFileSync('openssl', ['genpkey', '-algorithm', type, ...words], { encoding: 'utf8', stdio: 'pipe' });
  const short = execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:512', '-nodes', '-subj', '/CN=short', '-keyout', '-'],
    { encoding: 'utf8', stdio: 'pipe' },
  );
  const sealed = key('EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-aes256', '-pass', 'pass:secret');
  const table: [string, object, string, RegExp][] = [
    ['no key', { certificate: own.certificate }, '/key', /is missing/],
    ['no certificate', { key: own.key }, '/certificate', /is missing/],
    ['a foreign key', { certificate: own.certificate, key: other.key }, '/key', /does not belong/],
    ['the issuer first', { certificate: other.certificate + own.certificate, key: own.key }, '/key', /before those/],
    ['a sealed key', { certificate: own.certificate, key: sealed }, '/key', /is encrypted/],
    ['garbage for a key', { certificate: own.certificate, key: 'garbage' }, '/key', /is no private key/],
    [
      'the certificate for the key',
      { certificate: own.certificate, key: own.certificate },
      '/key',
      /is no private key/,
    ],
    ['garbage', { certificate: 'garbage', key: own.key }, '/certificate', /holds no certificate/],
    [
      'half a line',
      { certificate: own.certificate.slice(0, 90), key: own.key },
      '/certificate',
      /holds no certificate/,
    ],
    [
      'a damaged one',
      { certificate: own.certificate.replace(/MII.../, 'AAAAAA'), key: own.key },
      '/certificate',
      /number 1/,
    ],
    ['a short key', { certificate: short, key: short }, '/certificate', /not usable for TLS/],
    ['too many', { certificate: own.certificate.repeat(11), key: own.key }, '/certificate', /more than 10/],
    ['1 MB', { certificate: own.certificate.repeat(1_700), key: own.key }, '/certificate', /at most 65536/],
    ['something else too', { ...own, password: 'secret' }, '/password', /not known/],
    ['numbers', { certificate: 1, key: [] }, '/certificate', /must be a text/],
  ];
  for (const [what, document, field, reason] of table) {
    const found = (await problemsOf(box, document)).find(([name]) => name === field);
    assert.ok(found, what);
    assert.match(found[1], reason, what);
    assert.equal(found[1].includes('PRIVATE KEY-----\n'), false);
  }
  assert.deepEqual(await call(box, 'GET'), before);
});

test('an expired certificate is refused, and the reason says since when', async () => {
  const own = await pair('lns.example');
  const checked = checkIdentity(own, Date.now() + 20 * 365 * 86_400_000);
  assert.ok(!checked.ok);
  assert.match(checked.problems[0]?.reason ?? '', /number 1 has expired on .* GMT; get a new one/);
});

test('the key is sealed in the file, and outlasts a restart', async (t) => {
  const temporary = temporaryStore(t);
  const own = await pair('lns.example');
  temporary.store.certificates.write({ chain: own.certificate, key: own.key }, 'alice', 'put');
  const line = own.key.split('\n')[1] ?? '';
  for (const suffix of ['', '-wal']) {
    assert.equal(readFileSync(join(`${temporary.path}${suffix}`)).includes(line), false);
  }
  assert.deepEqual(temporary.reopen().certificates.read(), { chain: own.certificate, key: own.key });
});
