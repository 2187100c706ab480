/** The appliance as it ships, on the emulated ARM board: each step by what is seen from outside. */
import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { System } from '../../firmware/api/system.js';
import type { SessionView } from '../../firmware/control/view.js';
import { Appliance } from '../interop/appliance.js';
import { profile, up } from '../interop/branch.js';
import { USER } from '../interop/lns.js';
import type { UmlGuest } from '../interop/uml.js';
import { Xl2tpdCaller } from '../interop/xl2tpd.js';
import { Lab, type Namespace } from '../lab/namespaces.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS, bootGuest } from '../lab/three-sites.js';
import { EMULATOR, EmulatedBoard, LAN_ADDRESS } from './emulated-board.js';
import { OtherImages } from './other-images.js';

const OFFICE_HOST = '192.168.115.50';
/** Of the instants at which the power goes. */
const SEEDS = [1, 2, 3];

const skip = labIsMissing() || (!existsSync(join(EMULATOR, 'disk.img')) && '`make emulator` has not made the board');

describe('the emulated board', { skip }, () => {
  let lab: Lab;
  let user: Namespace;
  let office: Namespace;
  let board: EmulatedBoard;
  let guest: UmlGuest;
  let images: OtherImages;

  before(async () => {
    lab = await Lab.open();
    user = await lab.namespace('user');
    const lns = await lab.namespace('lns');
    office = await lab.namespace('office');
    await lab.cable({ namespace: user, device: 'uplink' }, { namespace: lns, device: 'internet' });
    await lab.cable(
      { namespace: lns, device: 'office' },
      { namespace: office, device: 'eth0', addresses: [`${OFFICE_HOST}/24`] },
    );
    await office.ip(`route add default via ${LAN_ADDRESS}`);
    await lab.bridge(user, 'bridge', ['uplink']);
    await user.address('bridge', `${ADDRESS.user}/24`);
    board = await EmulatedBoard.start(lab, lns, office);
  });
  after(() => lab?.close());

  it('boots from a card as it was written, from slot A, and serves its page at the LAN', {
    timeout: 180_000,
  }, async () => {
    const booted_ms = await board.served();
    console.log(`from power to page: ${(booted_ms / 1000).toFixed(1)} s`);
    assert.ok(board.console.lines().some((line) => /^U-Boot /.test(line)));
    assert.equal((await board.request('GET', '/api/v1/settings')).status, 403, 'before there is a password');
  });

  it('is set up by the API of its page', { timeout: 60_000 }, async () => {
    await board.signIn();
    await board.demand('PUT', '/api/v1/pools/default', { ranges: [{ first: '10.112.112.10', last: '10.112.112.99' }] });
    await board.demand('PUT', `/api/v1/users/${USER.name}`, { password: USER.password });
    await board.configure({
      interfaces: [
        { name: 'eth0', role: 'wan', addressing: 'static', addresses: [`${ADDRESS.lns}/24`] },
        { name: 'eth1', role: 'lan', addressing: 'static', addresses: [`${LAN_ADDRESS}/24`] },
      ],
      lns: { enabled: true, localAddress: '10.112.112.1', pool: 'default' },
      routing: { forwarding: true },
    });
    const { architecture, nodeVersion } = await board.demand<System>('GET', '/api/v1/system');
    assert.equal(architecture, 'arm64');
    assert.match(nodeVersion, /^v24\./);
  });

  it('a call of xl2tpd and pppd reaches the office through it', { timeout: 120_000 }, async () => {
    guest = await bootGuest({ lab, user, lns: user, office });
    const caller = await Xl2tpdCaller.start(guest, {
      ...{ lns: ADDRESS.lns, authentication: 'mschapv2', user: USER.name, password: USER.password, path: 'kernel' },
      routes: ['192.168.115.0/24'],
    });
    await caller.connect();
    const { lines } = await guest.run(`ping -n -c 5 -i 0.2 -W 2 ${OFFICE_HOST}`);
    assert.match(lines.join('\n'), /5 received/);
    const [session] = await board.demand<SessionView[]>('GET', '/api/v1/sessions');
    assert.equal(session?.user, USER.name);
    await caller.disconnect();
  });

  it('the same over IP 115, called by a LAC client', { timeout: 120_000 }, async () => {
    const branch = await Appliance.start(lab, user, 'branch');
    await branch.api.configure(profile({ encapsulation: 'ip', routes: ['192.168.115.0/24'] }));
    await up(branch, user, OFFICE_HOST);
    const { stdout } = await user.ping(OFFICE_HOST, { count: 5 });
    assert.match(stdout, / 5 received/);
    const [session] = await board.demand<SessionView[]>('GET', '/api/v1/sessions');
    assert.equal(session?.encapsulation, 'ip');
    await branch.stop();
  });

  it('keeps what was set over a reboot by request', { timeout: 240_000 }, async () => {
    await board.reboot();
    await board.served();
    await board.signIn();
    assert.equal((await board.demand<{ name: string }>('GET', `/api/v1/users/${USER.name}`)).name, USER.name);
  });

  for (const seed of SEEDS) {
    it(`keeps what it has said yes to when the power goes while it writes (seed ${seed})`, {
      timeout: 240_000,
    }, async () => {
      const names: string[] = [];
      const cut_ms = 300 + ((seed * 7_919) % 2_000);
      const timer = setTimeout(() => void board.powerCut(), cut_ms);
      try {
        for (;;) {
          const name = `seed-${seed}-${names.length}`;
          await board.demand('PUT', `/api/v1/users/${name}`, { password: 'a password' });
          names.push(name);
        }
      } catch {
        // The power has gone.
      } finally {
        clearTimeout(timer);
      }
      assert.ok(names.length > 0, 'it had time to write');
      await board.served();
      await board.signIn();
      for (const name of names) assert.equal((await board.request('GET', `/api/v1/users/${name}`)).status, 200, name);
    });
  }

  it('an update that is not for it, or not ours, is refused, and changes nothing', { timeout: 240_000 }, async () => {
    images = await OtherImages.unpack(lab.folder);
    const foreign = await images.bundle('9.0.0', { keys: await images.foreignKeys() });
    assert.match(await board.update(foreign), /its signature is not one that this box trusts/);
    assert.match(
      await board.update(await images.bundle('9.0.1', { board: 'nanopi-r2s' })),
      /it is for tunnelwerk-nanopi-r2s/,
    );
    assert.match(await board.update(foreign.subarray(0, foreign.length / 2)), /no update bundle, or not all of one/);
    assert.match(await board.proved(), /^A /);
  });

  it('an update goes into the other slot, runs after a reboot, and has the settings of before', {
    timeout: 300_000,
  }, async () => {
    assert.equal(await board.update(await images.bundle('9.1.0')), 'installed ');
    await board.reboot();
    await board.served();
    await board.signIn();
    assert.equal(await board.proved(), 'B 9.1.0');
    assert.equal((await board.request('GET', `/api/v1/users/${USER.name}`)).status, 200);
  });

  it('an update that does not come up is given three tries, and then the system of before runs', {
    timeout: 400_000,
  }, async () => {
    const bad = await images.bundle('9.2.0', {
      change: (root) => rmSync(join(root, 'usr/sbin/init'), { force: true }),
    });
    assert.equal(await board.update(bad), 'installed ');
    const from = board.console.lineCount;
    await board.reboot();
    await board.served(240_000);
    await board.signIn();
    assert.equal(await board.proved(), 'B 9.1.0');
    const tries = board.console.lines(from).filter((line) => /^U-Boot /.test(line)).length;
    assert.equal(tries, 4, 'three tries, and the one that came up');
  });

  it('factory settings: nothing of before is there', { timeout: 240_000 }, async () => {
    const from = board.console.lineCount;
    await board.demand('POST', '/api/v1/system/factory-reset', { confirm: 'RESET' });
    await board.console.waitForLine(/^U-Boot /, { from, timeout_ms: 60_000 });
    await board.served();
    assert.equal((await board.request('GET', '/api/v1/settings')).status, 403, 'there is no password');
    await board.signIn();
    assert.equal((await board.request('GET', `/api/v1/users/${USER.name}`)).status, 404);
  });
});
