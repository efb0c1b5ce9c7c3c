/* What a policy's explanation costs where there are as many policies as there may be: the person is read from the store, every policy is
 * tried, the last one matches. Beside what SQLite itself takes to read the same two rows. Prints JSON rows as bench/report.py wants them.
 *
 *     bench-policy FOLDER     the database is made in FOLDER */
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/secret.h"
#include "host/policy.h"
#include "store/user.h"

enum { ROUNDS = 500 };

static void must(bool done, const GError *error)
{
    if (!done)
        g_error("bench-policy: %s", error ? error->message : "?");
}

/* Each asks for something, and only the last finds it. */
static StorePolicy *policy_of(unsigned number, const char *group)
{
    bool last = number + 1 == LIMIT_POLICIES;
    StorePolicy *policy = store_policy_new();
    policy->name = g_strdup_printf("policy-%u", number);
    policy->enabled = true;
    policy->settings = last ? g_strdup("{}")
                            : g_strdup_printf("{\"addresses\":[\"10.%u.%u.0/24\"],\"devices\":[\"desktop\"],"
                                              "\"times\":{\"windows\":[{\"from\":\"00:00\",\"to\":\"24:00\"}]}}",
                                              number / 250, number % 250);
    store_policy_add(policy, STORE_POLICY_GROUP, group, group);
    return policy;
}

static GPtrArray *policies_make(Store *store, const char *group)
{
    GPtrArray *policies = g_ptr_array_new_with_free_func((GDestroyNotify)policy_free);
    for (unsigned i = 0; i < LIMIT_POLICIES; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(StorePolicy) fields = policy_of(i, group);
        g_autoptr(StorePolicy) made = store_policy_create(store, NULL, fields, &error);
        must(made, error);
        Policy *policy = host_policy_compile(made, &error);
        must(policy, error);
        g_ptr_array_add(policies, policy);
    }
    return policies;
}

static void explain(Store *store, const char *user_id, const GPtrArray *policies, PolicyReason *reasons)
{
    g_autoptr(StoreUser) user = store_user_find(store, user_id, NULL);
    g_autoptr(GPtrArray) groups = store_user_groups(store, user_id, NULL);
    const char *ids[] = {groups->len ? ((StoreGroup *)groups->pdata[0])->id : NULL, NULL}, *roles[] = {user->roles, NULL};
    PolicyQuestion question = {user_id, ids, roles, NULL, "192.0.2.7", DEVICE_DESKTOP, clock_utc_ms()};
    PolicyVerdict verdict = policy_decide((const Policy *const *)policies->pdata, policies->len, &question, reasons);
    must(verdict.policy == policies->pdata[policies->len - 1], NULL);
}

static double raw_ms(const char *path, const char *user_id)
{
    static const char *const statements[] = {"SELECT * FROM users WHERE id = ?",
                                             "SELECT g.* FROM groups g JOIN group_members m ON m.group_id = g.id WHERE m.user_id = ?"};
    sqlite3 *db = NULL;
    sqlite3_stmt *prepared[G_N_ELEMENTS(statements)];
    sqlite3_open(path, &db);
    for (size_t i = 0; i < G_N_ELEMENTS(statements); i++)
        must(sqlite3_prepare_v2(db, statements[i], -1, &prepared[i], NULL) == SQLITE_OK, NULL);
    int64_t started = clock_monotonic_us();
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < G_N_ELEMENTS(statements); i++) {
            sqlite3_bind_text(prepared[i], 1, user_id, -1, SQLITE_STATIC);
            must(sqlite3_step(prepared[i]) == SQLITE_ROW, NULL);
            sqlite3_reset(prepared[i]);
        }
    }
    double ms = (double)(clock_monotonic_us() - started) / 1000 / ROUNDS;
    for (size_t i = 0; i < G_N_ELEMENTS(statements); i++)
        sqlite3_finalize(prepared[i]);
    sqlite3_close(db);
    return ms;
}

int main(int argc, char **argv)
{
    if (argc < 2 || !secret_init(NULL))
        return 64;
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(argv[1], "oriel.db", NULL);
    g_autofree PolicyReason *reasons = g_new0(PolicyReason, LIMIT_POLICIES);
    g_autoptr(Store) store = store_open("sqlite", path, &error);
    must(store, error);
    g_autoptr(StoreUser) user =
        store_user_create(store, NULL, &(StoreUser){.name = (char *)"ann", .roles = (char *)"user", .enabled = true}, &error);
    must(user, error);
    g_autoptr(StoreGroup) group = store_group_create(store, NULL, &(StoreGroup){.name = (char *)"sales"}, &error);
    must(group && store_group_add_member(store, NULL, group->id, user->id, &error), error);
    g_autoptr(GPtrArray) policies = policies_make(store, group->id);
    int64_t started = clock_monotonic_us();
    for (int round = 0; round < ROUNDS; round++)
        explain(store, user->id, policies, reasons);
    double value = (double)(clock_monotonic_us() - started) / 1000 / ROUNDS, baseline = raw_ms(path, user->id);
    json_t *rows = json_pack("[{s:s, s:f, s:s, s:s, s:f, s:f}]", "name", "policy_explain_ms", "value", value, "unit", "ms", "baseline",
                             "sqlite_two_reads_ms", "baseline_value", baseline, "ratio", value / baseline);
    json_dumpf(rows, stdout, JSON_INDENT(2));
    json_decref(rows);
    return 0;
}
