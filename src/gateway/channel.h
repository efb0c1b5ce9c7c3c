/* The channel of displays: what the gateway sees of them goes to orield, and rules and ends come back (contract 1). One unix
 * stream; where it breaks (orield restarts) displays go on with the rules they have, and orield learns of all again. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/display_wire.h"
#include "gateway/side.h"

typedef struct {
    Side side; /* WATCH_CHANNEL; first: it is what epoll points to */
    const char *path;
    uint8_t held[DISPLAY_PACKET]; /* a packet that has come in part */
    size_t held_length;
} Channel;

void channel_init(Channel *channel, const char *path);
void channel_close(Channel *channel);

/* Connects if it is not. true: it has just been made, so everything is to be told. Never waits. */
bool channel_open(Channel *channel, int epoll);

/* Says `kind` of this display; without a channel nothing. */
void channel_tell(Channel *channel, DisplayPacketKind kind, const char *id);

/* After its epoll event: sends what waits, and gives each packet from orield to `take`. */
void channel_pump(Channel *channel, void (*take)(const DisplayPacket *packet, void *data), void *data);
