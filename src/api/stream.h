/* Server-sent events: what changes in the store goes to everybody who may see it.
 *
 * Locks: the hub's one lock; under it only the waker of a client is called (libmicrohttpd's resume, which
 * takes that library's own lock and calls nothing of ours). The store is never called under the lock. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "identity/identity.h"
#include "store/store.h"

typedef struct Hub Hub;
typedef struct StreamClient StreamClient;

/* Subscribes to the store and starts the hub's thread (heartbeats, job rows, whether logins still hold). */
Hub *hub_new(Store *store, Identity *identity);
/* Ends all streams (their readers get `end`) and the thread. Clients may still leave afterwards. */
void hub_stop(Hub *hub);
void hub_free(Hub *hub); /* after every client has left; NULL is fine */

typedef struct {
    const Caller *caller;
    const char *cookie; /* with which the login is checked again every minute; NULL: */
    const char *token;  /* this; both NULL: local */
    bool limited;       /* a help desk for some groups only */
} HubMember;

/* TOO_MANY: LIMIT_EVENT_STREAMS are open. UNAVAILABLE: stopped. */
StreamClient *hub_join(Hub *hub, const HubMember *member, GError **error);
void hub_leave(StreamClient *client); /* frees it; NULL is fine */

/* wake: there is something to read; park: called by stream_read, under the lock, when there is not. One
 * thread reads. */
typedef struct {
    void (*wake)(void *data);
    void (*park)(void *data);
    void *data;
} StreamWaker;

void stream_set_waker(StreamClient *client, const StreamWaker *waker);

/* Bytes read into buffer; 0: parked. *ret_end: the stream is over. */
size_t stream_read(StreamClient *client, char *buffer, size_t length, bool *ret_end);
