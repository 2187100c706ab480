/** The list of as many real calls as a large box has: soon shown, and no larger for what happens to it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import type { SessionsEvent } from '../../firmware/api/events.js';
import type { SessionList } from '../../firmware/api/session-list.js';
import { ManySessions } from '../bench/many-sessions.js';
import { forwardPort } from '../lab/forward.js';
import { Lab } from '../lab/namespaces.js';
import { labIsMissing } from '../lab/requirements.js';
import { until } from '../lab/until.js';
import { chromiumIsMissing, launchChromium, View } from './chromium.js';

const SESSIONS = 10_000;
const PASSWORD = 'correct horse battery';
const MOST_UNTIL_SEEN_MS = 1_000;
/** The box tells of sessions at most once a second: this is an hour. */
const EVENTS = 3_600;
const ROWS_PER_EVENT = 5;
const MOST_GROWTH = 0.1;

/** Notes when the first row has been painted. */
const WATCH = `
  new MutationObserver((_, observer) => {
    if (document.querySelector('.virtual-body [role=row]') === null) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => { window.seenAt_ms = performance.now(); }));
  }).observe(document, { childList: true, subtree: true });
`;

async function heap_bytes(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return usedSize;
}

describe(`a page with ${SESSIONS} sessions`, { skip: labIsMissing() || chromiumIsMissing() }, () => {
  let lab: Lab | undefined;
  let box: ManySessions;
  let browser: Browser | undefined;
  let url: string;

  before(async () => {
    lab = await Lab.open();
    box = await ManySessions.start(lab, SESSIONS);
    assert.deepEqual((await box.bringUp(SESSIONS)).failures, {});
    const { api } = box.appliance;
    await api.demand('POST', '/api/v1/setup', { password: PASSWORD });
    url = `http://127.0.0.1:${await forwardPort(lab, box.namespace, (await api.settings()).api.tcpPort)}`;
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    await lab?.close();
  });

  async function signedIn(): Promise<View> {
    const view = await View.open(browser!, url);
    const data = { name: 'admin', password: PASSWORD };
    assert.equal((await view.context.request.post('/api/v1/sign-in', { data })).status(), 200);
    await view.page.addInitScript(WATCH);
    return view;
  }

  it('shows the list within a second after it has it', async (t) => {
    const view = await signedIn();
    t.after(() => view.context.close());
    const { page } = view;
    await view.visit('/sessions');
    await page.getByText('10,000 sessions').first().waitFor();
    const seen_ms = await page.evaluate<number>(
      'seenAt_ms - performance.getEntriesByName(location.origin + "/api/v1/session-list")[0].responseEnd',
    );
    console.log(`the first rows are seen ${seen_ms.toFixed(0)} ms after the list has come`);
    assert.ok(seen_ms < MOST_UNTIL_SEEN_MS, `${seen_ms} ms`);
  });

  it(`takes no more memory after the ${EVENTS} events of an hour`, { timeout: 120_000 }, async (t) => {
    const { rows, columns } = await box.appliance.api.demand<SessionList>('GET', '/api/v1/session-list');
    const callId = columns.indexOf('callId');
    // Calls end and come up again: the rows are those of the box.
    const events = Array.from({ length: EVENTS }, (_, at): SessionsEvent => {
      const chosen = (turn: number) => rows[(turn * ROWS_PER_EVENT) % rows.length]!;
      return { stand: at === 0 ? [] : [chosen(at - 1)], ended: [Number(chosen(at)[callId])] };
    });
    const body = `retry: 100\n\n${events.map((event) => `event: sessions\ndata: ${JSON.stringify(event)}\n\n`).join('')}`;
    const view = await signedIn();
    t.after(() => view.context.close());
    const { page } = view;
    let hours = 0;
    await page.route('**/api/v1/events?*', (route) => {
      hours += 1;
      return route.fulfill({ contentType: 'text/event-stream', body });
    });
    await view.visit('/sessions');
    // The stream is opened again when all of it has been read.
    const passed = (wanted: number) => until(`${wanted} hours have passed`, 60_000, async () => hours > wanted);
    await passed(1);
    const before_bytes = await heap_bytes(page);
    await passed(3);
    const after_bytes = await heap_bytes(page);
    console.log(`heap after an hour of events: ${before_bytes} octets, two hours later: ${after_bytes}`);
    assert.ok(after_bytes < before_bytes * (1 + MOST_GROWTH), `from ${before_bytes} to ${after_bytes} octets`);
  });
});
