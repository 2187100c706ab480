#!/bin/sh
# The root of the emulated board as a squashfs: Debian's arm64 packages, unpacked without root and without a script of
# theirs being run and without what a box does not need, the official Node, the firmware, and the overlay over all.
# make-root.sh BOARD FOLDER KEYS: FOLDER as fetch-packages.sh, make-modules.sh and make-kernel.sh leave it, KEYS as make-keys.sh;
# FOLDER/system.squashfs afterwards. VERSION=<version> stands in board.json instead of package.json's.
set -eu

[ $# = 3 ] || { echo "usage: make-root.sh BOARD FOLDER KEYS"; exit 2; }
project=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(cd "$2" && pwd)
keys=$(cd "$3" && pwd)
PATH="$PATH:/usr/sbin:/sbin"
CROSS=aarch64-linux-gnu
FIRMWARE_UID=900
work=$folder/root-work
rm -rf "$work"
mkdir -p "$work/root"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
root=$work/root
umask 022

unpack_packages() {
  for name in bin lib sbin; do
    mkdir -p "$root/usr/$name"
    ln -s "usr/$name" "$root/$name"
  done
  while read -r name; do
    case $name in linux-image-*) continue ;; esac
    dpkg-deb --fsys-tarfile "$folder/packages/archives/$name" |
      tar -x -C "$root" --keep-directory-symlink --no-same-owner --exclude-from="$project/image/emulator/files-left-out"
  done <"$folder/packages/wanted"
  find "$root" -type f -perm /6000 -exec chmod ug-s '{}' +
}

# busybox has the commands that no package brought. The shell is another, since Debian's busybox runs commands of its own
# before those of the packages.
link_busybox() {
  ln -sf dash "$root/usr/bin/sh"
  busybox=$(find "$root/usr/bin" -name busybox)
  qemu-aarch64-static "$busybox" --list-full | while read -r path; do
    name=${path##*/}
    case $path in *sbin/*) path=usr/sbin/$name ;; *) path=usr/bin/$name ;; esac
    [ -e "$root/usr/bin/$name" ] || [ -e "$root/usr/sbin/$name" ] || ln -s /usr/bin/busybox "$root/$path"
  done
}

# Node keeps what V8 has made of the firmware's code: the firmware starts once here, as the board's own machine code, in a
# network of its own, and the board reads what came of that instead of compiling. Found by version, processor and user.
fill_compile_cache() {
  cache=$root/usr/lib/tunnelwerk/app/compile-cache
  export NODE_COMPILE_CACHE="$cache" NODE_COMPILE_CACHE_PORTABLE=1
  if unshare --map-root-user --net sh "$project/image/emulator/start-once.sh" "$root" "$work/data" >"$work/start.log" 2>&1; then
    for name in "$cache"/*-0; do mv "$name" "${name%-0}-$FIRMWARE_UID"; done
    chmod -R a+rX "$cache"
  else
    echo "the firmware did not start here, so it starts more slowly on the board: $(tail -n 1 "$work/start.log")"
    rm -rf "$cache"
  fi
  unset NODE_COMPILE_CACHE NODE_COMPILE_CACHE_PORTABLE
}

# The one program of ours that runs as root.
add_root_helper() {
  "$CROSS-gcc" -std=c11 -O2 -Wall -Wextra -Werror -static -s -o "$root/usr/sbin/tunnelwerk-root" \
    "$project"/image/package/tunnelwerk-root/src/*.c
}

unpack_packages
link_busybox
cp -a "$folder/modules-tree/usr" "$root/"
cp "$folder/modules/node/bin/node" "$root/usr/bin/node"
"$project/image/scripts/install-firmware.sh" "$folder/modules/node_modules" "$root"
fill_compile_cache
add_root_helper
for name in data dev proc run sys tmp var root mnt; do mkdir -p "$root/$name"; done
cp -a "$project/image/rootfs-overlay/." "$root/"
"$project/image/scripts/describe-board.sh" "$1" "$keys" "$root"

rm -f "$folder/system.squashfs"
mksquashfs "$root" "$folder/system.squashfs" -quiet -no-progress -all-root -no-xattrs -comp zstd -Xcompression-level 15
echo "root: $(($(stat -c %s "$folder/system.squashfs") / 1048576)) MiB"
