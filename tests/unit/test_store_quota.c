/* Quotas: kept, counted, and asked within the transactions that give and start desktops. On both databases. */
#include "../fixtures/store/backend.h"
#include "base/error.h"
#include "store/quota.h"
#include "store/user.h"

static bool judge(const StoreQuotaFacts *facts, GError **error)
{
    int64_t most = -1;
    for (size_t i = 0; i < facts->said->len; i++)
        most = MAX(most, ((StoreQuota *)facts->said->pdata[i])->most[0]);
    return most < 0 || facts->used[0] + facts->more[0] <= most ||
           oriel_fail(error, ORIEL_ERROR_FULL, "\"%s\" has %d", facts->user_name, (int)facts->used[0]);
}

static void set(Store *store, bool is_group, const char *id, int64_t desktops)
{
    g_autoptr(GError) error = NULL;
    StoreQuota quota = {.is_group = is_group, .subject_id = (char *)id, .most = {desktops, -1, -2, INT64_MAX}};
    g_assert_true(store_quota_set(store, NULL, &quota, &error));
    g_assert_no_error(error);
}

static void test_kept(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_autoptr(StoreUser) ann = world_user(store, "ann", "user");
    set(store, false, ann->id, 3);
    set(store, false, ann->id, 2);
    set(store, true, STORE_GROUP_EVERYONE, 9);
    g_autoptr(GPtrArray) all = store_quota_list(store, &error);
    g_assert_cmpuint(all->len, ==, 2);
    const StoreQuota *group = all->pdata[0], *own = all->pdata[1];
    g_assert_true(group->is_group && !own->is_group);
    g_assert_cmpstr(own->subject_name, ==, "ann");
    g_assert_cmpint(own->most[0], ==, 2);
    g_assert_cmpint(own->most[1], ==, -1);
    g_assert_cmpint(own->most[2], ==, -2);
    g_assert_cmpint(own->most[3], ==, INT64_MAX);
    StoreQuota nobody = {.subject_id = (char *)"nobody"};
    g_assert_false(store_quota_set(store, NULL, &nobody, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_assert_true(store_quota_remove(store, NULL, group, &error));
    g_assert_true(store_quota_remove(store, NULL, group, &error));
    g_assert_true(store_user_delete(store, NULL, ann->id, 0, &error));
    g_autoptr(GPtrArray) none = store_quota_list(store, &error);
    g_assert_cmpuint(none->len, ==, 0);
}

static void test_use(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 4);
    g_autoptr(StoreUser) ann = world_user(store, "ann", "user");
    g_autoptr(StoreDesktop) first = world_desktop(&world, store);
    g_assert_true(store_desktop_assign(store, NULL, first->id, ann->id, &error));
    g_assert_true(store_desktop_set_desired(store, NULL, first->id, STORE_DESIRED_RUNNING, &error));
    g_auto(StoreQuotaFacts) facts = {0};
    g_assert_true(store_quota_facts(store, ann->id, &facts, &error));
    g_assert_cmpstr(facts.user_name, ==, "ann");
    g_assert_cmpint(facts.used[0], ==, 1);
    g_assert_cmpint(facts.used[1], ==, 1);
    g_assert_cmpint(facts.used[2], ==, (int64_t)world.pool->memory_bytes);
    g_assert_cmpint(facts.used[3], ==, (int64_t)world.version->disk_bytes);
    g_assert_true(store_desktop_set_desired(store, NULL, first->id, STORE_DESIRED_STOPPED, &error));
    store_quota_facts_clear(&facts);
    g_assert_true(store_quota_facts(store, ann->id, &facts, &error));
    g_assert_cmpint(facts.used[0], ==, 1);
    g_assert_cmpint(facts.used[1] + facts.used[2], ==, 0);
    g_assert_false(store_quota_facts(store, "nobody", &facts, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
}

/* Two pools, one desktop allowed. */
static void test_refused(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 4);
    g_autoptr(StoreUser) ann = world_user(store, "ann", "user");
    g_autoptr(StoreDesktop) first = world_desktop(&world, store), second = world_desktop(&world, store);
    StorePool fields = *world.pool;
    fields.name = (char *)"other";
    g_autoptr(StorePool) other = store_pool_create(store, NULL, &fields, &error);
    StoreDesktopNew new = {.pool_id = other->id, .host_id = world.host_id, .image_version_id = world.version->id};
    g_autoptr(StoreDesktop) third = store_desktop_create(store, NULL, &new, &error);
    store_set_quota_judge(store, judge);
    set(store, true, STORE_GROUP_EVERYONE, 1);
    StoreClaim claim = {.pool_id = world.pool->id, .user_id = ann->id};
    g_autoptr(StoreDesktop) had = store_desktop_claim(store, NULL, &claim, &error);
    g_assert_no_error(error);
    g_autoptr(StoreDesktop) again = store_desktop_claim(store, NULL, &claim, &error);
    g_assert_cmpstr(again->id, ==, had->id); /* what one has is no more than that */
    claim.pool_id = other->id;
    g_assert_null(store_desktop_claim(store, NULL, &claim, &error));
    assert_kind(error, ORIEL_ERROR_FULL);
    g_assert_false(store_quota_check(store, ann->id, other->id, &error));
    assert_kind(error, ORIEL_ERROR_FULL);
    g_assert_false(store_desktop_assign(store, NULL, third->id, ann->id, &error));
    assert_kind(error, ORIEL_ERROR_FULL);
    set(store, false, ann->id, 2);
    g_assert_true(store_desktop_assign(store, NULL, third->id, ann->id, &error));
    g_assert_no_error(error);
}

typedef struct {
    Store *store;
    const char *pool_id;
    const char *user_id;
} Race;

static gpointer race(gpointer data)
{
    const Race *one = data;
    StoreClaim claim = {.pool_id = one->pool_id, .user_id = one->user_id};
    g_autoptr(StoreDesktop) desktop = store_desktop_claim(one->store, NULL, &claim, NULL);
    return GINT_TO_POINTER(desktop != NULL);
}

/* Clicks of one person on several pools at once. */
static void test_race(Fixture *fixture)
{
    enum { POOLS = 6 };
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 4);
    g_autoptr(StoreUser) ann = world_user(store, "ann", "user");
    store_set_quota_judge(store, judge);
    set(store, false, ann->id, 2);
    g_autoptr(GPtrArray) pools = g_ptr_array_new_with_free_func((GDestroyNotify)store_pool_free);
    GThread *threads[POOLS];
    Race races[POOLS];
    for (int i = 0; i < POOLS; i++) {
        g_autofree char *name = g_strdup_printf("pool-%d", i);
        StorePool fields = *world.pool;
        fields.name = name;
        StorePool *pool = store_pool_create(store, NULL, &fields, &error);
        g_ptr_array_add(pools, pool);
        StoreDesktopNew new = {.pool_id = pool->id, .host_id = world.host_id, .image_version_id = world.version->id};
        g_autoptr(StoreDesktop) made = store_desktop_create(store, NULL, &new, &error);
        g_assert_nonnull(made);
        races[i] = (Race){store, pool->id, ann->id};
    }
    int won = 0;
    for (int i = 0; i < POOLS; i++)
        threads[i] = g_thread_new("race", race, &races[i]);
    for (int i = 0; i < POOLS; i++)
        won += GPOINTER_TO_INT(g_thread_join(threads[i]));
    g_assert_cmpint(won, ==, 2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_add("quota/kept", test_kept);
    fixture_add("quota/use", test_use);
    fixture_add("quota/refused", test_refused);
    fixture_add("quota/race", test_race);
    return fixture_run();
}
