/* Plans and what uses them: on both databases. */
#include <string.h>

#include "../fixtures/store/backend.h"
#include "base/error.h"
#include "store/plan.h"

static StorePlan *make(Store *store, const char *name, StorePlanKind kind)
{
    g_autoptr(GError) error = NULL;
    StorePlan fields = {.name = (char *)name, .kind = kind, .settings = (char *)"{\"clipboard\":\"none\"}"};
    StorePlan *plan = store_plan_create(store, NULL, &fields, &error);
    g_assert_no_error(error);
    return plan;
}

static void test_plans(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_autoptr(StorePlan) plan = make(store, "office", STORE_PLAN_DISPLAY);
    g_assert_cmpstr(plan->settings, ==, "{\"clipboard\":\"none\"}");
    g_assert_null(store_plan_create(store, NULL, plan, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_autoptr(StorePlan) late = store_plan_find(store, "office", &error);
    store_set(&plan->settings, "{}");
    g_assert_true(store_plan_update(store, NULL, plan, &error));
    g_assert_false(store_plan_update(store, NULL, late, &error));
    assert_kind(error, ORIEL_ERROR_STALE);
    g_autoptr(StorePlan) other = make(store, "other", STORE_PLAN_POWER);
    g_autoptr(GPtrArray) all = store_plan_list(store, NULL, NULL, &error);
    g_assert_cmpuint(all->len, ==, 2);
    g_assert_cmpstr(((StorePlan *)all->pdata[0])->settings, ==, "{}");
    g_assert_true(store_plan_delete(store, NULL, other->id, 0, &error));
    g_assert_null(store_plan_find(store, "other", &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
}

static void test_pool_uses_it(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 2);
    g_autoptr(StorePlan) plan = make(store, "office", STORE_PLAN_DISPLAY);
    g_autoptr(StorePool) pool = store_pool_find(store, "pool", &error);
    store_set(&pool->plan_ids[STORE_PLAN_DISPLAY], plan->id);
    g_assert_true(store_pool_update(store, NULL, pool, &error));
    g_autoptr(StorePool) now = store_pool_find(store, "pool", &error);
    g_assert_cmpstr(now->plan_names[STORE_PLAN_DISPLAY], ==, "office");
    g_assert_null(now->plan_ids[STORE_PLAN_POWER]);
    g_assert_false(store_plan_delete(store, NULL, plan->id, 0, &error));
    g_assert_nonnull(strstr(error->message, "\"pool\""));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_autoptr(StorePlan) used = store_plan_find(store, "office", &error);
    g_assert_cmpuint(used->pools, ==, 1);
}

static void test_rest(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 2);
    g_autoptr(StoreUser) ann = world_user(store, "ann", "user");
    g_autoptr(StoreDesktop) desktop = world_desktop(&world, store);
    g_auto(StoreConnected) connected = {0};
    bool done = true;
    g_assert_true(store_desktop_rest(store, desktop->id, STORE_DESIRED_SUSPENDED, &done, &error));
    g_assert_false(done); /* nobody's */
    world_connect(&world, store, ann, NULL, &connected);
    g_assert_true(store_desktop_rest(store, desktop->id, STORE_DESIRED_SUSPENDED, &done, &error));
    g_assert_false(done); /* somebody connects */
    g_assert_true(store_session_set_state(store, NULL, connected.session->id, STORE_SESSION_DISCONNECTED, NULL, &error));
    g_assert_true(store_desktop_release_unused(store, desktop->id, (StoreAfter){.release = true}, &error));
    g_autoptr(StoreDesktop) kept = store_desktop_find(store, desktop->id, &error);
    g_assert_cmpstr(kept->user_id, ==, ann->id); /* a session is there */
    g_assert_true(store_desktop_rest(store, desktop->id, STORE_DESIRED_SUSPENDED, &done, &error));
    g_assert_true(done);
    /* What sleeps with somebody's work in it is nobody else's, even where the pool keeps desktops as they are. */
    g_assert_true(store_session_end(store, NULL, connected.session->id, "logged off", (StoreAfter){.release = true}, &error));
    g_autoptr(StoreDesktop) left = store_desktop_find(store, desktop->id, &error);
    g_assert_null(left->user_id);
    g_assert_cmpint(left->generation, ==, kept->generation + 1);
}

static void test_left(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 2);
    g_autoptr(StoreUser) ann = world_user(store, "ann", "user");
    g_autoptr(StoreDesktop) desktop = world_desktop(&world, store);
    g_auto(StoreConnected) connected = {0};
    world_connect(&world, store, ann, NULL, &connected);
    g_autoptr(GPtrArray) none = store_session_left(store, world.host_id, &error);
    g_assert_cmpuint(none->len, ==, 0);
    g_assert_true(store_session_end(store, NULL, connected.session->id, "logged off", (StoreAfter){0}, &error));
    g_autoptr(GPtrArray) left = store_session_left(store, world.host_id, &error);
    g_assert_cmpuint(left->len, ==, 1);
    const StoreLeft *one = left->pdata[0];
    g_assert_cmpstr(one->desktop_id, ==, desktop->id);
    g_assert_cmpstr(one->client, ==, "192.0.2.7");
    g_assert_cmpint(one->ended_ms, >, 0);
    g_assert_true(store_desktop_release_unused(store, desktop->id, (StoreAfter){.remove = true}, &error));
    g_autoptr(StoreDesktop) gone = store_desktop_find(store, desktop->id, &error);
    g_assert_cmpint(gone->desired, ==, STORE_DESIRED_DELETED);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_add("plan/plans", test_plans);
    fixture_add("plan/pool-uses-it", test_pool_uses_it);
    fixture_add("plan/rest", test_rest);
    fixture_add("plan/left", test_left);
    return fixture_run();
}
