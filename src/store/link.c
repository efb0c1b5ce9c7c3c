#include "base/error.h"
#include "store/login.h"
#include "store/password.h"
#include "store/transaction.h"

static bool fail_unknown(GError **error)
{
    return oriel_fail(error, ORIEL_ERROR_NOT_FOUND,
                      "one-time link: it is unknown, used or expired; ask for a new one");
}

bool store_link_create(Store *store, const StoreActor *actor, const StoreLinkNew *fields, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(Rows) rows = transaction_query(&transaction, "SELECT name FROM users WHERE id = $1 FOR UPDATE",
                                             PARAMS(TEXT(fields->user_id)), error);
    if (!rows)
        return false;
    if (rows->count == 0)
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "user \"%s\": there is none", fields->user_id);
    Record record = {
        .action = "user.link", .kind = "user", .id = fields->user_id, .name = rows_text(rows, 0, 0)};
    return transaction_run(&transaction, "DELETE FROM links WHERE user_id = $1",
                           PARAMS(TEXT(fields->user_id)), error) &&
           transaction_run(
               &transaction,
               "INSERT INTO links (hash, user_id, created_ms, expires_ms) VALUES ($1, $2, $3, $4)",
               PARAMS(TEXT(fields->hash), TEXT(fields->user_id), NUMBER(transaction.now_ms),
                      NUMBER(fields->expires_ms)),
               error) &&
           transaction_record(&transaction, &record, error) && transaction_commit(&transaction, error);
}

char *store_link_user(Store *store, const char *hash, int64_t now_ms, GError **error)
{
    g_autoptr(Rows) rows = store_read(store, "SELECT user_id FROM links WHERE hash = $1 AND expires_ms > $2",
                                      PARAMS(TEXT(hash), NUMBER(now_ms)), error);
    if (rows && rows->count == 0)
        fail_unknown(error);
    return rows && rows->count > 0 ? g_strdup(rows_text(rows, 0, 0)) : NULL;
}

/* The user is locked first, as in store_link_create. */
static char *take_link(Transaction *transaction, const StoreLinkUse *use, GError **error)
{
    g_autoptr(Rows) user = transaction_query(
        transaction,
        "SELECT u.id FROM users u WHERE u.id = (SELECT l.user_id FROM links l WHERE l.hash = $1) FOR UPDATE",
        PARAMS(TEXT(use->link_hash)), error);
    if (!user)
        return NULL;
    g_autoptr(Rows) rows = transaction_query(
        transaction, "DELETE FROM links WHERE hash = $1 AND expires_ms > $2 RETURNING user_id",
        PARAMS(TEXT(use->link_hash), NUMBER(use->now_ms)), error);
    if (rows && rows->count == 0)
        fail_unknown(error);
    return rows && rows->count > 0 ? g_strdup(rows_text(rows, 0, 0)) : NULL;
}

char *store_link_use(Store *store, const StoreActor *actor, const StoreLinkUse *use, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return NULL;
    g_autofree char *user_id = take_link(&transaction, use, error);
    g_autofree char *name = NULL;
    if (!user_id ||
        !password_write(&transaction, &(PasswordWrite){user_id, use->password_hash, NULL, false}, &name, error))
        return NULL;
    StoreActor self = {.user_id = user_id, .name = name, .address = actor ? actor->address : NULL};
    transaction.actor = &self;
    Record record = {.action = "user.link.use",
                     .kind = "user",
                     .id = user_id,
                     .name = name,
                     .op = "update",
                     .user_id = user_id};
    if (!transaction_record(&transaction, &record, error) || !transaction_commit(&transaction, error))
        return NULL;
    return g_steal_pointer(&user_id);
}
