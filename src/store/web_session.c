#include "base/error.h"
#include "base/id.h"
#include "base/json.h"
#include "store/login.h"
#include "store/rules.h"
#include "store/transaction.h"

#define WEB_SESSION_COLUMNS                                                                                  \
    "w.id, w.user_id, u.name, w.csrf, w.address, w.agent, w.scopes, w.means, w.means_id, w.created_ms, w.seen_ms, w.expires_ms, w.proved_ms," \
    " COALESCE((SELECT d.display_name FROM directories d WHERE d.id = w.means_id)," \
    " (SELECT k.name FROM kiosks k WHERE k.id = w.means_id))," \
    " (SELECT k.pool_id FROM kiosks k WHERE k.id = w.means_id)," \
    " (SELECT p.name FROM kiosks k JOIN pools p ON p.id = k.pool_id WHERE k.id = w.means_id)" \
    " FROM web_sessions w JOIN users u ON u.id = w.user_id"

void store_web_session_free(StoreWebSession *session)
{
    if (!session)
        return;
    g_free(session->id);
    g_free(session->user_id);
    g_free(session->user_name);
    g_free(session->csrf);
    g_free(session->address);
    g_free(session->agent);
    g_free(session->scopes);
    g_free(session->means);
    g_free(session->means_id);
    g_free(session->means_name);
    g_free(session->pool_id);
    g_free(session->pool_name);
    g_free(session);
}

static gpointer web_session_read(Reader *reader)
{
    StoreWebSession *session = g_new0(StoreWebSession, 1);
    session->id = read_string(reader);
    session->user_id = read_string(reader);
    session->user_name = read_string(reader);
    session->csrf = read_string(reader);
    session->address = read_string(reader);
    session->agent = read_string(reader);
    session->scopes = read_string(reader);
    session->means = read_string(reader);
    session->means_id = read_string(reader);
    session->created_ms = read_number(reader);
    session->seen_ms = read_number(reader);
    session->expires_ms = read_number(reader);
    session->proved_ms = read_number(reader);
    session->means_name = read_string(reader);
    session->pool_id = read_text(reader);
    session->pool_name = read_text(reader);
    return session;
}

static StoreWebSession *one_web_session(Rows *owned, GError **error)
{
    g_autoptr(Rows) rows = owned;
    if (!rows)
        return NULL;
    if (rows->count == 0) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "web session: there is none");
        return NULL;
    }
    return web_session_read(&(Reader){rows, 0, 0});
}

/* Locks the user against being deleted meanwhile. */
static char *note_login(Transaction *transaction, const char *user_id, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(
        transaction, "UPDATE users SET last_login_ms = $2 WHERE id = $1 AND enabled = 1 RETURNING name",
        PARAMS(TEXT(user_id), NUMBER(transaction->now_ms)), error);
    if (rows && rows->count == 0)
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "user \"%s\": there is none that may log in", user_id);
    return rows && rows->count > 0 ? g_strdup(rows_text(rows, 0, 0)) : NULL;
}

static bool insert_row(Transaction *transaction, const StoreWebSessionNew *fields, const char *id,
                       GError **error)
{
    return transaction_run(transaction,
                           "INSERT INTO web_sessions (id, token_hash, user_id, csrf, address, agent, "
                           "created_ms, seen_ms, expires_ms, scopes, means, means_id, proved_ms)"
                           " VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10, $11, $12)",
                           PARAMS(TEXT(id), TEXT(fields->token_hash), TEXT(fields->user_id),
                                  TEXT(fields->csrf), TEXT(text_or_empty(fields->address)),
                                  TEXT(text_or_empty(fields->agent)), NUMBER(transaction->now_ms),
                                  NUMBER(fields->expires_ms), TEXT(fields->scopes),
                                  TEXT(fields->means ? fields->means : "password"),
                                  TEXT(text_or_empty(fields->means_id)),
                                  NUMBER(fields->proved_ms ? MAX(0, fields->proved_ms) : transaction->now_ms)),
                           error);
}

StoreWebSession *store_web_session_create(Store *store, const StoreActor *actor,
                                          const StoreWebSessionNew *fields, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return NULL;
    g_autofree char *id = id_new();
    g_autofree char *name = note_login(&transaction, fields->user_id, error);
    if (!name || !insert_row(&transaction, fields, id, error))
        return NULL;
    g_autoptr(StoreWebSession) session = one_web_session(
        transaction_query(&transaction, "SELECT " WEB_SESSION_COLUMNS " WHERE w.id = $1",
                          PARAMS(TEXT(id)), error),
        error);
    Record record = {.action = "login",
                     .kind = "user",
                     .id = fields->user_id,
                     .name = name,
                     .op = "update",
                     .user_id = fields->user_id};
    if (!session || !transaction_record(&transaction, &record, error))
        return NULL;
    transaction_change(&transaction, "login", id, "create", fields->user_id);
    return transaction_commit(&transaction, error) ? g_steal_pointer(&session) : NULL;
}

StoreWebSession *store_web_session_get(Store *store, const char *token_hash, GError **error)
{
    return one_web_session(
        store_read(store, "SELECT " WEB_SESSION_COLUMNS " WHERE w.token_hash = $1",
                   PARAMS(TEXT(token_hash)), error),
        error);
}

StoreWebSession *store_web_session_find(Store *store, const char *id, GError **error)
{
    return one_web_session(
        store_read(store, "SELECT " WEB_SESSION_COLUMNS " WHERE w.id = $1", PARAMS(TEXT(id)), error), error);
}

GPtrArray *store_web_session_list(Store *store, const StoreWebSessionFilter *filter, char **ret_next, GError **error)
{
    List list = {&filter->page, web_session_read, (GDestroyNotify)store_web_session_free, 0};
    return list_of(store_read(store,
                              "SELECT " WEB_SESSION_COLUMNS " WHERE (CAST($1 AS TEXT) = '' OR w.user_id = $1)"
                              " AND w.expires_ms > $2 AND w.seen_ms > $3 AND w.id > $4 ORDER BY w.id LIMIT $5",
                              PARAMS(TEXT(text_or_empty(filter->user_id)), NUMBER(filter->now_ms), NUMBER(filter->seen_after_ms),
                                     TEXT(page_after(&filter->page)), NUMBER(page_limit(&filter->page))),
                              error),
                   &list, ret_next);
}

bool store_web_session_touch(Store *store, const char *id, int64_t seen_ms, GError **error)
{
    g_auto(Transaction) transaction = {0};
    return transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error) &&
           transaction_run(&transaction,
                           "UPDATE web_sessions SET seen_ms = $2 WHERE id = $1 AND seen_ms < $2",
                           PARAMS(TEXT(id), NUMBER(seen_ms)), error) &&
           transaction_commit(&transaction, error);
}

bool store_web_session_delete(Store *store, const StoreActor *actor, const char *id, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(Rows) rows =
        transaction_query(&transaction,
                          "DELETE FROM web_sessions WHERE id = $1 RETURNING user_id,"
                          " (SELECT name FROM users WHERE users.id = web_sessions.user_id)",
                          PARAMS(TEXT(id)), error);
    if (!rows)
        return false;
    if (rows->count == 0)
        return true;
    transaction_change(&transaction, "login", id, "delete", rows_text(rows, 0, 0));
    Record record = {
        .action = "logout", .kind = "user", .id = rows_text(rows, 0, 0), .name = rows_text(rows, 0, 1)};
    return transaction_record(&transaction, &record, error) && transaction_commit(&transaction, error);
}

/* Row of "DELETE … RETURNING id, user_id, name, address". */
static bool note_end(Transaction *transaction, const Rows *rows, size_t row, GError **error)
{
    const char *id = rows_text(rows, row, 0), *user_id = rows_text(rows, row, 1);
    g_autoptr(Json) detail = json_pack("{s:s, s:s}", "login", id, "of", rows_text(rows, row, 3));
    g_autofree char *text = json_text(detail);
    Record record = {
        .action = "login.revoke", .kind = "user", .id = user_id, .name = rows_text(rows, row, 2), .detail = text};
    transaction_change(transaction, "login", id, "delete", user_id);
    return transaction_record(transaction, &record, error);
}

bool store_web_session_end(Store *store, const StoreActor *actor, const StoreWebSessionEnd *end, uint64_t *ret_count,
                           GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(Rows) rows = transaction_query(
        &transaction,
        "DELETE FROM web_sessions WHERE (id = $1 OR (CAST($1 AS TEXT) = '' AND user_id = $2)) AND id <> $3"
        " RETURNING id, user_id, (SELECT name FROM users WHERE users.id = web_sessions.user_id), address",
        PARAMS(TEXT(text_or_empty(end->id)), TEXT(text_or_empty(end->user_id)), TEXT(text_or_empty(end->but))), error);
    for (size_t i = 0; rows && i < rows->count; i++)
        if (!note_end(&transaction, rows, i, error))
            return false;
    if (!rows || !transaction_commit(&transaction, error))
        return false;
    *ret_count = rows->count;
    return true;
}

bool store_web_session_expire(Store *store, int64_t now_ms, int64_t seen_before_ms, GError **error)
{
    g_auto(Transaction) transaction = {0};
    return transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error) &&
           transaction_run(&transaction, "DELETE FROM web_sessions WHERE expires_ms <= $1 OR seen_ms < $2",
                           PARAMS(NUMBER(now_ms), NUMBER(seen_before_ms)), error) &&
           transaction_commit(&transaction, error);
}
