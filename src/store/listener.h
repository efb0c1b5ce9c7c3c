/* A thread that holds one PostgreSQL connection on LISTEN. Only for this folder. */
#pragma once

#include <glib.h>

typedef struct Listener Listener;

/* payload NULL: notifications may have been missed (a connection is there, for the first time or again).
 * Lives during the call. */
typedef void (*ListenerFunction)(const char *payload, void *data);

/* Connects in its own time and reconnects with back-off. */
Listener *listener_new(const char *uri, ListenerFunction function, void *data);
void listener_free(Listener *listener); /* after it the function is not called any more; NULL is fine */
