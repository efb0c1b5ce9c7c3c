#include "store/directory.h"

#include "base/error.h"
#include "base/id.h"
#include "base/limits.h"
#include "store/rules.h"
#include "store/transaction.h"
#include "store/user_internal.h"

#define DIRECTORY_COLUMNS                                                                                      \
    "r.id, r.name, r.display_name, r.kind, r.position, r.enabled, r.settings, r.sealed_secret,"                 \
    " (SELECT COUNT(*) FROM users u WHERE u.directory_id = r.id),"                                              \
    " (SELECT COUNT(*) FROM groups g WHERE g.directory_id = r.id), r.created_ms, r.updated_ms, r.version"

static const char *const kinds[] = {"ldap", "oidc", NULL};
static const char directory_exists[] = "SELECT id FROM directories WHERE id = $1";

const char *store_directory_kind_word(StoreDirectoryKind kind)
{
    return word_of(kinds, (int)kind);
}

bool store_directory_kind_parse(const char *word, StoreDirectoryKind *ret)
{
    int value = 0;
    if (!word_parse(kinds, word, &value))
        return false;
    *ret = (StoreDirectoryKind)value;
    return true;
}

void store_directory_free(StoreDirectory *directory)
{
    if (!directory)
        return;
    g_free(directory->id);
    g_free(directory->name);
    g_free(directory->display_name);
    g_free(directory->settings);
    g_free(directory->sealed_secret);
    g_free(directory);
}

static gpointer directory_read(Reader *reader)
{
    StoreDirectory *directory = g_new0(StoreDirectory, 1);
    directory->id = read_string(reader);
    directory->name = read_string(reader);
    directory->display_name = read_string(reader);
    directory->kind = (StoreDirectoryKind)read_word(reader, kinds);
    directory->position = read_number(reader);
    directory->enabled = read_bool(reader);
    directory->settings = read_string(reader);
    directory->sealed_secret = read_text(reader);
    directory->users = (uint64_t)read_number(reader);
    directory->groups = (uint64_t)read_number(reader);
    directory->created_ms = read_number(reader);
    directory->updated_ms = read_number(reader);
    directory->version = read_number(reader);
    return directory;
}

static StoreDirectory *one_directory(Rows *owned, const char *name, GError **error)
{
    g_autoptr(Rows) rows = owned;
    if (!rows)
        return NULL;
    if (rows->count == 0) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "directory \"%s\": there is none", name);
        return NULL;
    }
    return directory_read(&(Reader){rows, 0, 0});
}

static StoreDirectory *directory_lock(Transaction *transaction, const char *id, GError **error)
{
    return one_directory(transaction_query(transaction,
                                           "SELECT " DIRECTORY_COLUMNS " FROM directories r WHERE r.id = $1 FOR UPDATE",
                                           PARAMS(TEXT(id)), error),
                         id, error);
}

static bool insert_row(Transaction *transaction, const StoreDirectory *fields, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(Rows) rows =
        transaction_query(transaction, "SELECT COUNT(*), COALESCE(MAX(position), 0) FROM directories", NO_PARAMS, error);
    if (!rows)
        return false;
    if (rows_number(rows, 0, 0) >= LIMIT_DIRECTORIES)
        return oriel_fail(error, ORIEL_ERROR_FULL, "there are %d directories, more are not allowed", LIMIT_DIRECTORIES);
    int64_t position = fields->position < 0 ? rows_number(rows, 0, 1) + 1 : fields->position;
    return transaction_run(transaction,
                           "INSERT INTO directories (id, name, display_name, kind, position, enabled, settings,"
                           " sealed_secret, created_ms, updated_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
                           PARAMS(TEXT(fields->id), TEXT(fields->name), TEXT(text_or_empty(fields->display_name)),
                                  TEXT(store_directory_kind_word(fields->kind)), NUMBER(position), NUMBER(fields->enabled),
                                  TEXT(fields->settings), TEXT(fields->sealed_secret), NUMBER(transaction->now_ms)),
                           &failure) ||
           fail_taken(transaction, g_steal_pointer(&failure), "directory", fields->name, error);
}

StoreDirectory *store_directory_create(Store *store, const StoreActor *actor, const StoreDirectory *fields, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) || !insert_row(&transaction, fields, error))
        return NULL;
    g_autoptr(StoreDirectory) directory = directory_lock(&transaction, fields->id, error);
    g_autofree char *detail = directory ? detail_of("{s:s, s:o}", "kind", store_directory_kind_word(directory->kind), "settings",
                                                    json_loads(directory->settings, 0, NULL))
                                        : NULL;
    Record record = {.action = "directory.create",
                     .kind = "directory",
                     .id = fields->id,
                     .name = fields->name,
                     .op = "create",
                     .detail = detail};
    if (!directory || !transaction_record(&transaction, &record, error) || !transaction_commit(&transaction, error))
        return NULL;
    return g_steal_pointer(&directory);
}

StoreDirectory *store_directory_find(Store *store, const char *name_or_id, GError **error)
{
    return one_directory(store_read(store, "SELECT " DIRECTORY_COLUMNS " FROM directories r WHERE r.id = $1 OR r.name = $1",
                                    PARAMS(TEXT(name_or_id)), error),
                         name_or_id, error);
}

GPtrArray *store_directory_list(Store *store, GError **error)
{
    List list = {NULL, directory_read, (GDestroyNotify)store_directory_free, 1};
    return list_of(
        store_read(store, "SELECT " DIRECTORY_COLUMNS " FROM directories r ORDER BY r.position, r.name", NO_PARAMS, error), &list,
        NULL);
}

/* Of the secret it is told that it changed, never more. */
static Json *directory_fields(const StoreDirectory *directory, bool new_secret)
{
    return json_pack("{s:s, s:s, s:I, s:b, s:o, s:b}", "name", directory->name, "display_name",
                     text_or_empty(directory->display_name), "position", (json_int_t)directory->position, "enabled",
                     directory->enabled, "settings", json_loads(directory->settings, 0, NULL), "new_secret", new_secret);
}

static bool update_row(Transaction *transaction, const StoreDirectory *directory, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(Rows) rows = transaction_query(
        transaction,
        "UPDATE directories SET name = $3, display_name = $4, position = $5, enabled = $6, settings = $7, sealed_secret = $8,"
        " updated_ms = $9, version = version + 1 WHERE id = $1 AND version = $2",
        PARAMS(TEXT(directory->id), NUMBER(directory->version), TEXT(directory->name),
               TEXT(text_or_empty(directory->display_name)), NUMBER(directory->position), NUMBER(directory->enabled),
               TEXT(directory->settings), TEXT(directory->sealed_secret), NUMBER(transaction->now_ms)),
        &failure);
    if (!rows)
        return fail_taken(transaction, g_steal_pointer(&failure), "directory", directory->name, error);
    return rows->affected == 1 ||
           fail_missed(transaction, directory_exists, &(Missed){"directory", directory->name, directory->id}, error);
}

/* As disabling each of its users does. */
static bool end_logins(Transaction *transaction, const char *id, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(transaction,
                                             "DELETE FROM web_sessions WHERE user_id IN (SELECT u.id FROM users u WHERE"
                                             " u.directory_id = $1) RETURNING id, user_id",
                                             PARAMS(TEXT(id)), error);
    for (size_t i = 0; rows && i < rows->count; i++)
        transaction_change(transaction, "login", rows_text(rows, i, 0), "delete", rows_text(rows, i, 1));
    return rows != NULL;
}

bool store_directory_update(Store *store, const StoreActor *actor, StoreDirectory *directory, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreDirectory) old = directory_lock(&transaction, directory->id, error);
    if (!old || !update_row(&transaction, directory, error) ||
        (!directory->enabled && !end_logins(&transaction, directory->id, error)))
        return false;
    const Record record = {
        .action = "directory.update", .kind = "directory", .id = directory->id, .name = directory->name};
    bool new_secret = g_strcmp0(old->sealed_secret, directory->sealed_secret) != 0;
    int64_t now_ms = transaction.now_ms;
    if (!record_changes(&transaction, record, directory_fields(old, false), directory_fields(directory, new_secret), error) ||
        !transaction_commit(&transaction, error))
        return false;
    directory->version++;
    directory->updated_ms = now_ms;
    return true;
}

static bool check_unused(Transaction *transaction, const StoreDirectory *directory, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(
        transaction,
        "SELECT u.name, d.name FROM users u JOIN desktops d ON d.user_id = u.id WHERE u.directory_id = $1"
        " UNION ALL SELECT u.name, d.name FROM users u JOIN assignments a ON a.user_id = u.id JOIN desktops d"
        " ON d.id = a.desktop_id WHERE u.directory_id = $1"
        " UNION ALL SELECT u.name, s.desktop_name FROM users u JOIN sessions s ON s.user_id = u.id"
        " WHERE u.directory_id = $1 AND s.state <> 'ended' LIMIT 1",
        PARAMS(TEXT(directory->id)), error);
    return rows && (rows->count == 0 ||
                    oriel_fail(error, ORIEL_ERROR_CONFLICT,
                               "directory \"%s\": its user \"%s\" has desktop \"%s\"; release or delete it first, or disable the "
                               "directory instead",
                               directory->name, rows_text(rows, 0, 0), rows_text(rows, 0, 1)));
}

/* Tells of each row that a DELETE ... RETURNING id took away. */
static bool tell_deleted(Transaction *transaction, const char *kind, Rows *owned)
{
    g_autoptr(Rows) rows = owned;
    for (size_t i = 0; rows && i < rows->count; i++)
        transaction_change(transaction, kind, rows_text(rows, i, 0), "delete", NULL);
    return rows != NULL;
}

static bool delete_rows(Transaction *transaction, const char *id, GError **error)
{
    Rows *users = transaction_query(transaction, "DELETE FROM users WHERE directory_id = $1 RETURNING id", PARAMS(TEXT(id)), error);
    bool had_users = users && users->count > 0;
    if (!tell_deleted(transaction, "user", users) || (had_users && !user_admin_left_check(transaction, error)))
        return false;
    Rows *groups =
        transaction_query(transaction, "DELETE FROM groups WHERE directory_id = $1 RETURNING id", PARAMS(TEXT(id)), error);
    return tell_deleted(transaction, "group", groups) &&
           transaction_run(transaction, "DELETE FROM directories WHERE id = $1", PARAMS(TEXT(id)), error);
}

bool store_directory_delete(Store *store, const StoreActor *actor, const char *id, int64_t expected_version, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) || !user_admins_lock(&transaction, error))
        return false;
    g_autoptr(StoreDirectory) directory = directory_lock(&transaction, id, error);
    if (!directory || !check_version("directory", directory->name, directory->version, expected_version, error) ||
        !check_unused(&transaction, directory, error))
        return false;
    g_autofree char *detail = detail_of("{s:I, s:I}", "users", (json_int_t)directory->users, "groups",
                                        (json_int_t)directory->groups);
    Record record = {.action = "directory.delete",
                     .kind = "directory",
                     .id = id,
                     .name = directory->name,
                     .op = "delete",
                     .detail = detail};
    /* The record comes first: it looks up the name of an actor who goes along. */
    return transaction_record(&transaction, &record, error) && delete_rows(&transaction, id, error) &&
           transaction_commit(&transaction, error);
}
