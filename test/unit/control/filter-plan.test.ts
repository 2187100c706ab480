/** Which filters apply to whose traffic, by the Filter-Ids of the calls that stand (RFC 2865 section 5.11). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concernsFilters, planFilters, unknownFilters } from '../../../firmware/control/filter-plan.js';
import { NO_AUTHORIZATION } from '../../../firmware/roles/authorization.js';
import type { CallInfo } from '../../../firmware/roles/role.js';
import type { FilterSettings } from '../../../firmware/settings.js';
import { formatAddress, parseAddress, parsePrefix, prefixContains } from '../../../firmware/wire/ip.js';
import { standingCall } from './standing-call.js';

const MAIL: FilterSettings = {
  name: 'no-mail',
  rules: [{ action: 'drop', direction: 'from-user', protocol: 'tcp', port: 25 }],
  otherwise: 'accept',
};
const WEB: FilterSettings = { name: 'web', rules: [], otherwise: 'drop' };
const FILTERS = [MAIL, WEB];

let calls = 0;

function caller(peerAddress: string, filters: string[], of: Partial<CallInfo> = {}): CallInfo {
  calls += 1;
  const authorization = { ...NO_AUTHORIZATION, filters };
  return standingCall({ callId: calls, userName: `user${calls}`, peerAddress, authorization, ...of });
}

/** The filters' addresses, by name. */
function planned(...standing: CallInfo[]): Record<string, readonly string[]> {
  const plan = planFilters(FILTERS, 'tw0', standing);
  return Object.fromEntries(plan.map(({ name, addresses }) => [name, addresses]));
}

test('a filter that a call names is applied to the user’s address; one that none names is not there', () => {
  const plan = planFilters(FILTERS, 'tw0', [caller('10.0.0.2', ['no-mail']), caller('10.0.0.3', [])]);
  assert.deepEqual(plan, [{ ...MAIL, link: 'tw0', addresses: ['10.0.0.2/32'] }]);
  assert.deepEqual(planFilters(FILTERS, 'tw0', [caller('10.0.0.3', [])]), []);
});

test('networks behind a user are filtered with it', () => {
  const branch = caller('10.0.0.2', ['web'], { routes: ['10.1.0.0/16', '2001:db8:1::/48'] });
  assert.deepEqual(planned(branch), { web: ['10.0.0.2/32', '10.1.0.0/16', '2001:db8:1::/48'] });
  assert.deepEqual(planned({ ...branch, peerAddress: '' }), { web: ['10.1.0.0/16', '2001:db8:1::/48'] });
});

test('a user with several filters has all of them, each once; one that is not in the settings is none', () => {
  const user = caller('10.0.0.2', ['web', 'no-mail', 'web', 'of another box']);
  assert.deepEqual(planned(user, caller('10.0.0.3', ['of another box'])), {
    'no-mail': ['10.0.0.2/32'],
    web: ['10.0.0.2/32'],
  });
});

test('calls that end here alone are filtered: of the LNS, and at the LAC those without a tunnel', () => {
  assert.deepEqual(planned(caller('10.0.0.2', ['web'], { role: 'lac' })), { web: ['10.0.0.2/32'] });
  assert.deepEqual(planned(caller('10.0.0.2', ['web'], { role: 'lac', isTunnelled: true })), {});
  assert.deepEqual(planned(caller('10.0.0.2', ['web'], { role: 'lac-client' })), {});
});

test('a network has holes where other users are, with another filter or none', () => {
  const branch = caller('10.0.0.2', ['web'], { routes: ['10.1.0.0/30', '2001:db8::/126'] });
  const other = caller('10.1.0.1', ['no-mail']);
  const free = caller('10.1.0.2', [], { routes: ['2001:db8::2/127'] });
  assert.deepEqual(planned(branch, other, free), {
    'no-mail': ['10.1.0.1/32'],
    web: ['10.0.0.2/32', '10.1.0.0/32', '10.1.0.3/32', '2001:db8::/127'],
  });
});

test('a user that is the way to everywhere does not lend its filter to the others', () => {
  const gateway = caller('10.0.0.2', ['web'], { routes: ['0.0.0.0/0'] });
  const { web = [] } = planned(gateway, caller('10.0.0.3', []));
  const covers = (address: string) => web.some((text) => prefixContains(parsePrefix(text), parseAddress(address)));
  assert.deepEqual(['10.0.0.2', '192.0.2.7', '10.0.0.3', '10.0.0.1'].map(covers), [true, true, false, true]);
});

test('what two calls have is the older one’s', () => {
  const older = caller('10.0.0.2', ['web'], { routes: ['10.1.0.0/16'] });
  const newer = caller('10.0.0.3', ['no-mail'], { routes: ['10.1.0.0/16'] });
  assert.deepEqual(planned(older, newer), { web: ['10.0.0.2/32', '10.1.0.0/16'], 'no-mail': ['10.0.0.3/32'] });
  assert.deepEqual(planned(newer, older), { web: ['10.0.0.2/32'], 'no-mail': ['10.0.0.3/32', '10.1.0.0/16'] });
});

test('an address meets the filters of the longest prefix that it is in, and no other’s', () => {
  const prefix = fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 24, max: 32 })).map(([host, length]) => {
    return `10.0.0.${host & (0xff << (32 - length)) & 0xff}/${length}`;
  });
  const user = fc.record({
    routes: fc.uniqueArray(prefix, { maxLength: 4 }),
    filters: fc.subarray(['no-mail', 'web']),
    host: fc.integer({ min: 0, max: 255 }),
  });
  fc.assert(
    fc.property(fc.array(user, { maxLength: 6 }), fc.integer({ min: 0, max: 255 }), (users, host) => {
      const standing = users.map((each) => caller(`10.0.0.${each.host}`, each.filters, { routes: each.routes }));
      const address = parseAddress(`10.0.0.${host}`);
      const claims = standing.flatMap(({ peerAddress, routes, authorization }) => {
        return [`${peerAddress}/32`, ...routes].map((text) => ({ prefix: parsePrefix(text), ...authorization }));
      });
      const longest = claims
        .filter((claim) => prefixContains(claim.prefix, address))
        .reduce<(typeof claims)[number] | undefined>((best, claim) => {
          return best !== undefined && best.prefix.length_bits >= claim.prefix.length_bits ? best : claim;
        }, undefined);
      const met = planFilters(FILTERS, 'tw0', standing)
        .filter(({ addresses }) => addresses.some((text) => prefixContains(parsePrefix(text), address)))
        .map(({ name }) => name);
      assert.deepEqual(met, longest?.filters ?? [], formatAddress(address));
    }),
  );
});

test('prefixes of different filters are the same or have nothing in common', () => {
  const branch = caller('10.0.0.2', ['web', 'no-mail'], { routes: ['10.0.0.0/8'] });
  const users = Array.from({ length: 50 }, (_, n) => caller(`10.${n}.0.9`, n % 2 === 0 ? ['web'] : []));
  const all = planFilters(FILTERS, 'tw0', [branch, ...users]).flatMap(({ addresses }) => addresses);
  const prefixes = [...new Set(all)].map(parsePrefix);
  for (const one of prefixes) {
    assert.deepEqual(prefixes.filter((other) => prefixContains(one, other.address)).length, 1);
  }
});

test('ten thousand users are planned in a fraction of a second', () => {
  const users = Array.from({ length: 10_000 }, (_, n) => caller(`10.7.${n >> 8}.${n & 255}`, ['web']));
  const began_ms = performance.now();
  assert.equal(planned(...users).web?.length, 10_000);
  assert.ok(performance.now() - began_ms < 500);
});

test('a call makes another plan when it has filters or had some, or is in a network behind a user who has', () => {
  const branch = caller('10.0.0.2', ['web'], { routes: ['10.1.0.0/16'] });
  const inHole = caller('10.1.0.9', []);
  const concerns = (call: CallInfo, ...standing: CallInfo[]) =>
    concernsFilters(call, planFilters(FILTERS, 'tw0', standing), () => standing);
  assert.equal(concerns(caller('10.0.0.3', ['web'])), true, 'has filters');
  assert.equal(concerns({ ...branch, authorization: NO_AUTHORIZATION }, branch), true, 'had some');
  assert.equal(concerns(inHole, branch), true, 'makes a hole');
  assert.equal(
    concernsFilters(inHole, planFilters(FILTERS, 'tw0', [branch, inHole]), () => [branch]),
    true,
    'leaves a hole',
  );
  assert.equal(concerns(caller('10.0.0.3', [], { routes: ['10.1.7.0/24'] }), branch), true, 'a network in a network');
  assert.equal(concerns(caller('10.0.0.3', []), branch), false);
  assert.equal(concerns(caller('10.0.0.3', [], { routes: ['10.2.0.0/16'] }), branch), false);
  assert.equal(concerns(inHole, { ...branch, authorization: NO_AUTHORIZATION }), false, 'nobody there is filtered');
  assert.equal(concerns(caller('10.1.0.9', ['web'], { role: 'lac', isTunnelled: true }), branch), false, 'goes by');
});

test('a user whose network has been cut up by others’ loses its filter: another plan', () => {
  const branch = caller('', ['web'], { routes: ['10.1.0.0/16'] });
  const standing = [branch, caller('10.1.0.9', [])];
  const inForce = planFilters(FILTERS, 'tw0', standing);
  assert.ok((inForce[0]?.addresses.length ?? 0) > 1);
  assert.equal(
    concernsFilters({ ...branch, authorization: NO_AUTHORIZATION }, inForce, () => standing.slice(1)),
    true,
  );
});

test('a filter that is not in the settings is a problem that names it and its users', () => {
  assert.deepEqual(unknownFilters(FILTERS, [caller('10.0.0.2', ['web'])]), []);
  const alice = caller('10.0.0.2', ['gone', 'web'], { userName: 'alice' });
  const bob = caller('10.0.0.3', ['gone', 'other'], { userName: 'bob' });
  assert.deepEqual(
    unknownFilters(FILTERS, [alice, bob]).map(({ what }) => what),
    [
      'there is no filter gone, and alice and 1 more should have it',
      'there is no filter other, and bob should have it',
    ],
  );
});
