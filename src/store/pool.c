#include "store/pool.h"

#include "base/error.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/naming.h"
#include "store/desktop_internal.h"
#include "store/rules.h"
#include "store/transaction.h"

#define COUNT_DESKTOPS(condition)                                                                            \
    " (SELECT COUNT(*) FROM desktops d WHERE d.pool_id = p.id AND d.desired <> 'deleted'" condition ")"

/* clang-format off */
#define POOL_FIELDS                                                                                          \
    "p.id, p.name, p.display_name, p.description, p.type, p.image_id, p.image_version_id, p.size, p.spares," \
    " p.memory_bytes, p.vcpus, p.refresh_on_log_off, p.enabled, p.maintenance, p.provisioning, p.assignment,"  \
    " p.users_a_desktop, p.minimum, p.naming, p.application, p.self_service, p.draining,"  \
    " p.home, p.home_bytes, p.sessions_a_user, p.seats,"                                                                                 \
    " (SELECT i.name FROM images i WHERE i.id = p.image_id),"                                                \
    " (SELECT v.number FROM image_versions v WHERE v.id = p.image_version_id), p.deleting,"                  \
    " CASE WHEN p.icon = '' THEN 0 ELSE 1 END, p.created_ms,"                                                 \
    " p.updated_ms, p.version, p.power_plan_id, p.release_plan_id, p.display_plan_id,"                     \
    " (SELECT l.name FROM plans l WHERE l.id = p.power_plan_id),"                                             \
    " (SELECT l.name FROM plans l WHERE l.id = p.release_plan_id),"                                           \
    " (SELECT l.name FROM plans l WHERE l.id = p.display_plan_id)"
#define POOL_COLUMNS                                                                                         \
    POOL_FIELDS "," COUNT_DESKTOPS(" AND d.seat_of IS NULL") "," COUNT_DESKTOPS(" AND d.seat_of IS NULL AND d.observed = 'running'") ","                                 \
    COUNT_DESKTOPS(" AND d.user_id IS NOT NULL") "," COUNT_DESKTOPS(                                         \
        " AND d.user_id IS NULL AND d.observed = 'running' AND d.desired = 'running' AND d.agent = 'ready'"  \
        " AND d.maintenance = 0 AND d.generation = d.observed_generation AND d.seats = 0") ","                                                       \
    " (SELECT COUNT(*) FROM sessions s WHERE s.pool_id = p.id AND s.state <> 'ended')"
/* clang-format on */

static const char *const types[] = {"floating", "dedicated", "manual", NULL};
static const char *const provisionings[] = {"instant", "linked", "full", NULL};
static const char *const assignments[] = {"automatic", "manual", NULL};

const char *store_pool_type_word(StorePoolType type)
{
    return word_of(types, (int)type);
}

bool store_pool_type_parse(const char *word, StorePoolType *ret)
{
    int value = 0;
    if (!word_parse(types, word, &value))
        return false;
    *ret = (StorePoolType)value;
    return true;
}

const char *store_provisioning_word(StoreProvisioning provisioning)
{
    return word_of(provisionings, (int)provisioning);
}

bool store_provisioning_parse(const char *word, StoreProvisioning *ret)
{
    int value = 0;
    if (!word_parse(provisionings, word, &value))
        return false;
    *ret = (StoreProvisioning)value;
    return true;
}

void store_pool_free(StorePool *pool)
{
    if (!pool)
        return;
    g_free(pool->id);
    g_free(pool->name);
    g_free(pool->display_name);
    g_free(pool->description);
    g_free(pool->image_id);
    g_free(pool->image_version_id);
    g_free(pool->naming);
    g_free(pool->application);
    g_free(pool->self_service);
    g_free(pool->home);
    g_free(pool->image_name);
    for (int kind = 0; kind < STORE_PLAN_KINDS; kind++) {
        g_free(pool->plan_ids[kind]);
        g_free(pool->plan_names[kind]);
    }
    g_free(pool);
}

static gpointer pool_read_fields(Reader *reader)
{
    StorePool *pool = g_new0(StorePool, 1);
    pool->id = read_string(reader);
    pool->name = read_string(reader);
    pool->display_name = read_string(reader);
    pool->description = read_string(reader);
    pool->type = (StorePoolType)read_word(reader, types);
    pool->image_id = read_text(reader);
    pool->image_version_id = read_text(reader);
    pool->size = (uint64_t)read_number(reader);
    pool->spares = (uint64_t)read_number(reader);
    pool->memory_bytes = (uint64_t)read_number(reader);
    pool->vcpus = (uint64_t)read_number(reader);
    pool->refresh_on_log_off = read_bool(reader);
    pool->enabled = read_bool(reader);
    pool->maintenance = read_bool(reader);
    pool->provisioning = (StoreProvisioning)read_word(reader, provisionings);
    pool->assign_by_hand = read_word(reader, assignments) == 1;
    pool->users_a_desktop = (uint64_t)read_number(reader);
    pool->minimum = (uint64_t)read_number(reader);
    pool->naming = read_string(reader);
    pool->application = read_string(reader);
    pool->self_service = read_string(reader);
    pool->draining = read_bool(reader);
    pool->home = read_string(reader);
    pool->home_bytes = (uint64_t)read_number(reader);
    pool->sessions_a_user = (uint64_t)read_number(reader);
    pool->seats = (uint64_t)read_number(reader);
    pool->image_name = read_text(reader);
    pool->image_version_number = read_number(reader);
    pool->deleting = read_bool(reader);
    pool->has_icon = read_bool(reader);
    pool->created_ms = read_number(reader);
    pool->updated_ms = read_number(reader);
    pool->version = read_number(reader);
    for (int kind = 0; kind < STORE_PLAN_KINDS; kind++)
        pool->plan_ids[kind] = read_text(reader);
    for (int kind = 0; kind < STORE_PLAN_KINDS; kind++)
        pool->plan_names[kind] = read_text(reader);
    return pool;
}

static gpointer pool_read(Reader *reader)
{
    StorePool *pool = pool_read_fields(reader);
    pool->desktops = (uint64_t)read_number(reader);
    pool->desktops_running = (uint64_t)read_number(reader);
    pool->desktops_assigned = (uint64_t)read_number(reader);
    pool->desktops_free = (uint64_t)read_number(reader);
    pool->sessions = (uint64_t)read_number(reader);
    return pool;
}

static StorePool *one_pool(Rows *owned, gpointer (*read)(Reader *reader), const char *name, GError **error)
{
    g_autoptr(Rows) rows = owned;
    if (!rows)
        return NULL;
    if (rows->count == 0) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "pool \"%s\": there is none", name);
        return NULL;
    }
    return read(&(Reader){rows, 0, 0});
}

static bool check_numbers(const StorePool *pool, GError **error)
{
    if (pool->size == 0 || pool->size > LIMIT_DESKTOPS_POOL)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "pool \"%s\": size must be 1 to %d", pool->name,
                          LIMIT_DESKTOPS_POOL);
    if (pool->spares > pool->size * MAX(pool->seats, 1))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "pool \"%s\": spares must not be more than %s",
                          pool->name, pool->seats ? "the seats of its machines" : "its size");
    if (pool->minimum > pool->size)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "pool \"%s\": its minimum must not be more than its size",
                          pool->name);
    if (pool->sessions_a_user > (pool->type == STORE_POOL_FLOATING ? LIMIT_SESSIONS_USER : 1))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "pool \"%s\": desktops a person must be 1 to %d, and 1 unless it is floating",
                          pool->name, LIMIT_SESSIONS_USER);
    if (pool->type == STORE_POOL_MANUAL)
        return true;
    if (pool->memory_bytes == 0 || pool->memory_bytes > INT64_MAX || pool->vcpus == 0 || pool->vcpus > 1024)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "pool \"%s\": memory and processors must not be 0 or endless", pool->name);
    return true;
}

/* What belongs to one person's own machine has no place on one that several share. */
static bool check_seats(const StorePool *pool, GError **error)
{
    if (!pool->seats)
        return true;
    if (pool->seats > LIMIT_SEATS)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "pool \"%s\": a machine has 1 to %d seats", pool->name, LIMIT_SEATS);
    if (pool->type != STORE_POOL_FLOATING)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "pool \"%s\": only shared pools have seats", pool->name);
    if (pool->home && *pool->home)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "pool \"%s\": people have no user disk on machines that they share; leave its home empty", pool->name);
    if (pool->sessions_a_user > 1)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "pool \"%s\": a person has one seat in a shared pool", pool->name);
    if (pool->application && *pool->application)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "pool \"%s\": one program in place of a desktop is for machines of one person; leave its application empty",
                          pool->name);
    if (pool->self_service && *pool->self_service)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "pool \"%s\": nobody may restart, reset or refresh a machine that others work on; leave self service empty",
                          pool->name);
    return true;
}

static const char *naming_of(const StorePool *pool)
{
    return pool->naming ? pool->naming : NAMING_DEFAULT;
}

static bool check_fields(const StorePool *pool, GError **error)
{
    if (!pool->image_id != (pool->type == STORE_POOL_MANUAL))
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          pool->image_id ? "pool \"%s\": machines of a manual pool have no image"
                                         : "pool \"%s\": an image is needed",
                          pool->name);
    return check_numbers(pool, error) && check_seats(pool, error) && naming_check(naming_of(pool), pool->name, LIMIT_DESKTOPS_POOL, error);
}

/* The lock on the image keeps it from being deleted between this check and our commit. */
static bool check_image(Transaction *transaction, const StorePool *pool, GError **error)
{
    if (!pool->image_id)
        return true;
    g_autoptr(Rows) rows = transaction_query(
        transaction,
        "SELECT (SELECT COUNT(*) FROM image_versions WHERE id = $2 AND image_id = $1 AND state <> 'deleting')"
        " FROM images WHERE id = $1 FOR UPDATE",
        PARAMS(TEXT(pool->image_id), TEXT(pool->image_version_id)), error);
    if (!rows)
        return false;
    if (rows->count == 0)
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "pool \"%s\": there is no image \"%s\"", pool->name,
                          text_or_empty(pool->image_id));
    return !pool->image_version_id || rows_number(rows, 0, 0) == 1 ||
           oriel_fail(error, ORIEL_ERROR_INVALID, "pool \"%s\": its image has no version \"%s\"", pool->name,
                      pool->image_version_id);
}

static bool check_count(Transaction *transaction, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(transaction, "SELECT COUNT(*) FROM pools", NO_PARAMS, error);
    return rows &&
           (rows_number(rows, 0, 0) < LIMIT_POOLS ||
            oriel_fail(error, ORIEL_ERROR_FULL, "there are %d pools, more are not allowed", LIMIT_POOLS));
}

#define POOL_PARAMS(pool)                                                                                    \
    TEXT((pool)->name), TEXT(text_or_empty((pool)->display_name)), TEXT(text_or_empty((pool)->description)), \
        TEXT(store_pool_type_word((pool)->type)), TEXT((pool)->image_id), TEXT((pool)->image_version_id),    \
        NUMBER((pool)->size), NUMBER((pool)->spares), NUMBER((pool)->memory_bytes), NUMBER((pool)->vcpus),   \
        NUMBER((pool)->refresh_on_log_off), NUMBER((pool)->enabled), NUMBER((pool)->maintenance),            \
         TEXT(store_provisioning_word((pool)->provisioning)), TEXT(assignments[(pool)->assign_by_hand]),      \
         NUMBER(MAX((pool)->users_a_desktop, 1)), NUMBER((pool)->minimum), TEXT(naming_of(pool)),             \
         TEXT(text_or_empty((pool)->application)), NUMBER((pool)->draining), TEXT((pool)->plan_ids[0]),       \
         TEXT((pool)->plan_ids[1]), TEXT((pool)->plan_ids[2]), TEXT(text_or_empty((pool)->self_service)), \
         TEXT(text_or_empty((pool)->home)), NUMBER((pool)->home_bytes), NUMBER(MAX((pool)->sessions_a_user, 1)), NUMBER((pool)->seats)

static bool insert_row(Transaction *transaction, const StorePool *fields, const char *id, GError **error)
{
    g_autoptr(GError) failure = NULL;
    return transaction_run(
               transaction,
               "INSERT INTO pools (id, created_ms, updated_ms, name, display_name, description, type, "
               "image_id,"
               " image_version_id, size, spares, memory_bytes, vcpus, refresh_on_log_off,"
               " enabled, maintenance, provisioning, assignment, users_a_desktop, minimum, naming, application,"
               " draining, power_plan_id, release_plan_id, display_plan_id, self_service, home, home_bytes, sessions_a_user, seats) VALUES ($1, $2, $2, $3, $4, $5, $6, $7,"
               " $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27,"
               " $28, $29, $30)",
               PARAMS(TEXT(id), NUMBER(transaction->now_ms), POOL_PARAMS(fields)), &failure) ||
           fail_taken(transaction, g_steal_pointer(&failure), "pool", fields->name, error);
}

static StorePool *pool_in(Transaction *transaction, const char *id, GError **error)
{
    return one_pool(transaction_query(transaction,
                                      "SELECT " POOL_COLUMNS " FROM pools p WHERE p.id = $1 FOR UPDATE",
                                      PARAMS(TEXT(id)), error),
                    pool_read, id, error);
}

StorePool *store_pool_create(Store *store, const StoreActor *actor, const StorePool *fields, GError **error)
{
    g_auto(Transaction) transaction = {0};
    g_autofree char *id = id_new();
    if (!check_fields(fields, error) ||
        !transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) ||
        !check_count(&transaction, error) || !check_image(&transaction, fields, error) ||
        !insert_row(&transaction, fields, id, error))
        return NULL;
    g_autoptr(StorePool) pool = pool_in(&transaction, id, error);
    Record record = {.action = "pool.create", .kind = "pool", .id = id, .name = fields->name, .op = "create"};
    if (!pool || !transaction_record(&transaction, &record, error) ||
        !transaction_commit(&transaction, error))
        return NULL;
    return g_steal_pointer(&pool);
}

StorePool *store_pool_find(Store *store, const char *name_or_id, GError **error)
{
    return one_pool(store_read(store, "SELECT " POOL_COLUMNS " FROM pools p WHERE p.id = $1 OR p.name = $1",
                               PARAMS(TEXT(name_or_id)), error),
                    pool_read, name_or_id, error);
}

StorePool *store_pool_get(Store *store, const char *id, GError **error)
{
    return one_pool(
        store_read(store, "SELECT " POOL_FIELDS " FROM pools p WHERE p.id = $1", PARAMS(TEXT(id)), error),
        pool_read_fields, id, error);
}

GPtrArray *store_pool_list_fields(Store *store, GError **error)
{
    List list = {NULL, pool_read_fields, (GDestroyNotify)store_pool_free, 1};
    return list_of(store_read(store, "SELECT " POOL_FIELDS " FROM pools p ORDER BY p.name", NO_PARAMS, error), &list,
                   NULL);
}

GPtrArray *store_pool_list(Store *store, const StorePage *page, char **ret_next, GError **error)
{
    List list = {page, pool_read, (GDestroyNotify)store_pool_free, 1};
    return list_of(
        store_read(store, "SELECT " POOL_COLUMNS " FROM pools p WHERE p.name > $1 ORDER BY p.name LIMIT $2",
                   PARAMS(TEXT(page_after(page)), NUMBER(page_limit(page))), error),
        &list, ret_next);
}

GPtrArray *store_user_pools(Store *store, const char *user_id, GError **error)
{
    List list = {NULL, pool_read, (GDestroyNotify)store_pool_free, 1};
    return list_of(
        store_read(
            store,
            "SELECT " POOL_COLUMNS " FROM pools p WHERE p.enabled = 1 AND p.deleting = 0 AND p.id IN"
            " (SELECT e.pool_id FROM entitlements e WHERE e.user_id = $1 UNION"
            " SELECT e.pool_id FROM entitlements e JOIN group_members m ON m.group_id = e.group_id"
            " WHERE m.user_id = $1 UNION SELECT e.pool_id FROM entitlements e WHERE " ENTITLED_AS_EVERYONE
            ") ORDER BY p.name",
            PARAMS(TEXT(user_id)), error),
        &list, NULL);
}

static bool update_row(Transaction *transaction, const StorePool *pool, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(Rows) rows = transaction_query(
        transaction,
        "UPDATE pools SET updated_ms = $3, version = version + 1, name = $4, display_name = $5, description "
        "= $6, type = $7,"
        " image_id = $8, image_version_id = $9, size = $10, spares = $11, memory_bytes = $12, vcpus = $13,"
        " refresh_on_log_off = $14, enabled = $15, maintenance = $16, provisioning = $17, assignment = $18,"
        " users_a_desktop = $19, minimum = $20, naming = $21, application = $22, draining = $23,"
        " power_plan_id = $24, release_plan_id = $25, display_plan_id = $26, self_service = $27, home = $28, home_bytes = $29,"
        " sessions_a_user = $30, seats = $31"
        " WHERE id = $1 AND version = $2",
        PARAMS(TEXT(pool->id), NUMBER(pool->version), NUMBER(transaction->now_ms), POOL_PARAMS(pool)),
        &failure);
    if (!rows)
        return fail_taken(transaction, g_steal_pointer(&failure), "pool", pool->name, error);
    return rows->affected == 1 || fail_missed(transaction, "SELECT id FROM pools WHERE id = $1",
                                              &(Missed){"pool", pool->name, pool->id}, error);
}

static Json *pool_fields(const StorePool *pool)
{
    Json *version =
        !pool->image_id ? json_null() : pool->image_version_number ? json_integer(pool->image_version_number) : json_string("newest");
    Json *more = json_pack("{s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:b, s:s?, s:s?, s:s?, s:s, s:I, s:I, s:I}", "provisioning",
                           store_provisioning_word(pool->provisioning), "assignment",
                           assignments[pool->assign_by_hand], "users_a_desktop", (json_int_t)pool->users_a_desktop,
                           "minimum", (json_int_t)pool->minimum, "naming", pool->naming, "application",
                           pool->application, "self_service", pool->self_service, "draining", pool->draining, "power_plan", pool->plan_names[0],
                           "release_plan", pool->plan_names[1], "display_plan", pool->plan_names[2], "home",
                           text_or_empty(pool->home), "home_bytes", (json_int_t)pool->home_bytes, "sessions_a_user",
                           (json_int_t)pool->sessions_a_user, "seats", (json_int_t)pool->seats);
    Json *fields =
        json_pack("{s:s, s:s, s:s, s:s, s:s?, s:o, s:I, s:I, s:I, s:I, s:b, s:b, s:b}", "name", pool->name,
                     "display_name", pool->display_name, "description", pool->description, "type",
                     store_pool_type_word(pool->type), "image", pool->image_name, "version", version, "size",
                     (json_int_t)pool->size, "spares", (json_int_t)pool->spares, "memory_bytes",
                     (json_int_t)pool->memory_bytes, "vcpus", (json_int_t)pool->vcpus, "refresh_on_log_off",
                     pool->refresh_on_log_off, "enabled", pool->enabled, "maintenance", pool->maintenance);
    json_object_update(fields, more);
    json_decref(more);
    return fields;
}

/* The new values are read from the row: there the image has its name. */
static bool record_update(Transaction *transaction, const StorePool *old, GError **error)
{
    g_autoptr(StorePool) new = pool_in(transaction, old->id, error);
    if (!new)
        return false;
    const Record record = {.action = "pool.update", .kind = "pool", .id = new->id, .name = new->name};
    return record_changes(transaction, record, pool_fields(old), pool_fields(new), error);
}

bool store_pool_update(Store *store, const StoreActor *actor, StorePool *pool, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!check_fields(pool, error) || !transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) ||
        !check_image(&transaction, pool, error))
        return false;
    g_autoptr(StorePool) old = pool_in(&transaction, pool->id, error);
    if (!old || !update_row(&transaction, pool, error))
        return false;
    int64_t now_ms = transaction.now_ms;
    if (!record_update(&transaction, old, error) || !transaction_commit(&transaction, error))
        return false;
    pool->version++;
    pool->updated_ms = now_ms;
    return true;
}

static bool mark_deleting(Transaction *transaction, const char *id, GError **error)
{
    return transaction_run(transaction,
                           "UPDATE pools SET deleting = 1, enabled = 0, updated_ms = $2, version = version + "
                           "1 WHERE id = $1",
                           PARAMS(TEXT(id), NUMBER(transaction->now_ms)), error) &&
           desktops_delete_all(transaction, id, error);
}

bool store_pool_delete(Store *store, const StoreActor *actor, const char *id, int64_t expected_version,
                       GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StorePool) pool = pool_in(&transaction, id, error);
    if (!pool || !check_version("pool", pool->name, pool->version, expected_version, error))
        return false;
    if (pool->deleting)
        return true;
    Record record = {.action = "pool.delete", .kind = "pool", .id = id, .name = pool->name, .op = "update"};
    return mark_deleting(&transaction, id, error) && transaction_record(&transaction, &record, error) &&
           pool_remove_if_empty(&transaction, id, error) && transaction_commit(&transaction, error);
}

bool pool_remove_if_empty(Transaction *transaction, const char *id, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(transaction,
                                             "DELETE FROM pools WHERE id = $1 AND deleting = 1 AND NOT EXISTS"
                                             " (SELECT 1 FROM desktops WHERE pool_id = $1)",
                                             PARAMS(TEXT(id)), error);
    if (!rows)
        return false;
    if (rows->affected > 0)
        transaction_change(transaction, "pool", id, "delete", NULL);
    return true;
}
