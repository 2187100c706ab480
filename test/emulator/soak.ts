/**
 * `soak.js CUTS [SEED]`: power cuts at random instants of an update and of the reboot into it, on the emulated board. After
 * each the board has to come up, with the system of before or the new one, and with its settings. Ends with status 1 at the
 * first that does not.
 */
import { randomInt } from 'node:crypto';
import { Lab } from '../lab/namespaces.js';
import { EmulatedBoard, LAN_ADDRESS } from './emulated-board.js';
import { OtherImages } from './other-images.js';

const [cuts = 20, seed = randomInt(2 ** 31)] = process.argv.slice(2).map(Number);
/** From the first octet sent to the new system's first start, with some to spare. */
const LONGEST_MS = 60_000;
const NAME = 'kept-over-everything';

/** A sequence of numbers from 0 to below 1 that the seed decides (Park and Miller). */
function* random(start: number): Generator<number, never> {
  let state = (start % 2_147_483_646) + 1;
  for (;;) {
    state = (state * 48_271) % 2_147_483_647;
    yield state / 2_147_483_647;
  }
}

const lab = await Lab.open();
try {
  const [wan, lns, office] = [await lab.namespace('user'), await lab.namespace('lns'), await lab.namespace('office')];
  await lab.cable({ namespace: wan, device: 'uplink' }, { namespace: lns, device: 'internet' });
  await lab.cable(
    { namespace: lns, device: 'office' },
    { namespace: office, device: 'eth0', addresses: ['192.168.115.50/24'] },
  );
  await office.ip(`route add default via ${LAN_ADDRESS}`);
  const images = await OtherImages.unpack(lab.folder);
  const bundles = [await images.bundle('9.1.0'), await images.bundle('9.1.1')];
  const board = await EmulatedBoard.start(lab, lns, office);
  await board.served();
  await board.signIn();
  await board.demand('PUT', `/api/v1/users/${NAME}`, { password: 'a password' });
  console.log(`seed ${seed}: ${cuts} power cuts`);
  const instants = random(seed);
  for (let cut = 1; cut <= cuts; cut++) {
    const at_ms = Math.round(instants.next().value * LONGEST_MS);
    const before = await board.proved();
    const began_ms = performance.now();
    const acting = board
      .update(bundles[cut % 2]!)
      .then(() => board.reboot())
      .catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, began_ms + at_ms - performance.now())));
    await board.powerCut();
    await acting;
    await board.served();
    await board.signIn();
    await board.demand('GET', `/api/v1/users/${NAME}`);
    console.log(
      `${cut}: cut ${(at_ms / 1000).toFixed(1)} s into the update of ${before}: ${await board.proved()} runs`,
    );
  }
} finally {
  await lab.close();
}
