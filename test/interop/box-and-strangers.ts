/**
 * One box, and around it whoever means it no good: a peer that it may talk to, a stranger at another address, and a
 * branch whose real call must not suffer. Each has a cable of its own to the box.
 *
 *   peer      192.0.2.2    ════ 192.0.2.1    ┐
 *   stranger  198.51.100.2 ════ 198.51.100.1 ├ box, with the office's 10.20.0.1
 *   branch    203.0.113.2  ════ 203.0.113.1  ┘
 */
import assert from 'node:assert/strict';
import { Lab, type Namespace } from '../lab/namespaces.js';
import { until } from '../lab/until.js';
import type { SettingsChanges } from './api-client.js';
import { Appliance } from './appliance.js';
import { profile, up } from './branch.js';
import { LNS_LINK_ADDRESS, listening, POOL, USER } from './lns.js';
import { RawPeer } from './raw-peer.js';
import { RawSocketPeer } from './raw-socket-peer.js';

export const BOX_ADDRESS = '192.0.2.1';
export const PEER_ADDRESS = '192.0.2.2';
const BOX_FOR_BRANCH = '203.0.113.1';
const OFFICE = '10.20.0.1';

export interface Surroundings {
  lab: Lab;
  at: Readonly<Record<'box' | 'peer' | 'stranger' | 'branch', Namespace>>;
  box: Appliance;
  branch: Appliance;
  /** What sends and receives there by hand, over UDP and over IP. */
  peer: Carriers;
  stranger: Carriers;
}

export interface Carriers {
  udp: RawPeer;
  ip: RawSocketPeer;
}

/** Lays all of it; the box is an LNS and has what `changes` say, the branch has not called yet. */
export async function layBoxAndStrangers(changes: SettingsChanges): Promise<Surroundings> {
  const lab = await Lab.open();
  const at = {
    ...{ box: await lab.namespace('box'), peer: await lab.namespace('peer') },
    ...{ stranger: await lab.namespace('stranger'), branch: await lab.namespace('branch') },
  };
  for (const [who, network] of [
    ['peer', '192.0.2'],
    ['stranger', '198.51.100'],
    ['branch', '203.0.113'],
  ] as const) {
    await lab.cable(
      { namespace: at.box, device: `to-${who}`, addresses: [`${network}.1/24`] },
      { namespace: at[who], device: 'uplink', addresses: [`${network}.2/24`] },
    );
  }
  await at.stranger.ip(`route add ${BOX_ADDRESS}/32 via 198.51.100.1`);
  // A forwarding kernel reports its IPv6 groups by every device, and what is counted here is what was sent here.
  await at.box.run(['sysctl', '-q', 'net.ipv6.conf.default.disable_ipv6=1']);
  await at.box.address('lo', `${OFFICE}/32`);
  const [box, branch] = await Promise.all([
    Appliance.start(lab, at.box, 'box'),
    Appliance.start(lab, at.branch, 'branch'),
  ]);
  await box.api.putPool('default', { ranges: [{ first: POOL.first, last: POOL.last }] });
  await box.api.putUser(USER.name, { password: USER.password });
  await box.api.configure({ ...changes, lns: { enabled: true, localAddress: LNS_LINK_ADDRESS, ...changes.lns } });
  await listening(box);
  return { lab, at, box, branch, peer: await carriersAt(at.peer), stranger: await carriersAt(at.stranger) };
}

async function carriersAt(namespace: Namespace): Promise<Carriers> {
  const [udp, ip] = await Promise.all([
    RawPeer.start(namespace, BOX_ADDRESS),
    RawSocketPeer.start(namespace, BOX_ADDRESS),
  ]);
  return { udp, ip };
}

/** The branch calls over IP, and the office answers. */
export async function branchCalls({ branch, at }: Surroundings): Promise<void> {
  await branch.api.configure(profile({ server: BOX_FOR_BRANCH, encapsulation: 'ip', routes: [`${OFFICE}/32`] }));
  await up(branch, at.branch, OFFICE);
  await branchReachesOffice({ at });
}

export async function branchReachesOffice({ at }: Pick<Surroundings, 'at'>): Promise<void> {
  const ping = await at.branch.ping(OFFICE, { count: 2 });
  assert.equal(ping.status, 0, ping.stdout);
}

/**
 * What the box counts while `act` runs: each of these reasons as often as it is given. It says nothing of it in its log,
 * and has the tunnels that it had.
 */
export async function mustBeDropped(
  box: Appliance,
  expected: Readonly<Record<string, number>>,
  act: () => Promise<void>,
): Promise<void> {
  const { drops: before } = await box.api.status();
  const tunnels = await tunnelIds(box);
  const logged = box.logLineCount;
  await act();
  const counted = async (): Promise<Record<string, number>> => {
    const { drops } = await box.api.status();
    return Object.fromEntries(Object.keys(expected).map((reason) => [reason, drops[reason]! - before[reason]!]));
  };
  await until(`drops: ${JSON.stringify(expected)}`, 5_000, async () => {
    const now = await counted();
    return Object.entries(expected).every(([reason, count]) => now[reason]! >= count);
  }).catch(async (error: Error) => {
    throw new Error(`${error.message}\n${JSON.stringify(await counted())}\n${await differences(box, before)}`);
  });
  assert.deepEqual(await counted(), expected);
  assert.deepEqual(await tunnelIds(box), tunnels);
  // Refused tunnels are told of at a bounded rate, and may be from before.
  const said = box.log(logged).filter((line) => !line.includes('tunnel refused'));
  assert.deepEqual(said, []);
}

async function differences(box: Appliance, before: Readonly<Record<string, number>>): Promise<string> {
  const { drops } = await box.api.status();
  const changed = Object.entries(drops).filter(([reason, count]) => count !== before[reason]);
  return `in all: ${JSON.stringify(Object.fromEntries(changed.map(([reason, count]) => [reason, count - (before[reason] ?? 0)])))}`;
}

async function tunnelIds(box: Appliance): Promise<number[]> {
  return (await box.api.tunnels()).map(({ tunnelId }) => tunnelId).sort((a, b) => a - b);
}
