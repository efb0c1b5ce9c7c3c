/* Transactions: every change of the store is one, with its events and its notifications. Only for this
 * folder.
 *
 *   g_auto(Transaction) transaction = {0};
 *   if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
 *       return false;
 *   g_autoptr(Rows) rows = transaction_query(&transaction, "UPDATE ...", PARAMS(TEXT(id)), error);
 *   return rows && transaction_record(&transaction, &record, error) && transaction_commit(&transaction,
 * error);
 *
 * Leaving the scope without a commit rolls back. On PostgreSQL rows are locked in this order, so that
 * transactions do not wait for each other in a circle: meta, users, groups, images, pools, desktops,
 * sessions, jobs, others, event_head. The last one is locked by the commit itself, so that brokers wait for
 * each other's events for the length of a commit and not of a transaction.
 */
#pragma once

#include "store/driver.h"
#include "store/store.h"

typedef struct {
    Store *store;
    Connection *connection; /* NULL: not begun, or ended */
    const StoreActor *actor;
    int64_t now_ms;
    GPtrArray *changes; /* StoreChange copies, told after the commit */
    GPtrArray *events;  /* StoreEvent, chained and written by the commit (event_chain.h) */
} Transaction;

bool transaction_begin(Transaction *transaction, Store *store, const StoreActor *actor, Begin kind,
                       GError **error);
/* Each statement is a string literal. NULL on failure: then the transaction can only end. */
Rows *transaction_query(Transaction *transaction, const char *sql, const Param *params, size_t count,
                        GError **error);
/* The same where the rows do not matter. */
bool transaction_run(Transaction *transaction, const char *sql, const Param *params, size_t count,
                     GError **error);
/* Why the last statement failed. */
Failure transaction_failure(const Transaction *transaction);
/* Commits and tells the watchers. */
bool transaction_commit(Transaction *transaction, GError **error);
void transaction_end(Transaction *transaction); /* rolls back what was not committed; idempotent */
/* Ends and begins anew, for the loop around a FAILURE_RETRY. */
bool transaction_again(Transaction *transaction, Begin kind, GError **error);

/* A notification without an event. user_id may be NULL. */
void transaction_change(Transaction *transaction, const char *kind, const char *id, const char *op,
                        const char *user_id);

/* One event and one notification. The event is written when the transaction commits. */
typedef struct {
    const char *action; /* "user.create"; NULL: no event */
    const char *kind;   /* of the object */
    const char *id;
    const char *name;
    const char *op;      /* NULL: no notification */
    const char *user_id; /* for the notification; NULL: nobody's */
    const char *detail;  /* JSON; NULL: "{}" */
    const char *result;  /* NULL: "ok" */
} Record;

bool transaction_record(Transaction *transaction, const Record *record, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Transaction, transaction_end)

/* ---- reading outside of a transaction: one statement ---- */

Rows *store_read(Store *store, const char *sql, const Param *params, size_t count, GError **error);

/* ---- pages ---- */

typedef struct {
    const StorePage *page; /* NULL: all */
    gpointer (*read)(Reader *reader);
    GDestroyNotify free;
    size_t cursor; /* column that the next page goes on from */
} List;

/* For LIMIT: one more than the page, to see whether there is a next one. */
int64_t page_limit(const StorePage *page);
/* For "column > $n": the cursor, else what is before every key; page_before for falling lists. */
const char *page_after(const StorePage *page);
const char *page_before(const StorePage *page);
/* Rows of a query with page_limit to structs. rows NULL (it failed): NULL. Frees rows. */
GPtrArray *list_of(Rows *rows, const List *list, char **ret_next);

/* ---- used by store.c and transaction.c ---- */

typedef struct Connections Connections;
typedef struct Watch Watch;
Connections *store_connections(Store *store);
Watch *store_watch(Store *store);
