#include "store/quota.h"

#include <string.h>

#include "base/error.h"
#include "store/quota_internal.h"
#include "store/rules.h"
#include "store/user.h"

#define QUOTA_COLUMNS                                                                                        \
    "CASE WHEN q.group_id IS NULL THEN 0 ELSE 1 END, COALESCE(q.group_id, q.user_id), COALESCE(g.name, u.name)," \
    " COALESCE(q.desktops, -1), COALESCE(q.running, -1), COALESCE(q.memory_bytes, -1), COALESCE(q.disk_bytes, -1)" \
    " FROM quotas q LEFT JOIN users u ON u.id = q.user_id LEFT JOIN groups g ON g.id = q.group_id"

void store_quota_free(StoreQuota *quota)
{
    if (!quota)
        return;
    g_free(quota->subject_id);
    g_free(quota->subject_name);
    g_free(quota);
}

void store_quota_facts_clear(StoreQuotaFacts *facts)
{
    g_free(facts->user_name);
    g_clear_pointer(&facts->said, g_ptr_array_unref);
    *facts = (StoreQuotaFacts){0};
}

static gpointer quota_read(Reader *reader)
{
    StoreQuota *quota = g_new0(StoreQuota, 1);
    quota->is_group = read_bool(reader);
    quota->subject_id = read_string(reader);
    quota->subject_name = read_string(reader);
    for (int kind = 0; kind < STORE_QUOTA_KINDS; kind++)
        quota->most[kind] = read_number(reader);
    return quota;
}

static const List quotas = {NULL, quota_read, (GDestroyNotify)store_quota_free, 0};

GPtrArray *store_quota_list(Store *store, GError **error)
{
    return list_of(store_read(store, "SELECT " QUOTA_COLUMNS " ORDER BY 1 DESC, 3", NO_PARAMS, error), &quotas, NULL);
}

/* ---- changing ---- */

static char *detail_of_quota(const StoreQuota *quota)
{
    return detail_of("{s:I, s:I, s:I, s:I}", "desktops", (json_int_t)quota->most[0], "running", (json_int_t)quota->most[1],
                     "memory_bytes", (json_int_t)quota->most[2], "disk_bytes", (json_int_t)quota->most[3]);
}

/* The subject is locked, so that it is not deleted meanwhile. */
static char *lock_subject(Transaction *transaction, const StoreQuota *quota, GError **error)
{
    g_autoptr(Rows) rows =
        quota->is_group
            ? transaction_query(transaction, "SELECT name FROM groups WHERE id = $1 FOR UPDATE", PARAMS(TEXT(quota->subject_id)), error)
            : transaction_query(transaction, "SELECT name FROM users WHERE id = $1 FOR UPDATE", PARAMS(TEXT(quota->subject_id)), error);
    if (!rows)
        return NULL;
    if (rows->count == 0) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "%s \"%s\": there is none", quota->is_group ? "group" : "user",
                   quota->subject_id);
        return NULL;
    }
    return g_strdup(rows_text(rows, 0, 0));
}

static Rows *delete_row(Transaction *transaction, const StoreQuota *quota, GError **error)
{
    return transaction_query(transaction, "DELETE FROM quotas WHERE user_id = $1 OR group_id = $2",
                             PARAMS(TEXT(quota->is_group ? NULL : quota->subject_id),
                                    TEXT(quota->is_group ? quota->subject_id : NULL)),
                             error);
}

static bool record(Transaction *transaction, const char *action, const StoreQuota *quota, const char *name, GError **error)
{
    g_autofree char *detail = detail_of_quota(quota);
    Record one = {.action = action,
                  .kind = quota->is_group ? "group" : "user",
                  .id = quota->subject_id,
                  .name = name,
                  .op = "update",
                  .user_id = quota->is_group ? NULL : quota->subject_id,
                  .detail = detail};
    return transaction_record(transaction, &one, error);
}

bool store_quota_set(Store *store, const StoreActor *actor, const StoreQuota *quota, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autofree char *name = lock_subject(&transaction, quota, error);
    g_autoptr(Rows) old = name ? delete_row(&transaction, quota, error) : NULL;
    return old &&
           transaction_run(&transaction,
                           "INSERT INTO quotas (user_id, group_id, desktops, running, memory_bytes, disk_bytes, updated_ms)"
                           " VALUES ($1, $2, NULLIF($3, -1), NULLIF($4, -1), NULLIF($5, -1), NULLIF($6, -1), $7)",
                           PARAMS(TEXT(quota->is_group ? NULL : quota->subject_id),
                                  TEXT(quota->is_group ? quota->subject_id : NULL), NUMBER(quota->most[0]),
                                  NUMBER(quota->most[1]), NUMBER(quota->most[2]), NUMBER(quota->most[3]),
                                  NUMBER(transaction.now_ms)),
                           error) &&
           record(&transaction, "quota.set", quota, name, error) && transaction_commit(&transaction, error);
}

bool store_quota_remove(Store *store, const StoreActor *actor, const StoreQuota *whose, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autofree char *name = lock_subject(&transaction, whose, error);
    g_autoptr(Rows) gone = name ? delete_row(&transaction, whose, error) : NULL;
    static const int64_t unsaid[STORE_QUOTA_KINDS] = {-1, -1, -1, -1};
    StoreQuota now = {.is_group = whose->is_group, .subject_id = whose->subject_id};
    memcpy(now.most, unsaid, sizeof unsaid);
    return gone && (gone->affected == 0 || record(&transaction, "quota.remove", &now, name, error)) &&
           transaction_commit(&transaction, error);
}

/* ---- use ---- */

static GPtrArray *said_of(Transaction *transaction, const char *user_id, GError **error)
{
    return list_of(transaction_query(transaction,
                                     "SELECT " QUOTA_COLUMNS " WHERE q.user_id = $1 OR q.group_id = '" STORE_GROUP_EVERYONE
                                     "' OR q.group_id IN (SELECT m.group_id FROM group_members m WHERE m.user_id = $1)"
                                     " ORDER BY 1, 3",
                                     PARAMS(TEXT(user_id)), error),
                   &quotas, NULL);
}

/* Of a machine that several share each has their part. */
#define SHARERS "CASE WHEN p.seats > 0 THEN p.seats ELSE 1 END"

/* Machines of manual pools are nobody's use: they were there before. */
static bool count_use(Transaction *transaction, const char *user_id, StoreQuotaFacts *facts, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(
        transaction,
        "SELECT (SELECT name FROM users WHERE id = $1), COUNT(*), COALESCE(SUM(CASE WHEN d.desired = 'running' THEN 1 ELSE 0 END), 0),"
        " COALESCE(SUM(CASE WHEN d.desired = 'running' THEN p.memory_bytes / " SHARERS " ELSE 0 END), 0), COALESCE(SUM(v.disk_bytes / " SHARERS "), 0)"
        " FROM desktops d JOIN pools p ON p.id = d.pool_id LEFT JOIN image_versions v ON v.id = d.image_version_id"
        " WHERE p.type <> 'manual' AND d.desired <> 'deleted' AND d.id IN (SELECT o.id FROM desktops o WHERE o.user_id = $1"
        " UNION SELECT a.desktop_id FROM assignments a WHERE a.user_id = $1)",
        PARAMS(TEXT(user_id)), error);
    if (!rows)
        return false;
    if (!rows_text(rows, 0, 0))
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "user \"%s\": there is none", user_id);
    facts->user_name = g_strdup(rows_text(rows, 0, 0));
    for (int kind = 0; kind < STORE_QUOTA_KINDS; kind++)
        facts->used[kind] = rows_number(rows, 0, (size_t)kind + 1);
    return true;
}

bool store_quota_facts(Store *store, const char *user_id, StoreQuotaFacts *ret, GError **error)
{
    g_auto(Transaction) transaction = {0};
    g_auto(StoreQuotaFacts) facts = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error) ||
        !(facts.said = said_of(&transaction, user_id, error)) || !count_use(&transaction, user_id, &facts, error))
        return false;
    *ret = facts;
    facts = (StoreQuotaFacts){0};
    return true;
}

/* What a desktop of this pool takes, of the version that the pool or the desktop itself has. */
static bool count_more(Transaction *transaction, const QuotaGift *gift, StoreQuotaFacts *facts, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(
        transaction,
        "SELECT p.type, p.memory_bytes / " SHARERS ", COALESCE((SELECT v.disk_bytes / " SHARERS " FROM image_versions v WHERE v.id = COALESCE((SELECT"
        " d.image_version_id FROM desktops d WHERE d.id = $2), p.image_version_id, (SELECT n.id FROM image_versions n WHERE"
        " n.image_id = p.image_id AND n.state = 'ready' ORDER BY n.number DESC LIMIT 1))), 0) FROM pools p WHERE p.id = $1",
        PARAMS(TEXT(gift->pool_id), TEXT(gift->desktop_id)), error);
    if (!rows || rows->count == 0 || g_strcmp0(rows_text(rows, 0, 0), "manual") == 0)
        return rows != NULL;
    facts->more[0] = gift->is_new;
    facts->more[1] = gift->starts;
    facts->more[2] = gift->starts ? rows_number(rows, 0, 1) : 0;
    facts->more[3] = gift->is_new ? rows_number(rows, 0, 2) : 0;
    return true;
}

bool quota_check_in(Transaction *transaction, const QuotaGift *gift, GError **error)
{
    StoreQuotaJudge judge = store_quota_judge(transaction->store);
    if (!judge || !gift->user_id || (!gift->is_new && !gift->starts))
        return true;
    g_auto(StoreQuotaFacts) facts = {0};
    facts.said = said_of(transaction, gift->user_id, error);
    if (!facts.said || facts.said->len == 0)
        return facts.said != NULL;
    return count_use(transaction, gift->user_id, &facts, error) && count_more(transaction, gift, &facts, error) &&
           judge(&facts, error);
}

bool store_quota_check(Store *store, const char *user_id, const char *pool_id, GError **error)
{
    g_auto(Transaction) transaction = {0};
    QuotaGift gift = {.user_id = user_id, .pool_id = pool_id, .is_new = true, .starts = true};
    return transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error) && quota_check_in(&transaction, &gift, error);
}
