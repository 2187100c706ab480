/** Reliable delivery of control messages, RFC 2661 section 5.8 and appendix A. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type DeliveryConfig,
  ReliableDelivery,
  retransmissionCycle_ms,
} from '../../../../firmware/protocol/l2tp/reliable-delivery.js';

const CONFIG: DeliveryConfig = {
  receiveWindow: 4,
  retransmitInitial_ms: 1000,
  retransmitCap_ms: 8000,
  maxRetransmits: 5,
};

type Delivery = ReliableDelivery<string, string>;

function delivery(start?: { ns: number; nr: number }, config: Partial<DeliveryConfig> = {}): Delivery {
  return new ReliableDelivery({ ...CONFIG, ...config }, start);
}

/** What goes on the wire now: `ns:message`, with `again ` before a retransmission. */
function wire(from: Delivery): string[] {
  const packets: string[] = [];
  for (let next = from.pollTransmission(); next !== undefined; next = from.pollTransmission()) {
    packets.push(`${next.retransmission ? 'again ' : ''}${next.ns}:${next.message}`);
  }
  return packets;
}

function delivered(to: Delivery): string[] {
  const messages: string[] = [];
  for (let next = to.pollDelivered(); next !== undefined; next = to.pollDelivered()) messages.push(next);
  return messages;
}

/** Acknowledges the first message and each next one by itself, so that the congestion window opens. */
function openWindow(sender: Delivery, acknowledgements: number): void {
  for (let count = 0; count < acknowledgements; count++) {
    sender.send('filler', 0);
    sender.receive(0, sender.nextNs, undefined, 0);
  }
  wire(sender);
}

describe('Ns and Nr, section 5.8', () => {
  it('Ns begins at 0 and counts each message', () => {
    const a = delivery();
    a.send('SCCRQ', 0);
    assert.deepEqual(wire(a), ['0:SCCRQ']);
    a.receive(0, 1, undefined, 10);
    a.send('SCCCN', 10);
    assert.deepEqual(wire(a), ['1:SCCCN']);
  });

  it('Nr is what is expected next; a ZLB does not count', () => {
    const a = delivery();
    assert.equal(a.nr, 0);
    a.receive(0, 0, 'SCCRQ', 0);
    assert.equal(a.nr, 1);
    a.receive(1, 0, undefined, 0);
    assert.equal(a.nr, 1);
  });

  it('a ZLB carries the Ns of the next new message, which it does not use up', () => {
    const a = delivery();
    a.send('SCCRQ', 0);
    assert.equal(a.nextNs, 1);
    a.receive(0, 1, undefined, 0);
    a.send('SCCCN', 0);
    assert.deepEqual(wire(a).slice(1), ['1:SCCCN']);
  });

  it('given the last received 15, then 0 to 15 and 32784 to 65535 are duplicates and 16 and on is new', () => {
    for (const ns of [0, 15, 32784, 65535]) {
      const a = delivery({ ns: 0, nr: 16 });
      assert.equal(a.receive(ns, 0, 'message', 0), 'duplicate', `${ns}`);
      assert.deepEqual(delivered(a), []);
    }
    for (const [ns, reception] of [
      [16, 'in-order'],
      [17, 'held'],
      [19, 'held'],
      [20, 'outside-window'],
      [32783, 'outside-window'],
    ] as const) {
      assert.equal(delivery({ ns: 0, nr: 16 }).receive(ns, 0, 'message', 0), reception, `${ns}`);
    }
  });

  it('both numbers wrap from 65535 to 0', () => {
    const a = delivery({ ns: 65_535, nr: 65_535 });
    a.send('first', 0);
    assert.equal(a.nextNs, 0);
    a.receive(65_535, 0, 'theirs', 0);
    assert.equal(a.nr, 0);
    a.send('second', 0);
    assert.deepEqual(wire(a), ['65535:first', '0:second']);
    assert.equal(a.receive(0, 1, 'next of theirs', 0), 'in-order');
    assert.ok(a.idle);
    assert.deepEqual(delivered(a), ['theirs', 'next of theirs']);
  });
});

describe('acknowledgement, section 5.8', () => {
  it('a message is to be acknowledged, a ZLB is not', () => {
    const a = delivery();
    a.receive(0, 0, undefined, 0);
    assert.equal(a.acknowledgementDue, false);
    a.receive(0, 0, 'HELLO', 0);
    assert.equal(a.acknowledgementDue, true);
    a.noteAcknowledged();
    assert.equal(a.acknowledgementDue, false);
  });

  it('a duplicate is ignored but acknowledged again', () => {
    const a = delivery();
    a.receive(0, 0, 'HELLO', 0);
    a.noteAcknowledged();
    assert.equal(a.receive(0, 0, 'HELLO', 0), 'duplicate');
    assert.equal(a.acknowledgementDue, true);
    assert.deepEqual(delivered(a), ['HELLO']);
  });

  it('one that acknowledges what was never sent is not taken, nor the message with it', () => {
    const a = delivery();
    a.send('SCCRQ', 0);
    assert.equal(a.receive(0, 2, 'SCCRP', 0), 'invalid-acknowledgement');
    assert.equal(a.nr, 0);
    assert.equal(a.idle, false);
  });

  it('one that comes late changes nothing, and its message counts', () => {
    const a = delivery({ ns: 100, nr: 0 });
    assert.equal(a.receive(0, 98, 'HELLO', 0), 'in-order');
  });

  it('acknowledges all messages before Nr', () => {
    const a = delivery();
    openWindow(a, 3);
    for (const message of ['a', 'b', 'c']) a.send(message, 0);
    a.receive(0, 5, undefined, 0);
    assert.equal(a.idle, false);
    a.receive(0, 6, undefined, 0);
    assert.equal(a.idle, true);
  });
});

describe('messages out of order, section 5.8', () => {
  it('are held and delivered in order, each once', () => {
    const a = delivery();
    assert.equal(a.receive(2, 0, 'third', 0), 'held');
    assert.equal(a.receive(1, 0, 'second', 0), 'held');
    assert.equal(a.receive(2, 0, 'third', 0), 'held');
    assert.deepEqual(delivered(a), []);
    assert.equal(a.acknowledgementDue, false);
    assert.equal(a.receive(0, 0, 'first', 0), 'in-order');
    assert.deepEqual(delivered(a), ['first', 'second', 'third']);
    assert.equal(a.nr, 3);
    assert.equal(a.receive(1, 0, 'second', 0), 'duplicate');
  });

  it('are not delivered again when their numbers come round', () => {
    const a = delivery();
    a.receive(1, 0, 'held', 0);
    for (let ns = 0; ns < 0x10000 + 3; ns++) if (ns !== 1) a.receive(ns % 0x10000, 0, `${ns}`, 0);
    const messages = delivered(a);
    assert.equal(messages.filter((message) => message === 'held').length, 1);
    assert.equal(messages.length, 0x10000 + 3);
  });

  it('beyond the receive window are dropped', () => {
    const a = delivery();
    assert.equal(a.receive(4, 0, 'fifth', 0), 'outside-window');
    for (const [ns, message] of [
      [3, 'fourth'],
      [2, 'third'],
      [1, 'second'],
      [0, 'first'],
    ] as const) {
      a.receive(ns, 0, message, 0);
    }
    assert.deepEqual(delivered(a), ['first', 'second', 'third', 'fourth']);
  });
});

describe('retransmission, section 5.8', () => {
  it('after 1 s, then after twice the time each, at most 8 s; five in vain end it: 31 s in all', () => {
    const a = delivery();
    a.send('SCCRQ', 0);
    wire(a);
    const times: number[] = [];
    while (a.deadline_ms !== undefined) {
      const now_ms = a.deadline_ms;
      a.handleTimeout(now_ms - 1);
      assert.deepEqual(wire(a), [], 'not before its time');
      a.handleTimeout(now_ms);
      const packets = wire(a);
      if (packets.length > 0) {
        assert.deepEqual(packets, ['again 0:SCCRQ']);
        times.push(now_ms);
      } else {
        assert.equal(now_ms, 31_000);
      }
    }
    assert.deepEqual(times, [1000, 3000, 7000, 15_000, 23_000]);
    assert.equal(a.exhausted, true);
    assert.equal(retransmissionCycle_ms(CONFIG), 31_000);
  });

  it('starts anew with 1 s and all tries when something was acknowledged', () => {
    const a = delivery();
    a.send('first', 0);
    a.send('second', 0);
    a.handleTimeout(1000);
    a.handleTimeout(3000);
    wire(a);
    a.receive(0, 1, undefined, 4000);
    assert.deepEqual(wire(a), ['1:second']);
    assert.equal(a.deadline_ms, 5000);
  });

  it('is of the first message alone; the others follow as acknowledgements come', () => {
    const a = delivery();
    openWindow(a, 3);
    for (const message of ['a', 'b', 'c']) a.send(message, 0);
    assert.deepEqual(wire(a), ['3:a', '4:b', '5:c']);
    a.handleTimeout(1000);
    assert.deepEqual(wire(a), ['again 3:a']);
    a.receive(0, 4, undefined, 1100);
    assert.deepEqual(wire(a), ['again 4:b', 'again 5:c']);
  });

  it('does not repeat what the peer held and now acknowledges with the first', () => {
    const a = delivery();
    openWindow(a, 3);
    for (const message of ['a', 'b', 'c']) a.send(message, 0);
    wire(a);
    a.handleTimeout(1000);
    wire(a);
    a.receive(0, 6, undefined, 1100);
    assert.deepEqual(wire(a), []);
    assert.ok(a.idle);
    assert.equal(a.deadline_ms, undefined);
  });
});

describe('transmit window, section 5.8 and appendix A', () => {
  /** Keeps the queue full, acknowledges every packet by itself and notes the window after each. */
  function windowsAfterEachAcknowledgement(a: Delivery, count: number): number[] {
    const windows: number[] = [];
    for (let index = 0; index < count; index++) {
      a.send('message', 0);
      wire(a);
      a.receive(0, a.nextNs, undefined, 0);
      windows.push(a.transmitWindow);
    }
    return windows;
  }

  it('slow start: one packet at first, one more with each acknowledgement, up to 4 without a window of the peer', () => {
    const a = delivery();
    assert.equal(a.transmitWindow, 1);
    assert.deepEqual(windowsAfterEachAcknowledgement(a, 5), [2, 3, 4, 4, 4]);
  });

  it('never above the window of the peer', () => {
    const a = delivery();
    a.setPeerWindow(2);
    assert.deepEqual(windowsAfterEachAcknowledgement(a, 3), [2, 2, 2]);
    for (const message of ['a', 'b', 'c']) a.send(message, 0);
    assert.deepEqual(wire(a), ['3:a', '4:b']);
    a.receive(0, 4, undefined, 0);
    assert.deepEqual(wire(a), ['5:c']);
  });

  it('a peer with window 1 gets one message at a time', () => {
    const a = delivery();
    a.setPeerWindow(1);
    a.send('a', 0);
    a.send('b', 0);
    assert.deepEqual(wire(a), ['0:a']);
    a.receive(0, 1, undefined, 0);
    assert.deepEqual(wire(a), ['1:b']);
  });

  it('after a retransmission from one again, slowly above half of what it was', () => {
    const a = delivery();
    a.setPeerWindow(16);
    windowsAfterEachAcknowledgement(a, 7);
    assert.equal(a.transmitWindow, 8);
    a.send('lost', 0);
    wire(a);
    a.handleTimeout(1000);
    assert.equal(a.transmitWindow, 1);
    assert.deepEqual(wire(a), ['again 7:lost']);
    a.receive(0, 8, undefined, 1000);
    // 2 and 3 and 4 by slow start; then one more for each whole window of acknowledgements.
    assert.equal(a.transmitWindow, 2);
    assert.deepEqual(windowsAfterEachAcknowledgement(a, 11), [3, 4, 4, 4, 4, 5, 5, 5, 5, 5, 6]);
  });
});

describe('HELLO and StopCCN in the windows', () => {
  it('a HELLO that is never acknowledged leaves room for a message', () => {
    const a = delivery();
    a.send('HELLO', 0, 'keepalive');
    a.handleTimeout(1000);
    wire(a);
    a.send('ICRP', 1500);
    assert.deepEqual(wire(a), ['1:ICRP']);
  });

  it('a HELLO that is never acknowledged ends nothing while there is life otherwise, and ends it once there is none', () => {
    const a = delivery();
    a.send('HELLO', 0, 'keepalive');
    for (let now_ms = 0; now_ms <= 120_000; now_ms += 500) {
      a.noteLife(now_ms);
      a.handleTimeout(now_ms);
    }
    assert.equal(a.exhausted, false);
    for (let now_ms = 120_000; now_ms <= 120_000 + 31_000 + 8000; now_ms += 500) a.handleTimeout(now_ms);
    assert.equal(a.exhausted, true);
  });

  it('life otherwise does not save a tunnel whose other messages stay unacknowledged', () => {
    const a = delivery();
    a.send('ICRP', 0);
    for (let now_ms = 0; now_ms <= 31_000; now_ms += 500) {
      a.noteLife(now_ms);
      a.handleTimeout(now_ms);
    }
    assert.equal(a.exhausted, true);
  });

  it('a message after a HELLO ignored for long has all its tries', () => {
    const a = delivery();
    a.send('HELLO', 0, 'keepalive');
    for (let now_ms = 0; now_ms <= 60_000; now_ms += 500) {
      a.noteLife(now_ms);
      a.handleTimeout(now_ms);
    }
    a.send('CDN', 60_100);
    wire(a);
    const deadlines: (number | undefined)[] = [];
    while (!a.exhausted) {
      deadlines.push(a.deadline_ms);
      a.handleTimeout(a.deadline_ms ?? 0);
    }
    assert.deepEqual(deadlines, [61_100, 63_100, 67_100, 75_100, 83_100, 91_100]);
  });

  it('the last message does not wait for the congestion window, nor behind what was never sent', () => {
    const a = delivery();
    a.send('ICRQ', 0);
    a.send('second ICRQ', 0);
    wire(a);
    a.dropUnsent();
    a.send('StopCCN', 0, 'last');
    assert.deepEqual(wire(a), ['1:StopCCN']);
  });
});

describe('isCurrent: what proves that the sender follows the tunnel', () => {
  it('Ns from the next expected on within the window, and Nr not behind the last acknowledgement', () => {
    const a = delivery({ ns: 50, nr: 20 });
    a.send('message', 0);
    assert.equal(a.isCurrent(20, 50), true);
    assert.equal(a.isCurrent(23, 51), true);
    assert.equal(a.isCurrent(24, 51), false, 'Ns beyond the window');
    assert.equal(a.isCurrent(19, 51), false, 'Ns seen before');
    assert.equal(a.isCurrent(20, 49), false, 'Nr behind');
    assert.equal(a.isCurrent(20, 52), false, 'Nr of what was not sent');
  });
});

describe('properties over a channel that loses, repeats and reorders', () => {
  interface Packet {
    ns: number;
    nr: number;
    message: number | undefined;
  }

  /** Two ends, a channel driven by `fates`, time in steps of 100 ms, until all is acknowledged. */
  function run(start: number, counts: [number, number], windows: [number, number], fates: () => number): number[][] {
    const config = (receiveWindow: number) => ({ ...CONFIG, receiveWindow, maxRetransmits: 1000 });
    const ends = [
      new ReliableDelivery<number, number>(config(windows[0]), { ns: start, nr: start }),
      new ReliableDelivery<number, number>(config(windows[1]), { ns: start, nr: start }),
    ];
    ends[0].setPeerWindow(windows[1]);
    ends[1].setPeerWindow(windows[0]);
    const got: number[][] = [[], []];
    const onTheWay: { to: number; at_ms: number; packet: Packet }[] = [];
    const post = (from: number, packet: Packet, now_ms: number) => {
      const fate = fates();
      if (fate % 10 < 3) return;
      const copies = fate % 10 === 3 ? 2 : 1;
      for (let copy = 0; copy < copies; copy++) {
        onTheWay.push({ to: 1 - from, at_ms: now_ms + (fates() % 30) * 100, packet });
      }
    };
    counts.forEach((count, from) => {
      for (let message = 0; message < count; message++) ends[from].send(message, 0);
    });
    for (let now_ms = 0; now_ms < 3_000_000 && !ends.every((end) => end.idle); now_ms += 100) {
      for (const item of onTheWay.filter(({ at_ms }) => at_ms <= now_ms)) {
        onTheWay.splice(onTheWay.indexOf(item), 1);
        ends[item.to].receive(item.packet.ns, item.packet.nr, item.packet.message, now_ms);
      }
      ends.forEach((end, index) => {
        end.handleTimeout(now_ms);
        for (let next = end.pollDelivered(); next !== undefined; next = end.pollDelivered()) got[index].push(next);
        for (let next = end.pollTransmission(); next !== undefined; next = end.pollTransmission()) {
          post(index, { ns: next.ns, nr: end.nr, message: next.message }, now_ms);
          end.noteAcknowledged();
        }
        if (end.acknowledgementDue) {
          post(index, { ns: end.nextNs, nr: end.nr, message: undefined }, now_ms);
          end.noteAcknowledged();
        }
      });
    }
    assert.ok(
      ends.every((end) => end.idle),
      'all is acknowledged in the end',
    );
    return got;
  }

  it('every message arrives exactly once and in order, also over the wrap at 65535', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.constant(0), fc.integer({ min: 65_500, max: 65_535 })),
        fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 60 })),
        fc.tuple(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 16 })),
        fc.integer({ min: 1, max: 0x7fffffff }),
        (start, counts, windows, seed) => {
          let state = seed;
          const fates = () => {
            state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
            return state >>> 8;
          };
          const got = run(start, counts, windows, fates);
          assert.deepEqual(got[1], [...Array(counts[0]).keys()]);
          assert.deepEqual(got[0], [...Array(counts[1]).keys()]);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('no sequence of packets makes it deliver out of order, twice, or throw', () => {
    const packet = fc.record({
      ns: fc.oneof(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 65_535 })),
      nr: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 65_535 })),
      zlb: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 60 }), (packets) => {
        const a = new ReliableDelivery<string, number>(CONFIG);
        a.send('one', 0);
        a.send('two', 0);
        const got: number[] = [];
        for (const { ns, nr, zlb } of packets) {
          a.receive(ns, nr, zlb ? undefined : ns, 0);
          for (let next = a.pollDelivered(); next !== undefined; next = a.pollDelivered()) got.push(next);
        }
        assert.deepEqual(got, [...got.keys()]);
        assert.equal(a.nr, got.length);
      }),
      { numRuns: 300 },
    );
  });
});
