/**
 * L2TP as an IP protocol of its own, RFC 3931 section 4.1.1, in network namespaces: one box behind a router whose other
 * cable takes 1280 octets, with what is on that cable judged by tshark.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Capture } from '../../lab/capture.js';
import { Lab, type Namespace } from '../../lab/namespaces.js';
import { run } from '../../lab/process.js';
import { labIsMissing } from '../../lab/requirements.js';
import { until } from '../../lab/until.js';
import { Speaker } from './speaker.js';

const ADDRESSES = {
  ipv4: { box: ['192.0.2.2', '192.0.2.3'], router: '192.0.2.1', far: ['198.51.100.2', '198.51.100.3'] },
  ipv6: {
    box: ['2001:db8:1::2', '2001:db8:1::3'],
    router: '2001:db8:1::1',
    far: ['2001:db8:2::2', '2001:db8:2::3'],
  },
} as const;
const FAR_ROUTER = ['198.51.100.1/24', '2001:db8:2::1/64'];
const NARROW_BYTES = 1280;
/** What a slot of the packet path takes, and more than that. */
const [FULL_BYTES, LONG_BYTES] = [1984, 3000];

interface Datagram {
  peer: string;
  local: string;
  port: number;
  length_bytes: number;
  hex: string;
}

const speakers: Speaker[] = [];

async function openSocket(namespace: Namespace, family: 'ipv4' | 'ipv6'): Promise<Speaker> {
  const speaker = new Speaker(namespace, 'descriptor-program.js', [JSON.stringify({ family, protocol: 'l2tp-ip' })]);
  speakers.push(speaker);
  await speaker.hear(/opened/);
  return speaker;
}

async function send(from: Speaker, ...datagrams: { peer: string; local: string; hex: string }[]): Promise<number> {
  from.say(datagrams);
  return (await from.hear<{ sent: number }>(/"sent"/)).sent;
}

/** So many octets, no two parts of which are alike. */
function octets(length_bytes: number, seed: number): string {
  return Buffer.from(Array.from({ length: length_bytes }, (_, i) => (i * 7 + (i >> 8) + seed) & 0xff)).toString('hex');
}

describe('IP protocol 115 in the kernel', { skip: labIsMissing() }, () => {
  let lab: Lab;
  let box: Namespace;
  let router: Namespace;
  let far: Namespace;

  before(async () => {
    lab = await Lab.open();
    box = await lab.namespace('box');
    router = await lab.namespace('router');
    far = await lab.namespace('far');
    const { ipv4, ipv6 } = ADDRESSES;
    const both = (v4: readonly string[], v6: readonly string[]) => [
      ...v4.map((each) => `${each}/24`),
      ...v6.map((each) => `${each}/64`),
    ];
    await lab.cable(
      { namespace: box, device: 'eth0', addresses: both(ipv4.box, ipv6.box) },
      { namespace: router, device: 'eth0', addresses: both([ipv4.router], [ipv6.router]) },
    );
    await lab.cable(
      { namespace: router, device: 'eth1', addresses: FAR_ROUTER },
      { namespace: far, device: 'eth0', addresses: both(ipv4.far, ipv6.far) },
    );
    await router.ip(`link set eth1 mtu ${NARROW_BYTES}`);
    await router.run(['sysctl', '-q', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']);
    await far.ip(`link set eth0 mtu ${NARROW_BYTES}`, 'route add default via 198.51.100.1');
    await far.ip('route add default via 2001:db8:2::1');
    await box.ip(`route add default via ${ipv4.router}`);
    await box.ip(`route add default via ${ipv6.router}`);
  });

  afterEach(async () => {
    await Promise.all(speakers.splice(0).map(({ daemon }) => daemon.stop()));
  });

  after(() => lab.close());

  for (const family of ['ipv4', 'ipv6'] as const) {
    const { box: ours, router: near, far: theirs } = ADDRESSES[family];

    test(`${family}: a batch goes to several peers, each datagram from the address that it names`, async () => {
      const [sender, one, other] = [
        await openSocket(box, family),
        await openSocket(router, family),
        await openSocket(far, family),
      ];
      const datagrams = [
        { peer: near, local: ours[0], hex: '00000000c803' },
        { peer: theirs[0], local: ours[1], hex: '1234567801' },
        { peer: near, local: ours[1], hex: '12345678' },
        { peer: theirs[1], local: '', hex: '1234567802' },
      ];
      assert.equal(await send(sender, ...datagrams), 4);
      // On their way to different neighbours they may overtake each other.
      const heardAt = async (at: Speaker): Promise<Datagram[]> => {
        const both = [await at.hear<Datagram>(/"peer"/), await at.hear<Datagram>(/"peer"/)];
        return both.sort((a, b) => (a.hex < b.hex ? -1 : 1));
      };
      const expected = (index: number, peer: string): Datagram => {
        const { peer: local, hex } = datagrams[index]!;
        return { peer, local, port: 0, length_bytes: hex.length / 2, hex };
      };
      assert.deepEqual(await heardAt(one), [expected(0, ours[0]), expected(2, ours[1])]);
      const [named, unnamed] = await heardAt(other);
      assert.deepEqual(named, expected(1, ours[1]));
      assert.deepEqual({ ...unnamed, peer: '' }, expected(3, ''));
      assert.ok(
        ours.some((address) => address === unnamed?.peer),
        'the kernel chooses among our addresses',
      );
    });

    test(`${family}: the reply comes from the address that was dialled, whichever it is`, async () => {
      const [answering, dialling] = [await openSocket(box, family), await openSocket(far, family)];
      for (const dialled of ours) {
        await send(dialling, { peer: dialled, local: theirs[1], hex: '00000000' });
        const { peer, local } = await answering.hear<Datagram>(/"peer"/);
        assert.deepEqual([peer, local], [theirs[1], dialled]);
        await send(answering, { peer, local, hex: '00000001' });
        const reply = await dialling.hear<Datagram>(/"peer"/);
        assert.deepEqual([reply.peer, reply.local, reply.hex], [dialled, theirs[1], '00000001']);
      }
    });

    test(`${family}: a datagram from an address that is not ours is refused and counted, the others go`, async () => {
      const [sender, receiver] = [await openSocket(box, family), await openSocket(router, family)];
      const foreign = family === 'ipv4' ? '203.0.113.9' : '2001:db8:9::9';
      const datagrams = [foreign, ours[0]].map((local) => ({ peer: near, local, hex: '0102030405' }));
      assert.equal(await send(sender, ...datagrams), 1);
      assert.equal((await receiver.hear<Datagram>(/"peer"/)).peer, ours[0]);
    });

    test(`${family}: what exceeds the path goes in fragments with DF clear, and arrives whole, both ways`, async () => {
      const [here, there] = [await openSocket(box, family), await openSocket(far, family)];
      if (family === 'ipv6') {
        // Routers do not fragment IPv6: the first one is lost, and tells the kernel how long its fragments may be.
        await send(here, { peer: theirs[0], local: ours[0], hex: octets(LONG_BYTES, 0) });
        await until('the path MTU is known', 5_000, async () => {
          const { stdout } = await box.run(['ip', '-6', 'route', 'get', theirs[0]]);
          return stdout.includes(`mtu ${NARROW_BYTES}`);
        });
        assert.deepEqual(
          here.daemon.lines().filter((line) => line.includes('error')),
          [],
          'what a router says of a packet is no error of the socket',
        );
      }
      const capture = await Capture.start(lab, far, 'eth0', `fragments-${family}`, family === 'ipv4' ? 'ip' : 'ip6');
      for (const length_bytes of [NARROW_BYTES, FULL_BYTES, LONG_BYTES]) {
        const out = octets(length_bytes, 1);
        const back = octets(length_bytes, 2);
        await send(here, { peer: theirs[0], local: ours[0], hex: out });
        const came = await there.hear<Datagram>(/"peer"/);
        assert.equal(came.length_bytes, length_bytes);
        assert.equal(came.hex, out.slice(0, 2 * FULL_BYTES));
        await send(there, { peer: came.peer, local: came.local, hex: back });
        const answer = await here.hear<Datagram>(/"peer"/);
        assert.equal(answer.length_bytes, length_bytes);
        assert.equal(answer.hex, back.slice(0, 2 * FULL_BYTES));
      }
      const lines = await onTheWire(await capture.stop(), family);
      const ways = [ours[0], theirs[0]].map((source) => lines.filter((line) => line.source === source));
      // 1280, 1984 and 3000 octets behind IP headers, where each packet takes 1280 with its header.
      for (const way of ways) assert.ok(way.length >= 2 + 2 + 3, `${way.length} fragments`);
      for (const { protocol, dontFragment, isFragment, length_bytes } of lines) {
        assert.equal(protocol, 115);
        assert.equal(dontFragment, false);
        assert.equal(isFragment, true);
        assert.ok(length_bytes <= NARROW_BYTES, `${length_bytes} octets`);
      }
    });
  }

  test('ipv4: IP options before the L2TP header are skipped (RFC 791 section 3.1)', async () => {
    const [sender, receiver] = [await openSocket(box, 'ipv4'), await openSocket(router, 'ipv4')];
    const { box: ours, router: near } = ADDRESSES.ipv4;
    // Forty octets of No Operation: the longest header there is, and the most that a slot must take behind it.
    for (const ipOptions of ['01010101', '01'.repeat(40), '']) {
      sender.say({ ipOptions });
      assert.deepEqual(await sender.hear(/"set"/), { set: 0 });
      for (const length_bytes of [4, FULL_BYTES, FULL_BYTES + 1]) {
        const hex = octets(length_bytes, 3);
        await send(sender, { peer: near, local: ours[0], hex });
        const came = await receiver.hear<Datagram>(/"peer"/);
        const expected = { peer: ours[0], local: near, port: 0, length_bytes, hex: hex.slice(0, 2 * FULL_BYTES) };
        assert.deepEqual(came, expected);
      }
    }
  });

  test('without CAP_NET_RAW the error is EPERM and says which socket', async () => {
    const [program] = [new URL('descriptor-program.js', import.meta.url).pathname];
    const kind = JSON.stringify({ family: 'ipv4', protocol: 'l2tp-ip' });
    const argv = ['setpriv', '--bounding-set', '-net_raw', '--inh-caps', '-net_raw', process.execPath, program, kind];
    const { status, stderr } = await box.run(argv, { mayFail: true });
    assert.notEqual(status, 0);
    assert.match(stderr, /SystemError: open a raw socket for L2TP over ipv4 \(protocol 115\): EPERM/);
  });
});

interface OnTheWire {
  source: string;
  protocol: number;
  dontFragment: boolean;
  isFragment: boolean;
  length_bytes: number;
}

/** Every packet that carries protocol 115, or a part of it, as tshark reads it. */
async function onTheWire(path: string, family: 'ipv4' | 'ipv6'): Promise<OnTheWire[]> {
  const fields =
    family === 'ipv4'
      ? ['ip.src', 'ip.proto', 'ip.len', 'ip.flags.df', 'ip.flags.mf', 'ip.frag_offset']
      : ['ipv6.src', 'ipv6.fraghdr.nxt', 'ipv6.plen', 'ipv6.fraghdr.more', 'ipv6.fraghdr.offset'];
  const { stdout } = await run([
    ...['tshark', '-n', '-r', path, '-Y', family === 'ipv4' ? 'ip.proto == 115' : 'ipv6.fraghdr.nxt == 115'],
    ...['-o', 'ip.defragment:FALSE', '-o', 'ipv6.defragment:FALSE', '-T', 'fields', '-E', 'occurrence=f'],
    ...fields.flatMap((field) => ['-e', field]),
  ]);
  const isSet = (text: string | undefined) => text === '1' || text === 'True';
  return stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [source = '', protocol, length, ...rest] = line.split('\t');
      const [df, more, offset] = family === 'ipv4' ? rest : [undefined, ...rest];
      return {
        source,
        protocol: Number(protocol),
        dontFragment: isSet(df),
        isFragment: isSet(more) || Number(offset) > 0,
        // The length of an IPv6 packet is given without its header of 40 octets (RFC 8200 section 3).
        length_bytes: Number(length) + (family === 'ipv4' ? 0 : 40),
      };
    });
}
