/* How far the forwarding of events has come, and which host does it. */
#include "base/error.h"
#include "store/event.h"
#include "store/transaction.h"

#define FORWARD_COLUMNS                                                                                      \
    "f.name, f.sequence, f.host_id, f.lease_ms, f.failing_ms, f.error,"                                      \
    " (SELECT h.sequence - f.sequence FROM event_head h)"

void store_event_forward_free(StoreEventForward *forward)
{
    if (!forward)
        return;
    g_free(forward->name);
    g_free(forward->host_id);
    g_free(forward->error);
    g_free(forward);
}

static gpointer forward_read(Reader *reader)
{
    StoreEventForward *forward = g_new0(StoreEventForward, 1);
    forward->name = read_string(reader);
    forward->sequence = read_number(reader);
    forward->host_id = read_string(reader);
    forward->lease_ms = read_number(reader);
    forward->failing_ms = read_number(reader);
    forward->error = read_string(reader);
    forward->waiting = read_number(reader);
    return forward;
}

StoreEventForward *store_event_forward_lease(Store *store, const char *name, const char *host_id,
                                             int64_t lease_ms, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error) ||
        !transaction_run(&transaction,
                         "INSERT INTO event_forwards (name, sequence, host_id, lease_ms)"
                         " SELECT $1, anchor_sequence, $2, 0 FROM event_head WHERE $1 IS NOT NULL"
                         " ON CONFLICT (name) DO NOTHING",
                         PARAMS(TEXT(name), TEXT(host_id)), error))
        return NULL;
    g_autoptr(Rows) rows =
        transaction_query(&transaction,
                          "UPDATE event_forwards SET host_id = $2, lease_ms = $3"
                          " WHERE name = $1 AND (host_id = $2 OR lease_ms < $4) RETURNING name",
                          PARAMS(TEXT(name), TEXT(host_id), NUMBER(transaction.now_ms + lease_ms),
                                 NUMBER(transaction.now_ms)),
                          error);
    if (!rows)
        return NULL;
    g_autoptr(Rows) own = transaction_query(
        &transaction, "SELECT " FORWARD_COLUMNS " FROM event_forwards f WHERE f.name = $1 AND f.host_id = $2",
        PARAMS(TEXT(name), TEXT(host_id)), error);
    if (!own || !transaction_commit(&transaction, error))
        return NULL;
    return own->count > 0 ? forward_read(&(Reader){own, 0, 0}) : NULL;
}

bool store_event_forward_note(Store *store, const StoreEventForward *forward, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error))
        return false;
    g_autoptr(Rows) rows = transaction_query(
        &transaction,
        "UPDATE event_forwards SET sequence = $3, failing_ms = $4, error = $5 WHERE name = $1 AND host_id = $2",
        PARAMS(TEXT(forward->name), TEXT(forward->host_id), NUMBER(forward->sequence),
               NUMBER(forward->failing_ms), TEXT(forward->error ? forward->error : "")),
        error);
    if (!rows)
        return false;
    if (rows->affected == 0)
        return oriel_fail(error, ORIEL_ERROR_STALE, "forwarding of events to %s: another host does it now",
                          forward->name);
    return transaction_commit(&transaction, error);
}

GPtrArray *store_event_forward_list(Store *store, GError **error)
{
    List list = {NULL, forward_read, (GDestroyNotify)store_event_forward_free, 0};
    return list_of(store_read(store, "SELECT " FORWARD_COLUMNS " FROM event_forwards f ORDER BY f.name",
                              NO_PARAMS, error),
                   &list, NULL);
}
