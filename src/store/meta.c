#include "store/host.h"
#include "store/transaction.h"

char *store_meta_get(Store *store, const char *key, GError **error)
{
    g_autoptr(Rows) rows =
        store_read(store, "SELECT value FROM meta WHERE key = $1", PARAMS(TEXT(key)), error);
    return rows && rows->count > 0 ? g_strdup(rows_text(rows, 0, 0)) : NULL;
}

bool store_meta_set(Store *store, const char *key, const char *value, GError **error)
{
    g_auto(Transaction) transaction = {0};
    return transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error) &&
           transaction_run(
               &transaction,
               "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = $2",
               PARAMS(TEXT(key), TEXT(value)), error) &&
           transaction_commit(&transaction, error);
}

char *store_meta_default(Store *store, const char *key, const char *value, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error) ||
        !transaction_run(&transaction,
                         "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING",
                         PARAMS(TEXT(key), TEXT(value)), error) ||
        !transaction_commit(&transaction, error))
        return NULL;
    return store_meta_get(store, key, error);
}
