/* User disks, the numbers of people and their log ons: on both databases. */
#include <string.h>

#include "../fixtures/store/backend.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/person_wire.h"
#include "store/event.h"
#include "store/home.h"

#define GIB ((uint64_t)1 << 30)

typedef struct {
    World world;
    StoreUser *user;
    StoreDesktop *here;
    StoreDesktop *there;
} Scene;

static void scene_clear(Scene *scene)
{
    world_clear(&scene->world);
    store_user_free(scene->user);
    store_desktop_free(scene->here);
    store_desktop_free(scene->there);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scene, scene_clear)

static void scene_make(Scene *scene, Store *store)
{
    world_make(&scene->world, store, 4);
    scene->user = world_user(store, "ann", "user");
    scene->here = world_desktop(&scene->world, store);
    scene->there = world_desktop(&scene->world, store);
}

static StoreHome *take(const Scene *scene, Store *store, const StoreDesktop *desktop, GError **error)
{
    StoreHomeTake what = {.user_id = scene->user->id,
                          .name = "work",
                          .size_bytes = GIB,
                          .host_id = scene->world.host_id,
                          .desktop_id = desktop->id};
    return store_home_take(store, &what, error);
}

static void test_lock(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(Scene) scene = {0};
    scene_make(&scene, store);
    g_autoptr(StoreHome) home = take(&scene, store, scene.here, &error);
    g_assert_no_error(error);
    g_assert_cmpint(home->state, ==, STORE_HOME_NEW);
    g_assert_cmpstr(home->desktop_id, ==, scene.here->id);
    g_assert_cmpstr(home->user_name, ==, "ann");
    g_assert_false(home->in_session);
    g_autoptr(StoreHome) again = take(&scene, store, scene.here, &error);
    g_assert_cmpstr(again->id, ==, home->id);
    g_assert_null(take(&scene, store, scene.there, &error));
    g_assert_nonnull(strstr(error->message, scene.here->name));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_false(store_home_delete(store, NULL, home->id, 0, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);

    g_assert_true(store_home_release(store, home->id, scene.there->id, &error)); /* not its */
    g_assert_null(take(&scene, store, scene.there, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_true(store_home_release(store, home->id, scene.here->id, &error));
    g_assert_true(store_home_keep(store, home->id, &error));
    g_autoptr(StoreHome) moved = take(&scene, store, scene.there, &error);
    g_assert_cmpstr(moved->desktop_name, ==, scene.there->name);
    g_assert_cmpint(moved->state, ==, STORE_HOME_KEPT);
    g_autoptr(StoreHome) found = NULL;
    g_assert_true(store_home_of_desktop(store, scene.there->id, &found, &error));
    g_assert_cmpstr(found->id, ==, home->id);
    g_clear_pointer(&found, store_home_free);
    g_assert_true(store_home_of_desktop(store, scene.here->id, &found, &error));
    g_assert_null(found);
}

typedef struct {
    const Scene *scene;
    Store *store;
    const StoreDesktop *desktop;
    gint *taken, *refused;
} Racer;

static void *race(void *data)
{
    Racer *racer = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(StoreHome) home = take(racer->scene, racer->store, racer->desktop, &error);
    if (home)
        g_atomic_int_inc(racer->taken);
    else if (oriel_error_kind(error) == ORIEL_ERROR_CONFLICT)
        g_atomic_int_inc(racer->refused);
    else
        g_error("%s", error->message);
    return NULL;
}

static void test_race(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    g_auto(Scene) scene = {0};
    scene_make(&scene, fixture->store);
    for (int round = 0; round < 20; round++) {
        gint taken = 0, refused = 0;
        Racer racers[] = {{&scene, fixture->store, scene.here, &taken, &refused},
                          {&scene, fixture->store, scene.there, &taken, &refused}};
        GThread *threads[2];
        for (size_t i = 0; i < 2; i++)
            threads[i] = g_thread_new("racer", race, &racers[i]);
        for (size_t i = 0; i < 2; i++)
            g_thread_join(threads[i]);
        g_assert_cmpint(taken, ==, 1);
        g_assert_cmpint(refused, ==, 1);
        g_autoptr(StoreHome) home = store_home_find(fixture->store, "ann", "work", &error);
        g_assert_true(store_home_release(fixture->store, home->id, home->desktop_id, &error));
    }
}

static void test_life(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(Scene) scene = {0};
    scene_make(&scene, store);
    g_autoptr(StoreHome) home = take(&scene, store, scene.here, &error);
    StoreHomeGrow grow = {.id = home->id, .size_bytes = GIB / 2};
    g_assert_false(store_home_grow(store, NULL, &grow, &error));
    assert_kind(error, ORIEL_ERROR_INVALID);
    grow.size_bytes = LIMIT_HOME_MOST + 1;
    g_assert_false(store_home_grow(store, NULL, &grow, &error));
    assert_kind(error, ORIEL_ERROR_INVALID);
    grow = (StoreHomeGrow){.id = home->id, .size_bytes = 3 * GIB, .expected_version = 99};
    g_assert_false(store_home_grow(store, NULL, &grow, &error));
    assert_kind(error, ORIEL_ERROR_STALE);
    grow.expected_version = 0;
    g_assert_true(store_home_grow(store, NULL, &grow, &error));
    g_autoptr(GPtrArray) busy = store_home_list_busy(store, scene.world.host_id, &error);
    g_assert_cmpuint(busy->len, ==, 1);
    g_assert_cmpuint(((StoreHome *)busy->pdata[0])->size_bytes, ==, 3 * GIB);
    g_assert_false(store_user_delete(store, NULL, scene.user->id, 0, &error));
    g_assert_nonnull(strstr(error->message, "\"work\""));
    assert_kind(error, ORIEL_ERROR_CONFLICT);

    g_assert_true(store_desktop_set_desired(store, NULL, scene.here->id, STORE_DESIRED_DELETED, &error));
    g_assert_true(store_desktop_remove(store, scene.here->id, &error));
    g_assert_no_error(error);
    g_assert_true(store_home_release_lost(store, scene.world.host_id, &error));
    g_assert_true(store_home_delete(store, NULL, home->id, 0, &error));
    g_assert_null(take(&scene, store, scene.there, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_true(store_home_remove(store, home->id, &error));
    g_autoptr(GPtrArray) none = store_home_list(store, NULL, NULL, NULL, &error);
    g_assert_cmpuint(none->len, ==, 0);
    g_assert_true(store_user_delete(store, NULL, scene.user->id, 0, &error));
    g_assert_no_error(error);
}

/* Never another's, also after they have gone. */
static void test_numbers(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_autoptr(StoreUser) ann = world_user(store, "ann", "user");
    g_autoptr(StoreUser) bob = world_user(store, "bob", "user");
    unsigned uid = 0;
    g_assert_true(store_guest_uid(store, ann->id, &uid, &error));
    g_assert_cmpuint(uid, ==, AGENT_UID_LEAST);
    g_assert_true(store_guest_uid(store, bob->id, &uid, &error));
    g_assert_cmpuint(uid, ==, AGENT_UID_LEAST + 1);
    g_assert_true(store_guest_uid(store, ann->id, &uid, &error));
    g_assert_cmpuint(uid, ==, AGENT_UID_LEAST);
    g_assert_true(store_user_delete(store, NULL, bob->id, 0, &error));
    g_autoptr(StoreUser) cleo = world_user(store, "cleo", "user");
    g_assert_true(store_guest_uid(store, cleo->id, &uid, &error));
    g_assert_cmpuint(uid, ==, AGENT_UID_LEAST + 2);
}

static void test_log_on(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(Scene) scene = {0};
    scene_make(&scene, store);
    StoreClaim claim = {.pool_id = scene.world.pool->id, .user_id = scene.user->id};
    g_auto(StoreConnected) connected = {0};
    g_assert_true(store_connect(store, NULL, &claim, &(StoreSessionOpen){.client = "192.0.2.7"}, &connected, &error));
    const char *session = connected.session->id;
    g_autoptr(StoreLogOn) known = NULL;
    g_assert_true(store_log_on_get(store, session, &known, &error));
    g_assert_null(known);
    g_assert_true(store_log_on_expect(store, session, &(StorePlace){.locale = "de_DE.UTF-8"}, &error));
    g_assert_true(store_log_on_expect(store, session, &(StorePlace){.locale = "fr_FR.UTF-8"}, &error));
    StoreLogOn done = {.account = (char *)"ann", .has_home = true, .warnings = (char *)"one\ntwo"};
    g_assert_true(store_log_on_done(store, session, &done, &error));
    g_assert_true(store_log_on_get(store, session, &known, &error));
    g_assert_cmpstr(known->locale, ==, "de_DE.UTF-8");
    g_assert_cmpstr(known->keyboard, ==, "");
    g_assert_cmpstr(known->account, ==, "ann");
    g_assert_cmpstr(known->warnings, ==, "one\ntwo");
    g_assert_true(known->has_home);
    g_assert_cmpint(known->done_ms, >, 0);
    const char *desktop = connected.desktop->id;
    StoreHomeTake what = {.user_id = scene.user->id, .name = "work", .size_bytes = GIB,
                          .host_id = scene.world.host_id, .desktop_id = desktop};
    g_autoptr(StoreHome) home = store_home_take(store, &what, &error);
    g_assert_true(home->in_session);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_add("home/lock", test_lock);
    fixture_add("home/race", test_race);
    fixture_add("home/life", test_life);
    fixture_add("home/numbers", test_numbers);
    fixture_add("home/log-on", test_log_on);
    return fixture_run();
}
