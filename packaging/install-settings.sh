#!/bin/sh
# packaging/install-settings.sh FILE FOLDER: a host's own settings are never overwritten by an installation.
set -eu
target=${DESTDIR:-}$2/oriel.conf
[ ! -e "$target" ] || exit 0
mkdir -p "${target%/*}"
cp "$1" "$target"
chmod 644 "$target"
