/**
 * A process to be killed: leases, releases and writes users in a loop, turn by turn, and says before each commit what
 * will hold and after it what does. Arguments: database, key file, seed.
 */
import { writeSync } from 'node:fs';
import { openStore } from '../../../firmware/store/store.js';

const [path = '', keyFile = '', seed = '1'] = process.argv.slice(2);
let state = Number(seed) >>> 0;
/** A number from 0 to `below` - 1: the same ones for the same seed. */
function random(below: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

function say(what: 'will' | 'did'): void {
  writeSync(1, `${JSON.stringify({ what, living: [...living], users })}\n`);
}

const store = openStore({ path, keyFile });
const living = new Map<number, string>();
let users = 0;
let callId = 0;
const counters = { receivedPackets: 1, receivedOctets: 2, sentPackets: 3, sentOctets: 4 };

function startCall(): void {
  callId += 1;
  const user = `user ${random(40)}`;
  const result = store.leases.lease({ callId, user, pool: 'default', sticky: true });
  if (!result.leased) return;
  const { address } = result;
  const where = { peerAddress: '192.0.2.1', callingNumber: '', sessionId: callId % 65_536, tunnelId: 1 };
  store.calls.started({ callId, role: 'lns', user, address, ...where });
  living.set(callId, address);
}

function endCall(): void {
  const ending = [...living.keys()][random(living.size)];
  if (ending === undefined) return;
  store.leases.release(ending);
  store.calls.ended(ending, 'over', counters);
  living.delete(ending);
}

say('did');
for (;;) {
  store.inTurn(() => {
    for (let count = random(12); count >= 0; count--) {
      // So few that a line fits what a pipe takes whole.
      if (random(2) === 0 && living.size < 60) startCall();
      else endCall();
    }
    say('will');
  });
  say('did');
  if (random(4) === 0) {
    users += 1;
    say('will');
    const password = `secret ${users} of ${seed}`;
    const written = store.documents.writeUser(`user ${users % 40}`, { password }, 'loop');
    if (!written.ok) throw new Error(JSON.stringify(written.problems));
    say('did');
  }
}
