/** How the page is worked with: by keys alone, by who may only look, and by two at once. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { Caller } from '../bench/caller.js';
import type { Appliance } from '../interop/appliance.js';
import { startLns, USER } from '../interop/lns.js';
import { forwardPort } from '../lab/forward.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS, layThreeSites, type Sites } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import { chromiumIsMissing, launchChromium, View } from './chromium.js';

const ADMIN = { name: 'admin', password: 'correct horse battery' };
const VIEWER = { name: 'guest', password: 'only to be looked at' };
const MOST_TABS = 80;

/** Presses Tab until the focus is on what has this text or value. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let pressed = 0; pressed < MOST_TABS; pressed++) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate<string>(
      '(document.activeElement.labels?.[0]?.innerText ?? document.activeElement.innerText ?? "").trim()',
    );
    if (name.test(focused)) return;
  }
  assert.fail(`${MOST_TABS} times Tab do not lead to ${name}`);
}

describe('the page in many hands', { skip: labIsMissing() || chromiumIsMissing() }, () => {
  let sites: Sites | undefined;
  let lns: Appliance;
  let browser: Browser | undefined;
  let url: string;

  before(async () => {
    sites = await layThreeSites();
    lns = await startLns(sites, { lns: { authentication: ['chap-md5'], ipv6: false } });
    await lns.api.putUser('branch-0', { password: USER.password });
    await lns.api.demand('POST', '/api/v1/setup', { password: ADMIN.password });
    const { name, password } = VIEWER;
    await lns.api.demand('PUT', `/api/v1/accounts/${name}`, { role: 'viewer', password });
    const caller = await Caller.start(sites.user);
    const report = await caller.place({
      ...{ server: ADDRESS.lns, port: 1701, calls: 1, atOnce: 1, tunnels: 1, ports: 1, tunnelSecret: '', ipv6: false },
      ...{ userPrefix: 'branch-', firstUser: 0, password: USER.password, timeout_ms: 15_000 },
    });
    assert.deepEqual(report.failures, {});
    url = `http://127.0.0.1:${await forwardPort(sites.lab, sites.lns, (await lns.api.settings()).api.tcpPort)}`;
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    await sites?.lab.close();
  });

  async function signedIn(account: { name: string; password: string }): Promise<View> {
    const view = await View.open(browser!, url);
    assert.equal((await view.context.request.post('/api/v1/sign-in', { data: account })).status(), 200);
    return view;
  }

  it('who may only look has no button that changes anything', async (t) => {
    const view = await signedIn(VIEWER);
    t.after(() => view.context.close());
    const { page } = view;
    const [session] = await lns.api.sessions();
    const changes = /^(Save|Delete|Remove|Add|New|Disconnect|Restart|Restore|Start|Set it up|Next|Make)\b/;
    for (const path of [
      '/lns',
      '/lac',
      '/radius',
      '/pools',
      '/users',
      '/users/edit/alice',
      `/sessions/${session!.sessionId}`,
    ]) {
      await view.visit(path);
      for (const role of ['button', 'link'] as const) {
        const names = await page.getByRole('main').getByRole(role, { name: changes }).allInnerTexts();
        assert.deepEqual(names, [], `at ${path}`);
      }
    }
    await view.judge('viewer');
  });

  it('the second of two who edit the same settings is told who was first', async (t) => {
    const [first, second] = [await signedIn(ADMIN), await signedIn(ADMIN)];
    t.after(() => Promise.all([first.context.close(), second.context.close()]));
    for (const view of [first, second]) await view.visit('/users/edit/alice');
    await first.page.getByLabel('May call').uncheck();
    await second.page.getByLabel('Fixed address').fill('10.112.112.77');
    const save = (page: Page) => page.getByRole('button', { name: 'Save', exact: true });
    await save(first.page).click();
    await until('the first is saved', 5_000, async () => {
      return !(await lns.api.demand<{ enabled: boolean }>('GET', '/api/v1/users/alice')).enabled;
    });
    await second.page.getByText(/changed meanwhile by admin/).waitFor();
    await second.judge('changed-by-other');
    await save(second.page).click();
    await second.page.getByText(/^Somebody else has changed this meanwhile/).waitFor();
    const user = await lns.api.demand<{ enabled: boolean; fixedAddress?: string }>('GET', '/api/v1/users/alice');
    assert.deepEqual([user.enabled, user.fixedAddress], [false, undefined], 'what the first has set stays');
  });

  it('by keys alone: sign in, find a session, disconnect it when asked, sign out', { timeout: 60_000 }, async (t) => {
    const view = await View.open(browser!, url);
    t.after(() => view.context.close());
    const { page } = view;
    await view.visit('/');
    await tabTo(page, /^Password$/);
    await page.keyboard.type(ADMIN.password);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    await tabTo(page, /^Sessions$/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Sessions', level: 1 }).waitFor();
    await page.getByRole('link', { name: 'branch-0' }).waitFor();
    await tabTo(page, /^branch-0$/);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Disconnect' }).waitFor();
    await tabTo(page, /^Disconnect$/);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await view.judge('disconnect');
    // Escape is a no.
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    assert.equal((await lns.api.sessions()).length, 1);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await tabTo(page, /^Disconnect$/);
    await page.keyboard.press('Enter');
    await page.getByText('This session has ended').waitFor();
    assert.deepEqual(await lns.api.sessions(), []);
    await tabTo(page, /^Sign out$/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });
});
