/* How much a person may have. */
#include <string.h>

#include "base/error.h"
#include "broker/quota.h"

#define SAYS(who, label, amount)                                                                             \
    {                                                                                                        \
        .source = who, .name = label, .most = { amount, QUOTA_UNSAID, QUOTA_UNSAID, QUOTA_UNSAID }           \
    }

static void test_resolve(void)
{
    static const struct {
        QuotaSaid said[3];
        size_t count;
        int64_t most;
        const char *name;
    } rows[] = {
        {{{0}}, 0, QUOTA_UNLIMITED, NULL},
        {{SAYS(QUOTA_OF_USER, "ann", 1), SAYS(QUOTA_OF_GROUP, "staff", 5)}, 2, 1, "ann"},
        {{SAYS(QUOTA_OF_GROUP, "staff", 5), SAYS(QUOTA_OF_USER, "ann", QUOTA_UNSAID)}, 2, 5, "staff"},
        {{SAYS(QUOTA_OF_GROUP, "staff", 5), SAYS(QUOTA_OF_GROUP, "labs", 7)}, 2, 7, "labs"},
        {{SAYS(QUOTA_OF_GROUP, "labs", 7), SAYS(QUOTA_OF_GROUP, "staff", 5)}, 2, 7, "labs"},
        {{SAYS(QUOTA_OF_GROUP, "labs", QUOTA_UNLIMITED), SAYS(QUOTA_OF_GROUP, "staff", 5)}, 2, QUOTA_UNLIMITED, "labs"},
        {{SAYS(QUOTA_OF_GROUP, "staff", 5), SAYS(QUOTA_OF_GROUP, "labs", QUOTA_UNLIMITED)}, 2, QUOTA_UNLIMITED, "labs"},
        {{SAYS(QUOTA_OF_EVERYONE, "everyone", 9), SAYS(QUOTA_OF_GROUP, "staff", 0)}, 2, 0, "staff"},
        {{SAYS(QUOTA_OF_GROUP, "staff", QUOTA_UNSAID), SAYS(QUOTA_OF_EVERYONE, "everyone", 2)}, 2, 2, "everyone"},
        {{SAYS(QUOTA_OF_EVERYONE, "everyone", 2), SAYS(QUOTA_OF_GROUP, "staff", 5), SAYS(QUOTA_OF_USER, "ann", QUOTA_UNLIMITED)},
         3, QUOTA_UNLIMITED, "ann"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        QuotaLimit limits[QUOTA_KINDS];
        quota_resolve(rows[i].said, rows[i].count, limits);
        g_assert_cmpint(limits[QUOTA_DESKTOPS].most, ==, rows[i].most);
        g_assert_cmpstr(limits[QUOTA_DESKTOPS].name, ==, rows[i].name);
        g_assert_cmpint(limits[QUOTA_DISK].most, ==, QUOTA_UNLIMITED);
    }
}

static void test_admit(void)
{
    static const struct {
        int64_t most, used, more;
        bool fits;
    } rows[] = {
        {2, 1, 1, true},
        {2, 2, 1, false},
        {2, 2, 0, true},
        {2, 5, 0, true}, /* lowered since: what is there stays */
        {2, 5, 1, false},
        {0, 0, 1, false},
        {QUOTA_UNLIMITED, 900, 1, true},
        {INT64_MAX, INT64_MAX - 1, 1, true},
        {INT64_MAX, INT64_MAX - 1, 2, false},
    };
    for (int kind = 0; kind < QUOTA_KINDS; kind++)
        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
            QuotaLimit limits[QUOTA_KINDS];
            int64_t used[QUOTA_KINDS] = {0}, more[QUOTA_KINDS] = {0};
            g_autoptr(GError) error = NULL;
            quota_resolve(NULL, 0, limits);
            limits[kind] = (QuotaLimit){rows[i].most, QUOTA_OF_GROUP, "staff"};
            used[kind] = rows[i].used;
            more[kind] = rows[i].more;
            g_assert_cmpint(quota_admit("ann", limits, used, more, &error), ==, rows[i].fits);
            g_assert_true(rows[i].fits || oriel_error_kind(error) == ORIEL_ERROR_FULL);
        }
}

static void test_sentence(void)
{
    static const int64_t gib = 1024 * 1024 * 1024;
    QuotaSaid said[] = {{QUOTA_OF_GROUP, "staff", {2, QUOTA_UNSAID, 4 * gib, QUOTA_UNSAID}}};
    QuotaLimit limits[QUOTA_KINDS];
    g_autoptr(GError) desktops = NULL, memory = NULL;
    quota_resolve(said, 1, limits);
    g_assert_false(quota_admit("ann", limits, (const int64_t[]){2, 2, 4 * gib, 0}, (const int64_t[]){1, 1, gib, gib}, &desktops));
    g_assert_nonnull(strstr(desktops->message, "desktops of \"ann\": 2 of 2 are used (quota of the group \"staff\")"));
    g_assert_false(quota_admit("ann", limits, (const int64_t[]){1, 1, 4 * gib, 0}, (const int64_t[]){1, 1, gib, gib}, &memory));
    g_assert_nonnull(strstr(memory->message, "memory of \"ann\": 4 GiB of 4 GiB are used"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/broker/quota/resolve", test_resolve);
    g_test_add_func("/broker/quota/admit", test_admit);
    g_test_add_func("/broker/quota/sentence", test_sentence);
    return g_test_run();
}
