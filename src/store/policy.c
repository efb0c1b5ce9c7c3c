#include "store/policy.h"

#include <string.h>

#include "base/error.h"
#include "base/id.h"
#include "base/limits.h"
#include "store/rules.h"
#include "store/transaction.h"

static const char *const kinds[] = {"user", "group", "pool", "shows", NULL};
static const char policy_exists[] = "SELECT id FROM policies WHERE id = $1";

/* One row for each of its members, at least one. */
#define POLICY_COLUMNS                                                                                                 \
    "l.id, l.name, l.description, l.enabled, l.settings, l.deny, l.power_plan_id,"                                     \
    " (SELECT a.name FROM plans a WHERE a.id = l.power_plan_id), l.release_plan_id,"                                   \
    " (SELECT a.name FROM plans a WHERE a.id = l.release_plan_id), l.display_plan_id,"                                 \
    " (SELECT a.name FROM plans a WHERE a.id = l.display_plan_id), l.position, l.created_ms, l.updated_ms, l.version," \
    " m.kind, m.object_id, COALESCE(u.name, g.name, p.name, m.object_name),"                                           \
    " CASE WHEN COALESCE(u.name, g.name, p.name) IS NULL THEN 1 ELSE 0 END"
#define POLICY_JOINS                                                                                                   \
    " l LEFT JOIN policy_members m ON m.policy_id = l.id LEFT JOIN users u ON m.kind = 'user' AND u.id = m.object_id"  \
    " LEFT JOIN groups g ON m.kind = 'group' AND g.id = m.object_id"                                                   \
    " LEFT JOIN pools p ON m.kind IN ('pool', 'shows') AND p.id = m.object_id"                                         \
    " ORDER BY l.position, l.id, m.kind, 19"

/* ---- values ---- */

static void member_free(void *data)
{
    StorePolicyMember *member = data;
    g_free(member->id);
    g_free(member->name);
    g_free(member);
}

StorePolicy *store_policy_new(void)
{
    StorePolicy *policy = g_new0(StorePolicy, 1);
    policy->members = g_ptr_array_new_with_free_func(member_free);
    return policy;
}

void store_policy_free(StorePolicy *policy)
{
    if (!policy)
        return;
    g_free(policy->id);
    g_free(policy->name);
    g_free(policy->description);
    g_free(policy->settings);
    g_free(policy->deny);
    g_clear_pointer(&policy->members, g_ptr_array_unref);
    for (int kind = 0; kind < STORE_PLAN_KINDS; kind++) {
        g_free(policy->plan_ids[kind]);
        g_free(policy->plan_names[kind]);
    }
    g_free(policy);
}

static bool has_member(const StorePolicy *policy, StorePolicyKind kind, const char *id)
{
    for (guint i = 0; i < policy->members->len; i++) {
        const StorePolicyMember *member = policy->members->pdata[i];
        if (member->kind == kind && strcmp(member->id, id) == 0)
            return true;
    }
    return false;
}

void store_policy_add(StorePolicy *policy, StorePolicyKind kind, const char *id, const char *name)
{
    if (has_member(policy, kind, id))
        return;
    StorePolicyMember *member = g_new0(StorePolicyMember, 1);
    *member = (StorePolicyMember){kind, g_strdup(id), g_strdup(name), false};
    g_ptr_array_add(policy->members, member);
}

void store_policy_remove(StorePolicy *policy, StorePolicyKind kind)
{
    for (guint i = policy->members->len; i-- > 0;)
        if (((const StorePolicyMember *)policy->members->pdata[i])->kind == kind)
            g_ptr_array_remove_index(policy->members, i);
}

/* ---- reading ---- */

static StorePolicy *policy_read(Reader *reader)
{
    StorePolicy *policy = store_policy_new();
    policy->id = read_string(reader);
    policy->name = read_string(reader);
    policy->description = read_string(reader);
    policy->enabled = read_bool(reader);
    policy->settings = read_string(reader);
    policy->deny = read_text(reader);
    for (int kind = 0; kind < STORE_PLAN_KINDS; kind++) {
        policy->plan_ids[kind] = read_text(reader);
        policy->plan_names[kind] = read_text(reader);
    }
    policy->position = read_number(reader);
    policy->created_ms = read_number(reader);
    policy->updated_ms = read_number(reader);
    policy->version = read_number(reader);
    return policy;
}

enum { MEMBER_COLUMN = 16 };

static void member_read(StorePolicy *policy, const Rows *rows, size_t row)
{
    Reader reader = {rows, row, MEMBER_COLUMN};
    if (!rows_text(rows, row, MEMBER_COLUMN))
        return;
    StorePolicyMember *member = g_new0(StorePolicyMember, 1);
    member->kind = (StorePolicyKind)read_word(&reader, kinds);
    member->id = read_string(&reader);
    member->name = read_string(&reader);
    member->gone = read_bool(&reader);
    g_ptr_array_add(policy->members, member);
}

/* Rows of POLICY_COLUMNS to StorePolicy. Frees rows; NULL where they are. */
static GPtrArray *policies_read(Rows *owned)
{
    g_autoptr(Rows) rows = owned;
    if (!rows)
        return NULL;
    GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)store_policy_free);
    StorePolicy *last = NULL;
    for (size_t row = 0; row < rows->count; row++) {
        if (!last || strcmp(last->id, rows_text(rows, row, 0)) != 0) {
            last = policy_read(&(Reader){rows, row, 0});
            g_ptr_array_add(list, last);
        }
        member_read(last, rows, row);
    }
    return list;
}

static StorePolicy *one_policy(Rows *rows, const char *name, GError **error)
{
    g_autoptr(GPtrArray) list = policies_read(rows);
    if (!list)
        return NULL;
    if (list->len == 0) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "policy \"%s\": there is none", name);
        return NULL;
    }
    return g_ptr_array_steal_index(list, 0);
}

StorePolicy *store_policy_find(Store *store, const char *name_or_id, GError **error)
{
    return one_policy(store_read(store,
                                 "SELECT " POLICY_COLUMNS " FROM (SELECT * FROM policies WHERE id = $1 OR name = $1"
                                 " ORDER BY position LIMIT 1)" POLICY_JOINS,
                                 PARAMS(TEXT(name_or_id)), error),
                      name_or_id, error);
}

GPtrArray *store_policy_list(Store *store, const StorePage *page, char **ret_next, GError **error)
{
    int64_t after = page && page->after ? g_ascii_strtoll(page->after, NULL, 10) : 0;
    int64_t limit = page_limit(page);
    GPtrArray *list = policies_read(store_read(store,
                                               "SELECT " POLICY_COLUMNS " FROM (SELECT * FROM policies WHERE position > $1"
                                               " ORDER BY position LIMIT $2)" POLICY_JOINS,
                                               PARAMS(NUMBER(after), NUMBER(limit)), error));
    if (ret_next)
        *ret_next = NULL;
    if (!list || !page || list->len < limit)
        return list;
    g_ptr_array_set_size(list, (gint)limit - 1);
    if (ret_next)
        *ret_next = g_strdup_printf("%" G_GINT64_FORMAT, ((const StorePolicy *)list->pdata[list->len - 1])->position);
    return list;
}

static StorePolicy *policy_lock(Transaction *transaction, const char *id, GError **error)
{
    return transaction_run(transaction, "SELECT id FROM policies WHERE id = $1 FOR UPDATE", PARAMS(TEXT(id)), error)
               ? one_policy(transaction_query(transaction,
                                              "SELECT " POLICY_COLUMNS " FROM (SELECT * FROM policies WHERE id = $1)" POLICY_JOINS,
                                              PARAMS(TEXT(id)), error),
                            id, error)
               : NULL;
}

/* ---- writing ---- */

static bool write_members(Transaction *transaction, const StorePolicy *policy, const char *id, GError **error)
{
    bool done = transaction_run(transaction, "DELETE FROM policy_members WHERE policy_id = $1", PARAMS(TEXT(id)), error);
    for (guint i = 0; done && i < policy->members->len; i++) {
        const StorePolicyMember *member = policy->members->pdata[i];
        done = transaction_run(transaction,
                               "INSERT INTO policy_members (policy_id, kind, object_id, object_name) VALUES ($1, $2, $3, $4)",
                               PARAMS(TEXT(id), TEXT(word_of(kinds, member->kind)), TEXT(member->id), TEXT(member->name)),
                               error);
    }
    return done;
}

static bool insert_row(Transaction *transaction, const StorePolicy *fields, const char *id, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(Rows) rows =
        transaction_query(transaction, "SELECT COUNT(*), COALESCE(MAX(position), 0) FROM policies", NO_PARAMS, error);
    if (!rows)
        return false;
    if (rows_number(rows, 0, 0) >= LIMIT_POLICIES)
        return oriel_fail(error, ORIEL_ERROR_FULL, "there are %d policies, more are not allowed", LIMIT_POLICIES);
    return transaction_run(transaction,
                           "INSERT INTO policies (id, name, description, position, enabled, settings, deny, power_plan_id,"
                           " release_plan_id, display_plan_id, created_ms, updated_ms)"
                           " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)",
                           PARAMS(TEXT(id), TEXT(fields->name), TEXT(text_or_empty(fields->description)),
                                  NUMBER(rows_number(rows, 0, 1) + 1), NUMBER(fields->enabled), TEXT(fields->settings),
                                  TEXT(fields->deny), TEXT(fields->plan_ids[STORE_PLAN_POWER]),
                                  TEXT(fields->plan_ids[STORE_PLAN_RELEASE]), TEXT(fields->plan_ids[STORE_PLAN_DISPLAY]),
                                  NUMBER(transaction->now_ms)),
                           &failure) ||
           fail_taken(transaction, g_steal_pointer(&failure), "policy", fields->name, error);
}

static Json *members_json(const StorePolicy *policy)
{
    Json *lists = json_object();
    for (guint i = 0; i < policy->members->len; i++) {
        const StorePolicyMember *member = policy->members->pdata[i];
        const char *kind = word_of(kinds, member->kind);
        if (!json_object_get(lists, kind))
            json_object_set_new(lists, kind, json_array());
        json_array_append_new(json_object_get(lists, kind), json_string(member->name));
    }
    return lists;
}

static Json *policy_fields(const StorePolicy *policy)
{
    return json_pack("{s:s, s:s, s:b, s:o, s:s?, s:o, s:s?, s:s?, s:s?}", "name", policy->name, "description",
                     text_or_empty(policy->description), "enabled", policy->enabled, "settings",
                     json_loads(policy->settings, 0, NULL), "deny", policy->deny, "names", members_json(policy),
                     "power_plan", policy->plan_ids[STORE_PLAN_POWER], "release_plan",
                     policy->plan_ids[STORE_PLAN_RELEASE], "display_plan", policy->plan_ids[STORE_PLAN_DISPLAY]);
}

StorePolicy *store_policy_create(Store *store, const StoreActor *actor, const StorePolicy *fields, GError **error)
{
    g_auto(Transaction) transaction = {0};
    g_autofree char *id = id_new();
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) ||
        !insert_row(&transaction, fields, id, error) || !write_members(&transaction, fields, id, error))
        return NULL;
    g_autoptr(StorePolicy) policy = policy_lock(&transaction, id, error);
    g_autoptr(Json) what = policy ? policy_fields(policy) : NULL;
    g_autofree char *detail = what ? json_text(what) : NULL;
    Record record = {.action = "policy.create", .kind = "policy", .id = id, .name = fields->name, .op = "create", .detail = detail};
    if (!policy || !transaction_record(&transaction, &record, error) || !transaction_commit(&transaction, error))
        return NULL;
    return g_steal_pointer(&policy);
}

static bool update_row(Transaction *transaction, const StorePolicy *policy, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(Rows) rows = transaction_query(
        transaction,
        "UPDATE policies SET name = $3, description = $4, enabled = $5, settings = $6, deny = $7, power_plan_id = $8,"
        " release_plan_id = $9, display_plan_id = $10, updated_ms = $11, version = version + 1 WHERE id = $1 AND version = $2",
        PARAMS(TEXT(policy->id), NUMBER(policy->version), TEXT(policy->name), TEXT(text_or_empty(policy->description)),
               NUMBER(policy->enabled), TEXT(policy->settings), TEXT(policy->deny), TEXT(policy->plan_ids[STORE_PLAN_POWER]),
               TEXT(policy->plan_ids[STORE_PLAN_RELEASE]), TEXT(policy->plan_ids[STORE_PLAN_DISPLAY]),
               NUMBER(transaction->now_ms)),
        &failure);
    if (!rows)
        return fail_taken(transaction, g_steal_pointer(&failure), "policy", policy->name, error);
    return rows->affected == 1 || fail_missed(transaction, policy_exists, &(Missed){"policy", policy->name, policy->id}, error);
}

bool store_policy_update(Store *store, const StoreActor *actor, StorePolicy *policy, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StorePolicy) old = policy_lock(&transaction, policy->id, error);
    if (!old || !update_row(&transaction, policy, error) || !write_members(&transaction, policy, policy->id, error))
        return false;
    const Record record = {.action = "policy.update", .kind = "policy", .id = policy->id, .name = policy->name};
    int64_t now_ms = transaction.now_ms;
    if (!record_changes(&transaction, record, policy_fields(old), policy_fields(policy), error) ||
        !transaction_commit(&transaction, error))
        return false;
    policy->version++;
    policy->updated_ms = now_ms;
    return true;
}

bool store_policy_delete(Store *store, const StoreActor *actor, const char *id, int64_t expected_version, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StorePolicy) policy = policy_lock(&transaction, id, error);
    if (!policy || !check_version("policy", policy->name, policy->version, expected_version, error))
        return false;
    Record record = {.action = "policy.delete", .kind = "policy", .id = id, .name = policy->name, .op = "delete"};
    return transaction_run(&transaction, "DELETE FROM policies WHERE id = $1", PARAMS(TEXT(id)), error) &&
           transaction_record(&transaction, &record, error) && transaction_commit(&transaction, error);
}

/* Whether the list names all rows, each once. */
static bool is_all(const Rows *rows, const char *const *ids)
{
    g_autoptr(GHashTable) named = g_hash_table_new(g_str_hash, g_str_equal);
    for (size_t i = 0; ids[i]; i++)
        if (!g_hash_table_add(named, (char *)ids[i]))
            return false;
    for (size_t row = 0; row < rows->count; row++)
        if (!g_hash_table_contains(named, rows_text(rows, row, 0)))
            return false;
    return rows->count == g_hash_table_size(named);
}

bool store_policy_order(Store *store, const StoreActor *actor, const char *const *ids, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(Rows) rows = transaction_query(&transaction, "SELECT id FROM policies ORDER BY id FOR UPDATE", NO_PARAMS, error);
    if (!rows)
        return false;
    if (!is_all(rows, ids))
        return oriel_fail(error, ORIEL_ERROR_CONFLICT,
                          "policies: their order must name all that there are, each once; somebody has changed them meanwhile?");
    g_autoptr(Json) order = json_array();
    for (size_t i = 0; ids[i]; i++) {
        if (!transaction_run(&transaction, "UPDATE policies SET position = $2 WHERE id = $1", PARAMS(TEXT(ids[i]), NUMBER(i + 1)),
                             error))
            return false;
        json_array_append_new(order, json_string(ids[i]));
    }
    g_autofree char *detail = detail_of("{s:O}", "order", order);
    Record record = {.action = "policy.order", .kind = "policy", .id = rows->count ? ids[0] : "", .name = "", .op = "update", .detail = detail};
    return transaction_record(&transaction, &record, error) && transaction_commit(&transaction, error);
}
