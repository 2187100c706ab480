/** What a user gets of whom nothing is said, and what is shared by all users of whom the same nothing is said. */
import type { Authorization } from './role.js';

const NONE: readonly never[] = [];

export const NO_AUTHORIZATION: Authorization = {
  tunnels: NONE,
  address: '',
  pool: '',
  routes: NONE,
  dns: NONE,
  nbns: NONE,
  interfaceId: new Uint8Array(0),
  ipv6Prefixes: NONE,
  delegatedPrefixes: NONE,
  filters: NONE,
  sessionTimeout_s: 0,
  idleTimeout_s: 0,
  interimInterval_s: 0,
  receiveRate_bps: 0,
  sendRate_bps: 0,
  class: NONE,
  userName: '',
};

/** The same, but what says nothing is there once for the whole box: of 65,535 calls most have no more than that. */
export function shared(authorization: Authorization): Authorization {
  const compact: Authorization = {
    ...authorization,
    tunnels: orNone(authorization.tunnels),
    routes: orNone(authorization.routes),
    dns: orNone(authorization.dns),
    nbns: orNone(authorization.nbns),
    ipv6Prefixes: orNone(authorization.ipv6Prefixes),
    delegatedPrefixes: orNone(authorization.delegatedPrefixes),
    filters: orNone(authorization.filters),
    class: orNone(authorization.class),
  };
  const names = Object.keys(NO_AUTHORIZATION) as (keyof Authorization)[];
  return names.every((name) => compact[name] === NO_AUTHORIZATION[name]) ? NO_AUTHORIZATION : compact;
}

function orNone<Item>(list: readonly Item[]): readonly Item[] {
  return list.length === 0 ? NONE : list;
}
