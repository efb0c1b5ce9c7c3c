#include "store/password.h"

#include "base/error.h"
#include "store/login.h"

char *store_password_get(Store *store, const char *user_id, GError **error)
{
    g_autoptr(Rows) rows =
        store_read(store, "SELECT password_hash FROM users WHERE id = $1", PARAMS(TEXT(user_id)), error);
    if (!rows)
        return NULL;
    if (rows->count == 0) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "user \"%s\": there is none", user_id);
        return NULL;
    }
    return g_strdup(rows_text(rows, 0, 0));
}

bool password_write(Transaction *transaction, const PasswordWrite *write, char **ret_name, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(
        transaction,
        "UPDATE users SET password_hash = $2, updated_ms = $3, version = version + 1"
        " WHERE id = $1 RETURNING name",
        PARAMS(TEXT(write->user_id), TEXT(write->hash), NUMBER(transaction->now_ms)), error);
    if (!rows)
        return false;
    if (rows->count == 0)
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "user \"%s\": there is none", write->user_id);
    if (!transaction_run(transaction,
                         "DELETE FROM web_sessions WHERE user_id = $1 AND ($2 IS NULL OR id <> $2)",
                         PARAMS(TEXT(write->user_id), TEXT(write->keep_session_id)), error) ||
        !transaction_run(transaction, "DELETE FROM links WHERE user_id = $1", PARAMS(TEXT(write->user_id)),
                         error) ||
        (!write->keep_tokens && !transaction_run(transaction, "DELETE FROM tokens WHERE user_id = $1",
                                                 PARAMS(TEXT(write->user_id)), error)))
        return false;
    *ret_name = g_strdup(rows_text(rows, 0, 0));
    return true;
}

bool store_password_set(Store *store, const StoreActor *actor, const StorePasswordNew *fields, GError **error)
{
    g_auto(Transaction) transaction = {0};
    g_autofree char *name = NULL;
    const char *user_id = fields->user_id;
    PasswordWrite write = {user_id, fields->hash, fields->keep_session_id, fields->keep_tokens};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) ||
        !password_write(&transaction, &write, &name, error))
        return false;
    Record record = {.action = "user.password",
                     .kind = "user",
                     .id = user_id,
                     .name = name,
                     .op = "update",
                     .user_id = user_id};
    return transaction_record(&transaction, &record, error) && transaction_commit(&transaction, error);
}
