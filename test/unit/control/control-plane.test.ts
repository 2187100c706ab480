/** The control plane over a real store: what becomes of leases, rows and records when calls do the unexpected. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CARRIED, ControlledBox } from './box.js';

function leases(box: ControlledBox): string[] {
  return box.store.leases.list().map(({ user, address }) => `${user} ${address}`);
}

test('a call that comes up is leased an address and is on record', (t) => {
  const box = new ControlledBox(t, { alice: {} });
  box.dial('alice');
  assert.deepEqual(leases(box), ['alice 10.0.0.2']);
  assert.deepEqual(
    box.store.calls.newest(10).map(({ user, address }) => [user, address]),
    [['alice', '10.0.0.2']],
  );
  assert.deepEqual(box.errors, []);
});

test('LCP that begins anew, RFC 1661 section 3.4: the user keeps its address, its one session and its record', (t) => {
  const box = new ControlledBox(t, { alice: {} }, { lns: { maxSessionsPerUser: 1 } });
  const call = box.dial('alice');
  box.renegotiate(call, 'alice');
  const [session] = box.plane.appliance.calls();
  assert.deepEqual([session?.state, session?.peerAddress], ['up', '10.0.0.2']);
  assert.deepEqual(leases(box), ['alice 10.0.0.2']);
  assert.equal(box.store.calls.newest(10).length, 1);
});

test('a smaller MRU that the peer names once does not outlast the next one that it names', (t) => {
  const box = new ControlledBox(t, { alice: {} });
  const call = box.dial('alice');
  const mtu_bytes = () => [...box.path.rows.values()].map((row) => [row.mtu_bytes, row.mssClamp_bytes]);
  box.renegotiate(call, 'alice', 576);
  assert.deepEqual(mtu_bytes(), [[576, 536]]);
  box.renegotiate(call, 'alice', 1400);
  assert.deepEqual(mtu_bytes(), [[1400, 1360]]);
});

test('a call does not change hands: who says another name after LCP has begun anew is refused', (t) => {
  const box = new ControlledBox(t, { alice: {}, bob: { fixedAddress: '10.0.0.9' } });
  const call = box.dial('alice');
  box.renegotiate(call, 'bob');
  assert.deepEqual(box.errors, []);
  assert.deepEqual(
    box.closed.map(({ resultCode }) => resultCode),
    [3],
  );
  assert.deepEqual(leases(box), []);
});

test('a user that was given a fixed address during its call gets it when LCP begins anew', (t) => {
  const box = new ControlledBox(t, { alice: {} });
  const call = box.dial('alice');
  box.store.documents.writeUser('alice', { fixedAddress: '10.0.0.9' }, 'test');
  box.renegotiate(call, 'alice');
  assert.deepEqual(box.errors, []);
  assert.deepEqual(leases(box), ['alice 10.0.0.9']);
  assert.equal([...box.plane.appliance.calls()][0]?.peerAddress, '10.0.0.9');
});

test('shutting down: StopCCN with result 6, and the history has what each call carried', async (t) => {
  const box = new ControlledBox(t, { alice: {} });
  box.dial('alice');

  const stopped = box.plane.stop();
  box.run();
  await stopped;

  assert.deepEqual(box.stopped, [6]);
  const [{ endedAt, receivedPackets, receivedOctets, sentPackets, sentOctets }] = box.store.calls.newest(1);
  assert.notEqual(endedAt, '');
  assert.deepEqual({ receivedPackets, receivedOctets, sentPackets, sentOctets }, CARRIED);
});

test('who calls while the box shuts down is refused: nothing begins any more', async (t) => {
  const box = new ControlledBox(t, { alice: {}, bob: {} });
  box.dial('alice');
  const stopped = box.plane.stop();
  box.dial('bob');
  await stopped;
  assert.deepEqual(box.stopped, [6, 4]);
});

test('the lines of a call’s end bear the user and the peer, though the call is gone by then', (t) => {
  const box = new ControlledBox(t, { alice: {} });
  const { sessionId } = box.dial('alice');
  box.caller.closeCall(sessionId, { resultCode: 1 }, box.now_ms);
  box.run();
  const end = box.plane.trace.last(10).filter(({ what }) => what === 'CDN' || what === 'call ended');
  assert.deepEqual(
    end.map(({ what, user, peerAddress }) => [what, user, peerAddress]),
    [
      ['CDN', 'alice', '192.0.2.2'],
      ['call ended', 'alice', '192.0.2.2'],
    ],
  );
});

test('without the right to raw sockets: a problem while anything is to go as IP protocol 115, and else none', async (t) => {
  const box = new ControlledBox(t, {});
  const what = 'open a raw socket: EPERM';
  box.plane.handleReports([{ type: 'failed', what, errno: 'EPERM', advice: 'give it CAP_NET_RAW', fatal: false }]);
  const [problem, ...others] = box.plane.problems();
  assert.deepEqual([problem?.what, others], [what, []]);
  assert.match(problem?.advice ?? '', /CAP_NET_RAW.*l2tp\.accepts/);

  const { settings } = box.plane;
  await box.plane.reconfigure({ ...settings, l2tp: { ...settings.l2tp, accepts: ['udp2', 'udp3'] } });
  assert.deepEqual(box.plane.problems(), []);
});

test('one session for a user: of two calls whose answers come in one turn, one comes up', (t) => {
  for (const lns of [{ maxSessionsPerUser: 1 }, { duplicateLogins: 'refuse' }, { duplicateLogins: 'replace' }]) {
    const box = new ControlledBox(t, { alice: {} }, { lns });
    box.dialTogether('alice', 'alice');
    assert.deepEqual(box.errors, []);
    const standing = [...box.plane.appliance.calls()].filter(({ state }) => state !== 'terminate');
    assert.equal(standing.length, 1, JSON.stringify(lns));
    assert.equal(leases(box).length, 1, JSON.stringify(lns));
  }
});

test('a user with an address of its own calls again: the new call has it at once, whatever is said of second logins', (t) => {
  for (const duplicateLogins of ['allow', 'replace']) {
    const box = new ControlledBox(t, { alice: { fixedAddress: '10.0.0.9' } }, { lns: { duplicateLogins } });
    const first = box.dial('alice');
    const second = box.dial('alice');
    assert.deepEqual(box.errors, []);
    assert.deepEqual(
      box.closed.map(({ sessionId, resultCode, errorMessage }) => [sessionId, resultCode, errorMessage]),
      [[first.sessionId, 3, 'the user has called again']],
    );
    assert.notEqual(second.sessionId, first.sessionId);
    const calls = Array.from(box.plane.appliance.calls(), ({ state, peerAddress }) => [state, peerAddress]);
    assert.deepEqual(calls, [['up', '10.0.0.9']]);
    assert.deepEqual(leases(box), ['alice 10.0.0.9']);
    assert.equal(box.path.rows.size, 1);
  }
});

test('a fault of ours in what a PC says to the LAC is logged and costs nobody else a call; the third in a minute ends the program', (t) => {
  const box = new ControlledBox(t, { alice: {} });
  box.dial('alice');
  const { appliance } = box.plane;
  appliance.handleDiscovery = appliance.handleHeld = () => {
    throw new Error('a fault');
  };
  box.plane.handleReports([{ type: 'discovery', interfaceIndex: 3, frame: new Uint8Array(60) }]);
  box.plane.handleReports([{ type: 'held', sessionId: 0xf000_0001, generation: 1 }]);
  assert.equal(box.errors.length, 2);
  assert.deepEqual(
    Array.from(appliance.calls(), ({ state }) => state),
    ['up'],
  );
  const third = () => box.plane.handleReports([{ type: 'discovery', interfaceIndex: 3, frame: new Uint8Array(60) }]);
  assert.throws(third, /a fault/);
});
