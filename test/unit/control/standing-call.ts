/** A call of the LNS that is up, as the tests of control/ want it: what they do not name is of no matter to them. */
import { NO_AUTHORIZATION } from '../../../firmware/roles/authorization.js';
import type { CallInfo } from '../../../firmware/roles/role.js';

export function standingCall(of: Partial<CallInfo>): CallInfo {
  const callId = of.callId ?? 1;
  return {
    callId,
    role: 'lns',
    version: 2,
    cookie_bytes: 0,
    sessionId: 100 + callId,
    generation: callId,
    l2tpSessionId: 100 + callId,
    callSerialNumber: 0,
    pppoe: undefined,
    isTunnelled: false,
    proxied: 'no',
    tunnel: undefined,
    authorization: NO_AUTHORIZATION,
    accountingId: '',
    tunnelId: 3,
    peerSessionId: 9,
    peerName: '',
    path: { encapsulation: 'udp', localAddress: '', localPort: 1701, peerAddress: '192.0.2.1', peerPort: 1701 },
    profile: '',
    userName: 'alice',
    callingNumber: '',
    calledNumber: '',
    state: 'up',
    since_ms: 0,
    authentication: 'pap',
    localAddress: '10.112.112.1',
    peerAddress: '10.0.0.9',
    dns: [],
    localLinkLocal: '',
    peerLinkLocal: '',
    peerInterfaceId: '',
    mtu_bytes: 1400,
    localMru_bytes: 1400,
    peerMru_bytes: 1400,
    transmitAcfc: false,
    transmitPfc: false,
    routes: [],
    ...of,
  };
}
