/**
 * Debian's Chromium on the page of a box: what it logs, what it does not find and what axe-core complains of is kept, and
 * must be nothing. Pictures of what was seen go to dist/screenshots.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';
const PROJECT = resolve(fileURLToPath(import.meta.url), '../../../..');
const SCREENSHOTS = join(PROJECT, 'dist/screenshots');
const AXE = join(PROJECT, 'node_modules/axe-core/axe.min.js');
const ARGUMENTS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync'],
];
/** Of waiting for what shall be seen. */
const TIMEOUT_MS = 15_000;

export const chromiumIsMissing = (): string | false => (existsSync(CHROMIUM) ? false : 'Chromium is not installed');

/** What a phone and a desk have. */
export const WIDTHS = { phone: { width: 360, height: 740 }, desktop: { width: 1280, height: 900 } } as const;
export type Width = keyof typeof WIDTHS;

export interface ViewOptions {
  width?: Width;
  language?: 'en' | 'de';
  theme?: 'light' | 'dark';
  javaScript?: boolean;
}

/** A browser with nothing in it but what it is given. */
export class View {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly #width: Width;
  /** What went wrong without being asked for. */
  readonly #faults: string[] = [];

  private constructor(context: BrowserContext, page: Page, width: Width) {
    this.context = context;
    this.page = page;
    this.#width = width;
    page.setDefaultTimeout(TIMEOUT_MS);
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.#faults.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.#faults.push(`error: ${error.message}`));
    page.on('requestfailed', (request) => {
      // A view that is left gives up what it has asked for, and streams.
      const reason = request.failure()?.errorText ?? '';
      if (reason !== 'net::ERR_ABORTED') this.#faults.push(`${request.method()} ${request.url()}: ${reason}`);
    });
  }

  static async open(browser: Browser, url: string, options: ViewOptions = {}): Promise<View> {
    const { width = 'desktop', language = 'en', theme = 'light', javaScript = true } = options;
    const context = await browser.newContext({
      ...{ baseURL: url, viewport: WIDTHS[width], locale: language, colorScheme: theme, javaScriptEnabled: javaScript },
      reducedMotion: 'reduce',
    });
    return new View(context, await context.newPage(), width);
  }

  /** Goes to a path of the page, and waits until its heading and what it has asked for are there. */
  async visit(path: string): Promise<void> {
    await this.page.goto(path);
    await this.page.locator('h1').first().waitFor();
    await this.settled();
  }

  /** Nothing is loading any more: no view says so, and no animation frame changes it. */
  async settled(): Promise<void> {
    await this.page
      .getByText(/Loading …|Lädt …/)
      .first()
      .waitFor({ state: 'hidden' });
    await this.page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
  }

  /** Errors, complaints of axe-core of weight, and what is wider than the window; a picture of it as `name`. */
  async judge(name: string): Promise<void> {
    mkdirSync(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}-${this.#width}.png`), fullPage: true });
    const wide = await this.page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    assert.ok(wide <= 0, `${name}: ${wide} pixels wider than the window`);
    assert.deepEqual(await this.#complaints(), [], name);
    this.assertQuiet(name);
  }

  assertQuiet(name: string): void {
    assert.deepEqual(this.#faults, [], name);
  }

  async #complaints(): Promise<string[]> {
    await this.page.evaluate(readFileSync(AXE, 'utf8'));
    return this.page.evaluate(async () => {
      interface Violation {
        id: string;
        impact: string;
        nodes: { html: string; failureSummary: string }[];
      }
      const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
      const { violations } = await axe.run();
      return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(
          ({ id, nodes }) =>
            `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('; ')}`,
        );
    });
  }
}

export const launchChromium = (): Promise<Browser> => chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
