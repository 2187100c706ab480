/**
 * From where the shipped program is administered: a box fresh from the factory answers on its LAN by TLS and nowhere else,
 * follows its addresses, and takes back what cuts its administrator off, whatever happens meanwhile.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Unconfirmed } from '../../firmware/api/unconfirmed.js';
import { Lab, type Namespace } from '../lab/namespaces.js';
import { labIsMissing } from '../lab/requirements.js';
import { until } from '../lab/until.js';
import { Appliance } from './appliance.js';
import type { WebAnswer, WebRequest } from './web-request-process.js';

const WEB_REQUEST = fileURLToPath(new URL('web-request-process.js', import.meta.url));
const LAN_ADDRESS = '192.168.115.1';
const LAN_ADDRESS_6 = 'fd00:115::1';
const WAN_ADDRESS = '192.0.2.1';
const PASSWORD = 'correct horse battery';
/** So long it may take until a new address is served. */
const FOLLOWED_MS = 6_000;
const WAIT_S = 6;

const skip = labIsMissing();

describe('the box is administered from its LAN', { skip }, () => {
  let lab: Lab;
  let box: Namespace;
  let admin: Namespace;
  let stranger: Namespace;
  let appliance: Appliance;
  let cookie = '';

  before(async () => {
    lab = await Lab.open();
    [box, admin, stranger] = [
      await lab.namespace('box'),
      await lab.namespace('admin'),
      await lab.namespace('stranger'),
    ];
    const lan = { namespace: admin, device: 'eth0', addresses: ['192.168.115.7/24', 'fd00:115::7/64'] };
    await lab.cable(lan, { namespace: box, device: 'eth1' });
    const wan = { namespace: stranger, device: 'eth0', addresses: ['192.0.2.7/24'] };
    await lab.cable(wan, { namespace: box, device: 'eth0', addresses: [`${WAN_ADDRESS}/24`] });
    appliance = await Appliance.start(lab, box, 'box', ['--lan', 'eth1']);
  });
  after(() => lab?.close());

  /** Rejects with the code of the error when nobody answers. */
  async function ask(from: Namespace, request: WebRequest): Promise<WebAnswer> {
    const { stdout } = await from.run([process.execPath, WEB_REQUEST, JSON.stringify(request)]);
    const answer = JSON.parse(stdout) as WebAnswer | { error: string };
    if ('error' in answer) throw new Error(answer.error);
    return answer;
  }

  async function asAdmin(path: string, method = 'GET', body?: unknown): Promise<WebAnswer> {
    return ask(admin, { url: `https://${LAN_ADDRESS}/api/v1/${path}`, method, headers: { cookie }, body });
  }

  const reachedAt = (host: string) =>
    until(`${host} answers`, FOLLOWED_MS, () =>
      ask(admin, { url: `https://${host}/api/v1/setup` }).catch(() => undefined),
    );

  it('a stranger does not reach the page, whatever address of the box it tries', async () => {
    await stranger.run(['ip', 'route', 'add', '192.168.115.0/24', 'via', WAN_ADDRESS]);
    await box.run(['ip', 'address', 'replace', `${LAN_ADDRESS}/24`, 'dev', 'eth1']);
    await until('the page is served', FOLLOWED_MS, () =>
      ask(admin, { url: `https://${LAN_ADDRESS}/api/v1/setup` }).then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
    for (const address of [LAN_ADDRESS, WAN_ADDRESS]) {
      for (const scheme of ['http', 'https']) {
        await assert.rejects(ask(stranger, { url: `${scheme}://${address}/api/v1/setup` }), `${scheme} ${address}`);
      }
    }
    const { stdout } = await box.run(['nft', 'list', 'table', 'inet', 'tunnelwerk_box']);
    assert.match(stdout, /tcp dport \{ 80, 443 \} ct state new counter packets [1-9]/);
    await box.run(['ip', 'address', 'delete', `${LAN_ADDRESS}/24`, 'dev', 'eth1']);
  });

  it('an address that DHCP brings late is served within seconds, IPv4 and IPv6', async () => {
    await assert.rejects(ask(admin, { url: `https://${LAN_ADDRESS}/` }), /ETIMEDOUT|EHOSTUNREACH|ECONNREFUSED/);
    await box.address('eth1', `${LAN_ADDRESS}/24`, `${LAN_ADDRESS_6}/64`);
    for (const host of [LAN_ADDRESS, `[${LAN_ADDRESS_6}]`]) {
      const { status, text } = await reachedAt(host);
      assert.equal(status, 200);
      assert.equal((JSON.parse(text) as { state: string }).state, 'password');
    }
  });

  it('before it is set up, page and set-up answer by TLS, everything else is refused, and HTTP leads to HTTPS', async () => {
    const page = await ask(admin, { url: `https://${LAN_ADDRESS}/` });
    assert.equal(page.status, 200);
    assert.match(page.text, /<!doctype html>/i);
    assert.equal((await ask(admin, { url: `https://${LAN_ADDRESS}/api/v1/settings` })).status, 403);
    const led = await ask(admin, { url: `http://${LAN_ADDRESS}/users` });
    assert.deepEqual([led.status, led.headers.location], [308, `https://${LAN_ADDRESS}/users`]);
    const { body } = await appliance.api.request('GET', '/api/v1/certificate');
    assert.equal(page.fingerprint, (body as { fingerprint256: string }).fingerprint256);
  });

  it('nobody is listened to on an address of the WAN', async () => {
    for (const url of [`https://${WAN_ADDRESS}/`, `http://${WAN_ADDRESS}/`, `http://${WAN_ADDRESS}:8080/`]) {
      await assert.rejects(ask(stranger, { url }), /ECONNREFUSED|ETIMEDOUT/, url);
    }
  });

  it('the password is set over the LAN, and the browser that set it is signed in', async () => {
    const url = `https://${LAN_ADDRESS}/api/v1/setup`;
    const { status, headers, text } = await ask(admin, { url, method: 'POST', body: { password: PASSWORD } });
    assert.equal(status, 201, text);
    cookie = [headers['set-cookie'] ?? []].flat().map((line) => line.split(';', 1)[0])[0] ?? '';
    assert.equal((await asAdmin('settings')).status, 200);
  });

  it('an address that goes is left, and one that comes instead is served', async () => {
    await box.ip(`address add 192.168.115.9/24 dev eth1`);
    await reachedAt('192.168.115.9');
    await box.ip(`address delete 192.168.115.9/24 dev eth1`);
    await box.ip(`address add 192.168.115.9/24 dev eth0`);
    await until('the address is left', FOLLOWED_MS, async () => {
      const { stdout } = await box.run(['ss', '-ltnH', 'src', '192.168.115.9']);
      return stdout.trim() === '';
    });
    await box.ip(`address delete 192.168.115.9/24 dev eth0`);
  });

  /** As an administrator would who mixes up two interfaces. */
  async function cutOff(): Promise<void> {
    const { interfaces: _, ...settings } = JSON.parse((await asAdmin('settings')).text) as Record<string, unknown>;
    const interfaces = [
      { name: 'eth1', role: 'other' },
      { name: 'eth0', role: 'other' },
    ];
    // The answer may be lost with the way that it would have taken.
    await asAdmin(`settings?confirm=${WAIT_S}`, 'PUT', { ...settings, interfaces }).catch(() => undefined);
    await assert.rejects(ask(admin, { url: `https://${LAN_ADDRESS}/` }), /ECONNREFUSED|ETIMEDOUT/);
  }

  it('a change that cuts the administrator off goes back by itself', async () => {
    await cutOff();
    const waiting = await appliance.api.demand<Unconfirmed>('GET', '/api/v1/settings/unconfirmed');
    assert.match(waiting.who, /^admin from 192\.168\.115\.7$/);
    await until('the LAN is reached again', WAIT_S * 1000 + FOLLOWED_MS, () =>
      asAdmin('settings').catch(() => undefined),
    );
    assert.deepEqual((await appliance.api.settings()).interfaces, []);
  });

  it('so it does when the program is killed meanwhile: in time, or at the start when its time was up', async () => {
    for (const downFor_ms of [0, WAIT_S * 1000]) {
      await cutOff();
      const { until: goesBackAt } = await appliance.api.demand<Unconfirmed>('GET', '/api/v1/settings/unconfirmed');
      await appliance.kill();
      if (downFor_ms > 0) {
        await until('its time is up', downFor_ms + 1_000, async () => Date.now() > Date.parse(goesBackAt));
      }
      await appliance.restart();
      const { status } = await until('the LAN is reached again', WAIT_S * 1000 + FOLLOWED_MS, () =>
        asAdmin('settings').catch(() => undefined),
      );
      assert.equal(status, 200);
      assert.deepEqual((await appliance.api.settings()).interfaces, []);
      assert.equal(await appliance.api.demand('GET', '/api/v1/settings/unconfirmed'), null);
    }
  });

  it('a change that is confirmed over the LAN outlasts a restart, and so do certificate and sign-in', async () => {
    const { interfaces: _, ...settings } = JSON.parse((await asAdmin('settings')).text) as Record<string, unknown>;
    const interfaces = [{ name: 'eth1', role: 'lan' }];
    const { fingerprint, status } = await asAdmin('settings', 'PUT', { ...settings, interfaces });
    assert.equal(status, 200);
    assert.equal((await asAdmin('settings/confirm', 'POST')).status, 204);
    await appliance.kill();
    await appliance.restart();
    const again = await until('the LAN is reached again', FOLLOWED_MS, () =>
      asAdmin('settings').catch(() => undefined),
    );
    assert.deepEqual([again.status, again.fingerprint], [200, fingerprint]);
    assert.deepEqual(
      (await appliance.api.settings()).interfaces.map(({ name, role }) => [name, role]),
      [['eth1', 'lan']],
    );
  });
});
