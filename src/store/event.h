/* The audit trail. Events of changes are written by the functions that change; store_event_add is for what
 * changes nothing (a refused login, a denied call). */
#pragma once

#include "store/store.h"

typedef struct {
    int64_t sequence; /* 1, 2, 3 ... without gaps, in the order of the commits */
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
    char *hash;   /* over the one before and all of this (event_chain.h) */
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

/* Newest first. INVALID: the cursor is none. */
GPtrArray *store_event_list(Store *store, const StoreEventFilter *filter, const StorePage *page,
                            char **ret_next, GError **error);

/* Those behind that sequence, oldest first, at most `most`. */
GPtrArray *store_event_after(Store *store, int64_t sequence, unsigned most, GError **error);

/* ---- retention ---- */

/* Removes the oldest events, those from before that time, and keeps the place and hash of the last one removed as the
 * chain's anchor; that is itself an event. What a way out (below) that is still walked has not sent yet stays.
 * *ret_removed may be NULL. */
bool store_event_expire(Store *store, int64_t before_ms, uint64_t *ret_removed, GError **error);

/* ---- the chain ---- */

typedef struct {
    uint64_t count;          /* events that were read and found good */
    int64_t first_sequence;  /* 0: there are none */
    int64_t last_sequence;
    char *head_hash;         /* of the last good one, or of the anchor; "" for an empty chain */
    int64_t anchor_sequence; /* the last one that retention removed; 0: none */
    char *anchor_hash;
    int64_t problem_sequence; /* where the chain breaks; 0 with problem NULL */
    char *problem;            /* a sentence; NULL: the chain is whole */
} StoreEventVerdict;

/* Reads all events and says whether they are those that were written. Takes about a second for 100,000. */
bool store_event_verify(Store *store, StoreEventVerdict *ret, GError **error);
void store_event_verdict_clear(StoreEventVerdict *verdict);

/* ---- ways out ---- */

/* How far forwarding has come; one host at a time walks each way. */
typedef struct {
    char *name; /* "syslog", "webhook" */
    int64_t sequence;   /* the last one that the receiver took */
    char *host_id;      /* who walks it */
    int64_t lease_ms;   /* until then, unless renewed */
    int64_t failing_ms; /* since when the receiver does not take any; 0: it does */
    char *error;        /* why; "" if it does */
    int64_t waiting;    /* events that are not sent yet */
} StoreEventForward;

void store_event_forward_free(StoreEventForward *forward);

/* Takes or renews the lease of this host. NULL without an error: another host has it. A way walked for the first time
 * begins with the oldest event there is. */
StoreEventForward *store_event_forward_lease(Store *store, const char *name, const char *host_id,
                                             int64_t lease_ms, GError **error);
/* What the host that has the lease found out: sequence as sent, failing_ms and error. STALE: it has the lease no more. */
bool store_event_forward_note(Store *store, const StoreEventForward *forward, GError **error);
GPtrArray *store_event_forward_list(Store *store, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreEventVerdict, store_event_verdict_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreEventForward, store_event_forward_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreEvent, store_event_free)
