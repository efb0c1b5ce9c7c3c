/* User disks: a home for each person and name, which follows them over desktops; and the numbers that people have in guests.
 * A disk is locked to one desktop at a time, from before it is plugged in until the machine has surely let go of it. */
#pragma once

#include "store/store.h"

typedef enum {
    STORE_HOME_NEW,      /* never mounted yet: the guest may make a file system on it */
    STORE_HOME_KEPT,     /* has a person's files */
    STORE_HOME_DELETING, /* its file goes, then its row */
} StoreHomeState;

const char *store_home_state_word(StoreHomeState state); /* "new", "kept", "deleting" */

typedef struct {
    char *id;
    char *user_id;
    char *user_name;
    char *name;    /* as pools name it */
    char *host_id; /* where its file is */
    uint64_t size_bytes;
    StoreHomeState state;
    char *desktop_id;   /* locked to it; NULL: free */
    char *desktop_name; /* NULL: free, or that desktop is gone */
    bool in_session;    /* its person works on that desktop */
    int64_t used_ms;    /* last locked; 0: never */
    int64_t created_ms;
    int64_t updated_ms;
    int64_t version;
} StoreHome;

void store_home_free(StoreHome *home);

typedef struct {
    const char *user_id;
    const char *name;
    uint64_t size_bytes; /* of a new one */
    const char *host_id;
    const char *desktop_id;
} StoreHomeTake;

/* Locks the person's disk of that name to the desktop; makes the row where there is none. Again by the same desktop: fine.
 * CONFLICT: another desktop has it, it lies on another host, or it is being deleted. */
StoreHome *store_home_take(Store *store, const StoreHomeTake *what, GError **error);
/* Only if it is still locked to that desktop; else nothing. */
bool store_home_release(Store *store, const char *id, const char *desktop_id, GError **error);
/* Locks of this host whose desktop has no row any more: its machine ended before the row went. */
bool store_home_release_lost(Store *store, const char *host_id, GError **error);

/* It has a file system now. Idempotent. */
bool store_home_keep(Store *store, const char *id, GError **error);

/* user: name or id. NOT_FOUND. */
StoreHome *store_home_find(Store *store, const char *user, const char *name, GError **error);
/* The one locked to this desktop; *ret NULL: none. false: error. */
bool store_home_of_desktop(Store *store, const char *desktop_id, StoreHome **ret, GError **error);
/* Those of this host that are locked or being deleted. */
GPtrArray *store_home_list_busy(Store *store, const char *host_id, GError **error);

typedef struct {
    const char *user_id; /* NULL: any; the same for name */
    const char *name;
} StoreHomeFilter;

/* Oldest first. */
GPtrArray *store_home_list(Store *store, const StoreHomeFilter *filter, const StorePage *page, char **ret_next,
                           GError **error);

/* INVALID: not larger than it is. STALE. */
typedef struct {
    const char *id;
    uint64_t size_bytes;
    int64_t expected_version; /* 0: any */
} StoreHomeGrow;
bool store_home_grow(Store *store, const StoreActor *actor, const StoreHomeGrow *what, GError **error);

/* To deleting. CONFLICT: a desktop has it. Idempotent. */
bool store_home_delete(Store *store, const StoreActor *actor, const char *id, int64_t expected_version,
                       GError **error);
/* The row, after the file. */
bool store_home_remove(Store *store, const char *id, GError **error);

/* ---- numbers ---- */

/* The person's, allotted at the first time. FULL: all have been given out. */
bool store_guest_uid(Store *store, const char *user_id, unsigned *ret, GError **error);

/* ---- log ons ---- */

typedef struct {
    char *locale; /* "" : not known; the same for the next two */
    char *keyboard;
    char *time_zone;
    char *account; /* in the guest; "" until it is done */
    bool has_home;
    char *warnings;  /* sentences, each on a line of its own; "" : none */
    int64_t done_ms; /* 0: not yet */
} StoreLogOn;

void store_log_on_free(StoreLogOn *log_on);

typedef struct {
    const char *locale; /* NULL: not known; the same for the others */
    const char *keyboard;
    const char *time_zone;
} StorePlace;

/* Where the person clicked from. A second click keeps what the first one said. */
bool store_log_on_expect(Store *store, const char *session_id, const StorePlace *place, GError **error);
bool store_log_on_done(Store *store, const char *session_id, const StoreLogOn *what, GError **error);
/* *ret NULL: nothing is known of this session. */
bool store_log_on_get(Store *store, const char *session_id, StoreLogOn **ret, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreHome, store_home_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreLogOn, store_log_on_free)
