#include "store/home.h"

#include "base/error.h"
#include "base/id.h"
#include "base/limits.h"
#include "store/rules.h"
#include "store/transaction.h"

#define HOME_COLUMNS                                                                                         \
    "h.id, h.user_id, (SELECT u.name FROM users u WHERE u.id = h.user_id), h.name, h.host_id, h.size_bytes," \
    " h.state, h.desktop_id, (SELECT d.name FROM desktops d WHERE d.id = h.desktop_id),"                     \
    " (SELECT COUNT(*) FROM sessions s WHERE s.desktop_id = h.desktop_id AND s.user_id = h.user_id"          \
    " AND s.state <> 'ended'), h.used_ms, h.created_ms, h.updated_ms, h.version"

static const char *const states[] = {"new", "kept", "deleting", NULL};

const char *store_home_state_word(StoreHomeState state)
{
    return word_of(states, (int)state);
}

void store_home_free(StoreHome *home)
{
    if (!home)
        return;
    g_free(home->id);
    g_free(home->user_id);
    g_free(home->user_name);
    g_free(home->name);
    g_free(home->host_id);
    g_free(home->desktop_id);
    g_free(home->desktop_name);
    g_free(home);
}

static gpointer home_read(Reader *reader)
{
    StoreHome *home = g_new0(StoreHome, 1);
    home->id = read_string(reader);
    home->user_id = read_string(reader);
    home->user_name = read_string(reader);
    home->name = read_string(reader);
    home->host_id = read_string(reader);
    home->size_bytes = (uint64_t)read_number(reader);
    home->state = (StoreHomeState)read_word(reader, states);
    home->desktop_id = read_text(reader);
    home->desktop_name = read_text(reader);
    home->in_session = read_number(reader) > 0;
    home->used_ms = read_number(reader);
    home->created_ms = read_number(reader);
    home->updated_ms = read_number(reader);
    home->version = read_number(reader);
    return home;
}

static StoreHome *one_home(Rows *owned, const char *name, GError **error)
{
    g_autoptr(Rows) rows = owned;
    if (!rows)
        return NULL;
    if (rows->count == 0) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "home \"%s\": there is none", name);
        return NULL;
    }
    return home_read(&(Reader){rows, 0, 0});
}

static StoreHome *home_lock(Transaction *transaction, const char *id, GError **error)
{
    return one_home(transaction_query(transaction,
                                      "SELECT " HOME_COLUMNS " FROM user_disks h WHERE h.id = $1 FOR UPDATE",
                                      PARAMS(TEXT(id)), error),
                    id, error);
}

static bool record_home(Transaction *transaction, const char *action, const StoreHome *home, const char *op,
                        GError **error)
{
    g_autofree char *detail = detail_of("{s:s,s:I,s:s}", "user", home->user_name, "size_bytes",
                                        (json_int_t)home->size_bytes, "desktop", text_or_empty(home->desktop_name));
    Record record = {.action = action,
                     .kind = "home",
                     .id = home->id,
                     .name = home->name,
                     .op = op,
                     .user_id = home->user_id,
                     .detail = detail};
    return transaction_record(transaction, &record, error);
}

/* ---- the lock ---- */

static bool make_row(Transaction *transaction, const StoreHomeTake *what, bool *ret_made, GError **error)
{
    g_autofree char *id = id_new();
    g_autoptr(Rows) rows = transaction_query(
        transaction,
        "INSERT INTO user_disks (id, user_id, name, host_id, size_bytes, state, created_ms, updated_ms)"
        " VALUES ($1, $2, $3, $4, $5, 'new', $6, $6) ON CONFLICT (user_id, name) DO NOTHING",
        PARAMS(TEXT(id), TEXT(what->user_id), TEXT(what->name), TEXT(what->host_id), NUMBER(what->size_bytes),
               NUMBER(transaction->now_ms)),
        error);
    *ret_made = rows && rows->affected > 0;
    return rows != NULL;
}

static bool check_free(const StoreHome *home, const StoreHomeTake *what, GError **error)
{
    if (home->state == STORE_HOME_DELETING)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "home \"%s\" of \"%s\" is being deleted", home->name,
                          home->user_name);
    if (g_strcmp0(home->host_id, what->host_id) != 0)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "home \"%s\" of \"%s\" lies on another host", home->name,
                          home->user_name);
    if (home->desktop_id && g_strcmp0(home->desktop_id, what->desktop_id) != 0)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "home \"%s\" of \"%s\" is in use on desktop \"%s\"; log off there first",
                          home->name, home->user_name, home->desktop_name ? home->desktop_name : "(deleted)");
    return true;
}

/* A desktop has one at a time: what it had of somebody else must have been put away before. */
static bool lock_row(Transaction *transaction, const StoreHome *home, const char *desktop_id, GError **error)
{
    g_autoptr(GError) failure = NULL;
    if (transaction_run(transaction,
                        "UPDATE user_disks SET desktop_id = $2, used_ms = $3, version = version + 1 WHERE id = $1",
                        PARAMS(TEXT(home->id), TEXT(desktop_id), NUMBER(transaction->now_ms)), &failure))
        return true;
    if (transaction_failure(transaction) == FAILURE_UNIQUE)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "this desktop still has another user disk");
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

StoreHome *store_home_take(Store *store, const StoreHomeTake *what, GError **error)
{
    g_auto(Transaction) transaction = {0};
    bool made = false;
    if (!transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error) ||
        !make_row(&transaction, what, &made, error))
        return NULL;
    g_autoptr(StoreHome) home =
        one_home(transaction_query(&transaction,
                                   "SELECT " HOME_COLUMNS
                                   " FROM user_disks h WHERE h.user_id = $1 AND h.name = $2 FOR UPDATE",
                                   PARAMS(TEXT(what->user_id), TEXT(what->name)), error),
                 what->name, error);
    if (!home || !check_free(home, what, error))
        return NULL;
    if (home->desktop_id)
        return g_steal_pointer(&home);
    if (!lock_row(&transaction, home, what->desktop_id, error))
        return NULL;
    g_autoptr(StoreHome) locked = home_lock(&transaction, home->id, error);
    if (!locked || (made && !record_home(&transaction, "home.create", locked, "create", error)) ||
        !record_home(&transaction, "home.attach", locked, "update", error) ||
        !transaction_commit(&transaction, error))
        return NULL;
    return g_steal_pointer(&locked);
}

bool store_home_release(Store *store, const char *id, const char *desktop_id, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreHome) home = home_lock(&transaction, id, error);
    if (!home)
        return false;
    if (g_strcmp0(home->desktop_id, desktop_id) != 0)
        return true;
    return transaction_run(&transaction,
                           "UPDATE user_disks SET desktop_id = NULL, used_ms = $2, version = version + 1 WHERE id = $1",
                           PARAMS(TEXT(id), NUMBER(transaction.now_ms)), error) &&
           record_home(&transaction, "home.detach", home, "update", error) && transaction_commit(&transaction, error);
}

bool store_home_release_lost(Store *store, const char *host_id, GError **error)
{
    List list = {NULL, home_read, (GDestroyNotify)store_home_free, 0};
    g_autoptr(GPtrArray) lost =
        list_of(store_read(store,
                           "SELECT " HOME_COLUMNS " FROM user_disks h WHERE h.host_id = $1 AND h.desktop_id IS NOT NULL"
                           " AND NOT EXISTS (SELECT 1 FROM desktops d WHERE d.id = h.desktop_id)",
                           PARAMS(TEXT(host_id)), error),
                &list, NULL);
    for (guint i = 0; lost && i < lost->len; i++) {
        const StoreHome *home = lost->pdata[i];
        if (!store_home_release(store, home->id, home->desktop_id, error))
            return false;
    }
    return lost != NULL;
}

bool store_home_keep(Store *store, const char *id, GError **error)
{
    g_auto(Transaction) transaction = {0};
    return transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error) &&
           transaction_run(&transaction,
                           "UPDATE user_disks SET state = 'kept', version = version + 1 WHERE id = $1 AND state = 'new'",
                           PARAMS(TEXT(id)), error) &&
           transaction_commit(&transaction, error);
}

/* ---- reading ---- */

StoreHome *store_home_find(Store *store, const char *user, const char *name, GError **error)
{
    return one_home(store_read(store,
                               "SELECT " HOME_COLUMNS " FROM user_disks h WHERE h.name = $2 AND h.user_id IN"
                               " (SELECT u.id FROM users u WHERE u.id = $1 OR u.name = $1)",
                               PARAMS(TEXT(user), TEXT(name)), error),
                    name, error);
}

bool store_home_of_desktop(Store *store, const char *desktop_id, StoreHome **ret, GError **error)
{
    g_autoptr(Rows) rows = store_read(store, "SELECT " HOME_COLUMNS " FROM user_disks h WHERE h.desktop_id = $1",
                                      PARAMS(TEXT(desktop_id)), error);
    if (!rows)
        return false;
    *ret = rows->count > 0 ? home_read(&(Reader){rows, 0, 0}) : NULL;
    return true;
}

GPtrArray *store_home_list_busy(Store *store, const char *host_id, GError **error)
{
    List list = {NULL, home_read, (GDestroyNotify)store_home_free, 0};
    return list_of(store_read(store,
                              "SELECT " HOME_COLUMNS " FROM user_disks h WHERE h.host_id = $1"
                              " AND (h.desktop_id IS NOT NULL OR h.state = 'deleting')",
                              PARAMS(TEXT(host_id)), error),
                   &list, NULL);
}

GPtrArray *store_home_list(Store *store, const StoreHomeFilter *filter, const StorePage *page, char **ret_next,
                           GError **error)
{
    List list = {page, home_read, (GDestroyNotify)store_home_free, 0};
    return list_of(store_read(store,
                              "SELECT " HOME_COLUMNS " FROM user_disks h WHERE h.id > $1 AND ($2 IS NULL OR h.user_id = $2)"
                              " AND ($3 IS NULL OR h.name = $3) ORDER BY h.id LIMIT $4",
                              PARAMS(TEXT(page_after(page)), TEXT(filter ? filter->user_id : NULL),
                                     TEXT(filter ? filter->name : NULL), NUMBER(page_limit(page))),
                              error),
                   &list, ret_next);
}

/* ---- changes ---- */

bool store_home_grow(Store *store, const StoreActor *actor, const StoreHomeGrow *what, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreHome) home = home_lock(&transaction, what->id, error);
    if (!home || !check_version("home", home->name, home->version, what->expected_version, error))
        return false;
    if (home->state == STORE_HOME_DELETING)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "home \"%s\" of \"%s\" is being deleted", home->name, home->user_name);
    if (what->size_bytes == home->size_bytes)
        return true;
    if (what->size_bytes < home->size_bytes || what->size_bytes > LIMIT_HOME_MOST)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "home \"%s\" of \"%s\": it has %" G_GUINT64_FORMAT " bytes and can only grow, to at most %"
                          G_GUINT64_FORMAT, home->name, home->user_name, home->size_bytes, (uint64_t)LIMIT_HOME_MOST);
    home->size_bytes = what->size_bytes;
    return transaction_run(&transaction,
                           "UPDATE user_disks SET size_bytes = $2, updated_ms = $3, version = version + 1 WHERE id = $1",
                           PARAMS(TEXT(what->id), NUMBER(what->size_bytes), NUMBER(transaction.now_ms)), error) &&
           record_home(&transaction, "home.grow", home, "update", error) && transaction_commit(&transaction, error);
}

bool store_home_delete(Store *store, const StoreActor *actor, const char *id, int64_t expected_version, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreHome) home = home_lock(&transaction, id, error);
    if (!home || !check_version("home", home->name, home->version, expected_version, error))
        return false;
    if (home->state == STORE_HOME_DELETING)
        return true;
    if (home->desktop_id)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "home \"%s\" of \"%s\" is in use on desktop \"%s\"; end that session first",
                          home->name, home->user_name, home->desktop_name ? home->desktop_name : "(deleted)");
    return transaction_run(&transaction,
                           "UPDATE user_disks SET state = 'deleting', updated_ms = $2, version = version + 1 WHERE id = $1",
                           PARAMS(TEXT(id), NUMBER(transaction.now_ms)), error) &&
           record_home(&transaction, "home.delete", home, "update", error) && transaction_commit(&transaction, error);
}

bool store_home_remove(Store *store, const char *id, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error) ||
        !transaction_run(&transaction, "DELETE FROM user_disks WHERE id = $1 AND state = 'deleting'", PARAMS(TEXT(id)),
                         error))
        return false;
    transaction_change(&transaction, "home", id, "delete", NULL);
    return transaction_commit(&transaction, error);
}
