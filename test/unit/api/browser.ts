/** Browsers of tests: they keep the cookie that a box gives them. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type Answer, ask, type Box, type BoxOptions, freePort, openBox } from './box.js';

export const PASSWORD = 'correct horse battery';

export interface Browser {
  box: Box;
  port: number;
  /** A request with the cookie of the last sign-in. */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  cookie: string;
}

/** A box that listens on loopback, and a browser that is not signed in. */
export async function openBrowser(t: TestContext, options: BoxOptions = {}): Promise<Browser> {
  const box = await openBox(t, options);
  const port = await freePort();
  await box.listeners.useTcpPort(port);
  const browser: Browser = {
    box,
    port,
    cookie: '',
    async request(method, path, body, extra = {}) {
      const headers = {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(browser.cookie !== '' && { cookie: browser.cookie }),
        ...extra,
      };
      const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body);
      const answer = await ask({ port, method, path: `/api/v1/${path}`, headers }, text);
      const set = answer.headers['set-cookie']?.[0];
      if (set !== undefined) browser.cookie = set.split(';')[0] ?? '';
      return answer;
    },
  };
  return browser;
}

/** The browser is that of its first administrator. */
export async function openSetUp(t: TestContext, options: BoxOptions = {}): Promise<Browser> {
  const browser = await openBrowser(t, options);
  const { status } = await browser.request('POST', 'setup', { password: PASSWORD });
  assert.equal(status, 201);
  return browser;
}

/** Who is signed in besides, with a cookie of its own. */
export async function openSecond({ port }: Browser, name: string, password: string) {
  const headers = { 'content-type': 'application/json' };
  const signIn = { port, method: 'POST', path: '/api/v1/sign-in', headers };
  const answer = await ask(signIn, JSON.stringify({ name, password }));
  const cookie = answer.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
  const request = (method: string, path: string, body?: unknown) =>
    ask(
      { port, method, path: `/api/v1/${path}`, headers: { cookie, ...(body !== undefined && headers) } },
      body === undefined ? undefined : JSON.stringify(body),
    );
  return Object.assign(request, { cookie });
}
