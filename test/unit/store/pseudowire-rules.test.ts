/** Pseudowires that contradict themselves, each other or the settings around them are refused: one line for each rule. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIRST_PPPOE_ROW_ID } from '../../../firmware/dataplane/interface.js';
import { DEFAULT_POOL, DEFAULT_SETTINGS, type Settings } from '../../../firmware/settings.js';
import { validateSettings } from '../../../firmware/store/rules.js';

const around = {
  settings: () => DEFAULT_SETTINGS,
  pools: () => [DEFAULT_POOL],
  userWithFixedAddress: () => undefined,
  userOfPool: () => undefined,
  userOfTunnelGroup: () => undefined,
  userOfFilter: () => undefined,
};

const DIAL = { name: 'dial', mode: 'dial', peer: 'branch.example', tapInterface: 'tap0', remoteEndId: 'lan' };
const LISTEN = { name: 'listen', mode: 'listen', tapInterface: 'tap1', remoteEndId: 'lan' };
const STATIC = {
  name: 'static',
  mode: 'static',
  peer: '192.0.2.2',
  tapInterface: 'tap2',
  localSessionId: 0x1_0001,
  peerSessionId: 0xffff_ffff,
};
const PROFILE = { name: 'office', server: '192.0.2.1', userName: 'branch', password: 'of it', tunInterface: 'tw1' };

const wires = (...pseudowires: object[]) => ({ pseudowires });

const CONTRADICTORY: readonly [string, object, string, RegExp][] = [
  ['no mode', wires({ name: 'dial', peer: 'branch.example', tapInterface: 'tap0' }), '/pseudowires/0/mode', /missing/],
  ['an unknown mode', wires({ ...DIAL, mode: 'auto' }), '/pseudowires/0/mode', /one of dial, listen, static/],
  ['mode dial without a peer', wires({ ...DIAL, peer: undefined }), '/pseudowires/0/peer', /missing.*mode dial/],
  [
    'mode dial without a Remote End ID',
    wires({ ...DIAL, remoteEndId: undefined }),
    '/pseudowires/0/remoteEndId',
    /missing/,
  ],
  [
    'mode listen without a Remote End ID',
    wires({ ...LISTEN, remoteEndId: undefined }),
    '/pseudowires/0/remoteEndId',
    /missing/,
  ],
  ['mode static without a peer', wires({ ...STATIC, peer: undefined }), '/pseudowires/0/peer', /missing.*mode static/],
  [
    'mode static without our Session ID',
    wires({ ...STATIC, localSessionId: undefined }),
    '/pseudowires/0/localSessionId',
    /missing/,
  ],
  [
    'mode static without the peer’s Session ID',
    wires({ ...STATIC, peerSessionId: undefined }),
    '/pseudowires/0/peerSessionId',
    /missing/,
  ],
  [
    'Session ID 0, RFC 3931 section 4.1: of control messages',
    wires({ ...STATIC, peerSessionId: 0 }),
    '/pseudowires/0/peerSessionId',
    /at least 1/,
  ],
  [
    'a Session ID of 33 bits',
    wires({ ...STATIC, localSessionId: 2 ** 32 }),
    '/pseudowires/0/localSessionId',
    /at most 4294967295/,
  ],
  ['a peer’s name in mode static', wires({ ...STATIC, peer: 'b.example' }), '/pseudowires/0/peer', /IP address alone/],
  ['a peer’s name in mode listen', wires({ ...LISTEN, peer: 'b.example' }), '/pseudowires/0/peer', /IP address alone/],
  ['a peer that is neither name nor address', wires({ ...DIAL, peer: 'a b' }), '/pseudowires/0/peer', /host name/],
  [
    'a given Session ID in mode dial',
    wires({ ...DIAL, localSessionId: 70_000 }),
    '/pseudowires/0/localSessionId',
    /no use in mode dial; remove it/,
  ],
  [
    'a given cookie in mode listen',
    wires({ ...LISTEN, peerCookie: '01234567' }),
    '/pseudowires/0/peerCookie',
    /no use in mode listen; clear it with null/,
  ],
  [
    'an address of ours in mode dial',
    wires({ ...DIAL, localAddress: '192.0.2.1' }),
    '/pseudowires/0/localAddress',
    /no use in mode dial/,
  ],
  [
    'a sublayer in mode dial',
    wires({ ...DIAL, l2SpecificSublayer: 'default' }),
    '/pseudowires/0/l2SpecificSublayer',
    /sequencing decides/,
  ],
  [
    'a secret in mode listen',
    wires({ ...LISTEN, secret: 'of it' }),
    '/pseudowires/0/secret',
    /tunnelPeers.*clear it with null/,
  ],
  ['a secret in mode static', wires({ ...STATIC, secret: 'of it' }), '/pseudowires/0/secret', /no use in mode static/],
  [
    'a Remote End ID in mode static',
    wires({ ...STATIC, remoteEndId: 'lan' }),
    '/pseudowires/0/remoteEndId',
    /no use in mode static/,
  ],
  [
    'a Remote End ID with a space',
    wires({ ...DIAL, remoteEndId: 'the lan' }),
    '/pseudowires/0/remoteEndId',
    /visible ASCII/,
  ],
  [
    'a Remote End ID of 65 characters',
    wires({ ...DIAL, remoteEndId: 'x'.repeat(65) }),
    '/pseudowires/0/remoteEndId',
    /1 to 64/,
  ],
  ['type vlan without its ID', wires({ ...DIAL, type: 'vlan' }), '/pseudowires/0/vlanId', /missing/],
  ['a VLAN ID in type ethernet', wires({ ...DIAL, vlanId: 7 }), '/pseudowires/0/vlanId', /no use in type ethernet/],
  ['VLAN ID 4095', wires({ ...DIAL, type: 'vlan', vlanId: 4095 }), '/pseudowires/0/vlanId', /at most 4094/],
  ['VLAN ID 0', wires({ ...DIAL, type: 'vlan', vlanId: 0 }), '/pseudowires/0/vlanId', /at least 1/],
  [
    'frames that the packet path cannot hold',
    wires({ ...DIAL, mtu_bytes: 9000 }),
    '/pseudowires/0/mtu_bytes',
    /at most 1800/,
  ],
  [
    'two ends of different families',
    wires({ ...STATIC, localAddress: '2001:db8::1' }),
    '/pseudowires/0/localAddress',
    /not of the family/,
  ],
  ['a cookie of 6 digits', wires({ ...STATIC, localCookie: '012345' }), '/pseudowires/0/localCookie', /8 or 16/],
  [
    'a cookie that is not hexadecimal',
    wires({ ...STATIC, localCookie: '0123456x' }),
    '/pseudowires/0/localCookie',
    /8 or 16/,
  ],
  [
    'a cookie length that is not in RFC 3931',
    wires({ ...DIAL, cookie_bytes: 6 }),
    '/pseudowires/0/cookie_bytes',
    /one of 0, 4, 8/,
  ],
  ['a port over IP', wires({ ...DIAL, port: 1702 }), '/pseudowires/0/port', /set that to udp3/],
  [
    'a profile’s port over IP',
    { lacClients: [{ ...PROFILE, encapsulation: 'ip', port: 1702 }] },
    '/lacClients/0/port',
    /ip, which has none/,
  ],
  [
    'version 2, which carries no Ethernet',
    wires({ ...DIAL, encapsulation: 'udp2' }),
    '/pseudowires/0/encapsulation',
    /udp3, ip/,
  ],
  [
    'numbers without the sublayer that has them',
    wires({ ...STATIC, sequencing: true }),
    '/pseudowires/0/sequencing',
    /l2SpecificSublayer/,
  ],
  [
    'a first redial after the last',
    wires({ ...DIAL, redialInitial_s: 61 }),
    '/pseudowires/0/redialInitial_s',
    /above redialCap_s/,
  ],
  ['two of one name', wires(DIAL, { ...LISTEN, name: 'dial' }), '/pseudowires/1/name', /already/],
  [
    'one TAP device for two',
    wires(DIAL, { ...LISTEN, tapInterface: 'tap0' }),
    '/pseudowires/1/tapInterface',
    /pseudowire dial/,
  ],
  ['the LNS’s device', wires({ ...DIAL, tapInterface: 'tw0' }), '/pseudowires/0/tapInterface', /belongs to the LNS/],
  [
    'a profile’s device',
    { lacClients: [PROFILE], ...wires({ ...DIAL, tapInterface: 'tw1' }) },
    '/pseudowires/0/tapInterface',
    /profile office/,
  ],
  [
    'a bridge that is a TAP device, of a later one even',
    wires({ ...DIAL, bridge: 'tap1' }, LISTEN),
    '/pseudowires/0/bridge',
    /pseudowire listen, and is no bridge/,
  ],
  ['a bridge that is its own TAP device', wires({ ...DIAL, bridge: 'tap0' }), '/pseudowires/0/bridge', /no bridge/],
  ['a bridge of 16 characters', wires({ ...DIAL, bridge: 'b'.repeat(16) }), '/pseudowires/0/bridge', /at most 15/],
  [
    'one Session ID of two static ones',
    wires(STATIC, { ...STATIC, name: 'b', tapInterface: 'tap3' }),
    '/pseudowires/1/localSessionId',
    /pseudowire static already/,
  ],
  [
    'one session that two ask one peer for',
    wires(DIAL, { ...DIAL, name: 'b', tapInterface: 'tap3' }),
    '/pseudowires/1/remoteEndId',
    /pseudowire dial already/,
  ],
  [
    'one that is never reached, for one before it takes every peer',
    wires(LISTEN, { ...LISTEN, name: 'b', tapInterface: 'tap3', peer: '192.0.2.2' }),
    '/pseudowires/1/remoteEndId',
    /pseudowire listen already/,
  ],
  [
    'mode listen where peers open version 2 alone',
    { l2tp: { accepts: ['udp2'] }, ...wires(LISTEN) },
    '/l2tp/accepts',
    /pseudowire listen/,
  ],
  [
    'mode listen where no peer is known',
    { lns: { allowUnknownPeers: false }, ...wires(LISTEN) },
    '/pseudowires/0/mode',
    /add the peer/,
  ],
  ['no way to open tunnels', { l2tp: { accepts: [] } }, '/l2tp/accepts', /at least 1 entry/],
  ['Router ID 0', { l2tp: { routerId: '0.0.0.0' } }, '/l2tp/routerId', /not all zero/],
  ['a Router ID that is a name', { l2tp: { routerId: 'lns' } }, '/l2tp/routerId', /four numbers/],
];

for (const [what, document, field, reason] of CONTRADICTORY) {
  test(`settings are refused for ${what}`, () => {
    const result = validateSettings(document, around);
    assert.equal(result.ok, false);
    const problem = result.problems.find((each) => each.field === field);
    assert.ok(problem, `no problem at ${field}, but ${JSON.stringify(result.problems)}`);
    assert.match(problem.reason, reason);
  });
}

function accepted(document: object): Settings {
  const result = validateSettings(document, around);
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

test('a Session ID of ours may be any below those that the packet path keeps for PPPoE', () => {
  const withId = (localSessionId: number) => validateSettings(wires({ ...STATIC, localSessionId }), around);
  assert.ok(withId(FIRST_PPPOE_ROW_ID - 1).ok);
  const refused = withId(FIRST_PPPOE_ROW_ID);
  assert.deepEqual(refused.ok ? [] : refused.problems.map(({ field }) => field), ['/pseudowires/0/localSessionId']);
});

test('one of each mode, in one bridge, does not contradict itself', () => {
  const { pseudowires } = accepted(wires(...[DIAL, LISTEN, STATIC].map((wire) => ({ ...wire, bridge: 'br0' }))));
  assert.deepEqual(pseudowires[0], {
    ...DIAL,
    enabled: true,
    type: 'ethernet',
    bridge: 'br0',
    mtu_bytes: 1500,
    encapsulation: 'ip',
    port: 1701,
    digest: 'sha1',
    cookie_bytes: 8,
    sequencing: false,
    l2SpecificSublayer: 'none',
    redialInitial_s: 2,
    redialCap_s: 60,
  });
});

const CONSISTENT: readonly [string, object][] = [
  [
    'a static one with numbers and their sublayer',
    wires({ ...STATIC, sequencing: true, l2SpecificSublayer: 'default' }),
  ],
  ['VLAN 1 and VLAN 4094', wires({ ...DIAL, type: 'vlan', vlanId: 1 }, { ...LISTEN, type: 'vlan', vlanId: 4094 })],
  ['a port over UDP', wires({ ...DIAL, encapsulation: 'udp3', port: 1702 })],
  [
    'one Remote End ID of two peers, the one that is named first',
    wires({ ...LISTEN, peer: '192.0.2.2' }, { ...LISTEN, name: 'b', tapInterface: 'tap3' }),
  ],
  [
    'one Remote End ID for Ethernet and for a VLAN',
    wires(LISTEN, { ...LISTEN, name: 'b', tapInterface: 'tap3', type: 'vlan', vlanId: 7 }),
  ],
  ['a spare one that is switched off', wires(DIAL, { ...DIAL, name: 'b', tapInterface: 'tap3', enabled: false })],
  [
    'version 2 alone where none listens',
    { l2tp: { accepts: ['udp2'] }, ...wires(DIAL, { ...LISTEN, enabled: false }) },
  ],
  [
    'mode listen where a peer is known',
    { lns: { allowUnknownPeers: false }, tunnelPeers: [{ name: 'b', hostName: 'b' }], ...wires(LISTEN) },
  ],
];

for (const [what, document] of CONSISTENT) {
  test(`settings are accepted for ${what}`, () => {
    assert.ok(accepted(document));
  });
}

test('addresses and cookies are brought into one form, and an empty cookie is none', () => {
  const wire = {
    ...STATIC,
    peer: '2001:DB8:0:0::2',
    localAddress: '2001:DB8:0::1',
    localCookie: '0123456789ABCDEF',
    peerCookie: '',
  };
  const [stored] = accepted(wires(wire)).pseudowires;
  assert.ok(stored);
  assert.deepEqual([stored.peer, stored.localAddress], ['2001:db8::2', '2001:db8::1']);
  assert.equal(stored.localCookie, '0123456789abcdef');
  assert.equal('peerCookie' in stored, false);
});

test('a refusal does not repeat a cookie', () => {
  const result = validateSettings(
    wires({ ...STATIC, localCookie: 'deadbeefdeadbeefdead', peerCookie: 'beef' }),
    around,
  );
  assert.equal(result.ok, false);
  assert.deepEqual(
    result.problems.map(({ field }) => field),
    ['/pseudowires/0/localCookie', '/pseudowires/0/peerCookie'],
  );
  assert.equal(JSON.stringify(result).includes('beef'), false);
});
