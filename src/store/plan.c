#include "store/plan.h"

#include "base/error.h"
#include "base/id.h"
#include "base/limits.h"
#include "store/rules.h"
#include "store/transaction.h"

#define PLAN_COLUMNS                                                                                         \
    "l.id, l.name, l.description, l.kind, l.settings,"                                                       \
    " (SELECT COUNT(*) FROM pools p WHERE l.id IN (p.power_plan_id, p.release_plan_id, p.display_plan_id)),"  \
    " l.created_ms, l.updated_ms, l.version"

static const char *const kinds[] = {"power", "release", "display", NULL};
static const char plan_exists[] = "SELECT id FROM plans WHERE id = $1";

const char *store_plan_kind_word(StorePlanKind kind)
{
    return word_of(kinds, (int)kind);
}

bool store_plan_kind_parse(const char *word, StorePlanKind *ret)
{
    int value = 0;
    if (!word_parse(kinds, word, &value))
        return false;
    *ret = (StorePlanKind)value;
    return true;
}

void store_plan_free(StorePlan *plan)
{
    if (!plan)
        return;
    g_free(plan->id);
    g_free(plan->name);
    g_free(plan->description);
    g_free(plan->settings);
    g_free(plan);
}

static gpointer plan_read(Reader *reader)
{
    StorePlan *plan = g_new0(StorePlan, 1);
    plan->id = read_string(reader);
    plan->name = read_string(reader);
    plan->description = read_string(reader);
    plan->kind = (StorePlanKind)read_word(reader, kinds);
    plan->settings = read_string(reader);
    plan->pools = (uint64_t)read_number(reader);
    plan->created_ms = read_number(reader);
    plan->updated_ms = read_number(reader);
    plan->version = read_number(reader);
    return plan;
}

static StorePlan *one_plan(Rows *owned, const char *name, GError **error)
{
    g_autoptr(Rows) rows = owned;
    if (!rows)
        return NULL;
    if (rows->count == 0) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "plan \"%s\": there is none", name);
        return NULL;
    }
    return plan_read(&(Reader){rows, 0, 0});
}

static StorePlan *plan_lock(Transaction *transaction, const char *id, GError **error)
{
    return one_plan(transaction_query(transaction, "SELECT " PLAN_COLUMNS " FROM plans l WHERE l.id = $1 FOR UPDATE",
                                      PARAMS(TEXT(id)), error),
                    id, error);
}

static bool insert_row(Transaction *transaction, const StorePlan *fields, const char *id, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(Rows) rows = transaction_query(transaction, "SELECT COUNT(*) FROM plans", NO_PARAMS, error);
    if (!rows)
        return false;
    if (rows_number(rows, 0, 0) >= LIMIT_PLANS)
        return oriel_fail(error, ORIEL_ERROR_FULL, "there are %d plans, more are not allowed", LIMIT_PLANS);
    return transaction_run(transaction,
                           "INSERT INTO plans (id, name, description, kind, settings, created_ms, updated_ms)"
                           " VALUES ($1, $2, $3, $4, $5, $6, $6)",
                           PARAMS(TEXT(id), TEXT(fields->name), TEXT(text_or_empty(fields->description)),
                                  TEXT(store_plan_kind_word(fields->kind)), TEXT(fields->settings),
                                  NUMBER(transaction->now_ms)),
                           &failure) ||
           fail_taken(transaction, g_steal_pointer(&failure), "plan", fields->name, error);
}

static Json *plan_fields(const StorePlan *plan)
{
    return json_pack("{s:s, s:s, s:o}", "name", plan->name, "description", text_or_empty(plan->description), "settings",
                     json_loads(plan->settings, 0, NULL));
}

StorePlan *store_plan_create(Store *store, const StoreActor *actor, const StorePlan *fields, GError **error)
{
    g_auto(Transaction) transaction = {0};
    g_autofree char *id = id_new();
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) ||
        !insert_row(&transaction, fields, id, error))
        return NULL;
    g_autoptr(StorePlan) plan = plan_lock(&transaction, id, error);
    g_autofree char *detail = plan ? detail_of("{s:s, s:o}", "kind", store_plan_kind_word(plan->kind), "settings",
                                               json_loads(plan->settings, 0, NULL))
                                   : NULL;
    Record record = {.action = "plan.create",
                     .kind = "plan",
                     .id = id,
                     .name = fields->name,
                     .op = "create",
                     .detail = detail};
    if (!plan || !transaction_record(&transaction, &record, error) || !transaction_commit(&transaction, error))
        return NULL;
    return g_steal_pointer(&plan);
}

StorePlan *store_plan_find(Store *store, const char *name_or_id, GError **error)
{
    return one_plan(store_read(store, "SELECT " PLAN_COLUMNS " FROM plans l WHERE l.id = $1 OR l.name = $1",
                               PARAMS(TEXT(name_or_id)), error),
                    name_or_id, error);
}

GPtrArray *store_plan_list(Store *store, const StorePage *page, char **ret_next, GError **error)
{
    List list = {page, plan_read, (GDestroyNotify)store_plan_free, 1};
    return list_of(store_read(store, "SELECT " PLAN_COLUMNS " FROM plans l WHERE l.name > $1 ORDER BY l.name LIMIT $2",
                              PARAMS(TEXT(page_after(page)), NUMBER(page_limit(page))), error),
                   &list, ret_next);
}

static bool update_row(Transaction *transaction, const StorePlan *plan, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(Rows) rows = transaction_query(
        transaction,
        "UPDATE plans SET name = $3, description = $4, settings = $5, updated_ms = $6, version = version + 1"
        " WHERE id = $1 AND version = $2",
        PARAMS(TEXT(plan->id), NUMBER(plan->version), TEXT(plan->name), TEXT(text_or_empty(plan->description)),
               TEXT(plan->settings), NUMBER(transaction->now_ms)),
        &failure);
    if (!rows)
        return fail_taken(transaction, g_steal_pointer(&failure), "plan", plan->name, error);
    return rows->affected == 1 || fail_missed(transaction, plan_exists, &(Missed){"plan", plan->name, plan->id}, error);
}

bool store_plan_update(Store *store, const StoreActor *actor, StorePlan *plan, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StorePlan) old = plan_lock(&transaction, plan->id, error);
    if (!old || !update_row(&transaction, plan, error))
        return false;
    const Record record = {.action = "plan.update", .kind = "plan", .id = plan->id, .name = plan->name};
    int64_t now_ms = transaction.now_ms;
    if (!record_changes(&transaction, record, plan_fields(old), plan_fields(plan), error) ||
        !transaction_commit(&transaction, error))
        return false;
    plan->version++;
    plan->updated_ms = now_ms;
    return true;
}

static bool check_unused(Transaction *transaction, const StorePlan *plan, GError **error)
{
    g_autoptr(Rows) rows =
        transaction_query(transaction,
                          "SELECT p.name FROM pools p WHERE p.power_plan_id = $1 OR p.release_plan_id = $1"
                          " OR p.display_plan_id = $1 ORDER BY p.name LIMIT 1",
                          PARAMS(TEXT(plan->id)), error);
    if (!rows || rows->count > 0)
        return rows && oriel_fail(error, ORIEL_ERROR_CONFLICT, "plan \"%s\": pool \"%s\" uses it; give that another one first",
                                  plan->name, rows_text(rows, 0, 0));
    g_autoptr(Rows) policies =
        transaction_query(transaction,
                          "SELECT y.name FROM policies y WHERE y.power_plan_id = $1 OR y.release_plan_id = $1"
                          " OR y.display_plan_id = $1 ORDER BY y.position LIMIT 1",
                          PARAMS(TEXT(plan->id)), error);
    return policies && (policies->count == 0 ||
                        oriel_fail(error, ORIEL_ERROR_CONFLICT,
                                   "plan \"%s\": policy \"%s\" chooses it; give that another one first", plan->name,
                                   rows_text(policies, 0, 0)));
}

bool store_plan_delete(Store *store, const StoreActor *actor, const char *id, int64_t expected_version, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StorePlan) plan = plan_lock(&transaction, id, error);
    if (!plan || !check_version("plan", plan->name, plan->version, expected_version, error) ||
        !check_unused(&transaction, plan, error))
        return false;
    Record record = {.action = "plan.delete", .kind = "plan", .id = id, .name = plan->name, .op = "delete"};
    return transaction_run(&transaction, "DELETE FROM plans WHERE id = $1", PARAMS(TEXT(id)), error) &&
           transaction_record(&transaction, &record, error) && transaction_commit(&transaction, error);
}
