/**
 * A process to be killed: calls come and go, turn by turn, and are accounted for at a server; it says after each commit
 * what holds. Arguments: database, key file, port of the server, seed; with `last` behind, it says what waits until nothing
 * does, and ends.
 */
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { Accounting } from '../../../../firmware/control/accounting/accounting.js';
import { radiusClientConfig } from '../../../../firmware/control/radius/client-config.js';
import { RadiusTransport } from '../../../../firmware/control/radius/transport.js';
import type { CallInfo } from '../../../../firmware/roles/role.js';
import { openStore } from '../../../../firmware/store/store.js';
import { SECRET } from './accounting-server.js';
import { CARRIED, endBy, settingsWith, standingCall } from './books.js';

const TURN_MS = 10;
const [path = '', keyFile = '', port = '', seed = '1', last = ''] = process.argv.slice(2);
let state = Number(seed) >>> 0;
/** A number from 0 to `below` - 1: the same ones for the same seed. */
function random(below: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

const server = {
  address: '127.0.0.1',
  port: Number(port),
  secret: SECRET,
  requireMessageAuthenticator: true,
  statusServer: false,
};
const settings = settingsWith({
  accounting: [server],
  initialRetransmission_ms: 200,
  timeout_s: 2,
  tunnelAccounting: true,
});
const store = openStore({ path, keyFile });
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const now_ms = () => performance.now();
const accounting = new Accounting(
  {
    store,
    connect(radius) {
      const config = radiusClientConfig(radius, 'accounting');
      if (config === undefined) throw new Error('no server');
      const random = (length_bytes: number) => new Uint8Array(randomBytes(length_bytes));
      return new RadiusTransport(config, { now_ms, random, log });
    },
    readCounters: () => CARRIED,
    now_ms,
    unixTime_ms: Date.now,
    log,
  },
  settings,
);
const prefix = store.bootNumber.toString(16).padStart(8, '0').toUpperCase();
const living = new Map<number, CallInfo>();
let callId = 0;

function say(line: object): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

function turn(): void {
  const up: string[] = [];
  const ended: string[] = [];
  store.inTurn(() => {
    for (let count = random(8); count >= 0; count--) {
      const ending = [...living.values()][random(living.size)];
      if (random(2) === 0 || ending === undefined) {
        callId += 1;
        const id = prefix + callId.toString(16).padStart(8, '0').toUpperCase();
        const call = standingCall({ callId, accountingId: id, userName: `user of ${id}` });
        living.set(callId, call);
        accounting.callUp(call);
        up.push(id);
      } else {
        living.delete(ending.callId);
        const receivedOctets = ending.callId * (2 ** 32 + 1);
        accounting.callEnded(ending, endBy('user-request'), { ...CARRIED, receivedOctets });
        ended.push(ending.accountingId);
      }
    }
  });
  say({ up, ended });
}

store.inTurn(() => accounting.start());
say({ up: [], ended: [] });
if (last !== '') {
  const timer = setInterval(() => {
    say({ waiting: accounting.view().waiting });
    if (accounting.view().waiting > 0) return;
    clearInterval(timer);
    void accounting.stop().then(() => store.close());
  }, 50);
} else setInterval(turn, TURN_MS);
