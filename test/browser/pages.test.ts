/** Each page of the box, with calls, users and failures in it, on a desk and on a phone, in both languages, light and dark. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import type { CallTrace } from '../../firmware/api/traces.js';
import { Appliance } from '../interop/appliance.js';
import { profile, up } from '../interop/branch.js';
import { startLns, USER } from '../interop/lns.js';
import { forwardPort } from '../lab/forward.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS, layThreeSites, type Sites } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import { chromiumIsMissing, launchChromium, View, type ViewOptions } from './chromium.js';

const PASSWORD = 'correct horse battery';
const PAGES_SOURCE = new URL('../../../web-ui/app/pages.ts', import.meta.url);
/** All that are in the menu. */
const PATHS = [...readFileSync(PAGES_SOURCE, 'utf8').matchAll(/page\('([\w-]*)'/g)].map(([, path = '']) => path);
const LOOKS: readonly ViewOptions[] = [
  { width: 'desktop', language: 'en', theme: 'light' },
  { width: 'phone', language: 'de', theme: 'dark' },
];

describe('the pages of the box', { skip: labIsMissing() || chromiumIsMissing() }, () => {
  let sites: Sites;
  let lns: Appliance;
  let url: string;
  let browser: Browser;

  before(async () => {
    sites = await layThreeSites();
    lns = await startLns(sites, {
      pseudowires: [
        { name: 'branch', mode: 'listen', remoteEndId: 'lan', tapInterface: 'tap0', bridge: 'br0', type: 'ethernet' },
      ],
      filters: [
        {
          name: 'web',
          rules: [{ action: 'accept', direction: 'both', protocol: 'tcp', port: 443 }],
          otherwise: 'drop',
        },
      ],
      // Nobody answers there: accounting waits.
      radius: { accounting: [{ address: '10.20.0.99', secret: 'unheard', port: 1813 }] },
    });
    await lns.api.demand('POST', '/api/v1/setup', { password: PASSWORD });
    await lns.api.demand('POST', '/api/v1/tokens', { name: 'grafana', role: 'viewer' });
    const branch = await Appliance.start(sites.lab, sites.user, 'branch');
    await branch.api.configure(profile({ server: ADDRESS.lns, encapsulation: 'udp2' }));
    await up(branch, sites.user, ADDRESS.office);
    await sites.user.ping(ADDRESS.office);
    await lns.api.demand('POST', '/api/v1/test-call', { kind: 'lns', user: USER.name, password: 'not it' });
    await until('a call has failed', 10_000, async () => (await traces('failed')).length > 0);
    url = `http://127.0.0.1:${await forwardPort(sites.lab, sites.lns, (await lns.api.settings()).api.tcpPort)}`;
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    await sites?.lab.close();
  });

  const traces = (outcome: string): Promise<CallTrace[]> => lns.api.demand('GET', `/api/v1/traces?outcome=${outcome}`);

  async function signedIn(options: ViewOptions): Promise<View> {
    const view = await View.open(browser, url, options);
    await view.page.goto('/');
    await view.page.locator('input[type=password]').fill(PASSWORD);
    await view.page.locator('button[type=submit]').click();
    await view.page.locator('nav').first().waitFor({ state: 'attached' });
    return view;
  }

  for (const look of LOOKS) {
    const name = `${look.width}, ${look.language}, ${look.theme}`;

    it(`sign-in: ${name}`, { timeout: 60_000 }, async () => {
      const view = await View.open(browser, url, look);
      await view.visit('/');
      await view.judge('sign-in');
      await view.context.close();
    });

    it(`all pages of the menu: ${name}`, { timeout: 240_000 }, async () => {
      const view = await signedIn(look);
      for (const path of PATHS) {
        await view.visit(`/${path}`);
        await view.judge(path || 'overview');
      }
      await view.context.close();
    });

    it(`a session, its tunnel, a good call’s ladder and a broken one’s: ${name}`, { timeout: 120_000 }, async () => {
      const view = await signedIn(look);
      const [session] = await lns.api.sessions();
      const [good] = await traces('up');
      const [broken] = await traces('failed');
      assert.ok(session && good && broken);
      await view.visit(`/sessions/${session.sessionId}`);
      await view.page.getByText(USER.name).first().waitFor();
      await view.judge('session');
      await view.visit(`/tunnels/${session.tunnelId}`);
      await view.judge('tunnel');
      await view.visit(`/traces/${good.traceId}`);
      await view.page.getByText('ICRQ').filter({ visible: true }).first().waitFor();
      await view.judge('ladder');
      await view.visit(`/traces/${broken.traceId}`);
      const words = look.language === 'de' ? /Name oder Passwort von .* ist falsch/ : /name or password of .* is wrong/;
      await view.page.getByText(words).first().waitFor();
      await view.judge('ladder-broken');
      await view.context.close();
    });
  }

  it('a browser without JavaScript is told what to do', { timeout: 60_000 }, async () => {
    const view = await View.open(browser, url, { javaScript: false });
    await view.page.goto('/');
    assert.match(await view.page.locator('body').innerText(), /This page needs JavaScript/);
    await view.context.close();
  });
});
