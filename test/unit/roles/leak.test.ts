/** A box runs for years: tunnels and calls that have come and gone must leave nothing in memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { L2tpEndpoint } from '../../../firmware/protocol/l2tp/endpoint.js';
import { Appliance } from '../../../firmware/roles/appliance.js';
import { SeededRandom } from '../../simulation/seeded-random.js';
import { ENDPOINT, LNS } from './pair.js';

const PATH = {
  encapsulation: 'udp' as const,
  localAddress: '192.0.2.2',
  localPort: 1701,
  peerAddress: '192.0.2.1',
  peerPort: 1701,
};
const ARRIVAL = {
  encapsulation: 'udp' as const,
  localAddress: '192.0.2.1',
  localPort: 1701,
  peerAddress: '192.0.2.2',
  peerPort: 1701,
};
const WARM_UP = 300;
const CALLS = 5000;
/** A call or a tunnel that stays is some thousands of bytes; the compiler of the code takes half a million once. */
const GROWTH_PER_CALL_BYTES = 300;

function heapUsed_bytes(): number {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

test('tunnels and calls that are over leave nothing in memory', () => {
  const random = new SeededRandom(8);
  const bytes = (length_bytes: number) => random.bytes(length_bytes);
  const lns = new Appliance(
    { endpoint: ENDPOINT, lns: LNS, lacClients: [], pseudowires: [], lac: undefined, accountingPrefix: '' },
    bytes,
    0,
  );
  const peer = new L2tpEndpoint(ENDPOINT, bytes);
  const policy = {
    peerName: 'peer',
    allowTunnelIdZero: false,
    addressControl: 'detect',
    proxy: 'trust',
    proxyMismatch: 'renegotiate',
    maxSessions: 0,
  } as const;
  let now_ms = 0;
  let connected = 0;

  const exchange = () => {
    for (let quiet = false; !quiet; ) {
      quiet = true;
      for (let event = peer.pollEvent(); event !== undefined; event = peer.pollEvent()) {
        if (event.type !== 'call-replied') continue;
        connected++;
        peer.connectCall(event.sessionId, { txConnectSpeed_bps: 1, framingType: 1 }, now_ms);
      }
      for (let sent = peer.pollTransmit(); sent !== undefined; sent = peer.pollTransmit()) {
        quiet = false;
        lns.handlePacket(sent.packet, ARRIVAL, now_ms);
      }
      lns.turn(now_ms);
      for (let output = lns.pollOutput(); output !== undefined; output = lns.pollOutput()) {
        quiet = false;
        if (output.type === 'send-control') peer.handlePacket(output.packet, PATH, now_ms);
        else if (output.type === 'question' && output.question.type === 'authorize-tunnel') {
          const { questionId, type } = output.question;
          lns.handleAnswer({ type, questionId, accepted: true, policy }, now_ms);
        }
      }
    }
  };

  const callOnce = (serialNumber: number) => {
    const tunnelId = peer.openTunnel({ path: PATH, version: 2 }, now_ms);
    const sessionId = peer.placeCall(tunnelId, { callSerialNumber: serialNumber }, now_ms);
    exchange();
    peer.closeCall(sessionId, { resultCode: 1 }, now_ms);
    peer.closeTunnel(tunnelId, { resultCode: 1 }, now_ms);
    exchange();
    now_ms += 60_000;
    lns.handleTimeout(now_ms);
    peer.handleTimeout(now_ms);
    exchange();
  };

  for (let i = 0; i < WARM_UP; i++) callOnce(i);
  const before_bytes = heapUsed_bytes();
  for (let i = 0; i < CALLS; i++) callOnce(i);
  const growth_bytes = heapUsed_bytes() - before_bytes;
  assert.equal(connected, WARM_UP + CALLS);
  assert.ok(growth_bytes < CALLS * GROWTH_PER_CALL_BYTES, `${growth_bytes} bytes for ${CALLS} calls`);
});
