#!/bin/sh
# Checks that there is a Buildroot checkout of the release that the external tree is written for, and says what to get where.
# check-buildroot.sh BUILDROOT
set -eu
RELEASE=2026.02

if [ -z "${1:-}" ]; then
  cat <<TEXT
BUILDROOT=<folder> is missing: a checkout of Buildroot $RELEASE, its long-term release, or of a later $RELEASE.x. To get it:
  git clone --depth 1 --branch $RELEASE.3 https://gitlab.com/buildroot.org/buildroot.git
or the archive from https://buildroot.org/downloads/. It fetches the sources of all else itself while it builds.
TEXT
  exit 2
fi
version=$(sed -n 's/^export BR2_VERSION := //p' "$1/Makefile" 2>/dev/null) || true
case $version in
  "$RELEASE" | "$RELEASE".* | "$RELEASE"-*) ;;
  '') echo "$1: no Buildroot checkout"; exit 2 ;;
  *) echo "$1: Buildroot $version; the image is made with $RELEASE"; exit 2 ;;
esac
