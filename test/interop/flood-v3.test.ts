/**
 * A flood of protocol-115 packets from forged addresses against the running program: data of random sessions and requests
 * for tunnels. Memory stays bounded, what is too much is counted without a line of log, and a real call placed meanwhile
 * comes up.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { labIsMissing } from '../lab/requirements.js';
import { BOX_ADDRESS, branchCalls, layBoxAndStrangers, PEER_ADDRESS, type Surroundings } from './box-and-strangers.js';
import { idle } from './lns.js';
import { RawSocketPeer } from './raw-socket-peer.js';
import { Version3Peer } from './version3-peer.js';

const FORGED = Array.from({ length: 250 }, (_, host) => `198.18.0.${host + 1}`);
const PACKETS_OF_EACH = 200;
const ESTABLISH_TIMEOUT_S = 5;
const MAX_TUNNELS = 100;
const GROWTH_LIMIT_BYTES = 96 * 1024 * 1024;

describe('a flood over IP', { skip: labIsMissing() }, () => {
  let around: Surroundings;

  before(async () => {
    around = await layBoxAndStrangers({
      l2tp: { establishTimeout_s: ESTABLISH_TIMEOUT_S, maxTunnels: MAX_TUNNELS },
    });
    await around.at.box.ip(`route add 198.18.0.0/24 via ${PEER_ADDRESS}`);
  });
  after(() => around?.lab.close());

  it('50,000 data packets and 50,000 SCCRQs: bounded memory and log, and the branch’s call comes up', async () => {
    const { box, at, branch, peer } = around;
    const memory_bytes = box.residentMemory_bytes();
    const logged = box.logLineCount;
    const { drops: before } = await box.api.status();
    const one = new Version3Peer(peer.ip, 0x3000_0001, { encapsulation: 'ip' });
    const data = Array.from({ length: PACKETS_OF_EACH }, (_, i) =>
      one.data(0x1_0000 + Math.imul(i + 1, 0x9e37_79b1) / 4 + 0x4000_0000, new Uint8Array(8), Buffer.alloc(40)),
    );
    const requests = Array.from({ length: PACKETS_OF_EACH }, (_, i) =>
      one.packet(one.sccrq({ assignedControlConnectionId: i + 1 })),
    );
    const flooder = await RawSocketPeer.start(at.peer, BOX_ADDRESS);
    const flood = flooder.sendFrom(FORGED, [...data, ...requests]);
    await branchCalls(around);
    await flood;
    const { drops, tunnels } = await box.api.status();
    assert.ok(tunnels <= MAX_TUNNELS, `${tunnels} tunnels`);
    for (const reason of ['unknown-session', 'stranger-rate']) {
      assert.ok(drops[reason]! - before[reason]! > 10_000, `${reason}: ${JSON.stringify(drops)}`);
    }
    const lines = box.log(logged).filter((line) => !line.includes('"call up"'));
    assert.deepEqual(lines, []);
    const grown_bytes = box.residentMemory_bytes() - memory_bytes;
    assert.ok(grown_bytes < GROWTH_LIMIT_BYTES, `${grown_bytes} bytes`);
    await branch.api.configure({ lacClients: [] });
    await idle(box, 3 * ESTABLISH_TIMEOUT_S * 1000);
    assert.equal(await box.api.leasedCount(), 0);
  });
});
