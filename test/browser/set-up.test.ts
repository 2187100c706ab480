/** A factory-new box, from its first page to a call that it has placed itself, by clicks alone. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, Locator } from 'playwright-core';
import { Appliance } from '../interop/appliance.js';
import { forwardPort } from '../lab/forward.js';
import { labIsMissing } from '../lab/requirements.js';
import { layThreeSites, type Sites } from '../lab/three-sites.js';
import { chromiumIsMissing, launchChromium, View } from './chromium.js';

const PASSWORD = 'correct horse battery';
const FEWER_THAN = 20;

describe('set-up of a factory-new box', { skip: labIsMissing() || chromiumIsMissing() }, () => {
  let sites: Sites;
  let box: Appliance;
  let browser: Browser;
  let url: string;

  before(async () => {
    sites = await layThreeSites();
    box = await Appliance.start(sites.lab, sites.lns, 'new');
    url = `http://127.0.0.1:${await forwardPort(sites.lab, sites.lns, (await box.api.settings()).api.tcpPort)}`;
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    await sites?.lab.close();
  });

  it(`takes fewer than ${FEWER_THAN} clicks to a test call that has passed`, { timeout: 120_000 }, async () => {
    const view = await View.open(browser, url, { width: 'phone' });
    const { page } = view;
    let clicks = 0;
    const click = async (what: Locator) => {
      await what.click();
      clicks += 1;
    };
    const button = (name: string) => page.getByRole('button', { name, exact: true });
    const type = async (label: string, text: string) => {
      const field = page.getByLabel(label, { exact: true });
      await click(field);
      await field.fill(text);
    };
    const next = async (name: string) => {
      await view.settled();
      await view.judge(`set-up-${name}`);
      await click(button('Next'));
    };

    await view.visit('/');
    await view.judge('set-up-password');
    await type('Password', PASSWORD);
    await type('Once more', PASSWORD);
    await click(button('Set password and go on'));
    const steps = [
      ['role', 'What is this box for?'],
      ['interfaces', 'Interfaces'],
      ['pool', 'Addresses for users'],
    ] as const;
    for (const [name, heading] of steps) {
      await page.getByRole('heading', { name: heading }).waitFor();
      await next(name);
    }
    await page.getByRole('heading', { name: 'Who may call?' }).waitFor();
    await type('Name of the first user', 'alice');
    await type('Password of the user', 'open sesame');
    await next('users');
    await page.getByRole('heading', { name: 'How do users get out?' }).waitFor();
    await next('routing');
    await page.getByRole('heading', { name: 'Is this right?' }).waitFor();
    await view.judge('set-up-summary');
    await click(button('Set it up'));
    await page.getByRole('heading', { name: 'The box is set up' }).waitFor();
    await click(button('Place a test call'));
    await page.getByText(/^The call came up, with the address /).waitFor();
    await view.judge('set-up-test-call');

    assert.ok(clicks < FEWER_THAN, `${clicks} clicks`);
    assert.equal((await box.api.settings()).lns.enabled, true);
  });
});
