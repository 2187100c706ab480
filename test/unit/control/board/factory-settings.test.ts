/** With what a board begins: addresses on its LAN and by its WAN, once. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { factorySettings } from '../../../../firmware/control/board/factory-settings.js';
import { openStore } from '../../../../firmware/store/store.js';

const BOARD = { board: 'test', version: '0.1.0', buildTime: 0, lan: 'eth1', wan: 'eth0', led: '' };

test('a new board asks for its WAN’s address, and has 192.168.115.1 on its LAN, where it gives addresses out', () => {
  assert.deepEqual(factorySettings(BOARD).interfaces, [
    { name: 'eth0', role: 'wan', addressing: 'dhcp', addresses: [] },
    {
      ...{ name: 'eth1', role: 'lan', addressing: 'static', addresses: ['192.168.115.1/24'] },
      dhcpServer: { first: '192.168.115.100', last: '192.168.115.199', lease_s: 43_200 },
    },
  ]);
});

test('a new store begins with them, they keep its rules, and what was set since is not overwritten', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tunnelwerk-factory-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const firstSettings = factorySettings(BOARD);
  const open = () => openStore({ path: join(folder, 'tunnelwerk.db'), keyFile: join(folder, 'key'), firstSettings });
  const first = open();
  assert.deepEqual(first.documents.settings(), firstSettings);
  const changed = { ...firstSettings, system: { hostName: 'head-office' } };
  assert.deepEqual(first.documents.writeSettings(changed, 'test'), { ok: true, value: changed });
  first.close();
  const second = open();
  t.after(() => second.close());
  assert.deepEqual(second.documents.settings(), changed);
});
