/** Many PPPoE calls at once through LAC and LNS, as when the power comes back in a town, and when an LNS does. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import { dialOrder, type LacAndLns, nothingLeft, standing, startLacAndLns } from './lac-and-lns.js';
import { listening } from './lns.js';

const CALLS = 500;
const MANY = 200;

describe(`${CALLS} PPPoE calls in flight at once`, { skip: labIsMissing() }, () => {
  let boxes: LacAndLns;

  before(async () => {
    // As many addresses as calls: one that is given twice, or leaks, is missed at once. Each box soon sees that the
    // other is gone.
    const l2tp = { receiveWindow: 64, helloInterval_s: 5, maxRetransmits: 3 };
    boxes = await startLacAndLns({ users: CALLS, lac: { l2tp, lac: { tunnelIdle_s: 2 } }, lns: { l2tp } });
  });
  after(() => boxes?.sites.lab.close());

  async function allComeUp(): Promise<void> {
    const { lac, lns, callers } = boxes;
    const { up, failures } = await callers.dial(dialOrder({ calls: CALLS }));
    assert.deepEqual(failures, {});
    assert.equal(up.length, CALLS);
    await standing(boxes, CALLS);
    assert.equal(new Set(up.map(({ address }) => address)).size, CALLS, 'no address is given twice');
    assert.equal(new Set(up.map(({ sessionId }) => sessionId)).size, CALLS, 'SESSION_IDs differ');
    assert.equal(await lns.api.leasedCount(), CALLS);
    const [tunnel, ...others] = await lac.api.tunnels();
    assert.deepEqual([tunnel.sessions, others.length], [CALLS, 0]);
  }

  it('all come up, reach the office, hang up, and nothing is left', { timeout: 150_000 }, async () => {
    const { lac, lns, callers } = boxes;
    await allComeUp();
    const pings = await callers.ping(ADDRESS.office, 20_000);
    assert.deepEqual(pings, { asked: CALLS, answered: CALLS, strays: 0 });
    assert.deepEqual(await callers.ended(), [], 'no call ended by itself');
    assert.equal(await callers.hangUp(), CALLS);
    await nothingLeft(boxes);
    await until('the idle tunnel is closed', 20_000, async () => {
      return (await lac.api.tunnels()).length === 0 && (await lns.api.tunnels()).length === 0;
    });
  });

  it('Juniper’s redial storm: the LNS dies under them, all are hung up on, redial at once and come up', {
    timeout: 200_000,
  }, async () => {
    const { lns, callers } = boxes;
    await allComeUp();
    await lns.kill();
    await lns.restart();
    await listening(lns);
    const ended = new Map<number, string>();
    await until('every PC is hung up on', 60_000, async () => {
      for (const { pc, reason } of await callers.ended()) ended.set(pc, reason);
      return ended.size === CALLS;
    });
    await allComeUp();
    assert.equal(await callers.hangUp(), CALLS);
    await nothingLeft(boxes);
  });

  it('the LAC dies under them: the LNS gives their addresses free, and all that dial again come up', {
    timeout: 150_000,
  }, async () => {
    const { lac, lns, callers } = boxes;
    await allComeUp();
    await lac.kill();
    await lac.restart();
    // The LAC that is back knows nothing of their sessions.
    assert.equal(await callers.hangUp(), CALLS);
    await until('the LNS has given up the calls', 60_000, async () => {
      return (await lns.api.status()).sessions === 0 && (await lns.api.leasedCount()) === 0;
    });
    await allComeUp();
    assert.equal(await callers.hangUp(), CALLS);
    await nothingLeft(boxes);
  });

  it('PCs that hang up at any moment of their calls’ set-up: nothing is left', { timeout: 150_000 }, async () => {
    const { callers } = boxes;
    for (const patience_ms of [5, 20, 50, 100, 150, 200, 300, 500, 800]) {
      await callers.dial(dialOrder({ calls: MANY, timeout_ms: patience_ms }));
      await callers.hangUp();
    }
    // Others come up meanwhile.
    const { failures } = await callers.dial(dialOrder({ calls: MANY, firstPc: MANY }));
    assert.deepEqual(failures, {});
    assert.equal(await callers.hangUp(), MANY);
    // A PC that vanishes before its PADS is a session of which the LAC learns by LCP that nobody is there.
    await nothingLeft(boxes, 60_000);
    await allComeUp();
    assert.equal(await callers.hangUp(), CALLS);
    await nothingLeft(boxes);
  });
});
