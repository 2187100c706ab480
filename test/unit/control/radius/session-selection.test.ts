/** Which call a Disconnect-Request or CoA-Request means, and what it may ask: RFC 5176 sections 3, 3.5 and 3.6. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  changeFault,
  changeOf,
  disconnectFault,
  selectCall,
} from '../../../../firmware/control/radius/session-selection.js';
import { NO_AUTHORIZATION } from '../../../../firmware/roles/authorization.js';
import type { AuthorizationChange, CallInfo } from '../../../../firmware/roles/role.js';
import { parsePrefix } from '../../../../firmware/wire/ip.js';
import { ERROR_CAUSE, type ParsedAttributes, type RadiusValues } from '../../../../firmware/wire/radius-attributes.js';
import { ascii } from '../../../vectors/vectors.js';
import { standingCall } from '../standing-call.js';

const ALICE = standingCall({
  callId: 1,
  userName: 'alice',
  peerAddress: '10.0.0.1',
  accountingId: '0000000100000001',
  callingNumber: '4911',
  calledNumber: '800',
  peerInterfaceId: '0211:22ff:fe33:4455',
  authorization: { ...NO_AUTHORIZATION, userName: 'alice@example.net', ipv6Prefixes: ['2001:db8:1::/64'] },
});
const BOB = standingCall({
  callId: 2,
  userName: 'bob',
  peerAddress: '10.0.0.2',
  accountingId: '0000000100000002',
  callingNumber: '4922',
  calledNumber: '800',
});
const BOB_AGAIN = { ...BOB, callId: 3, sessionId: 103, peerAddress: '10.0.0.3', accountingId: '0000000100000003' };
const OUR_OWN: CallInfo = { ...ALICE, callId: 4, role: 'lac-client' };
const CALLS = [ALICE, BOB, BOB_AGAIN, OUR_OWN];
const INTERFACE_ID = Uint8Array.of(0x02, 0x11, 0x22, 0xff, 0xfe, 0x33, 0x44, 0x55);

const packet = (values: RadiusValues, more: Partial<ParsedAttributes> = {}): ParsedAttributes => ({
  values,
  others: [],
  otherVendors: [],
  ...more,
});

for (const [what, values, call] of [
  ['Acct-Session-Id', { acctSessionId: '0000000100000002' }, BOB],
  ['User-Name, as the user said it', { userName: 'alice' }, ALICE],
  ['User-Name, as RADIUS said it', { userName: 'alice@example.net' }, ALICE],
  ['NAS-Port', { nasPort: 103 }, BOB_AGAIN],
  ['Framed-IP-Address', { framedIpAddress: '10.0.0.2' }, BOB],
  ['Calling-Station-Id', { callingStationId: '4911' }, ALICE],
  ['Framed-Interface-Id', { framedInterfaceId: INTERFACE_ID }, ALICE],
  ['Framed-IPv6-Prefix', { framedIpv6Prefix: [parsePrefix('2001:db8:1::/64')] }, ALICE],
  ['all that are given', { userName: 'bob', calledStationId: '800', framedIpAddress: '10.0.0.3' }, BOB_AGAIN],
] as [string, RadiusValues, CallInfo][]) {
  test(`a call is found by ${what}`, () => {
    assert.equal(selectCall(values, CALLS), call);
  });
}

for (const [what, values, errorCause] of [
  ['nothing that identifies a session is Missing Attribute', { nasIdentifier: 'lns' }, 402],
  ['a user who is not there is Session Context Not Found', { userName: 'carol' }, 503],
  ['one of two that does not match is too', { userName: 'alice', framedIpAddress: '10.0.0.2' }, 503],
  ['two calls are one too many', { userName: 'bob' }, 508],
] as [string, RadiusValues, number][]) {
  test(`${what} (${errorCause})`, () => {
    const found = selectCall(values, CALLS);
    assert.ok(typeof found === 'string');
    assert.equal(ERROR_CAUSE[found], errorCause);
  });
}

test('at the LAC a call is found by its port as Access-Requests name it', () => {
  const pppoe = {
    ...{ interfaceName: 'eth1', localMac: '02:00:5e:00:53:01', peerMac: '02:00:5e:00:53:02', sessionId: 1 },
    ...{ vlanIds: [100], serviceName: '', line: undefined },
  };
  const call = standingCall({ role: 'lac', sessionId: 0xf000_0001, pppoe });
  assert.equal(selectCall({ nasPortId: 'eth1.100', callingStationId: '02:00:5e:00:53:02' }, [BOB, call]), call);
  assert.equal(selectCall({ nasPort: 0xf000_0001 }, [BOB, call]), call);
});

test('a Disconnect-Request holds identification, Class, Acct-Terminate-Cause and Reply-Message alone (section 3.6)', () => {
  const allowed = { userName: 'alice', nasIdentifier: 'lns', eventTimestamp_s: 1, class: [ascii('c')] };
  assert.equal(disconnectFault(packet({ ...allowed, replyMessage: ['Bye'], acctTerminateCause: 6 })), undefined);
  for (const values of [{ sessionTimeout_s: 1 }, { serviceType: 2 }, { state: ascii('s') }] as RadiusValues[]) {
    assert.equal(disconnectFault(packet({ ...allowed, ...values })), 'unsupportedAttribute');
  }
  const others = [{ type: 89, value: ascii('x') }];
  assert.equal(disconnectFault(packet(allowed, { others })), 'unsupportedAttribute');
});

for (const [what, values, change] of [
  ['Session-Timeout', { sessionTimeout_s: 60 }, { sessionTimeout_s: 60 }],
  ['Idle-Timeout', { idleTimeout_s: 0 }, { idleTimeout_s: 0 }],
  ['Acct-Interim-Interval', { acctInterimInterval_s: 300 }, { interimInterval_s: 300 }],
  ['Filter-Id', { filterId: ['web'] }, { filters: ['web'] }],
  ['Class', { class: [ascii('c')] }, { class: [ascii('c')] }],
  ['rates', { mikroTikRateLimit: '1M/2M' }, { receiveRate_bps: 1_000_000, sendRate_bps: 2_000_000 }],
  ['the rate of one direction', { wisprBandwidthMaxDown_bps: 5 }, { sendRate_bps: 5 }],
  ['nothing', { serviceType: 2, framedProtocol: 1, replyMessage: ['Hi'] }, {}],
] as [string, RadiusValues, AuthorizationChange][]) {
  test(`a CoA-Request changes ${what}, and what it leaves out stays (section 3.6, note 3)`, () => {
    assert.deepEqual(changeOf(packet({ userName: 'alice', ...values }), new Set(['web'])), change);
  });
}

for (const [what, request, errorCause] of [
  ['an attribute that cannot be changed', packet({ framedPool: 'gold' }), 401],
  ['a route', packet({ framedRoute: ['192.168.1.0/24'] }), 401],
  ['another address: that is identification', packet({ framedIpNetmask: '255.255.255.0' }), 401],
  ['an attribute that nobody knows', packet({}, { others: [{ type: 89, value: ascii('x') }] }), 401],
  ['a vendor that nobody knows', packet({}, { otherVendors: [{ vendorId: 1, value: ascii('x') }] }), 401],
  ['a Cisco pair that says no rate', packet({ ciscoAvPair: ['subscriber:command=reauthenticate'] }), 401],
  ['another Service-Type', packet({ serviceType: 1 }), 405],
  ['a filter that there is not', packet({ filterId: ['web', 'mail'] }), 407],
  ['a rate that is none', packet({ mikroTikRateLimit: 'fast' }), 407],
  ['another protocol', packet({ framedProtocol: 2 }), 407],
] as [string, ParsedAttributes, number][]) {
  test(`a CoA-Request with ${what} is refused by Error-Cause ${errorCause}`, () => {
    const change = changeOf(request, new Set(['web']));
    assert.ok(typeof change === 'string');
    assert.equal(ERROR_CAUSE[change], errorCause);
  });
}

test('a call that the LAC carries to an LNS has its rate and time changed here; what is in it is for the LNS', () => {
  const tunnelled = standingCall({ role: 'lac', isTunnelled: true });
  assert.equal(changeFault(tunnelled, { receiveRate_bps: 1, sessionTimeout_s: 60, class: [] }), undefined);
  assert.equal(changeFault(tunnelled, { filters: ['web'] }), 'unsupportedAttribute');
  assert.equal(changeFault(tunnelled, { idleTimeout_s: 60 }), 'unsupportedAttribute');
  assert.equal(changeFault(ALICE, { filters: ['web'], idleTimeout_s: 60 }), undefined);
});
