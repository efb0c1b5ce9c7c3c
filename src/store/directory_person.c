/* People and groups that came from a directory. */
#include <string.h>

#include "base/error.h"
#include "base/id.h"
#include "store/directory.h"
#include "store/group_internal.h"
#include "store/rules.h"
#include "store/transaction.h"

/* ---- the user ---- */

typedef struct {
    char *id;
    char *name;
    char *display_name;
    char *email;
} Known;

static void known_clear(Known *known)
{
    g_free(known->id);
    g_free(known->name);
    g_free(known->display_name);
    g_free(known->email);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Known, known_clear)

static bool known_lock(Transaction *transaction, const StorePerson *person, Known *ret, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(
        transaction,
        "SELECT id, name, display_name, email FROM users WHERE directory_id = $1 AND external_id = $2 FOR UPDATE",
        PARAMS(TEXT(person->directory_id), TEXT(person->external_id)), error);
    if (!rows)
        return false;
    if (rows->count) {
        Reader reader = {rows, 0, 0};
        ret->id = read_string(&reader);
        ret->name = read_string(&reader);
        ret->display_name = read_string(&reader);
        ret->email = read_string(&reader);
    }
    return true;
}

/* Nobody else may have the name: neither Oriel's own user, nor somebody of another directory, nor somebody who had it there
 * before and is somebody else. */
static bool check_name_free(Transaction *transaction, const StorePerson *person, const char *own_id, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(
        transaction,
        "SELECT (SELECT r.name FROM directories r WHERE r.id = u.directory_id),"
        " CASE WHEN u.directory_id = $2 THEN 1 ELSE 0 END FROM users u WHERE u.name = $1 AND u.id <> $3",
        PARAMS(TEXT(person->name), TEXT(person->directory_id), TEXT(text_or_empty(own_id))), error);
    if (!rows || rows->count == 0)
        return rows != NULL;
    const char *directory = rows_text(rows, 0, 0);
    if (rows_number(rows, 0, 1))
        return oriel_fail(error, ORIEL_ERROR_CONFLICT,
                          "user \"%s\": somebody else had this name in the directory before; an administrator must delete that "
                          "user first",
                          person->name);
    if (directory)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "user \"%s\": directory \"%s\" has a user of this name, too", person->name,
                          directory);
    return oriel_fail(error, ORIEL_ERROR_CONFLICT,
                      "user \"%s\": Oriel has a user of its own of this name; an administrator must delete that one, or give the "
                      "one in the directory another name",
                      person->name);
}

static bool person_insert(Transaction *transaction, const StorePerson *person, const char *id, GError **error)
{
    g_autoptr(GError) failure = NULL;
    return transaction_run(transaction,
                           "INSERT INTO users (id, name, display_name, email, roles, enabled, created_ms, updated_ms,"
                           " directory_id, external_id) VALUES ($1, $2, $3, $4, $5, 1, $6, $6, $7, $8)",
                           PARAMS(TEXT(id), TEXT(person->name), TEXT(text_or_empty(person->display_name)),
                                  TEXT(text_or_empty(person->email)), TEXT(person->roles), NUMBER(transaction->now_ms),
                                  TEXT(person->directory_id), TEXT(person->external_id)),
                           &failure) ||
           fail_taken(transaction, g_steal_pointer(&failure), "user", person->name, error);
}

static bool person_create(Transaction *transaction, const StorePerson *person, const char *id, GError **error)
{
    if (!person->allow_create)
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN,
                          "user \"%s\": is not known to Oriel, and this directory makes no new users; ask an administrator",
                          person->name);
    g_autofree char *detail = detail_of("{s:s, s:s}", "directory", person->directory_id, "external_id", person->external_id);
    Record record = {.action = "user.create",
                     .kind = "user",
                     .id = id,
                     .name = person->name,
                     .op = "create",
                     .user_id = id,
                     .detail = detail};
    return check_exists(transaction, "SELECT id FROM directories WHERE id = $1", "directory", person->directory_id, error) &&
           check_name_free(transaction, person, NULL, error) && person_insert(transaction, person, id, error) &&
           transaction_record(transaction, &record, error);
}

static Json *person_fields(const char *name, const char *display_name, const char *email)
{
    return json_pack("{s:s, s:s, s:s}", "name", name, "display_name", text_or_empty(display_name), "email", text_or_empty(email));
}

static bool person_refresh(Transaction *transaction, const StorePerson *person, const Known *known, GError **error)
{
    g_autoptr(GError) failure = NULL;
    if (strcmp(known->name, person->name) == 0 && strcmp(known->display_name, text_or_empty(person->display_name)) == 0 &&
        strcmp(known->email, text_or_empty(person->email)) == 0)
        return true;
    const Record record = {
        .action = "user.update", .kind = "user", .id = known->id, .name = person->name, .user_id = known->id};
    if (!check_name_free(transaction, person, known->id, error))
        return false;
    if (!transaction_run(transaction,
                         "UPDATE users SET name = $2, display_name = $3, email = $4, updated_ms = $5, version = version + 1"
                         " WHERE id = $1",
                         PARAMS(TEXT(known->id), TEXT(person->name), TEXT(text_or_empty(person->display_name)),
                                TEXT(text_or_empty(person->email)), NUMBER(transaction->now_ms)),
                         &failure))
        return fail_taken(transaction, g_steal_pointer(&failure), "user", person->name, error);
    return record_changes(transaction, record, person_fields(known->name, known->display_name, known->email),
                          person_fields(person->name, person->display_name, person->email), error);
}

StoreUser *store_person_user(Store *store, const StoreActor *actor, const StorePerson *person, GError **error)
{
    g_auto(Transaction) transaction = {0};
    g_auto(Known) known = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) ||
        !known_lock(&transaction, person, &known, error))
        return NULL;
    g_autofree char *id = known.id ? g_strdup(known.id) : id_new();
    if (!(known.id ? person_refresh(&transaction, person, &known, error) : person_create(&transaction, person, id, error)) ||
        !transaction_commit(&transaction, error))
        return NULL;
    return store_user_find(store, id, error);
}

/* ---- their groups ---- */

static bool membership_add(Transaction *transaction, const StorePersonGroups *groups, const char *group_id, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(
        transaction,
        "INSERT INTO group_members (group_id, user_id, from_directory) VALUES ($1, $2, 1) ON CONFLICT DO NOTHING",
        PARAMS(TEXT(group_id), TEXT(groups->user_id)), error);
    return rows && (rows->affected == 0 ||
                    membership_record(transaction, &(Membership){"group.member.add", group_id, groups->user_id}, error));
}

static bool membership_end(Transaction *transaction, const StorePersonGroups *groups, const char *group_id, GError **error)
{
    return transaction_run(transaction, "DELETE FROM group_members WHERE group_id = $1 AND user_id = $2 AND from_directory = 1",
                           PARAMS(TEXT(group_id), TEXT(groups->user_id)), error) &&
           membership_record(transaction, &(Membership){"group.member.remove", group_id, groups->user_id}, error);
}

/* id, external id, whether the directory made the user a member; in the order of ids, so that two log-ins lock alike. */
static Rows *groups_of(Transaction *transaction, const StorePersonGroups *groups, GError **error)
{
    return transaction_query(transaction,
                             "SELECT g.id, g.external_id, CASE WHEN EXISTS (SELECT 1 FROM group_members m WHERE m.group_id = g.id"
                             " AND m.user_id = $2 AND m.from_directory = 1) THEN 1 ELSE 0 END FROM groups g"
                             " WHERE g.directory_id = $1 ORDER BY g.id",
                             PARAMS(TEXT(groups->directory_id), TEXT(groups->user_id)), error);
}

bool store_person_groups_set(Store *store, const StoreActor *actor, const StorePersonGroups *groups, char ***ret_lost,
                             GError **error)
{
    g_auto(Transaction) transaction = {0};
    g_autoptr(GHashTable) wanted = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) lost = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; groups->external_ids[i]; i++)
        g_hash_table_add(wanted, (char *)groups->external_ids[i]);
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) ||
        !check_exists(&transaction, "SELECT id FROM users WHERE id = $1", "user", groups->user_id, error))
        return false;
    g_autoptr(Rows) rows = groups_of(&transaction, groups, error);
    bool done = rows != NULL;
    for (size_t i = 0; done && i < rows->count; i++) {
        const char *id = rows_text(rows, i, 0), *external_id = rows_text(rows, i, 1);
        bool is = rows_number(rows, i, 2), shall = external_id && g_hash_table_contains(wanted, external_id);
        if (shall && !is)
            done = membership_add(&transaction, groups, id, error);
        if (is && !shall) {
            done = membership_end(&transaction, groups, id, error);
            g_ptr_array_add(lost, g_strdup(external_id));
        }
    }
    if (!done || !transaction_commit(&transaction, error))
        return false;
    g_ptr_array_add(lost, NULL);
    if (ret_lost)
        *ret_lost = (char **)g_ptr_array_free(g_steal_pointer(&lost), FALSE);
    return true;
}

bool store_group_missing_set(Store *store, const char *group_id, bool missing, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error))
        return false;
    g_autoptr(Rows) rows = transaction_query(
        &transaction,
        "UPDATE groups SET missing_ms = $2, updated_ms = $3, version = version + 1 WHERE id = $1"
        " AND (missing_ms > 0) <> ($2 > 0) RETURNING name",
        PARAMS(TEXT(group_id), NUMBER(missing ? transaction.now_ms : 0), NUMBER(transaction.now_ms)), error);
    if (!rows || rows->count == 0)
        return rows != NULL;
    Record record = {.action = missing ? "group.missing" : "group.found",
                     .kind = "group",
                     .id = group_id,
                     .name = rows_text(rows, 0, 0),
                     .op = "update"};
    return transaction_record(&transaction, &record, error) && transaction_commit(&transaction, error);
}

/* ---- passwords ---- */

char *store_directory_password_get(Store *store, const char *user_id, int64_t since_ms, GError **error)
{
    g_autoptr(Rows) rows =
        store_read(store, "SELECT hash FROM directory_passwords WHERE user_id = $1 AND verified_ms >= $2",
                   PARAMS(TEXT(user_id), NUMBER(since_ms)), error);
    return rows && rows->count ? g_strdup(rows_text(rows, 0, 0)) : NULL;
}

bool store_directory_password_set(Store *store, const char *user_id, const char *hash, GError **error)
{
    g_auto(Transaction) transaction = {0};
    return transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error) &&
           transaction_run(&transaction,
                           "INSERT INTO directory_passwords (user_id, hash, verified_ms) VALUES ($1, $2, $3)"
                           " ON CONFLICT (user_id) DO UPDATE SET hash = $2, verified_ms = $3",
                           PARAMS(TEXT(user_id), TEXT(hash), NUMBER(transaction.now_ms)), error) &&
           transaction_commit(&transaction, error);
}

bool store_directory_password_forget(Store *store, const char *user_id, GError **error)
{
    g_auto(Transaction) transaction = {0};
    return transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error) &&
           transaction_run(&transaction, "DELETE FROM directory_passwords WHERE user_id = $1", PARAMS(TEXT(user_id)), error) &&
           transaction_commit(&transaction, error);
}

/* ---- who is there ---- */

static gpointer id_read(Reader *reader)
{
    return read_string(reader);
}

GPtrArray *store_directory_people_open(Store *store, uint64_t most, GError **error)
{
    List list = {NULL, id_read, g_free, 0};
    return list_of(store_read(store,
                              "SELECT u.id FROM users u JOIN directories d ON d.id = u.directory_id"
                              " WHERE d.kind = 'ldap' AND d.enabled = 1 AND u.enabled = 1 AND"
                              " (u.id IN (SELECT w.user_id FROM web_sessions w) OR u.id IN (SELECT x.user_id FROM displays x))"
                              " ORDER BY u.id LIMIT $1",
                              PARAMS(NUMBER((int64_t)most)), error),
                   &list, NULL);
}

/* ---- who has left ---- */

/* Ends what "DELETE … RETURNING id" gave back, for the watchers. */
static bool tell_ended(Transaction *transaction, const Rows *rows, const char *kind, const char *user_id)
{
    for (size_t i = 0; rows && i < rows->count; i++)
        transaction_change(transaction, kind, rows_text(rows, i, 0), "delete", user_id);
    return rows != NULL;
}

bool store_person_left(Store *store, const StoreActor *actor, const char *user_id, const char *why, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(Rows) user = transaction_query(&transaction, "SELECT name FROM users WHERE id = $1 FOR UPDATE", PARAMS(TEXT(user_id)), error);
    if (!user || user->count == 0)
        return user != NULL;
    g_autoptr(Rows) logins =
        transaction_query(&transaction, "DELETE FROM web_sessions WHERE user_id = $1 RETURNING id", PARAMS(TEXT(user_id)), error);
    g_autoptr(Rows) tokens =
        logins ? transaction_query(&transaction, "DELETE FROM tokens WHERE user_id = $1 RETURNING id", PARAMS(TEXT(user_id)), error) : NULL;
    g_autoptr(Rows) kept = tokens ? transaction_query(&transaction, "DELETE FROM directory_passwords WHERE user_id = $1 RETURNING user_id",
                                                      PARAMS(TEXT(user_id)), error)
                                  : NULL;
    if (!tell_ended(&transaction, logins, "login", user_id) || !tell_ended(&transaction, tokens, "token", user_id) || !kept)
        return false;
    if (logins->count + tokens->count + kept->count == 0)
        return true;
    g_autofree char *detail =
        detail_of("{s:s, s:I, s:I}", "why", why, "logins", (json_int_t)logins->count, "tokens", (json_int_t)tokens->count);
    Record record = {.action = "user.left-directory", .kind = "user", .id = user_id, .name = rows_text(user, 0, 0), .op = "update", .detail = detail};
    return transaction_record(&transaction, &record, error) && transaction_commit(&transaction, error);
}
