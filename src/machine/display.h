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

/* How many are connected now, in the middle of their handshake or past it, asked of QEMU. */
bool display_viewers(Machine *machine, unsigned *ret_viewers, GError **error);

/* A PNG of the screen in the machine's folder, written by QEMU; returns its bytes (at most `limit`). Caller
 * unrefs. */
GBytes *display_screenshot(Machine *machine, size_t limit, GError **error);

/* Ends every connection to the display that was made before, whatever its client has sent so far and whoever holds it (the
 * session ends, or is disconnected): needs no memory of them, so it holds for an adopted machine too. Lets nobody in
 * meanwhile. TIMEOUT, or another error: somebody may still be there. */
bool display_disconnect_all(Machine *machine, GError **error);
