/** The settings with which a board begins: found by its name and address on the LAN, and online by its WAN. Pure. */
import { DEFAULT_SETTINGS, type Settings } from '../../settings.js';
import type { Board } from './board.js';

const LAN_ADDRESS = '192.168.115.1/24';
const GIVEN_OUT = { first: '192.168.115.100', last: '192.168.115.199', lease_s: 43_200 };

export function factorySettings({ lan, wan }: Board): Settings {
  const interfaces: Settings['interfaces'] = [
    { name: wan, role: 'wan', addressing: 'dhcp', addresses: [] },
    { name: lan, role: 'lan', addressing: 'static', addresses: [LAN_ADDRESS], dhcpServer: GIVEN_OUT },
  ];
  return { ...DEFAULT_SETTINGS, interfaces };
}
