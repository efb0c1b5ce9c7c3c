/* The one truth: everything of Oriel that must survive is in this database. All SQL of the program is in this
 * folder.
 *
 * Threads: any thread may call any function; each call takes a connection of the store's pool for its own
 * duration (SQLite: one writer, several readers; PostgreSQL: several of equal kind) and may block on it. No
 * function may be called from within a StoreWatcher. Results are plain structs that the caller owns.
 *
 * Changes: a function that changes something takes the actor and writes the audit event in the same
 * transaction. After the commit each change is told to the watchers (and, on PostgreSQL, to other processes
 * by LISTEN/NOTIFY).
 *
 * Errors that every function may give: UNAVAILABLE (the database cannot be reached; the store reconnects by
 * itself with back-off, try again), NO_SPACE (its disk is full; nothing was changed), CORRUPT (damaged file),
 * INTERNAL. The others are named at each function. A failed function has changed nothing.
 *
 * Keys are ULIDs (base/id.h), times are UTC milliseconds (base/clock.h), 0 stands for "not yet" or "never".
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Store Store;

/* Opens the database and brings its schema up to date (one transaction a migration: kill -9 leaves the old or
 * the new schema). `database` is Config.database: "sqlite" (then sqlite_path is its file, made with mode 0600
 * if missing) or "postgresql://..." (libpq's URI; sqlite_path is not used). UNSUPPORTED: the database was
 * written by a newer version of Oriel. Call secret_init (base/secret.h) before. NULL on failure. */
Store *store_open(const char *database, const char *sqlite_path, GError **error);

/* No other thread may be in a function of this store. NULL is fine. */
void store_close(Store *store);

/* Whether the database answers now; for health checks. */
bool store_ping(Store *store, GError **error);

/* "SQLite 3.40.1" or "PostgreSQL 15.20". Lives as long as the store. */
const char *store_backend(const Store *store);

/* ---- who asks ---- */

/* Who makes a change, and from where: written into the event. NULL as actor means the system itself. */
typedef struct {
    const char
        *user_id; /* NULL: not a user of the store (the system, the local administrator, a failed login) */
    const char *name;    /* shown in the event; NULL: the user's name is looked up, "system" without a user */
    const char *address; /* of the client, "192.0.2.7"; NULL: none */
    const char *login_id; /* id of the web session or API token; NULL: none. Tickets end with it */
} StoreActor;

/* ---- pages of lists ---- */

/* NULL as page gives everything (for in-house callers). */
typedef struct {
    unsigned limit;    /* 0: LIMIT_PAGE_DEFAULT; more than LIMIT_PAGE is cut to it */
    const char *after; /* the cursor that the page before gave as ret_next; NULL: from the beginning */
} StorePage;

/* Every list function returns a GPtrArray of its structs, freed with g_ptr_array_unref, and, where ret_next
 * is not NULL, sets *ret_next to the cursor of the next page (g_free) or NULL at the end. */

/* ---- changes ---- */

typedef struct {
    const char *kind;    /* "user", "group", "image", "pool", "entitlement", "desktop", "session", "job",
                            "event", "token", "host"; "*": all */
    const char *id;      /* "" with kind "*": notifications may have been missed, read everything again */
    const char *op;      /* "create", "update", "delete"; "*" with kind "*" */
    const char *user_id; /* whose desktop, session or token it is (or was until now); NULL: nobody's */
} StoreChange;

/* Runs on the thread that made the change (after its commit, holding no
 * connection) or on the store's
 * listener thread. It must be quick, must not block, and must not call the store: hand over to a thread of
 * your own. */
typedef void (*StoreWatcher)(const StoreChange *change, void *data);

/* Returns a handle > 0 for store_unsubscribe; after that returned, the watcher is not running and never
 * called again (so do not unsubscribe from within the watcher itself). */
unsigned store_subscribe(Store *store, StoreWatcher watcher, void *data);
void store_unsubscribe(Store *store, unsigned handle);

/* ---- small helpers ---- */

/* Replaces an owned string: frees the old, copies the new (NULL is fine). */
void store_set(char **field, const char *value);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_close)
