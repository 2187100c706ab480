#!/bin/sh
# Builds a board's disk image and update bundle with Buildroot.
# make-image.sh BOARD BUILDROOT FOLDER: FOLDER/npm, FOLDER/modules and FOLDER/BOARD/images afterwards. `make build` has been run.
set -eu

[ $# = 3 ] || { echo "usage: make-image.sh BOARD BUILDROOT FOLDER"; exit 2; }
scripts=$(cd "$(dirname "$0")" && pwd)
external=$(dirname "$scripts")
mkdir -p "$3"
folder=$(cd "$3" && pwd)
defconfig=tunnelwerk_$1_defconfig
[ -e "$external/configs/$defconfig" ] || {
  echo "BOARD=<name> is missing or not one of: $(cd "$external/configs" && ls | sed -n 's/^tunnelwerk_\(.*\)_defconfig$/\1/p' | xargs)"
  exit 2
}

"$scripts/make-keys.sh" "$external/../keys"
"$scripts/fetch-node.sh" "$folder/npm" >/dev/null
"$scripts/fetch-modules.sh" "$folder/modules"
buildroot() { make -C "$2" O="$folder/$1" BR2_EXTERNAL="$external" "$3"; }
buildroot "$1" "$2" "$defconfig"
# Buildroot does not see by itself when sources that it takes from here have changed.
for package in tunnelwerk tunnelwerk-root; do
  [ ! -d "$folder/$1/build" ] || buildroot "$1" "$2" "$package-dirclean"
done
buildroot "$1" "$2" all
echo "to be written to a card: $folder/$1/images/disk.img; for boxes with an older system: $folder/$1/images/update.raucb"
