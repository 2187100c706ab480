/** GRO on cables between namespaces, switched by the ethtool(8) of the machine. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { OperatingProblem, PortView } from '../../../firmware/control/view.js';
import { Lab, type Namespace } from '../../lab/namespaces.js';
import { labIsMissing } from '../../lab/requirements.js';
import type { Request } from './port-offload-process.js';

const PROCESS = fileURLToPath(new URL('port-offload-process.js', import.meta.url));
/** The features by ethtool's long names. */
const GRO = 'generic-receive-offload';
const UDP_GRO_FORWARDING = 'rx-udp-gro-forwarding';
const NO_CAPABILITIES = ['setpriv', '--bounding-set', '-all', '--inh-caps', '-all'];
const ON = { gro: true, udpGroForwarding: true };
const OFF = { gro: false, udpGroForwarding: false };

/** The shipped switch in a process in a namespace. */
class Box {
  readonly #child;
  readonly #answers;

  constructor(namespace: Namespace, ...before: string[]) {
    const [program, ...argv] = namespace.argv([...before, process.execPath, PROCESS]);
    this.#child = spawn(program!, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async #ask(request: Request): Promise<unknown> {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const answer = await this.#answers.next();
    assert.ok(!answer.done, 'the process in the namespace ended');
    return JSON.parse(answer.value) as unknown;
  }

  apply(isWanted: boolean): Promise<OperatingProblem[]> {
    return this.#ask({ do: 'apply', isWanted }) as Promise<OperatingProblem[]>;
  }

  ports(): Promise<PortView[]> {
    return this.#ask({ do: 'ports' }) as Promise<PortView[]>;
  }

  haveChanged(): Promise<boolean> {
    return this.#ask({ do: 'changed' }) as Promise<boolean>;
  }

  async usePath(path: string): Promise<void> {
    await this.#ask({ do: 'path', path });
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    await once(this.#child, 'exit');
  }
}

describe('the offloads of Ethernet ports', { skip: labIsMissing(), timeout: 60_000 }, () => {
  const path = process.env.PATH ?? '';
  let lab: Lab;
  let namespace: Namespace;
  let far: Namespace;
  let box: Box;

  before(async () => {
    lab = await Lab.open();
    namespace = await lab.namespace('box');
    far = await lab.namespace('far');
  });
  after(() => lab.close());
  beforeEach(async () => {
    await plugIn('eth0');
    box = new Box(namespace);
  });
  afterEach(async () => {
    await box.end();
    await namespace.ip('link delete eth0');
  });

  function plugIn(device: string): Promise<void> {
    return lab.cable({ namespace, device }, { namespace: far, device });
  }

  /** What ethtool(8) says itself. */
  async function features(device: string): Promise<Omit<PortView, 'name'>> {
    const { stdout } = await namespace.run(['ethtool', '-k', device]);
    return { gro: stdout.includes(`${GRO}: on`), udpGroForwarding: stdout.includes(`${UDP_GRO_FORWARDING}: on`) };
  }

  function ethtool(...argv: string[]): Promise<unknown> {
    return namespace.run(['ethtool', '-K', ...argv]);
  }

  /** Puts another ethtool before the machine's; `script` finds that one as $ethtool. Gives the file that each run adds its words to. */
  async function wrapEthtool(name: string, script: string): Promise<string> {
    const folder = join(lab.folder, name);
    mkdirSync(folder);
    const log = join(folder, 'log');
    writeFileSync(log, '');
    const lines = ['#!/bin/sh', `echo "$@" >>${log}`, `ethtool="env PATH=${path} ethtool"`, script, ''];
    writeFileSync(join(folder, 'ethtool'), lines.join('\n'));
    chmodSync(join(folder, 'ethtool'), 0o755);
    await box.usePath(`${folder}:${path}`);
    return log;
  }

  test('both are switched on, and off again when that is no longer wanted', async () => {
    assert.deepEqual(await box.apply(true), []);
    assert.deepEqual(await features('eth0'), ON);
    assert.deepEqual(await box.ports(), [{ name: 'eth0', ...ON }]);
    assert.deepEqual(await box.apply(false), []);
    assert.deepEqual(await features('eth0'), OFF);
    assert.deepEqual(await box.ports(), [{ name: 'eth0', ...OFF }]);
  });

  test('what was on before stays on', async () => {
    await ethtool('eth0', 'gro', 'on');
    await box.apply(true);
    assert.deepEqual(await features('eth0'), ON);
    await box.apply(false);
    assert.deepEqual(await features('eth0'), { gro: true, udpGroForwarding: false });
  });

  test('where it was never wanted nothing is switched', async () => {
    await ethtool('eth0', 'gro', 'on');
    assert.deepEqual(await box.apply(false), []);
    assert.deepEqual(await box.ports(), [{ name: 'eth0', gro: true, udpGroForwarding: false }]);
  });

  test('what somebody switches off by hand stays off, until it is wanted anew', async () => {
    await box.apply(true);
    await ethtool('eth0', 'rx-udp-gro-forwarding', 'off');
    await box.apply(true);
    assert.deepEqual(await box.ports(), [{ name: 'eth0', gro: true, udpGroForwarding: false }]);
    await box.apply(false);
    await box.apply(true);
    assert.deepEqual(await features('eth0'), ON);
  });

  test('a port is read once, switched in one process, and not switched again', async () => {
    const log = await wrapEthtool('counting', 'exec $ethtool "$@"');
    const runs = () => readFileSync(log, 'utf8').trim().split('\n');
    await box.apply(true);
    assert.deepEqual(runs(), ['-k eth0', '-K eth0 gro on rx-udp-gro-forwarding on', '-k eth0']);
    await box.apply(true);
    assert.deepEqual(runs().slice(3), ['-k eth0']);
  });

  test('loopback, bridges and devices of TUN and TAP are no ports', async () => {
    await namespace.ip('link add br0 type bridge', 'tuntap add mode tap name tap0', 'tuntap add mode tun name tun0');
    const others = ['lo', 'br0', 'tap0', 'tun0'];
    const before = await Promise.all(others.map(features));
    await box.apply(true);
    assert.deepEqual(await Promise.all(others.map(features)), before);
    assert.deepEqual(
      (await box.ports()).map(({ name }) => name),
      ['eth0'],
    );
    await namespace.ip('link delete br0', 'link delete tap0', 'link delete tun0');
  });

  test('a port that comes later is seen, and gets the same; one made anew under its name too', async () => {
    await box.apply(true);
    assert.equal(await box.haveChanged(), false);
    await plugIn('eth1');
    assert.equal(await box.haveChanged(), true);
    await box.apply(true);
    assert.deepEqual(await features('eth1'), ON);
    await namespace.ip('link delete eth1');
    await plugIn('eth1');
    assert.equal(await box.haveChanged(), true);
    await box.apply(true);
    assert.deepEqual(await features('eth1'), ON);
    await namespace.ip('link delete eth1');
  });

  test('a port that is gone is no problem: before it is looked at, between two looks, and when it is put back', async () => {
    await plugIn('eth1');
    await plugIn('eth2');
    // The first thing that is asked about eth1 is after it has gone; eth2 goes between the look at it and the change.
    await wrapEthtool(
      'unplugging',
      `case "$*" in
      "-k eth1" | "-K eth2 "*) ip link delete $2 ;;
      esac
      exec $ethtool "$@"`,
    );
    assert.deepEqual(await box.apply(true), []);
    assert.deepEqual(await features('eth0'), ON);
    await box.usePath(path);
    await plugIn('eth1');
    assert.deepEqual(await box.apply(true), []);
    await namespace.ip('link delete eth1');
    assert.deepEqual(await box.apply(false), []);
    assert.deepEqual(await box.ports(), [{ name: 'eth0', ...OFF }]);
  });

  test('a kernel without rx-udp-gro-forwarding (before 5.12): GRO alone is switched', async () => {
    const script = `case "$1 $*" in
      "-k "*) $ethtool "$@" | sed '/${UDP_GRO_FORWARDING}/d' ;;
      *${UDP_GRO_FORWARDING}*) echo 'netlink error: bit name not found (offset 72)' >&2; exit 92 ;;
      *) exec $ethtool "$@" ;;
    esac`;
    await wrapEthtool('old-kernel', script);
    assert.deepEqual(await box.apply(true), []);
    assert.deepEqual(await box.ports(), [{ name: 'eth0', gro: true, udpGroForwarding: null }]);
    assert.deepEqual(await box.apply(false), []);
    assert.deepEqual(await features('eth0'), OFF);
  });

  test('a driver in which a feature is fixed, and one that refuses it when it is asked, are left alone', async () => {
    const fixed = `$ethtool "$@" | sed 's/${UDP_GRO_FORWARDING}: off/& [fixed]/'`;
    const log = await wrapEthtool('fixed', fixed);
    assert.deepEqual(await box.apply(true), []);
    assert.match(readFileSync(log, 'utf8'), /^-K eth0 gro on$/m);
    await box.apply(false);

    const refusing = `case $1 in
      -K) echo 'netlink error: Operation not supported' >&2; exit 92 ;;
      *) exec $ethtool "$@" ;;
    esac`;
    const refusals = await wrapEthtool('refusing', refusing);
    assert.deepEqual(await box.apply(true), []);
    assert.deepEqual(await box.apply(true), []);
    assert.equal(readFileSync(refusals, 'utf8').match(/^-K/gm)?.length, 1);
    assert.deepEqual(await box.ports(), [{ name: 'eth0', ...OFF }]);
  });

  test('without ethtool(8) there is one problem for all ports, with advice, and none where nothing is wanted', async () => {
    await plugIn('eth1');
    const without = join(lab.folder, 'without');
    mkdirSync(without);
    writeFileSync(join(without, 'ip'), `#!/bin/sh\nPATH=${path} exec ip "$@"\n`);
    chmodSync(join(without, 'ip'), 0o755);
    await box.usePath(without);
    const [problem, ...others] = await box.apply(true);
    assert.deepEqual(others, []);
    assert.match(problem?.what ?? '', /ethtool ENOENT/);
    assert.match(problem?.advice ?? '', /install the package ethtool/);
    assert.deepEqual(
      await box.ports(),
      ['eth0', 'eth1'].map((name) => ({ name, gro: null, udpGroForwarding: null })),
    );
    assert.deepEqual(await box.apply(false), []);

    await box.usePath(path);
    assert.deepEqual(await box.apply(true), []);
    assert.deepEqual(await Promise.all(['eth0', 'eth1'].map(features)), [ON, ON]);
    await namespace.ip('link delete eth1');
  });

  test('without CAP_NET_ADMIN there is one problem, with advice, and what is on is shown all the same', async () => {
    await ethtool('eth0', 'gro', 'on');
    const powerless = new Box(namespace, ...NO_CAPABILITIES);
    const problems = await powerless.apply(true);
    assert.equal(problems.length, 1);
    assert.match(problems[0]?.what ?? '', /Operation not permitted/);
    assert.match(problems[0]?.advice ?? '', /CAP_NET_ADMIN/);
    assert.deepEqual(await powerless.ports(), [{ name: 'eth0', gro: true, udpGroForwarding: false }]);
    assert.deepEqual(await powerless.apply(false), []);
    await powerless.end();
  });
});
