#!/bin/sh
# Buildroot runs it when all packages are in the root: the folders that a box mounts on, what the board is, and the check of
# the kernel. Buildroot gives its variables and `post-build.sh ROOT BOARD`.
set -eu

[ $# = 2 ] || { echo "usage: post-build.sh ROOT BOARD"; exit 2; }
scripts=$(cd "$(dirname "$0")" && pwd)
for name in data dev proc run sys tmp var root mnt; do mkdir -p "$1/$name"; done
"$scripts/describe-board.sh" "$2" "$scripts/../../keys" "$1"
"$scripts/check-kernel-options.sh" "$BUILD_DIR"/linux-[0-9]*/.config
