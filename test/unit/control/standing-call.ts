/** A call of the LNS that is up, as the tests of control/ want it: what they do not name is of no matter to them. */
import { beginningCall } from '../../../firmware/roles/call.js';
import type { CallInfo } from '../../../firmware/roles/role.js';

const PATH = {
  encapsulation: 'udp',
  localAddress: '192.0.2.2',
  localPort: 1701,
  peerAddress: '192.0.2.1',
  peerPort: 1701,
} as const;

export function standingCall(of: Partial<CallInfo>): CallInfo {
  const { callId = 1, role = 'lns' } = of;
  const ids = { callId, sessionId: 100 + callId, tunnelId: 3, peerSessionId: 9 };
  const beginning = { ...ids, role, version: 2, peerName: '', path: PATH, since_ms: 0 } as const;
  return { ...beginningCall(beginning, 1400), state: 'up', userName: 'alice', ...of };
}
