#!/bin/sh
# What a root says of the board that it is for, and by what it checks updates.
# describe-board.sh BOARD KEYS ROOT: KEYS as make-keys.sh leaves it; ROOT/etc/tunnelwerk/board.json and ROOT/etc/rauc
# afterwards. VERSION=<version> stands in board.json instead of package.json's.
set -eu

[ $# = 3 ] || { echo "usage: describe-board.sh BOARD KEYS ROOT"; exit 2; }
project=$(cd "$(dirname "$0")/../.." && pwd)
. "$project/board/$1/meta"
version=${VERSION:-$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$project/package.json")}
mkdir -p "$3/etc/tunnelwerk" "$3/etc/rauc"
printf '{"board":"%s","version":"%s","buildTime":%d,"lan":"%s","wan":"%s","led":"%s"}\n' \
  "$BOARD" "$version" "$(date +%s)" "$LAN" "$WAN" "$LED" >"$3/etc/tunnelwerk/board.json"
sed "s/@BOARD@/$BOARD/" "$project/board/common/rauc/system.conf" >"$3/etc/rauc/system.conf"
cp "$2/certificate.pem" "$3/etc/rauc/keyring.pem"
