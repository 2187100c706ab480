/**
 * xl2tpd with pppd in a guest: as a caller (xl2tpd says "lac") and as an LNS. Writes their configuration, starts them, and
 * tells what became of a call by pppd's own scripts and xl2tpd's own log. Knows nothing of our firmware.
 *
 * What was found out about them: start the LNS first, or xl2tpd's retransmission adds seconds; pppd cannot log to
 * /dev/stderr in the guest, which has none; xl2tpd speaks IPv4 alone.
 */
import {
  type LinkUp,
  linkUp,
  PPP_FOLDER,
  type PppAuthentication,
  type PppUser,
  pppLog,
  pppOptions,
  REFUSALS,
  writePppFile,
  writePppUser,
} from './pppd.js';
import type { UmlGuest } from './uml.js';

/** Whether the guest's kernel carries the data packets, or xl2tpd itself over a pseudo-terminal. */
export type DataPath = 'kernel' | 'userspace';

const CALL_TIMEOUT_MS = 20_000;
const CALL_NAME = 'tunnelwerk';
const CONTROL = '/run/xl2tpd-control';

/** The pppd options that ask the peer for one way of authentication. */
const REQUIREMENTS: Readonly<Record<PppAuthentication, string>> = {
  pap: 'require-pap',
  'chap-md5': 'require-chap',
  mschapv2: 'require-mschap-v2',
};

export interface CallerOptions extends PppUser {
  /** Address of the LNS. */
  lns: string;
  authentication: PppAuthentication;
  /** Answers the LNS's tunnel authentication, */
  tunnelSecret?: string;
  /** and asks the LNS for its own, unless this is false. */
  challenges?: boolean;
  path: DataPath;
  ipv6?: boolean;
}

export interface LnsOptions extends PppUser {
  authentication: PppAuthentication;
  tunnelSecret?: string;
  path: DataPath;
  ipv6?: boolean;
  localAddress: string;
  firstAddress: string;
  lastAddress: string;
}

/** xl2tpd in a guest, in either role: its life and its log. */
class Xl2tpd {
  readonly guest: UmlGuest;

  constructor(guest: UmlGuest) {
    this.guest = guest;
  }

  /** Ends pppd and xl2tpd, which sends StopCCN for each of its tunnels. */
  async stop(): Promise<void> {
    await this.guest.run('pid=$(cat /run/xl2tpd.pid) && kill $pid && while [ -e /proc/$pid ]; do sleep 0.05; done');
  }

  pppLog(): string {
    return pppLog(this.guest);
  }

  /** Awaits a line of xl2tpd's log. */
  async logged(pattern: RegExp, options: { from?: number; timeout_ms?: number } = {}): Promise<string> {
    const words = await this.guest.event(new RegExp(`xl2tpd\\[\\d+\\]: .*(?:${pattern.source})`), {
      timeout_ms: CALL_TIMEOUT_MS,
      ...options,
    });
    return words.join(' ');
  }
}

/** What an earlier test left running, if it failed, is gone first. */
const CRASH = 'kill -9 $(cat /run/xl2tpd.pid /run/ppp*.pid) 2>/dev/null; rm -f /run/xl2tpd.pid /run/ppp*.pid';

async function startDaemon(guest: UmlGuest): Promise<void> {
  await guest.run(CRASH);
  const from = guest.mark();
  await guest.run(
    `(xl2tpd -D -c ${PPP_FOLDER}/xl2tpd.conf -s ${PPP_FOLDER}/l2tp-secrets -C ${CONTROL} -p /run/xl2tpd.pid 2>&1 </dev/null | sed -u "s/^/@event /" >/dev/console) &`,
  );
  await guest.event(/xl2tpd.*Listening on/, { from, timeout_ms: CALL_TIMEOUT_MS });
}

/** What both roles have in common in pppd's folder. */
function writeCommon(guest: UmlGuest, options: PppUser & { tunnelSecret?: string }): void {
  writePppUser(guest, options);
  writePppFile(guest, 'l2tp-secrets', options.tunnelSecret === undefined ? [] : [`* * ${options.tunnelSecret}`]);
}

const commonOptions = (options: { ipv6?: boolean }): string[] => [...pppOptions(options), 'mru 1400', 'mtu 1400'];

/** The caller's side. */
export class Xl2tpdCaller extends Xl2tpd {
  static async start(guest: UmlGuest, options: CallerOptions): Promise<Xl2tpdCaller> {
    const challenges = options.tunnelSecret !== undefined && options.challenges !== false;
    writeCommon(guest, options);
    writePppFile(guest, 'options.l2tpd', [
      ...commonOptions(options),
      ...['noauth', 'ipcp-accept-local', 'ipcp-accept-remote', `user "${options.user}"`],
      ...REFUSALS[options.authentication],
    ]);
    writePppFile(guest, 'xl2tpd.conf', [
      ...['[global]', `force userspace = ${options.path === 'userspace' ? 'yes' : 'no'}`, 'debug tunnel = yes'],
      ...[`[lac ${CALL_NAME}]`, `lns = ${options.lns}`, 'autodial = no', 'redial = no', 'length bit = yes'],
      ...['require authentication = no', `challenge = ${challenges ? 'yes' : 'no'}`],
      ...['hostname = caller', `name = ${options.user}`, `pppoptfile = ${PPP_FOLDER}/options.l2tpd`],
    ]);
    await startDaemon(guest);
    return new Xl2tpdCaller(guest);
  }

  /** Dials, and resolves when pppd has its IPv4 address. */
  async connect(timeout_ms = CALL_TIMEOUT_MS): Promise<LinkUp> {
    const from = this.guest.mark();
    await this.dial();
    return linkUp(this.guest, from, timeout_ms);
  }

  /** Dials, and leaves it to the caller to see what comes of it. */
  async dial(): Promise<void> {
    await this.guest.run(`echo "c ${CALL_NAME}" >${CONTROL}`);
  }

  /** Resolves when the link has its IPv6 link-local addresses: the guest's and the peer's. */
  async ipv6Up(from: number, timeout_ms = CALL_TIMEOUT_MS): Promise<LinkUp> {
    const [, device, localAddress, peerAddress] = await this.guest.event(/ipv6-up /, { from, timeout_ms });
    return { device: device!, localAddress: localAddress!, peerAddress: peerAddress! };
  }

  /**
   * Has xl2tpd hang up: it sends StopCCN first, and only then ends pppd, whose Terminate-Request meets nobody any more.
   * Resolves when the interface is down and the tunnel gone, through which it would dial again in vain until then.
   */
  async disconnect(timeout_ms = CALL_TIMEOUT_MS): Promise<void> {
    const from = this.guest.mark();
    await this.closeTunnel(timeout_ms);
    await this.linkDown(from, timeout_ms);
  }

  /** Has pppd hang up: LCP Terminate-Request first, then CDN. Resolves when xl2tpd has closed the call. */
  async hangUp(timeout_ms = CALL_TIMEOUT_MS): Promise<void> {
    const from = this.guest.mark();
    // A pppd of the call before may just be ending, its pid file still there.
    await this.guest.run('kill $(cat /run/ppp*.pid) 2>/dev/null; true');
    await this.linkDown(from, timeout_ms);
    await this.logged(/call_close: Call|Connection closed/, { from, timeout_ms });
  }

  /** Ends the tunnel, also one that a call left standing: xl2tpd would not dial through it again at once. */
  async closeTunnel(timeout_ms = CALL_TIMEOUT_MS): Promise<void> {
    const from = this.guest.mark();
    await this.guest.run(`echo "d ${CALL_NAME}" >${CONTROL}`);
    await this.logged(/closing down tunnel/, { from, timeout_ms });
  }

  /** Resolves when a PPP interface has gone down since the mark. (pppd's own ip-down script does not always run.) */
  async linkDown(from: number, timeout_ms = CALL_TIMEOUT_MS): Promise<void> {
    await this.guest.event(/link (?:Deleted )?\d+: ppp\d+: <(?:(?!UP).)*>/, { from, timeout_ms });
  }

  /** Ends xl2tpd and pppd without a word to anybody. */
  async crash(): Promise<void> {
    await this.guest.run(CRASH);
  }
}

/** The LNS's side. */
export class Xl2tpdLns extends Xl2tpd {
  static async start(guest: UmlGuest, options: LnsOptions): Promise<Xl2tpdLns> {
    writeCommon(guest, options);
    writePppFile(guest, 'options.l2tpd', [...commonOptions(options), 'auth', REQUIREMENTS[options.authentication]]);
    writePppFile(guest, 'xl2tpd.conf', [
      ...['[global]', `force userspace = ${options.path === 'userspace' ? 'yes' : 'no'}`, 'debug tunnel = yes'],
      ...['[lns default]', `ip range = ${options.firstAddress}-${options.lastAddress}`],
      ...[`local ip = ${options.localAddress}`, 'length bit = yes', 'hostname = lns', 'name = lns'],
      ...['require authentication = yes', `challenge = ${options.tunnelSecret === undefined ? 'no' : 'yes'}`],
      `pppoptfile = ${PPP_FOLDER}/options.l2tpd`,
    ]);
    await startDaemon(guest);
    return new Xl2tpdLns(guest);
  }
}
