#!/bin/sh
# Fetches Debian's packages for the emulated board, by an apt root of its own with this machine's sources: apt resolves
# what the listed packages need, nothing is installed, the machine's own package set-up is not touched, and root is not needed.
# fetch-packages.sh FOLDER: the packages are in FOLDER/archives afterwards, and no others.
set -eu

[ $# = 1 ] || { echo "usage: fetch-packages.sh FOLDER"; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
lists=$here/../emulator
mkdir -p "$1"
folder=$(cd "$1" && pwd)

list() { sed '/^#/d; /^$/d' "$lists/$1"; }

mkdir -p "$folder/state/lists/partial" "$folder/archives/partial" "$folder/etc/apt.conf.d" "$folder/etc/preferences.d"
# What is left out is told to apt as being there.
for package in $(list packages-left-out); do
  printf 'Package: %s\nStatus: install ok installed\nPriority: required\nArchitecture: arm64\nMulti-Arch: foreign\nVersion: 99:9\n\n' "$package"
done >"$folder/state/status"
cat >"$folder/apt.conf" <<CONF
Dir "$folder";
Dir::State "state";
Dir::State::status "$folder/state/status";
Dir::Cache "$folder";
Dir::Cache::archives "archives";
Dir::Etc "$folder/etc";
Dir::Etc::sourcelist "/etc/apt/sources.list";
Dir::Etc::sourceparts "/etc/apt/sources.list.d";
Dir::Etc::trusted "/etc/apt/trusted.gpg";
Dir::Etc::trustedparts "/etc/apt/trusted.gpg.d";
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Sandbox::User "root";
APT::Install-Recommends "false";
Acquire::Languages "none";
Debug::NoLocking "true";
CONF
export APT_CONFIG="$folder/apt.conf"

# The names that apt gives the files: a version's colon is escaped.
wanted() {
  apt-get install -s $(list packages) | sed -n 's/^Inst \([^ ]*\) (\([^ ]*\) .*\[\(.*\)\]).*/\1_\2_\3.deb/p' | sed 's/:/%3a/'
}
fetch() {
  wanted >"$folder/wanted" && [ -s "$folder/wanted" ] && apt-get install -qq -y --download-only $(list packages)
}
log=$folder/log
if ! { [ -s "$folder/pkgcache.bin" ] && fetch; } >"$log" 2>&1; then
  { apt-get update -qq && fetch; } >"$log" 2>&1 || { cat "$log"; exit 1; }
fi
# Packages of an earlier day, which newer ones have replaced.
for file in "$folder/archives"/*.deb; do
  grep -qxF "$(basename "$file")" "$folder/wanted" || rm "$file"
done
