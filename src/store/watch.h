/* Who wants to know of changes, here and (PostgreSQL) in other processes. Only for this folder. */
#pragma once

#include "store/store.h"

typedef struct Watch Watch;

Watch *watch_new(void);
void watch_free(Watch *watch);

/* PostgreSQL: a thread with its own connection that listens for what other processes tell. Ends in
 * watch_free. */
void watch_listen(Watch *watch, const char *uri);

unsigned watch_subscribe(Watch *watch, StoreWatcher watcher, void *data);
void watch_unsubscribe(Watch *watch, unsigned handle);

/* An array of copied changes. */
GPtrArray *watch_changes_new(void);
void watch_changes_add(GPtrArray *changes, const StoreChange *change);

/* Calls the watchers of this process. */
void watch_tell(Watch *watch, const GPtrArray *changes);

/* The changes as texts for NOTIFY, each under PostgreSQL's 8000 bytes; g_strfreev. */
char **watch_payloads(const Watch *watch, const GPtrArray *changes);
