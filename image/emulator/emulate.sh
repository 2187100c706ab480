#!/bin/sh
# Starts the emulated board with its serial console on this terminal, until Ctrl-A X.
# emulate.sh FOLDER [QEMU OPTION…]: FOLDER as make-disk.sh leaves it, with u-boot-env.img. What the board writes goes to
# FOLDER/board.img, a copy of the disk that is made anew when the disk has been built anew.
# IMAGE=<file>       another disk in place of the copy: it is written to
# MEMORY=<MiB>       256 unless given
# PAGE_PORT, L2TP_PORT=<port>  of 127.0.0.1, forwarded to the page at the LAN and to L2TP at the WAN: 8443 and 1701
# WAN_TAP, LAN_TAP=<name>      TAP devices that there are, in place of user networking without root
set -eu

[ $# -ge 1 ] || { echo "usage: emulate.sh FOLDER [QEMU OPTION]…"; exit 2; }
folder=$1
shift
page_port=${PAGE_PORT:-8443}
l2tp_port=${L2TP_PORT:-1701}
u_boot=/usr/lib/u-boot/qemu_arm64/u-boot.bin

if [ -z "${IMAGE:-}" ]; then
  IMAGE=$folder/board.img
  if [ ! "$IMAGE" -nt "$folder/disk.img" ]; then
    cp --sparse=always "$folder/disk.img" "$IMAGE"
    # The card is larger than what was written to it; the data partition grows at the first boot.
    truncate -s 1G "$IMAGE"
  fi
fi

if [ -n "${WAN_TAP:-}" ]; then
  wan="tap,ifname=$WAN_TAP,script=no,downscript=no"
else
  wan="user,hostfwd=udp:127.0.0.1:$l2tp_port-:1701"
fi
if [ -n "${LAN_TAP:-}" ]; then
  lan="tap,ifname=$LAN_TAP,script=no,downscript=no"
else
  lan="user,restrict=on,net=192.168.115.0/24,host=192.168.115.254,dns=192.168.115.253,dhcpstart=192.168.115.200"
  lan="$lan,hostfwd=tcp:127.0.0.1:$page_port-192.168.115.1:443"
  echo "The page: https://localhost:$page_port/, as soon as the board has started; Ctrl-A X ends it."
fi
serial=stdio
[ ! -t 0 ] || serial=mon:stdio

exec qemu-system-aarch64 -M virt -cpu cortex-a53 -smp 2 -m "${MEMORY:-256}" -accel tcg,thread=multi \
  -bios "$u_boot" -drive "if=pflash,unit=1,format=raw,readonly=on,file=$folder/u-boot-env.img" \
  -drive "if=none,id=disk,format=raw,cache=writethrough,file=$IMAGE" -device virtio-blk-pci,drive=disk \
  -netdev "$wan,id=wan" -device virtio-net-pci,netdev=wan,romfile= \
  -netdev "$lan,id=lan" -device virtio-net-pci,netdev=lan,romfile= \
  -device virtio-rng-pci -device i6300esb -watchdog-action reset \
  -display none -monitor none -serial "$serial" "$@"
