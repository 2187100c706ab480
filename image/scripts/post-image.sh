#!/bin/sh
# Buildroot runs it when kernel, root and boot loader are made: puts them into the disk image that is written to a card, and
# into the bundle that a box with an older system takes. Buildroot gives `post-image.sh IMAGES BOARD`.
set -eu

[ $# = 2 ] || { echo "usage: post-image.sh IMAGES BOARD"; exit 2; }
scripts=$(cd "$(dirname "$0")" && pwd)
work=$1/kernel-work
rm -rf "$work"
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

cp "$1/Image" "$work/"
for tree in "$1"/*.dtb; do [ ! -e "$tree" ] || cp "$tree" "$work/board.dtb"; done
rm -f "$1/kernel.ext2"
mke2fs -q -t ext2 -L kernel -m 0 -d "$work" "$1/kernel.ext2" 48M >/dev/null
ln -f "$1/rootfs.squashfs" "$1/system.squashfs"
"$scripts/make-disk.sh" "$2" "$1"
version=$(sed -n 's/.*"version":"\([^"]*\)".*/\1/p' "$TARGET_DIR/etc/tunnelwerk/board.json")
"$scripts/make-bundle.sh" "$2" "$version" "$1" "$scripts/../../keys" "$1/update.raucb"
