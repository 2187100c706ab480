/** The reference page of the API in Debian's Chromium: its own policy lets it work, and it wants nothing from outside. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { ask, freePort, openBox, signedInScript } from '../unit/api/box.js';

const CHROMIUM = '/usr/bin/chromium';

test('the reference page shows the routes, without an error and from here alone', {
  skip: existsSync(CHROMIUM) ? false : 'Chromium is not installed',
}, async (t) => {
  const box = await openBox(t);
  const port = await freePort();
  await box.listeners.useTcpPort(port);
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  t.after(() => browser.close());
  const script = signedInScript(box, 'viewer');
  const page = await browser.newPage({ extraHTTPHeaders: script });
  const [errors, hosts] = [[] as string[], new Set<string>()];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('request', (request) => hosts.add(new URL(request.url()).host || new URL(request.url()).protocol));
  page.setDefaultTimeout(10_000);
  await page.goto(`http://127.0.0.1:${port}/api/v1/reference`);
  await page.getByText('How the box is, at a glance').waitFor();
  await page.getByText('The last day, minute by minute').click();
  await page.getByText('interval_s').first().waitFor();
  assert.deepEqual(errors, []);
  assert.deepEqual(
    [...hosts].filter((host) => host !== 'data:'),
    [`127.0.0.1:${port}`],
  );
  const { headers } = await ask({ port, path: '/api/v1/reference/static/index.html', headers: script });
  assert.match(String(headers['content-security-policy']), /^default-src 'none'; script-src 'self';/);
  assert.doesNotMatch(String(headers['content-security-policy']), /unsafe|https?:|\*/);
});
