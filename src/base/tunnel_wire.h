/* Tunnels: byte streams between the host and fixed places in a guest, without any network of the guest, each on a virtio-serial
 * port of its own (docs/architecture.md, contract 2). Constants only, no GLib: the agent in the guest includes this too. */
#pragma once

#define TUNNEL_PORT_PREFIX "org.oriel.tunnel." /* and the stream's number */
#define TUNNELS_MOST 28 /* numbers 0 to 27: a virtio-serial bus has 31 ports, of which the console, the agent and the clipboard have one each */
#define TUNNEL_STREAMS_MOST (4 * TUNNELS_MOST) /* streams N + 28, N + 56, N + 84 lead where N does, beside it */

/* Where the agent connects them to; never a word of the host. */
#define TUNNEL_RDP 0 /* TUNNEL_RDP_PORT on the guest's loopback */
#define TUNNEL_RDP_PORT 3389
#define TUNNEL_FILES 27 /* a process of the agent that runs as whoever works there (base/files_wire.h) */
#define TUNNEL_SEAT_PATH "/run/oriel/seat-%u.sock" /* of all other numbers */
