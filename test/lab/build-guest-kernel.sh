#!/bin/sh
# Puts together what a guest with a Linux kernel of its own boots from, in the folder given: Debian's kernel package as an
# ELF image, which QEMU starts three times as fast as the packed one, and an initramfs of busybox, iproute2 and the modules
# for L2TPv3. The package is only unpacked there, never installed: no hook of it runs, nothing under /boot changes.
set -eu

folder=$1
META=linux-image-amd64
# Modules that the guest loads, with what they need; --show-depends tells it, in the order of loading.
MODULES='virtio_pci virtio_net af_packet l2tp_netlink l2tp_eth l2tp_ip l2tp_ip6 8021q bridge'
PROGRAMS='ip bridge ping ethtool'

PATH="$PATH:/usr/sbin:/sbin"
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || [ "$(dpkg --print-architecture)" != amd64 ]; then
  echo "no guest kernel: it comes from $META, with root, on amd64"
  exit 0
fi

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
work=$folder/work
rm -rf "$work"
mkdir -p "$work/download" "$work/package" "$work/root"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

# The package that the meta package stands for today, fetched without a thought of installing it.
fetch() {
  package=$(apt-cache depends --important "$META" | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1)
  [ -n "$package" ] && (cd "$work/download" && apt-get download -qq -o APT::Sandbox::User=root "$package")
}
echo "building the guest's kernel from $META"
fetch >"$work/log" 2>&1 || { apt-get update -qq && fetch; } >>"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
dpkg-deb -x "$work"/download/*.deb "$work/package"
version=$(ls "$work/package/lib/modules")

# The boot protocol's header tells where in a bzImage the packed ELF image lies (Documentation/arch/x86/boot.rst:
# setup_sects at 0x1f1, payload_offset at 0x248, payload_length at 0x24c, from the first sector of the protected mode code).
image=$work/package/boot/vmlinuz-$version
number() { od -An -v -t "u$2" -j "$1" -N "$2" "$image" | tr -d ' '; }
payload=$((($(number 497 1) + 1) * 512 + $(number 584 4)))
tail -c "+$((payload + 1))" "$image" | head -c "$(number 588 4)" >"$work/payload"
case $(od -An -t x1 -N 4 "$work/payload" | tr -d ' ') in
  fd377a58) unpack='xz -dc --single-stream' ;;
  28b52ffd) unpack='zstd -dc' ;;
  1f8b*) unpack='gzip -dc' ;;
  *) echo "$image: packed in an unknown way"; exit 1 ;;
esac
# The unpacked size stands behind the payload: what unpacks takes it for rubbish, warns, and has done its work.
$unpack "$work/payload" >"$work/vmlinux" 2>/dev/null || true
[ "$(od -An -c -j 1 -N 3 "$work/vmlinux" | tr -d ' ')" = ELF ] || { echo "$image: no ELF image inside"; exit 1; }

# Folders of libraries are those of the machine, linked as there, since the programs' loader looks for them so.
root=$work/root
mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/run" "$root/tmp" "$root/modules"
add_program() {
  path=$(readlink -f "$(command -v "$1")")
  cp "$path" "$root/bin/$1"
  for library in $(ldd "$path" 2>/dev/null | grep -o '/[^ ]*'); do
    mkdir -p "$root$(dirname "$library")"
    [ -e "$root$library" ] || cp -L "$library" "$root$library"
  done
}
for program in busybox $PROGRAMS; do add_program "$program"; done
depmod -b "$work/package" "$version"
for module in $MODULES; do
  modprobe -d "$work/package" -S "$version" --show-depends "$module"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$work/order"
while read -r path; do
  name=$(basename "$path")
  case $name in
    *.xz) xz -dc "$path" >"$root/modules/${name%.xz}" ;;
    *) cp "$path" "$root/modules/$name" ;;
  esac
  echo "${name%.xz}" >>"$root/modules/order"
done <"$work/order"
cp "$here/guest-kernel-init.sh" "$root/init"
chmod 755 "$root/init"

(cd "$root" && find . | cpio --quiet -o -H newc -R 0:0) >"$work/initramfs"
mv "$work/vmlinux" "$folder/vmlinux"
mv "$work/initramfs" "$folder/initramfs"
echo "$version, in $folder"
