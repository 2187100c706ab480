/** What a user gets of whom nothing is said. Holds no code. */
import type { Authorization } from './role.js';

export const NO_AUTHORIZATION: Authorization = {
  tunnels: [],
  address: '',
  pool: '',
  routes: [],
  dns: [],
  nbns: [],
  interfaceId: new Uint8Array(0),
  ipv6Prefixes: [],
  delegatedPrefixes: [],
  filters: [],
  sessionTimeout_s: 0,
  idleTimeout_s: 0,
  interimInterval_s: 0,
  receiveRate_bps: 0,
  sendRate_bps: 0,
  class: [],
  userName: '',
};
