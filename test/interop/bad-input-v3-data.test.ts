/**
 * Packets of version 3 that are none, or none of their session, against the running program over IP protocol 115 and
 * over UDP, beside a real call that must not suffer: headers, session IDs, cookies, Ethernet frames. Each packet is
 * counted by its reason, nothing is allocated for it, and the log stays silent.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { emitControlMessage } from '../../firmware/wire/avp.js';
import { emitControlPacket } from '../../firmware/wire/control-header.js';
import { emitDataHeader } from '../../firmware/wire/l2tp.js';
import { emitDataHeaderV3 } from '../../firmware/wire/l2tpv3.js';
import { labIsMissing } from '../lab/requirements.js';
import { until } from '../lab/until.js';
import type { SettingsChanges } from './api-client.js';
import {
  BOX_ADDRESS,
  branchCalls,
  branchReachesOffice,
  type Carriers,
  layBoxAndStrangers,
  mustBeDropped,
  PEER_ADDRESS,
  type Surroundings,
} from './box-and-strangers.js';
import { emitFrame, sendFrame } from './frames.js';
import { Version3Peer } from './version3-peer.js';

const MTU_BYTES = 1500;
const VLAN_ID = 7;
/** IEEE 802, local experiments. */
const ETHERTYPE = 0x88b5;
const SESSION_ID_ZERO = Buffer.alloc(4);
const COOKIE = Buffer.from('c1c2c3c4c5c6c7c8', 'hex');

type Wire = NonNullable<SettingsChanges['pseudowires']>[number];
type Encapsulation = 'udp' | 'ip';

interface StaticWire {
  name: string;
  encapsulation: Encapsulation;
  sessionId: number;
  cookie: Uint8Array;
}

const STATIC_WIRES: readonly StaticWire[] = [
  ...(['ip', 'udp'] as const).flatMap((encapsulation, i) =>
    [0, 4, 8].map((cookie_bytes) => ({
      name: `${encapsulation}${cookie_bytes}`,
      ...{ encapsulation, sessionId: 0x1000_0000 * (i + 1) + cookie_bytes, cookie: COOKIE.subarray(0, cookie_bytes) },
    })),
  ),
  { name: 'vlan', encapsulation: 'ip', sessionId: 0x3000_0000, cookie: COOKIE },
];

/** So short a session ID that a packet of version 2 can name it. */
const SHORT_ID: StaticWire = { name: 'short', encapsulation: 'udp', sessionId: 0x1234, cookie: COOKIE };
const settingsOf = ({ name, encapsulation, sessionId, cookie }: StaticWire): Wire => ({
  ...{ name, mode: 'static', tapInterface: `tap-${name}`, peer: PEER_ADDRESS, localAddress: BOX_ADDRESS },
  ...(name === 'vlan' ? { type: 'vlan', vlanId: VLAN_ID } : { type: 'ethernet' }),
  ...{ encapsulation: encapsulation === 'ip' ? 'ip' : 'udp3', localSessionId: sessionId, peerSessionId: sessionId },
  ...{ localCookie: Buffer.from(cookie).toString('hex'), mtu_bytes: MTU_BYTES },
});

const LISTENER: Wire = { name: 'lan', mode: 'listen', type: 'ethernet', tapInterface: 'tap-lan', remoteEndId: 'lan' };

/** A frame with so many octets in all, after these tags. */
function frame(length_bytes: number, tags: readonly number[] = []): Buffer {
  const payload = Buffer.alloc(length_bytes - 14 - 4 * tags.length, 0x5a);
  return emitFrame({ tags, etherType: ETHERTYPE, payload });
}

/** Octets that look random and are the same in every run: a linear congruential generator. */
function noise(length: number, seed: number): Buffer {
  let state = seed;
  return Buffer.from(
    Array.from({ length }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 24;
    }),
  );
}

/** Every packet that is the same but for one octet of these first ones. */
function withOneOctetWrong(packet: Uint8Array, from: number, to: number): Buffer[] {
  return Array.from({ length: to - from }, (_, i) => {
    const changed = Buffer.from(packet);
    changed[from + i] ^= 0x80;
    return changed;
  });
}

describe('bad packets of version 3', { skip: labIsMissing() }, () => {
  let around: Surroundings;
  let peer: Carriers;
  let stranger: Carriers;

  before(async () => {
    around = await layBoxAndStrangers({
      pseudowires: [...[...STATIC_WIRES, SHORT_ID].map(settingsOf), LISTENER],
    });
    ({ peer, stranger } = around);
    await branchCalls(around);
    await until('static pseudowires are up', 10_000, async () => {
      const shown = await around.box.api.pseudowires();
      return shown.filter(({ state }) => state === 'up').length === STATIC_WIRES.length + 1;
    });
  });
  after(() => around?.lab.close());

  const dropped = (expected: Record<string, number>, act: () => Promise<void>) =>
    mustBeDropped(around.box, expected, act);
  const play = (encapsulation: Encapsulation): Version3Peer =>
    new Version3Peer(peer[encapsulation], 7, { encapsulation });

  const received = async (name: string): Promise<number> => {
    const shown = (await around.box.api.pseudowires()).find((wire) => wire.name === name);
    return shown!.counters.receivedPackets;
  };

  /** What is right goes through, right behind what was not. */
  async function comesThrough(wire: StaticWire, ...frames: readonly Uint8Array[]): Promise<void> {
    const before = await received(wire.name);
    await peer[wire.encapsulation].send(...frames.map((each) => dataOf(wire, each)));
    const all = async () => (await received(wire.name)) >= before + frames.length;
    await until(`${frames.length} frames come through`, 5_000, all);
    assert.equal(await received(wire.name), before + frames.length);
  }
  const dataOf = ({ encapsulation, sessionId, cookie }: StaticWire, payload: Uint8Array): Buffer =>
    Buffer.concat([emitDataHeaderV3({ encapsulation, sessionId, cookie }), payload]);
  const wireNamed = (name: string): StaticWire => STATIC_WIRES.find((wire) => wire.name === name)!;
  describe('headers', () => {
    it('an SCCRQ cut at every octet, RFC 3931 section 3.2.1: the header is truncated, or its Length lies', async () => {
      const whole = { udp: play('udp').packet(play('udp').sccrq()), ip: play('ip').packet(play('ip').sccrq()) };
      for (const [encapsulation, header_bytes] of [
        ['udp', 12],
        ['ip', 16],
      ] as const) {
        const packet = whole[encapsulation];
        // A raw socket does not send nothing.
        const first = encapsulation === 'ip' ? 1 : 0;
        const expected = {
          'header-truncated': header_bytes - first,
          'header-length': packet.length - header_bytes,
        };
        const cut = Array.from(packet, (_, length) => packet.subarray(0, length)).slice(first);
        await dropped(expected, () => peer[encapsulation].send(...cut));
      }
    });

    it('a Length that agrees with the cut: no tunnel, whatever AVP is missing or ends too soon', async () => {
      const body = emitControlMessage(play('ip').sccrq(), { dialect: 3 });
      const packets = Array.from(body, (_, length) =>
        emitControlPacket({ version: 3, controlConnectionId: 0, ns: 0, nr: 0 }, body.subarray(0, length)),
      );
      const count = async () =>
        Object.values((await around.box.api.status()).drops).reduce((sum, each) => sum + each, 0);
      for (const carrier of [peer.udp, peer.ip]) {
        const before = await count();
        const isIp = carrier === peer.ip;
        await dropped({}, () =>
          carrier.send(...packets.map((packet) => (isIp ? Buffer.concat([SESSION_ID_ZERO, packet]) : packet))),
        );
        await until('all are counted', 5_000, async () => (await count()) >= before + packets.length);
      }
    });

    it('Session ID 0 and garbage behind it, RFC 3931 section 4.1.1.2', async () => {
      const garbage = Array.from({ length: 200 }, (_, length) => {
        const octetsBehind = noise(length, length);
        // Never T, L and S together: those are read as a request, below.
        if (length > 0) octetsBehind[0] &= 0x7f;
        return Buffer.concat([SESSION_ID_ZERO, octetsBehind]);
      });
      const reasons = ['header-truncated', 'header-version', 'control-flags'];
      const { drops: before } = await around.box.api.status();
      await dropped({}, () => peer.ip.send(...garbage));
      await until('all are counted', 5_000, async () => {
        const { drops } = await around.box.api.status();
        return reasons.reduce((sum, reason) => sum + drops[reason] - before[reason], 0) === garbage.length;
      });
    });

    it('Session ID 0 and a right header with garbage for AVPs: nothing is answered, nothing allocated', async () => {
      const packets = Array.from({ length: 60 }, (_, length) =>
        emitControlPacket({ version: 3, controlConnectionId: 0, ns: 0, nr: 0 }, noise(length + 1, length)),
      );
      const from = peer.ip.mark();
      await dropped({ 'unknown-tunnel': packets.length }, () =>
        peer.ip.send(...packets.map((packet) => Buffer.concat([SESSION_ID_ZERO, packet]))),
      );
      // What the kernel says through TAP devices goes to the peer as data.
      const answers = peer.ip.packets(from).filter((packet) => packet.readUInt32BE(0) === 0);
      assert.deepEqual(answers, []);
    });

    it('version 2 over IP, versions that are none, control messages without T, L or S', async () => {
      const packet = play('ip').packet(play('ip').sccrq());
      const withFlags = (flags: number): Buffer => {
        const changed = Buffer.from(packet);
        changed.writeUInt16BE(flags, 4);
        return changed;
      };
      await dropped({ 'header-version': 3 }, () => peer.ip.send(...[0xc802, 0xc804, 0xc800].map(withFlags)));
      await dropped({ 'control-flags': 3 }, () => peer.ip.send(...[0x4803, 0x8803, 0xc003].map(withFlags)));
    });

    it('control messages for Control Connections that are not there', async () => {
      const ids = [1, 0xffff, 0x1_0000, 0xffff_ffff];
      for (const encapsulation of ['udp', 'ip'] as const) {
        const one = play(encapsulation);
        const hello = ids.map((controlConnectionId) =>
          one.packet({ messageType: 'HELLO', avps: {} }, { controlConnectionId }),
        );
        await dropped({ 'control-unknown-tunnel': ids.length }, () => peer[encapsulation].send(...hello));
      }
    });
  });

  describe('data of sessions', () => {
    it('Session IDs that are not there', async () => {
      const ids = [1, 0xffff, 0x1_0000, 0x8000_0000, 0xffff_ffff, ...Array.from({ length: 95 }, (_, i) => 70_000 + i)];
      for (const encapsulation of ['udp', 'ip'] as const) {
        await dropped({ 'unknown-session': ids.length }, () =>
          peer[encapsulation].send(
            ...ids.map((sessionId) => dataOf({ name: '', encapsulation, sessionId, cookie: COOKIE }, frame(60))),
          ),
        );
      }
    });

    for (const wire of STATIC_WIRES) {
      const { name, encapsulation, cookie } = wire;
      const behindId = encapsulation === 'ip' ? 4 : 8;
      it(`${name}: a cookie of ${cookie.length} octets, each of them wrong or missing, RFC 3931 section 8.2`, async () => {
        const tags = name === 'vlan' ? [VLAN_ID] : [];
        const packet = dataOf(wire, frame(64, tags));
        const wrong = withOneOctetWrong(packet, behindId, behindId + cookie.length);
        const cut = Array.from({ length: cookie.length }, (_, length) => packet.subarray(0, behindId + length));
        const before = await received(name);
        await dropped({ 'wrong-cookie': 2 * cookie.length }, () => peer[encapsulation].send(...wrong, ...cut));
        assert.equal(await received(name), before);
        await comesThrough(wire, frame(64, tags));
      });

      it(`${name}: from another address, even with the cookie`, async () => {
        await dropped({ 'wrong-peer': 1 }, () => stranger[encapsulation].send(dataOf(wire, frame(64, [VLAN_ID]))));
      });

      it(`${name}: in the other encapsulation, even with the cookie`, async () => {
        const other = encapsulation === 'ip' ? 'udp' : 'ip';
        await dropped({ 'wrong-encapsulation': 1 }, () =>
          peer[other].send(dataOf({ ...wire, encapsulation: other }, frame(64, [VLAN_ID]))),
        );
      });
    }

    it('data of version 2 for a session of version 3', async () => {
      await dropped({ 'wrong-encapsulation': 1 }, () =>
        peer.udp.send(
          Buffer.concat([emitDataHeader({ tunnelId: 1, sessionId: SHORT_ID.sessionId }), COOKIE, frame(60)]),
        ),
      );
      await comesThrough(SHORT_ID, frame(60));
    });
  });

  describe('Ethernet frames, RFC 4719', () => {
    it('runts from the peer: every length below a header', async () => {
      const runts = Array.from({ length: 14 }, (_, length) => frame(60).subarray(0, length));
      for (const name of ['ip8', 'udp0']) {
        const wire = wireNamed(name);
        await dropped({ 'ethernet-truncated': runts.length }, () =>
          peer[wire.encapsulation].send(...runts.map((runt) => dataOf(wire, runt))),
        );
        await comesThrough(wire, frame(14));
      }
    });

    it('frames from the peer that are longer than the pseudowire carries', async () => {
      const wire = wireNamed('ip8');
      const full = 14 + MTU_BYTES;
      // In IP fragments, which the kernel puts together.
      const long = [frame(full + 1), frame(full + 5, [1]), frame(full + 9, [1, 2]), frame(full + 12, [1, 2, 3])];
      await dropped({ 'ethernet-too-long': long.length }, () =>
        peer.ip.send(...long.map((each) => dataOf(wire, each))),
      );
      await comesThrough(wire, frame(full), frame(full + 4, [1]), frame(full + 8, [1, 2]));
    });

    it('frames longer than any buffer', async () => {
      const wire = wireNamed('ip8');
      const packets = [3_000, 20_000, 60_000].map((length) => dataOf(wire, frame(length)));
      await dropped({ 'datagram-too-long': packets.length }, () => peer.ip.send(...packets));
    });

    it('frames from the TAP device that are longer than the pseudowire carries', async () => {
      await around.at.box.ip('link set tap-ip8 mtu 3000');
      const from = peer.ip.mark();
      await dropped({ 'ethernet-too-long': 3 }, () =>
        sendFrame(around.at.box, 'tap-ip8', frame(14 + MTU_BYTES + 1), 3),
      );
      assert.deepEqual(
        peer.ip.packets(from).filter((packet) => packet.length > 1000),
        [],
      );
      await around.at.box.ip(`link set tap-ip8 mtu ${MTU_BYTES}`);
    });

    it('frames from the TAP device of a pseudowire that has no session', async () => {
      await dropped({ 'ethernet-not-open': 3 }, () => sendFrame(around.at.box, 'tap-lan', frame(60), 3));
    });

    it('type vlan: frames from the peer without a tag, or cut within it', async () => {
      const wire = wireNamed('vlan');
      const tagged = frame(64, [VLAN_ID]);
      await dropped({ 'vlan-tag-missing': 2, 'ethernet-truncated': 4 }, () =>
        peer.ip.send(
          ...[frame(60), frame(14)].map((each) => dataOf(wire, each)),
          ...[13, 14, 15, 17].map((length) => dataOf(wire, tagged.subarray(0, length))),
        ),
      );
      await comesThrough(wire, tagged);
    });
  });

  it('after all that the call of the branch stands, and nothing else does', async () => {
    await until('tunnels are gone', 15_000, async () => (await around.box.api.tunnels()).length === 1);
    await branchReachesOffice(around);
    assert.equal((await around.box.api.sessions()).length, 1);
  });
});
