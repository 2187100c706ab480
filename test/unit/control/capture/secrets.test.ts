/** What of a captured packet is a secret and becomes zeros, and that nothing else of it changes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { clearSecrets } from '../../../../firmware/control/capture/secrets.js';
import type { CapturedPacket } from '../../../../firmware/dataplane/interface.js';
import { ascii, captured, hexOf } from './packets.js';

const hex = (text: string) => text.replaceAll(/\s+/g, '');
const V2 = '0002 0a0a 0101';
const PAP_REQUEST = (password: string) => `01 07 0017 05 ${ascii('alice')} 0c ${password}`;
const PASSWORD = ascii('open sesame!');
const ZEROS = '00'.repeat(12);
const CHALLENGE = '112233445566778899aabbccddeeff01';
const NO_CHALLENGE = '00'.repeat(16);

function cleared(text: string, changes: Partial<CapturedPacket> = {}): string {
  const packet = captured(text, changes);
  const before = hexOf(packet.octets);
  const isCleared = clearSecrets(packet);
  assert.equal(isCleared, hexOf(packet.octets) !== before);
  return hexOf(packet.octets);
}

describe('PPP', () => {
  for (const [where, header, changes] of [
    ['version 2', V2, {}],
    ['version 2 with Length, numbers and offset', '4a02 0035 0a0a 0101 0001 0000 0002 ffff', {}],
    ['version 3 over UDP, behind a cookie', '0003 0000 87654321 c1c2c3c4', { payloadAt: 12 }],
    ['version 3 over IP', '87654321', { kind: 'ip', payloadAt: 4 }],
    ['PPPoE', '02005e005301 02005e005377 8864 11 00 0001 001b', { kind: 'frame' }],
    ['PPPoE with two tags', '02005e005301 02005e005377 88a8 0001 8100 0002 8864 11 00 0001 001b', { kind: 'frame' }],
  ] as const) {
    const ff03 = where.startsWith('PPPoE') ? '' : 'ff03';
    test(`PAP's password in ${where}: the name stays`, () => {
      const packet = `${header} ${ff03} c023 ${PAP_REQUEST(PASSWORD)}`;
      assert.equal(cleared(packet, changes), hex(`${header} ${ff03} c023 ${PAP_REQUEST(ZEROS)}`));
    });
  }

  for (const [what, before, after] of [
    ['a CHAP challenge', `c223 01 01 0018 10 ${CHALLENGE} 6c6e73`, `c223 01 01 0018 10 ${NO_CHALLENGE} 6c6e73`],
    ['a CHAP response', `c223 02 01 0018 10 ${CHALLENGE} 626f62`, `c223 02 01 0018 10 ${NO_CHALLENGE} 626f62`],
    ["MS-CHAPv2's success", `c223 03 01 0010 ${ascii('S=0A1B M=hi')}`, `c223 03 01 0010 ${ascii('S=0000 M=hi')}`],
    [
      "MS-CHAPv2's failure and its new challenge",
      `c223 04 01 0018 ${ascii('E=691 R=1 C=FF01 V=3')}`,
      `c223 04 01 0018 ${ascii('E=691 R=1 C=0000 V=3')}`,
    ],
    ['an EAP-MD5 response', 'c227 02 01 000a 04 04 a1a2a3a4', 'c227 02 01 000a 04 00 00000000'],
    [
      'PAP that comes back in a Protocol-Reject',
      `c021 08 01 001d c023 ${PAP_REQUEST(PASSWORD)}`,
      `c021 08 01 001d c023 ${PAP_REQUEST(ZEROS)}`,
    ],
    [
      'a password that was cut',
      `c023 01 07 0017 05 ${ascii('alice')} 0c 6f70`,
      `c023 01 07 0017 05 ${ascii('alice')} 0c 0000`,
    ],
  ] as const) {
    test(`${what}`, () => {
      assert.equal(cleared(`${V2} ff03 ${before}`), hex(`${V2} ff03 ${after}`));
    });
  }

  for (const [what, frame] of [
    ['LCP Configure-Request', 'ff03 c021 01 01 000a 0506 01020304'],
    ['PAP Authenticate-Ack', 'ff03 c023 02 07 0005 00'],
    ['an EAP identity', 'ff03 c227 02 01 0008 01 626f62'],
    ['an IPv4 packet, whatever is in it', `ff03 0021 4500 ${PASSWORD}`],
    ['an IPv4 packet, its protocol in one octet', '21 4500 0014 c023'],
    ['nothing', ''],
  ] as const) {
    test(`${what} stays as it is`, () => assert.equal(cleared(`${V2} ${frame}`), hex(`${V2} ${frame}`)));
  }
});

describe('AVPs', () => {
  const header = (version: string, avps: string) => {
    const length = (12 + hex(avps).length / 2).toString(16).padStart(4, '0');
    return `c80${version} ${length} 0a0a 0000 0001 0002 ${avps}`;
  };
  const avp = (type: number, value: string, { vendor = '0000', bits = '8' } = {}) => {
    const length = (6 + hex(value).length / 2).toString(16).padStart(3, '0');
    return hex(`${bits}${length} ${vendor} ${type.toString(16).padStart(4, '0')} ${value}`);
  };
  const [message, name] = [avp(0, '0001'), avp(7, ascii('lac'))];

  for (const [what, type, version, options] of [
    ['Challenge', 11, '2', {}],
    ['Challenge Response', 13, '2', {}],
    ['Proxy Authen Challenge', 31, '2', {}],
    ['Proxy Authen Response', 33, '2', {}],
    ['Message Digest', 59, '3', {}],
    ['Control Message Authentication Nonce', 73, '3', {}],
    ['a hidden AVP', 30, '2', { bits: 'c' }],
    ['the drafts’ Message Digest', 12, '3', { vendor: '0009' }],
  ] as const) {
    for (const kind of ['udp', 'ip'] as const) {
      test(`${what}, over ${kind}: the AVPs around it stay`, () => {
        const before = kind === 'ip' ? '00000000' : '';
        const packet = (value: string) => before + header(version, message + avp(type, value, options) + name);
        const changes = { isControl: true, kind };
        assert.equal(cleared(packet(CHALLENGE), changes), hex(packet(NO_CHALLENGE)));
      });
    }
  }

  test('what is behind an AVP that cannot be read is zeros', () => {
    const packet = (rest: string) => header('2', `${message} 8003 0000 ${rest}`);
    const after = cleared(packet(PASSWORD), { isControl: true });
    assert.ok(
      !after.includes(PASSWORD) && after.startsWith(hex(header('2', `${message}${'0'.repeat(32)}`)).slice(0, 24)),
    );
  });

  test('AVPs that are none of these stay as they are', () => {
    const packet = header('2', message + name + avp(9, '0b0b') + avp(36, CHALLENGE));
    assert.equal(cleared(packet, { isControl: true }), hex(packet));
  });
});

test('a frame of PPPoE in an Ethernet pseudowire', () => {
  const packet = (password: string) =>
    `87654321 02005e005301 02005e005377 8864 11 00 0001 001b c023 ${PAP_REQUEST(password)}`;
  const changes = { kind: 'ip', payloadAt: 4, carriesEthernet: true } as const;
  assert.equal(cleared(packet(PASSWORD), changes), hex(packet(ZEROS)));
});

test('whatever comes, nothing is thrown and the length stays', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 80 }),
      fc.constantFrom('udp', 'ip', 'frame'),
      fc.boolean(),
      fc.boolean(),
      fc.nat(30),
      (octets, kind, isControl, carriesEthernet, payloadAt) => {
        const packet = { ...captured(''), octets, kind, isControl, carriesEthernet, payloadAt };
        clearSecrets(packet);
        assert.equal(packet.octets.length, octets.length);
      },
    ),
    { numRuns: 3000 },
  );
});
