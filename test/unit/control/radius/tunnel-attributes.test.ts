/** The tunnels of an Access-Accept: RFC 2868 section 3. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { tunnelChoicesOf } from '../../../../firmware/control/radius/tunnel-attributes.js';
import { DEFAULT_SETTINGS, type LacSettings } from '../../../../firmware/settings.js';
import type { RadiusValues } from '../../../../firmware/wire/radius-attributes.js';
import { ascii } from '../../../vectors/vectors.js';

const LAC = DEFAULT_SETTINGS.lac;
const L2TP = 3;
const on = <T>(tag: number, value: T) => ({ tag, value });

/** Tunnel 1, with these besides. */
function one(more: RadiusValues = {}): RadiusValues {
  return { tunnelType: [on(1, L2TP)], tunnelServerEndpoint: [on(1, '192.0.2.1')], ...more };
}

test('all that RFC 2868 says of a tunnel is in the choice', () => {
  const { choices, problems, isAskedFor } = tunnelChoicesOf(
    one({
      tunnelMediumType: [on(1, 1)],
      tunnelClientEndpoint: [on(1, '192.0.2.9')],
      tunnelPassword: [on(1, ascii('secret'))],
      tunnelAssignmentId: [on(1, 'gold')],
      tunnelPreference: [on(1, 7)],
      tunnelClientAuthId: [on(1, 'lac')],
      tunnelServerAuthId: [on(1, 'lns')],
    }),
    LAC,
  );
  assert.deepEqual(problems, []);
  assert.ok(isAskedFor);
  assert.deepEqual(choices, [
    {
      preference: 7,
      server: '192.0.2.1',
      localAddress: '192.0.2.9',
      port: 1701,
      encapsulation: 'udp2',
      secret: 'secret',
      digest: 'md5',
      assignmentId: 'gold',
      hostName: 'lac',
      peerHostName: 'lns',
      cookie_bytes: 8,
      sequencing: false,
    },
  ]);
});

test('attributes of one tag are one tunnel; without a tag they count for all (section 3.1)', () => {
  const { choices } = tunnelChoicesOf(
    {
      tunnelType: [on(0, L2TP)],
      tunnelPassword: [on(0, ascii('common')), on(2, ascii('own'))],
      tunnelServerEndpoint: [on(2, '192.0.2.2'), on(1, 'lns.example.net')],
      tunnelPreference: [on(1, 10), on(2, 20)],
    },
    LAC,
  );
  assert.deepEqual(
    choices.map(({ server, secret, preference }) => [server, secret, preference]),
    [
      ['lns.example.net', 'common', 10],
      ['192.0.2.2', 'own', 20],
    ],
  );
});

test('a server that uses no tags at all names one tunnel', () => {
  const { choices } = tunnelChoicesOf({ tunnelType: [on(0, L2TP)], tunnelServerEndpoint: [on(0, '192.0.2.1')] }, LAC);
  assert.deepEqual(
    choices.map(({ server }) => server),
    ['192.0.2.1'],
  );
});

test('a tunnel without a tag stands beside one with a tag where each has its endpoint', () => {
  const { choices } = tunnelChoicesOf(
    { tunnelType: [on(0, L2TP)], tunnelServerEndpoint: [on(0, '192.0.2.1'), on(1, '192.0.2.2')] },
    LAC,
  );
  assert.deepEqual(
    choices.map(({ server }) => server),
    ['192.0.2.1', '192.0.2.2'],
  );
});

test('no tunnel attributes ask for no tunnel', () => {
  assert.deepEqual(tunnelChoicesOf({ framedIpAddress: '192.0.2.5' }, LAC), {
    isAskedFor: false,
    choices: [],
    problems: [],
  });
});

for (const [what, values, problem] of [
  ['another Tunnel-Type', { tunnelType: [on(1, 1)], tunnelServerEndpoint: [on(1, '192.0.2.1')] }, /Tunnel-Type 1 /],
  ['no Tunnel-Type', { tunnelServerEndpoint: [on(1, '192.0.2.1')] }, /no Tunnel-Type/],
  ['no Tunnel-Server-Endpoint', { tunnelType: [on(1, L2TP)] }, /no Tunnel-Server-Endpoint/],
  ['a medium that is not IP', one({ tunnelMediumType: [on(1, 6)] }), /Tunnel-Medium-Type 6/],
  ['an address of another family than the medium', one({ tunnelMediumType: [on(1, 2)] }), /not of Tunnel-Medium-Type/],
  ['an address with a zone', one({ tunnelServerEndpoint: [on(1, 'fe80::1%eth0')] }), /neither an address nor a host/],
  ['an endpoint that is no name', one({ tunnelServerEndpoint: [on(1, 'no name')] }), /neither an address nor a host/],
] as [string, RadiusValues, RegExp][]) {
  test(`a tunnel with ${what} is left out, with a word, and a tunnel was asked for`, () => {
    const { choices, problems, isAskedFor } = tunnelChoicesOf(values, LAC);
    assert.deepEqual(choices, []);
    assert.match(problems.join(), problem);
    assert.match(problems.join(), /^tunnel 1: /);
    assert.ok(isAskedFor);
  });
}

test('one tunnel that cannot be taken does not take the other with it', () => {
  const { choices, problems } = tunnelChoicesOf(
    {
      tunnelType: [on(1, 1), on(2, L2TP)],
      tunnelServerEndpoint: [on(1, '192.0.2.1'), on(2, '2001:DB8::1')],
      tunnelMediumType: [on(2, 2)],
    },
    LAC,
  );
  assert.deepEqual(
    choices.map(({ server }) => server),
    ['2001:db8::1'],
  );
  assert.equal(problems.length, 1);
});

test('a Tunnel-Client-Endpoint that is no address of the family is left out, and the routing table says which', () => {
  for (const endpoint of ['2001:db8::9', 'lac.example.net']) {
    const { choices, problems } = tunnelChoicesOf(one({ tunnelClientEndpoint: [on(1, endpoint)] }), LAC);
    assert.equal(choices[0].localAddress, '');
    assert.match(problems.join(), /Tunnel-Client-Endpoint/);
  }
});

test('of an LNS that the settings name, they say what RADIUS cannot, and what it does not', () => {
  const server = {
    ...{ server: '192.0.2.1', preference: 5, port: 1702, secret: 'of the settings', hostName: 'us' },
    ...{ encapsulation: 'ip' as const, digest: 'sha1' as const, cookie_bytes: 4 as const, sequencing: true },
  };
  const lac: LacSettings = { ...LAC, tunnelGroups: [{ name: 'group', servers: [server] }] };
  const [choice] = tunnelChoicesOf(one(), lac).choices;
  assert.deepEqual(choice, {
    preference: 5,
    server: '192.0.2.1',
    localAddress: '',
    port: 1702,
    encapsulation: 'ip',
    secret: 'of the settings',
    digest: 'sha1',
    assignmentId: '',
    hostName: 'us',
    peerHostName: '',
    cookie_bytes: 4,
    sequencing: true,
  });
  const [told] = tunnelChoicesOf(
    one({ tunnelPassword: [on(1, ascii('of RADIUS'))], tunnelPreference: [on(1, 0)] }),
    lac,
  ).choices;
  assert.deepEqual([told.secret, told.preference, told.encapsulation], ['of RADIUS', 0, 'ip']);
});

test('no problem holds a password', () => {
  const values = one({ tunnelMediumType: [on(1, 9)], tunnelPassword: [on(1, ascii('confidential'))] });
  assert.doesNotMatch(tunnelChoicesOf(values, LAC).problems.join(), /confidential/);
});

test('whatever text a server gives, each tunnel is a choice or a problem', () => {
  const text = fc.string({ unit: 'binary', maxLength: 40 });
  const tagged = <T>(value: fc.Arbitrary<T>) => fc.array(fc.record({ tag: fc.nat(31), value }), { maxLength: 4 });
  const values = fc.record({
    tunnelType: tagged(fc.constantFrom(1, L2TP)),
    tunnelMediumType: tagged(fc.nat(3)),
    tunnelServerEndpoint: tagged(fc.oneof(text, fc.ipV4(), fc.ipV6(), fc.domain())),
    tunnelClientEndpoint: tagged(fc.oneof(text, fc.ipV4(), fc.ipV6())),
    tunnelPassword: tagged(fc.uint8Array({ maxLength: 40 })),
  });
  fc.assert(
    fc.property(values, (given) => {
      const { choices, problems, isAskedFor } = tunnelChoicesOf(given, LAC);
      assert.equal(isAskedFor, choices.length + problems.length > 0);
    }),
  );
});
