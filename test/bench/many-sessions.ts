/**
 * One LNS, the shipped program, with users and addresses for as many sessions as a box can have, and a caller that brings
 * them up in steps: what `make scale` and the test of memory per session measure. Judges nothing.
 */
import { join } from 'node:path';
import { openStore } from '../../firmware/store/store.js';
import { Appliance } from '../interop/appliance.js';
import { listening } from '../interop/lns.js';
import type { Lab, Namespace } from '../lab/namespaces.js';
import { Caller, type EchoReport } from './caller.js';
import { PASSWORD, TUNNEL_SECRET, USER_PREFIX } from './lnses.js';
import { processorTime_ms, residentMemory_bytes } from './processor.js';
import { atRest } from './rounds.js';

/** Of the LNS, to which its users call at its device `internet`. */
export const ADDRESS = '198.51.100.1';
const L2TP_PORT = 1701;
const SESSIONS_PER_STEP = 2_500;
export const SESSIONS_PER_TUNNEL = 100;
const PORTS = 10;
const AT_ONCE = 50;
const STEP_TIMEOUT_MS = 90_000;
const ECHO_TIMEOUT_MS = 180_000;

/** What has come of an order for sessions. */
export interface BroughtUp {
  sessions: number;
  failures: Record<string, number>;
  /** Calls a second, and what each took of the LNS's processor time. */
  rate: number;
  processor_ms: number;
  /** At rest, afterwards. */
  resident_bytes: number;
}

export class ManySessions {
  readonly namespace: Namespace;
  readonly appliance: Appliance;
  readonly #caller: Caller;
  #sessions = 0;

  private constructor(namespace: Namespace, appliance: Appliance, caller: Caller) {
    this.namespace = namespace;
    this.appliance = appliance;
    this.#caller = caller;
  }

  static async start(lab: Lab, users: number): Promise<ManySessions> {
    const [callers, namespace] = [await lab.namespace('caller'), await lab.namespace('ours')];
    await lab.cable(
      { namespace: callers, device: 'ours', addresses: ['198.51.100.2/30'] },
      { namespace, device: 'internet', addresses: [`${ADDRESS}/30`] },
    );
    const appliance = await Appliance.start(lab, namespace, 'ours');
    await appliance.api.putPool('default', { ranges: [{ first: '10.128.0.1', last: '10.128.255.254' }] });
    await appliance.api.configure({
      l2tp: { maxSessions: 65_535, maxTunnels: 1_024 },
      lns: {
        ...{ enabled: true, localAddress: '10.127.0.1', defaultSecret: TUNNEL_SECRET },
        ...{ authentication: ['chap-md5'], ipv6: false },
      },
    });
    await appliance.stop();
    addUsers(appliance.dataFolder, users);
    await appliance.restart();
    await listening(appliance);
    await atRest({ name: 'the LNS', pid: appliance.pid });
    return new ManySessions(namespace, appliance, await Caller.start(callers));
  }

  get resident_bytes(): number {
    return residentMemory_bytes(this.appliance.pid);
  }

  /** Brings up as many calls more as it takes to have so many. */
  async bringUp(sessions: number): Promise<BroughtUp> {
    const before_ms = processorTime_ms(this.appliance.pid);
    const began = this.#sessions;
    const failures: Record<string, number> = {};
    let setUp_ms = 0;
    for (let asked = began; asked < sessions; ) {
      const calls = Math.min(SESSIONS_PER_STEP, sessions - asked);
      const report = await this.#place(calls, asked);
      asked += calls;
      this.#sessions += report.up;
      setUp_ms += report.setUp_ms;
      for (const [reason, count] of Object.entries(report.failures)) failures[reason] = (failures[reason] ?? 0) + count;
    }
    await this.atRest();
    const up = this.#sessions - began;
    return {
      ...{ sessions: this.#sessions, failures, rate: (up / setUp_ms) * 1000, resident_bytes: this.resident_bytes },
      processor_ms: (processorTime_ms(this.appliance.pid) - before_ms) / up,
    };
  }

  /** An ICMP Echo through each session to its gateway, and how many came back. */
  echo(): Promise<EchoReport> {
    return this.#caller.echo(ECHO_TIMEOUT_MS);
  }

  atRest(): Promise<void> {
    return atRest({ name: 'the LNS', pid: this.appliance.pid });
  }

  hangUp(): Promise<{ lost: number }> {
    return this.#caller.hangUp();
  }

  #place(calls: number, firstUser: number) {
    const tunnels = Math.ceil(calls / SESSIONS_PER_TUNNEL);
    return this.#caller.place({
      ...{ server: ADDRESS, port: L2TP_PORT, calls, atOnce: AT_ONCE, tunnels, ports: Math.min(PORTS, tunnels) },
      ...{ tunnelSecret: TUNNEL_SECRET, userPrefix: USER_PREFIX, firstUser, password: PASSWORD },
      ...{ ipv6: false, timeout_ms: STEP_TIMEOUT_MS },
    });
  }
}

/** Into the database of a box that does not run: by way of its API this would take minutes. */
function addUsers(dataFolder: string, users: number): void {
  const store = openStore({ path: join(dataFolder, 'tunnelwerk.db'), keyFile: join(dataFolder, 'key') });
  for (let user = 0; user < users; user++) {
    const written = store.documents.writeUser(`${USER_PREFIX}${user}`, { password: PASSWORD }, 'the bench');
    if (!written.ok) throw new Error(JSON.stringify(written.problems));
  }
  store.close();
}
