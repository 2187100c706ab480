#!/bin/sh
# Compiles better-sqlite3 for 64-bit ARM, the one npm package of the firmware that has no binary ready. Nothing is fetched.
# compile-modules.sh FOLDER NODE CROSS: FOLDER as fetch-modules.sh leaves it, NODE/include/node are Node's headers, CROSS is
# what stands before `gcc` in the compiler's name, with its folder where that is not in PATH.
set -eu

[ $# = 3 ] || { echo "usage: compile-modules.sh FOLDER NODE CROSS"; exit 2; }
headers=$(cd "$2" && pwd)
cd "$1"
echo "compiling better-sqlite3 for arm64"
log=$PWD/better-sqlite3.log
npm_config_arch=arm64 npm_config_target_arch=arm64 npm_config_nodedir="$headers" npm_config_build_from_source=true \
  npm_config_offline=true CC="$3gcc" CXX="$3g++" AR="$3ar" LINK="$3g++" \
  npm --no-fund --no-audit --no-update-notifier --loglevel=error rebuild better-sqlite3 >"$log" 2>&1 ||
  { cat "$log"; exit 1; }
"$3strip" node_modules/better-sqlite3/build/Release/better_sqlite3.node
