/** What the main thread is told, and how much may wait for it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readDropCounters, viewCounters } from '../../../firmware/dataplane/counters.js';
import { type DataPlaneReport, reportsHandled } from '../../../firmware/dataplane/interface.js';
import { reportReader } from '../../../firmware/dataplane/messages.js';
import { MAX_WAITING, PuntQueue } from '../../../firmware/dataplane/punt-queue.js';
import { Harness, HOST_MAC, hex, INTERFACE, LOCAL_MAC, lnsRow } from './harness.js';

const SCCRQ = hex('c802 0014 0000 0000 0000 0000 8008 0000 0000 0001');
const HELLO = hex('c802 0014 0a0a 0000 0001 0001 8008 0000 0000 0006');
const PADI = hex('ffffffffffff', HOST_MAC, '8863 1109 0000 0004 0101 0000');
const PADT = hex(LOCAL_MAC, HOST_MAC, '8863 11a7 1234 0000');
const ECHO_REQUEST = hex('0002 0a0a 0101 ff03 c021 09010008 00000000');

function open() {
  const harness = new Harness();
  const path = {
    encapsulation: 'udp' as const,
    localAddress: '192.0.2.2',
    localPort: 1701,
    peerAddress: '192.0.2.1',
    peerPort: 1701,
  };
  harness.forwarder.tunnels.set(0x0a0a, path);
  harness.forwarder.addSession(lnsRow());
  const queue = new PuntQueue(viewCounters(harness.counters), harness.forwarder.sessions, 1701);
  /** Receives datagrams and gives them to the queue, one at a time. */
  const take = (packet: string, times = 1) => {
    for (let i = 0; i < times; i++) {
      // Slowly enough for every rate.
      harness.now_ms += 1000;
      harness.fill(packet);
      harness.input.peerAddress.set(
        new Uint32Array(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1).buffer),
      );
      harness.input.localAddress.set(harness.input.peerAddress.subarray(0, 4));
      harness.input.peerPort[0] = 4500;
      harness.forwarder.forwardUpstream(harness.input, 'udp', harness.now_ms);
      queue.take(harness.forwarder.output);
      harness.forwarder.output.clear();
    }
  };
  /** Receives frames from an interface, one at a time. */
  const takeFrame = (frame: string, times = 1) => {
    for (let i = 0; i < times; i++) {
      harness.now_ms += 1000;
      harness.fill(frame);
      harness.forwarder.forwardPppoe(harness.input, INTERFACE, harness.now_ms);
      queue.take(harness.forwarder.output);
      harness.forwarder.output.clear();
    }
  };
  const reader = reportReader();
  /** The reports as the main thread reads them. */
  const drain = (): DataPlaneReport[] => {
    const message = queue.drain();
    return message === undefined ? [] : reader.parse(structuredClone(message));
  };
  return { harness, queue, take, takeFrame, drain, drops: () => readDropCounters(harness.counters) };
}

describe('reports to the main thread', () => {
  test('a control message with its path, a frame with its session; strangers last', () => {
    const { queue, take, drain } = open();
    queue.push({ type: 'tun-opened', tun: 0, name: 'tw0' });
    take(SCCRQ);
    take(HELLO);
    take(ECHO_REQUEST);
    const path = {
      encapsulation: 'udp' as const,
      localAddress: '192.0.2.1',
      localPort: 1701,
      peerAddress: '192.0.2.1',
      peerPort: 4500,
    };
    const packet = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));
    assert.deepEqual(drain(), [
      { type: 'tun-opened', tun: 0, name: 'tw0' },
      { type: 'control', path, packet: packet(HELLO) },
      { type: 'ppp', sessionId: 0x0101, generation: 7, protocol: 0xc021, information: packet(ECHO_REQUEST.slice(20)) },
      { type: 'control', path, packet: packet(SCCRQ) },
    ]);
    assert.deepEqual(drain(), []);
  });

  test('discovery with its interface: what is for us before what is for all, and that behind the rest', () => {
    const { take, takeFrame, drain } = open();
    takeFrame(PADI);
    take(SCCRQ);
    takeFrame(PADT);
    take(HELLO);
    const kinds = drain().map((report) => {
      if (report.type === 'control') return Buffer.from(report.packet).toString('hex');
      assert.ok(report.type === 'discovery' && report.interfaceIndex === INTERFACE);
      return Buffer.from(report.frame).toString('hex');
    });
    assert.deepEqual(kinds, [PADT, HELLO, PADI, SCCRQ]);
  });

  test('discovery waits in bounded numbers: what is for all in smaller ones', () => {
    const { harness, takeFrame, drain, drops } = open();
    takeFrame(PADI, MAX_WAITING.discoveryToAll + 3);
    assert.equal(drops()['discovery-backlog'], 3);
    takeFrame(PADT, MAX_WAITING.discovery - MAX_WAITING.discoveryToAll + 2);
    assert.equal(drops()['discovery-backlog'], 5);
    reportsHandled(harness.counters, drain());
    takeFrame(PADI);
    assert.equal(drops()['discovery-backlog'], 5);
    assert.equal(drain().length, 1);
  });

  test('the bytes are the receiver’s own: the slot may be used again', () => {
    const { harness, take, drain } = open();
    take(HELLO);
    harness.memory.fill(0);
    const [report] = drain();
    assert.equal(report?.type === 'control' && Buffer.from(report.packet).toString('hex'), HELLO);
  });

  test('strangers wait in small numbers, PPP in larger ones, control messages of tunnels in the largest', () => {
    const { take, drops } = open();
    take(SCCRQ, MAX_WAITING.strangers + 3);
    assert.equal(drops()['stranger-backlog'], 3);
    take(ECHO_REQUEST, MAX_WAITING.ppp - MAX_WAITING.strangers + 2);
    assert.equal(drops()['ppp-backlog'], 2);
    take(HELLO, MAX_WAITING.control - MAX_WAITING.ppp + 1);
    assert.equal(drops()['control-backlog'], 1);
  });

  test('what the main thread has handled makes room', () => {
    const { harness, take, drain, drops } = open();
    take(SCCRQ, MAX_WAITING.strangers);
    const reports = drain();
    assert.equal(reports.length, MAX_WAITING.strangers);
    reportsHandled(harness.counters, [...reports.slice(0, 2), { type: 'tun-opened', tun: 0, name: 'tw0' }]);
    take(SCCRQ, 3);
    assert.equal(drops()['stranger-backlog'], 1);
    assert.equal(drain().length, 2);
  });
});
