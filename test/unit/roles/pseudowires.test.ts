/** Ethernet pseudowires between two boxes: set up by control messages, or given by settings alone. */
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import type { PseudowireEnds } from '../../../firmware/roles/pseudowires.js';
import { CIRCUIT_STATUS } from '../../../firmware/wire/avp.js';
import { latin1 } from '../../../firmware/wire/bytes.js';
import { ADDRESS, DIAL, LISTEN, TAP, Wires, wire } from './wires.js';

const UP_MS = 100;

function connected(dial: Partial<PseudowireEnds> = {}, listen: Partial<PseudowireEnds> = {}): Wires {
  const west = wire({ ...DIAL, ...dial } as PseudowireEnds);
  const east = wire({ ...LISTEN, ...listen } as PseudowireEnds);
  const wires = new Wires({ west: [west], east: [east] });
  wires.run(UP_MS);
  return wires;
}

describe('a pseudowire that is dialled by Remote End ID (RFC 3931 section 5.4.4)', () => {
  for (const encapsulation of ['ip', 'udp3'] as const) {
    it(`comes up over ${encapsulation}, frames pass at both ends`, () => {
      const wires = connected({ encapsulation } as Partial<PseudowireEnds>);

      for (const side of ['west', 'east'] as const) {
        assert.equal(wires.status(side).state, 'up', wires.status(side).lastFailure);
        const { version, payload, ethernetOpen, bindTun, tun, path } = wires.row(side);
        assert.deepEqual(
          { version, payload, ethernetOpen, bindTun, tun },
          { version: 3, payload: 'ethernet', ethernetOpen: true, bindTun: true, tun: TAP },
        );
        assert.equal(path.encapsulation, encapsulation === 'ip' ? 'ip' : 'udp');
      }
      const [west, east] = [wires.row('west'), wires.row('east')];
      assert.deepEqual([west.peerSessionId, east.peerSessionId], [east.sessionId, west.sessionId]);
    });
  }

  for (const cookie_bytes of [0, 4, 8]) {
    it(`each end sends the cookie of ${cookie_bytes} octets that the other has assigned`, () => {
      const wires = connected({ cookie_bytes } as Partial<PseudowireEnds>);
      const [west, east] = [wires.row('west'), wires.row('east')];

      assert.deepEqual([west.localCookie.length, east.localCookie.length], [cookie_bytes, 8]);
      assert.deepEqual(west.peerCookie, east.localCookie);
      assert.deepEqual(east.peerCookie, west.localCookie);
    });
  }

  it('an end that wants numbers gets them, in the Default L2-Specific Sublayer; the other does not', () => {
    const wires = connected({ sequencing: true } as Partial<PseudowireEnds>);
    const [west, east] = [wires.row('west'), wires.row('east')];

    assert.deepEqual([west.localSublayer, west.peerSublayer, west.sequencing], [true, false, false]);
    assert.deepEqual([east.localSublayer, east.peerSublayer, east.sequencing], [false, true, true]);
  });

  it('its ICRQ says type, Remote End ID, a new and active circuit and the MTU', () => {
    const { avps } = connected().message('west', 'ICRQ');

    assert.equal(avps.pseudowireType, 5);
    assert.equal(latin1(avps.remoteEndId ?? new Uint8Array()), 'lan');
    assert.equal(avps.circuitStatus, CIRCUIT_STATUS.new | CIRCUIT_STATUS.active);
    assert.equal(avps.interfaceMtu_bytes, 1500);
    assert.equal(avps.remoteSessionId, 0);
  });

  it('with the right secret it comes up; with a wrong one it does not, and dials again', () => {
    const west = wire({ ...DIAL, tunnelSecret: 'right' } as PseudowireEnds);
    for (const [secret, state] of [
      ['right', 'up'],
      ['wrong', 'dialling'],
    ] as const) {
      const wires = new Wires({ west: [west], east: [wire(LISTEN)] });
      wires.secret = secret;
      wires.run(UP_MS);
      assert.equal(wires.status('west').state, state);
      wires.run(70_000);
      assert.equal(wires.status('west').state === 'up', secret === 'right');
      if (secret === 'right') continue;
      // Silence is all that the dialling end gets; the other one knows, and says so to its own people.
      assert.match(wires.status('west').lastFailure, /the peer does not answer, or has another secret/);
      const refused = wires.outputs.east.filter((output) => output.type === 'tunnel-refused');
      assert.equal(refused[0]?.peerAddress, ADDRESS.west);
      assert.match(refused[0].reason, /Message Digest is wrong/);
    }
  });

  it('while none has asked, one that listens shows no failure, and one that dials none but that of its dialling', () => {
    const listening = new Wires({ west: [], east: [wire(LISTEN)] });
    listening.run(UP_MS);
    const { state, lastFailure } = listening.status('east');
    assert.deepEqual({ state, lastFailure }, { state: 'listening', lastFailure: '' });

    const alone = new Wires({ west: [wire(DIAL)], east: [] });
    alone.run(UP_MS);
    assert.match(alone.status('west').lastFailure, /^the tunnel was closed by the peer/);
  });

  for (const [why, dial, listen, said] of [
    ['another type', { pseudowireType: 4, vlanId: 7 }, {}, /asks for type 4, and the type set here is 5/],
    ['another MTU', { mtu_bytes: 1400 }, {}, /the interface MTUs differ: 1500 here, 1400 there/],
    ['another address', {}, { peerAddress: '192.0.2.99' }, /the peer set here is 192\.0\.2\.99/],
  ] as const) {
    it(`${why}: the end that waits shows who was refused and why`, () => {
      const east = wire({ ...LISTEN, ...listen } as PseudowireEnds);
      const other = wire({ ...LISTEN, remoteEndId: 'other' } as PseudowireEnds, { name: 'other', pseudowireType: 4 });
      const wires = new Wires({ west: [wire(DIAL, dial)], east: [east, { ...other, tun: TAP + 1 }] });
      wires.run(UP_MS);

      const [refusing, bystander] = wires.boxes.east.pseudowires();
      assert.match(refusing.lastFailure, new RegExp(`^${ADDRESS.west} was refused: `));
      assert.match(refusing.lastFailure, said);
      assert.equal(bystander.lastFailure, '');
    });
  }

  for (const [why, ends, resultCode] of [
    ['another Remote End ID', { remoteEndId: 'other' }, 6],
    ['another peer', { peerAddress: '192.0.2.99' }, 6],
  ] as const) {
    it(`${why}: refused by CDN ${resultCode}, in words, and dialled again`, () => {
      const wires = connected({}, ends as Partial<PseudowireEnds>);

      assert.equal(wires.message('east', 'CDN').avps.resultCode?.resultCode, resultCode);
      const { state, lastFailure, redialAt_ms } = wires.status('west');
      assert.equal(state, 'waiting');
      assert.match(lastFailure, /no pseudowire of this type and Remote End ID is waiting/);
      assert.ok(redialAt_ms !== undefined && redialAt_ms > wires.now_ms);
      assert.equal(wires.rows.east.size, 0);
    });
  }

  it('interface MTUs that differ: refused by CDN 23 (RFC 4667), both figures said', () => {
    const wires = new Wires({ west: [wire(DIAL, { mtu_bytes: 1400 })], east: [wire(LISTEN)] });
    wires.run(UP_MS);

    assert.equal(wires.message('east', 'CDN').avps.resultCode?.resultCode, 23);
    assert.match(wires.status('west').lastFailure, /1500 here, 1400 there/);
  });

  it('a type that the other end has not offered: refused by CDN 14', () => {
    const west = wire(DIAL, { pseudowireType: 4, vlanId: 7 });
    const wires = new Wires({ west: [west], east: [wire(LISTEN)] });
    wires.run(UP_MS);

    assert.notEqual(wires.status('west').state, 'up');
    assert.match(wires.status('west').lastFailure, /14|type/);
    assert.equal(wires.rows.east.size, 0);
  });

  it('goes down with its tunnel and comes up again by itself', () => {
    const wires = connected();
    const [{ tunnelId }] = [...wires.boxes.east.tunnels()].map(({ status }) => status);
    wires.boxes.east.endpoint.closeTunnel(tunnelId, { resultCode: 1 }, wires.now_ms);
    wires.settle();

    assert.equal(wires.status('west').state, 'waiting');
    assert.equal(wires.status('east').state, 'listening');
    assert.deepEqual([wires.rows.west.size, wires.rows.east.size], [0, 0]);
    wires.run(3000);
    assert.deepEqual([wires.status('west').state, wires.status('east').state], ['up', 'up']);
  });

  it('a peer that asks anew takes the place of its own old session', () => {
    const wires = connected();
    const old = wires.row('east').sessionId;
    const { tunnelId } = wires.status('west');
    // The west has lost its end without a word: it dials as after a restart.
    wires.configure('west', []);
    wires.configure('west', [wire(DIAL)]);
    wires.run(UP_MS);

    assert.equal(wires.status('east').state, 'up');
    assert.notEqual(wires.row('east').sessionId, old);
    assert.notEqual(wires.status('west').tunnelId, tunnelId);
  });

  it('switched off at one end: the session ends there and here', () => {
    const wires = connected();
    wires.configure('east', []);

    assert.equal(wires.rows.east.size, 0);
    assert.equal(wires.rows.west.size, 0);
    assert.equal(wires.status('west').state, 'waiting');
    assert.match(wires.status('west').lastFailure, /switched off|result/);
  });

  it('a tunnel without a pseudowire is closed when it has been idle for 15 seconds', () => {
    const wires = connected({}, { remoteEndId: 'other' } as Partial<PseudowireEnds>);
    wires.configure('west', []);
    wires.run(60_000);

    assert.deepEqual([...wires.boxes.east.tunnels()], []);
  });
});

describe('Circuit Status (RFC 3931 section 5.4.5)', () => {
  it('a device that goes is told by SLI, no frames go to that end until it is back', () => {
    const wires = connected();
    wires.boxes.east.deviceChanged(TAP, false, wires.now_ms);
    wires.settle();

    assert.equal(wires.message('east', 'SLI').avps.circuitStatus, 0);
    for (const side of ['west', 'east'] as const) {
      assert.equal(wires.row(side).ethernetOpen, false);
      assert.equal(wires.status(side).state, 'down');
    }
    assert.equal(wires.status('west').peerActive, false);
    assert.match(wires.status('west').lastFailure, /circuit is not active/);

    wires.boxes.east.deviceChanged(TAP, true, wires.now_ms);
    wires.settle();
    assert.equal(wires.message('east', 'SLI').avps.circuitStatus, CIRCUIT_STATUS.active);
    assert.deepEqual([wires.status('west').state, wires.status('east').state], ['up', 'up']);
  });

  it('a device that comes after the session is told once it is there', () => {
    const wires = new Wires({ west: [wire(DIAL)], east: [wire(LISTEN)] }, { devices: false });
    wires.run(UP_MS);
    assert.equal(wires.message('west', 'ICRQ').avps.circuitStatus, CIRCUIT_STATUS.new);
    assert.deepEqual([wires.status('west').state, wires.status('east').state], ['down', 'down']);

    for (const box of Object.values(wires.boxes)) box.deviceChanged(TAP, true, wires.now_ms);
    wires.settle();
    assert.deepEqual([wires.status('west').state, wires.status('east').state], ['up', 'up']);
  });
});

describe('a static pseudowire', () => {
  const terms = {
    localCookie: Buffer.from('0123456789abcdef', 'hex'),
    peerCookie: Buffer.from('fedcba9876543210', 'hex'),
    ...{ localSublayer: true, peerSublayer: true, sequencing: false },
  };
  const path = {
    ...{ encapsulation: 'ip' as const, localAddress: ADDRESS.west, localPort: 0 },
    ...{ peerAddress: ADDRESS.east, peerPort: 0 },
  };
  const ends: PseudowireEnds = { mode: 'static', path, sessionId: 1000, peerSessionId: 0xfffffffe, terms };

  it('is up as soon as its device is there, by its IDs and cookies, without a control message', () => {
    const wires = new Wires({ west: [wire(ends)], east: [] }, { devices: false });
    wires.run(UP_MS);
    assert.equal(wires.status('west').state, 'down');
    assert.match(wires.status('west').lastFailure, /TAP device/);

    wires.boxes.west.deviceChanged(TAP, true, wires.now_ms);
    wires.settle();
    const { sessionId, peerSessionId, tunnelId, ethernetOpen, localCookie, peerCookie } = wires.row('west');
    assert.deepEqual(
      { sessionId, peerSessionId, tunnelId, ethernetOpen, localCookie, peerCookie },
      {
        ...{ sessionId: 1000, peerSessionId: 0xfffffffe, tunnelId: 0, ethernetOpen: true },
        ...{ localCookie: terms.localCookie, peerCookie: terms.peerCookie },
      },
    );
    wires.run(200_000);
    assert.deepEqual(wires.sent, []);
    assert.equal(wires.status('west').state, 'up');
  });

  it('leaves with its settings', () => {
    const wires = new Wires({ west: [wire(ends)], east: [] });
    wires.run(UP_MS);
    wires.configure('west', []);

    assert.equal(wires.rows.west.size, 0);
    assert.deepEqual([...wires.boxes.west.pseudowires()], []);
  });

  it('takes its session ID from a dynamic session that happens to have it', () => {
    const wires = connected();
    const { sessionId } = wires.row('west');
    wires.configure('west', [wire(DIAL), wire({ ...ends, sessionId }, { name: 'static', tun: 2 })]);

    assert.equal(wires.rows.west.get(sessionId)?.tunnelId, 0);
  });
});

test('a peer that has offered pseudowires alone is not asked for PPP (RFC 3931 section 5.4.4)', () => {
  const wires = new Wires({ west: [], east: [wire(LISTEN)] });
  const { endpoint } = wires.boxes.west;
  const path = {
    encapsulation: 'ip' as const,
    localAddress: ADDRESS.west,
    localPort: 0,
    peerAddress: ADDRESS.east,
    peerPort: 0,
  };
  const tunnelId = endpoint.openTunnel({ path, version: 3 }, 0);
  endpoint.placeCall(tunnelId, { callSerialNumber: 1, pseudowireType: 7 }, 0);
  wires.run(UP_MS);

  assert.deepEqual([...wires.boxes.east.calls()], []);
  const types = wires.sent.map(({ from, message }) => `${from} ${message.messageType}`);
  assert.deepEqual(types, ['west SCCRQ', 'east SCCRP', 'west SCCCN']);
});
