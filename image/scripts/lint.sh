#!/bin/sh
# Checks the external tree against a Buildroot checkout, without building or fetching anything: that Buildroot keeps each line
# of each defconfig and needs no other, that every source that a build will fetch is known with its hash, and the shell programs.
# lint.sh BUILDROOT FOLDER: FOLDER/BOARD.sources lists what a build of BOARD fetches.
set -eu

[ $# = 2 ] || { echo "usage: lint.sh BUILDROOT FOLDER"; exit 2; }
buildroot=$(cd "$1" && pwd)
external=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$2"
folder=$(cd "$2" && pwd)
failed=0
fail() {
  echo "$1"
  failed=1
}

lint_defconfig() {
  output=$folder/$1
  defconfig=$external/configs/tunnelwerk_$1_defconfig
  mkdir -p "$output"
  make -s -C "$buildroot" O="$output" BR2_EXTERNAL="$external" "tunnelwerk_$1_defconfig" >"$output/log" 2>&1 ||
    { cat "$output/log"; fail "$1: Buildroot does not take the defconfig"; return; }
  make -s -C "$buildroot" O="$output" savedefconfig BR2_DEFCONFIG="$output/saved" >"$output/log" 2>&1
  grep -v '^$' "$defconfig" | LC_ALL=C sort >"$output/ours"
  LC_ALL=C sort "$output/saved" >"$output/theirs"
  diff "$output/ours" "$output/theirs" >"$output/differences" ||
    fail "$1: lines that Buildroot drops (<) or misses (>): $(grep '^[<>]' "$output/differences")"
  make -s -C "$buildroot" O="$output" show-info >"$output/info.json" 2>"$output/log" || { cat "$output/log"; fail "$1: show-info"; return; }
  node "$external/scripts/list-sources.js" "$output/info.json" "$buildroot" >"$folder/$1.sources" ||
    fail "$1: sources without a hash: $(grep ' no hash$' "$folder/$1.sources")"
  echo "$1: $(grep -c . "$defconfig") options kept, $(grep -c . "$folder/$1.sources") sources with hashes"
}

for defconfig in "$external"/configs/tunnelwerk_*_defconfig; do
  board=${defconfig##*/tunnelwerk_}
  board=${board%_defconfig}
  lint_defconfig "$board"
done

for script in $(find "$external" -name '*.sh') $(grep -lr '^#!/bin/sh' "$external/rootfs-overlay"); do
  sh -n "$script" || fail "$script: not a shell program"
done
if command -v shellcheck >/dev/null; then
  # SC1090, SC1091: what is sourced is found at run time. SC2154: such a file's variables. SC2046: lists that are split on purpose.
  find "$external/scripts" "$external/emulator" -name '*.sh' \
    -exec shellcheck --shell=dash --severity=warning --exclude=SC1090,SC1091,SC2046,SC2154 '{}' + ||
    fail 'shellcheck has objections'
else
  echo 'shellcheck is not installed: the shell programs were read by sh alone'
fi
[ $failed = 0 ]
