/* Devices plugged into a running machine, into the free PCIe root ports that every machine has. Idempotent:
 * what is plugged already is left alone and is success. Threads as in machine.h. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "machine/machine.h"

/* A virtio NIC with user-mode networking (QEMU's own NAT, one private network for each machine). `mac`:
 * as network_mac_new, new for each fork, or NULL for a random one. After a fork only: a MAC on the command
 * line would travel in the device state (QEMU 7.2 ignores mac= on incoming). Plug it after agent_identity. */
bool plug_network(Machine *machine, const char *mac, GError **error);

/* A user disk (virtio-blk, serial "oriel-user"). The file is opened here and its descriptor passed, so that
 * it may live outside the folders that QEMU may see. */
bool plug_user_disk(Machine *machine, const char *path, bool is_raw, GError **error);
bool unplug_user_disk(Machine *machine, GError **error); /* returns when the guest let go of it, or TIMEOUT */

/* Makes the plugged user disk larger; the guest sees it at once. Never smaller: the caller knows. */
bool user_disk_resize(Machine *machine, uint64_t bytes, GError **error);

/* The clipboard of VNC: chardev qemu-vdagent and port com.redhat.spice.0. QEMU 7.2 refuses to freeze while it
 * is there, so template_freeze and machine_suspend take it out themselves. UNSUPPORTED where QEMU lacks it.
 */
bool plug_clipboard(Machine *machine, GError **error);
bool unplug_clipboard(Machine *machine, GError **error);
