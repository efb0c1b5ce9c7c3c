/* The picture of a pool's tile: a PNG, kept as base64. */
#include "base/error.h"
#include "store/pool.h"
#include "store/rules.h"
#include "store/transaction.h"

bool store_pool_set_icon(Store *store, const StoreActor *actor, const char *id, const char *base64, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(Rows) rows =
        transaction_query(&transaction, "SELECT name, icon FROM pools WHERE id = $1 FOR UPDATE", PARAMS(TEXT(id)), error);
    if (!rows)
        return false;
    if (rows->count == 0)
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "pool \"%s\": there is none", id);
    if (g_strcmp0(rows_text(rows, 0, 1), text_or_empty(base64)) == 0)
        return true;
    Record record = {.action = base64 && *base64 ? "pool.icon.set" : "pool.icon.remove",
                     .kind = "pool",
                     .id = id,
                     .name = rows_text(rows, 0, 0),
                     .op = "update"};
    return transaction_run(&transaction, "UPDATE pools SET icon = $2, updated_ms = $3, version = version + 1 WHERE id = $1",
                           PARAMS(TEXT(id), TEXT(text_or_empty(base64)), NUMBER(transaction.now_ms)), error) &&
           transaction_record(&transaction, &record, error) && transaction_commit(&transaction, error);
}

char *store_pool_icon(Store *store, const char *id, GError **error)
{
    g_autoptr(Rows) rows = store_read(store, "SELECT icon FROM pools WHERE id = $1", PARAMS(TEXT(id)), error);
    if (!rows)
        return NULL;
    if (rows->count > 0)
        return g_strdup(text_or_empty(rows_text(rows, 0, 0)));
    oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "pool \"%s\": there is none", id);
    return NULL;
}
