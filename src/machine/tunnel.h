/* Tunnels into the guest (base/tunnel_wire.h): the host's half. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/tunnel_wire.h"
#include "machine/machine.h"

/* A connected stream socket whose other end is the tunnel's target in the guest, as soon as the guest's agent has connected it; -1.
 * Each connection has a virtio-serial port of its own, plugged in for it, so bytes of two never mix; whoever had this number before
 * sees an end. The descriptor is the caller's, and the tunnel stands without us. It reads as ended when the target has closed (all
 * that it sent comes first), nobody listens there, or the machine has ended, is suspended or frozen.
 * UNSUPPORTED: the guest's agent does not serve tunnels; UNAVAILABLE: the machine is being suspended. Any thread; blocks. */
int tunnel_open(Machine *machine, unsigned number, GError **error);

/* A further one to the same place, beside the first and without an end of it: three at most, fewer where a machine's ports are short.
 * A first one that needs its port ends it. UNAVAILABLE: as many stand as there can. */
int tunnel_open_beside(Machine *machine, unsigned number, GError **error);
