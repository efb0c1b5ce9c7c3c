#include "base/error.h"
#include "store/pool.h"
#include "store/rules.h"
#include "store/transaction.h"

void store_entitlement_free(StoreEntitlement *entitlement)
{
    if (!entitlement)
        return;
    g_free(entitlement->pool_id);
    g_free(entitlement->subject_id);
    g_free(entitlement->subject_name);
    g_free(entitlement->subject_display_name);
    g_free(entitlement);
}

static gpointer entitlement_read(Reader *reader)
{
    StoreEntitlement *entitlement = g_new0(StoreEntitlement, 1);
    entitlement->pool_id = read_string(reader);
    entitlement->is_group = read_bool(reader);
    entitlement->subject_id = read_string(reader);
    entitlement->subject_name = read_string(reader);
    entitlement->subject_display_name = read_string(reader);
    entitlement->created_ms = read_number(reader);
    return entitlement;
}

/* The names, for the event; NOT_FOUND where one is missing. */
static bool find_names(Transaction *transaction, const StoreEntitle *what, Rows **ret, GError **error)
{
    g_autoptr(Rows) rows =
        transaction_query(transaction,
                          "SELECT (SELECT name FROM pools WHERE id = $1), CASE WHEN $3 = 1 THEN (SELECT name "
                          "FROM groups WHERE id = $2)"
                          " ELSE (SELECT name FROM users WHERE id = $2) END",
                          PARAMS(TEXT(what->pool_id), TEXT(what->subject_id), NUMBER(what->is_group)), error);
    if (!rows)
        return false;
    if (!rows_text(rows, 0, 0))
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "pool \"%s\": there is none", what->pool_id);
    if (!rows_text(rows, 0, 1))
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "%s \"%s\": there is none",
                          what->is_group ? "group" : "user", what->subject_id);
    *ret = g_steal_pointer(&rows);
    return true;
}

static bool record_entitlement(Transaction *transaction, const char *action, const StoreEntitle *what,
                               const Rows *names, GError **error)
{
    g_autofree char *detail = detail_of("{s:s}", what->is_group ? "group" : "user", rows_text(names, 0, 1));
    transaction_change(transaction, "entitlement", what->pool_id, "update",
                       what->is_group ? NULL : what->subject_id);
    Record record = {.action = action,
                     .kind = "pool",
                     .id = what->pool_id,
                     .name = rows_text(names, 0, 0),
                     .op = "update",
                     .detail = detail};
    return transaction_record(transaction, &record, error);
}

bool store_entitlement_add(Store *store, const StoreActor *actor, const StoreEntitle *what, GError **error)
{
    g_auto(Transaction) transaction = {0};
    g_autoptr(Rows) names = NULL;
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) ||
        !find_names(&transaction, what, &names, error))
        return false;
    g_autoptr(Rows) rows =
        transaction_query(&transaction,
                          "INSERT INTO entitlements (pool_id, user_id, group_id, created_ms) VALUES ($1, $2, "
                          "$3, $4) ON CONFLICT DO NOTHING",
                          PARAMS(TEXT(what->pool_id), TEXT(what->is_group ? NULL : what->subject_id),
                                 TEXT(what->is_group ? what->subject_id : NULL), NUMBER(transaction.now_ms)),
                          error);
    if (!rows ||
        (rows->affected > 0 && !record_entitlement(&transaction, "entitlement.add", what, names, error)))
        return false;
    return transaction_commit(&transaction, error);
}

bool store_entitlement_remove(Store *store, const StoreActor *actor, const StoreEntitle *what, GError **error)
{
    g_auto(Transaction) transaction = {0};
    g_autoptr(Rows) names = NULL;
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) ||
        !find_names(&transaction, what, &names, error))
        return false;
    g_autoptr(Rows) rows = transaction_query(
        &transaction, "DELETE FROM entitlements WHERE pool_id = $1 AND (user_id = $2 OR group_id = $3)",
        PARAMS(TEXT(what->pool_id), TEXT(what->is_group ? NULL : what->subject_id),
               TEXT(what->is_group ? what->subject_id : NULL)),
        error);
    if (!rows ||
        (rows->affected > 0 && !record_entitlement(&transaction, "entitlement.remove", what, names, error)))
        return false;
    return transaction_commit(&transaction, error);
}

GPtrArray *store_entitlement_list(Store *store, const char *pool_id, GError **error)
{
    List list = {NULL, entitlement_read, (GDestroyNotify)store_entitlement_free, 0};
    return list_of(
        store_read(store,
                   "SELECT e.pool_id, CASE WHEN e.group_id IS NULL THEN 0 ELSE 1 END, COALESCE(g.id, u.id),"
                   " COALESCE(g.name, u.name), COALESCE(g.display_name, u.display_name), e.created_ms"
                   " FROM entitlements e LEFT JOIN users u ON u.id = e.user_id"
                   " LEFT JOIN groups g ON g.id = e.group_id WHERE e.pool_id = $1 ORDER BY 2 DESC, 4",
                   PARAMS(TEXT(pool_id)), error),
        &list, NULL);
}

bool store_user_entitled(Store *store, const char *user_id, const char *pool_id, bool *ret, GError **error)
{
    g_autoptr(Rows) rows = store_read(
        store,
        "SELECT COUNT(*) FROM entitlements e WHERE e.pool_id = $2 AND (e.user_id = $1 OR e.group_id IN"
        " (SELECT m.group_id FROM group_members m WHERE m.user_id = $1) OR " ENTITLED_AS_EVERYONE ")",
        PARAMS(TEXT(user_id), TEXT(pool_id)), error);
    if (!rows)
        return false;
    *ret = rows_number(rows, 0, 0) > 0;
    return true;
}
