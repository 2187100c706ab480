/** What a person can do about an error of the kernel, by the error's name. Words alone. */

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE:
    'another program (xl2tpd, l2tpns or a second tunnelwerk) holds this port: stop it; `ss -lunp` shows which one it is',
  EACCES:
    'run the program as root, or give it CAP_NET_ADMIN, the right to open /dev/net/tun, and for a port below 1024 CAP_NET_BIND_SERVICE',
  EPERM:
    'run the program as root, or give it the capabilities CAP_NET_ADMIN, for TUN and TAP devices, and CAP_NET_RAW, for IP protocol 115 and PPPoE',
  ENOENT: 'load the kernel module tun (modprobe tun), or use a kernel that has TUN devices',
  ENODEV: 'load the kernel module tun (modprobe tun), or use a kernel that has TUN devices',
  EBUSY: 'another program holds the device of that name: stop it, or choose another name',
  EINVAL: 'a device of another kind has that name: choose another name',
  EMFILE: 'raise the limit of open files (ulimit -n, or LimitNOFILE of the service)',
};

const INTERFACE_ADVICE: Readonly<Record<string, string>> = {
  ENODEV: 'the interface is gone: plug it in again, or choose another one in the settings',
};

/** `errno` is a name as in 'EADDRINUSE'; '' and unknown ones get the advice to look further. */
export function adviceFor(errno: string): string {
  return ADVICE[errno] ?? 'look for the cause in the kernel log (dmesg)';
}

/** The same for what concerns an Ethernet interface. */
export function interfaceAdviceFor(errno: string): string {
  return INTERFACE_ADVICE[errno] ?? adviceFor(errno);
}
