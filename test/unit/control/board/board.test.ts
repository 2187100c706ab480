/** What a board's image says of itself, versions in their order, and when a system has proved itself. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseBoard } from '../../../../firmware/control/board/board.js';
import { Proof } from '../../../../firmware/control/board/proof.js';
import { isOlder } from '../../../../firmware/control/board/version.js';
import { RootHelper } from '../../../../firmware/linux/root-helper.js';
import { until } from '../../../lab/until.js';
import { startRootHelper } from '../../image/root-helper-program.js';

const BOARD = '{"board":"qemu-aarch64","version":"0.1.0","buildTime":1790000000,"lan":"eth1","wan":"eth0","led":""}';

test('a board is described by its name, version, ports and light; what is missing is named', () => {
  assert.equal(parseBoard(BOARD).lan, 'eth1');
  assert.throws(() => parseBoard(BOARD.replace('"lan":"eth1",', '')), /lan/);
  assert.throws(() => parseBoard(BOARD.replace('qemu-aarch64', '../x')), /board/);
  assert.throws(() => parseBoard(BOARD.replace('1790000000', '"now"')), /buildTime/);
  assert.throws(() => parseBoard('nonsense'), /JSON/);
});

test('versions are in the order of their numbers, and a pre-release comes before its release', () => {
  for (const [one, other] of [
    ['0.9.2', '0.10.0'],
    ['0.1', '0.1.1'],
    ['1.0.0-rc1', '1.0.0'],
    ['1.0.0-rc1', '1.0.0-rc2'],
    ['v0.9', 'v1.0'],
  ] as const) {
    assert.deepEqual([isOlder(one, other), isOlder(other, one)], [true, false], `${one} < ${other}`);
  }
  assert.equal(isOlder('1.2.3', '1.2.3'), false);
  assert.equal(isOlder('1.2', '1.2.0'), false);
});

const note = (name: string) => `echo "$1" >>"$(dirname "$0")/../${name}"\necho "ok A"`;

test('a system that serves and whose data path works is marked good, once, and its light says so', async (t) => {
  const { folder, socketPath } = await startRootHelper(t, { 'mark-good': note('good'), led: note('led') });
  const lines: string[] = [];
  const log = {
    info: (_: object, text: string) => lines.push(text),
    error: (_: object, text: string) => lines.push(text),
  };
  const proof = new Proof({ helper: new RootHelper(socketPath), testDataPath: async () => undefined, log });
  await proof.start();
  proof.stop();
  assert.equal(proof.isProved, true);
  assert.equal(readFileSync(join(folder, 'good'), 'utf8'), '\n');
  assert.equal(readFileSync(join(folder, 'led'), 'utf8'), 'ok\n');
  assert.deepEqual(lines, ['this system has proved itself']);
});

test('a system whose data path does not work is not marked good, is not called alive, and its light says so', async (t) => {
  const { folder, socketPath } = await startRootHelper(t, { 'mark-good': note('good'), led: note('led') });
  const lines: string[] = [];
  const log = {
    info: (_: object, text: string) => lines.push(text),
    error: (_: object, text: string) => lines.push(text),
  };
  const testDataPath = () => Promise.reject(new Error('no packet comes through'));
  const proof = new Proof({ helper: new RootHelper(socketPath), testDataPath, log });
  await proof.start();
  proof.stop();
  await until('the light is set', 20_000, () => existsSync(join(folder, 'led')));
  assert.equal(readFileSync(join(folder, 'led'), 'utf8'), 'fault\n');
  assert.deepEqual([proof.isProved, existsSync(join(folder, 'good'))], [false, false]);
  assert.deepEqual(lines, ['the data path does not pass its test']);
});
