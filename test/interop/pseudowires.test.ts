/** Two offices whose LANs are one, over an Ethernet pseudowire between two of our boxes. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { Capture } from '../lab/capture.js';
import { Lab, type Namespace } from '../lab/namespaces.js';
import type { Daemon } from '../lab/process.js';
import { labIsMissing } from '../lab/requirements.js';
import { until } from '../lab/until.js';
import type { SettingsChanges } from './api-client.js';
import { Appliance } from './appliance.js';
import { assertSteps, judged } from './assertions.js';
import { emitFrame, sendFrame } from './frames.js';

const ADDRESS = {
  west: '192.0.2.1',
  east: '192.0.2.2',
  west6: '2001:db8::1',
  east6: '2001:db8::2',
  westHost: '10.1.0.1',
  eastHost: '10.1.0.2',
} as const;
const BRIDGE = 'lan';
const SECRET = 'pseudowire-secret';
const EXPERIMENTAL_ETHERTYPE = 0x88b5;
const PORT = 'to-host';

type Wire = NonNullable<SettingsChanges['pseudowires']>[number];

const wire = (changes: Wire): Wire => ({
  ...{ name: 'branch', type: 'ethernet', tapInterface: 'tap-branch', bridge: BRIDGE, remoteEndId: 'lan-1' },
  ...{ redialInitial_s: 1, redialCap_s: 2 },
  ...changes,
});

describe('an Ethernet pseudowire between two of our boxes', { skip: labIsMissing() }, () => {
  let lab: Lab;
  let west: Appliance;
  let east: Appliance;
  const at = {} as Record<'west' | 'east' | 'westHost' | 'eastHost', Namespace>;
  let listener: Daemon | undefined;

  before(async () => {
    lab = await Lab.open();
    for (const name of ['west', 'east', 'westHost', 'eastHost'] as const) at[name] = await lab.namespace(name);
    await lab.cable(
      { namespace: at.west, device: 'internet', addresses: [`${ADDRESS.west}/24`, `${ADDRESS.west6}/64`] },
      { namespace: at.east, device: 'internet', addresses: [`${ADDRESS.east}/24`, `${ADDRESS.east6}/64`] },
    );
    for (const side of ['west', 'east'] as const) {
      await lab.cable(
        { namespace: at[side], device: PORT },
        { namespace: at[`${side}Host`], device: 'eth0', addresses: [`${ADDRESS[`${side}Host`]}/24`] },
      );
    }
    [west, east] = await Promise.all([Appliance.start(lab, at.west, 'west'), Appliance.start(lab, at.east, 'east')]);
  });
  after(() => lab?.close());
  afterEach(async () => {
    await listener?.stop();
    listener = undefined;
    await Promise.all([west, east].map((box) => box?.api.configure({ pseudowires: [] })));
  });

  /** Both ends up, the hosts' ports in the bridges that the boxes have made. */
  async function join(dial: Wire, listen: Wire): Promise<void> {
    const secret = dial.secret ?? null;
    await east.api.configure({ lns: { defaultSecret: secret }, pseudowires: [wire({ mode: 'listen', ...listen })] });
    await west.api.configure({ pseudowires: [wire({ mode: 'dial', peer: ADDRESS.east, ...dial })] });
    for (const box of [west, east]) {
      await until('the pseudowire is up', 15_000, async () => (await box.api.pseudowires())[0]?.state === 'up').catch(
        async (error: Error) => {
          throw new Error(
            `${error.message}\n${JSON.stringify(await Promise.all([west, east].map((one) => one.api.pseudowires())))}`,
          );
        },
      );
    }
    for (const side of ['west', 'east'] as const) {
      await until('the bridge is there', 5_000, async () => {
        const { status } = await at[side].run(['ip', 'link', 'set', PORT, 'master', BRIDGE], { mayFail: true });
        return status === 0;
      });
      await until('the bridge forwards', 5_000, async () => {
        const { stdout } = await at[side].run(['ip', '-o', 'link', 'show', 'master', BRIDGE]);
        return (
          stdout.split('\n').filter((line) => line.includes('state forwarding') || line.includes('UP')).length >= 2
        );
      });
    }
  }

  async function hostsSeeEachOther(): Promise<void> {
    // 1472 octets and their headers are 1500: the longest that an Ethernet carries, not to be fragmented.
    for (const [from, to] of [
      [at.westHost, ADDRESS.eastHost],
      [at.eastHost, ADDRESS.westHost],
    ] as const) {
      const ping = await from.ping(to, { size_bytes: 1472, dontFragment: true });
      assert.equal(ping.status, 0, ping.stdout);
    }
  }

  for (const [encapsulation, peer, cookie_bytes, secret] of [
    ['ip', ADDRESS.east, 8, SECRET],
    ['ip', ADDRESS.east, 0, undefined],
    ['ip', ADDRESS.east6, 4, SECRET],
    ['udp3', ADDRESS.east, 8, SECRET],
    ['udp3', ADDRESS.east6, 0, undefined],
  ] as const) {
    const how = `${encapsulation} to ${peer}, cookies of ${cookie_bytes} octets${secret ? ', secret' : ''}`;
    it(`${how}: hosts on both LANs see each other with frames of 1500 octets`, async () => {
      const capture = await Capture.start(lab, at.east, 'internet', how.replaceAll(/[^a-z0-9]+/gi, '-'));
      await join({ encapsulation, peer, cookie_bytes, ...(secret && { secret }) }, { cookie_bytes });
      await hostsSeeEachOther();
      const [shown] = await west.api.pseudowires();
      assert.equal(shown?.encapsulation, encapsulation === 'ip' ? 'ip' : 'udp');
      assert.ok((shown?.counters.receivedPackets ?? 0) >= 6 && (shown?.counters.sentPackets ?? 0) >= 6);
      await west.api.configure({ pseudowires: [] });
      await until(
        'the other end is gone',
        10_000,
        async () => (await east.api.pseudowires())[0]?.state === 'listening',
      );
      const options = { cookie_bytes, payload: 'ethernet', ...(secret && { secret }) } as const;
      const judgement = await judged(await capture.stop(), options);
      assertSteps(judgement, ['SCCRQ', 'SCCRP', 'SCCCN', 'ICRQ', 'ICRP', 'ICCN', 'Ethernet', 'StopCCN']);
    });
  }

  it('tagged frames of the full length pass as they are, with one tag and with two', async () => {
    await join({ encapsulation: 'ip' }, {});
    for (const tags of [[7], [100, 7]]) {
      const payload = Buffer.alloc(1500, tags.length);
      payload.write(`tags ${tags.join(' ')}`);
      // A bridge's port takes 1500 octets and one tag; with two the rest is shorter.
      const frame = emitFrame({
        tags,
        etherType: EXPERIMENTAL_ETHERTYPE,
        payload: payload.subarray(0, 1504 - 4 * tags.length),
      });
      listener = at.eastHost.start('listener', [
        ...['tcpdump', '-i', 'eth0', '-U', '-n', '-e', '-xx', '-s', '0', 'vlan'],
      ]);
      await listener.waitForLine(/listening on/, { timeout_ms: 10_000 });
      await sendFrame(at.westHost, 'eth0', frame);
      const seen = await listener.waitForLine(/vlan \d+/, { timeout_ms: 10_000 });
      assert.match(seen, new RegExp(tags.map((tag) => `vlan ${tag}`).join('.*')));
      assert.match(seen, new RegExp(`length ${frame.length}`));
      await listener.stop();
    }
  });

  it('Ethernet VLAN (type 4): each LAN is untagged, the wire carries the tag of the end that sends', async () => {
    const capture = await Capture.start(lab, at.east, 'internet', 'vlan');
    await join({ encapsulation: 'ip', type: 'vlan', vlanId: 100 }, { type: 'vlan', vlanId: 200 });
    await hostsSeeEachOther();
    await capture.stop();
    const { stdout } = await at.east.run([
      ...['tcpdump', '-n', '-r', capture.path, '-x', 'ip proto 115 and ip[24:4] != 0'],
    ]);
    assert.match(stdout, /8100 0064/);
    assert.match(stdout, /8100 00c8/);
  });

  it('the peer is killed and comes back: frames pass again without anybody’s hand', { timeout: 120_000 }, async () => {
    await Promise.all(
      [west, east].map((box) =>
        box.api.configure({ l2tp: { helloInterval_s: 5, retransmitInitial_ms: 200, maxRetransmits: 3 } }),
      ),
    );
    await join({ encapsulation: 'ip', secret: SECRET }, {});
    await hostsSeeEachOther();
    await east.kill();
    await until('the loss is noticed', 60_000, async () => (await west.api.pseudowires())[0]?.state !== 'up');
    await east.restart();
    await until('it is up again', 30_000, async () => (await west.api.pseudowires())[0]?.state === 'up');
    await at.east.run(['ip', 'link', 'set', PORT, 'master', BRIDGE]);
    await hostsSeeEachOther();
  });

  it('another Remote End ID: refused, and the status says so in words', async () => {
    await east.api.configure({ lns: { defaultSecret: null }, pseudowires: [wire({ mode: 'listen' })] });
    await west.api.configure({
      pseudowires: [wire({ mode: 'dial', peer: ADDRESS.east, encapsulation: 'ip', remoteEndId: 'other' })],
    });
    const shown = await until('the refusal is told', 15_000, async () => {
      const [status] = await west.api.pseudowires();
      return status !== undefined && status.lastError !== '' ? status : undefined;
    });
    assert.match(shown.lastError, /Remote End ID/);
  });
});
