/** What ethtool(8) writes about features, as several versions of it and of the kernel do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adviceOnEthtool, parseFeatures, saysGone } from '../../../firmware/linux/ethtool-program.js';

test('features are on or off, fixed or not, whichever they belong to; the title is none', () => {
  const text = `Features for eth0:
rx-checksumming: on
tx-checksumming: on
\ttx-checksum-ipv4: off [fixed]
\ttx-checksum-ip-generic: on
generic-receive-offload: on
highdma: on [fixed]
loopback: off [requested on]
rx-udp-gro-forwarding: off
`;
  assert.deepEqual(Object.fromEntries(parseFeatures(text)), {
    'rx-checksumming': { isOn: true, isFixed: false },
    'tx-checksumming': { isOn: true, isFixed: false },
    'tx-checksum-ipv4': { isOn: false, isFixed: true },
    'tx-checksum-ip-generic': { isOn: true, isFixed: false },
    'generic-receive-offload': { isOn: true, isFixed: false },
    highdma: { isOn: true, isFixed: true },
    loopback: { isOn: false, isFixed: false },
    'rx-udp-gro-forwarding': { isOn: false, isFixed: false },
  });
});

test('a device named like a feature, and lines of another kind, give no feature', () => {
  const text = 'Features for on:\nCannot get device udp-fragmentation-offload settings: Operation not supported\n\n';
  assert.equal(parseFeatures(text).size, 0);
});

test('a device that went away is told from all else that ethtool says', () => {
  const gone = ['netlink error: No such device', 'netlink error: no device matches name (offset 24)'];
  gone.push('Cannot get device feature names: No such device');
  for (const message of gone) assert.equal(saysGone(message), true, message);
  assert.equal(saysGone('netlink error: Operation not supported'), false);
});

test('there is advice for a program that is missing and for missing rights, none for a driver that has not everything', () => {
  assert.match(adviceOnEthtool('spawn ethtool ENOENT') ?? '', /install the package ethtool/);
  assert.match(adviceOnEthtool('netlink error: Operation not permitted') ?? '', /CAP_NET_ADMIN/);
  assert.match(adviceOnEthtool('Cannot set device feature settings: Operation not permitted') ?? '', /as root/);
  for (const message of ['netlink error: Operation not supported', 'Could not change any device features']) {
    assert.equal(adviceOnEthtool(message), undefined);
  }
});
