#include "store/transaction.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/id.h"
#include "base/limits.h"
#include "store/connections.h"
#include "store/event.h"
#include "store/event_chain.h"
#include "store/watch.h"

/* A connection may have died while it was idle: then the next one is a new one. */
static bool begin_on_some(Transaction *transaction, Begin kind, GError **error)
{
    Connections *connections = store_connections(transaction->store);
    const Driver *driver = connections_driver(connections);
    for (int attempt = 0;; attempt++) {
        Connection *connection = connections_take(connections, PURPOSE_WRITE, error);
        if (!connection)
            return false;
        g_autoptr(GError) failure = NULL;
        if (driver->begin(connection, kind, &failure)) {
            transaction->connection = connection;
            return true;
        }
        bool retry = connection->failure == FAILURE_BROKEN && attempt == 0;
        driver->rollback(connection);
        connections_give(connections, connection, PURPOSE_WRITE);
        if (!retry) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return false;
        }
    }
}

bool transaction_begin(Transaction *transaction, Store *store, const StoreActor *actor, Begin kind,
                       GError **error)
{
    *transaction = (Transaction){.store = store, .actor = actor, .now_ms = clock_utc_ms()};
    transaction->changes = watch_changes_new();
    transaction->events = g_ptr_array_new_with_free_func((GDestroyNotify)store_event_free);
    return begin_on_some(transaction, kind, error);
}

static void drop_connection(Transaction *transaction)
{
    if (!transaction->connection)
        return;
    transaction->connection->driver->rollback(transaction->connection);
    connections_give(store_connections(transaction->store), transaction->connection, PURPOSE_WRITE);
    transaction->connection = NULL;
}

bool transaction_again(Transaction *transaction, Begin kind, GError **error)
{
    drop_connection(transaction);
    g_ptr_array_set_size(transaction->changes, 0);
    g_ptr_array_set_size(transaction->events, 0);
    transaction->now_ms = clock_utc_ms();
    return begin_on_some(transaction, kind, error);
}

void transaction_end(Transaction *transaction)
{
    drop_connection(transaction);
    g_clear_pointer(&transaction->changes, g_ptr_array_unref);
    g_clear_pointer(&transaction->events, g_ptr_array_unref);
}

Rows *transaction_query(Transaction *transaction, const char *sql, const Param *params, size_t count,
                        GError **error)
{
    Connection *connection = transaction->connection;
    return connection->driver->query(connection, sql, params, count, error);
}

bool transaction_run(Transaction *transaction, const char *sql, const Param *params, size_t count,
                     GError **error)
{
    g_autoptr(Rows) rows = transaction_query(transaction, sql, params, count, error);
    return rows != NULL;
}

Failure transaction_failure(const Transaction *transaction)
{
    return transaction->connection->failure;
}

bool transaction_commit(Transaction *transaction, GError **error)
{
    Connection *connection = transaction->connection;
    const Driver *driver = connection->driver;
    if (!chain_append(transaction, error))
        return false;
    if (driver->notify && transaction->changes->len > 0) {
        g_auto(GStrv) payloads = watch_payloads(store_watch(transaction->store), transaction->changes);
        for (char **payload = payloads; *payload; payload++)
            if (!transaction_run(transaction, driver->notify, PARAMS(TEXT(*payload)), error))
                return false;
    }
    if (!driver->commit(connection, error))
        return false;
    connections_give(store_connections(transaction->store), connection, PURPOSE_WRITE);
    transaction->connection = NULL;
    watch_tell(store_watch(transaction->store), transaction->changes);
    g_clear_pointer(&transaction->changes, g_ptr_array_unref);
    g_clear_pointer(&transaction->events, g_ptr_array_unref);
    return true;
}

void transaction_change(Transaction *transaction, const char *kind, const char *id, const char *op,
                        const char *user_id)
{
    watch_changes_add(transaction->changes, &(StoreChange){kind, id, op, user_id});
}

/* The name is looked up now: the transaction may go on to delete the user. NULL with *error: it failed. */
static char *actor_name(Transaction *transaction, const StoreActor *actor, GError **error)
{
    if (actor->name)
        return g_strdup(actor->name);
    if (!actor->user_id)
        return g_strdup("system");
    g_autoptr(Rows) rows = transaction_query(transaction, "SELECT name FROM users WHERE id = $1",
                                             PARAMS(TEXT(actor->user_id)), error);
    if (!rows)
        return NULL;
    return g_strdup(rows->count > 0 ? rows_text(rows, 0, 0) : "system");
}

static bool add_event(Transaction *transaction, const Record *record, GError **error)
{
    static const StoreActor system_itself = {.name = "system"};
    const StoreActor *actor = transaction->actor ? transaction->actor : &system_itself;
    char *name = actor_name(transaction, actor, error);
    if (!name)
        return false;
    StoreEvent *event = g_new0(StoreEvent, 1);
    event->id = id_new();
    event->time_ms = transaction->now_ms;
    event->actor_id = g_strdup(actor->user_id);
    event->actor_name = name;
    event->address = g_strdup(actor->address ? actor->address : "");
    event->action = g_strdup(record->action);
    event->object_kind = g_strdup(record->kind ? record->kind : "");
    event->object_id = g_strdup(record->id ? record->id : "");
    event->object_name = g_strdup(record->name ? record->name : "");
    event->result = g_strdup(record->result ? record->result : "ok");
    event->detail = g_strdup(record->detail ? record->detail : "{}");
    g_ptr_array_add(transaction->events, event);
    transaction_change(transaction, "event", event->id, "create", NULL);
    return true;
}

bool transaction_record(Transaction *transaction, const Record *record, GError **error)
{
    if (record->op)
        transaction_change(transaction, record->kind, record->id, record->op, record->user_id);
    return !record->action || add_event(transaction, record, error);
}

Rows *store_read(Store *store, const char *sql, const Param *params, size_t count, GError **error)
{
    Connections *connections = store_connections(store);
    for (int attempt = 0;; attempt++) {
        Connection *connection = connections_take(connections, PURPOSE_READ, error);
        if (!connection)
            return NULL;
        g_autoptr(GError) failure = NULL;
        Rows *rows = connection->driver->query(connection, sql, params, count, &failure);
        bool retry = connection->failure == FAILURE_BROKEN && attempt == 0;
        connections_give(connections, connection, PURPOSE_READ);
        if (rows)
            return rows;
        if (!retry) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return NULL;
        }
    }
}

static unsigned rows_of_page(const StorePage *page)
{
    unsigned limit = page->limit == 0 ? LIMIT_PAGE_DEFAULT : page->limit;
    return MIN(limit, LIMIT_PAGE);
}

int64_t page_limit(const StorePage *page)
{
    return page ? (int64_t)rows_of_page(page) + 1 : G_MAXINT32;
}

const char *page_after(const StorePage *page)
{
    return page && page->after ? page->after : "";
}

const char *page_before(const StorePage *page)
{
    return page && page->after ? page->after : "~"; /* after every character of an id */
}

GPtrArray *list_of(Rows *owned, const List *list, char **ret_next)
{
    g_autoptr(Rows) rows = owned;
    if (!rows)
        return NULL;
    size_t count = list->page ? MIN(rows->count, rows_of_page(list->page)) : rows->count;
    GPtrArray *items = g_ptr_array_new_full((guint)count, list->free);
    for (size_t row = 0; row < count; row++)
        g_ptr_array_add(items, list->read(&(Reader){rows, row, 0}));
    if (ret_next)
        *ret_next = count < rows->count ? g_strdup(rows_text(rows, count - 1, list->cursor)) : NULL;
    return items;
}
