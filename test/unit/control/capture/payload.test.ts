/** Where a captured packet ends without what users say to each other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lengthWithoutPayload } from '../../../../firmware/control/capture/payload.js';
import { ipv4, ipv6, tcp } from '../../dataplane/packets.js';
import { captured } from './packets.js';

const V2 = '0002 0a0a 0101 ff03';
const SECRET = '5ec2e7'.repeat(20);

for (const [what, packet, left] of [
  [
    'TCP over IPv4',
    `${V2} 0021 ${ipv4({ protocol: 6, payload: `${tcp(0x18, '', '10.64.0.7', '198.51.100.9')}${SECRET}` })}`,
    10 + 20 + 20,
  ],
  [
    'UDP over IPv4 with options',
    `${V2} 0021 ${ipv4({ protocol: 17, options: '01010101', payload: SECRET })}`,
    10 + 24 + 8,
  ],
  ['a later fragment', `${V2} 0021 ${ipv4({ protocol: 17, fragment: 5, payload: SECRET })}`, 10 + 20],
  ['a protocol that is not known', `${V2} 0021 ${ipv4({ protocol: 50, payload: SECRET })}`, 10 + 20],
  [
    'ICMPv6 behind hop-by-hop options',
    `${V2} 57 ${ipv6({ nextHeader: 0, payload: `3a00000000000000${SECRET}` })}`,
    9 + 40 + 8 + 8,
  ],
  ['a network protocol that is not IP', `${V2} 002b ${SECRET}`, 10],
  ['LCP', `${V2} c021 0901 0008 00000000`, 18],
] as const) {
  test(`${what} ends behind its headers`, () => assert.equal(lengthWithoutPayload(captured(packet)), left));
}

test('an Ethernet frame in a pseudowire: IP’s and TCP’s headers, and nothing of what is not known', () => {
  const frame = (type: string, rest: string) =>
    captured(`87654321 02005e005301 02005e005377 8100 0005 ${type} ${rest}`, {
      ...{ kind: 'ip', payloadAt: 4, carriesEthernet: true },
    });
  assert.equal(lengthWithoutPayload(frame('0800', ipv4({ protocol: 17, payload: SECRET }))), 4 + 18 + 20 + 8);
  assert.equal(lengthWithoutPayload(frame('88cc', SECRET)), 4 + 18);
});

test('a control message stays whole, and a short packet is no longer than it is', () => {
  assert.equal(lengthWithoutPayload(captured(`c802 0018 0a0a 0000 0001 0002 ${SECRET}`, { isControl: true })), 72);
  assert.equal(lengthWithoutPayload(captured(`${V2} 0021 4500`)), 12);
});
