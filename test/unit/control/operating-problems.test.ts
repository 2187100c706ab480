/** What of the settings waits for a restart, or for a right that the box does not have, is told in words. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { settingsProblems } from '../../../firmware/control/operating-problems.js';
import { DEFAULT_SETTINGS, type Settings } from '../../../firmware/settings.js';

const SEEN = { listeningPort: 1701, packetOffload: true, refusedSockets: [] };
const REFUSED = { what: 'open a raw socket: EPERM', advice: 'start it with CAP_NET_RAW' };

describe('what of the settings is not in force', () => {
  for (const [words, changes, seen, whats] of [
    ['a box that runs as it is set has none', {}, {}, []],
    [
      'another UDP port than the open one',
      { l2tp: { ...DEFAULT_SETTINGS.l2tp, port: 1702 } },
      {},
      ['the program still listens on UDP port 1701, not on l2tp.port 1702'],
    ],
    [
      'packets that are still joined',
      { routing: { ...DEFAULT_SETTINGS.routing, packetOffload: false } },
      {},
      ['routing.packetOffload is still on'],
    ],
    [
      'packets that are still not joined, and a port',
      { l2tp: { ...DEFAULT_SETTINGS.l2tp, port: 1 } },
      { packetOffload: false },
      ['the program still listens on UDP port 1701, not on l2tp.port 1', 'routing.packetOffload is still off'],
    ],
    ['sockets that were refused and that nothing uses', {}, { refusedSockets: [REFUSED] }, []],
    [
      'sockets that were refused and that an LNS is called on',
      { lns: { ...DEFAULT_SETTINGS.lns, enabled: true } },
      { refusedSockets: [REFUSED] },
      [REFUSED.what],
    ],
  ] as const satisfies readonly [string, Partial<Settings>, Partial<typeof SEEN> | object, readonly string[]][]) {
    test(words, () => {
      const problems = settingsProblems({ ...DEFAULT_SETTINGS, ...changes }, { ...SEEN, ...seen });
      assert.deepEqual(
        problems.map(({ what }) => what),
        whats,
      );
      assert.ok(problems.every(({ advice }) => advice.length > 0));
    });
  }
});
