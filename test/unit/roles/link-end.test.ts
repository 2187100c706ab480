/** What the end of a session in L2TP means to accounting: Acct-Terminate-Cause, RFC 2866 section 5.10. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CloseCause } from '../../../firmware/protocol/l2tp/endpoint.js';
import { causeOfSession } from '../../../firmware/roles/link-end.js';

/** Result Codes of RFC 2661 section 4.4.2, disconnect codes of RFC 3145 section 3: 3 is a normal end by the user. */
const ENDS: readonly [CloseCause, string][] = [
  [{ by: 'peer', resultCode: 1 }, 'lost-carrier'],
  [{ by: 'peer', resultCode: 1, disconnectCode: 3 }, 'user-request'],
  [{ by: 'peer', resultCode: 1, disconnectCode: 8 }, 'lost-carrier'],
  [{ by: 'peer', resultCode: 2 }, 'nas-error'],
  [{ by: 'peer', resultCode: 2, disconnectCode: 3 }, 'nas-error'],
  [{ by: 'peer', resultCode: 3 }, 'nas-request'],
  [{ by: 'peer', resultCode: 3, disconnectCode: 1 }, 'nas-request'],
  [{ by: 'peer', resultCode: 4 }, 'service-unavailable'],
  [{ by: 'peer', resultCode: 5 }, 'service-unavailable'],
  [{ by: 'peer', resultCode: 99 }, 'nas-error'],
  [{ by: 'timeout', resultCode: 2 }, 'lost-carrier'],
];

for (const [cause, expected] of ENDS) {
  const disconnect = cause.disconnectCode === undefined ? '' : `, disconnect code ${cause.disconnectCode}`;
  test(`a session ends by ${cause.by}, result ${cause.resultCode}${disconnect}: ${expected}`, () => {
    assert.equal(causeOfSession(cause), expected);
  });
}
