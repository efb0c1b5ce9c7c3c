#include "store/user.h"

#include <string.h>

#include "base/error.h"
#include "base/id.h"
#include "store/help.h"
#include "store/rules.h"
#include "store/transaction.h"
#include "store/user_internal.h"

#define USER_COLUMNS                                                                                         \
    "u.id, u.name, u.display_name, u.email, u.roles, u.enabled,"                                             \
    " CASE WHEN u.password_hash IS NULL THEN 0 ELSE 1 END,"                                            \
    " CASE WHEN EXISTS (SELECT 1 FROM totp t WHERE t.user_id = u.id AND t.confirmed_ms > 0) THEN 1 ELSE 0 END,"                                             \
    " u.last_login_ms, u.created_ms, u.updated_ms, "    \
    "u.version, u.directory_id, (SELECT r.name FROM directories r WHERE r.id = u.directory_id), u.external_id, CASE WHEN " MAY_LOG_IN("u") " THEN 1 ELSE 0 END"

void store_user_free(StoreUser *user)
{
    if (!user)
        return;
    g_free(user->id);
    g_free(user->name);
    g_free(user->display_name);
    g_free(user->email);
    g_free(user->roles);
    g_free(user->directory_id);
    g_free(user->directory_name);
    g_free(user->external_id);
    g_free(user);
}

static gpointer user_read(Reader *reader)
{
    StoreUser *user = g_new0(StoreUser, 1);
    user->id = read_string(reader);
    user->name = read_string(reader);
    user->display_name = read_string(reader);
    user->email = read_string(reader);
    user->roles = read_string(reader);
    user->enabled = read_bool(reader);
    user->has_password = read_bool(reader);
    user->has_totp = read_bool(reader);
    user->last_login_ms = read_number(reader);
    user->created_ms = read_number(reader);
    user->updated_ms = read_number(reader);
    user->version = read_number(reader);
    user->directory_id = read_text(reader);
    user->directory_name = read_text(reader);
    user->external_id = read_text(reader);
    user->may_log_in = read_bool(reader);
    return user;
}

static List list_by_name(const StorePage *page)
{
    return (List){page, user_read, (GDestroyNotify)store_user_free, 1};
}

static StoreUser *one_user(Rows *owned, const char *name, GError **error)
{
    g_autoptr(Rows) rows = owned;
    if (!rows)
        return NULL;
    if (rows->count == 0) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "user \"%s\": there is none", name);
        return NULL;
    }
    return user_read(&(Reader){rows, 0, 0});
}

static bool insert_row(Transaction *transaction, const StoreUser *fields, const char *id, const char *password_hash,
                       GError **error)
{
    g_autoptr(GError) failure = NULL;
    return transaction_run(
               transaction,
               "INSERT INTO users (id, name, display_name, email, roles, enabled, created_ms, updated_ms, password_hash)"
               " VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)",
               PARAMS(TEXT(id), TEXT(fields->name), TEXT(text_or_empty(fields->display_name)),
                      TEXT(text_or_empty(fields->email)), TEXT(text_or_empty(fields->roles)),
                      NUMBER(fields->enabled), NUMBER(transaction->now_ms), TEXT(password_hash)),
               &failure) ||
           fail_taken(transaction, g_steal_pointer(&failure), "user", fields->name, error);
}

static StoreUser *user_lock(Transaction *transaction, const char *id, GError **error)
{
    return one_user(transaction_query(transaction,
                                      "SELECT " USER_COLUMNS " FROM users u WHERE u.id = $1 FOR UPDATE",
                                      PARAMS(TEXT(id)), error),
                    id, error);
}

StoreUser *store_user_create(Store *store, const StoreActor *actor, const StoreUser *fields, GError **error)
{
    return store_user_create_hashed(store, actor, fields, NULL, error);
}

StoreUser *store_user_create_hashed(Store *store, const StoreActor *actor, const StoreUser *fields,
                                    const char *password_hash, GError **error)
{
    g_auto(Transaction) transaction = {0};
    g_autofree char *id = id_new();
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) ||
        !insert_row(&transaction, fields, id, password_hash, error))
        return NULL;
    g_autoptr(StoreUser) user = user_lock(&transaction, id, error);
    Record record = {.action = "user.create",
                     .kind = "user",
                     .id = id,
                     .name = fields->name,
                     .op = "create",
                     .user_id = id};
    if (!user || !transaction_record(&transaction, &record, error) ||
        !transaction_commit(&transaction, error))
        return NULL;
    return g_steal_pointer(&user);
}

StoreUser *store_user_find(Store *store, const char *name_or_id, GError **error)
{
    return one_user(store_read(store, "SELECT " USER_COLUMNS " FROM users u WHERE u.id = $1 OR u.name = $1",
                               PARAMS(TEXT(name_or_id)), error),
                    name_or_id, error);
}

GPtrArray *store_user_search(Store *store, const char *search, const StorePage *page, char **ret_next, GError **error)
{
    List list = list_by_name(page);
    g_autofree char *text = search_text(search);
    return list_of(
        store_read(store,
                   "SELECT " USER_COLUMNS " FROM users u WHERE u.name > $1 AND ($3 IS NULL OR " HOLDS("u.name", "$3") " OR "
                   HOLDS("u.display_name", "$3") " OR " HOLDS("u.email", "$3") ") ORDER BY u.name LIMIT $2",
                   PARAMS(TEXT(page_after(page)), NUMBER(page_limit(page)), TEXT(text)), error),
        &list, ret_next);
}

GPtrArray *store_user_list(Store *store, const StorePage *page, char **ret_next, GError **error)
{
    return store_user_search(store, NULL, page, ret_next, error);
}

GPtrArray *store_people_search(Store *store, const char *text, const char *helper_id, unsigned most, GError **error)
{
    List list = {NULL, user_read, (GDestroyNotify)store_user_free, 1};
    g_autofree char *part = search_text(text);
    return list_of(store_read(store,
                              "SELECT " USER_COLUMNS " FROM users u WHERE (" HOLDS("u.name", "$1") " OR " HOLDS("u.display_name", "$1")
                              ") AND ($2 IS NULL OR " HELPED_BY("$2", "u.id") ") ORDER BY u.name LIMIT $3",
                              PARAMS(TEXT(part), TEXT(helper_id), NUMBER(most)), error),
                   &list, NULL);
}

bool store_user_count(Store *store, uint64_t *ret, GError **error)
{
    g_autoptr(Rows) rows = store_read(store, "SELECT COUNT(*) FROM users", NO_PARAMS, error);
    if (!rows)
        return false;
    *ret = (uint64_t)rows_number(rows, 0, 0);
    return true;
}

/* An administrator must be left who can log in. Called after the change, which then is rolled back. */
bool user_admin_left_check(Transaction *transaction, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(
        transaction, "SELECT COUNT(*) FROM users WHERE enabled = 1 AND ' ' || roles || ' ' LIKE '% admin %'",
        NO_PARAMS, error);
    if (!rows)
        return false;
    return rows_number(rows, 0, 0) > 0 ||
           oriel_fail(error, ORIEL_ERROR_CONFLICT,
                      "this is the last enabled administrator: make another one first");
}

bool user_admins_lock(Transaction *transaction, GError **error)
{
    return transaction_run(transaction, "UPDATE meta SET value = '' WHERE key = 'lock.admins'", NO_PARAMS,
                           error);
}

static bool is_admin(const StoreUser *user)
{
    g_auto(GStrv) words = g_strsplit(user->roles, " ", -1);
    return user->enabled && g_strv_contains((const char *const *)words, "admin");
}

static bool update_row(Transaction *transaction, const StoreUser *user, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(Rows) rows = transaction_query(
        transaction,
        "UPDATE users SET name = $3, display_name = $4, email = $5, roles = $6, enabled = $7, updated_ms = "
        "$8,"
        " version = version + 1 WHERE id = $1 AND version = $2",
        PARAMS(TEXT(user->id), NUMBER(user->version), TEXT(user->name),
               TEXT(text_or_empty(user->display_name)), TEXT(text_or_empty(user->email)),
               TEXT(text_or_empty(user->roles)), NUMBER(user->enabled), NUMBER(transaction->now_ms)),
        &failure);
    if (!rows)
        return fail_taken(transaction, g_steal_pointer(&failure), "user", user->name, error);
    return rows->affected == 1 || fail_missed(transaction, "SELECT id FROM users WHERE id = $1",
                                              &(Missed){"user", user->name, user->id}, error);
}

/* Of a password it is told that it changed (user.password), never more. */
static Json *user_fields(const StoreUser *user)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:b}", "name", user->name, "display_name",
                     text_or_empty(user->display_name), "email", text_or_empty(user->email), "roles",
                     text_or_empty(user->roles), "enabled", user->enabled);
}

static bool record_update(Transaction *transaction, const StoreUser *old, const StoreUser *user,
                          GError **error)
{
    const Record record = {
        .action = "user.update", .kind = "user", .id = user->id, .name = user->name, .user_id = user->id};
    return record_changes(transaction, record, user_fields(old), user_fields(user), error);
}

bool store_user_update(Store *store, const StoreActor *actor, StoreUser *user, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) ||
        !user_admins_lock(&transaction, error))
        return false;
    g_autoptr(StoreUser) old = user_lock(&transaction, user->id, error);
    if (!old || !update_row(&transaction, user, error) ||
        (!is_admin(user) && !user_admin_left_check(&transaction, error)))
        return false;
    if (!user->enabled && !transaction_run(&transaction, "DELETE FROM web_sessions WHERE user_id = $1",
                                           PARAMS(TEXT(user->id)), error))
        return false;
    if (strcmp(user->roles, old->roles) != 0 && !transaction_run(&transaction, "DELETE FROM tickets WHERE user_id = $1",
                                                                 PARAMS(TEXT(user->id)), error))
        return false; /* a console's: who may open it was asked with the old roles */
    int64_t now_ms = transaction.now_ms;
    if (!record_update(&transaction, old, user, error) || !transaction_commit(&transaction, error))
        return false;
    user->version++;
    user->updated_ms = now_ms;
    return true;
}

static bool check_user_unused(Transaction *transaction, const StoreUser *user, GError **error)
{
    g_autoptr(Rows) rows =
        transaction_query(transaction,
                          "SELECT name FROM desktops WHERE user_id = $1 UNION ALL SELECT d.name FROM assignments a"
                          " JOIN desktops d ON d.id = a.desktop_id WHERE a.user_id = $1 UNION ALL SELECT desktop_name"
                          " FROM sessions WHERE user_id = $1 AND state <> 'ended' LIMIT 1",
                          PARAMS(TEXT(user->id)), error);
    if (!rows)
        return false;
    if (rows->count > 0)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT,
                          "user \"%s\": desktop \"%s\" is assigned to them; release or delete it first",
                          user->name, rows_text(rows, 0, 0));
    g_autoptr(Rows) homes = transaction_query(transaction, "SELECT name FROM user_disks WHERE user_id = $1 LIMIT 1",
                                              PARAMS(TEXT(user->id)), error);
    return homes && (homes->count == 0 ||
                     oriel_fail(error, ORIEL_ERROR_CONFLICT, "user \"%s\": home \"%s\" is theirs; delete it first",
                                user->name, rows_text(homes, 0, 0)));
}

bool store_user_delete(Store *store, const StoreActor *actor, const char *id, int64_t expected_version,
                       GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) ||
        !user_admins_lock(&transaction, error))
        return false;
    g_autoptr(StoreUser) user = user_lock(&transaction, id, error);
    if (!user || !check_version("user", user->name, user->version, expected_version, error) ||
        !check_user_unused(&transaction, user, error))
        return false;
    /* The record comes first: it looks up the name of an actor who deletes themselves. */
    Record record = {
        .action = "user.delete", .kind = "user", .id = id, .name = user->name, .op = "delete", .user_id = id};
    return transaction_record(&transaction, &record, error) &&
           transaction_run(&transaction, "DELETE FROM users WHERE id = $1", PARAMS(TEXT(id)), error) &&
           (!is_admin(user) || user_admin_left_check(&transaction, error)) &&
           transaction_commit(&transaction, error);
}

GPtrArray *store_group_members(Store *store, const char *group_id, const StorePage *page, char **ret_next,
                               GError **error)
{
    List list = list_by_name(page);
    return list_of(store_read(store,
                              "SELECT " USER_COLUMNS " FROM users u WHERE (u.id IN (SELECT m.user_id FROM"
                              " group_members m WHERE m.group_id = $1) OR ($1 = '" STORE_GROUP_EVERYONE
                              "' AND u.enabled = 1)) AND u.name > $2 ORDER BY u.name LIMIT $3",
                              PARAMS(TEXT(group_id), TEXT(page_after(page)), NUMBER(page_limit(page))),
                              error),
                   &list, ret_next);
}
