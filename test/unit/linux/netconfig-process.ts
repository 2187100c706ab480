/**
 * A process that has a network namespace for itself: does to it what the lines of its input say, and answers each one
 * with a line of JSON. Ends with its input, and the namespace with it.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { DesiredNetwork, NetworkConfiguration } from '../../../firmware/control/network.js';
import { NetConfig } from '../../../firmware/linux/netconfig.js';

export type Request =
  | { do: 'apply'; desired: DesiredNetwork }
  | { do: 'apply-all'; desired: DesiredNetwork[] }
  | { do: 'withdraw' }
  | { do: 'forget' }
  | { do: 'ip'; argv: string[] }
  | { do: 'read'; sysctl: string }
  | { do: 'write'; sysctl: string; value: string }
  | { do: 'path'; path: string };

let netConfig: NetworkConfiguration = new NetConfig();

async function answer(request: Request): Promise<unknown> {
  switch (request.do) {
    case 'apply':
      return netConfig.apply(request.desired);
    case 'apply-all':
      return Promise.all(request.desired.map((desired) => netConfig.apply(desired)));
    case 'withdraw':
      return netConfig.withdraw();
    case 'forget':
      netConfig = new NetConfig();
      return '';
    case 'ip':
      return execFileSync('ip', request.argv, { encoding: 'utf8' });
    case 'read':
      return readFileSync(`/proc/sys/net/${request.sysctl}`, 'latin1').trim();
    case 'write':
      return writeFileSync(`/proc/sys/net/${request.sysctl}`, request.value) ?? '';
    case 'path':
      process.env.PATH = request.path;
      return '';
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line) as Request))}\n`);
}
