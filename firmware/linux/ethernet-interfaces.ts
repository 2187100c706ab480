/**
 * The Ethernet interfaces of the box, as /sys/class/net has them. Must not change one.
 */
import { readdirSync, readFileSync } from 'node:fs';

const NETWORK_CLASS = '/sys/class/net';
/** ARPHRD_ETHER and IFF_UP of <linux/if_arp.h> and <linux/if.h>. */
const ETHERNET = 1;
const IS_UP = 0x1;

export interface EthernetInterface {
  name: string;
  /** The kernel's number for it. */
  index: number;
  /** Text in lower case, as in '02:00:5e:00:53:01'. */
  mac: string;
  mtu_bytes: number;
  /** Switched on, whether there is a carrier or not. */
  isUp: boolean;
}

/** What is there now; an interface that goes away meanwhile is left out. */
export function readEthernetInterfaces(): EthernetInterface[] {
  return readdirSync(NETWORK_CLASS).flatMap((name) => {
    try {
      return readInterface(name);
    } catch (error) {
      if (isGone(error)) return [];
      throw error;
    }
  });
}

/** A text that is another one when an interface of any kind has come, gone, been named anew or been made anew. */
export function interfacesPresent(): string {
  const present = readdirSync(NETWORK_CLASS).map((name) => {
    try {
      return `${name} ${readFileSync(`${NETWORK_CLASS}/${name}/ifindex`, 'latin1')}`;
    } catch (error) {
      if (isGone(error)) return '';
      throw error;
    }
  });
  return present.sort().join('');
}

/** ENOTDIR: not an interface, but the file in which the kernel says which bonds there are. */
function isGone(error: unknown): boolean {
  const { code = '' } = error as NodeJS.ErrnoException;
  return ['ENOENT', 'ENODEV', 'EINVAL', 'ENOTDIR'].includes(code);
}

function readInterface(name: string): EthernetInterface[] {
  const read = (file: string) => readFileSync(`${NETWORK_CLASS}/${name}/${file}`, 'latin1').trim();
  if (Number(read('type')) !== ETHERNET) return [];
  const isUp = (Number(read('flags')) & IS_UP) !== 0;
  return [{ name, index: Number(read('ifindex')), mac: read('address'), mtu_bytes: Number(read('mtu')), isUp }];
}
