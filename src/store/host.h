/* Hosts (one row each, with a heartbeat), answers to repeated requests, and single values. */
#pragma once

#include "store/store.h"

typedef enum {
    STORE_HOST_OPEN,
    STORE_HOST_DRAINING,    /* nothing new starts there; sessions that are open go on */
    STORE_HOST_MAINTENANCE, /* nothing starts there, nobody connects */
} StoreHostService;

const char *store_host_service_word(StoreHostService service); /* "open", "draining", "maintenance" */

typedef struct {
    char *id;          /* the host keeps it in its state folder */
    char *name;        /* unique */
    char *version;     /* of Oriel */
    char *accelerator; /* "kvm", "tcg" */
    uint64_t memory_bytes;
    uint64_t vcpus;
    StoreHostService service; /* read only here: store_host_set_service */
    char *detail;         /* JSON for status pages */
    int64_t heartbeat_ms; /* read only */
    int64_t created_ms;   /* read only */
} StoreHost;

void store_host_free(StoreHost *host);

/* Writes the row (making it if missing) and the heartbeat. No event after the first. CONFLICT: another host
 * has that name. */
bool store_host_beat(Store *store, const StoreHost *host, GError **error);
StoreHost *store_host_find(Store *store, const char *name_or_id, GError **error);
GPtrArray *store_host_list(Store *store, GError **error);
bool store_host_set_service(Store *store, const StoreActor *actor, const char *id, StoreHostService service,
                            GError **error);

/* ---- Idempotency-Key ---- */

typedef struct {
    const char *caller;  /* user id, or "local" */
    const char *key;     /* the header */
    const char *request; /* hash of method, path and body */
} StoreIdempotency;

typedef struct {
    int status; /* 0: this is the first time, do it and call store_idempotency_finish */
    char *body;
    char *headers; /* as given to finish; "" */
} StoreAnswer;

void store_answer_clear(StoreAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreAnswer, store_answer_clear)

/* Reserves the key, or gives the stored answer. CONFLICT: the same request is under way now (a reservation
 * older than a minute counts as abandoned). INVALID: the key was used for another request. Keys are kept for
 * 24 hours. */
bool store_idempotency_begin(Store *store, const StoreIdempotency *what, StoreAnswer *ret, GError **error);
/* answer NULL, or a status of 500 and more: forget the key, so that the client may try again. */
bool store_idempotency_finish(Store *store, const StoreIdempotency *what, const StoreAnswer *answer,
                              GError **error);

/* ---- single values ---- */

/* NULL without error: not set. Caller frees. */
char *store_meta_get(Store *store, const char *key, GError **error);
bool store_meta_set(Store *store, const char *key, const char *value, GError **error);
/* Sets it only if missing and returns what it is then: of many callers all get the same. Caller frees. */
char *store_meta_default(Store *store, const char *key, const char *value, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreHost, store_host_free)
