#include <string.h>

#include "base/error.h"
#include "store/host.h"
#include "store/rules.h"
#include "store/transaction.h"

#define KEPT_MS (24 * 60 * 60 * 1000LL)
#define ABANDONED_MS (60 * 1000LL)

void store_answer_clear(StoreAnswer *answer)
{
    g_clear_pointer(&answer->body, g_free);
    g_clear_pointer(&answer->headers, g_free);
    answer->status = 0;
}

static bool remove_old(Transaction *transaction, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(
        transaction,
        "SELECT caller, key FROM idempotency_keys WHERE created_ms < $1 ORDER BY created_ms LIMIT 20"
        " FOR UPDATE SKIP LOCKED",
        PARAMS(NUMBER(transaction->now_ms - KEPT_MS)), error);
    for (size_t row = 0; rows && row < rows->count; row++)
        if (!transaction_run(transaction, "DELETE FROM idempotency_keys WHERE caller = $1 AND key = $2",
                             PARAMS(TEXT(rows_text(rows, row, 0)), TEXT(rows_text(rows, row, 1))), error))
            return false;
    return rows != NULL;
}

/* The caller holds the reservation row: reserve it anew, answer from it, or refuse. */
static bool judge(Transaction *transaction, const StoreIdempotency *what, const Rows *rows, StoreAnswer *ret,
                  GError **error)
{
    if (strcmp(rows_text(rows, 0, 0), what->request) != 0)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "Idempotency-Key \"%s\": it was used for another request", what->key);
    int64_t status = rows_number(rows, 0, 1);
    if (status == 0 && rows_number(rows, 0, 4) > transaction->now_ms - ABANDONED_MS)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT,
                          "Idempotency-Key \"%s\": the same request is under way", what->key);
    *ret = (StoreAnswer){.status = (int)status,
                         .body = g_strdup(rows_text(rows, 0, 2)),
                         .headers = g_strdup(rows_text(rows, 0, 3))};
    return status != 0 ||
           transaction_run(transaction,
                           "UPDATE idempotency_keys SET created_ms = $3 WHERE caller = $1 AND key = $2",
                           PARAMS(TEXT(what->caller), TEXT(what->key), NUMBER(transaction->now_ms)), error);
}

bool store_idempotency_begin(Store *store, const StoreIdempotency *what, StoreAnswer *ret, GError **error)
{
    *ret = (StoreAnswer){0};
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error) ||
        !remove_old(&transaction, error))
        return false;
    g_autoptr(Rows) inserted = transaction_query(
        &transaction,
        "INSERT INTO idempotency_keys (caller, key, request, created_ms) VALUES ($1, $2, $3, $4) ON CONFLICT "
        "DO NOTHING",
        PARAMS(TEXT(what->caller), TEXT(what->key), TEXT(what->request), NUMBER(transaction.now_ms)), error);
    if (!inserted)
        return false;
    if (inserted->affected > 0)
        return transaction_commit(&transaction, error);
    g_autoptr(Rows) rows =
        transaction_query(&transaction,
                          "SELECT request, status, body, headers, created_ms FROM idempotency_keys"
                          " WHERE caller = $1 AND key = $2 FOR UPDATE",
                          PARAMS(TEXT(what->caller), TEXT(what->key)), error);
    if (!rows)
        return false;
    if (rows->count == 0)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT,
                          "Idempotency-Key \"%s\": it has just been freed; try again", what->key);
    g_auto(StoreAnswer) answer = {0};
    if (!judge(&transaction, what, rows, &answer, error) || !transaction_commit(&transaction, error))
        return false;
    *ret = answer;
    answer = (StoreAnswer){0};
    return true;
}

bool store_idempotency_finish(Store *store, const StoreIdempotency *what, const StoreAnswer *answer,
                              GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error))
        return false;
    bool forget = !answer || answer->status >= 500;
    bool done =
        forget
            ? transaction_run(&transaction,
                              "DELETE FROM idempotency_keys WHERE caller = $1 AND key = $2 AND status = 0",
                              PARAMS(TEXT(what->caller), TEXT(what->key)), error)
            : transaction_run(&transaction,
                              "UPDATE idempotency_keys SET status = $3, body = $4, headers = $5"
                              " WHERE caller = $1 AND key = $2",
                              PARAMS(TEXT(what->caller), TEXT(what->key), NUMBER(answer->status),
                                     TEXT(text_or_empty(answer->body)), TEXT(text_or_empty(answer->headers))),
                              error);
    return done && transaction_commit(&transaction, error);
}
