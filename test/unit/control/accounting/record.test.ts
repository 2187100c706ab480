/** The attributes of accounting: RFC 2866 section 5, RFC 2867, RFC 2869 section 5, RFC 3162, RFC 4818. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  accountingId,
  callValues,
  causeValue,
  decodeValues,
  encodeValues,
  TERMINATE_CAUSE,
  tunnelValues,
  useValues,
  worthOf,
} from '../../../../firmware/control/accounting/record.js';
import { NO_AUTHORIZATION } from '../../../../firmware/roles/authorization.js';
import type { TerminateCause } from '../../../../firmware/roles/role.js';
import { parsePrefix } from '../../../../firmware/wire/ip.js';
import { ACCT_STATUS_TYPE } from '../../../../firmware/wire/radius-attributes.js';
import { endBy, settingsWith, standingCall } from './books.js';

const untagged = <T>(value: T) => [{ tag: 0, value }];

test('an Acct-Session-Id has the number of the boot and that of the call (RFC 2866 section 5.5)', () => {
  assert.equal(accountingId(1, 7), '0000000100000007');
  assert.equal(accountingId(0xab, 0xffff_ffff), '000000ABFFFFFFFF');
});

test('a call at the LNS says who, where, what address and which tunnel', () => {
  const authorization = {
    ...NO_AUTHORIZATION,
    class: [Uint8Array.of(1, 2), Uint8Array.of(3)],
    ipv6Prefixes: ['2001:db8:1::/64'],
    delegatedPrefixes: ['2001:db8:100::/56'],
  };
  const settings = settingsWith({ nasIdentifier: 'lns-1', nasAddress: '192.0.2.2' });
  assert.deepEqual(callValues(standingCall({ authorization, peerInterfaceId: '0211:22ff:fe33:4455' }), settings), {
    nasIdentifier: 'lns-1',
    nasIpAddress: '192.0.2.2',
    nasPort: 4711,
    nasPortType: 5,
    callingStationId: '0301234',
    calledStationId: '0800',
    userName: 'flopsy',
    serviceType: 2,
    framedProtocol: 1,
    framedIpAddress: '10.0.0.2',
    framedInterfaceId: Uint8Array.of(2, 0x11, 0x22, 0xff, 0xfe, 0x33, 0x44, 0x55),
    framedIpv6Prefix: [parsePrefix('2001:db8:1::/64')],
    delegatedIpv6Prefix: [parsePrefix('2001:db8:100::/56')],
    class: [Uint8Array.of(1, 2), Uint8Array.of(3)],
    acctSessionId: '0000000100000007',
    acctAuthentic: 2,
    tunnelType: untagged(3),
    tunnelMediumType: untagged(1),
    tunnelClientEndpoint: untagged('192.0.2.1'),
    tunnelServerEndpoint: untagged('192.0.2.2'),
    acctTunnelConnection: '99',
  });
});

test('a tunnelled call at the LAC names its line, and the LAC as the client of the tunnel', () => {
  const pppoe = {
    interfaceName: 'eth1',
    localMac: '02:00:5e:00:53:01',
    peerMac: '02:00:5e:00:53:02',
    sessionId: 1,
    vlanIds: [100, 7],
    serviceName: '',
    line: undefined,
  };
  const path = {
    encapsulation: 'ip' as const,
    localAddress: '2001:db8::1',
    localPort: 0,
    peerAddress: '2001:db8::2',
    peerPort: 0,
  };
  const call = standingCall({
    role: 'lac',
    sessionId: 0xf000_0001,
    pppoe,
    path,
    isTunnelled: true,
    callingNumber: '',
    calledNumber: '',
    peerAddress: '',
  });
  const values = callValues(call, settingsWith({ nasAddress: '2001:db8::1' }));
  assert.equal(values.nasIpv6Address, '2001:db8::1');
  assert.equal(
    values.nasIdentifier,
    settingsWith().system.hostName,
    'without NAS-Identifier in the settings, the name',
  );
  assert.deepEqual([values.nasPort, values.nasPortType, values.nasPortId], [0xf000_0001, 34, 'eth1.100.7']);
  assert.deepEqual([values.callingStationId, values.calledStationId], ['02:00:5e:00:53:02', 'eth1']);
  assert.equal(values.framedIpAddress, undefined, 'the LNS gives the address');
  assert.deepEqual(values.tunnelMediumType, untagged(2));
  assert.deepEqual(values.tunnelClientEndpoint, untagged('2001:db8::1'));
  assert.deepEqual(values.tunnelServerEndpoint, untagged('2001:db8::2'));
});

test('a call that ends at the LAC is in no tunnel', () => {
  const values = callValues(standingCall({ role: 'lac' }), settingsWith());
  assert.deepEqual([values.tunnelType, values.acctTunnelConnection], [undefined, undefined]);
});

test('a user is named as RADIUS names it; Acct-Authentic says RADIUS where RADIUS was asked (RFC 2866 section 5.6)', () => {
  const authorization = { ...NO_AUTHORIZATION, userName: 'account-17' };
  const server = settingsWith().radius.accounting;
  const values = callValues(standingCall({ authorization }), settingsWith({ authentication: server }));
  assert.deepEqual([values.userName, values.acctAuthentic], ['account-17', 1]);
});

test('both ends of a tunnel name it alike (RFC 2867 section 3.1)', () => {
  const path = standingCall().path;
  const there = { ...path, localAddress: path.peerAddress, peerAddress: path.localAddress };
  const tunnel = { type: 'tunnel-started' as const, tunnelId: 12, peerName: 'x', assignmentId: 'gold', reason: '' };
  const ofLns = tunnelValues({ ...tunnel, side: 'lns', path }, 'A', settingsWith());
  const ofLac = tunnelValues({ ...tunnel, side: 'lac', path: there }, 'A', settingsWith());
  assert.deepEqual(ofLac, ofLns);
  assert.deepEqual(ofLns.tunnelClientEndpoint, untagged('192.0.2.1'));
  assert.deepEqual(ofLns.tunnelAssignmentId, untagged('gold'));
});

test('octets beyond 32 bits are in gigawords (RFC 2869 sections 5.1 and 5.2), packets wrap', () => {
  const whole = { min: 0, max: 2 ** 53 - 1 };
  fc.assert(
    fc.property(fc.integer(whole), fc.integer(whole), (receivedOctets, sentOctets) => {
      const use = {
        duration_s: 5,
        receivedPackets: receivedOctets,
        receivedOctets,
        sentPackets: sentOctets,
        sentOctets,
      };
      const values = useValues(use);
      assert.equal(values.acctInputGigawords! * 2 ** 32 + values.acctInputOctets!, receivedOctets);
      assert.equal(values.acctOutputGigawords! * 2 ** 32 + values.acctOutputOctets!, sentOctets);
      assert.equal(values.acctInputPackets, receivedOctets % 2 ** 32);
      assert.equal(values.acctSessionTime_s, 5);
      assert.deepEqual(decodeValues(encodeValues(values)), values);
    }),
  );
  const values = useValues({
    duration_s: 0,
    receivedPackets: 1,
    receivedOctets: 2 ** 32 + 5,
    sentPackets: 1,
    sentOctets: 9,
  });
  assert.deepEqual([values.acctInputGigawords, values.acctInputOctets], [1, 5]);
  assert.deepEqual([values.acctOutputGigawords, values.acctOutputOctets], [0, 9]);
});

test('Acct-Terminate-Cause has the numbers of RFC 2866 section 5.10', () => {
  const numbers: [TerminateCause, number][] = [
    ['user-request', 1],
    ['lost-carrier', 2],
    ['lost-service', 3],
    ['idle-timeout', 4],
    ['session-timeout', 5],
    ['admin-reset', 6],
    ['admin-reboot', 7],
    ['port-error', 8],
    ['nas-error', 9],
    ['nas-request', 10],
    ['service-unavailable', 15],
    ['user-error', 17],
  ];
  for (const [cause, number] of numbers) assert.deepEqual(causeValue(endBy(cause)), { acctTerminateCause: number });
  assert.equal(TERMINATE_CAUSE['nas-reboot'], 11);
});

test('of what cannot all be kept, Interim-Updates are worth least and ends most', () => {
  const worth = (status: keyof typeof ACCT_STATUS_TYPE) => worthOf({ acctStatusType: ACCT_STATUS_TYPE[status] });
  const inOrder = (
    ['interimUpdate', 'start', 'tunnelStart', 'accountingOn', 'stop', 'tunnelStop', 'tunnelLinkStop'] as const
  ).map(worth);
  assert.deepEqual(inOrder, [0, 1, 1, 1, 2, 2, 2]);
});

test('what a peer and a server say fits into a packet, whatever it is, and reads back', () => {
  const text = fc.string({
    unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
    maxLength: 300,
  });
  const octets = fc.uint8Array({ minLength: 1, maxLength: 253 });
  fc.assert(
    fc.property(text, text, fc.array(octets, { maxLength: 20 }), (userName, callingNumber, classes) => {
      const authorization = {
        ...NO_AUTHORIZATION,
        class: classes,
        ipv6Prefixes: Array.from({ length: 300 }, (_, index) => `2001:db8:${index}::/64`),
      };
      const values = callValues(standingCall({ userName, callingNumber, authorization }), settingsWith());
      const packet = encodeValues({
        ...values,
        ...useValues({ duration_s: 1, ...{ receivedPackets: 1, receivedOctets: 1, sentPackets: 1, sentOctets: 1 } }),
      });
      assert.ok(packet.length <= 4096 - 255, `${packet.length} octets and those that the client adds`);
      const read = decodeValues(packet);
      assert.equal(read.userName ?? '', userName.slice(0, 253));
      assert.equal(read.acctSessionId, '0000000100000007');
      const kept = read.class ?? [];
      assert.deepEqual(kept, classes.slice(0, kept.length));
      if (classes.reduce((sum, one) => sum + one.length + 2, 0) < 2_000) assert.equal(kept.length, classes.length);
    }),
    { numRuns: 200 },
  );
});
