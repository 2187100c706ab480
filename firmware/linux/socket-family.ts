/**
 * What the two address families differ in, to the packet path's sockets: numbers and layouts alone.
 */
import { alignControl, CMSGHDR, IN_PKTINFO, IN6_PKTINFO, SOCKADDR_IN, SOCKADDR_IN6 } from './syscalls.js';

/** IP_PMTUDISC_DONT and IPV6_PMTUDISC_DONT. */
const PATH_MTU_DISCOVERY_OFF = 0;

/** Which socket: of which family, and what comes behind its IP header. */
export interface SocketKind {
  readonly family: 'ipv4' | 'ipv6';
  readonly protocol: 'udp' | 'l2tp-ip';
}

/** What differs between the two families. */
export interface Family {
  domain: number;
  level: number;
  /** The options that are set, by number, to these values. */
  options: readonly (readonly [name: number, value: number])[];
  /** Type of the control message that carries the local address, and where it lies in it. */
  pktinfoType: number;
  pktinfoSize: number;
  pktinfoLocal: number;
  sockaddrSize: number;
  portAt: number;
  addressAt: number;
  /** Words of an address that the kernel sees, and how many stand before them in a descriptor. */
  addressWords: number;
}

export const FAMILY: Readonly<Record<'ipv4' | 'ipv6', Family>> = {
  ipv4: {
    domain: 2, // AF_INET
    level: 0, // IPPROTO_IP
    options: [
      [8, 1], // IP_PKTINFO
      [10, PATH_MTU_DISCOVERY_OFF], // IP_MTU_DISCOVER
    ],
    pktinfoType: 8,
    pktinfoSize: IN_PKTINFO.size,
    pktinfoLocal: IN_PKTINFO.local,
    sockaddrSize: SOCKADDR_IN.size,
    portAt: SOCKADDR_IN.port,
    addressAt: SOCKADDR_IN.address,
    addressWords: 1,
  },
  ipv6: {
    domain: 10, // AF_INET6
    level: 41, // IPPROTO_IPV6
    options: [
      [49, 1], // IPV6_RECVPKTINFO
      [23, PATH_MTU_DISCOVERY_OFF], // IPV6_MTU_DISCOVER
    ],
    pktinfoType: 50, // IPV6_PKTINFO
    pktinfoSize: IN6_PKTINFO.size,
    pktinfoLocal: IN6_PKTINFO.local,
    sockaddrSize: SOCKADDR_IN6.size,
    portAt: SOCKADDR_IN6.port,
    addressAt: SOCKADDR_IN6.address,
    addressWords: 4,
  },
};

/** CMSG_SPACE of the control message that carries the local address. */
export function pktinfoSpace_bytes({ pktinfoSize }: Family): number {
  return alignControl(CMSGHDR.size) + alignControl(pktinfoSize);
}
