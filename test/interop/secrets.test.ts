/**
 * No secret leaves a box: known passwords, secrets, tokens and keys are set and used, rightly and wrongly, in real calls and
 * by the API, with each part of the program as talkative as it can be; then all that the boxes have said is searched for them.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeSelfSignedCertificate } from '../../firmware/linux/openssl-program.js';
import { LOG_PARTS } from '../../firmware/settings-box.js';
import {
  type FourteenSteps,
  type FourteenStepsOptions,
  RADIUS_SECRET,
  setUp,
  startFourteenSteps,
  TUNNEL_SECRET,
} from '../lab/fourteen-steps.js';
import type { Namespace } from '../lab/namespaces.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import type { Appliance } from './appliance.js';
import { USER } from './lns.js';
import type { WebAnswer, WebRequest } from './web-request-process.js';

const WEB_REQUEST = fileURLToPath(new URL('web-request-process.js', import.meta.url));
const WEB_URL = 'http://127.0.0.1:8080/api/v1';
/** Nothing that a program says has these in it by chance. */
const made = (what: string) => `${what}-${randomBytes(9).toString('hex')}`;
const SECRET = {
  account: made('account'),
  guess: made('guess'),
  mistyped: made('mistyped'),
  passphrase: made('passphrase'),
  client: made('client'),
  tracePeer: made('tracepeer'),
  madeUpToken: made('token'),
  refused: made('refused'),
};
/** pppd's status. */
const AUTHENTICATION_FAILED = 19;
const CALLS: readonly (FourteenStepsOptions & { isLocal?: boolean })[] = [
  { authentication: 'pap', encapsulation: 'udp2' },
  { authentication: 'pap', encapsulation: 'ip', isLocal: true },
  { authentication: 'chap-md5', encapsulation: 'udp3', proxy: 'chap' },
  { authentication: 'mschapv2', encapsulation: 'udp2', isLocal: true },
];

describe('secrets of a box', { skip: labIsMissing() }, () => {
  let steps: FourteenSteps;
  /** As they came to be during the test. */
  const given: Record<string, string> = {};
  /** Answers of the API, by what was asked. */
  const answers: [string, string][] = [];

  before(async () => {
    steps = await startFourteenSteps();
    for (const box of [steps.lac, steps.lns]) {
      const parts = Object.fromEntries(LOG_PARTS.map((part) => [part, 'debug' as const]));
      await box.api.configure({ logs: { level: 'debug', parts } });
    }
  });
  after(() => steps?.sites.lab.close());

  async function ask({ sites }: FourteenSteps, request: WebRequest): Promise<WebAnswer> {
    return askFrom(sites.lns, request);
  }

  async function askFrom(namespace: Namespace, { url, ...rest }: WebRequest): Promise<WebAnswer> {
    const request: WebRequest = { url: `${WEB_URL}/${url}`, ...rest };
    const { stdout } = await namespace.run([process.execPath, WEB_REQUEST, JSON.stringify(request)]);
    const answer = JSON.parse(stdout) as WebAnswer | { error: string };
    assert.ok(!('error' in answer), `${url}: ${'error' in answer && answer.error}`);
    return answer;
  }

  it('are set, and refused where they make no sense, by the API', { timeout: 60_000 }, async () => {
    const set = await ask(steps, { url: 'setup', method: 'POST', body: { password: SECRET.account } });
    assert.equal(set.status, 201, set.text);
    const cookies = [set.headers['set-cookie'] ?? []].flat().map((line) => line.split(';')[0] ?? '');
    given.signIn = cookies[0]?.split('=')[1] ?? '';
    given.knownBrowser = cookies[1]?.split('=')[1] ?? '';
    const headers = { cookie: cookies.join('; ') };
    const token = await ask(steps, { url: 'tokens', method: 'POST', headers, body: { name: 'script', role: 'admin' } });
    given.token = (JSON.parse(token.text) as { token: string }).token;
    const identity = await makeSelfSignedCertificate(['box.example'], []);
    assert.ok('key' in identity);
    given.certificateKey = identity.key.split('\n')[1] ?? '';
    const { certificate, key } = identity;
    const wrong: WebRequest[] = [
      { url: 'sign-in', method: 'POST', body: { name: 'admin', password: SECRET.guess } },
      { url: 'sign-in', method: 'POST', body: { name: SECRET.guess, password: '' } },
      { url: 'status', headers: { authorization: `Bearer ${SECRET.madeUpToken}` } },
      { url: 'status', headers: { cookie: `tunnelwerk=${SECRET.madeUpToken}` } },
      { url: 'setup', method: 'POST', body: { password: SECRET.guess } },
      { url: 'certificate', method: 'PUT', headers, body: { certificate: 'none', key } },
      {
        url: 'certificate',
        method: 'PUT',
        headers,
        body: { certificate, key: `${key}x`.replace('PRIVATE', 'SECRET') },
      },
      { url: 'accounts/admin/password', method: 'PUT', headers, body: { oldPassword: SECRET.guess, newPassword: 'a' } },
      { url: 'users/bob', method: 'PUT', headers, body: { password: SECRET.refused.repeat(20) } },
      { url: 'users/bob', method: 'PUT', headers, body: { password: [SECRET.refused] } },
      { url: 'settings', method: 'PUT', headers, body: { tunnelPeers: [{ secret: SECRET.refused, address: 'x' }] } },
      { url: 'settings', method: 'PUT', headers, body: { radius: { authentication: [{ secret: [SECRET.refused] }] } } },
      { url: 'backup/restore', method: 'POST', headers, body: { passphrase: SECRET.refused, backup: {} } },
    ];
    for (const request of wrong) {
      const { status, text } = await ask(steps, request);
      assert.ok(status >= 400 && status < 500, `${request.url}: ${status} ${text}`);
      answers.push([`${request.method ?? 'GET'} ${request.url}`, text]);
    }
    const right = await ask(steps, { url: 'certificate', method: 'PUT', headers, body: { certificate, key } });
    assert.equal(right.status, 200, right.text);
    const backup = await ask(steps, {
      url: 'backup',
      method: 'POST',
      headers,
      body: { passphrase: SECRET.passphrase },
    });
    assert.equal(backup.status, 200, backup.text);
    answers.push(['certificate', right.text], ['backup', backup.text]);
  });

  for (const { isLocal = false, ...options } of CALLS) {
    const { authentication = 'chap-md5', encapsulation } = options;
    it(`are used by calls with ${authentication} over ${encapsulation}${isLocal ? ', by users of the box itself' : ''}`, {
      timeout: 90_000,
    }, async () => {
      const { lac, lns, pc } = steps;
      const ppp = { restartTimer_ms: 1_000 };
      await setUp(steps, { ...options, lac: { ppp }, lns: { ppp } });
      await lns.api.putUser(USER.name, { password: USER.password });
      await lns.api.configure({
        ...(isLocal && { radius: { authentication: [], accounting: [] } }),
        lacClients: [
          {
            name: 'branch',
            enabled: true,
            server: '192.0.2.99',
            userName: 'c',
            password: SECRET.client,
            tunInterface: 'branch0',
          },
        ],
        tracePeers: [
          {
            ...{ name: 'other', address: ADDRESS.user, port: 443, token: SECRET.tracePeer },
            fingerprint: Array.from({ length: 32 }, () => '00').join(':'),
          },
        ],
      });
      for (const { api } of [lac, lns]) {
        await api.demand('POST', '/api/v1/captures', { filter: { user: USER.name }, size_bytes: 2 ** 20 });
      }
      const from = pc.guest.mark();
      await pc.dial({ user: USER.name, password: SECRET.mistyped, authentication });
      assert.equal(await pc.ended(from), AUTHENTICATION_FAILED);
      const routes = [ADDRESS.officeNetwork];
      await pc.connect({ user: USER.name, password: USER.password, routes, authentication });
      assert.equal((await pc.ping(ADDRESS.office)).status, 0);
      for (const box of [lac, lns]) answers.push(...(await toldBy(box)));
      await pc.hangUp();
      await until('no session is left', 30_000, async () => (await lns.api.status()).sessions === 0);
    });
  }

  it('are in nothing that the boxes have said or written', { timeout: 60_000 }, async () => {
    for (const box of [steps.lac, steps.lns]) answers.push(...(await toldBy(box)));
    const said: [string, Buffer][] = answers.map(([what, text]) => [what, Buffer.from(text, 'latin1')]);
    for (const box of [steps.lac, steps.lns]) {
      const lines = box.log();
      assert.ok(
        lines.some((line) => line.includes(USER.name)),
        'the log tells of the calls',
      );
      said.push(['log', Buffer.from(lines.join('\n'))]);
      for (const file of readdirSync(box.dataFolder)) said.push([file, readFileSync(join(box.dataFolder, file))]);
    }
    const secrets = { ...SECRET, ...given, user: USER.password, tunnel: TUNNEL_SECRET, radius: RADIUS_SECRET };
    for (const [name, secret] of Object.entries(secrets)) {
      assert.ok(secret.length > 8, name);
      for (const form of formsOf(secret)) {
        for (const [what, octets] of said) assert.equal(octets.includes(form), false, `${name} in ${what}`);
      }
    }
  });
});

/** As text, in the encoding of MS-CHAP, and as a program writes octets. */
function formsOf(secret: string): Buffer[] {
  const octets = Buffer.from(secret);
  const [hex, base64] = [octets.toString('hex'), octets.toString('base64').replace(/.{2}=*$/, '')];
  return [
    octets,
    Buffer.from(secret, 'utf16le'),
    ...[hex, hex.toUpperCase(), base64, (hex.match(/../g) ?? []).join(' '), (hex.match(/../g) ?? []).join(':')].map(
      (text) => Buffer.from(text),
    ),
  ];
}

/** What a box answers wherever it may be asked, with each trace's ladder and file, and its captures. */
async function toldBy({ api }: Appliance): Promise<[string, string][]> {
  const { paths } = await api.demand<{ paths: Record<string, { get?: object }> }>('GET', '/api/v1/openapi.json');
  const plain = Object.entries(paths).flatMap(([path, { get }]) =>
    get === undefined || /\{|stream|events|openapi/.test(path) ? [] : [path],
  );
  const traces = await api.demand<{ traceId: string }[]>('GET', '/api/v1/traces?limit=1000');
  const ofTraces = traces.flatMap(({ traceId }) =>
    ['ladder', 'export'].map((what) => `/api/v1/traces/${traceId}/${what}`),
  );
  const captures = await api.demand<{ id: number }[]>('GET', '/api/v1/captures');
  const files = captures.map(({ id }) => `/api/v1/captures/${id}/file`);
  const more = ['/api/v1/trace?limit=20000', '/api/v1/logs?limit=5000', `/api/v1/users/${USER.name}`];
  const told: [string, string][] = [];
  for (const path of [...plain, ...ofTraces, ...more]) {
    const { status, body } = await api.request('GET', path);
    assert.ok(status < 500, `${path}: ${status}`);
    told.push([path, typeof body === 'string' ? body : JSON.stringify(body)]);
  }
  for (const path of files) told.push([path, (await api.file(path)).toString('latin1')]);
  return told;
}
