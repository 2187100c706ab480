/**
 * Many PPPoE calls at once with a FreeRADIUS at the LAC, which names the tunnel, and another at the LNS, which gives the
 * addresses: hundreds of requests under way at a time, each asked once, and nothing missing in the accounting of either.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Daemon } from '../lab/process.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import { startFreeRadius } from './freeradius.js';
import {
  dialOrder,
  type LacAndLns,
  nothingLeft,
  PASSWORD,
  standing,
  startLacAndLns,
  TUNNEL_SECRET,
  USER_PREFIX,
} from './lac-and-lns.js';
import { type DetailRecord, readDetail } from './radius-detail.js';

const CALLS = 500;
const SECRET = 'radius-secret';
const SERVER = { address: '127.0.0.1', secret: SECRET } as const;
const SETTINGS = { radius: { authentication: [SERVER], accounting: [SERVER] } };
/** An ICMP echo of 8 octets in IPv4, which every PC sends and gets once, at least. */
const PING_BYTES = 28;

const TUNNEL = [
  'Tunnel-Type:1 = L2TP',
  'Tunnel-Medium-Type:1 = IPv4',
  `Tunnel-Server-Endpoint:1 = "${ADDRESS.lns}"`,
  `Tunnel-Password:1 = "${TUNNEL_SECRET}"`,
];
const addressOf = (user: number) => `10.114.${user >> 8}.${user & 0xff}`;
const folderOf = (box: string) => `freeradius-${box}`;

describe(`${CALLS} PPPoE calls at once, with RADIUS on both sides`, { skip: labIsMissing() }, () => {
  let boxes: LacAndLns;
  const radius = new Map<'lac' | 'lns', Daemon>();

  before(async () => {
    boxes = await startLacAndLns({ users: 0, lac: { ...SETTINGS, lac: { rules: [] } }, lns: SETTINGS });
    for (const box of ['lac', 'lns'] as const) {
      const users = Array.from({ length: CALLS }, (_, user) => ({
        ...{ name: `${USER_PREFIX}${user}`, password: PASSWORD },
        reply: box === 'lac' ? TUNNEL : [`Framed-IP-Address = ${addressOf(user)}`],
      }));
      const options = { namespace: boxes.sites[box], address: SERVER.address, clients: '127.0.0.0/8', secret: SECRET };
      radius.set(box, await startFreeRadius(boxes.sites.lab, { ...options, users, name: folderOf(box) }));
    }
  });
  after(() => boxes?.sites.lab.close());

  it('all come up with the addresses of RADIUS; each has one Access-Request, one Start and one Stop at each side', {
    timeout: 120_000,
  }, async () => {
    const { callers } = boxes;
    const { up, failures } = await callers.dial(dialOrder({ calls: CALLS }));
    assert.deepEqual(failures, {});
    for (const { pc, address } of up) assert.equal(address, addressOf(pc));
    await standing(boxes, CALLS);
    assert.deepEqual(await callers.ping(ADDRESS.office, 20_000), { asked: CALLS, answered: CALLS, strays: 0 });
    assert.equal(await callers.hangUp(), CALLS);
    await nothingLeft(boxes);
    for (const box of ['lac', 'lns'] as const) {
      const logins = radius
        .get(box)!
        .lines()
        .filter((line) => line.includes('Login OK'));
      assert.equal(logins.length, CALLS, `Access-Requests of the ${box}`);
      await until(`every Stop of the ${box}`, 20_000, () => recordsOf(box, 'Stop').length >= CALLS);
      const starts = byUser(recordsOf(box, 'Start'));
      const stops = byUser(recordsOf(box, 'Stop'));
      assert.deepEqual([starts.size, stops.size], [CALLS, CALLS]);
      for (const [user, stop] of stops) {
        assert.equal(stop['Acct-Session-Id'], starts.get(user)?.['Acct-Session-Id']);
        assert.equal(stop['Acct-Terminate-Cause'], 'User-Request', user);
        for (const direction of ['Input', 'Output']) {
          const octets = Number(stop[`Acct-${direction}-Octets`]);
          assert.ok(octets >= PING_BYTES, `${user} ${direction} ${octets}`);
        }
      }
    }
  });

  function recordsOf(box: 'lac' | 'lns', status: string): DetailRecord[] {
    return readDetail(boxes.sites.lab, folderOf(box)).filter((record) => record['Acct-Status-Type'] === status);
  }
});

/** A record that was sent again is the same, under the same Acct-Session-Id. */
function byUser(records: readonly DetailRecord[]): Map<string, DetailRecord> {
  const found = new Map<string, DetailRecord>();
  for (const record of records) {
    const user = record['User-Name']!;
    const known = found.get(user);
    if (known !== undefined) assert.equal(record['Acct-Session-Id'], known['Acct-Session-Id'], user);
    else found.set(user, record);
  }
  return found;
}
