/**
 * Users' filters in a real kernel, tried by real packets: users and a box on one cable, which stands for the TUN, and an
 * office on another.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { DesiredFilter, FilterRule, NetworkProblem } from '../../../firmware/control/network.js';
import { Lab, type Namespace } from '../../lab/namespaces.js';
import { labIsMissing } from '../../lab/requirements.js';
import { until } from '../../lab/until.js';
import type { Probe } from './reach-program.js';
import { Speaker } from './speaker.js';

/** Users of whom tests filter some, and an address in the network behind ALICE, 10.1.0.0/16. */
const [ALICE, ALICE6, BOB, BEHIND_ALICE] = ['10.0.0.2', '2001:db8:1::2', '10.0.0.3', '10.1.0.2'];
const [OFFICE, OFFICE6] = ['198.51.100.2', '2001:db8:2::2'];
/** The box, on the office's cable. */
const BOX = '198.51.100.1';
const PORTS = [25, 53, 80];

function filter(rules: Partial<FilterRule>[], of: Partial<DesiredFilter> = {}): DesiredFilter {
  return {
    name: 'a filter',
    link: 'tw0',
    rules: rules.map((rule) => ({ action: 'drop', direction: 'both', ...rule })),
    otherwise: 'accept',
    addresses: [`${ALICE}/32`, `${ALICE6}/128`],
    ...of,
  };
}

/** As `nft -j list` has it; `place` is put there by the test. */
interface ListedRule {
  chain: string;
  place?: number;
}

const udp = (from: string, to: string, port: number, size_bytes = 8): Probe => {
  return { protocol: 'udp', from, to, port, size_bytes };
};
const tcp = (from: string, to: string, port: number): Probe => ({ protocol: 'tcp', from, to, port });
const ping = (from: string, to: string): Probe => ({ protocol: 'icmp', from, to });

describe('filters of users’ traffic', { skip: labIsMissing() }, () => {
  let lab: Lab;
  let box: Namespace;
  let netConfig: Speaker;
  let users: Speaker;
  let office: Speaker;

  before(async () => {
    lab = await Lab.open();
    box = await lab.namespace('box');
    const [here, there] = [await lab.namespace('users'), await lab.namespace('office')];
    const ofUsers = [`${ALICE}/24`, `${BOB}/24`, `${BEHIND_ALICE}/16`, `${ALICE6}/64`];
    await lab.cable(
      { namespace: here, device: 'eth0', addresses: ofUsers },
      { namespace: box, device: 'tw0', addresses: ['10.0.0.1/24', '10.1.0.1/16', '2001:db8:1::1/64'] },
    );
    await lab.cable(
      { namespace: there, device: 'eth0', addresses: [`${OFFICE}/24`, `${OFFICE6}/64`] },
      { namespace: box, device: 'lan0', addresses: [`${BOX}/24`, '2001:db8:2::1/64'] },
    );
    await here.ip('route add default via 10.0.0.1', 'route add default via 2001:db8:1::1');
    await there.ip(`route add default via ${BOX}`, 'route add default via 2001:db8:2::1');
    netConfig = await restarted();
    [users, office] = [new Speaker(here, 'reach-program.js'), new Speaker(there, 'reach-program.js')];
    for (const place of [here, there, box]) {
      await new Speaker(place, 'echo-program.js', PORTS.map(String)).hear(/listening/);
    }
    await until('IPv6 crosses the box', 10_000, async () => (await lost(users, [ping(ALICE6, OFFICE6)])).length === 0);
  });

  afterEach(async () => {
    await apply([]);
  });

  after(() => lab.close());

  /** A process that forwards between the cables. */
  async function restarted(): Promise<Speaker> {
    const started = new Speaker(box, 'netconfig-process.js');
    assert.deepEqual(await applyBy(started, []), []);
    return started;
  }

  async function applyBy(process: Speaker, filters: readonly DesiredFilter[]): Promise<NetworkProblem[]> {
    process.say({ do: 'apply', desired: { links: [], routes: [], filters, forwarding: true } });
    return process.hear<NetworkProblem[]>(/^\[/);
  }

  function apply(filters: readonly DesiredFilter[]): Promise<NetworkProblem[]> {
    return applyBy(netConfig, filters);
  }

  /** Those that are not reached. */
  async function lost(of: Speaker, probes: readonly Probe[]): Promise<Probe[]> {
    of.say(probes);
    const { reached } = await of.hear<{ reached: boolean[] }>(/reached/);
    return probes.filter((_, at) => !reached[at]);
  }

  async function tables(): Promise<string[]> {
    const { stdout } = await box.run(['nft', 'list', 'tables']);
    return stdout.split('\n').filter((line) => line !== '');
  }

  /** All that a user may try in a test of rules. */
  const ALL = [
    ...PORTS.flatMap((port) => [tcp(ALICE, OFFICE, port), udp(ALICE, OFFICE, port), tcp(ALICE6, OFFICE6, port)]),
    ping(ALICE, OFFICE),
    ping(ALICE6, OFFICE6),
  ];

  test('without a filter everything passes', async () => {
    assert.deepEqual(await lost(users, [...ALL, tcp(BOB, OFFICE, 25), tcp(ALICE, BOX, 80)]), []);
    assert.deepEqual(await lost(office, [tcp(OFFICE, ALICE, 25), ping(OFFICE, ALICE)]), []);
  });

  const RULES: [string, Partial<FilterRule>[], (probe: Probe) => boolean][] = [
    ['a protocol', [{ protocol: 'udp' }], ({ protocol }) => protocol === 'udp'],
    ['ICMP, of IPv4 and IPv6', [{ protocol: 'icmp' }], ({ protocol }) => protocol === 'icmp'],
    [
      'a port of a protocol',
      [{ protocol: 'tcp', port: 25 }],
      ({ protocol, port }) => protocol === 'tcp' && port === 25,
    ],
    ['a port of any protocol that has some', [{ port: 53 }], ({ port }) => port === 53],
    ['an IPv4 prefix', [{ remote: '198.51.100.0/24' }], ({ to }) => to === OFFICE],
    [
      'an IPv6 prefix and a protocol',
      [{ remote: '2001:db8:2::/48', protocol: 'icmp' }],
      (probe) => {
        return probe.to === OFFICE6 && probe.protocol === 'icmp';
      },
    ],
    ['all of IPv4', [{ remote: '0.0.0.0/0' }], ({ to }) => to === OFFICE],
    ['all of IPv6, at one port', [{ remote: '::/0', port: 80 }], ({ to, port }) => to === OFFICE6 && port === 80],
    ['a port of ICMP, which has none', [{ protocol: 'icmp', port: 80 }], () => false],
    ['another prefix', [{ remote: '203.0.113.0/24' }], () => false],
    [
      'what an earlier rule has accepted',
      [{ action: 'accept', port: 80 }, { protocol: 'tcp' }],
      (probe) => {
        return probe.protocol === 'tcp' && probe.port !== 80;
      },
    ],
    ['everything', [{}], () => true],
  ];
  for (const [what, rules, isDropped] of RULES) {
    test(`a filter that drops ${what} drops that and nothing else`, async () => {
      assert.deepEqual(await apply([filter(rules)]), []);
      assert.deepEqual(await lost(users, ALL), ALL.filter(isDropped));
    });
  }

  test('where no rule matches, the rest of the filter decides', async () => {
    const rules: Partial<FilterRule>[] = [{ action: 'accept', protocol: 'tcp', port: 80 }];
    assert.deepEqual(await apply([filter(rules, { otherwise: 'drop' })]), []);
    const passes = ({ protocol, port }: Probe) => protocol === 'tcp' && port === 80;
    assert.deepEqual(
      await lost(users, ALL),
      ALL.filter((probe) => !passes(probe)),
    );
  });

  test('an accepted port is accepted in fragments too, of which only the first has ports', async () => {
    assert.deepEqual(await apply([filter([{ action: 'accept', port: 53 }], { otherwise: 'drop' })]), []);
    const probes = [udp(ALICE, OFFICE, 53, 4000), udp(ALICE6, OFFICE6, 53, 4000), udp(ALICE, OFFICE, 80, 4000)];
    assert.deepEqual(await lost(users, probes), probes.slice(2));
  });

  test('a rule for one direction leaves the other alone', async () => {
    // The answers to what the office asks of its port 80 go there, and come from the user's.
    const fromUser = filter([{ direction: 'from-user', protocol: 'tcp', port: 80 }]);
    assert.deepEqual(await apply([fromUser]), []);
    assert.deepEqual(await lost(users, [tcp(ALICE, OFFICE, 80), tcp(ALICE, OFFICE, 25)]), [tcp(ALICE, OFFICE, 80)]);
    assert.deepEqual(await lost(office, [tcp(OFFICE, ALICE, 80)]), []);
    const toUser = filter([{ direction: 'to-user', remote: `${OFFICE}/32`, protocol: 'icmp' }]);
    assert.deepEqual(await apply([toUser]), []);
    assert.deepEqual(await lost(office, [ping(OFFICE, ALICE), tcp(OFFICE, ALICE, 80)]), [ping(OFFICE, ALICE)]);
  });

  test('a filter is its users’ alone, also between users of one box', async () => {
    assert.deepEqual(await apply([filter([{}])]), []);
    assert.deepEqual(await lost(users, [tcp(BOB, OFFICE, 25), tcp(BEHIND_ALICE, OFFICE, 25)]), []);
  });

  test('what the users are not behind is not filtered: the office may use such addresses', async () => {
    assert.deepEqual(await apply([filter([{}], { addresses: ['0.0.0.0/0'], link: 'tw1' })]), []);
    assert.deepEqual(await lost(users, [tcp(ALICE, OFFICE, 25)]), []);
    assert.deepEqual(await apply([filter([{}], { addresses: [`${OFFICE}/32`] })]), []);
    assert.deepEqual(await lost(users, [tcp(ALICE, OFFICE, 25)]), []);
  });

  test('the box itself is a remote end like others', async () => {
    assert.deepEqual(await apply([filter([{ remote: `${BOX}/32`, port: 80 }])]), []);
    const probes = [tcp(ALICE, BOX, 80), tcp(ALICE, BOX, 25), tcp(BOB, BOX, 80)];
    assert.deepEqual(await lost(users, probes), probes.slice(0, 1));
    assert.deepEqual(await apply([filter([{ direction: 'to-user', remote: `${BOX}/32` }])]), []);
    assert.deepEqual(await lost(users, probes), probes.slice(0, 2));
  });

  test('a network behind a user is filtered with it, and a hole in it is not', async () => {
    const addresses = [`${ALICE}/32`, '10.1.0.0/31', '10.1.0.2/32', '10.1.128.0/17'];
    assert.deepEqual(await apply([filter([{}], { addresses })]), []);
    assert.deepEqual(await lost(users, [tcp(BEHIND_ALICE, OFFICE, 25)]), [tcp(BEHIND_ALICE, OFFICE, 25)]);
    const around = ['10.1.0.0/31', '10.1.0.3/32', '10.1.128.0/17'];
    assert.deepEqual(await apply([filter([{}], { addresses: around })]), []);
    assert.deepEqual(await lost(users, [tcp(BEHIND_ALICE, OFFICE, 25)]), []);
    assert.deepEqual(await apply([filter([{}], { addresses: ['10.1.0.0/16'] })]), []);
    assert.deepEqual(await lost(users, [tcp(BEHIND_ALICE, OFFICE, 25)]), [tcp(BEHIND_ALICE, OFFICE, 25)]);
  });

  test('a user with several filters: a packet must pass every one of them', async () => {
    const web = filter(
      [
        { action: 'accept', port: 80 },
        { action: 'accept', port: 53 },
      ],
      { name: 'a', otherwise: 'drop' },
    );
    const noNames = filter([{ port: 53 }], { name: 'b', addresses: [`${ALICE}/32`, `${BOB}/32`] });
    assert.deepEqual(await apply([web, noNames]), []);
    const probes = [tcp(ALICE, OFFICE, 80), tcp(BOB, OFFICE, 25), tcp(ALICE, OFFICE, 53), tcp(ALICE, OFFICE, 25)];
    assert.deepEqual(await lost(users, [...probes, tcp(BOB, OFFICE, 53)]), [...probes.slice(2), tcp(BOB, OFFICE, 53)]);
    assert.deepEqual(await apply([noNames]), []);
    assert.deepEqual(await lost(users, probes), [tcp(ALICE, OFFICE, 53)]);
  });

  test('RFC 5176: a user gets another filter, and a filter other rules, while everything runs', async () => {
    const [mail, names] = [filter([{ port: 25 }], { name: 'mail' }), filter([{ port: 53 }], { name: 'names' })];
    const probes = [tcp(ALICE, OFFICE, 25), tcp(ALICE, OFFICE, 53), tcp(ALICE, OFFICE, 80)];
    const [mailTo, namesTo, webTo] = probes;
    for (const [filters, dropped] of [
      [[mail], [mailTo]],
      [[names], [namesTo]],
      [[{ ...names, rules: mail.rules }], [mailTo]],
      [
        [mail, names],
        [mailTo, namesTo],
      ],
      [[{ ...mail, otherwise: 'drop' }], [mailTo, namesTo, webTo]],
      [[], []],
    ] as const) {
      assert.deepEqual(await apply(filters), []);
      assert.deepEqual(await lost(users, probes), dropped);
    }
  });

  test('filters may be called anything', async () => {
    const names = ['" ; flush ruleset', '2', 'drop', '../é\u{1f512}', 'x'.repeat(253), 'a-b', 'a_b'];
    const filters = names.map((name, at) => filter([{ port: 25 }], { name, addresses: [`10.0.0.${20 + at}/32`] }));
    assert.deepEqual(await apply([...filters, filter([{}])]), []);
    assert.deepEqual(await lost(users, [tcp(ALICE, OFFICE, 80), tcp(BOB, OFFICE, 25)]), [tcp(ALICE, OFFICE, 80)]);
  });

  /** What the kernel says of our table, in no order but that of the rules of a chain. */
  async function ruleset(): Promise<string[]> {
    if ((await tables()).length === 0) return [];
    const { stdout } = await box.run(['nft', '-j', 'list', 'table', 'inet', 'tunnelwerk_filter']);
    const { nftables } = JSON.parse(stdout) as { nftables: { rule?: ListedRule; map?: { elem?: unknown[] } }[] };
    const rules = nftables.flatMap(({ rule }) => rule ?? []);
    for (const rule of rules) rule.place = rules.filter(({ chain }) => chain === rule.chain).indexOf(rule);
    for (const { map } of nftables) {
      if (map?.elem !== undefined) map.elem = map.elem.map((element) => JSON.stringify(element)).sort();
    }
    return nftables.map((each) => JSON.stringify(each).replace(/,"handle":\d+|"handle":\d+,/, '')).sort();
  }

  test('changes one after the other come to the same table as is made at once', async () => {
    const addresses = [
      '10.0.0.2/32',
      '10.0.0.3/32',
      '10.1.0.0/24',
      '10.1.1.0/24',
      '2001:db8::1/128',
      '2001:db8:1::/48',
    ];
    const rule = fc.constantFrom<Partial<FilterRule>>(
      { port: 25 },
      { action: 'accept', port: 53 },
      { protocol: 'icmp' },
    );
    const one = (name: string) =>
      fc
        .tuple(fc.array(rule, { maxLength: 2 }), fc.subarray(addresses), fc.constantFrom('accept', 'drop'))
        .map(([rules, addresses, otherwise]) => filter(rules, { name, addresses, otherwise }));
    const some = fc.tuple(one('a'), one('b'), one('c')).map((all) => all.filter((each) => each.addresses.length > 0));
    const steps = fc.sample(some, { numRuns: 15, seed: 4 });
    for (const filters of steps) {
      assert.deepEqual(await apply(filters), []);
      const changed = await ruleset();
      const fresh = new Speaker(box, 'netconfig-process.js');
      assert.deepEqual(await applyBy(fresh, filters), []);
      assert.deepEqual(changed, await ruleset());
      await fresh.daemon.stop();
    }
  });

  test('what others have in nf_tables stays; of ours nothing remains at the end', async () => {
    await box.run(['nft', 'add', 'table', 'inet', 'firewall']);
    assert.deepEqual(await apply([filter([{}])]), []);
    assert.deepEqual(await tables(), ['table inet firewall', 'table inet tunnelwerk_filter']);
    const ending = await restarted();
    assert.deepEqual(await applyBy(ending, [filter([{}])]), []);
    ending.say({ do: 'withdraw' });
    assert.deepEqual(await ending.hear(/^\[/), []);
    assert.deepEqual(await tables(), ['table inet firewall']);
    await box.run(['nft', 'delete', 'table', 'inet', 'firewall']);
    netConfig = await restarted();
  });

  test('a process that was killed leaves its filters; the next one takes them away or puts its own there', async () => {
    assert.deepEqual(await apply([filter([{}])]), []);
    process.kill(netConfig.daemon.pid, 'SIGKILL');
    assert.deepEqual(await lost(users, [tcp(ALICE, OFFICE, 25)]), [tcp(ALICE, OFFICE, 25)]);
    netConfig = await restarted();
    assert.deepEqual(await tables(), []);
    assert.deepEqual(await lost(users, [tcp(ALICE, OFFICE, 25)]), []);
  });

  test('a firewall that is loaded anew takes our table with it: the next change puts all of it back', async () => {
    assert.deepEqual(await apply([filter([{ port: 25 }])]), []);
    await box.run(['nft', 'flush', 'ruleset']);
    assert.deepEqual(await apply([filter([{ port: 25 }], { addresses: [`${ALICE}/32`, `${BOB}/32`] })]), []);
    const probes = [tcp(ALICE, OFFICE, 25), tcp(BOB, OFFICE, 25), tcp(BOB, OFFICE, 80)];
    assert.deepEqual(await lost(users, probes), probes.slice(0, 2));
  });

  test('without nft(8): a problem where filters are wanted, and applied as soon as it is there', async () => {
    const { PATH = '' } = process.env;
    const started = await restarted();
    const usePath = async (path: string) => {
      started.say({ do: 'path', path });
      await started.hear(/^""/);
    };
    await usePath('/nowhere');
    const [problem, ...others] = await applyBy(started, [filter([{ port: 25 }])]);
    assert.deepEqual([problem?.line, others], ['nft -f -', []]);
    assert.match(problem?.message ?? '', /ENOENT/);
    assert.match(problem?.advice ?? '', /install the package nftables/);
    await usePath(PATH);
    assert.deepEqual(await applyBy(started, [filter([{ port: 25 }])]), []);
    assert.deepEqual(await lost(users, [tcp(ALICE, OFFICE, 25)]), [tcp(ALICE, OFFICE, 25)]);
    await usePath('/nowhere');
    const fresh = new Speaker(box, 'netconfig-process.js');
    fresh.say({ do: 'path', path: '/nowhere' });
    await fresh.hear(/^""/);
    assert.deepEqual(await applyBy(fresh, []), [], 'nobody who wants no filter needs nft(8)');
    await usePath(PATH);
    assert.deepEqual(await applyBy(started, []), []);
  });

  test('1,000 users, and as many that get another filter, take less than a second', async () => {
    const addresses = Array.from({ length: 1000 }, (_, n) => `10.2.${n >> 8}.${n & 255}/32`);
    const [one, other] = ['one', 'other'].map((name) => filter([{ port: 25 }], { name }));
    const of = (first: number, last: number) => addresses.slice(first, last).concat(`${ALICE}/32`);
    for (const filters of [
      [{ ...one!, addresses: of(0, 1000) }],
      [{ ...other!, addresses: of(0, 1000) }],
      [{ ...other!, addresses: of(0, 500) }],
    ]) {
      const began_ms = performance.now();
      assert.deepEqual(await apply(filters), []);
      assert.ok(performance.now() - began_ms < 1_000);
      assert.deepEqual(await lost(users, [tcp(ALICE, OFFICE, 25)]), [tcp(ALICE, OFFICE, 25)]);
    }
  });
});
