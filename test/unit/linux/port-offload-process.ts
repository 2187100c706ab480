/**
 * A process in a network namespace that does to its ports what the lines of its input say, and answers each one with a
 * line of JSON. Ends with its input.
 */
import { createInterface } from 'node:readline';
import type { PortOffload as Contract } from '../../../firmware/control/ports.js';
import { PortOffload } from '../../../firmware/linux/port-offload.js';

export type Request =
  | { do: 'apply'; isWanted: boolean }
  | { do: 'ports' }
  | { do: 'changed' }
  | { do: 'path'; path: string };

const portOffload: Contract = new PortOffload();

async function answer(request: Request): Promise<unknown> {
  switch (request.do) {
    case 'apply':
      return portOffload.apply(request.isWanted);
    case 'ports':
      return portOffload.ports();
    case 'changed':
      return portOffload.haveChanged();
    case 'path':
      process.env.PATH = request.path;
      return '';
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line) as Request))}\n`);
}
