/* One end of a connection: a non-blocking stream socket, what epoll has said of it (edges), and the bytes
 * that wait for it. Memory is held only while bytes wait. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What epoll_event.data.ptr points to: the first field of everything that is watched. */
typedef enum { WATCH_LISTENER, WATCH_SIGNAL, WATCH_FILES, WATCH_CLIENT, WATCH_UPSTREAM, WATCH_CHANNEL } WatchKind;

typedef struct {
    WatchKind kind;
    int fd;           /* -1: none */
    int epoll;        /* that watches it */
    bool readable;    /* until recv has taken all there is */
    bool writable;    /* until send says EAGAIN */
    bool hung_up;     /* the peer has ended its half, or more: recv will say so */
    uint8_t *waiting; /* bytes that the socket did not take; NULL while there are none */
    uint32_t waiting_from, waiting_to;
} Side;

/* Watches fd (which the side then owns) for edges. A unix socket (WATCH_UPSTREAM, WATCH_CHANNEL) would give one for each
 * read of its peer: its writing is watched only while bytes wait. */
bool side_open(Side *side, int epoll, int fd);

/* Ends the watch, closes and forgets; a closed one is fine. */
void side_close(Side *side);

size_t side_waiting(const Side *side);

/* Takes note of what epoll_wait said. */
void side_event(Side *side, uint32_t events);

/* Sends, and keeps what the socket does not take. false: the peer is gone, or more than `largest` bytes would
 * wait. */
bool side_send(Side *side, const void *bytes, size_t length, size_t largest);

/* Sends of what waits. false: the peer is gone. *ret_moved says whether any byte went. */
bool side_flush(Side *side, bool *ret_moved);
