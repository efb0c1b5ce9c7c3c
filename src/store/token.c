#include "base/error.h"
#include "base/id.h"
#include "store/login.h"
#include "store/rules.h"
#include "store/transaction.h"

#define TOKEN_COLUMNS "t.id, t.user_id, t.name, t.scopes, t.created_ms, t.used_ms, t.expires_ms"

void store_token_free(StoreToken *token)
{
    if (!token)
        return;
    g_free(token->id);
    g_free(token->user_id);
    g_free(token->name);
    g_free(token->scopes);
    g_free(token);
}

static gpointer token_read(Reader *reader)
{
    StoreToken *token = g_new0(StoreToken, 1);
    token->id = read_string(reader);
    token->user_id = read_string(reader);
    token->name = read_string(reader);
    token->scopes = read_string(reader);
    token->created_ms = read_number(reader);
    token->used_ms = read_number(reader);
    token->expires_ms = read_number(reader);
    return token;
}

static StoreToken *one_token(Rows *owned, GError **error)
{
    g_autoptr(Rows) rows = owned;
    if (!rows)
        return NULL;
    if (rows->count == 0) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "token: there is none, or it has expired");
        return NULL;
    }
    return token_read(&(Reader){rows, 0, 0});
}

static bool insert_row(Transaction *transaction, const StoreTokenNew *fields, const char *id, GError **error)
{
    g_autoptr(GError) failure = NULL;
    if (transaction_run(transaction,
                        "INSERT INTO tokens (id, hash, user_id, name, created_ms, expires_ms, scopes) VALUES ($1, "
                        "$2, $3, $4, $5, $6, $7)",
                        PARAMS(TEXT(id), TEXT(fields->hash), TEXT(fields->user_id), TEXT(fields->name),
                               NUMBER(transaction->now_ms), NUMBER(fields->expires_ms),
                               TEXT(fields->scopes)),
                        &failure))
        return true;
    if (transaction_failure(transaction) == FAILURE_FOREIGN_KEY)
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "user \"%s\": there is none", fields->user_id);
    return fail_taken(transaction, g_steal_pointer(&failure), "token", fields->name, error);
}

StoreToken *store_token_create(Store *store, const StoreActor *actor, const StoreTokenNew *fields,
                               GError **error)
{
    g_auto(Transaction) transaction = {0};
    g_autofree char *id = id_new();
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) ||
        !insert_row(&transaction, fields, id, error))
        return NULL;
    g_autoptr(StoreToken) token =
        one_token(transaction_query(&transaction, "SELECT " TOKEN_COLUMNS " FROM tokens t WHERE t.id = $1",
                                    PARAMS(TEXT(id)), error),
                  error);
    Record record = {.action = "token.create",
                     .kind = "token",
                     .id = id,
                     .name = fields->name,
                     .op = "create",
                     .user_id = fields->user_id};
    if (!token || !transaction_record(&transaction, &record, error) ||
        !transaction_commit(&transaction, error))
        return NULL;
    return g_steal_pointer(&token);
}

StoreToken *store_token_get(Store *store, const char *id, GError **error)
{
    return one_token(
        store_read(store, "SELECT " TOKEN_COLUMNS " FROM tokens t WHERE t.id = $1", PARAMS(TEXT(id)), error),
        error);
}

StoreToken *store_token_by_hash(Store *store, const char *hash, int64_t now_ms, GError **error)
{
    return one_token(store_read(store,
                                "SELECT " TOKEN_COLUMNS " FROM tokens t WHERE t.hash = $1"
                                " AND (t.expires_ms = 0 OR t.expires_ms > $2)",
                                PARAMS(TEXT(hash), NUMBER(now_ms)), error),
                     error);
}

bool store_token_touch(Store *store, const char *id, int64_t used_ms, GError **error)
{
    g_auto(Transaction) transaction = {0};
    return transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error) &&
           transaction_run(&transaction, "UPDATE tokens SET used_ms = $2 WHERE id = $1 AND used_ms < $2",
                           PARAMS(TEXT(id), NUMBER(used_ms)), error) &&
           transaction_commit(&transaction, error);
}

GPtrArray *store_token_list(Store *store, const char *user_id, const StorePage *page, char **ret_next,
                            GError **error)
{
    List list = {page, token_read, (GDestroyNotify)store_token_free, 0};
    return list_of(store_read(store,
                              "SELECT " TOKEN_COLUMNS " FROM tokens t WHERE t.user_id = $1 AND t.id > $2"
                              " ORDER BY t.id LIMIT $3",
                              PARAMS(TEXT(user_id), TEXT(page_after(page)), NUMBER(page_limit(page))), error),
                   &list, ret_next);
}

bool store_token_delete(Store *store, const StoreActor *actor, const char *id, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(Rows) rows = transaction_query(
        &transaction, "DELETE FROM tokens WHERE id = $1 RETURNING name, user_id", PARAMS(TEXT(id)), error);
    if (!rows)
        return false;
    if (rows->count == 0)
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "token \"%s\": there is none", id);
    Record record = {.action = "token.delete",
                     .kind = "token",
                     .id = id,
                     .name = rows_text(rows, 0, 0),
                     .op = "delete",
                     .user_id = rows_text(rows, 0, 1)};
    return transaction_record(&transaction, &record, error) && transaction_commit(&transaction, error);
}
