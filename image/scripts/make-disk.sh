#!/bin/sh
# Puts a board's disk image together: the partitions of board/common/genimage.cfg with the boot script, slot A filled,
# slot B and the rest empty.
# make-disk.sh BOARD FOLDER: FOLDER holds kernel.ext2 and system.squashfs, and what board/BOARD/boot-loader.cfg names;
# disk.img is there afterwards.
set -eu

[ $# = 2 ] || { echo "usage: make-disk.sh BOARD FOLDER"; exit 2; }
boards=$(cd "$(dirname "$0")/../../board" && pwd)
folder=$(cd "$2" && pwd)
PATH="$PATH:/usr/sbin:/sbin"
. "$boards/$1/meta"

size=$(stat -c %s "$folder/system.squashfs")
[ "$size" -le $((64 * 1048576)) ] || { echo "the root is $size octets, more than the 64 MiB that it may be"; exit 1; }

work=$folder/disk-work
rm -rf "$work"
mkdir -p "$work/root"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

{
  echo "setenv board $BOARD"
  echo "setenv console $CONSOLE"
  cat "$boards/common/boot.cmd"
} >"$work/boot.cmd"
mkimage -q -A arm64 -O linux -T script -C none -n tunnelwerk -d "$work/boot.cmd" "$folder/boot.scr" >/dev/null

loader=$boards/$1/boot-loader.cfg
[ -e "$loader" ] || loader=/dev/null
sed -e "/# BOOT LOADER/{
r $loader
d
}" "$boards/common/genimage.cfg" >"$work/genimage.cfg"
rm -f "$folder/disk.img"
genimage --config "$work/genimage.cfg" --rootpath "$work/root" --tmppath "$work/tmp" \
  --inputpath "$folder" --outputpath "$folder" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
rm -f "$folder/boot.vfat"
