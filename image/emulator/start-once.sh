#!/bin/sh
# Starts the firmware of a board's root under user emulation until it serves, and ends it. In a network namespace.
# start-once.sh ROOT DATA
set -eu
ip link set lo up
mkdir -p "$2"
qemu-aarch64-static -cpu cortex-a53 -L "$1" "$1/usr/bin/node" "$1/usr/lib/tunnelwerk/app/dist/firmware/main.js" \
  --data "$2" --socket "$2/api.sock" --lan lo --supervised >"$2.log" 2>&1 &
firmware=$!
until grep -q 'tunnelwerk is ready' "$2.log"; do
  if ! kill -0 $firmware 2>/dev/null; then
    cat "$2.log"
    exit 1
  fi
  sleep 0.2
done
kill -TERM $firmware
wait $firmware
