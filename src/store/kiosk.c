#include "store/kiosk.h"

#include "base/error.h"
#include "base/id.h"
#include "base/limits.h"
#include "store/rules.h"
#include "store/transaction.h"

#define KIOSK_COLUMNS                                                                                        \
    "k.id, k.name, k.networks, k.certificates, k.user_id, u.name, k.pool_id, p.name, k.enabled,"             \
    " (SELECT COUNT(*) FROM web_sessions w WHERE w.means = 'kiosk' AND w.means_id = k.id),"                  \
    " k.created_ms, k.updated_ms, k.version"                                                                 \
    " FROM kiosks k JOIN users u ON u.id = k.user_id JOIN pools p ON p.id = k.pool_id"

static const char kiosk_exists[] = "SELECT id FROM kiosks WHERE id = $1";

void store_kiosk_free(StoreKiosk *kiosk)
{
    if (!kiosk)
        return;
    g_free(kiosk->id);
    g_free(kiosk->name);
    g_free(kiosk->networks);
    g_free(kiosk->certificates);
    g_free(kiosk->user_id);
    g_free(kiosk->user_name);
    g_free(kiosk->pool_id);
    g_free(kiosk->pool_name);
    g_free(kiosk);
}

static gpointer kiosk_read(Reader *reader)
{
    StoreKiosk *kiosk = g_new0(StoreKiosk, 1);
    kiosk->id = read_string(reader);
    kiosk->name = read_string(reader);
    kiosk->networks = read_string(reader);
    kiosk->certificates = read_string(reader);
    kiosk->user_id = read_string(reader);
    kiosk->user_name = read_string(reader);
    kiosk->pool_id = read_string(reader);
    kiosk->pool_name = read_string(reader);
    kiosk->enabled = read_bool(reader);
    kiosk->logins = (uint64_t)read_number(reader);
    kiosk->created_ms = read_number(reader);
    kiosk->updated_ms = read_number(reader);
    kiosk->version = read_number(reader);
    return kiosk;
}

static StoreKiosk *one_kiosk(Rows *owned, const char *name, GError **error)
{
    g_autoptr(Rows) rows = owned;
    if (!rows)
        return NULL;
    if (rows->count == 0) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "kiosk \"%s\": there is none", name);
        return NULL;
    }
    return kiosk_read(&(Reader){rows, 0, 0});
}

static StoreKiosk *kiosk_get(Transaction *transaction, const char *id, GError **error)
{
    return one_kiosk(
        transaction_query(transaction, "SELECT " KIOSK_COLUMNS " WHERE k.id = $1", PARAMS(TEXT(id)), error), id, error);
}

/* Against another change of it at the same time. */
static bool kiosk_lock(Transaction *transaction, const char *id, GError **error)
{
    return transaction_run(transaction, "SELECT id FROM kiosks WHERE id = $1 FOR UPDATE", PARAMS(TEXT(id)), error);
}

static bool check_parts(Transaction *transaction, const StoreKiosk *fields, GError **error)
{
    return check_exists(transaction, "SELECT id FROM users WHERE id = $1", "user", fields->user_id, error) &&
           check_exists(transaction, "SELECT id FROM pools WHERE id = $1", "pool", fields->pool_id, error);
}

static bool insert_row(Transaction *transaction, const StoreKiosk *fields, const char *id, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(Rows) rows = transaction_query(transaction, "SELECT COUNT(*) FROM kiosks", NO_PARAMS, error);
    if (!rows)
        return false;
    if (rows_number(rows, 0, 0) >= LIMIT_KIOSKS)
        return oriel_fail(error, ORIEL_ERROR_FULL, "there are %d kiosks, more are not allowed", LIMIT_KIOSKS);
    return transaction_run(transaction,
                           "INSERT INTO kiosks (id, name, networks, certificates, user_id, pool_id, enabled, created_ms,"
                           " updated_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
                           PARAMS(TEXT(id), TEXT(fields->name), TEXT(text_or_empty(fields->networks)),
                                  TEXT(text_or_empty(fields->certificates)), TEXT(fields->user_id), TEXT(fields->pool_id),
                                  NUMBER(fields->enabled), NUMBER(transaction->now_ms)),
                           &failure) ||
           fail_taken(transaction, g_steal_pointer(&failure), "kiosk", fields->name, error);
}

static Json *kiosk_fields(const StoreKiosk *kiosk)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "name", kiosk->name, "networks", text_or_empty(kiosk->networks),
                     "certificates", text_or_empty(kiosk->certificates), "user", kiosk->user_id, "pool", kiosk->pool_id,
                     "enabled", kiosk->enabled);
}

StoreKiosk *store_kiosk_create(Store *store, const StoreActor *actor, const StoreKiosk *fields, GError **error)
{
    g_auto(Transaction) transaction = {0};
    g_autofree char *id = id_new();
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) || !check_parts(&transaction, fields, error) ||
        !insert_row(&transaction, fields, id, error))
        return NULL;
    g_autoptr(StoreKiosk) kiosk = kiosk_get(&transaction, id, error);
    g_autoptr(Json) detail = kiosk ? kiosk_fields(kiosk) : NULL;
    g_autofree char *text = detail ? json_text(detail) : NULL;
    Record record = {
        .action = "kiosk.create", .kind = "kiosk", .id = id, .name = fields->name, .op = "create", .detail = text};
    if (!kiosk || !transaction_record(&transaction, &record, error) || !transaction_commit(&transaction, error))
        return NULL;
    return g_steal_pointer(&kiosk);
}

StoreKiosk *store_kiosk_find(Store *store, const char *name_or_id, GError **error)
{
    return one_kiosk(store_read(store, "SELECT " KIOSK_COLUMNS " WHERE k.id = $1 OR k.name = $1", PARAMS(TEXT(name_or_id)),
                                error),
                     name_or_id, error);
}

GPtrArray *store_kiosk_list(Store *store, const StorePage *page, char **ret_next, GError **error)
{
    List list = {page, kiosk_read, (GDestroyNotify)store_kiosk_free, 1};
    return list_of(store_read(store, "SELECT " KIOSK_COLUMNS " WHERE k.name > $1 ORDER BY k.name LIMIT $2",
                              PARAMS(TEXT(page_after(page)), NUMBER(page_limit(page))), error),
                   &list, ret_next);
}

/* Whoever is in by it was let in by what it was. */
static bool end_logins(Transaction *transaction, const char *id, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(
        transaction, "DELETE FROM web_sessions WHERE means = 'kiosk' AND means_id = $1 RETURNING id, user_id", PARAMS(TEXT(id)),
        error);
    for (size_t i = 0; rows && i < rows->count; i++)
        transaction_change(transaction, "login", rows_text(rows, i, 0), "delete", rows_text(rows, i, 1));
    return rows != NULL;
}

static bool update_row(Transaction *transaction, const StoreKiosk *kiosk, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(Rows) rows = transaction_query(
        transaction,
        "UPDATE kiosks SET name = $3, networks = $4, certificates = $5, user_id = $6, pool_id = $7, enabled = $8,"
        " updated_ms = $9, version = version + 1 WHERE id = $1 AND version = $2",
        PARAMS(TEXT(kiosk->id), NUMBER(kiosk->version), TEXT(kiosk->name), TEXT(text_or_empty(kiosk->networks)),
               TEXT(text_or_empty(kiosk->certificates)), TEXT(kiosk->user_id), TEXT(kiosk->pool_id), NUMBER(kiosk->enabled),
               NUMBER(transaction->now_ms)),
        &failure);
    if (!rows)
        return fail_taken(transaction, g_steal_pointer(&failure), "kiosk", kiosk->name, error);
    return rows->affected == 1 || fail_missed(transaction, kiosk_exists, &(Missed){"kiosk", kiosk->name, kiosk->id}, error);
}

bool store_kiosk_update(Store *store, const StoreActor *actor, StoreKiosk *kiosk, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) || !check_parts(&transaction, kiosk, error) ||
        !kiosk_lock(&transaction, kiosk->id, error))
        return false;
    g_autoptr(StoreKiosk) old = kiosk_get(&transaction, kiosk->id, error);
    if (!old || !update_row(&transaction, kiosk, error) || !end_logins(&transaction, kiosk->id, error))
        return false;
    const Record record = {.action = "kiosk.update", .kind = "kiosk", .id = kiosk->id, .name = kiosk->name};
    int64_t now_ms = transaction.now_ms;
    if (!record_changes(&transaction, record, kiosk_fields(old), kiosk_fields(kiosk), error) ||
        !transaction_commit(&transaction, error))
        return false;
    kiosk->version++;
    kiosk->updated_ms = now_ms;
    kiosk->logins = 0;
    return true;
}

bool store_kiosk_delete(Store *store, const StoreActor *actor, const char *id, int64_t expected_version, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) || !kiosk_lock(&transaction, id, error))
        return false;
    g_autoptr(StoreKiosk) kiosk = kiosk_get(&transaction, id, error);
    if (!kiosk || !check_version("kiosk", kiosk->name, kiosk->version, expected_version, error) ||
        !end_logins(&transaction, id, error))
        return false;
    Record record = {.action = "kiosk.delete", .kind = "kiosk", .id = id, .name = kiosk->name, .op = "delete"};
    return transaction_run(&transaction, "DELETE FROM kiosks WHERE id = $1", PARAMS(TEXT(id)), error) &&
           transaction_record(&transaction, &record, error) && transaction_commit(&transaction, error);
}

void store_kiosk_login_free(StoreKioskLogin *login)
{
    if (!login)
        return;
    g_free(login->id);
    g_free(login->address);
    g_free(login);
}

static gpointer login_read(Reader *reader)
{
    StoreKioskLogin *login = g_new0(StoreKioskLogin, 1);
    login->id = read_string(reader);
    login->address = read_string(reader);
    login->seen_ms = read_number(reader);
    login->shows = read_bool(reader);
    return login;
}

GPtrArray *store_kiosk_logins(Store *store, const char *id, GError **error)
{
    List list = {NULL, login_read, (GDestroyNotify)store_kiosk_login_free, 0};
    return list_of(store_read(store,
                              "SELECT w.id, w.address, w.seen_ms,"
                              " CASE WHEN EXISTS (SELECT 1 FROM displays x WHERE x.login_id = w.id) THEN 1 ELSE 0 END"
                              " FROM web_sessions w WHERE w.means = 'kiosk' AND w.means_id = $1 ORDER BY w.seen_ms, w.id",
                              PARAMS(TEXT(id)), error),
                   &list, NULL);
}
