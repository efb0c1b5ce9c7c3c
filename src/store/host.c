#include "store/host.h"

#include "base/error.h"
#include "store/rules.h"
#include "store/transaction.h"

#define HOST_COLUMNS                                                                                         \
    "h.id, h.name, h.oriel_version, h.accelerator, h.memory_bytes, h.vcpus, h.service, h.detail, "       \
    "h.heartbeat_ms,"                                                                                        \
    " h.created_ms"

static const char *const services[] = {"open", "draining", "maintenance", NULL};

const char *store_host_service_word(StoreHostService service)
{
    return word_of(services, (int)service);
}

void store_host_free(StoreHost *host)
{
    if (!host)
        return;
    g_free(host->id);
    g_free(host->name);
    g_free(host->version);
    g_free(host->accelerator);
    g_free(host->detail);
    g_free(host);
}

static gpointer host_read(Reader *reader)
{
    StoreHost *host = g_new0(StoreHost, 1);
    host->id = read_string(reader);
    host->name = read_string(reader);
    host->version = read_string(reader);
    host->accelerator = read_string(reader);
    host->memory_bytes = (uint64_t)read_number(reader);
    host->vcpus = (uint64_t)read_number(reader);
    host->service = (StoreHostService)read_word(reader, services);
    host->detail = read_string(reader);
    host->heartbeat_ms = read_number(reader);
    host->created_ms = read_number(reader);
    return host;
}

#define HOST_PARAMS(host, now_ms)                                                                            \
    TEXT((host)->id), TEXT((host)->name), TEXT(text_or_empty((host)->version)),                              \
        TEXT(text_or_empty((host)->accelerator)), NUMBER((host)->memory_bytes), NUMBER((host)->vcpus),       \
        TEXT((host)->detail ? (host)->detail : "{}"), NUMBER(now_ms)

static bool insert_row(Transaction *transaction, const StoreHost *host, GError **error)
{
    Record record = {
        .action = "host.join", .kind = "host", .id = host->id, .name = host->name, .op = "create"};
    return transaction_run(transaction,
                           "INSERT INTO hosts (id, name, oriel_version, accelerator, memory_bytes, vcpus, "
                           "detail, heartbeat_ms,"
                           " created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
                           PARAMS(HOST_PARAMS(host, transaction->now_ms)), error) &&
           transaction_record(transaction, &record, error);
}

static bool write_row(Transaction *transaction, const StoreHost *host, GError **error)
{
    g_autoptr(Rows) rows =
        transaction_query(transaction,
                          "UPDATE hosts SET name = $2, oriel_version = $3, accelerator = $4,"
                          " memory_bytes = $5, vcpus = $6, detail = $7, heartbeat_ms = $8 WHERE id = $1",
                          PARAMS(HOST_PARAMS(host, transaction->now_ms)), error);
    if (!rows)
        return false;
    if (rows->affected == 0)
        return insert_row(transaction, host, error);
    transaction_change(transaction, "host", host->id, "update", NULL);
    return true;
}

bool store_host_beat(Store *store, const StoreHost *host, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error))
        return false;
    g_autoptr(GError) failure = NULL;
    if (!write_row(&transaction, host, &failure))
        return fail_taken(&transaction, g_steal_pointer(&failure), "host", host->name, error);
    return transaction_commit(&transaction, error);
}

StoreHost *store_host_find(Store *store, const char *name_or_id, GError **error)
{
    g_autoptr(Rows) rows =
        store_read(store, "SELECT " HOST_COLUMNS " FROM hosts h WHERE h.id = $1 OR h.name = $1",
                   PARAMS(TEXT(name_or_id)), error);
    if (rows && rows->count == 0)
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "host \"%s\": there is none", name_or_id);
    return rows && rows->count > 0 ? host_read(&(Reader){rows, 0, 0}) : NULL;
}

GPtrArray *store_host_list(Store *store, GError **error)
{
    List list = {NULL, host_read, (GDestroyNotify)store_host_free, 0};
    return list_of(
        store_read(store, "SELECT " HOST_COLUMNS " FROM hosts h ORDER BY h.name", NO_PARAMS, error), &list,
        NULL);
}

bool store_host_set_service(Store *store, const StoreActor *actor, const char *id, StoreHostService service,
                            GError **error)
{
    static const char *const actions[] = {"host.resume", "host.drain", "host.maintenance"};
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(Rows) rows =
        transaction_query(&transaction, "UPDATE hosts SET service = $2 WHERE id = $1 RETURNING name",
                          PARAMS(TEXT(id), TEXT(store_host_service_word(service))), error);
    if (!rows)
        return false;
    if (rows->count == 0)
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "host \"%s\": there is none", id);
    Record record = {.action = actions[service],
                     .kind = "host",
                     .id = id,
                     .name = rows_text(rows, 0, 0),
                     .op = "update"};
    return transaction_record(&transaction, &record, error) && transaction_commit(&transaction, error);
}
