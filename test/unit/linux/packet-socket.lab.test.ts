/**
 * A packet socket in a network namespace, at one end of a cable: frames that another kind of program writes at the other
 * end, and frames that tcpdump sees there.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, describe, test } from 'node:test';
import { sendFrame } from '../../interop/frames.js';
import { Capture } from '../../lab/capture.js';
import { Lab, type Namespace } from '../../lab/namespaces.js';
import { labIsMissing } from '../../lab/requirements.js';
import { until } from '../../lab/until.js';
import { Speaker } from './speaker.js';

const HOST_MAC = '02005e005301';
const TO_ALL = `ffffffffffff${HOST_MAC}`;
const PADI = '110900000004 0101 0000'.replaceAll(' ', '');
/** What a slot takes. */
const ROOM_BYTES = 1984;
const PCAP_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;

/** As they are on the wire, between the addresses and the type. */
const TAGS: readonly [what: string, hex: string][] = [
  ['no tag', ''],
  ['a customer tag', '81000064'],
  ['a customer tag with priority 5 and the drop eligible bit', '8100b064'],
  ['a priority tag, VLAN 0', '8100e000'],
  ['a service tag', '88a80007'],
  ['two customer tags', '8100000781000064'],
  ['a service and a customer tag', '88a8000781006064'],
];

interface Frame {
  length_bytes: number;
  hex: string;
}

describe('a packet socket for PPPoE', { skip: labIsMissing() }, () => {
  let lab: Lab;
  let box: Namespace;
  let host: Namespace;
  let boxMac: string;
  let index: number;
  let captures = 0;
  const speakers: Speaker[] = [];

  before(async () => {
    lab = await Lab.open();
    box = await lab.namespace('box');
    host = await lab.namespace('host');
    for (const device of ['eth0', 'eth1']) {
      await lab.cable({ namespace: box, device }, { namespace: host, device });
      for (const end of [box, host]) await end.ip(`link set ${device} mtu 2100 addrgenmode none`);
    }
    const { stdout } = await box.run(['ip', '-json', 'link', 'show', 'eth0']);
    const [link] = JSON.parse(stdout) as { address: string; ifindex: number }[];
    boxMac = link!.address.replaceAll(':', '');
    index = link!.ifindex;
  });
  after(() => lab.close());
  afterEach(async () => {
    for (const { daemon } of speakers.splice(0)) await daemon.stop();
  });

  async function open(what: object = { interface: 'eth0' }, where = box): Promise<Speaker> {
    const speaker = new Speaker(where, 'descriptor-program.js', [JSON.stringify(what)]);
    speakers.push(speaker);
    await speaker.hear(/opened/);
    return speaker;
  }

  const write = (hex: string, device = 'eth0') => sendFrame(host, device, Buffer.from(hex, 'hex'));

  /** The frames that have come so far. */
  const heard = (speaker: Speaker) =>
    speaker.daemon
      .lines()
      .filter((line) => line.includes('"hex"'))
      .map((line) => (JSON.parse(line) as Frame).hex);

  for (const [what, tags] of TAGS) {
    for (const type of ['8863', '8864']) {
      test(`a frame of type ${type} with ${what} comes as it is on the wire`, async () => {
        const socket = await open();
        const hex = `${boxMac}${HOST_MAC}${tags}${type}${PADI}${'5a'.repeat(1490)}`;
        await write(hex);
        assert.deepEqual(await socket.hear<Frame>(/"hex"/), { length_bytes: hex.length / 2, hex });
      });
    }
  }

  test('frames of a batch come in their order, each with its own tags', async () => {
    const socket = await open();
    const frames = TAGS.map(([, tags], i) => `${TO_ALL}${tags}8863${PADI}${i.toString(16).padStart(2, '0')}`);
    const writer = await open({ interface: 'eth0' }, host);
    writer.say(frames.map((hex) => ({ hex })));
    for (const hex of frames) assert.equal((await socket.hear<Frame>(/8863/)).hex, hex);
  });

  test('what is longer than a slot is cut and says how long it was', async () => {
    const socket = await open();
    for (const tags of ['', '81000064']) {
      const hex = `${TO_ALL}${tags}8864${'a5'.repeat(2050)}`;
      await write(hex);
      const { length_bytes, hex: came } = await socket.hear<Frame>(/8864/);
      assert.equal(length_bytes, hex.length / 2);
      assert.equal(came, hex.slice(0, 2 * ROOM_BYTES));
    }
  });

  test('nothing else comes: other types, three tags, other hosts’ frames, other interfaces', async () => {
    const socket = await open();
    await box.ip('link set eth0 promisc on');
    for (const types of ['0806', '0800', '810000640800', '8100000181000002 8100 0003 8863', '08008863', '86dd']) {
      await write(`${TO_ALL}${types.replaceAll(' ', '')}${PADI}`);
    }
    await write(`02005e005377${HOST_MAC}8863${PADI}`);
    await write(`${TO_ALL}8863${PADI}`, 'eth1');
    const last = `${TO_ALL}8863${PADI}ff`;
    await write(last);
    await socket.hear(/8863/);
    assert.deepEqual(heard(socket), [last]);
    await box.ip('link set eth0 promisc off');
  });

  test('frames leave as they are given, tags and all, and do not come back', async () => {
    const [socket, other] = [await open(), await open()];
    const capture = await Capture.start(lab, host, 'eth0', `sent-${captures++}`, 'not ip6');
    const frames = TAGS.map(([, tags]) => `${HOST_MAC}${boxMac}${tags}8863${PADI}${'5a'.repeat(1490)}`);
    socket.say(frames.map((hex) => ({ hex })));
    assert.deepEqual(await socket.hear(/"sent"/), { sent: frames.length });
    assert.deepEqual(framesIn(await capture.stop()), frames);
    const mark = `${TO_ALL}8863${PADI}`;
    await write(mark);
    for (const each of [socket, other]) {
      await each.hear(/8863/);
      assert.deepEqual(heard(each), [mark]);
    }
  });

  test('a frame that the interface does not take is counted, and those behind it go out', async () => {
    const socket = await open();
    const capture = await Capture.start(lab, host, 'eth0', `sent-${captures++}`, 'not ip6');
    const goes = `${HOST_MAC}${boxMac}8864${'5a'.repeat(2100)}`;
    socket.say([{ hex: `${goes}5a` }, { hex: goes }]);
    assert.deepEqual(await socket.hear(/"sent"/), { sent: 1 });
    assert.deepEqual(framesIn(await capture.stop()), [goes]);
  });

  test('an interface that goes down and comes up again is served as before', async () => {
    await box.ip('link set eth0 down');
    const socket = await open();
    assert.deepEqual(await socket.hear(/"down"/), { down: true });
    for (const hex of [`${TO_ALL}8863${PADI}01`, `${TO_ALL}8863${PADI}02`]) {
      await box.ip('link set eth0 up');
      await until('the cable carries', 5_000, async () => {
        const { stdout } = await host.run(['cat', '/sys/class/net/eth0/carrier']);
        return stdout.trim() === '1';
      });
      await write(hex);
      assert.equal((await socket.hear<Frame>(/8863/)).hex, hex);
      await box.ip('link set eth0 down');
      assert.deepEqual(await socket.hear(/"down"/), { down: true });
      socket.say([{ hex }]);
      assert.deepEqual(await socket.hear(/"sent"/), { sent: 0 });
    }
    await box.ip('link set eth0 up');
    assert.ok(!socket.daemon.lines().some((line) => line.includes('error')), socket.daemon.tail());
    const downs = socket.daemon.lines().filter((line) => line.includes('down'));
    assert.equal(downs.length, 3, 'each is told of once');
  });

  test('where all VLANs are served the card hears all, so that its own list of VLANs drops none, as long as the socket is open', async () => {
    const promiscuity = async () => {
      const { stdout } = await box.run(['ip', '-json', '-details', 'link', 'show', 'eth0']);
      return (JSON.parse(stdout) as { promiscuity: number }[])[0]?.promiscuity;
    };
    await open({ interface: 'eth0', vlans: 'untagged' });
    assert.equal(await promiscuity(), 0);
    const socket = await open({ interface: 'eth0', vlans: 'any' });
    assert.equal(await promiscuity(), 1);
    await socket.daemon.stop();
    assert.equal(await promiscuity(), 0);
  });

  test('where no VLANs are served, frames of none come, also with a priority tag, and no others', async () => {
    const socket = await open({ interface: 'eth0', vlans: 'untagged' });
    for (const [, tags] of TAGS) await write(`${TO_ALL}${tags}8863${PADI}`);
    const last = `${TO_ALL}8863${PADI}ff`;
    await write(last);
    await socket.hear(/8863.*ff"/);
    assert.deepEqual(heard(socket), [`${TO_ALL}8863${PADI}`, `${TO_ALL}8100e0008863${PADI}`, last]);
  });

  for (const [what, starter, interfaceIndex, error] of [
    ['an interface that is not there is ENODEV', [], 4711, /interface 4711: ENODEV/],
    ['index 0, all interfaces, is refused', [], 0, /RangeError: no interface has index 0/],
    [
      'without CAP_NET_RAW the error is EPERM',
      ['setpriv', '--bounding-set', '-net_raw', '--inh-caps', '-net_raw'],
      undefined,
      /SystemError: open a packet socket: EPERM/,
    ],
  ] as const) {
    test(what, async () => {
      const program = new URL('descriptor-program.js', import.meta.url).pathname;
      const argument = JSON.stringify({ interfaceIndex: interfaceIndex ?? index });
      const { status, stderr } = await box.run([...starter, process.execPath, program, argument], { mayFail: true });
      assert.notEqual(status, 0);
      assert.match(stderr, error);
    });
  }
});

/** The frames of a capture of tcpdump's, in hexadecimal: | length kept (32) | length (32) | at the end of a record's header. */
function framesIn(path: string): string[] {
  const file = readFileSync(path);
  const frames: string[] = [];
  for (let at = PCAP_HEADER_BYTES; at < file.length; ) {
    const kept_bytes = file.readUInt32LE(at + 8);
    at += RECORD_HEADER_BYTES;
    frames.push(file.toString('hex', at, at + kept_bytes));
    at += kept_bytes;
  }
  return frames;
}
