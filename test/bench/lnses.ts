/**
 * The two LNSes that are compared, each in a namespace of its own on a cable of its own to the caller, behind one face:
 * the shipped program with its own user table, and l2tpns with FreeRADIUS. Knows nothing of what is measured.
 */
import { Appliance } from '../interop/appliance.js';
import { startFreeRadius } from '../interop/freeradius.js';
import { startL2tpns } from '../interop/l2tpns.js';
import { listening } from '../interop/lns.js';
import type { Lab, Namespace } from '../lab/namespaces.js';
import type { Daemon } from '../lab/process.js';

export const TUNNEL_SECRET = 'bench-tunnel-secret';
/** Users are called by this and a number from 0. */
export const USER_PREFIX = 'user';
export const PASSWORD = 'bench-password';

export interface Lns {
  readonly name: string;
  readonly namespace: Namespace;
  /** What callers dial. */
  readonly address: string;
  readonly pid: number;
  /** The server that it asks about users, where that is another process. */
  readonly radiusPid: number | undefined;
  /** Ends it and starts it again. */
  restart(): Promise<void>;
}

export async function startOurs(lab: Lab, caller: Namespace, users: number): Promise<Lns> {
  const namespace = await lab.namespace('ours');
  const address = '198.51.100.1';
  await lab.cable(
    { namespace: caller, device: 'ours', addresses: ['198.51.100.2/30'] },
    { namespace, device: 'internet', addresses: [`${address}/30`] },
  );
  const appliance = await Appliance.start(lab, namespace, 'ours');
  const { api } = appliance;
  await api.putPool('default', { ranges: [{ first: '10.112.0.2', last: '10.112.15.254' }] });
  for (let user = 0; user < users; user++) await api.putUser(`${USER_PREFIX}${user}`, { password: PASSWORD });
  await api.configure({
    // l2tpns runs no IPV6CP with its callers unless it has prefixes for them: the same work for both.
    lns: {
      ...{ enabled: true, localAddress: '10.112.0.1', defaultSecret: TUNNEL_SECRET },
      ...{ authentication: ['chap-md5'], ipv6: false },
    },
  });
  await listening(appliance);
  return {
    ...{ name: 'tunnelwerk', namespace, address, radiusPid: undefined },
    get pid() {
      return appliance.pid;
    },
    async restart() {
      await appliance.stop();
      await appliance.restart();
      await listening(appliance);
    },
  };
}

export async function startTheirs(lab: Lab, caller: Namespace, users: number): Promise<Lns> {
  const namespace = await lab.namespace('l2tpns');
  const address = '203.0.113.1';
  await lab.cable(
    { namespace: caller, device: 'l2tpns', addresses: ['203.0.113.2/30'] },
    { namespace, device: 'internet', addresses: [`${address}/30`] },
  );
  const radius = { address: '127.0.0.1', secret: 'bench-radius-secret' };
  const freeRadius = await startFreeRadius(lab, {
    ...{ namespace, address: radius.address, clients: '127.0.0.0/8', secret: radius.secret },
    users: Array.from({ length: users }, (_, user) => ({ name: `${USER_PREFIX}${user}`, password: PASSWORD })),
  });
  // It logs what is critical alone: as fast as it goes.
  const start = (): Promise<Daemon> =>
    startL2tpns(lab, {
      ...{ namespace, address, device: 'internet', peerAddress: '10.200.0.1', pool: '10.201.0.0/20' },
      ...{ tunnelSecret: TUNNEL_SECRET, radius, authentication: 'chap', debug: 0 },
    });
  let daemon = await start();
  return {
    ...{ name: 'l2tpns', namespace, address, radiusPid: freeRadius.pid },
    get pid() {
      return daemon.pid;
    },
    async restart() {
      await daemon.stop();
      daemon = await start();
    },
  };
}
