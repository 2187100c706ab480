/**
 * The PPPoE callers of the lab in front of somebody else's access concentrator: Debian's pppoe-server and pppd, in a guest.
 * What they are used for is worth what they are.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { UmlGuest } from '../interop/uml.js';
import { Lab, type Namespace } from './namespaces.js';
import { type DialOrder, PppoeCallers } from './pppoe-callers.js';
import { labIsMissing } from './requirements.js';
import { until } from './until.js';

const CALLS = 4;
const SERVER_LINK_ADDRESS = '10.67.0.1';
const FIRST_ADDRESS = '10.67.0.2';
const PASSWORD = 'open sesame';
const ORDER: DialOrder = {
  ...{ calls: CALLS, atOnce: CALLS, firstPc: 0, mac: '', vlanIds: [], userPrefix: 'caller-', password: PASSWORD },
  ...{ authentication: ['chap-md5'], ipv6: true, maxConfigure: 10, timeout_ms: 30_000 },
};
const PPPD_OPTIONS = `require-chap
refuse-eap
+ipv6
noccp
lcp-echo-interval 0
logfile /etc/ppp/pppd.log
`;

describe('PPPoE callers and Debian’s pppoe-server', { skip: labIsMissing() }, () => {
  let lab: Lab;
  let cable: Namespace;
  let guest: UmlGuest;
  let callers: PppoeCallers;

  before(async () => {
    lab = await Lab.open();
    cable = await lab.namespace('cable');
    guest = await UmlGuest.boot(lab, { name: 'server', namespace: cable, tap: 'tap-server', addresses: [] });
    const users = Array.from({ length: CALLS + 1 }, (_, user) => `caller-${user} * "${PASSWORD}" *\n`);
    for (const [name, text] of [
      ['chap-secrets', users.join('')],
      ['options', ''],
      ['pppoe-server-options', PPPD_OPTIONS],
    ] as const) {
      writeFileSync(join(guest.folder, name), text, { mode: 0o600 });
    }
    const addresses = ['-L', SERVER_LINK_ADDRESS, '-R', FIRST_ADDRESS];
    await guest.run(['pppoe-server', '-I', 'vec0', '-C', 'debian', ...addresses, '-N', String(CALLS)].join(' '));
    callers = await PppoeCallers.start(cable, 'tap-server');
  });
  after(() => lab?.close());

  async function linksAtServer(): Promise<number> {
    const { lines } = await guest.run('ls /sys/class/net | grep -c "^ppp" || true');
    return Number(lines[0]);
  }

  it('each comes up with an address of its own, its ping is answered, and it hangs up by PADT', async () => {
    const { up, failures } = await callers.dial(ORDER);
    assert.deepEqual(failures, {});
    assert.equal(up.length, CALLS);
    for (const key of ['mac', 'sessionId', 'address'] as const) {
      assert.equal(new Set(up.map((pc) => pc[key])).size, CALLS, key);
    }
    assert.equal(await linksAtServer(), CALLS);
    assert.deepEqual(await callers.ping(SERVER_LINK_ADDRESS, 10_000), { asked: CALLS, answered: CALLS, strays: 0 });
    assert.equal(await callers.hangUp(), CALLS);
    await until('no link at the server', 10_000, async () => (await linksAtServer()) === 0);
    assert.deepEqual(await callers.ended(), []);
  });

  it('a wrong password is a failure that says so', async () => {
    const { up, failures } = await callers.dial({ ...ORDER, calls: 1, firstPc: 20, password: 'sesame' });
    assert.deepEqual(up, []);
    assert.match(Object.keys(failures).join(), /^authentication-failed/);
  });

  it('a call that the server ends is told', async () => {
    const [pc] = (await callers.dial({ ...ORDER, calls: 1, firstPc: CALLS })).up;
    await guest.run('kill $(cat /run/ppp0.pid)');
    const [ended] = await until('the call has ended', 10_000, async () => {
      const all = await callers.ended();
      return all.length > 0 && all;
    });
    assert.equal(ended.pc, pc.pc);
    assert.match(ended.reason, /^peer-terminated/);
  });
});
