/**
 * The scenario of PCs behind a LAC: LNSes that take what a LAC hands over in each of their ways, or not; users that the LAC
 * carries to them and such that it serves itself; LNSes of which one is not to be had. Must not run anything.
 */

import type { AuthenticationProtocol } from '../../firmware/protocol/ppp/link.js';
import type { TunnelChoice } from '../../firmware/roles/role.js';
import { TAG_PROTOCOL, type VlanTag } from '../../firmware/wire/ethernet.js';
import type { BoxPlan } from './box.js';
import { addPeer, addUser, type Builder, PASSWORD, PROTOCOLS } from './builder.js';
import type { TunnelPeer } from './outside.js';
import type { PcGoal } from './pc.js';

const SECRET = 'tunnel secret';
/** Addresses enough for calls that have ended at one end alone. */
const SPARE = 40;
const ALL: readonly AuthenticationProtocol[] = ['mschapv2', 'chap-md5', 'pap'];
const LAC_MAC = '02:00:5e:00:53:fe';
const CHATTY = { echoInterval_ms: 200, echoFailures: 150 };
/** The interfaces of the LAC that PCs are behind. */
const INTERFACES = [3, 4] as const;

export function pcsBehindLac(build: Builder): void {
  const { random } = build;
  const lnses = Array.from({ length: random.between(1, 2) }, (_, i) => build.box(`lns${i + 1}`));
  const lac = build.box('lac');
  const lacProtocols = random.pick([random.pick(PROTOCOLS), build.protocols]);
  for (const [i, lns] of lnses.entries()) {
    build.makeLns(lns, String(i + 1), SPARE);
    build.watchLinks(lns);
    addPeer(lns, lac, peerOf(build, lacProtocols));
  }
  // All that a LAC has to carry at once must have room.
  lac.config = { ...lac.config, endpoint: { ...lac.config.endpoint, maxTunnels: 64, maxSessions: 256 } };
  build.makeLac(lac, INTERFACES, LAC_MAC, lacProtocols, SPARE);
  lac.reportDelay_ms = random.pick([0, 1, 20, 600]);
  if (random.chance(0.3)) lac.answerDelay_ms = 6_000;
  const others = random.chance(0.3) ? [unreachable(build, lac)] : [];
  for (let count = random.between(1, 4); count > 0; count--) {
    addPc(build, lac, lnses, others);
  }
  if (random.chance(0.2)) build.dial(lac, random.pick(lnses), { type: 'up' });
  if (random.chance(0.2)) alsoLns(build, lac);
}

/** A box may have every role at once. */
function alsoLns(build: Builder, lac: BoxPlan): void {
  const client = build.box('client');
  build.makeLns(lac, '9', SPARE);
  addPeer(lac, client, build.random.pick([{}, { secret: SECRET }]));
  build.dial(client, lac, { type: 'up' });
}

/** How an LNS takes what the LAC hands over. What it must refuse is taken anew where all PCs are to come up. */
function peerOf(build: Builder, lacProtocols: readonly AuthenticationProtocol[]): TunnelPeer {
  const { random } = build;
  const proxy = random.pick(['trust', 'chap', 'renegotiate'] as const);
  const [first] = lacProtocols;
  const isTaken = build.protocols.includes(first) && !(proxy === 'chap' && first === 'pap');
  const proxyMismatch = isTaken ? random.pick(['renegotiate', 'refuse'] as const) : 'renegotiate';
  return { ...random.pick([{}, { secret: SECRET }]), proxy, proxyMismatch };
}

/** An LNS that does not want this LAC, or a name that nobody has. */
function unreachable(build: Builder, lac: BoxPlan): TunnelChoice {
  const { random } = build;
  if (random.chance(0.3)) return { ...choiceOf(build, lac, lac, 0), server: 'nobody.example', peerHostName: '' };
  const lns = build.box('other');
  build.makeLns(lns, '7', SPARE);
  return choiceOf(build, lac, lns, 0);
}

function choiceOf(build: Builder, lac: BoxPlan, lns: BoxPlan, preference: number): TunnelChoice {
  const { random } = build;
  build.introduce(lac, lns);
  return {
    preference,
    server: `${lns.name}.example`,
    localAddress: '',
    port: 1701,
    encapsulation: build.encapsulationTo(lns),
    secret: lns.outside.tunnelPeers[lac.address]?.secret ?? '',
    digest: random.pick(['md5', 'sha1']),
    assignmentId: random.pick(['', '', 'gold']),
    hostName: '',
    peerHostName: random.pick(['', `${lns.name}.example`]),
    cookie_bytes: random.pick([0, 4, 8]),
    sequencing: random.chance(0.2),
  };
}

function addPc(build: Builder, lac: BoxPlan, lnses: readonly BoxPlan[], others: readonly TunnelChoice[]): void {
  const { random } = build;
  const number = build.pcs.length + 1;
  const user = `pc user ${number}`;
  const goal: PcGoal = random.chance(0.15)
    ? { type: 'refused' }
    : { type: 'up', at: random.chance(0.2) ? 'lac' : 'lns' };
  const isCarried = goal.type === 'refused' ? random.chance(0.5) : goal.at === 'lns';
  const preference = random.pick([1, 2]);
  const choices = lnses.map((lns, i) => choiceOf(build, lac, lns, i === 0 ? 1 : preference));
  // Who is to be refused by the LNS has another password there; the LAC lets him through.
  const isForLns = goal.type === 'refused' && isCarried;
  const [atLac, atLns] = goal.type === 'refused' && !isForLns ? ['another horse', PASSWORD] : [PASSWORD, PASSWORD];
  addUser(lac, user, { password: atLac, ...(isCarried && { tunnels: [...others, ...choices] }) });
  for (const lns of lnses) addUser(lns, user, { password: isForLns ? 'another horse' : atLns });
  build.pcs.push({
    name: `pc${number}`,
    mac: `02:00:5e:00:54:0${number}`,
    lac: lac.name,
    interfaceIndex: random.pick(INTERFACES),
    tags: random.pick([[], [vlan(7)], [{ ...vlan(7), tagProtocol: TAG_PROTOCOL.service }, vlan(100 + number)]]),
    link: {
      ...build.ppp,
      side: 'peer',
      mru_bytes: random.pick([1492, 1400]),
      peer: { name: user, password: PASSWORD, allow: ALL },
      ipv4: true,
      ipv6: random.chance(0.7),
      // Some hosts refuse what does not belong on Ethernet, also where the LNS asks for it.
      overEthernet: random.chance(0.5),
      // Who asks so often has frames under way at the moment of the handover, too.
      ...(random.chance(0.15) ? CHATTY : { echoInterval_ms: random.pick([10_000, 30_000]) }),
    },
    answersStrangers: random.chance(0.5),
    goal,
  });
}

function vlan(vlanId: number): VlanTag {
  return { tagProtocol: TAG_PROTOCOL.customer, priority: 0, dropEligible: false, vlanId };
}
