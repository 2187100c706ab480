/**
 * The system calls of the packet path, as the C library has them, and the layouts of the structures that go with them.
 * Loaded in the worker alone: calls are synchronous, and none of them has a callback. Numbers are those of the kernel's
 * generic headers, which x86, ARM, AArch64 and RISC-V share.
 */
import koffi from 'koffi';

const libc = koffi.load(null);

type SystemCall = (...args: (number | bigint)[]) => number;

/** A pointer argument is an address in the arena; -1 is an error, of which `errno()` tells more. */
export const poll: SystemCall = libc.func('int poll(void *fds, unsigned long count, int timeout_ms)');
export const read: SystemCall = libc.func('intptr_t read(int fd, void *buffer, size_t count)');
export const readv: SystemCall = libc.func('intptr_t readv(int fd, void *iov, int count)');
export const writev: SystemCall = libc.func('intptr_t writev(int fd, void *iov, int count)');
export const close: SystemCall = libc.func('int close(int fd)');
export const eventfd: SystemCall = libc.func('int eventfd(unsigned int value, int flags)');
export const ioctl: SystemCall = libc.func('int ioctl(int fd, unsigned long request, void *argument)');
export const socket: SystemCall = libc.func('int socket(int domain, int type, int protocol)');
export const bind: SystemCall = libc.func('int bind(int fd, void *address, uint32_t size)');
export const getsockname: SystemCall = libc.func('int getsockname(int fd, void *address, void *size)');
export const setsockopt: SystemCall = libc.func(
  'int setsockopt(int fd, int level, int name, void *value, uint32_t size)',
);
export const recvmmsg: SystemCall = libc.func(
  'int recvmmsg(int fd, void *messages, unsigned int count, int flags, void *timeout)',
);
export const sendmmsg: SystemCall = libc.func('int sendmmsg(int fd, void *messages, unsigned int count, int flags)');
export const open: (path: string, flags: number) => number = libc.func('int open(const char *path, int flags)');

/** Why the last call failed. */
export const errno: () => number = koffi.errno;

export const ERRNO = {
  EINTR: koffi.os.errno.EINTR,
  EIO: koffi.os.errno.EIO,
  EINVAL: koffi.os.errno.EINVAL,
  EMSGSIZE: koffi.os.errno.EMSGSIZE,
  EAGAIN: koffi.os.errno.EAGAIN,
  ENOMEM: koffi.os.errno.ENOMEM,
  ENOBUFS: koffi.os.errno.ENOBUFS,
  EAFNOSUPPORT: koffi.os.errno.EAFNOSUPPORT,
  ENETDOWN: koffi.os.errno.ENETDOWN,
  ENXIO: koffi.os.errno.ENXIO,
} as const;

export const O_RDWR = 0o2;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;

/** What the kernel refused, by the name of its error, as in 'EADDRINUSE'. */
export class SystemError extends Error {
  override readonly name = 'SystemError';
  readonly errno: string;

  /** `what` says what was tried. Reads errno: to be made right after the call that failed. */
  constructor(what: string) {
    const number = koffi.errno();
    const name = Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? String(number);
    super(`${what}: ${name}`);
    this.errno = name;
  }
}

/** Where a member lies in its structure, in bytes. */
type Layout<Member extends string> = { size: number } & Record<Member, number>;

function layout<Member extends string>(members: Record<Member, string | ReturnType<typeof koffi.struct>>) {
  const type = koffi.struct(members);
  const entries = Object.keys(members).map((member) => [member, koffi.offsetof(type, member)]);
  return { type, at: { size: koffi.sizeof(type), ...Object.fromEntries(entries) } as Layout<Member> };
}

export const POLLFD = layout({ fd: 'int', events: 'short', revents: 'short' }).at;
export const IOVEC = layout({ base: 'void *', length: 'size_t' }).at;
/** <linux/virtio_net.h>, of the legacy interface: numbers in the machine's own order. */
export const VIRTIO_NET_HDR = layout({
  flags: 'uint8_t',
  gsoType: 'uint8_t',
  headerLength: 'uint16_t',
  gsoSize: 'uint16_t',
  checksumStart: 'uint16_t',
  checksumOffset: 'uint16_t',
}).at;
/** <net/if.h>; the union is as long as its longest member, struct ifmap, lets it be: 24 bytes are enough. */
export const IFREQ = layout({ name: koffi.array('char', 16), flags: 'short', rest: koffi.array('char', 22) }).at;

const msghdr = layout({
  name: 'void *',
  nameLength: 'uint32_t',
  iov: 'void *',
  iovLength: 'size_t',
  control: 'void *',
  controlLength: 'size_t',
  flags: 'int',
});
export const MSGHDR = msghdr.at;
export const MMSGHDR = layout({ header: msghdr.type, length: 'unsigned int' }).at;

const cmsghdr = layout({ length: 'size_t', level: 'int', type: 'int' });
export const CMSGHDR = cmsghdr.at;
/** CMSG_ALIGN: control data begin and end at multiples of a size_t. */
export function alignControl(size_bytes: number): number {
  const unit_bytes = koffi.sizeof('size_t');
  return Math.ceil(size_bytes / unit_bytes) * unit_bytes;
}

export const SOCKADDR_IN = layout({
  family: 'uint16_t',
  port: 'uint16_t',
  address: 'uint32_t',
  zero: koffi.array('uint8_t', 8),
}).at;
export const SOCKADDR_IN6 = layout({
  family: 'uint16_t',
  port: 'uint16_t',
  flowInfo: 'uint32_t',
  address: koffi.array('uint32_t', 4),
  scopeId: 'uint32_t',
}).at;
/** `local` is the address that a reply leaves from, `header` the one in the IP header that came. */
export const IN_PKTINFO = layout({ interfaceIndex: 'int', local: 'uint32_t', header: 'uint32_t' }).at;
export const IN6_PKTINFO = layout({ local: koffi.array('uint32_t', 4), interfaceIndex: 'unsigned int' }).at;

/** <linux/if_packet.h>; `protocol` is in network order. */
export const SOCKADDR_LL = layout({
  family: 'uint16_t',
  protocol: 'uint16_t',
  interfaceIndex: 'int',
  hardwareType: 'uint16_t',
  packetType: 'uint8_t',
  addressLength: 'uint8_t',
  address: koffi.array('uint8_t', 8),
}).at;
export const PACKET_MREQ = layout({
  interfaceIndex: 'int',
  type: 'unsigned short',
  addressLength: 'unsigned short',
  address: koffi.array('uint8_t', 8),
}).at;
export const TPACKET_AUXDATA = layout({
  status: 'uint32_t',
  length: 'uint32_t',
  snapLength: 'uint32_t',
  macOffset: 'uint16_t',
  networkOffset: 'uint16_t',
  vlanTci: 'uint16_t',
  vlanTpid: 'uint16_t',
}).at;
/** <linux/filter.h>: an instruction of a classic BPF program, and the program. */
export const SOCK_FILTER = layout({ code: 'uint16_t', jumpTrue: 'uint8_t', jumpFalse: 'uint8_t', k: 'uint32_t' }).at;
export const SOCK_FPROG = layout({ length: 'unsigned short', filter: 'void *' }).at;
