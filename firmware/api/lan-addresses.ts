/**
 * Which addresses are those of the LAN, as the kernel has them now. Must not listen on them.
 */
import type { NetworkInterfaceInfo } from 'node:os';
import { canonicalAddress } from '../settings.js';

/** As node:os gives them: of interfaces that are up and have a carrier. */
export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** fe80::/10: in no address bar of a browser. */
const LINK_LOCAL = /^fe[89ab]/i;

export class LanAddresses {
  /** By interface, as long as it is one of the LAN. */
  readonly #known = new Map<string, readonly string[]>();

  /**
   * Addresses of the interfaces named `lan`, in canonical form. Those of one whose carrier is away for a while stay, since
   * they are there again with it; but no address that another interface has now.
   */
  of(lan: readonly string[], interfaces: Interfaces): string[] {
    const elsewhere = new Set<string>();
    const now = new Map<string, string[]>();
    for (const [label, infos = []] of Object.entries(interfaces)) {
      // An address may have a label of its own, as in eth1:0.
      const name = label.replace(/:.*/, '');
      const usable = infos.filter(({ address, internal }) => !internal && !LINK_LOCAL.test(address));
      const addresses = usable.map(({ address }) => canonicalAddress(address) ?? address);
      if (lan.includes(name)) now.set(name, [...(now.get(name) ?? []), ...addresses]);
      else for (const address of addresses) elsewhere.add(address);
    }
    for (const name of this.#known.keys()) if (!lan.includes(name)) this.#known.delete(name);
    for (const [name, addresses] of now) this.#known.set(name, addresses);
    return [...new Set([...this.#known.values()].flat())].filter((address) => !elsewhere.has(address));
  }
}

/** The interfaces named `lan` that have addresses now, with the lengths of their networks. */
export function lanNetworks(
  lan: readonly string[],
  interfaces: Interfaces,
): { name: string; addresses: readonly string[] }[] {
  return lan.flatMap((name) => {
    const usable = (interfaces[name] ?? []).filter(({ address, internal }) => !internal && !LINK_LOCAL.test(address));
    const addresses = usable.flatMap(({ cidr }) => cidr ?? []);
    return addresses.length === 0 ? [] : [{ name, addresses }];
  });
}
