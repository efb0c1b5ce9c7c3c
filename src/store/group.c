#include <string.h>

#include "base/error.h"
#include "base/id.h"
#include "store/group_internal.h"
#include "store/rules.h"
#include "store/directory.h"
#include "store/transaction.h"
#include "store/user.h"

#define GROUP_COLUMNS                                                                                        \
    "g.id, g.name, g.display_name,"                                                                          \
    " CASE WHEN g.id = '" STORE_GROUP_EVERYONE "' THEN (SELECT COUNT(*) FROM users u WHERE u.enabled = 1)"   \
    " ELSE (SELECT COUNT(*) FROM group_members m WHERE m.group_id = g.id) END,"                              \
    " COALESCE(NULLIF(g.created_ms, 0), " MADE_MS "), COALESCE(NULLIF(g.updated_ms, 0), " MADE_MS            \
    "), g.version, g.directory_id,"                                                                          \
    " (SELECT r.name FROM directories r WHERE r.id = g.directory_id), g.external_id, g.external_name, g.missing_ms"

/* What the first migration made was made when it ran. */
#define MADE_MS "(SELECT s.applied_ms FROM migrations s WHERE s.number = 1)"

static const char group_exists[] = "SELECT id FROM groups WHERE id = $1";

bool store_group_is_everyone(const char *group_id)
{
    return g_strcmp0(group_id, STORE_GROUP_EVERYONE) == 0;
}

static bool fail_built_in(const char *what, GError **error)
{
    return oriel_fail(
        error, ORIEL_ERROR_CONFLICT,
        "group \"everyone\": is every enabled user and %s; disable a user, or use another group", what);
}

void store_group_free(StoreGroup *group)
{
    if (!group)
        return;
    g_free(group->id);
    g_free(group->name);
    g_free(group->display_name);
    g_free(group->directory_id);
    g_free(group->directory_name);
    g_free(group->external_id);
    g_free(group->external_name);
    g_free(group);
}

static gpointer group_read(Reader *reader)
{
    StoreGroup *group = g_new0(StoreGroup, 1);
    group->id = read_string(reader);
    group->name = read_string(reader);
    group->display_name = read_string(reader);
    group->members = (uint64_t)read_number(reader);
    group->created_ms = read_number(reader);
    group->updated_ms = read_number(reader);
    group->version = read_number(reader);
    group->directory_id = read_text(reader);
    group->directory_name = read_text(reader);
    group->external_id = read_text(reader);
    group->external_name = read_text(reader);
    group->missing_ms = read_number(reader);
    return group;
}

static StoreGroup *one_group(Rows *owned, const char *name, GError **error)
{
    g_autoptr(Rows) rows = owned;
    if (!rows)
        return NULL;
    if (rows->count == 0) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "group \"%s\": there is none", name);
        return NULL;
    }
    return group_read(&(Reader){rows, 0, 0});
}

static bool check_not_entered(Transaction *transaction, const StoreGroup *fields, GError **error)
{
    if (!fields->directory_id)
        return true;
    g_autoptr(Rows) rows =
        transaction_query(transaction, "SELECT name FROM groups WHERE directory_id = $1 AND external_id = $2",
                          PARAMS(TEXT(fields->directory_id), TEXT(fields->external_id)), error);
    return rows && (rows->count == 0 ||
                    oriel_fail(error, ORIEL_ERROR_CONFLICT, "group \"%s\": the directory's group is there already, as \"%s\"",
                               fields->name, rows_text(rows, 0, 0)));
}

static bool insert_row(Transaction *transaction, const StoreGroup *fields, const char *id, GError **error)
{
    g_autoptr(GError) failure = NULL;
    if (!check_not_entered(transaction, fields, error))
        return false;
    return transaction_run(transaction,
                           "INSERT INTO groups (id, name, display_name, created_ms, updated_ms, directory_id, external_id,"
                           " external_name) VALUES ($1, $2, $3, $4, $4, $5, $6, $7)",
                           PARAMS(TEXT(id), TEXT(fields->name), TEXT(text_or_empty(fields->display_name)),
                                  NUMBER(transaction->now_ms), TEXT(fields->directory_id), TEXT(fields->external_id),
                                  TEXT(fields->external_name)),
                           &failure) ||
           fail_taken(transaction, g_steal_pointer(&failure), "group", fields->name, error);
}

static StoreGroup *group_lock(Transaction *transaction, const char *id, GError **error)
{
    return one_group(transaction_query(transaction,
                                       "SELECT " GROUP_COLUMNS " FROM groups g WHERE g.id = $1 FOR UPDATE",
                                       PARAMS(TEXT(id)), error),
                     id, error);
}

StoreGroup *store_group_create(Store *store, const StoreActor *actor, const StoreGroup *fields,
                               GError **error)
{
    g_auto(Transaction) transaction = {0};
    g_autofree char *id = id_new();
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) ||
        !insert_row(&transaction, fields, id, error))
        return NULL;
    g_autoptr(StoreGroup) group = group_lock(&transaction, id, error);
    Record record = {
        .action = "group.create", .kind = "group", .id = id, .name = fields->name, .op = "create"};
    if (!group || !transaction_record(&transaction, &record, error) ||
        !transaction_commit(&transaction, error))
        return NULL;
    return g_steal_pointer(&group);
}

StoreGroup *store_group_find(Store *store, const char *name_or_id, GError **error)
{
    return one_group(store_read(store,
                                "SELECT " GROUP_COLUMNS " FROM groups g WHERE g.id = $1 OR g.name = $1",
                                PARAMS(TEXT(name_or_id)), error),
                     name_or_id, error);
}

GPtrArray *store_group_list(Store *store, const StorePage *page, char **ret_next, GError **error)
{
    List list = {page, group_read, (GDestroyNotify)store_group_free, 1};
    return list_of(
        store_read(store, "SELECT " GROUP_COLUMNS " FROM groups g WHERE g.name > $1 ORDER BY g.name LIMIT $2",
                   PARAMS(TEXT(page_after(page)), NUMBER(page_limit(page))), error),
        &list, ret_next);
}

GPtrArray *store_directory_groups(Store *store, const char *directory_id, GError **error)
{
    List list = {NULL, group_read, (GDestroyNotify)store_group_free, 1};
    return list_of(store_read(store, "SELECT " GROUP_COLUMNS " FROM groups g WHERE g.directory_id = $1 ORDER BY g.name",
                              PARAMS(TEXT(directory_id)), error),
                   &list, NULL);
}

GPtrArray *store_user_groups(Store *store, const char *user_id, GError **error)
{
    List list = {NULL, group_read, (GDestroyNotify)store_group_free, 1};
    return list_of(store_read(store,
                              "SELECT " GROUP_COLUMNS
                              " FROM groups g JOIN group_members u ON u.group_id = g.id"
                              " WHERE u.user_id = $1 ORDER BY g.name",
                              PARAMS(TEXT(user_id)), error),
                   &list, NULL);
}

static bool update_row(Transaction *transaction, const StoreGroup *group, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(Rows) rows = transaction_query(
        transaction,
        "UPDATE groups SET name = $3, display_name = $4, updated_ms = $5, version = version + 1"
        " WHERE id = $1 AND version = $2",
        PARAMS(TEXT(group->id), NUMBER(group->version), TEXT(group->name),
               TEXT(text_or_empty(group->display_name)), NUMBER(transaction->now_ms)),
        &failure);
    if (!rows)
        return fail_taken(transaction, g_steal_pointer(&failure), "group", group->name, error);
    return rows->affected == 1 ||
           fail_missed(transaction, group_exists, &(Missed){"group", group->name, group->id}, error);
}

static Json *group_fields(const StoreGroup *group)
{
    return json_pack("{s:s, s:s}", "name", group->name, "display_name", text_or_empty(group->display_name));
}

bool store_group_update(Store *store, const StoreActor *actor, StoreGroup *group, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (store_group_is_everyone(group->id) && strcmp(group->name, "everyone") != 0)
        return fail_built_in("cannot be renamed", error);
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreGroup) old = group_lock(&transaction, group->id, error);
    if (!old || !update_row(&transaction, group, error))
        return false;
    const Record record = {.action = "group.update", .kind = "group", .id = group->id, .name = group->name};
    int64_t now_ms = transaction.now_ms;
    if (!record_changes(&transaction, record, group_fields(old), group_fields(group), error) ||
        !transaction_commit(&transaction, error))
        return false;
    group->version++;
    group->updated_ms = now_ms;
    return true;
}

bool store_group_delete(Store *store, const StoreActor *actor, const char *id, int64_t expected_version,
                        GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreGroup) group = group_lock(&transaction, id, error);
    if (!group || !check_version("group", group->name, group->version, expected_version, error))
        return false;
    if (store_group_is_everyone(id))
        return fail_built_in("cannot be deleted", error);
    Record record = {
        .action = "group.delete", .kind = "group", .id = id, .name = group->name, .op = "delete"};
    return transaction_run(&transaction, "DELETE FROM groups WHERE id = $1", PARAMS(TEXT(id)), error) &&
           transaction_record(&transaction, &record, error) && transaction_commit(&transaction, error);
}

bool membership_record(Transaction *transaction, const Membership *membership, GError **error)
{
    const char *group_id = membership->group_id, *user_id = membership->user_id;
    g_autoptr(Rows) rows =
        transaction_query(transaction,
                          "UPDATE groups SET version = version + 1, updated_ms = $2 WHERE id = $1"
                          " RETURNING name, (SELECT name FROM users WHERE id = $3)",
                          PARAMS(TEXT(group_id), NUMBER(transaction->now_ms), TEXT(user_id)), error);
    if (!rows)
        return false;
    g_autofree char *detail = detail_of("{s:s?}", "user", rows->count ? rows_text(rows, 0, 1) : NULL);
    transaction_change(transaction, "user", user_id, "update", user_id);
    Record record = {.action = membership->action,
                     .kind = "group",
                     .id = group_id,
                     .name = rows->count ? rows_text(rows, 0, 0) : "",
                     .op = "update",
                     .detail = detail};
    return transaction_record(transaction, &record, error);
}

bool store_group_add_member(Store *store, const StoreActor *actor, const char *group_id, const char *user_id,
                            GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) ||
        !check_exists(&transaction, "SELECT id FROM users WHERE id = $1", "user", user_id, error) ||
        !check_exists(&transaction, group_exists, "group", group_id, error))
        return false;
    if (store_group_is_everyone(group_id))
        return true;
    g_autoptr(Rows) rows = transaction_query(
        &transaction, "INSERT INTO group_members (group_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        PARAMS(TEXT(group_id), TEXT(user_id)), error);
    if (!rows || (rows->affected > 0 &&
                  !membership_record(&transaction, &(Membership){"group.member.add", group_id, user_id}, error)))
        return false;
    return transaction_commit(&transaction, error);
}

bool store_group_remove_member(Store *store, const StoreActor *actor, const char *group_id,
                               const char *user_id, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) ||
        !check_exists(&transaction, "SELECT id FROM users WHERE id = $1", "user", user_id, error) ||
        !check_exists(&transaction, group_exists, "group", group_id, error))
        return false;
    if (store_group_is_everyone(group_id))
        return fail_built_in("has no members of its own", error);
    g_autoptr(Rows) rows =
        transaction_query(&transaction, "DELETE FROM group_members WHERE group_id = $1 AND user_id = $2",
                          PARAMS(TEXT(group_id), TEXT(user_id)), error);
    if (!rows || (rows->affected > 0 &&
                  !membership_record(&transaction, &(Membership){"group.member.remove", group_id, user_id}, error)))
        return false;
    return transaction_commit(&transaction, error);
}
