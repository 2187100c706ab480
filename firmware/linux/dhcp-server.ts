/**
 * Gives addresses out by DHCP (RFC 2131), by a process of BusyBox's udhcpd for each interface. Must not decide which.
 *
 * Fulfils `DhcpServers` of control/dhcp.ts.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KeptProgram } from './kept-program.js';

interface Service {
  interface: string;
  address: string;
  mask: string;
  first: string;
  last: string;
  lease_s: number;
}

/** How often udhcpd writes down what it has leased, so that it knows that again when it is started anew. */
const WRITE_LEASES_EVERY_S = 60;

/**
 * udhcpd's configuration. Of router and name server nothing is said: who is plugged in keeps its other way to the Internet.
 */
export function emitConfiguration(service: Service, folder: string): string {
  const { interface: name, mask, first, last, lease_s } = service;
  const leases = ipv4Number(last) - ipv4Number(first) + 1;
  return [
    ...[`interface ${name}`, `start ${first}`, `end ${last}`, `max_leases ${leases}`],
    ...[`lease_file ${leaseFile(folder, name)}`, `pidfile ${join(folder, `${name}.pid`)}`],
    ...[`auto_time ${WRITE_LEASES_EVERY_S}`, `option subnet ${mask}`, `option lease ${lease_s}`, ''],
  ].join('\n');
}

export class UdhcpServers {
  readonly #folder: string;
  readonly #running = new Map<string, { text: string; program: KeptProgram }>();

  /** `folder` is this program's own; it is made when it is needed. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  serve(services: readonly Service[]): void {
    for (const [name, { text, program }] of this.#running) {
      if (services.some((one) => one.interface === name && JSON.stringify(one) === text)) continue;
      void program.stop();
      this.#running.delete(name);
    }
    for (const service of services) {
      if (this.#running.has(service.interface)) continue;
      this.#running.set(service.interface, { text: JSON.stringify(service), program: this.#start(service) });
    }
  }

  complaints(): ReadonlyMap<string, string> {
    return new Map(
      Array.from(this.#running, ([name, { program }]) => [name, program.complaint] as const).filter(
        ([, complaint]) => complaint !== '',
      ),
    );
  }

  async stop(): Promise<void> {
    const programs = Array.from(this.#running.values(), ({ program }) => program);
    this.#running.clear();
    await Promise.all(programs.map((program) => program.stop()));
  }

  #start(service: Service): KeptProgram {
    const file = join(this.#folder, `${service.interface}.conf`);
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    writeFileSync(file, emitConfiguration(service, this.#folder), { mode: 0o600 });
    // It wants the file of leases to be there.
    writeFileSync(leaseFile(this.#folder, service.interface), '', { flag: 'a', mode: 0o600 });
    return new KeptProgram({ argv: ['busybox', 'udhcpd', '-f', '-I', service.address, file] });
  }
}

const leaseFile = (folder: string, name: string): string => join(folder, `${name}.leases`);

function ipv4Number(address: string): number {
  return address.split('.').reduce((number, part) => number * 256 + Number(part), 0);
}
