/** How fast a user may be, in the forms of WISPr, MikroTik and Cisco. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ratesOf } from '../../../../firmware/control/radius/rates.js';
import type { RadiusValues } from '../../../../firmware/wire/radius-attributes.js';

for (const [what, values, receiveRate_bps, sendRate_bps] of [
  ['nothing', {}, undefined, undefined],
  ['WISPr, up is from the user', { wisprBandwidthMaxUp_bps: 1, wisprBandwidthMaxDown_bps: 2 }, 1, 2],
  ['MikroTik rx/tx, rx is from the user', { mikroTikRateLimit: '512k/2M' }, 512_000, 2_000_000],
  ['MikroTik, one for both', { mikroTikRateLimit: '10M' }, 10_000_000, 10_000_000],
  ['MikroTik with bursts', { mikroTikRateLimit: '1M/4M 2M/8M 512k/2M 10/10 8' }, 1_000_000, 4_000_000],
  ['MikroTik beyond what is limited', { mikroTikRateLimit: '10G/1G' }, 4_000_000_000, 1_000_000_000],
  [
    'Cisco rate-limit of both directions',
    {
      ciscoAvPair: [
        'lcp:interface-config#1=rate-limit input 128000 8000 8000 conform-action transmit exceed-action drop',
        'lcp:interface-config#2=rate-limit output access-group 101 256000 8000 8000 conform-action transmit exceed-action drop',
        'ip:dns-servers=192.0.2.53',
      ],
    },
    128_000,
    256_000,
  ],
  ['WISPr before others, for its direction', { wisprBandwidthMaxUp_bps: 7, mikroTikRateLimit: '1/2' }, 7, 2],
  ['0 is no limit', { wisprBandwidthMaxUp_bps: 0, mikroTikRateLimit: '0/0' }, 0, 0],
] as [string, RadiusValues, number | undefined, number | undefined][]) {
  test(`rates: ${what}`, () => {
    const problems: string[] = [];
    assert.deepEqual(
      ratesOf(values, (problem) => problems.push(problem)),
      { receiveRate_bps, sendRate_bps },
    );
    assert.deepEqual(problems, []);
  });
}

test('a Mikrotik-Rate-Limit that is none is told of', () => {
  for (const mikroTikRateLimit of ['', 'fast', '1M/', '1M/2M3M', '-1M', '1.5M']) {
    const problems: string[] = [];
    ratesOf({ mikroTikRateLimit }, (problem) => problems.push(problem));
    assert.deepEqual(problems, [`Mikrotik-Rate-Limit "${mikroTikRateLimit}"`]);
  }
});
