/** When the ports' offloads are looked at anew, and how often the log hears of what does not work. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ports } from '../../../firmware/control/ports.js';
import type { OperatingProblem } from '../../../firmware/control/view.js';

const MISSING = { what: 'there is no ethtool', advice: 'install it' };

/** What the kernel's side is told, and what it says. */
function box() {
  const told: boolean[] = [];
  const logged: string[] = [];
  const kernel = { hasChanged: false, says: [] as OperatingProblem[] };
  const offload = {
    haveChanged: () => kernel.hasChanged,
    apply: (isWanted: boolean) => {
      told.push(isWanted);
      return Promise.resolve(kernel.says);
    },
    ports: () => [],
  };
  const log = { info: () => undefined, warn: (_: object, what: string) => logged.push(what), error: () => undefined };
  return { ports: new Ports(offload, log), kernel, told, logged };
}

test('interfaces that have changed get what is wanted; where nothing has changed nothing is done', async () => {
  const { ports, kernel, told } = box();
  await ports.configure(true);
  ports.look();
  assert.deepEqual(told, [true]);
  kernel.hasChanged = true;
  ports.look();
  await ports.configure(false);
  ports.look();
  assert.deepEqual(told, [true, true, false, false]);
});

test('the end takes back what was switched on', async () => {
  const { ports, told } = box();
  await ports.configure(true);
  await ports.withdraw();
  assert.deepEqual(told, [true, false]);
});

test('a problem is logged once as long as it lasts, and again when it comes back', async () => {
  const { ports, kernel, logged } = box();
  kernel.says = [MISSING];
  await ports.configure(true);
  await ports.configure(true);
  assert.deepEqual(ports.problems(), [MISSING]);
  assert.deepEqual(logged, [MISSING.what]);
  kernel.says = [];
  await ports.configure(true);
  assert.deepEqual(ports.problems(), []);
  kernel.says = [MISSING];
  await ports.configure(true);
  assert.deepEqual(logged, [MISSING.what, MISSING.what]);
});
