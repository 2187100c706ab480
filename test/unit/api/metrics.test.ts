/** Figures for Prometheus: judged by its own tool, and shown by a dashboard that asks for nothing else. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ask, freePort, openBox, signedInScript } from './box.js';

async function openSocket(t: TestContext): Promise<string> {
  const box = await openBox(t);
  const socketPath = join(box.folder, 'api.sock');
  await box.listeners.openSocket(socketPath);
  return socketPath;
}

test('promtool finds nothing to say about the figures', async (t) => {
  const socketPath = await openSocket(t);
  const { status, headers, text } = await ask({ socketPath, path: '/metrics' });
  assert.deepEqual([status, headers['content-type']], [200, 'text/plain; version=0.0.4; charset=utf-8']);
  const judged = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  assert.deepEqual([judged.error, judged.status, judged.stdout, judged.stderr], [undefined, 0, '', '']);
});

test('the figures are those of the box, each time anew', async (t) => {
  const socketPath = await openSocket(t);
  for (let time = 0; time < 2; time++) {
    const { text } = await ask({ socketPath, path: '/metrics' });
    const lines = new Set(text.split('\n'));
    for (const line of [
      'tunnelwerk_sessions{role="lac"} 2',
      'tunnelwerk_call_setups_total 5',
      'tunnelwerk_call_failures_total 2',
      'tunnelwerk_received_bytes_total 1099511627776',
      'tunnelwerk_dropped_packets_total{reason="unknown session"} 7',
      'tunnelwerk_radius_server_up{service="authentication",server="192.0.2.10:1812"} 0',
      'tunnelwerk_radius_timeouts_total{service="authentication",server="192.0.2.10:1812"} 1',
      'tunnelwerk_accounting_records_waiting 5',
      'tunnelwerk_pppoe_sessions{interface="eth1"} 3',
      'tunnelwerk_pseudowire_up{pseudowire="branch"} 1',
    ]) {
      assert.ok(lines.has(line), `${line}\nnot in\n${text}`);
    }
  }
});

test('names from settings cannot break the format', async (t) => {
  const box = await openBox(t);
  const socketPath = join(box.folder, 'api.sock');
  await box.listeners.openSocket(socketPath);
  box.view.wires = box.view.wires.map((wire) => ({ ...wire, name: 'a"} 1\nevil\\' }));
  const { text } = await ask({ socketPath, path: '/metrics' });
  assert.ok(text.includes('tunnelwerk_pseudowire_up{pseudowire="a\\"} 1\\nevil\\\\"} 1\n'));
  assert.equal(spawnSync('promtool', ['check', 'metrics'], { input: text }).status, 0);
});

interface Panel {
  id: number;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets: { expr: string; refId: string }[];
}

test('each expression of the dashboard is one that Prometheus understands, of figures that there are', async (t) => {
  const socketPath = await openSocket(t);
  const { status, headers, text } = await ask({ socketPath, path: '/api/v1/metrics/grafana-dashboard' });
  assert.deepEqual([status, headers['content-type']], [200, 'application/json; charset=utf-8']);
  const dashboard = JSON.parse(text) as { schemaVersion: number; panels: Panel[] };
  assert.ok(dashboard.schemaVersion >= 36);
  const figures = (await ask({ socketPath, path: '/metrics' })).text;
  const known = new Set(Array.from(figures.matchAll(/^# TYPE (\S+)/gm), ([, name]) => name));
  const shown = new Set<string>();
  const rules: { record: string; expr: string }[] = [];
  for (const { title, targets } of dashboard.panels) {
    assert.ok(targets.length > 0, title);
    for (const { expr } of targets) {
      const names = expr.match(/\b(tunnelwerk|process)_\w+/g) ?? [];
      for (const name of names) assert.ok(known.has(name), `${title}: ${name} is no figure`);
      for (const name of names) shown.add(name);
      rules.push({ record: `panel:${rules.length}`, expr: expr.replaceAll('$__rate_interval', '5m') });
    }
  }
  const file = join(mkdtempSync(join(tmpdir(), 'dashboard-')), 'rules.yml');
  t.after(() => rmSync(dirname(file), { recursive: true }));
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
  const judged = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
  assert.equal(judged.status, 0, judged.stdout + judged.stderr);
  assert.ok(shown.size > 15);
});

test("the dashboard's panels have numbers of their own and do not lie on each other", async (t) => {
  const socketPath = await openSocket(t);
  const { panels } = JSON.parse((await ask({ socketPath, path: '/api/v1/metrics/grafana-dashboard' })).text) as {
    panels: Panel[];
  };
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const cells = new Set<string>();
  for (const { title, gridPos } of panels) {
    assert.ok(gridPos.x + gridPos.w <= 24, title);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        assert.ok(!cells.has(`${x},${y}`), `${title} lies on another`);
        cells.add(`${x},${y}`);
      }
    }
  }
});

test('the figures are for those who are signed in, a viewer is enough', async (t) => {
  const box = await openBox(t);
  const port = await freePort();
  await box.listeners.useTcpPort(port);
  const headers = signedInScript(box, 'viewer');
  assert.equal((await ask({ port, path: '/metrics' })).status, 401);
  assert.equal((await ask({ port, path: '/metrics', headers })).status, 200);
});
