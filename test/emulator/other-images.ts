/**
 * Other images for the board than the one it has: the same system as another version, one that does not come up, and
 * bundles of them. Made once for each run, packed fast rather than small.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { copyFile, link, mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../lab/process.js';
import { EMULATOR } from './emulated-board.js';

const SCRIPTS = resolve(fileURLToPath(new URL('../../../image/scripts', import.meta.url)));
const KEYS = join(resolve(EMULATOR, '../..'), 'keys');
/** By which the board's own image knows its updates. */
const OWN_KEYS = existsSync(join(KEYS, 'key.pem')) ? KEYS : join(EMULATOR, 'keys');

export class OtherImages {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** `folder` is the test's own. */
  static async unpack(folder: string): Promise<OtherImages> {
    await run(['unsquashfs', '-quiet', '-no-progress', '-d', join(folder, 'root'), join(EMULATOR, 'system.squashfs')]);
    return new OtherImages(folder);
  }

  /** A bundle of the same system as this version; `change` may break it before. */
  async bundle(version: string, { board = 'qemu-aarch64', keys = OWN_KEYS, change = (_root: string) => {} } = {}) {
    const root = join(this.#folder, 'root');
    const description = join(root, 'etc/tunnelwerk/board.json');
    const text = readFileSync(description, 'utf8');
    writeFileSync(description, JSON.stringify({ ...(JSON.parse(text) as object), version }));
    change(root);
    const images = join(this.#folder, `images-${version}`);
    await mkdir(images);
    await run([
      ...['mksquashfs', root, join(images, 'system.squashfs'), '-quiet', '-no-progress', '-all-root', '-no-xattrs'],
      ...['-comp', 'zstd', '-Xcompression-level', '1'],
    ]);
    await copyOrLink(join(EMULATOR, 'kernel.ext2'), join(images, 'kernel.ext2'));
    const bundle = join(this.#folder, `${version}.raucb`);
    await run([join(SCRIPTS, 'make-bundle.sh'), board, version, images, keys, bundle]);
    await rm(images, { recursive: true });
    return readFileSync(bundle);
  }

  /** Keys that no board knows. */
  async foreignKeys(): Promise<string> {
    const keys = join(this.#folder, 'foreign-keys');
    await run([join(SCRIPTS, 'make-keys.sh'), keys]);
    return keys;
  }
}

async function copyOrLink(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to));
}
