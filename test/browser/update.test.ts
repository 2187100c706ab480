/** The page System of a board: its slots, an update that is refused, and factory settings only with the word for them. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { Appliance } from '../interop/appliance.js';
import { forwardPort } from '../lab/forward.js';
import { Lab } from '../lab/namespaces.js';
import { labIsMissing } from '../lab/requirements.js';
import { until } from '../lab/until.js';
import { startRootHelper } from '../unit/image/root-helper-program.js';
import { chromiumIsMissing, launchChromium, View } from './chromium.js';

const PASSWORD = 'correct horse battery';
const BOARD = '{"board":"qemu-aarch64","version":"0.2.0","buildTime":1790000000,"lan":"eth1","wan":"eth0","led":""}';
const SLOTS =
  '{"booted":"B","slots":[{"name":"A","version":"0.1.0","state":"bad","triesLeft":0},{"name":"B","version":"0.2.0","state":"good","triesLeft":3}]}';
const WORDS = {
  en: { file: 'Update file', send: 'Send and install', reset: 'Forget everything', word: 'Type RESET to do that' },
  de: {
    file: 'Update-Datei',
    send: 'Senden und installieren',
    reset: 'Alles vergessen',
    word: 'Tippen Sie dafür RESET',
  },
};

const skip = labIsMissing() || chromiumIsMissing();

it('the update page of a board', { skip, timeout: 120_000 }, async (t) => {
  const lab = await Lab.open();
  t.after(() => lab.close());
  const helper = await startRootHelper(t, {
    slots: `echo 'ok ${SLOTS}'`,
    led: 'echo ok',
    'mark-good': 'echo ok B',
    'factory-reset': `: >"$(dirname "$0")/../reset"\necho ok`,
  });
  symlinkSync(helper.socketPath, join(lab.folder, 'root.sock'));
  mkdirSync(join(lab.folder, 'update'));
  const [board, none] = [join(lab.folder, 'board.json'), join(lab.folder, 'none.raucb')];
  writeFileSync(board, BOARD);
  writeFileSync(none, 'this is no bundle');
  const namespace = await lab.namespace('board');
  const box = await Appliance.start(lab, namespace, 'board', ['--board', board]);
  await box.api.demand('POST', '/api/v1/setup', { password: PASSWORD });
  const url = `http://127.0.0.1:${await forwardPort(lab, namespace, (await box.api.settings()).api.tcpPort)}`;
  const browser = await launchChromium();
  t.after(() => browser.close());

  for (const look of [
    { width: 'desktop', language: 'en', theme: 'light' },
    { width: 'phone', language: 'de', theme: 'dark' },
  ] as const) {
    const words = WORDS[look.language];
    const view = await View.open(browser, url, look);
    const data = { name: 'admin', password: PASSWORD };
    assert.equal((await view.context.request.post('/api/v1/sign-in', { data })).status(), 200);
    await view.visit('/system/update');
    const { page } = view;
    await page.getByText('0.2.0').first().waitFor();
    await view.judge('system-update');
    const reset = page.getByRole('button', { name: words.reset });
    assert.equal(await reset.isDisabled(), true);
    assert.equal(await page.getByRole('button', { name: words.send }).isDisabled(), true);
    if (look.width === 'phone') {
      await page.getByLabel(words.word).fill('RESET');
      await reset.click();
      await until('it is reset', 5_000, () => existsSync(join(helper.folder, 'reset')));
    }
    // What the browser says of an answer that refuses is no fault of the page: looked at last.
    await page.getByLabel(words.file).setInputFiles(none);
    await page.getByRole('button', { name: words.send }).click();
    await page
      .getByText(/no update bundle|rauc/)
      .first()
      .waitFor();
    await view.context.close();
  }
});
