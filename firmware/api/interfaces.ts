/** The interfaces of the box as the kernel has them now, and what the settings use them for. */
import { type Static, Type } from 'typebox';
import type { DhcpView } from '../control/view.js';
import { type InterfaceSettings, lanInterfaces } from '../settings.js';
import type { Api, ApiContext } from './context.js';

const InterfaceSchema = Type.Object({
  name: Type.String(),
  kind: Type.Enum(['ethernet', 'bridge', 'tun', 'tap', 'vlan', 'other']),
  mac: Type.String({ description: 'empty where it has none' }),
  mtu_bytes: Type.Integer(),
  isUp: Type.Boolean({ description: 'switched on, whether there is a carrier or not' }),
  hasCarrier: Type.Boolean(),
  speed_Mbps: Type.Union([Type.Number(), Type.Null()]),
  addresses: Type.Array(Type.String(), { description: 'with the length of their network' }),
  role: Type.Enum(['lan', 'wan', 'other', ''], { description: 'empty: the box makes no use of it' }),
  addressing: Type.Enum(['system', 'dhcp', 'static', ''], { description: 'empty: not in the settings' }),
  dhcp: Type.Union(
    [
      Type.Object({
        state: Type.Enum(['no-carrier', 'asking', 'silent', 'bound', 'overlapping'], {
          description: 'silent: no server has answered. overlapping: the address is in a network of another interface',
        }),
        address: Type.String({ description: 'what was leased, with the length of its network, or empty' }),
        gateway: Type.String(),
        server: Type.String({ description: 'who gave it' }),
        nameServers: Type.Array(Type.String()),
        timeServers: Type.Array(Type.String()),
      }),
      Type.Null(),
    ],
    { description: 'how asking for an address goes; null where that is not done' },
  ),
  counters: Type.Object({
    receivedPackets: Type.Number(),
    receivedOctets: Type.Number(),
    sentPackets: Type.Number(),
    sentOctets: Type.Number(),
    receiveDrops: Type.Number(),
    sendDrops: Type.Number(),
  }),
});
const InterfacesSchema = Type.Array(InterfaceSchema);

export type Interface = Static<typeof InterfaceSchema>;

export function interfacesResource(app: Api, { store, view, network, givenLan }: ApiContext): void {
  app.get(
    '/api/v1/interfaces',
    { schema: { summary: 'Network interfaces of the box', tags: ['box'], response: { 200: InterfacesSchema } } },
    async () => {
      const { interfaces } = store.documents.settings();
      const asking = view.dhcp();
      return (await network.interfaces()).map((state) => ({
        ...{ ...state, ...useOf(state.name, interfaces, givenLan) },
        dhcp: dhcpOf(asking.find((one) => one.interface === state.name)),
      }));
    },
  );
}

function dhcpOf(asking: DhcpView | undefined): Interface['dhcp'] {
  if (asking === undefined) return null;
  const { state, lease } = asking;
  const { address = '', gateway = '', server = '', nameServers = [], timeServers = [] } = lease ?? {};
  return { state, address, gateway, server, nameServers: [...nameServers], timeServers: [...timeServers] };
}

function useOf(
  name: string,
  settings: readonly InterfaceSettings[],
  givenLan: readonly string[],
): Pick<Interface, 'role' | 'addressing'> {
  const set = settings.find((one) => one.name === name);
  if (set !== undefined) return { role: set.role, addressing: set.addressing };
  return { role: lanInterfaces(settings, givenLan).includes(name) ? 'lan' : '', addressing: '' };
}
