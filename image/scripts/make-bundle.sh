#!/bin/sh
# Puts kernel and system of a board into an update bundle, signed.
# make-bundle.sh BOARD VERSION FOLDER KEYS BUNDLE: FOLDER holds kernel.ext2 and system.squashfs, KEYS what make-keys.sh
# makes; BUNDLE is the file to be written.
set -eu

[ $# = 5 ] || { echo "usage: make-bundle.sh BOARD VERSION FOLDER KEYS BUNDLE"; exit 2; }
folder=$(cd "$3" && pwd)
work=$folder/bundle-work
rm -rf "$work"
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

ln "$folder/kernel.ext2" "$work/kernel.img" 2>/dev/null || cp "$folder/kernel.ext2" "$work/kernel.img"
ln "$folder/system.squashfs" "$work/system.img" 2>/dev/null || cp "$folder/system.squashfs" "$work/system.img"
cat >"$work/manifest.raucm" <<MANIFEST
[update]
compatible=tunnelwerk-$1
version=$2

[bundle]
format=verity

[image.kernel]
filename=kernel.img

[image.system]
filename=system.img
MANIFEST
rm -f "$5"
rauc bundle --cert="$4/certificate.pem" --key="$4/key.pem" "$work" "$5" >"$folder/bundle.log" 2>&1 ||
  { cat "$folder/bundle.log"; exit 1; }
rm -f "$folder/bundle.log"
