/** The list of as many real calls as a large box has: soon shown, smoothly scrolled, and no larger for what happens to it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page, Route } from 'playwright-core';
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
const WHEEL_TURNS = 60;
const TURN_PX = 1_500;
/** What makes a task a long one (W3C Long Tasks API). */
const LONG_TASK_MS = 50;
/** The box tells of sessions at most once a second: this is an hour. */
const EVENTS = 3_600;
const ROWS_PER_EVENT = 5;
const MOST_GROWTH = 0.05;

/** Notes when the first row has been painted. */
const WATCH = `
  new MutationObserver((_, observer) => {
    if (document.querySelector('.virtual-body [role=row]') === null) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => { window.seenAt_ms = performance.now(); }));
  }).observe(document, { childList: true, subtree: true });
`;

interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  args: { name?: string };
  /** Microseconds of its thread's processor time. */
  tdur?: number;
}

/**
 * The longest tasks of the page's main thread, in milliseconds of its processor time: what the page makes the browser do,
 * however busy the machine is beside it.
 */
async function taskTimes_ms(browser: Browser, page: Page, act: () => Promise<void>): Promise<number[]> {
  await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline', '__metadata'] });
  await act();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const mainThreads = traceEvents
    .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
    .map(({ pid, tid }) => `${pid} ${tid}`);
  return traceEvents
    .filter(({ name, pid, tid }) => name === 'RunTask' && mainThreads.includes(`${pid} ${tid}`))
    .map(({ tdur = 0 }) => tdur / 1000)
    .sort((a, b) => b - a);
}

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

  it('scrolls through it, and has it anew, without a long task', async (t) => {
    const view = await signedIn();
    t.after(() => view.context.close());
    const { page } = view;
    await view.visit('/sessions');
    await page.getByRole('table').hover();
    const times_ms = await taskTimes_ms(browser!, page, async () => {
      const again = page.waitForResponse('**/api/v1/session-list', { timeout: 30_000 });
      for (let turn = 0; turn < WHEEL_TURNS; turn++) {
        await page.mouse.wheel(0, TURN_PX);
        await page.evaluate('new Promise((done) => requestAnimationFrame(done))');
      }
      await (await again).finished();
      await page.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done)))');
    });
    const first = await page.locator('.virtual-body [role=row]').first().getAttribute('aria-rowindex');
    const longest_ms = times_ms.slice(0, 5).map((time_ms) => time_ms.toFixed(1));
    console.log(`scrolled to row ${first}; the longest of ${times_ms.length} tasks take ${longest_ms.join(', ')} ms`);
    assert.ok(Number(first) > 1_000, `row ${first} is the first`);
    assert.ok(times_ms.length > WHEEL_TURNS && times_ms[0]! > 0);
    assert.ok(times_ms[0]! < LONG_TASK_MS, `${times_ms[0]} ms`);
    await view.judge('sessions-many');
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
    // The stream is opened again when all of it has been read: then nothing is on its way.
    const waiting: Route[] = [];
    await page.route('**/api/v1/events?*', (route) => void waiting.push(route));
    await view.visit('/sessions');
    const afterHours = async (hours: number): Promise<number> => {
      for (let hour = 0; hour < hours; hour++) {
        const route = await until('the stream is opened', 60_000, async () => waiting.shift());
        await route.fulfill({ contentType: 'text/event-stream', body });
      }
      await until('all has been read', 60_000, async () => waiting[0]);
      await page.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done)))');
      return heap_bytes(page);
    };
    const before_bytes = await afterHours(3);
    const after_bytes = await afterHours(10);
    console.log(`heap after three hours of events: ${before_bytes} octets, ten hours later: ${after_bytes}`);
    assert.ok(after_bytes < before_bytes * (1 + MOST_GROWTH), `from ${before_bytes} to ${after_bytes} octets`);
  });
});
