#!/bin/sh
# mmdebstrap's setup hook: offers the packages that earlier builds downloaded, so that only new ones are fetched.
# $1: the image's root. ORIEL_WORK: the build's folder. ORIEL_CACHE: folder of packages, may be empty.
set -eu
archives="$1/var/cache/apt/archives"
mkdir -p "$archives"
for folder in "$ORIEL_CACHE" /var/cache/apt/archives; do
    [ -n "$folder" ] && [ -r "$folder" ] || continue
    # A hard link costs nothing; across file systems or owners it must be a copy. apt checks every file's hash.
    find "$folder" -maxdepth 1 -type f -name '*.deb' -exec cp --link --no-clobber -t "$archives" {} + 2>/dev/null ||
        [ "$folder" != "$ORIEL_CACHE" ] ||
        find "$folder" -maxdepth 1 -type f -name '*.deb' -exec cp --no-clobber -t "$archives" {} +
done
