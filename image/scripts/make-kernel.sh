#!/bin/sh
# The kernel partition of the emulated board: Debian's arm64 kernel and an initrd with the drivers of disk and root.
# make-kernel.sh FOLDER: FOLDER/packages as fetch-packages.sh leaves it; FOLDER/kernel.ext2 and FOLDER/modules-tree, the
# system's modules as they stand in the root, afterwards.
set -eu

[ $# = 1 ] || { echo "usage: make-kernel.sh FOLDER"; exit 2; }
emulator=$(cd "$(dirname "$0")/../emulator" && pwd)
folder=$(cd "$1" && pwd)
PATH="$PATH:/usr/sbin:/sbin"
work=$folder/kernel-work
rm -rf "$work"
mkdir -p "$work/package" "$work/initrd" "$work/partition"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

dpkg-deb -x "$folder/packages/archives"/linux-image-[0-9]*.deb "$work/package"
dpkg-deb -x "$folder/packages/archives"/busybox-static_*.deb "$work/busybox"
version=$(ls "$work/package/lib/modules")
depmod -b "$work/package" "$version"

# Files of the modules of a kind and of those that they need, in the order of loading.
modules() {
  sed -n "s/^$1 //p" "$emulator/kernel-modules" | while read -r module; do
    modprobe -d "$work/package" -S "$version" --show-depends "$module" || echo "missing $module"
  done | awk '$1 == "missing" { print "no module " $2 >"/dev/stderr" } $1 == "insmod" && !seen[$2]++ { print $2 }'
}

root=$work/initrd
mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/root" "$root/modules"
cp "$(find "$work/busybox" -type f -name busybox -perm -100)" "$root/bin/busybox"
cp "$emulator/initrd-init.sh" "$root/init"
chmod 755 "$root/init" "$root/bin/busybox"
modules initrd >"$work/order"
while read -r path; do
  cp "$path" "$root/modules/"
  basename "$path" >>"$root/modules/order"
done <"$work/order"
(cd "$root" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) | gzip -n >"$work/partition/initrd"
cp "$work/package/boot/vmlinuz-$version" "$work/partition/Image"
rm -f "$folder/kernel.ext2"
mke2fs -q -t ext2 -L kernel -m 0 -d "$work/partition" "$folder/kernel.ext2" 48M >/dev/null

tree=$folder/modules-tree
rm -rf "$tree"
mkdir -p "$tree/usr/lib/modules/$version"
modules system >"$work/order"
while read -r path; do
  target=$tree/usr${path#"$work/package"}
  mkdir -p "$(dirname "$target")"
  cp "$path" "$target"
done <"$work/order"
cp "$work/package/lib/modules/$version"/modules.builtin* "$work/package/lib/modules/$version/modules.order" \
  "$tree/usr/lib/modules/$version/"
ln -s usr/lib "$tree/lib"
depmod -b "$tree" "$version"
rm "$tree/lib"
cp "$work/package/boot/config-$version" "$folder/kernel-config"
"$emulator/../scripts/check-kernel-options.sh" "$folder/kernel-config"
echo "kernel $version: $(du -m "$work/partition/Image" | cut -f1) MiB, initrd $(du -k "$work/partition/initrd" | cut -f1) KiB"
