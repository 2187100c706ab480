/**
 * A guest with Debian's kernel in QEMU's emulated PC: for peers that need L2TPv3, 802.1Q or a bridge with VLANs in the
 * kernel, which the machine under test need not have. Its card is a TAP of a lab's namespace, and it is driven over its
 * serial console. What it boots from is made by test/lab/build-guest-kernel.sh. Knows nothing of the peers that run in it.
 *
 * What was found out about it: an unpacked kernel boots in 3 seconds where a packed one takes 9; KVM gains nothing inside
 * of a virtual machine; the card must not leave checksums or the cutting of segments to the TAP, or a capture shows
 * packets that no wire would carry.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Namespace } from '../lab/namespaces.js';
import { labIsMissing } from '../lab/requirements.js';
import { Guest } from './guest.js';

const FOLDER = resolve(fileURLToPath(import.meta.url), '../../../../dist/guest-kernel');
const KERNEL = join(FOLDER, 'vmlinux');
const INITRAMFS = join(FOLDER, 'initramfs');
const CARD = 'eth0';

export interface KernelGuestOptions {
  name: string;
  /** The namespace that gets the TAP. */
  namespace: Namespace;
  /** Name of the TAP there; the caller gives it addresses or makes it the port of a bridge. */
  tap: string;
  /** The guest's own addresses, with prefix length. */
  addresses: readonly string[];
}

/** Why no such guest can be booted here, or false: as the `skip` of a test. */
export function kernelGuestIsMissing(): string | false {
  const missing = labIsMissing();
  if (missing !== false) return missing;
  if (existsSync(KERNEL) && existsSync(INITRAMFS)) return false;
  return `needs ${FOLDER}: make packages builds it`;
}

export class KernelGuest extends Guest {
  /** The device towards the TAP. */
  readonly card = CARD;

  /** Resolves when the guest has its addresses and takes commands. */
  static async boot({ name, namespace, tap, addresses }: KernelGuestOptions): Promise<KernelGuest> {
    await namespace.ip(`tuntap add ${tap} mode tap`, `link set ${tap} up`);
    const daemon = namespace.start(`guest ${name}`, [
      ...['qemu-system-x86_64', '-name', name, '-M', 'q35', '-accel', 'tcg,thread=single', '-cpu', 'max', '-m', '192'],
      ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-monitor', 'none', '-serial', 'stdio'],
      ...['-kernel', KERNEL, '-initrd', INITRAMFS],
      ...['-append', 'console=ttyS0 quiet loglevel=1 panic=-1 net.ifnames=0'],
      ...['-netdev', `tap,id=card,ifname=${tap},script=no,downscript=no,vnet_hdr=off`],
      ...['-device', `virtio-net-pci,netdev=card,romfile=,mac=${hardwareAddress(tap)}`],
    ]);
    const guest = new KernelGuest(daemon);
    await guest.booted();
    await guest.address(CARD, ...addresses);
    return guest;
  }
}

/** A locally administered address that differs from guest to guest: QEMU's own is the same for all. */
function hardwareAddress(tap: string): string {
  const digest = [...tap].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 0x1000000, 0);
  return `02:00:00:${(digest.toString(16).padStart(6, '0').match(/../g) ?? []).join(':')}`;
}
