/** Calls that come and go: fifty in a row, and a program that is killed in the midst of them. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS, bootGuest, layThreeSites, type Sites } from '../lab/three-sites.js';
import type { Appliance } from './appliance.js';
import { idle, listening, startLns, USER } from './lns.js';
import type { UmlGuest } from './uml.js';
import { type CallerOptions, Xl2tpdCaller } from './xl2tpd.js';

const REDIALS = 50;
/** When the program is killed, counted from the dialling: a call is up some 300 ms after it. */
const KILLED_AFTER_MS = [0, 5, 20, 50, 100, 150, 200, 250, 300, 400, 600, 1000];

const CALLER: CallerOptions = {
  ...{ lns: ADDRESS.lns, authentication: 'chap-md5', user: USER.name, password: USER.password, path: 'kernel' },
  ...{ ipv6: true, routes: [ADDRESS.officeNetwork] },
};

describe('redialling', { skip: labIsMissing() }, () => {
  let sites: Sites;
  let appliance: Appliance;
  let guest: UmlGuest;

  before(async () => {
    sites = await layThreeSites();
    [appliance, guest] = await Promise.all([startLns(sites), bootGuest(sites)]);
    // Two addresses: one that leaks is missed at once.
    await appliance.api.putPool('default', { ranges: [{ first: '10.112.112.10', last: '10.112.112.11' }] });
  });
  after(() => sites?.lab.close());

  it(`xl2tpd redials ${REDIALS} times: no lease, session or tunnel is left`, { timeout: 180_000 }, async () => {
    const caller = await Xl2tpdCaller.start(guest, CALLER);
    const addresses = new Set<string>();
    for (let redial = 0; redial < REDIALS; redial++) {
      addresses.add((await caller.connect()).localAddress);
      if (redial % 2 === 0) await caller.disconnect();
      else {
        await caller.hangUp();
        await caller.closeTunnel();
      }
    }
    await caller.stop();
    await idle(appliance);
    assert.equal(await appliance.api.leasedCount(), 0);
    assert.deepEqual([...addresses], ['10.112.112.10'], 'a user gets its last address again when it is free');
  });

  it('killed at any moment and started again: every address is free or validly leased', {
    timeout: 180_000,
  }, async () => {
    for (const killedAfter_ms of KILLED_AFTER_MS) {
      const caller = await Xl2tpdCaller.start(guest, CALLER);
      await caller.dial();
      await new Promise((resolve) => setTimeout(resolve, killedAfter_ms));
      await appliance.kill();
      await caller.crash();
      await appliance.restart();
      await listening(appliance);
      const status = await appliance.api.status();
      assert.equal(status.sessions, 0);
      assert.equal(await appliance.api.leasedCount(), 0, `killed ${killedAfter_ms} ms after dialling`);
    }
    const caller = await Xl2tpdCaller.start(guest, CALLER);
    await caller.connect();
    assert.equal(await appliance.api.leasedCount(), 1);
    await guest.run(`ping -n -c 2 -i 0.2 -W 2 ${ADDRESS.office}`);
    await caller.disconnect();
    await caller.stop();
    await idle(appliance);
    assert.equal(await appliance.api.leasedCount(), 0);
  });

  it('ended by its supervisor, the program hangs up on everybody and takes its network settings away', async () => {
    const caller = await Xl2tpdCaller.start(guest, CALLER);
    await caller.connect();
    const from = guest.mark();
    assert.equal(await appliance.stop(), 0);
    await caller.linkDown(from);
    const { stdout } = await sites.lns.run(['ip', '-o', 'link', 'show']);
    assert.doesNotMatch(stdout, /tw0/);
    await caller.stop();
  });
});
