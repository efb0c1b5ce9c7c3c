/* What the QEMU of this host is and can do: asked over QMP from one short-lived process, never guessed from a
 * version number (QEMU 7.2 of Debian 12 and 10 of Debian 13 are both supported). Any thread; blocks about 150
 * ms. */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct {
    char *path;         /* of qemu-system-x86_64 */
    char *version;      /* "7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)": part of a template's key */
    char *machine_type; /* the versioned name behind the alias q35: "pc-q35-7.2" */
    bool display_dbus; /* `-display dbus,p2p=on` is there (package qemu-system-gui): halves the latency of VNC
                        */
    bool vdagent;      /* chardev qemu-vdagent: the clipboard of VNC */
    bool smbus_switch; /* the machine has the switches smbus= and sata=, so both can be left out */
    bool sata_switch;
    bool sound;        /* a sound card (intel-hda), and a VNC server that passes on what it plays (audiodev=) */
    bool sandbox;      /* built with seccomp: -sandbox on */
    bool user_network; /* built with libslirp: -netdev user */
} QemuFeatures;

/* `path`: NULL searches PATH. NOT_FOUND: no QEMU, says which package; UNSUPPORTED: too old or built without
 * KVM's q35. Caller frees. */
QemuFeatures *qemu_features_probe(const char *path, GError **error);
void qemu_features_free(QemuFeatures *features);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QemuFeatures, qemu_features_free)
