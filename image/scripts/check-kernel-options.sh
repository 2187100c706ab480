#!/bin/sh
# Checks that a kernel has what a box needs, built in or as a module; names what it lacks.
# check-kernel-options.sh CONFIG: the kernel's .config. The list is board/common/kernel-options.
set -eu

[ $# = 1 ] || { echo "usage: check-kernel-options.sh CONFIG"; exit 2; }
list=$(cd "$(dirname "$0")/../../board/common" && pwd)/kernel-options
[ -s "$1" ] || { echo "$1: no kernel configuration"; exit 2; }

lacking=0
for option in $(sed -n 's/^\(CONFIG_[A-Z0-9_]*\)=y$/\1/p' "$list"); do
  grep -q "^$option=[ym]$" "$1" || { echo "$1: the kernel lacks $option"; lacking=$((lacking + 1)); }
done
[ $lacking = 0 ]
