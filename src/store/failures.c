#include "store/login.h"
#include "store/transaction.h"

static void failures_read(const Rows *rows, StoreFailures *ret)
{
    *ret = (StoreFailures){0};
    if (rows->count > 0)
        *ret = (StoreFailures){rows_number(rows, 0, 0), rows_number(rows, 0, 1)};
}

bool store_failures_get(Store *store, const char *key, StoreFailures *ret, GError **error)
{
    g_autoptr(Rows) rows = store_read(store, "SELECT failures, last_ms FROM login_failures WHERE key = $1",
                                      PARAMS(TEXT(key)), error);
    if (!rows)
        return false;
    failures_read(rows, ret);
    return true;
}

/* Relaxed: an attacker gains nothing from a power cut. Old keys go here too, so the table does not grow with
 * every name that was tried. */
bool store_failures_add(Store *store, const char *key, int64_t now_ms, int64_t forget_before_ms,
                        StoreFailures *ret, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error))
        return false;
    g_autoptr(Rows) old = transaction_query(&transaction,
                                            "SELECT key FROM login_failures WHERE last_ms < $1 AND key <> $2 "
                                            "ORDER BY last_ms LIMIT 20 FOR UPDATE SKIP LOCKED",
                                            PARAMS(NUMBER(forget_before_ms), TEXT(key)), error);
    for (size_t row = 0; old && row < old->count; row++)
        if (!transaction_run(&transaction, "DELETE FROM login_failures WHERE key = $1",
                             PARAMS(TEXT(rows_text(old, row, 0))), error))
            return false;
    if (!old)
        return false;
    g_autoptr(Rows) rows =
        transaction_query(&transaction,
                          "INSERT INTO login_failures (key, failures, last_ms) VALUES ($1, 1, $2) ON "
                          "CONFLICT (key) DO UPDATE SET"
                          " failures = CASE WHEN login_failures.last_ms < $3 THEN 1 ELSE "
                          "login_failures.failures + 1 END, last_ms = $2"
                          " RETURNING failures, last_ms",
                          PARAMS(TEXT(key), NUMBER(now_ms), NUMBER(forget_before_ms)), error);
    if (!rows || !transaction_commit(&transaction, error))
        return false;
    failures_read(rows, ret);
    return true;
}

bool store_failures_clear(Store *store, const char *key, GError **error)
{
    g_auto(Transaction) transaction = {0};
    return transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error) &&
           transaction_run(&transaction, "DELETE FROM login_failures WHERE key = $1", PARAMS(TEXT(key)),
                           error) &&
           transaction_commit(&transaction, error);
}
