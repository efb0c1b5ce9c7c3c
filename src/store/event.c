#include "store/event.h"

#include "store/transaction.h"

#define EVENT_COLUMNS                                                                                        \
    "e.id, e.time_ms, e.actor_id, e.actor_name, e.address, e.action, e.object_kind, e.object_id, "           \
    "e.object_name, e.result,"                                                                               \
    " e.detail"

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
    g_free(event);
}

static gpointer event_read(Reader *reader)
{
    StoreEvent *event = g_new0(StoreEvent, 1);
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
    List list = {page, event_read, (GDestroyNotify)store_event_free, 0};
    return list_of(
        store_read(store,
                   "SELECT " EVENT_COLUMNS
                   " FROM events e WHERE e.id < $1 AND ($2 IS NULL OR e.object_id = $2)"
                   " AND ($3 IS NULL OR e.object_kind = $3) AND ($4 IS NULL OR e.actor_id = $4)"
                   " AND ($5 IS NULL OR e.action = $5) AND ($6 IS NULL OR e.object_name = $6)"
                   " ORDER BY e.id DESC LIMIT $7",
                   PARAMS(TEXT(page_before(page)), TEXT(filter->object_id), TEXT(filter->object_kind),
                          TEXT(filter->actor_id), TEXT(filter->action), TEXT(filter->object_name),
                          NUMBER(page_limit(page))),
                   error),
        &list, ret_next);
}

bool store_event_expire(Store *store, int64_t before_ms, GError **error)
{
    g_auto(Transaction) transaction = {0};
    return transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error) &&
           transaction_run(&transaction, "DELETE FROM events WHERE time_ms < $1", PARAMS(NUMBER(before_ms)),
                           error) &&
           transaction_commit(&transaction, error);
}
