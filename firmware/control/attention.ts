/**
 * What an operator should look at, in words: worked out of how the box is. Pure; must not repeat what is well.
 */
import { DROP_TEXTS } from './drop-texts.js';
import type { LoadNow } from './load.js';
import type { AttentionView, DhcpView, OperatingProblem, PppoeView, RadiusView, StatusView } from './view.js';

export const ATTENTION_CODES = [
  'problem',
  'not-set-up',
  'radius-dead',
  'radius-all-dead',
  'accounting-waiting',
  'pool-full',
  'pool-nearly-full',
  'calls-failing',
  'lns-failed',
  'client-down',
  'pseudowire-down',
  'memory-short',
  'drops',
  'clock-not-set',
  'accounting-given-up',
  'certificate-ending',
  'certificate-ended',
  'forwarding-off',
  'nat-off',
  'dhcp-no-carrier',
  'dhcp-silent',
  'dhcp-overlapping',
] as const;
export type AttentionCode = (typeof ATTENTION_CODES)[number];

export interface Circumstances {
  status: StatusView;
  radius: RadiusView;
  pppoe: PppoeView;
  dhcp: readonly DhcpView[];
  pools: readonly { name: string; size: number; leased: number }[];
  /** ISO 8601, when the certificate of the box's page ends; '' without one. */
  certificateEnds: string;
  /** The LNS is on, and users' packets have to go on from here. */
  routing: { isNeeded: boolean; forwarding: boolean; masquerades: boolean; privatePools: readonly string[] };
  /** Names of pseudowires that are to be up and are not. */
  pseudowiresDown: readonly string[];
  load: LoadNow;
  /** Unix time. */
  now_ms: number;
}

/** A clock that shows an earlier time was never set: no such program was built then. */
const BUILT_MS = Date.UTC(2026, 0, 1);
/** Whether a clock that shows this Unix time can be right. */
export const clockIsSet = (now_ms: number): boolean => now_ms >= BUILT_MS;

const NEARLY_FULL = 0.9;
const MANY_WAITING = 100;
const MANY_FAILURES_PER_MINUTE = 10;
const MANY_DROPS_PER_MINUTE = 600;
/** Of what tells of two ends that do not fit each other, or of a box that has no more room. */
const TELLING_DROPS_PER_MINUTE = 10;
const TELLING_DROPS: ReadonlySet<string> = new Set([
  'digest-mismatch',
  'digest-missing',
  'wrong-cookie',
  'wrong-encapsulation',
  'control-backlog',
  'stranger-backlog',
  'discovery-backlog',
  'no-session-room',
  'call-no-resources',
  'sccrq-no-resources',
  'send-refused',
  'tun-write-refused',
  'frame-refused',
]);
const DAY_MS = 86_400_000;
const CERTIFICATE_DAYS = 30;
/** Of what is left for further sessions. */
const FEW_SESSIONS_LEFT = 0.1;
/** What happens in every network, and to healthy peers. */
const ORDINARY_DROPS: ReadonlySet<string> = new Set([
  'rate-exceeded-from-peer',
  'rate-exceeded-to-peer',
  'link-local-scope',
  'unknown-session',
  'session-zero',
  'pppoe-unknown-session',
  'control-unknown-tunnel',
  'no-session-for-destination',
  'ipv6-not-open',
  'too-big',
]);

/** The gravest first. */
export function attention(circumstances: Circumstances): AttentionView[] {
  const all = [
    ...ofProblems(circumstances.status.problems),
    ...ofRoles(circumstances),
    ...ofRadius(circumstances.radius),
    ...circumstances.pools.flatMap(ofPool),
    ...ofLoad(circumstances),
    ...ofCertificate(circumstances),
    ...ofRouting(circumstances),
    ...circumstances.dhcp.flatMap(ofDhcp),
  ];
  const weight = { error: 0, warning: 1, info: 2 };
  return all.sort((one, other) => weight[one.severity] - weight[other.severity]);
}

function ofProblems(problems: readonly OperatingProblem[]): AttentionView[] {
  return problems.map(({ what, advice }) => {
    return {
      severity: 'error',
      code: 'problem',
      parameters: { what, advice },
      text: `${what}; ${advice}`,
      link: '/system',
    };
  });
}

function ofRoles({ status, pppoe, pseudowiresDown }: Circumstances): AttentionView[] {
  const { lns, lac, lacClients } = status;
  const found: AttentionView[] = [];
  const isUsed = lns.enabled || lac.enabled || lacClients.some(({ enabled }) => enabled);
  if (!isUsed && pseudowiresDown.length === 0) {
    const text = 'the box does nothing yet: neither LNS nor LAC nor client is switched on';
    found.push({ severity: 'info', code: 'not-set-up', parameters: {}, text, link: '/set-up' });
  }
  for (const { server, until } of pppoe.failedLnses) {
    const text = `the LNS ${server} has failed, and is asked after all others until ${until}`;
    found.push({ severity: 'warning', code: 'lns-failed', parameters: { server, until }, text, link: '/lac' });
  }
  for (const { name, enabled, state, lastError } of lacClients) {
    if (!enabled || state === 'up' || lastError === '') continue;
    const text = `the profile ${name} is not connected: ${lastError}`;
    found.push({
      severity: 'warning',
      code: 'client-down',
      parameters: { name, lastError },
      text,
      link: '/lac-clients',
    });
  }
  for (const name of pseudowiresDown) {
    const text = `the pseudowire ${name} is not up`;
    found.push({ severity: 'warning', code: 'pseudowire-down', parameters: { name }, text, link: '/pseudowires' });
  }
  return found;
}

function ofRadius({ servers, accounting }: RadiusView): AttentionView[] {
  const found: AttentionView[] = [];
  const link = '/radius';
  for (const service of ['authentication', 'accounting'] as const) {
    const all = servers.filter((server) => server.service === service);
    const dead = all.filter(({ state }) => state === 'dead');
    if (dead.length > 0 && dead.length === all.length) {
      const what = service === 'authentication' ? 'nobody can call' : 'accounting waits on the disk';
      const text = `no RADIUS server for ${service} answers: ${what}`;
      found.push({ severity: 'error', code: 'radius-all-dead', parameters: { service }, text, link });
      continue;
    }
    for (const { address, since } of dead) {
      const text = `the RADIUS server ${address} for ${service} does not answer since ${since}`;
      found.push({ severity: 'warning', code: 'radius-dead', parameters: { address, service, since }, text, link });
    }
  }
  const { waiting } = accounting;
  if (waiting >= MANY_WAITING) {
    const text = `${waiting} accounting records wait for a server`;
    found.push({ severity: 'warning', code: 'accounting-waiting', parameters: { waiting }, text, link });
  }
  const { givenUp } = accounting;
  if (givenUp > 0) {
    const text = `${givenUp} accounting records were given up, since too many waited for a server`;
    found.push({ severity: 'error', code: 'accounting-given-up', parameters: { givenUp }, text, link });
  }
  return found;
}

function ofCertificate({ certificateEnds, now_ms }: Circumstances): AttentionView[] {
  if (certificateEnds === '' || !clockIsSet(now_ms)) return [];
  const days = Math.floor((Date.parse(certificateEnds) - now_ms) / DAY_MS);
  if (days >= CERTIFICATE_DAYS) return [];
  const parameters = { notAfter: certificateEnds, days };
  const link = '/system';
  if (days >= 0) {
    const text = `the certificate of this page ends in ${days} days, on ${certificateEnds}; put in another one`;
    return [{ severity: 'warning', code: 'certificate-ending', parameters, text, link }];
  }
  const text = `the certificate of this page ended on ${certificateEnds}; put in another one`;
  return [{ severity: 'error', code: 'certificate-ended', parameters, text, link }];
}

function ofRouting({ routing: { isNeeded, forwarding, masquerades, privatePools } }: Circumstances): AttentionView[] {
  if (!isNeeded) return [];
  const found: AttentionView[] = [];
  const link = '/network';
  if (!forwarding) {
    const text = 'the box does not forward packets, so that users reach nothing behind it: routing.forwarding is off';
    found.push({ severity: 'error', code: 'forwarding-off', parameters: {}, text, link });
  }
  if (!masquerades && privatePools.length > 0) {
    const pools = privatePools.join(', ');
    const text = `users of the pool ${pools} have private addresses and no interface does NAT: they reach only networks with a route back to this box`;
    found.push({ severity: 'info', code: 'nat-off', parameters: { pools }, text, link });
  }
  return found;
}

function ofDhcp({ interface: name, state, lease, other }: DhcpView): AttentionView[] {
  const told = (code: AttentionCode, parameters: Record<string, string>, text: string): AttentionView[] => {
    return [{ severity: 'warning', code, parameters, text, link: '/network' }];
  };
  if (state === 'no-carrier') {
    return told('dhcp-no-carrier', { name }, `${name} gets its address by DHCP, and there is no cable in it`);
  }
  if (state === 'overlapping') {
    const address = lease?.address ?? '';
    const text = `${name} was given ${address} by DHCP, which is in the network of ${other}: it is not used; give ${other} an address of another network`;
    return told('dhcp-overlapping', { name, address, other }, text);
  }
  if (state !== 'silent') return [];
  const text = `no DHCP server answers on ${name}; look at the cable, or set its addressing to static`;
  return told('dhcp-silent', { name }, text);
}

function ofPool({ name, size, leased }: Circumstances['pools'][number]): AttentionView[] {
  const parameters = { name, size, leased };
  const link = '/pools';
  if (size === 0 || leased < NEARLY_FULL * size) return [];
  if (leased >= size) {
    const text = `the pool ${name} is full: all of its ${size} addresses are in use, and further calls are refused`;
    return [{ severity: 'error', code: 'pool-full', parameters, text, link }];
  }
  const text = `the pool ${name} is nearly full: ${leased} of ${size} addresses are in use`;
  return [{ severity: 'warning', code: 'pool-nearly-full', parameters, text, link }];
}

function ofLoad({ load, status, now_ms }: Circumstances): AttentionView[] {
  const found: AttentionView[] = [];
  const { failuresPerMinute, setupsPerMinute } = load;
  if (failuresPerMinute >= MANY_FAILURES_PER_MINUTE && failuresPerMinute > setupsPerMinute) {
    const text = `${failuresPerMinute} calls a minute fail, and ${setupsPerMinute} come up`;
    const parameters = { failuresPerMinute, setupsPerMinute };
    found.push({ severity: 'warning', code: 'calls-failing', parameters, text, link: '/traces?outcome=failed' });
  }
  const { sessionsThatFit } = status.memory;
  const left = sessionsThatFit - status.sessions;
  if (left < FEW_SESSIONS_LEFT * sessionsThatFit) {
    const text = `memory bears some ${left} further sessions`;
    found.push({ severity: 'warning', code: 'memory-short', parameters: { left }, text, link: '/system' });
  }
  for (const [reason, perMinute] of Object.entries(load.dropsPerMinute)) {
    const many = TELLING_DROPS.has(reason) ? TELLING_DROPS_PER_MINUTE : MANY_DROPS_PER_MINUTE;
    if (ORDINARY_DROPS.has(reason) || perMinute < many) continue;
    const text = `${perMinute} packets a minute are dropped: ${DROP_TEXTS[reason] ?? reason}`;
    found.push({ severity: 'warning', code: 'drops', parameters: { reason, perMinute }, text, link: '/' });
  }
  if (!clockIsSet(now_ms)) {
    const text = 'the clock is not set: times in logs and history are wrong';
    found.push({ severity: 'warning', code: 'clock-not-set', parameters: {}, text, link: '/system' });
  }
  return found;
}
