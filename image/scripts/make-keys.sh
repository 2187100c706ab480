#!/bin/sh
# Makes the key by which updates are signed and the certificate by which boxes know them, where there are none yet.
# make-keys.sh FOLDER: FOLDER/key.pem, for its owner alone, and FOLDER/certificate.pem, which goes into every image. Who
# loses the key can update no box that is out there; who has it can put anything on all of them.
set -eu

[ $# = 1 ] || { echo "usage: make-keys.sh FOLDER"; exit 2; }
mkdir -p "$1"
if [ -e "$1/key.pem" ]; then
  [ -e "$1/certificate.pem" ] || { echo "$1/certificate.pem is missing beside the key: bring it back"; exit 1; }
  exit 0
fi
umask 077
# Longer than any box lasts: one whose certificate has run out takes no update that would bring it another.
openssl req -x509 -newkey rsa:3072 -nodes -sha256 -days 14600 -subj "/CN=tunnelwerk updates" \
  -addext "keyUsage=critical,digitalSignature" -addext "extendedKeyUsage=emailProtection" \
  -keyout "$1/key.pem.new" -out "$1/certificate.pem" 2>/dev/null
chmod 644 "$1/certificate.pem"
mv "$1/key.pem.new" "$1/key.pem"
echo "the key by which updates are signed is $1/key.pem: keep it out of every repository, and keep a copy of it"
