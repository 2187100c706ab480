/**
 * The remote PC: pppd over the PPPoE of its own kernel, in a guest whose card is on a cable of the lab. Dials and hangs up.
 * Knows nothing of our firmware.
 *
 * What was found out about it: pppd's own plugin does discovery; having hung up by LCP it sends no PADT; pppd ends by
 * itself, with a status, when its call ends. The guest's card takes no frame above 1500 octets, so it cannot ask for the
 * 1500 of RFC 4638.
 */
import type { Lab, Namespace } from '../lab/namespaces.js';
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
import { UmlGuest } from './uml.js';

const CARD = 'vec0';
const OPTIONS = 'options.pppoe';
const CALL_TIMEOUT_MS = 20_000;

export interface PcOptions {
  name: string;
  namespace: Namespace;
  /** Of the namespace: becomes the port of a bridge with the PC's TAP. */
  device: string;
}

export interface PcCall extends PppUser {
  authentication: PppAuthentication;
  ipv6?: boolean;
}

export class PppdPc {
  readonly guest: UmlGuest;

  private constructor(guest: UmlGuest) {
    this.guest = guest;
  }

  static async boot(lab: Lab, { name, namespace, device }: PcOptions): Promise<PppdPc> {
    const tap = `tap-${name}`;
    const guest = await UmlGuest.boot(lab, { name, namespace, tap, addresses: [] });
    await lab.bridge(namespace, `br-${name}`, [device, tap]);
    return new PppdPc(guest);
  }

  /** Starts pppd, and leaves it to the caller to see what comes of it. */
  async dial(call: PcCall): Promise<void> {
    writePppUser(this.guest, call);
    writePppFile(this.guest, OPTIONS, [
      ...pppOptions(call),
      ...['noauth', 'nodetach', 'mru 1492', 'mtu 1492', `user "${call.user}"`, ...REFUSALS[call.authentication]],
    ]);
    const pppd = `pppd plugin pppoe.so nic-${CARD} file ${PPP_FOLDER}/${OPTIONS}`;
    await this.guest.run(`(${pppd} </dev/null >/dev/null 2>&1; echo "@event pppd-ended $?" >/dev/console) &`);
  }

  /** Dials, and resolves when the link has its IPv4 address. */
  async connect(call: PcCall, timeout_ms = CALL_TIMEOUT_MS): Promise<LinkUp> {
    const from = this.guest.mark();
    await this.dial(call);
    return linkUp(this.guest, from, timeout_ms);
  }

  /** Has pppd hang up, by LCP Terminate-Request alone. Resolves when pppd has ended. */
  async hangUp(): Promise<void> {
    const from = this.guest.mark();
    await this.guest.run('kill $(cat /run/ppp*.pid)');
    await this.ended(from);
  }

  /** Resolves when pppd has ended since the mark, with its status: 19, say, when the user was refused. */
  async ended(from: number, timeout_ms = CALL_TIMEOUT_MS): Promise<number> {
    const [, status] = await this.guest.event(/pppd-ended /, { from, timeout_ms });
    return Number(status);
  }

  /** What ping prints, and its status. */
  ping(address: string, { count = 3 }: { count?: number } = {}) {
    return this.guest.run(`ping -n -c ${count} -i 0.3 -W 2 ${address}`, { mayFail: true });
  }

  log(): string {
    return pppLog(this.guest);
  }
}
