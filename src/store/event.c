#include "store/event.h"

#include "base/error.h"
#include "base/number.h"
#include "store/event_chain.h"
#include "store/transaction.h"

#define EVENT_COLUMNS                                                                                        \
    "e.sequence, e.id, e.time_ms, e.actor_id, e.actor_name, e.address, e.action, e.object_kind, e.object_id, "           \
    "e.object_name, e.result,"                                                                               \
    " e.detail, e.hash"

void store_event_free(StoreEvent *event)
{
    if (!event)
        return;
    g_free(event->id);
    g_free(event->actor_id);
    g_free(event->actor_name);
    g_free(event->address);
    g_free(event->action);
    g_free(event->object_kind);
    g_free(event->object_id);
    g_free(event->object_name);
    g_free(event->result);
    g_free(event->detail);
    g_free(event->hash);
    g_free(event);
}

static gpointer event_read(Reader *reader)
{
    StoreEvent *event = g_new0(StoreEvent, 1);
    event->sequence = read_number(reader);
    event->id = read_string(reader);
    event->time_ms = read_number(reader);
    event->actor_id = read_text(reader);
    event->actor_name = read_string(reader);
    event->address = read_string(reader);
    event->action = read_string(reader);
    event->object_kind = read_string(reader);
    event->object_id = read_string(reader);
    event->object_name = read_string(reader);
    event->result = read_string(reader);
    event->detail = read_string(reader);
    event->hash = read_string(reader);
    return event;
}

bool store_event_add(Store *store, const StoreActor *actor, const StoreEventNew *fields, GError **error)
{
    g_auto(Transaction) transaction = {0};
    Record record = {.action = fields->action,
                     .kind = fields->object_kind,
                     .id = fields->object_id,
                     .name = fields->object_name,
                     .detail = fields->detail,
                     .result = fields->result};
    return transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) &&
           transaction_record(&transaction, &record, error) && transaction_commit(&transaction, error);
}

GPtrArray *store_event_list(Store *store, const StoreEventFilter *filter, const StorePage *page,
                            char **ret_next, GError **error)
{
    static const StoreEventFilter all = {0};
    filter = filter ? filter : &all;
    uint64_t before = G_MAXINT64;
    if (page && page->after && !number_parse(page->after, 1, G_MAXINT64, "cursor", &before, error))
        return NULL;
    List list = {page, event_read, (GDestroyNotify)store_event_free, 0};
    return list_of(
        store_read(store,
                   "SELECT " EVENT_COLUMNS
                   " FROM events e WHERE e.sequence < $1 AND ($2 IS NULL OR e.object_id = $2)"
                   " AND ($3 IS NULL OR e.object_kind = $3) AND ($4 IS NULL OR e.actor_id = $4)"
                   " AND ($5 IS NULL OR e.action = $5) AND ($6 IS NULL OR e.object_name = $6)"
                   " ORDER BY e.sequence DESC LIMIT $7",
                   PARAMS(NUMBER(before), TEXT(filter->object_id), TEXT(filter->object_kind),
                          TEXT(filter->actor_id), TEXT(filter->action), TEXT(filter->object_name),
                          NUMBER(page_limit(page))),
                   error),
        &list, ret_next);
}

GPtrArray *store_event_after(Store *store, int64_t sequence, unsigned most, GError **error)
{
    List list = {NULL, event_read, (GDestroyNotify)store_event_free, 0};
    return list_of(store_read(store,
                              "SELECT " EVENT_COLUMNS
                              " FROM events e WHERE e.sequence > $1 ORDER BY e.sequence LIMIT $2",
                              PARAMS(NUMBER(sequence), NUMBER(most)), error),
                   &list, NULL);
}

/* ---- retention ---- */

enum { EXPIRE_AT_ONCE = 10000 }; /* so that the writer is never held for long */

#define STILL_WALKED_MS (7 * 24 * 60 * 60 * 1000LL) /* a way nobody walked for so long was taken out of the configuration */

/* The last event that may go; 0: none. Clocks of hosts differ, so the first young one ends it, whatever follows. */
static bool expire_until(Transaction *transaction, int64_t before_ms, int64_t *ret, GError **error)
{
    g_autoptr(Rows) head =
        transaction_query(transaction, "SELECT sequence, anchor_sequence FROM event_head FOR UPDATE", NO_PARAMS, error);
    g_autoptr(Rows) young =
        head ? transaction_query(transaction,
                                 "SELECT sequence FROM events WHERE time_ms >= $1 ORDER BY sequence LIMIT 1",
                                 PARAMS(NUMBER(before_ms)), error)
             : NULL;
    g_autoptr(Rows) waiting =
        young ? transaction_query(transaction,
                                  "SELECT MIN(sequence) FROM event_forwards WHERE lease_ms > $1",
                                  PARAMS(NUMBER(transaction->now_ms - STILL_WALKED_MS)), error)
              : NULL;
    if (!waiting)
        return false;
    int64_t last = young->count > 0 ? rows_number(young, 0, 0) - 1 : rows_number(head, 0, 0);
    if (rows_text(waiting, 0, 0))
        last = MIN(last, rows_number(waiting, 0, 0));
    int64_t anchor = rows_number(head, 0, 1);
    *ret = last > anchor ? MIN(last, anchor + EXPIRE_AT_ONCE) : 0;
    return true;
}

static bool expire_some(Store *store, int64_t before_ms, size_t *ret_removed, GError **error)
{
    g_auto(Transaction) transaction = {0};
    int64_t last = 0;
    *ret_removed = 0;
    if (!transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error) ||
        !expire_until(&transaction, before_ms, &last, error))
        return false;
    if (last == 0)
        return true;
    g_autoptr(Rows) rows = transaction_query(&transaction, "SELECT hash FROM events WHERE sequence = $1",
                                             PARAMS(NUMBER(last)), error);
    if (!rows)
        return false;
    if (rows->count == 0)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT,
                          "audit trail: event %" G_GINT64_FORMAT
                          " is missing, so old ones stay: see \"oriel event verify\"",
                          last);
    const char *hash = rows_text(rows, 0, 0);
    g_autoptr(Rows) gone = NULL;
    if (!transaction_run(&transaction, "UPDATE event_head SET anchor_sequence = $1, anchor_hash = $2",
                         PARAMS(NUMBER(last), TEXT(hash)), error) ||
        !(gone = transaction_query(&transaction, "DELETE FROM events WHERE sequence <= $1", PARAMS(NUMBER(last)),
                                   error)))
        return false;
    g_autofree char *detail =
        g_strdup_printf("{\"through\":%" G_GINT64_FORMAT ",\"hash\":\"%s\",\"removed\":%zu}", last, hash,
                        gone->affected);
    Record record = {.action = CHAIN_EXPIRE, .detail = detail};
    if (!transaction_record(&transaction, &record, error) || !transaction_commit(&transaction, error))
        return false;
    *ret_removed = gone->affected;
    return true;
}

bool store_event_expire(Store *store, int64_t before_ms, uint64_t *ret_removed, GError **error)
{
    uint64_t all = 0;
    for (size_t removed = EXPIRE_AT_ONCE; removed == EXPIRE_AT_ONCE; all += removed)
        if (!expire_some(store, before_ms, &removed, error))
            return false;
    if (ret_removed)
        *ret_removed = all;
    return true;
}
