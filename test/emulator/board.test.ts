/** The appliance as it ships, on the emulated ARM board: each step by what is seen from outside. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { System } from '../../firmware/api/system.js';
import type { SessionView } from '../../firmware/control/view.js';
import { USER } from '../interop/lns.js';
import type { UmlGuest } from '../interop/uml.js';
import { Xl2tpdCaller } from '../interop/xl2tpd.js';
import { Lab, type Namespace } from '../lab/namespaces.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS, bootGuest } from '../lab/three-sites.js';
import { EMULATOR, EmulatedBoard, LAN_ADDRESS } from './emulated-board.js';

const OFFICE_HOST = '192.168.115.50';

const skip = labIsMissing() || (!existsSync(join(EMULATOR, 'disk.img')) && '`make emulator` has not made the board');

describe('the emulated board', { skip }, () => {
  let lab: Lab;
  let user: Namespace;
  let office: Namespace;
  let board: EmulatedBoard;
  let guest: UmlGuest;

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
});
