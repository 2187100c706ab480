#!/bin/sh
# The npm packages that the firmware needs when it runs, compiled for 64-bit ARM with Debian's compiler, and the official
# Node for it.
# make-modules.sh FOLDER: FOLDER/node_modules and FOLDER/node afterwards.
set -eu

[ $# = 1 ] || { echo "usage: make-modules.sh FOLDER"; exit 2; }
scripts=$(cd "$(dirname "$0")" && pwd)
CROSS=aarch64-linux-gnu-
mkdir -p "$1"
folder=$(cd "$1" && pwd)

archive=$("$scripts/fetch-node.sh" "$folder/npm")
if [ ! "$folder/node/bin/node" -nt "$archive" ]; then
  rm -rf "$folder/node"
  mkdir -p "$folder/node"
  tar -xzmf "$archive" -C "$folder/node" --strip-components=1 package/bin package/include package/LICENSE
  "${CROSS}strip" "$folder/node/bin/node"
fi
"$scripts/fetch-modules.sh" "$folder"
"$scripts/compile-modules.sh" "$folder" "$folder/node" "$CROSS"
