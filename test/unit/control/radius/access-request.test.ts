/** What an Access-Request says of a user and its call: RFC 2865 section 5, RFC 2548 section 2.3, RFC 2868, RFC 2869. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { accessRequest } from '../../../../firmware/control/radius/access-request.js';
import type { AuthenticationRequest } from '../../../../firmware/protocol/ppp/link.js';
import { sealAccessRequest } from '../../../../firmware/protocol/radius/exchange.js';
import type { CallInfo } from '../../../../firmware/roles/role.js';
import { DEFAULT_SETTINGS, type Settings } from '../../../../firmware/settings.js';
import { ascii } from '../../../vectors/vectors.js';
import { standingCall } from '../standing-call.js';

const SETTINGS: Settings = {
  ...DEFAULT_SETTINGS,
  system: { ...DEFAULT_SETTINGS.system, hostName: 'box' },
  radius: { ...DEFAULT_SETTINGS.radius, nasAddress: '192.0.2.7' },
};
const PAP: AuthenticationRequest = { protocol: 'pap', name: ascii('alice'), identifier: 3, password: ascii('secret') };
const CHAP: AuthenticationRequest = {
  protocol: 'chap-md5',
  name: ascii('alice'),
  identifier: 7,
  challenge: ascii('challenge of some length'),
  response: ascii('0123456789abcdef'),
};
const MS_CHAP: AuthenticationRequest = {
  protocol: 'mschapv2',
  name: ascii('alice'),
  identifier: 9,
  challenge: ascii('AAAAAAAAAAAAAAAA'),
  peerChallenge: ascii('BBBBBBBBBBBBBBBB'),
  ntResponse: ascii('CCCCCCCCCCCCCCCCCCCCCCCC'),
};
const AT_LNS = standingCall({ accountingId: '0000000100000001', callingNumber: '4912', calledNumber: '800' });
const AT_LAC = standingCall({
  role: 'lac',
  sessionId: 0xf000_0001,
  path: { encapsulation: 'udp', localAddress: '', localPort: 0, peerAddress: '', peerPort: 0 },
  callingNumber: '02:00:5e:00:53:02',
  calledNumber: 'eth1',
  pppoe: {
    interfaceName: 'eth1',
    localMac: '02:00:5e:00:53:01',
    peerMac: '02:00:5e:00:53:02',
    sessionId: 1,
    vlanIds: [],
    serviceName: '',
    line: undefined,
  },
});

function asked(request: AuthenticationRequest, call: CallInfo = AT_LNS, settings = SETTINGS) {
  const access = accessRequest(request, call, settings);
  assert.ok('request' in access, JSON.stringify(access));
  return access.request;
}

function refusalOf(request: AuthenticationRequest): string {
  const access = accessRequest(request, AT_LNS, SETTINGS);
  assert.ok('refused' in access);
  return access.refused;
}

test('PAP: the password goes beside the values, for each server to be hidden anew (RFC 2865 section 5.2)', () => {
  const { values, password } = asked(PAP);
  assert.deepEqual(password, ascii('secret'));
  assert.deepEqual([values.userName, values.userPassword, values.chapPassword], ['alice', undefined, undefined]);
});

test('CHAP: the identifier stands in front of the response, the challenge in CHAP-Challenge (sections 5.3 and 5.40)', () => {
  const { values, password } = asked(CHAP);
  assert.equal(password, undefined);
  assert.deepEqual(values.chapPassword, Uint8Array.of(7, ...ascii('0123456789abcdef')));
  assert.deepEqual(values.chapChallenge, ascii('challenge of some length'));
});

test('MS-CHAPv2: Ident, Flags 0, Peer-Challenge, eight zeros, Response (RFC 2548 section 2.3.2)', () => {
  const { values } = asked(MS_CHAP);
  assert.deepEqual(values.msChapChallenge, ascii('AAAAAAAAAAAAAAAA'));
  assert.deepEqual(
    values.msChap2Response,
    Uint8Array.of(9, 0, ...ascii('BBBBBBBBBBBBBBBB'), ...new Uint8Array(8), ...ascii('CCCCCCCCCCCCCCCCCCCCCCCC')),
  );
});

test('at the LNS: a virtual port, numbers from the ICRQ, the tunnel in use from the LAC to us (RFC 2868 section 3.1)', () => {
  const path = { ...AT_LNS.path, localAddress: '192.0.2.7' };
  const { values } = asked(PAP, { ...AT_LNS, path, peerName: 'lac-1' });
  assert.deepEqual(values, {
    userName: 'alice',
    serviceType: 2,
    framedProtocol: 1,
    nasIdentifier: 'box',
    nasIpAddress: '192.0.2.7',
    nasPort: AT_LNS.sessionId,
    nasPortType: 5,
    callingStationId: '4912',
    calledStationId: '800',
    acctSessionId: '0000000100000001',
    tunnelType: [{ tag: 0, value: 3 }],
    tunnelMediumType: [{ tag: 0, value: 1 }],
    tunnelClientEndpoint: [{ tag: 0, value: '192.0.2.1' }],
    tunnelServerEndpoint: [{ tag: 0, value: '192.0.2.7' }],
    tunnelClientAuthId: [{ tag: 0, value: 'lac-1' }],
  });
});

test('over IPv6 the medium is 2, and a NAS address of IPv6 is NAS-IPv6-Address (RFC 3162 section 2.1)', () => {
  const path = { ...AT_LNS.path, localAddress: '2001:db8::7', peerAddress: '2001:db8::1' };
  const settings = { ...SETTINGS, radius: { ...SETTINGS.radius, nasIdentifier: 'nas', nasAddress: '2001:db8::7' } };
  const { values } = asked(PAP, { ...AT_LNS, path }, settings);
  assert.deepEqual(values.tunnelMediumType, [{ tag: 0, value: 2 }]);
  assert.deepEqual(
    [values.nasIdentifier, values.nasIpAddress, values.nasIpv6Address],
    ['nas', undefined, '2001:db8::7'],
  );
});

test('at the LAC: PPPoE over Ethernet (32) or over a VLAN (34), the interface and its VLANs, the MAC address, no tunnel', () => {
  const { values } = asked(PAP, AT_LAC);
  assert.deepEqual(
    [values.nasPortType, values.nasPortId, values.callingStationId, values.calledStationId, values.tunnelType],
    [32, 'eth1', '02:00:5e:00:53:02', 'eth1', undefined],
  );
  const pppoe = { ...AT_LAC.pppoe!, vlanIds: [100, 7] };
  const tagged = asked(PAP, { ...AT_LAC, pppoe }).values;
  assert.deepEqual([tagged.nasPortType, tagged.nasPortId], [34, 'eth1.100.7']);
});

test('what the access node says of the line: RFC 4679 section 3.3, and Connect-Info, to the user first (RFC 2869 section 5.11)', () => {
  const rates = { actualDataRateDownstream_bps: 50_000_000, actualDataRateUpstream_bps: 10_000_000 };
  const line = { agentCircuitId: 'node eth 1/2:100', agentRemoteId: 'customer 7', ...rates };
  const { values } = asked(PAP, { ...AT_LAC, callingNumber: '', pppoe: { ...AT_LAC.pppoe!, line } });
  assert.equal(values.connectInfo, '50000000/10000000');
  assert.equal(values.callingStationId, 'customer 7');
  assert.deepEqual([values.agentCircuitId, values.agentRemoteId], [line.agentCircuitId, line.agentRemoteId]);
  assert.deepEqual([values.actualDataRateDownstream_bps, values.actualDataRateUpstream_bps], [50_000_000, 10_000_000]);
});

test('a name or password that no attribute has room for is refused before it is asked', () => {
  assert.match(refusalOf({ ...PAP, password: new Uint8Array(129) }), /password/);
  assert.match(refusalOf({ ...PAP, name: new Uint8Array(254) }), /name/);
  assert.match(refusalOf({ ...PAP, name: new Uint8Array(0) }), /name/);
  assert.match(refusalOf({ ...CHAP, challenge: new Uint8Array(254) }), /challenge/);
  assert.match(refusalOf({ ...CHAP, challenge: new Uint8Array(0) }), /challenge/);
  assert.match(refusalOf({ ...CHAP, response: new Uint8Array(15) }), /response/);
  assert.match(refusalOf({ ...MS_CHAP, ntResponse: new Uint8Array(23) }), /response/);
});

test('whatever a user says, a packet can be made of what is asked', () => {
  const octets = fc.uint8Array({ maxLength: 300 });
  const requests = fc.oneof(
    fc.record({ protocol: fc.constant('pap' as const), name: octets, identifier: fc.nat(255), password: octets }),
    fc.record({
      protocol: fc.constant('chap-md5' as const),
      ...{ name: octets, identifier: fc.nat(255), challenge: octets, response: octets },
    }),
  );
  const text = fc.string({ unit: 'binary', maxLength: 300 });
  fc.assert(
    fc.property(requests, text, text, text, (request, callingNumber, calledNumber, peerName) => {
      const call = { ...AT_LNS, callingNumber, calledNumber, peerName };
      const path = { ...AT_LNS.path, localAddress: '192.0.2.7' };
      const access = accessRequest(request, { ...call, path }, SETTINGS);
      if ('refused' in access) return;
      const sealed = sealAccessRequest(1, 0, new Uint8Array(16), access.request, ascii('shared'));
      assert.ok(sealed.datagram.length <= 4096);
    }),
  );
});
