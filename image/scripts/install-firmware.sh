#!/bin/sh
# Puts the firmware, its page and its npm packages where a box has them. Both the emulator's root and Buildroot's are made by it.
# install-firmware.sh MODULES ROOT: MODULES are the packages in node_modules, compiled for the board; `make build` has been run.
set -eu

[ $# = 2 ] || { echo "usage: install-firmware.sh MODULES ROOT"; exit 2; }
project=$(cd "$(dirname "$0")/../.." && pwd)
app=$2/usr/lib/tunnelwerk/app
rm -rf "$app"
mkdir -p "$app/dist" "$2/usr/bin"
cp -r "$project/dist/page" "$app/dist/"
cp "$project/package.json" "$app/"
node "$project/image/scripts/bundle-firmware.js" "$1" "$app"
ln -sf ../lib/tunnelwerk/app/dist/firmware/cli/main.js "$2/usr/bin/tunnelwerk"
chmod 755 "$app/dist/firmware/cli/main.js"
