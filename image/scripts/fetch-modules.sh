#!/bin/sh
# Fetches the npm packages that the firmware needs when it runs, for 64-bit ARM, as package-lock.json says, by whose hashes
# npm checks them. No script of a package is run.
# fetch-modules.sh FOLDER: FOLDER/node_modules afterwards.
set -eu

[ $# = 1 ] || { echo "usage: fetch-modules.sh FOLDER"; exit 2; }
project=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
cp "$project/package.json" "$project/package-lock.json" "$project/LICENSE" "$1/"
cd "$1"
echo "installing the firmware's npm packages for arm64"
npm --no-fund --no-audit --no-update-notifier --loglevel=error \
  ci --omit=dev --ignore-scripts --os=linux --cpu=arm64 --libc=glibc
