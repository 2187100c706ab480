#!/bin/sh
# Installs what the lab and the tests need from Debian's or Ubuntu's packages, when something is missing and we are root.
# Otherwise says in one line what to install. Leaves no service running, enabled or barred that was not so before.
set -eu

# command or file and the package that has it; insmod loads modules in the guest, g++ and python3 build native addons, cpio and xz
# put the guest of build-guest-kernel.sh together; from qemu-system-arm on what the emulated ARM board is made of
NEEDED='
linux.uml user-mode-linux
xl2tpd xl2tpd
pppd ppp
pppoe-discovery ppp
pppoe pppoe
l2tpns l2tpns
freeradius freeradius
radclient freeradius-utils
tshark tshark
tcpdump tcpdump
iperf3 iperf3
ping iputils-ping
ethtool ethtool
ip iproute2
nft nftables
insmod kmod
qemu-system-x86_64 qemu-system-x86
busybox busybox-static
cpio cpio
xz xz-utils
openssl openssl
rauc rauc
chromium chromium
promtool prometheus
g++ g++
python3 python3
qemu-system-aarch64 qemu-system-arm
qemu-aarch64-static qemu-user-static
aarch64-linux-gnu-g++ g++-aarch64-linux-gnu
mkimage u-boot-tools
genimage genimage
mksquashfs squashfs-tools
mkdosfs dosfstools
mcopy mtools
mke2fs e2fsprogs
rauc rauc
/usr/lib/u-boot/qemu_arm64/u-boot.bin u-boot-qemu
'
# Services that these packages would start, now and at every boot.
SERVICES='xl2tpd l2tpns freeradius prometheus'

PATH="$PATH:/usr/sbin:/sbin"
missing=$(echo "$NEEDED" | while read -r command package; do
  [ -z "$command" ] || command -v "$command" >/dev/null || [ -e "$command" ] || echo "$package"
done | tr '\n' ' ')
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "not Debian or Ubuntu: install what they call $missing"
  exit 0
fi
if [ "$(id -u)" != 0 ]; then
  echo "not root: apt-get install --no-install-recommends $missing"
  exit 0
fi

fresh=''
for service in $SERVICES; do
  case " $missing " in *" $service "*) fresh="$fresh $service" ;; esac
done

policy=/usr/sbin/policy-rc.d
kept=''
if [ -e "$policy" ]; then
  kept=$(mktemp)
  cp -p "$policy" "$kept"
fi
restore() {
  if [ -n "$kept" ]; then
    cp -p "$kept" "$policy"
    rm -f "$kept"
  else
    rm -f "$policy"
  fi
}
trap restore EXIT
trap 'exit 130' INT TERM HUP
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

echo "installing $missing"
log=$(mktemp)
if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
  apt-get install -qq -y --no-install-recommends $missing; } >"$log" 2>&1 </dev/null; then
  cat "$log"
  rm -f "$log"
  exit 1
fi
rm -f "$log"
for service in $fresh; do
  if command -v systemctl >/dev/null; then systemctl --quiet disable "$service" >/dev/null 2>&1 || true; fi
  if command -v update-rc.d >/dev/null; then update-rc.d "$service" disable >/dev/null 2>&1 || true; fi
done
