/** What RADIUS's answer means for a call: RFC 2865 section 5, RFC 2548, RFC 2868 section 3.1, RFC 3162. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Asked, readAccessAccept, readRefusal } from '../../../../firmware/control/radius/access-accept.js';
import { changeOf } from '../../../../firmware/control/radius/session-selection.js';
import { NO_AUTHORIZATION } from '../../../../firmware/roles/authorization.js';
import type { Authorization } from '../../../../firmware/roles/role.js';
import { DEFAULT_SETTINGS } from '../../../../firmware/settings.js';
import { ProtocolError } from '../../../../firmware/wire/bytes.js';
import { parsePrefix } from '../../../../firmware/wire/ip.js';
import {
  type ParsedAttributes,
  parseRadiusAttributes,
  type RadiusValues,
} from '../../../../firmware/wire/radius-attributes.js';
import { ascii } from '../../../vectors/vectors.js';

const AT_LNS: Asked = { role: 'lns', protocol: 'chap-md5' };
const AT_LAC: Asked = { role: 'lac', protocol: 'chap-md5' };
const SUCCESS = `S=${'0123456789ABCDEF'.repeat(3).slice(0, 40)}`;
const L2TP = [{ tag: 1, value: 3 }];
const TUNNEL: RadiusValues = { tunnelType: L2TP, tunnelServerEndpoint: [{ tag: 1, value: '192.0.2.1' }] };

const read = (values: RadiusValues, asked = AT_LNS) => readAccessAccept(values, asked, DEFAULT_SETTINGS.lac);

function granted(values: RadiusValues, asked = AT_LNS): Authorization {
  const { answer, authorization, problems } = read(values, asked);
  assert.ok(answer.accepted, problems.join());
  assert.deepEqual(problems, []);
  return authorization!;
}

function refused(values: RadiusValues, asked = AT_LNS): string {
  const { answer, authorization, problems } = read(values, asked);
  assert.deepEqual(answer, { accepted: false, message: 'Not authorized' });
  assert.equal(authorization, undefined);
  return problems.join();
}

test('an empty Access-Accept gives nothing beside the leave', () => {
  assert.deepEqual(read({}), { answer: { accepted: true }, authorization: NO_AUTHORIZATION, problems: [] });
});

test('attributes become what the user gets', () => {
  const values: RadiusValues = {
    userName: 'alice@example.net',
    serviceType: 2,
    framedProtocol: 1,
    framedIpAddress: '10.1.2.3',
    framedIpNetmask: '255.255.255.248',
    framedRoute: ['192.168.1.0/24 0.0.0.0 1', '192.168.1.0/24'],
    framedIpv6Route: ['2001:db8:106::/64 :: 1'],
    framedPool: 'gold',
    framedInterfaceId: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    framedIpv6Prefix: [parsePrefix('2001:db8:1::/64')],
    delegatedIpv6Prefix: [parsePrefix('2001:db8:100::/48')],
    filterId: ['web-only'],
    replyMessage: ['Hello', 'Alice'],
    sessionTimeout_s: 3600,
    idleTimeout_s: 600,
    acctInterimInterval_s: 900,
    class: [ascii('one'), ascii('two')],
    msPrimaryDnsServer: '192.0.2.53',
    msSecondaryDnsServer: '192.0.2.54',
    msPrimaryNbnsServer: '192.0.2.55',
    wisprBandwidthMaxUp_bps: 1_000_000,
    wisprBandwidthMaxDown_bps: 8_000_000,
  };
  const { answer } = read(values);
  assert.deepEqual(answer, { accepted: true, message: 'Hello Alice' });
  assert.deepEqual(granted(values), {
    tunnels: [],
    address: '10.1.2.3',
    pool: 'gold',
    routes: ['10.1.2.0/29', '192.168.1.0/24', '2001:db8:106::/64'],
    dns: ['192.0.2.53', '192.0.2.54'],
    nbns: ['192.0.2.55'],
    interfaceId: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    ipv6Prefixes: ['2001:db8:1::/64'],
    delegatedPrefixes: ['2001:db8:100::/48'],
    filters: ['web-only'],
    sessionTimeout_s: 3600,
    idleTimeout_s: 600,
    interimInterval_s: 900,
    receiveRate_bps: 1_000_000,
    sendRate_bps: 8_000_000,
    class: [ascii('one'), ascii('two')],
    userName: 'alice@example.net',
  });
});

test('255.255.255.254 and 255.255.255.255 are an address of the pool (section 5.8); their netmask is none', () => {
  for (const framedIpAddress of ['255.255.255.254', '255.255.255.255']) {
    const { address, routes } = granted({ framedIpAddress, framedIpNetmask: '255.255.255.0' });
    assert.deepEqual([address, routes], ['', []]);
  }
});

test('a netmask of one address is no route (section 5.9)', () => {
  assert.deepEqual(granted({ framedIpAddress: '10.1.2.3', framedIpNetmask: '255.255.255.255' }).routes, []);
});

test('a value that cannot be taken is left out and told of, and the user is in', () => {
  const { answer, authorization, problems } = read({
    framedIpAddress: '10.1.2.3',
    framedIpNetmask: '255.0.255.0',
    framedRoute: ['nonsense', '192.168.1.0/24'],
    framedIpv6Route: ['2001:db8::/200'],
    mikroTikRateLimit: 'fast',
  });
  assert.ok(answer.accepted);
  assert.deepEqual(authorization?.routes, ['192.168.1.0/24']);
  assert.deepEqual(problems, [
    'Mikrotik-Rate-Limit "fast"',
    'Framed-IP-Netmask "255.0.255.0"',
    'Framed-Route "nonsense"',
    'Framed-IPv6-Route "2001:db8::/200"',
  ]);
  const multicast = read({ framedIpAddress: '224.0.0.1' });
  assert.deepEqual([multicast.authorization?.address, multicast.problems], ['', ['Framed-IP-Address 224.0.0.1']]);
});

test('another Service-Type or Framed-Protocol is a refusal (sections 5.6 and 5.7)', () => {
  assert.match(refused({ serviceType: 1 }), /Service-Type 1/);
  assert.match(refused({ serviceType: 5 }), /Service-Type 5/);
  assert.match(refused({ framedProtocol: 2 }), /Framed-Protocol 2/);
});

test('MS-CHAPv2: MS-CHAP2-Success is what the user is shown, without its Ident (RFC 2548 section 2.3.3)', () => {
  const asked: Asked = { role: 'lns', protocol: 'mschapv2' };
  const { answer } = read({ msChap2Success: Uint8Array.of(9, ...ascii(`${SUCCESS} M=ok`)) }, asked);
  assert.deepEqual(answer, { accepted: true, authenticatorResponse: SUCCESS });
  assert.match(refused({}, asked), /no MS-CHAP2-Success/);
  assert.match(refused({ msChap2Success: ascii('9S=0123') }, asked), /no MS-CHAP2-Success/);
});

test('a server that demands MPPE is told apart from one that allows it (RFC 2548 section 2.4.4)', () => {
  assert.match(refused({ msMppeEncryptionPolicy: 2 }), /encryption/);
  granted({ msMppeEncryptionPolicy: 1 });
});

test('at the LAC an Access-Accept with a tunnel is leave to carry the call there, whoever checks the user', () => {
  const { answer, authorization } = read(TUNNEL, { role: 'lac', protocol: 'mschapv2' });
  assert.deepEqual(answer, { accepted: true });
  assert.deepEqual(
    authorization?.tunnels.map(({ server }) => server),
    ['192.0.2.1'],
  );
  assert.equal(granted({ ...TUNNEL, serviceType: 5 }, AT_LAC).tunnels.length, 1);
});

test('at the LAC only unknown tunnels are a refusal (RFC 2868 section 3.1), and so are tunnels to nowhere', () => {
  assert.match(refused({ ...TUNNEL, tunnelType: [{ tag: 1, value: 1 }] }, AT_LAC), /no tunnel .* can be opened/);
  assert.match(refused({ tunnelType: L2TP }, AT_LAC), /no Tunnel-Server-Endpoint,no tunnel/);
});

test('at the LNS Tunnel-Type must be the one in use where it is there, and no tunnel is opened (RFC 2868 section 3.1)', () => {
  assert.match(refused({ tunnelType: [{ tag: 0, value: 9 }] }), /Tunnel-Type/);
  assert.deepEqual(granted(TUNNEL).tunnels, []);
});

test('a refusal says what the server says to the user: Reply-Message, or M= of MS-CHAP-Error', () => {
  assert.deepEqual(readRefusal({ replyMessage: ['No', 'money'] }), { accepted: false, message: 'No money' });
  const msChapError = Uint8Array.of(7, ...ascii('E=691 R=0 C=00112233445566778899aabbccddeeff V=3 M=Wrong password'));
  assert.deepEqual(readRefusal({ msChapError }), { accepted: false, message: 'Wrong password' });
  assert.deepEqual(readRefusal({}), { accepted: false });
});

test('whatever octets a server sends as attributes, they are read or refused whole', () => {
  const attribute = fc.record({ type: fc.integer({ min: 1, max: 254 }), value: fc.uint8Array({ maxLength: 40 }) });
  const askers = fc.constantFrom<Asked>(AT_LNS, AT_LAC);
  fc.assert(
    fc.property(fc.array(attribute, { maxLength: 8 }), askers, (attributes, asked) => {
      let parsed: ParsedAttributes;
      try {
        parsed = parseRadiusAttributes(attributes);
      } catch (error) {
        assert.ok(error instanceof ProtocolError);
        return;
      }
      const { answer, authorization } = read(parsed.values, asked);
      assert.equal(answer.accepted, authorization !== undefined);
      readRefusal(parsed.values);
      changeOf(parsed, new Set());
    }),
    { numRuns: 2_000 },
  );
});

test('whatever a server says, it is read', () => {
  const text = fc.string({ unit: 'binary', maxLength: 40 });
  const values = fc.record(
    {
      framedIpAddress: fc.ipV4(),
      framedIpNetmask: fc.ipV4(),
      framedRoute: fc.array(fc.oneof(text, fc.ipV4Extended())),
      framedIpv6Route: fc.array(fc.oneof(text, fc.ipV6())),
      mikroTikRateLimit: text,
      ciscoAvPair: fc.array(text),
      msChap2Success: fc.uint8Array({ minLength: 1, maxLength: 60 }),
      msChapError: fc.uint8Array({ maxLength: 60 }),
      serviceType: fc.nat(6),
    },
    { requiredKeys: [] },
  );
  const askers = fc.constantFrom<Asked>(AT_LNS, AT_LAC, { role: 'lns', protocol: 'mschapv2' });
  fc.assert(
    fc.property(values, askers, (given, asked) => {
      const { answer, authorization, problems } = read(given, asked);
      assert.equal(answer.accepted, authorization !== undefined);
      if (!answer.accepted) assert.ok(problems.length > 0);
      readRefusal(given);
    }),
  );
});
