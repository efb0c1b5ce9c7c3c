/* The display of a machine, behind one small interface: today QEMU's VNC (lossy JPEG allowed, `-display
 * dbus,p2p=on` beside it so that the picture is refreshed every 30 ms at all times); an encoder of our own
 * takes its place later. Threads as in machine.h; viewers coming and going are told by MachineListener. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine/machine.h"

/* A new connected stream socket that speaks raw RFB (RFC 6143) as a server would: pass it on to the gateway.
 * Does not go through QMP. -1 on failure. Any thread. */
int display_connect(Machine *machine, GError **error);

/* How many viewers have finished their handshake and are there now, asked of QEMU. */
bool display_viewers(Machine *machine, unsigned *ret_viewers, GError **error);

/* A PNG of the screen in the machine's folder, written by QEMU; returns its bytes (at most `limit`). Caller
 * unrefs. */
GBytes *display_screenshot(Machine *machine, size_t limit, GError **error);

/* Ends every viewer's connection (a session moves elsewhere, or is disconnected by an administrator). */
bool display_disconnect_all(Machine *machine, GError **error);
