/** The schemas of settings, pools and users, and the canonical form of the addresses in them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  canonicalAddress,
  canonicalPrefix,
  DEFAULT_POOL,
  DEFAULT_SETTINGS,
  ipv4FromNumber,
  ipv4Number,
  SettingsSchema,
} from '../../firmware/settings.js';
import { validatePool, validateSettings } from '../../firmware/store/rules.js';

const around = {
  settings: () => DEFAULT_SETTINGS,
  pools: () => [DEFAULT_POOL],
  userWithFixedAddress: () => undefined,
  userOfPool: () => undefined,
  userOfTunnelGroup: () => undefined,
  userOfFilter: () => undefined,
};

test('the defaults are acceptable, and one switch makes the box an LNS', () => {
  assert.deepEqual(validateSettings({}, around), { ok: true, value: DEFAULT_SETTINGS });
  assert.equal(DEFAULT_SETTINGS.lns.enabled, false);
  const enabled = validateSettings({ lns: { enabled: true } }, around);
  assert.deepEqual(enabled, {
    ok: true,
    value: { ...DEFAULT_SETTINGS, lns: { ...DEFAULT_SETTINGS.lns, enabled: true } },
  });
  assert.equal(validatePool(DEFAULT_POOL, { ...around, pools: () => [] }).ok, true);
});

test('RFC 2661 section 5.8: the retransmission cap is no less than 8 seconds', () => {
  assert.equal(DEFAULT_SETTINGS.l2tp.retransmitCap_ms, 8000);
  const refused = validateSettings({ l2tp: { retransmitCap_ms: 7999 } }, around);
  assert.deepEqual(refused, {
    ok: false,
    problems: [{ field: '/l2tp/retransmitCap_ms', reason: 'must be at least 8000' }],
  });
});

test('every property with a number names its unit or is a count, and has limits and a default', () => {
  for (const [section, schema] of Object.entries(SettingsSchema.properties)) {
    for (const [name, property] of Object.entries('properties' in schema ? schema.properties : {})) {
      if (property.type !== 'integer') continue;
      for (const limit of ['minimum', 'maximum', 'default']) {
        assert.ok(limit in property, `${section}.${name} has no ${limit}`);
      }
    }
  }
});

test('addresses are brought into the form of RFC 5952', () => {
  const table: [string, string | undefined][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['::', '::'],
    ['fe80::1%eth0', undefined],
    ['192.0.2.256', undefined],
    ['192.0.2.01', undefined],
    ['lns.example.net', undefined],
    ['', undefined],
  ];
  for (const [text, form] of table) assert.equal(canonicalAddress(text), form, text);
});

test('a prefix has no bit set behind its length, and a lone address is one of full length', () => {
  const table: [string, string | undefined][] = [
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.0.0.1/8', undefined],
    ['10.0.0.1', '10.0.0.1/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['::/0', '::/0'],
    ['2001:DB8::/32', '2001:db8::/32'],
    ['2001:db8::1/64', undefined],
    ['2001:db8::1', '2001:db8::1/128'],
    ['10.0.0.0/33', undefined],
    ['10.0.0.0/08', undefined],
    ['10.0.0.0/', undefined],
    ['10.0.0.0/8/8', undefined],
    ['::/129', undefined],
    ['10.0.0.0/-1', undefined],
  ];
  for (const [text, form] of table) assert.equal(canonicalPrefix(text), form, text);
});

test('an IPv4 address and its number are each other’s inverse', () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 0xffffffff }), (n) => ipv4Number(ipv4FromNumber(n)) === n));
  assert.equal(ipv4Number('192.0.2.1'), 0xc0000201);
});

test('whatever JSON is sent is refused with fields and reasons, or accepted, and nothing is thrown', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(...Object.keys(SettingsSchema.properties), ''), (json, section) => {
      const result = validateSettings(section === '' ? json : { [section]: json }, around);
      if (!result.ok) assert.ok(result.problems.length > 0 && result.problems.every(({ reason }) => reason !== ''));
    }),
    { numRuns: 500 },
  );
});
