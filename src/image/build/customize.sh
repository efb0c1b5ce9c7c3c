#!/bin/sh
# mmdebstrap's customize hook: makes of an installed system the one that the recipe describes. Everything from the recipe
# comes as data in files below ORIEL_WORK; nothing of it is ever part of a command's text.
# $1: the image's root. ORIEL_WORK: the build's folder. ORIEL_CACHE: folder of packages, may be empty.
set -eu
root=$1
archives="$root/var/cache/apt/archives"

# Keeps what this image is made of, not all that was offered; forgets what no build has used for two months.
if [ -n "$ORIEL_CACHE" ]; then
    chroot "$root" dpkg-query --show --showformat '${Package}_${Version}_${Architecture}.deb\n' | sed 's/:/%3a/g' |
        while read -r package; do
            [ -f "$archives/$package" ] || continue
            [ -f "$ORIEL_CACHE/$package" ] || cp --link "$archives/$package" "$ORIEL_CACHE/" 2>/dev/null ||
                cp "$archives/$package" "$ORIEL_CACHE/" || true
            touch --no-create "$ORIEL_CACHE/$package" 2>/dev/null || true
        done
    find "$ORIEL_CACHE" -maxdepth 1 -type f -name '*.deb' -mtime +60 -delete || true
fi
find "$archives" -maxdepth 1 -name '*.deb' -delete

echo "oriel: files"
find "$ORIEL_WORK/overlay" -type d -exec chmod 0755 {} +
tar -C "$ORIEL_WORK/overlay" --owner=0 --group=0 -cf - . | tar -C "$root" --no-overwrite-dir -xpf -

echo "oriel: users"
while IFS=: read -r name groups; do
    # No password and no way to set one by accident: such a user is logged in by the machine, never by a prompt.
    chroot "$root" useradd --create-home --shell /bin/bash --password '*' "$name"
    for group in $groups; do
        chroot "$root" groupadd --force --system "$group"
        chroot "$root" gpasswd --add "$name" "$group"
    done
done <"$ORIEL_WORK/users"

echo "oriel: services"
while IFS=: read -r verb unit; do
    chroot "$root" systemctl "$verb" "$unit"
done <"$ORIEL_WORK/services"

if [ -s "$ORIEL_WORK/script" ]; then
    echo "oriel: script"
    install -m 0700 "$ORIEL_WORK/script" "$root/oriel-script"
    chroot "$root" /bin/sh -e /oriel-script
    rm -f "$root/oriel-script"
fi

echo "oriel: package list"
chroot "$root" dpkg-query --show --showformat '${Package}\t${Version}\t${Architecture}\n' >"$ORIEL_WORK/packages.txt"

echo "oriel: clean-up"
# The host's proxy and the haste of a build are not for those who install something in the image later.
rm -f "$root/etc/apt/apt.conf.d/99mmdebstrap"
sed -i -e '/^force-/d' "$root/etc/dpkg/dpkg.cfg.d/99mmdebstrap"
rm -rf "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old "$root"/var/log/apt "$root"/var/log/*.log \
    "$root"/var/cache/ldconfig/aux-cache "$root"/usr/share/info "$root"/var/lib/systemd/random-seed "$root"/etc/ssh/ssh_host_*
: >"$root/etc/machine-id"
[ ! -d "$root/var/lib/dbus" ] || ln -sf /etc/machine-id "$root/var/lib/dbus/machine-id"
