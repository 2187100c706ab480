/**
 * A Linux kernel that routes what is written to a TUN device to one without offload, or to one that has all of it, and
 * so shows what it makes of a super-packet. Whatever goes through it loses one of its hop limit.
 */
import type { Lab } from '../../lab/namespaces.js';
import { Speaker } from './speaker.js';

/** These addresses are behind the device with offload, all others behind that without. */
export const TO_OFFERED = { 4: '203.0.113.9', 6: '2001:db8:f::9' } as const;

/** A packet with what virtio's network header says of it. */
export interface KernelPacket {
  gso: number;
  segment_bytes: number;
  checksumStart_bytes: number;
  checksumAt_bytes: number;
  hex: string;
}

export class RoutingKernel {
  readonly #speaker: Speaker;

  private constructor(speaker: Speaker) {
    this.#speaker = speaker;
  }

  static async open(lab: Lab): Promise<RoutingKernel> {
    const namespace = await lab.namespace('kernel');
    const speaker = new Speaker(namespace, 'kernel-segments-program.js');
    await speaker.hear(/opened/);
    const settings = ['ipv4.ip_forward=1', 'ipv6.conf.all.forwarding=1', 'ipv4.conf.all.rp_filter=0'];
    const silent = ['in0', 'plain0', 'offered0'].flatMap((device) => [
      `ipv4.conf.${device}.rp_filter=0`,
      `ipv6.conf.${device}.addr_gen_mode=1`,
    ]);
    await namespace.run(['sysctl', '-q', ...[...settings, ...silent].map((setting) => `net.${setting}`)]);
    await namespace.ip(
      ...['in0', 'plain0', 'offered0'].map((device) => `link set ${device} mtu 10000 up`),
      ...['address add 192.0.2.1/32 dev in0', 'address add 2001:db8:1::1/128 dev in0 nodad'],
      ...['route add default dev plain0', 'route add ::/0 dev plain0'],
      ...[`route add ${TO_OFFERED[4]} dev offered0`, `route add ${TO_OFFERED[6]} dev offered0`],
    );
    return new RoutingKernel(speaker);
  }

  async route(packet: KernelPacket): Promise<{ plain: string[]; offered: KernelPacket[] }> {
    this.#speaker.say(packet);
    const { plain, offered } = await this.#speaker.hear<{ plain: string[]; offered: KernelPacket[] }>(/"plain"/);
    return { plain: plain.filter(isRouted), offered: offered.filter(({ hex }) => isRouted(hex)) };
  }
}

/** Not the kernel's own: those go to IPv6 multicast groups of the link. */
function isRouted(packet: string): boolean {
  return !(packet.startsWith('6') && packet.slice(2 * 24).startsWith('ff02'));
}
