/* The audit trail. Events of changes are written by the functions that change; store_event_add is for what
 * changes nothing (a refused login, a denied call). */
#pragma once

#include "store/store.h"

typedef struct {
    char *id;
    int64_t time_ms;
    char *actor_id; /* user id; NULL: none */
    char *actor_name;
    char *address;     /* "" if none */
    char *action;      /* "desktop.claim", "user.create", "login", ... */
    char *object_kind; /* "desktop", ...; "" if none */
    char *object_id;
    char *object_name;
    char *result; /* "ok", or the word of an error kind (base/error.h): "forbidden" */
    char *detail; /* JSON object */
} StoreEvent;

void store_event_free(StoreEvent *event);

typedef struct {
    const char *action;
    const char *object_kind; /* NULL: "" */
    const char *object_id;
    const char *object_name;
    const char *result; /* NULL: "ok" */
    const char *detail; /* NULL: "{}" */
} StoreEventNew;

bool store_event_add(Store *store, const StoreActor *actor, const StoreEventNew *fields, GError **error);

typedef struct {
    const char *object_id;   /* NULL: any; the same for all */
    const char *object_name; /* as it was called then */
    const char *object_kind;
    const char *actor_id;
    const char *action;
} StoreEventFilter;

/* Newest first. */
GPtrArray *store_event_list(Store *store, const StoreEventFilter *filter, const StorePage *page,
                            char **ret_next, GError **error);

/* Removes events older than that. */
bool store_event_expire(Store *store, int64_t before_ms, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreEvent, store_event_free)
