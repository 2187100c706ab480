/**
 * The rules for pseudowires that no schema can say: which fields a mode needs, and what contradicts other pseudowires
 * or the settings around them. Also whose name each network interface is, for the same reason. Must not look at
 * anything but the settings.
 */
import { isIPv4 } from 'node:net';
import { canonicalAddress, type Problem, type PseudowireSettings, type Settings } from '../settings.js';

export function pseudowireProblems(settings: Settings): Problem[] {
  return settings.pseudowires.flatMap((wire, at) => {
    const field = `/pseudowires/${at}`;
    const prior = settings.pseudowires.slice(0, at);
    return [
      ...modeProblems(wire, field),
      ...typeProblems(wire, field),
      ...peerProblems(wire, field),
      ...numberProblems(wire, field),
      ...collisions(wire, prior, field),
      ...(wire.enabled && wire.mode === 'listen' ? unreachable(wire, settings, field) : []),
    ];
  });
}

/** A network interface has one owner; a bridge may have several ports, but is none of our own devices. */
export function interfaceProblems({ lns, lacClients, pseudowires }: Settings): Problem[] {
  const problems: Problem[] = [];
  const owners = new Map([[lns.tunInterface, 'the LNS']]);
  const take = (name: string, owner: string, field: string) => {
    const other = owners.get(name);
    if (other) problems.push({ field, reason: `${name} belongs to ${other}; choose another name` });
    else owners.set(name, owner);
  };
  lacClients.forEach(({ name, tunInterface }, at) => {
    take(tunInterface, `profile ${name}`, `/lacClients/${at}/tunInterface`);
  });
  pseudowires.forEach(({ name, tapInterface }, at) => {
    take(tapInterface, `pseudowire ${name}`, `/pseudowires/${at}/tapInterface`);
  });
  pseudowires.forEach(({ bridge }, at) => {
    const owner = bridge && owners.get(bridge);
    const reason = `${bridge} belongs to ${owner}, and is no bridge; choose another name`;
    if (owner) problems.push({ field: `/pseudowires/${at}/bridge`, reason });
  });
  return problems;
}

type Mode = PseudowireSettings['mode'];
type Field = keyof PseudowireSettings;

const SECRETS: readonly Field[] = ['secret', 'localCookie', 'peerCookie'];
const OF_STATIC_ALONE = ['localAddress', 'localSessionId', 'peerSessionId', 'localCookie', 'peerCookie'] as const;

/** Of the fields that may be left out: which must be there, and which must not. */
const FIELDS: Readonly<Record<Mode, { needed: readonly Field[]; useless: readonly Field[] }>> = {
  dial: { needed: ['peer', 'remoteEndId'], useless: OF_STATIC_ALONE },
  listen: { needed: ['remoteEndId'], useless: ['secret', ...OF_STATIC_ALONE] },
  static: { needed: ['peer', 'localSessionId', 'peerSessionId'], useless: ['remoteEndId', 'secret'] },
};

function modeProblems(wire: PseudowireSettings, path: string): Problem[] {
  const { mode } = wire;
  const { needed, useless } = FIELDS[mode];
  const problems: Problem[] = [];
  for (const name of needed) {
    if (wire[name] !== undefined) continue;
    problems.push({ field: `${path}/${name}`, reason: `is missing, and mode ${mode} cannot do without; add it` });
  }
  for (const name of useless) {
    if (wire[name] === undefined) continue;
    const instead =
      mode === 'listen' && name === 'secret' ? ', where the secret is that of tunnelPeers or lns.defaultSecret' : '';
    const remedy = SECRETS.includes(name) ? 'clear it with null' : 'remove it';
    problems.push({ field: `${path}/${name}`, reason: `is of no use in mode ${mode}${instead}; ${remedy}` });
  }
  if (mode !== 'static' && wire.l2SpecificSublayer !== 'none') {
    const reason = `is of no use in mode ${mode}, where sequencing decides it; remove it`;
    problems.push({ field: `${path}/l2SpecificSublayer`, reason });
  }
  return problems;
}

function typeProblems({ type, vlanId }: PseudowireSettings, path: string): Problem[] {
  const field = `${path}/vlanId`;
  if (type === 'vlan' && vlanId === undefined) {
    return [{ field, reason: 'is missing, and type vlan cannot do without; add it, or set type to ethernet' }];
  }
  if (type === 'ethernet' && vlanId !== undefined) {
    return [{ field, reason: 'is of no use in type ethernet, where tags pass as they are; remove it, or take vlan' }];
  }
  return [];
}

function peerProblems({ mode, peer, encapsulation, port, localAddress }: PseudowireSettings, path: string): Problem[] {
  const problems: Problem[] = [];
  const isAddress = peer !== undefined && canonicalAddress(peer) !== undefined;
  if (mode !== 'dial' && peer !== undefined && !isAddress) {
    const reason = `is a name, and mode ${mode} takes an IP address alone; write it as in 192.0.2.1 or 2001:db8::1`;
    problems.push({ field: `${path}/peer`, reason });
  }
  if (mode === 'static' && isAddress && localAddress !== undefined && isIPv4(peer) !== isIPv4(localAddress)) {
    const reason = `is not of the family of peer ${peer}; take two IPv4 addresses or two IPv6 addresses`;
    problems.push({ field: `${path}/localAddress`, reason });
  }
  if (mode !== 'listen') problems.push(...portProblems(encapsulation, port, path));
  return problems;
}

/** IP protocol 115 has no ports: who gives one wants UDP. */
export function portProblems(encapsulation: string, port: number, path: string): Problem[] {
  if (encapsulation !== 'ip' || port === 1701) return [];
  const reason = 'is a UDP port, while encapsulation is ip, which has none; set that to udp3, or leave this out';
  return [{ field: `${path}/port`, reason }];
}

/** From here on the packet path counts what it carries by PPPoE. */
const FIRST_PPPOE_ROW_ID = 0xf000_0000;

function numberProblems(wire: PseudowireSettings, path: string): Problem[] {
  const problems: Problem[] = [];
  if ((wire.localSessionId ?? 0) >= FIRST_PPPOE_ROW_ID) {
    const reason = `is kept for PPPoE from ${FIRST_PPPOE_ROW_ID} on; choose a smaller one, at both ends`;
    problems.push({ field: `${path}/localSessionId`, reason });
  }
  if (wire.mode === 'static' && wire.sequencing && wire.l2SpecificSublayer === 'none') {
    const reason = 'needs the sublayer that carries the numbers; set l2SpecificSublayer to default at both ends';
    problems.push({ field: `${path}/sequencing`, reason });
  }
  if (wire.redialInitial_s > wire.redialCap_s) {
    const reason = `is above redialCap_s (${wire.redialCap_s}); make it smaller`;
    problems.push({ field: `${path}/redialInitial_s`, reason });
  }
  return problems;
}

/** Two entries for one session: the second would take the first one's frames, or never get any. */
function collisions(wire: PseudowireSettings, prior: readonly PseudowireSettings[], path: string): Problem[] {
  if (wire.mode === 'static') {
    const holder = prior.find(
      ({ mode, localSessionId }) => mode === 'static' && localSessionId === wire.localSessionId,
    );
    if (holder === undefined || wire.localSessionId === undefined) return [];
    const reason = `is the session of pseudowire ${holder.name} already; choose another one`;
    return [{ field: `${path}/localSessionId`, reason }];
  }
  const same = prior.find((other) => wire.enabled && other.enabled && isSameSession(other, wire));
  if (same === undefined || wire.remoteEndId === undefined) return [];
  const reason = `is that of pseudowire ${same.name} already, with the same peer; choose another one`;
  return [{ field: `${path}/remoteEndId`, reason }];
}

function isSameSession(prior: PseudowireSettings, wire: PseudowireSettings): boolean {
  if (prior.mode !== wire.mode || prior.type !== wire.type || prior.remoteEndId !== wire.remoteEndId) return false;
  return prior.peer === wire.peer || (wire.mode === 'listen' && prior.peer === undefined);
}

/** Peers open tunnels to the box, and not to a pseudowire: what is said of them there holds here too. */
function unreachable({ name }: PseudowireSettings, { l2tp, lns, tunnelPeers }: Settings, path: string): Problem[] {
  const problems: Problem[] = [];
  if (!l2tp.accepts.includes('udp3') && !l2tp.accepts.includes('ip')) {
    const reason = `has no version 3, so that no peer could ask for pseudowire ${name}; add udp3 or ip`;
    problems.push({ field: '/l2tp/accepts', reason });
  }
  if (!lns.enabled && !lns.allowUnknownPeers && tunnelPeers.length === 0) {
    const reason = 'is listen while lns.allowUnknownPeers is false and tunnelPeers is empty; add the peer there';
    problems.push({ field: `${path}/mode`, reason });
  }
  return problems;
}
