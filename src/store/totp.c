#include "store/totp.h"

#include "base/error.h"
#include "store/rules.h"
#include "store/transaction.h"

void store_totp_clear(StoreTotp *totp)
{
    g_clear_pointer(&totp->secret, g_free);
}

bool store_totp_get(Store *store, const char *user_id, StoreTotp *ret, GError **error)
{
    g_autoptr(Rows) rows = store_read(store,
                                      "SELECT t.secret, t.last_step, t.created_ms, t.confirmed_ms,"
                                      " (SELECT COUNT(*) FROM recovery_codes c WHERE c.user_id = t.user_id)"
                                      " FROM totp t WHERE t.user_id = $1",
                                      PARAMS(TEXT(user_id)), error);
    if (!rows)
        return false;
    *ret = (StoreTotp){0};
    if (rows->count == 0)
        return true;
    ret->secret = g_strdup(rows_text(rows, 0, 0));
    ret->last_step = rows_number(rows, 0, 1);
    ret->created_ms = rows_number(rows, 0, 2);
    ret->confirmed_ms = rows_number(rows, 0, 3);
    ret->recovery_codes = (uint64_t)rows_number(rows, 0, 4);
    return true;
}

bool store_totp_begin(Store *store, const char *user_id, const char *sealed, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error) ||
        !check_exists(&transaction, "SELECT id FROM users WHERE id = $1", "user", user_id, error))
        return false;
    g_autoptr(Rows) rows = transaction_query(
        &transaction,
        "INSERT INTO totp (user_id, secret, created_ms) VALUES ($1, $2, $3) ON CONFLICT (user_id) DO UPDATE"
        " SET secret = $2, created_ms = $3, last_step = 0 WHERE totp.confirmed_ms = 0 RETURNING user_id",
        PARAMS(TEXT(user_id), TEXT(sealed), NUMBER(transaction.now_ms)), error);
    if (!rows)
        return false;
    if (rows->count == 0)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT,
                          "there is a second factor already: remove it first, with one of its codes");
    return transaction_commit(&transaction, error);
}

static bool recovery_codes_write(Transaction *transaction, const char *user_id, const char *const *hashes, GError **error)
{
    bool done = transaction_run(transaction, "DELETE FROM recovery_codes WHERE user_id = $1", PARAMS(TEXT(user_id)), error);
    for (size_t i = 0; done && hashes && hashes[i]; i++)
        done = transaction_run(transaction, "INSERT INTO recovery_codes (hash, user_id) VALUES ($1, $2)",
                               PARAMS(TEXT(hashes[i]), TEXT(user_id)), error);
    return done;
}

/* The user's row is locked, so that two changes of one second factor come one after the other. */
static char *user_lock(Transaction *transaction, const char *user_id, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(transaction, "SELECT name FROM users WHERE id = $1 FOR UPDATE",
                                             PARAMS(TEXT(user_id)), error);
    if (rows && rows->count == 0)
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "user \"%s\": there is none", user_id);
    return rows && rows->count > 0 ? g_strdup(rows_text(rows, 0, 0)) : NULL;
}

static bool record(Transaction *transaction, const char *action, const char *user_id, const char *name, GError **error)
{
    const Record record = {
        .action = action, .kind = "user", .id = user_id, .name = name, .op = "update", .user_id = user_id};
    return transaction_record(transaction, &record, error);
}

static bool confirm_row(Transaction *transaction, const StoreTotpConfirm *confirm, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(
        transaction,
        "UPDATE totp SET confirmed_ms = $2, last_step = $3 WHERE user_id = $1 AND confirmed_ms = 0 RETURNING user_id",
        PARAMS(TEXT(confirm->user_id), NUMBER(transaction->now_ms), NUMBER(confirm->step)), error);
    return rows && (rows->count == 1 || oriel_fail(error, ORIEL_ERROR_CONFLICT,
                                                   "no second factor waits to be confirmed: begin again"));
}

bool store_totp_confirm(Store *store, const StoreActor *actor, const StoreTotpConfirm *confirm, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autofree char *name = user_lock(&transaction, confirm->user_id, error);
    return name && confirm_row(&transaction, confirm, error) &&
           recovery_codes_write(&transaction, confirm->user_id, confirm->hashes, error) &&
           transaction_run(&transaction,
                           "UPDATE web_sessions SET scopes = 'all' WHERE id = $1 AND user_id = $2 AND scopes = 'enrol'",
                           PARAMS(TEXT(text_or_empty(confirm->session_id)), TEXT(confirm->user_id)), error) &&
           record(&transaction, "totp.enrol", confirm->user_id, name, error) && transaction_commit(&transaction, error);
}

bool store_totp_use(Store *store, const char *user_id, int64_t step, bool *ret_fresh, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error))
        return false;
    g_autoptr(Rows) rows = transaction_query(
        &transaction, "UPDATE totp SET last_step = $2 WHERE user_id = $1 AND last_step < $2 RETURNING user_id",
        PARAMS(TEXT(user_id), NUMBER(step)), error);
    if (!rows || !transaction_commit(&transaction, error))
        return false;
    *ret_fresh = rows->count == 1;
    return true;
}

bool store_recovery_code_use(Store *store, const StoreActor *actor, const char *user_id, const char *hash, bool *ret_used,
                             GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(Rows) rows = transaction_query(&transaction,
                                             "DELETE FROM recovery_codes WHERE hash = $1 AND user_id = $2 RETURNING"
                                             " (SELECT name FROM users WHERE users.id = recovery_codes.user_id)",
                                             PARAMS(TEXT(hash), TEXT(user_id)), error);
    if (!rows)
        return false;
    *ret_used = rows->count == 1;
    return !*ret_used || (record(&transaction, "totp.recovery-code", user_id, rows_text(rows, 0, 0), error) &&
                          transaction_commit(&transaction, error));
}

bool store_recovery_codes_replace(Store *store, const StoreActor *actor, const char *user_id, const char *const *hashes,
                                  GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autofree char *name = user_lock(&transaction, user_id, error);
    return name && recovery_codes_write(&transaction, user_id, hashes, error) &&
           record(&transaction, "totp.recovery-codes", user_id, name, error) && transaction_commit(&transaction, error);
}

bool store_totp_remove(Store *store, const StoreActor *actor, const char *user_id, const char *action, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autofree char *name = user_lock(&transaction, user_id, error);
    if (!name)
        return false;
    g_autoptr(Rows) rows = transaction_query(&transaction, "DELETE FROM totp WHERE user_id = $1 RETURNING user_id",
                                             PARAMS(TEXT(user_id)), error);
    if (!rows)
        return false;
    if (rows->count == 0)
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "user \"%s\": has no second factor", name);
    return recovery_codes_write(&transaction, user_id, NULL, error) &&
           record(&transaction, action, user_id, name, error) && transaction_commit(&transaction, error);
}
