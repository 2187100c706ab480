/**
 * Asks DHCP servers (RFC 2131) for addresses, by a process of BusyBox's udhcpc for each interface. Must not set an address:
 * it tells what was leased.
 *
 * Fulfils `DhcpClients` of control/dhcp.ts.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { join } from 'node:path';
import { KeptProgram } from './kept-program.js';

/**
 * udhcpc runs it at each event, with what the server said in its environment, checked to be addresses and numbers. Texts of
 * the server's own, which could be anything, are left out.
 */
const SCRIPT = `#!/bin/sh
printf '%s|%s|%s|%s|%s|%s|%s|%s\\n' "$1" "$ip" "$mask" "$router" "$dns" "$ntpsrv" "$serverid" "$lease"
`;
/** Discovers in a row, with so long between them, and the wait until the next row. */
const [TRIES, PAUSE_S, WAIT_S] = [4, 3, 10];

interface Lease {
  address: string;
  gateway: string;
  nameServers: string[];
  timeServers: string[];
  server: string;
}

interface State {
  lease: Lease | undefined;
  state: 'no-carrier' | 'asking' | 'silent' | 'bound';
  complaint: string;
}

interface Client {
  readonly index: number;
  /** Another text after each plugging in or out. */
  carrier: string;
  state: State['state'];
  lease: Lease | undefined;
  /** When the lease is over, on the clock of performance.now. */
  end_ms: number;
  program: KeptProgram | undefined;
}

/** What the script tells. */
export interface ClientEvent {
  /** As udhcpc names it: deconfig, bound, renew, nak, leasefail. */
  name: string;
  lease: Lease | undefined;
  lease_s: number;
}

/** Undefined: no line of the script. A lease that lacks its address or its network's length is none. */
export function parseEvent(line: string): ClientEvent | undefined {
  const fields = line.split('|');
  if (fields.length !== 8) return undefined;
  const [name = '', ip = '', mask = '', router = '', dns = '', ntp = '', server = '', seconds = ''] = fields;
  const length = /^\d{1,2}$/.test(mask) ? Number(mask) : 0;
  const isWhole = isIPv4(ip) && length >= 1 && length <= 32;
  const addresses = (text: string) => text.split(' ').filter((each) => isIPv4(each));
  const [gateway = ''] = addresses(router);
  const [from = ''] = addresses(server);
  const nameServers = addresses(dns);
  const timeServers = addresses(ntp);
  const lease = { address: `${ip}/${length}`, gateway, nameServers, timeServers, server: from };
  return { name, lease: isWhole ? lease : undefined, lease_s: /^\d{1,10}$/.test(seconds) ? Number(seconds) : 0 };
}

export class UdhcpClients {
  onChange: () => void = () => undefined;
  readonly #folder: string;
  readonly #clients = new Map<string, Client>();
  #hostName = '';

  /** `folder` is this program's own; it is made when it is needed. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  ask(interfaces: readonly { name: string; index: number }[], hostName: string): void {
    this.#hostName = hostName;
    for (const [name, { index, program }] of this.#clients) {
      if (interfaces.some((one) => one.name === name && one.index === index)) continue;
      void program?.stop();
      this.#clients.delete(name);
    }
    for (const { name, index } of interfaces) {
      if (this.#clients.has(name)) continue;
      this.#clients.set(name, {
        ...{ index, carrier: '', state: 'no-carrier', lease: undefined, end_ms: 0, program: undefined },
      });
    }
    this.look();
  }

  look(): void {
    for (const [name, client] of this.#clients) {
      const { isThere, text } = readCarrier(name);
      if (text !== client.carrier) {
        client.carrier = text;
        void client.program?.stop();
        client.program = undefined;
        client.state = isThere ? 'asking' : 'no-carrier';
        if (isThere) this.#start(name, client);
      }
      if (client.lease !== undefined && performance.now() >= client.end_ms) this.#change(client, undefined);
    }
  }

  states(): ReadonlyMap<string, State> {
    return new Map(
      Array.from(this.#clients, ([name, { lease, state, program }]) => [
        name,
        { lease, state, complaint: program?.complaint ?? '' },
      ]),
    );
  }

  async stop(): Promise<void> {
    const programs = Array.from(this.#clients.values(), ({ program }) => program);
    this.#clients.clear();
    await Promise.all(programs.map((program) => program?.stop()));
  }

  #start(name: string, client: Client): void {
    const script = this.#script();
    const former = client.lease?.address.split('/')[0];
    let isFresh = true;
    client.program = new KeptProgram({
      argv: [
        ...(['busybox', 'udhcpc', '-f', '-i', name, '-s', script] as const),
        ...['-t', String(TRIES), '-T', String(PAUSE_S), '-A', String(WAIT_S), '-O', 'ntpsrv'],
        ...['-x', `hostname:${this.#hostName}`, ...(former === undefined ? [] : ['-r', former])],
      ],
      onStart: () => {
        isFresh = true;
      },
      onLine: (line) => {
        const event = parseEvent(line);
        // Each begins by saying that it has no address yet: what was leased before still holds.
        if (event !== undefined && !(isFresh && event.name === 'deconfig')) this.#take(client, event);
        isFresh = false;
      },
    });
  }

  #take(client: Client, { name, lease, lease_s }: ClientEvent): void {
    if ((name === 'bound' || name === 'renew') && lease !== undefined) {
      client.state = 'bound';
      client.end_ms = performance.now() + lease_s * 1000;
      this.#change(client, lease);
    } else if (name === 'leasefail') client.state = 'silent';
    else if (name === 'deconfig') {
      client.state = 'asking';
      this.#change(client, undefined);
    }
  }

  #change(client: Client, lease: Lease | undefined): void {
    const hasChanged = JSON.stringify(lease) !== JSON.stringify(client.lease);
    client.lease = lease;
    if (hasChanged) this.onChange();
  }

  #script(): string {
    const path = join(this.#folder, 'udhcpc-event');
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    writeFileSync(path, SCRIPT, { mode: 0o700 });
    return path;
  }
}

/** `carrier` cannot be read while the interface is switched off. */
function readCarrier(name: string): { isThere: boolean; text: string } {
  try {
    const read = (file: string) => readFileSync(`/sys/class/net/${name}/${file}`, 'latin1').trim();
    const isThere = read('carrier') === '1';
    return { isThere, text: `${isThere} ${read('carrier_changes')}` };
  } catch {
    return { isThere: false, text: 'none' };
  }
}
