/**
 * Control messages of version 3 that must not be believed, against the running program over IP protocol 115 and over UDP,
 * beside a real call that must not suffer: digests that are wrong or absent, what was heard before and is played again,
 * versions and encapsulations mixed, calls that are not to be had. Each is a counted drop or gets the RFC's own answer.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { AvpValues } from '../../firmware/wire/avp.js';
import { octets } from '../../firmware/wire/bytes.js';
import { labIsMissing } from '../lab/requirements.js';
import { until } from '../lab/until.js';
import type { SettingsChanges } from './api-client.js';
import {
  branchCalls,
  branchReachesOffice,
  type Carriers,
  layBoxAndStrangers,
  mustBeDropped,
  PEER_ADDRESS,
  type Surroundings,
} from './box-and-strangers.js';
import { controlPacket, sccrq as sccrq2 } from './raw-peer.js';
import { type Read, Version3Peer } from './version3-peer.js';

const SECRET = 'tunnel-secret';
/** The host name of the peer that the box shares the secret with. */
const TRUSTED = 'trusted';
const CDN = { invalidDestination: 6, unsupportedPseudowireType: 14, sequencingWithoutSublayer: 15 } as const;

type Wire = NonNullable<SettingsChanges['pseudowires']>[number];
type Encapsulation = 'udp' | 'ip';

const WIRES: readonly Wire[] = [
  { name: 'lan', mode: 'listen', type: 'ethernet', tapInterface: 'tap-lan', remoteEndId: 'lan' },
  {
    ...{ name: 'fixed', mode: 'static', type: 'vlan', vlanId: 7, tapInterface: 'tap-fixed' },
    ...{ peer: PEER_ADDRESS, localSessionId: 0x1000_0000, peerSessionId: 0x1000_0000 },
  },
];

const DIALLED: Wire = {
  ...{ name: 'dialled', mode: 'dial', type: 'ethernet', tapInterface: 'tap-dialled', remoteEndId: 'far' },
  ...{ peer: PEER_ADDRESS, encapsulation: 'ip', secret: SECRET, redialInitial_s: 1, redialCap_s: 1 },
};

/** Every packet that is the same but for one octet of these first ones. */
function withOneOctetWrong(packet: Uint8Array, from: number, to: number): Buffer[] {
  return Array.from({ length: to - from }, (_, i) => {
    const changed = Buffer.from(packet);
    changed[from + i] ^= 0x80;
    return changed;
  });
}

describe('bad control messages of version 3', { skip: labIsMissing() }, () => {
  let around: Surroundings;
  let peer: Carriers;
  let stranger: Carriers;
  /** Control Connection IDs that our peers have; each is used once. */
  let nextId = 0x1000_0001;

  before(async () => {
    around = await layBoxAndStrangers({
      tunnelPeers: [{ name: TRUSTED, hostName: TRUSTED, secret: SECRET }],
      pseudowires: WIRES,
    });
    ({ peer, stranger } = around);
    await branchCalls(around);
  });
  after(() => around?.lab.close());

  const dropped = (expected: Record<string, number>, act: () => Promise<void>) =>
    mustBeDropped(around.box, expected, act);
  const play = (encapsulation: Encapsulation, options: Partial<Version3Peer['options']> = {}): Version3Peer =>
    new Version3Peer(peer[encapsulation], nextId++, { encapsulation, ...options });
  const trusted = (encapsulation: Encapsulation): Version3Peer =>
    play(encapsulation, { hostName: TRUSTED, secret: SECRET });
  const tunnelOf = async ({ localId }: Version3Peer) =>
    (await around.box.api.tunnels()).find(({ peerTunnelId }) => peerTunnelId === localId);
  async function established(one: Version3Peer): Promise<Version3Peer> {
    await one.open();
    await until('the tunnel is established', 5_000, async () => (await tunnelOf(one))?.state === 'established');
    return one;
  }

  async function closed(one: Version3Peer): Promise<void> {
    await one.close();
    await until('the tunnel is closed', 5_000, async () => (await tunnelOf(one)) === undefined);
  }

  /** It stands, and the box acknowledges what its peer says. */
  async function lives(one: Version3Peer): Promise<void> {
    await one.say({ messageType: 'HELLO', avps: {} });
    await one.isAcknowledged();
    assert.equal((await tunnelOf(one))?.state, 'established');
  }

  async function refusedWith(messageType: 'StopCCN' | 'CDN', one: Version3Peer): Promise<number | undefined> {
    const { message } = await one.hear(messageType);
    await one.acknowledge();
    return message.avps.resultCode?.resultCode;
  }

  for (const encapsulation of ['udp', 'ip'] as const) {
    describe(`Control Message Authentication over ${encapsulation}, RFC 3931 section 4.3`, () => {
      it('an SCCRQ under another secret: no answer, no tunnel, and few lines of log however many come', async () => {
        const from = peer[encapsulation].mark();
        const logged = around.box.logLineCount;
        const { drops: before } = await around.box.api.status();
        const requests = Array.from({ length: 50 }, () => {
          const one = trusted(encapsulation);
          return one.packet(one.sccrq(), { secret: 'another' });
        });
        await peer[encapsulation].send(...requests);
        await until('all are counted', 5_000, async () => {
          const { drops } = await around.box.api.status();
          return drops['digest-mismatch'] - before['digest-mismatch'] === requests.length;
        });
        assert.equal((await around.box.api.tunnels()).length, 1);
        assert.deepEqual(peer[encapsulation].packets(from), []);
        assert.ok(around.box.logLineCount - logged <= 12, around.box.log(logged).join('\n'));
      });

      it('an SCCRQ without a digest where there is a secret: StopCCN 4, not authorized', async () => {
        const one = play(encapsulation, { hostName: TRUSTED });
        await one.say(one.sccrq());
        assert.equal(await refusedWith('StopCCN', one), 4);
        assert.equal(await tunnelOf(one), undefined);
      });

      it('an SCCRQ with digest and nonce where the box has no secret: StopCCN 4, not authorized', async () => {
        const one = play(encapsulation, { secret: SECRET });
        await one.say(one.sccrq());
        assert.equal(await refusedWith('StopCCN', one), 4);
        assert.equal(await tunnelOf(one), undefined);
      });

      it('an SCCRQ with a digest for integrity alone, without a nonce: taken if it is right, else dropped', async () => {
        const one = play(encapsulation);
        await dropped({ 'digest-mismatch': 1 }, () => one.throw(one.packet(one.sccrq(), { secret: 'damaged' })));
        await one.begin(one.packet(one.sccrq(), { secret: '' }));
        await closed(one);
      });

      it('in a tunnel, messages and acknowledgements whose digest is wrong or absent: the tunnel stands', async () => {
        const one = await established(trusted(encapsulation));
        const stop: AvpValues = { resultCode: { resultCode: 1 }, assignedControlConnectionId: one.localId };
        const messages = [
          { messageType: 'HELLO', avps: {} },
          { messageType: 'ACK', avps: {} },
          { messageType: 'StopCCN', avps: stop },
        ] as const;
        await dropped({ 'digest-mismatch': 3 }, () =>
          one.throw(...messages.map((message) => one.packet(message, { secret: 'another' }))),
        );
        await dropped({ 'digest-missing': 3 }, () =>
          one.throw(...messages.map((message) => one.packet(message, { secret: null }))),
        );
        const hello = one.packet({ messageType: 'HELLO', avps: {} });
        const header = encapsulation === 'ip' ? 4 : 0;
        // Whatever octet is changed behind the numbers, the digest does not fit or cannot be found any more.
        const changed = withOneOctetWrong(hello, header + 20, hello.length);
        const { drops: before } = await around.box.api.status();
        await dropped({}, () => one.throw(...changed));
        await until('all are counted', 5_000, async () => {
          const { drops } = await around.box.api.status();
          return (
            ['digest-mismatch', 'digest-missing'].reduce((sum, each) => sum + drops[each] - before[each], 0) ===
            changed.length
          );
        });
        await lives(one);
        await closed(one);
      });

      it('a whole conversation replayed while it stands, byte for byte: nothing begins anew', async () => {
        const one = await established(trusted(encapsulation));
        await icrp(one);
        const logged = around.box.logLineCount;
        await one.say({ messageType: 'ICCN', avps: sessionAvps(one) });
        await one.isAcknowledged();
        await until('it is logged', 5_000, () =>
          around.box.log(logged).some((line) => line.includes('"pseudowire up"')),
        );
        const record = [...one.said];
        await dropped({ duplicate: record.length }, () => one.throw(...record));
        assert.equal((await tunnelOf(one))?.sessions, 1);
        // From elsewhere: all but the SCCRQ, which whoever has heard it may repeat, but not follow up.
        await dropped({ 'control-wrong-peer': record.length - 1 }, () =>
          stranger[encapsulation].send(...record.slice(1)),
        );
        await lives(one);
        await closed(one);
      });

      it('a whole conversation replayed later, byte for byte or for the new IDs: the nonces are others', async () => {
        const one = await established(trusted(encapsulation));
        await icrp(one);
        await one.isAcknowledged();
        await closed(one);
        const [sccrq, ...record] = one.said;
        for (const carrier of [peer[encapsulation], stranger[encapsulation]]) {
          const victim = new Version3Peer(carrier, one.localId, one.options);
          await victim.begin(sccrq);
          const tunnelId = victim.remoteId;
          const forNewId = record.map((packet) => {
            const changed = Buffer.from(packet);
            changed.writeUInt32BE(tunnelId, encapsulation === 'ip' ? 8 : 4);
            return changed;
          });
          await dropped({ 'digest-mismatch': record.length }, () => carrier.send(...forNewId));
          // The old connection has ended, but still acknowledges its own peer.
          const reason = carrier === peer[encapsulation] ? 'duplicate' : 'control-wrong-peer';
          await dropped({ [reason]: record.length }, () => carrier.send(...record));
          const shown = (await around.box.api.tunnels()).filter((each) => each.tunnelId === tunnelId);
          assert.deepEqual(
            shown.map(({ state, sessions }) => ({ state, sessions })),
            [{ state: 'wait-ctl-conn', sessions: 0 }],
          );
          await closed(victim);
        }
      });
    });

    describe(`versions in one connection over ${encapsulation}`, () => {
      it('version 2’s messages in a tunnel of version 3: dropped, the tunnel stands', async () => {
        const one = await established(play(encapsulation));
        const hello = controlPacket({ tunnelId: one.remoteId, ns: 2, nr: 1 }, { messageType: 'HELLO', avps: {} });
        if (encapsulation === 'udp') await dropped({ 'version-mismatch': 1 }, () => peer.udp.send(hello));
        else await dropped({ 'wrong-encapsulation': 1 }, () => peer.udp.send(hello));
        await lives(one);
        await closed(one);
      });

      it('a tunnel’s messages in the other encapsulation: dropped, the tunnel stands', async () => {
        const one = await established(play(encapsulation));
        const other = encapsulation === 'udp' ? 'ip' : 'udp';
        const misplaced = new Version3Peer(peer[other], one.localId, { encapsulation: other });
        const packet = misplaced.packet(
          { messageType: 'HELLO', avps: {} },
          { controlConnectionId: one.remoteId, ns: one.ns, nr: 1 },
        );
        await dropped({ 'wrong-encapsulation': 1 }, () => peer[other].send(packet));
        await lives(one);
        await closed(one);
      });
    });

    describe(`calls over ${encapsulation} that are refused, RFC 3931 section 5.4.2`, () => {
      for (const [what, changes, resultCode] of [
        ['a pseudowire type that was not offered', { pseudowireType: 6 }, CDN.unsupportedPseudowireType],
        ['Ethernet without a Remote End ID', { remoteEndId: undefined }, CDN.invalidDestination],
        ['a Remote End ID that nobody has', { remoteEndId: octets('other') }, CDN.invalidDestination],
        ['a type that only a static pseudowire has', { pseudowireType: 4 }, CDN.unsupportedPseudowireType],
        ['sequencing without a sublayer', { dataSequencing: 2 }, CDN.sequencingWithoutSublayer],
      ] as const) {
        it(`${what}: CDN ${resultCode}, and the tunnel takes a right one after it`, async () => {
          const one = await established(play(encapsulation));
          await one.say({ messageType: 'ICRQ', avps: { ...icrqAvps(one), localSessionId: 77, ...changes } });
          assert.equal(await refusedWith('CDN', one), resultCode);
          assert.equal((await tunnelOf(one))?.sessions, 0);
          await icrp(one);
          assert.equal((await tunnelOf(one))?.sessions, 1);
          await closed(one);
        });
      }
    });
  }

  it('version 3’s messages in a tunnel of version 2: dropped, the tunnel stands', async () => {
    const from = peer.udp.mark();
    await peer.udp.send(controlPacket({}, sccrq2(21)));
    const { message } = await peer.udp.awaitMessage('SCCRP', from);
    const tunnelId = message.avps.assignedTunnelId;
    await peer.udp.send(controlPacket({ tunnelId, ns: 1, nr: 1 }, { messageType: 'SCCCN', avps: {} }));
    const one = play('udp');
    const wrong = one.packet({ messageType: 'HELLO', avps: {} }, { controlConnectionId: tunnelId, ns: 2, nr: 1 });
    await dropped({ 'version-mismatch': 1 }, () => peer.udp.send(wrong));
    const stop = { resultCode: { resultCode: 1, errorCode: 0 }, assignedTunnelId: 21 };
    await peer.udp.send(controlPacket({ tunnelId, ns: 2, nr: 1 }, { messageType: 'StopCCN', avps: stop }));
    await until('the tunnel is gone', 5_000, async () => (await around.box.api.tunnels()).length === 1);
  });

  it('an SCCRP of an earlier connection does not pass for the answer to a new SCCRQ', async () => {
    await around.box.api.configure({ pseudowires: [...WIRES, DIALLED] });
    const first = trusted('ip');
    await first.answer();
    await first.hear('SCCCN');
    const [sccrp] = first.said;
    await first.close();
    const second = new Version3Peer(peer.ip, first.localId, first.options);
    const replayed = (sccrq: Read): Uint8Array => {
      const changed = Buffer.from(sccrp);
      changed.writeUInt32BE(sccrq.message!.avps.assignedControlConnectionId!, 8);
      return changed;
    };
    const { drops: before } = await around.box.api.status();
    const sccrq = await second.answer(replayed);
    await second.throw(sccrp);
    await until('it is counted', 5_000, async () => {
      const { drops } = await around.box.api.status();
      return drops['digest-mismatch'] === before['digest-mismatch'] + 1;
    });
    const tunnelId = sccrq.message!.avps.assignedControlConnectionId;
    const shown = (await around.box.api.tunnels()).find((tunnel) => tunnel.tunnelId === tunnelId);
    assert.equal(shown?.state, 'wait-ctl-reply');
    await around.box.api.configure({ pseudowires: WIRES });
  });

  it('after all that the call of the branch stands, and nothing else does', async () => {
    await until('tunnels are gone', 15_000, async () => (await around.box.api.tunnels()).length === 1);
    await branchReachesOffice(around);
    assert.equal((await around.box.api.sessions()).length, 1);
  });
  const icrqAvps = (one: Version3Peer): AvpValues => ({
    ...{ localSessionId: one.localId + 0x1000, remoteSessionId: 0, callSerialNumber: 1, circuitStatus: 1 },
    ...{ pseudowireType: 5, remoteEndId: octets('lan') },
  });

  /** Asks for a session, awaits its ICRP. */
  async function icrp(one: Version3Peer): Promise<void> {
    await one.say({ messageType: 'ICRQ', avps: icrqAvps(one) });
    await one.hear('ICRP');
    await one.acknowledge();
  }

  function sessionAvps(one: Version3Peer): AvpValues {
    const { message } = one.heard().find((read) => read.message?.messageType === 'ICRP')!;
    const { localSessionId, remoteSessionId } = message!.avps;
    return { localSessionId: remoteSessionId, remoteSessionId: localSessionId };
  }
});
