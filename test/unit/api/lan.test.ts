/** The LAN's side: TLS on its addresses, a port that leads there, and which addresses these are. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request as tlsRequest } from 'node:https';
import { connect, createServer } from 'node:net';
import type { NetworkInterfaceInfo } from 'node:os';
import { type TestContext, test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { isOurs } from '../../../firmware/api/foreigners.js';
import { LanAddresses } from '../../../firmware/api/lan-addresses.js';
import { makeSelfSignedCertificate } from '../../../firmware/linux/openssl-program.js';
import { lanInterfaces } from '../../../firmware/settings.js';
import { ask, type Box, freePort, openBox } from './box.js';

/** Loopback addresses that stand for addresses of the LAN. */
const LAN = ['127.0.0.2', '127.0.0.3'];

interface LanBox {
  box: Box;
  httpsPort: number;
  httpPort: number;
}

async function openLan(t: TestContext, addresses: readonly string[] = LAN): Promise<LanBox> {
  const box = await openBox(t);
  box.store.documents.writeSettings({ api: { tcpPort: 0 }, system: { hostName: 'LNS1' } }, 'test');
  await box.reach.start();
  const ports = { httpsPort: await freePort(), httpPort: await freePort() };
  await box.listeners.useLan({ addresses, ...ports });
  return { box, ...ports };
}

interface TlsAnswer {
  status: number;
  fingerprint: string;
  text: string;
}

/** One request over TLS, from whoever trusts any certificate. */
function askTls(port: number, path: string, headers = {}, host = LAN[0], method = 'GET'): Promise<TlsAnswer> {
  return new Promise((resolve, reject) => {
    const options = { host, port, path, headers, method, agent: false, rejectUnauthorized: false } as const;
    const sent = tlsRequest(options, async (response) => {
      const fingerprint = (response.socket as TLSSocket).getPeerCertificate().fingerprint256;
      let text = '';
      for await (const chunk of response.setEncoding('utf8')) text += chunk;
      resolve({ status: response.statusCode ?? 0, fingerprint, text });
    });
    sent.once('error', reject);
    sent.end();
  });
}

test('each address of the LAN is served with the certificate of the box, and no other address', async (t) => {
  const { box, httpsPort } = await openLan(t);
  const certificate = (await box.app.inject('/api/v1/certificate')).json<{ fingerprint256: string }>();
  for (const host of LAN) {
    const { status, fingerprint } = await askTls(httpsPort, '/api/v1/health', {}, host);
    assert.deepEqual([status, fingerprint], [200, certificate.fingerprint256], host);
  }
  for (const host of ['127.0.0.1', '127.0.0.4', '::1']) {
    await assert.rejects(askTls(httpsPort, '/api/v1/health', {}, host), /ECONNREFUSED/, host);
  }
});

test('a connection by TLS has to sign in, and gets the page without', async (t) => {
  const { box, httpsPort } = await openLan(t);
  assert.equal((await askTls(httpsPort, '/')).status, 200);
  assert.equal((await askTls(httpsPort, '/api/v1/settings')).status, 403);
  box.store.accounts.setUp('admin', 'scrypt$16384$8$1$AAAA$AAAA', 'test');
  assert.equal((await askTls(httpsPort, '/api/v1/settings')).status, 401);
});

test('the port without TLS leads to the one with it, whatever is asked of it', async (t) => {
  const { httpsPort, httpPort } = await openLan(t);
  const [host] = LAN;
  const table: [string, string, string][] = [
    ['GET', '/sessions?user=a', `https://127.0.0.2:${httpsPort}/sessions?user=a`],
    ['POST', '/api/v1/sign-in', `https://127.0.0.2:${httpsPort}/api/v1/sign-in`],
    ['GET', '//evil.example/', `https://127.0.0.2:${httpsPort}//evil.example/`],
    ['GET', 'http://evil.example/', `https://127.0.0.2:${httpsPort}/`],
  ];
  for (const [method, path, location] of table) {
    const answer = await ask({ host, port: httpPort, method, path }, method === 'POST' ? '{}' : undefined);
    assert.deepEqual([answer.status, answer.headers.location, answer.text], [308, location, ''], path);
  }
  for (const [name, leadsTo] of [
    ['lns1.local', 'lns1.local'],
    ['evil.example', '127.0.0.2'],
    ['127.0.0.3', '127.0.0.2'],
  ]) {
    const { headers } = await ask({ host, port: httpPort, path: '/', headers: { host: `${name}:80` } });
    assert.equal(headers.location, `https://${leadsTo}:${httpsPort}/`);
  }
});

test('what would break out of the header Location is no request', async (t) => {
  const { httpPort } = await openLan(t);
  const socket = connect({ host: LAN[0] ?? '', port: httpPort });
  socket.write('GET /\r\n\tset-cookie:a=b HTTP/1.1\r\nHost: lns1\r\n\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 400 /);
  assert.doesNotMatch(answer.toString(), /set-cookie/i);
  socket.destroy();
});

test('the box is called by its addresses, its name and the names in its certificate alone', async (t) => {
  const { box, httpsPort } = await openLan(t);
  const made = await makeSelfSignedCertificate(['vpn.example', '*.wild.example'], []);
  assert.ok('key' in made);
  const payload = { certificate: made.certificate, key: made.key };
  assert.equal((await box.app.inject({ method: 'PUT', url: '/api/v1/certificate', payload })).statusCode, 200);
  await box.listeners.useLan({ addresses: LAN, httpsPort, httpPort: 0 });
  const table: [string, number][] = [
    [`127.0.0.2:${httpsPort}`, 200],
    ['127.0.0.3', 403],
    ['lns1', 200],
    ['LNS1.local:443', 200],
    ['vpn.example', 200],
    ['a.wild.example', 200],
    ['a.b.wild.example', 403],
    ['wild.example', 403],
    ['localhost', 200],
    ['evil.example', 403],
    ['lns1.evil.example', 403],
  ];
  for (const [host, status] of table) {
    assert.equal((await askTls(httpsPort, '/api/v1/health', { host })).status, status, host);
  }
});

test('a change over TLS must not come from another site, nor from the same host without TLS', async (t) => {
  const { box, httpsPort } = await openLan(t);
  box.store.accounts.setUp('admin', 'scrypt$16384$8$1$AAAA$AAAA', 'test');
  const authorization = `Bearer ${box.store.accounts.addToken('script', 'admin', 'test')}`;
  const host = `127.0.0.2:${httpsPort}`;
  for (const [origin, status] of [
    [`https://${host}`, 204],
    [`http://${host}`, 403],
    ['https://evil.example', 403],
  ] as const) {
    const headers = { host, origin, authorization };
    assert.equal((await askTls(httpsPort, '/api/v1/tunnels/815', headers, LAN[0], 'DELETE')).status, status, origin);
  }
});

test('another certificate is in force for the next connection, and those that stand go on', async (t) => {
  const { box, httpsPort } = await openLan(t);
  const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
  t.after(() => agent.destroy());
  const kept = () =>
    new Promise<string>((resolve, reject) => {
      const options = { host: LAN[0], port: httpsPort, path: '/api/v1/health', agent };
      tlsRequest(options, (response) => {
        const { fingerprint256 } = (response.socket as TLSSocket).getPeerCertificate();
        response.resume().once('end', () => resolve(fingerprint256));
      })
        .once('error', reject)
        .end();
    });
  const before = await kept();
  const made = await makeSelfSignedCertificate(['lns1'], []);
  assert.ok('key' in made);
  box.listeners.useIdentity({ chain: made.certificate, key: made.key });
  const { fingerprint } = await askTls(httpsPort, '/api/v1/health');
  assert.equal(fingerprint, new X509Certificate(made.certificate).fingerprint256);
  assert.notEqual(fingerprint, before);
  assert.equal(await kept(), before);
});

test('addresses come and go, and those that stay are not disturbed', async (t) => {
  const { box, httpsPort } = await openLan(t, ['127.0.0.2']);
  const stream = connectTls({ host: '127.0.0.2', port: httpsPort, rejectUnauthorized: false });
  await once(stream, 'secureConnect');
  await box.listeners.useLan({ addresses: ['127.0.0.2', '127.0.0.3'], httpsPort, httpPort: 0 });
  assert.equal((await askTls(httpsPort, '/api/v1/health', {}, '127.0.0.3')).status, 200);
  assert.equal(stream.destroyed, false);
  await box.listeners.useLan({ addresses: ['127.0.0.3'], httpsPort, httpPort: 0 });
  await assert.rejects(askTls(httpsPort, '/api/v1/health', {}, '127.0.0.2'), /ECONNREFUSED/);
  // Nothing was asked on it: it is idle, or goes a little later.
  await once(stream.resume(), 'close');
});

test('an address that the box does not have yet is no problem, and is served once it is there', async (t) => {
  const { box, httpsPort } = await openLan(t, ['127.0.0.2', '192.0.2.77']);
  assert.deepEqual(box.listeners.problems, []);
  assert.equal((await askTls(httpsPort, '/api/v1/health')).status, 200);
});

test('a port of the LAN that is in use is a problem in words, the old one stays, and is left once the new one is free', async (t) => {
  const { box, httpsPort } = await openLan(t);
  const next = await freePort();
  const holder = createServer().listen(next, '127.0.0.3');
  await once(holder, 'listening');
  const wanted = { addresses: LAN, httpsPort: next, httpPort: 0 };
  await box.listeners.useLan(wanted);
  const { problems } = (await box.app.inject('/api/v1/status')).json<{
    problems: { what: string; advice: string }[];
  }>();
  assert.match(problems[0]?.what ?? '', /EADDRINUSE.*127\.0\.0\.3/);
  assert.match(problems[0]?.advice ?? '', /api\.httpsPort to a free port/);
  assert.equal((await askTls(httpsPort, '/api/v1/health')).status, 200);
  await assert.rejects(askTls(next, '/api/v1/health'), /ECONNREFUSED/);
  holder.close();
  await once(holder, 'close');
  await box.listeners.useLan(wanted);
  assert.deepEqual(box.listeners.problems, []);
  for (const host of LAN) assert.equal((await askTls(next, '/api/v1/health', {}, host)).status, 200);
  await assert.rejects(askTls(httpsPort, '/api/v1/health'), /ECONNREFUSED/);
});

test('without a certificate nothing is served on the LAN, not even what leads there', async (t) => {
  const box = await openBox(t);
  const ports = { httpsPort: await freePort(), httpPort: await freePort() };
  await box.listeners.useLan({ addresses: LAN, ...ports });
  for (const port of Object.values(ports)) {
    await assert.rejects(ask({ host: LAN[0], port, path: '/' }), /ECONNREFUSED/);
  }
});

const info = (address: string, internal = false) => ({ address, internal }) as NetworkInterfaceInfo;

test('the LAN is what the settings say, and what was given at the start as long as they name no interface', () => {
  const interfaces = [
    { name: 'eth0', role: 'wan' as const, addressing: 'system' as const, addresses: [] },
    { name: 'eth1', role: 'lan' as const, addressing: 'system' as const, addresses: [] },
  ];
  assert.deepEqual(lanInterfaces([], ['eth9']), ['eth9']);
  assert.deepEqual(lanInterfaces(interfaces, ['eth9']), ['eth1']);
  assert.deepEqual(lanInterfaces(interfaces.slice(0, 1), ['eth9']), []);
});

test('addresses of the LAN: all but link-local ones, also under a label of their own', () => {
  const found = new LanAddresses().of(['eth1', 'br0'], {
    lo: [info('127.0.0.1', true)],
    eth0: [info('192.0.2.1')],
    eth1: [info('192.168.1.1'), info('fe80::1'), info('2001:DB8:0::1')],
    'eth1:0': [info('192.168.2.1')],
    br0: [info('10.0.0.1')],
  });
  assert.deepEqual(found, ['192.168.1.1', '2001:db8::1', '192.168.2.1', '10.0.0.1']);
});

test('addresses stay while the carrier is away, unless another interface has them or the LAN is another', () => {
  const lan = new LanAddresses();
  assert.deepEqual(lan.of(['eth1'], { eth1: [info('192.168.1.1')] }), ['192.168.1.1']);
  assert.deepEqual(lan.of(['eth1'], {}), ['192.168.1.1']);
  assert.deepEqual(lan.of(['eth1'], { eth0: [info('192.168.1.1')] }), []);
  assert.deepEqual(lan.of(['eth1'], { eth1: [info('192.168.1.9')] }), ['192.168.1.9']);
  assert.deepEqual(lan.of([], {}), []);
  assert.deepEqual(lan.of(['eth1'], {}), []);
});

test('over TLS nothing older than version 1.2 is spoken', async (t) => {
  const { httpsPort } = await openLan(t);
  const speak = (version: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3') =>
    new Promise<string>((resolve) => {
      // The client's own library takes the old versions at this level alone.
      const ciphers = 'DEFAULT@SECLEVEL=0';
      const options = { host: LAN[0], port: httpsPort, rejectUnauthorized: false, ciphers };
      const socket = connectTls({ ...options, minVersion: version, maxVersion: version }, () => {
        resolve(socket.getProtocol() ?? '');
        socket.destroy();
      });
      socket.once('error', () => resolve('refused'));
    });
  assert.deepEqual(
    [await speak('TLSv1'), await speak('TLSv1.1'), await speak('TLSv1.2'), await speak('TLSv1.3')],
    ['refused', 'refused', 'TLSv1.2', 'TLSv1.3'],
  );
});

test('a wildcard of the certificate stands for one label of a host name, and for nothing else', () => {
  const names = new Set(['*.wild.example']);
  for (const [host, isIt] of [
    ['a.wild.example', true],
    ['A-1.wild.example:443', true],
    ['evil/.wild.example', false],
    ['[2001:db8::1]#.wild.example', false],
    ['user@evil.wild.example', false],
    ['.wild.example', false],
  ] as const) {
    assert.equal(isOurs(host, '192.0.2.1', names), isIt, host);
  }
});
