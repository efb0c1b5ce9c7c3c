/* Desktops with several users, by hand, in maintenance, and machines that were there before: on both databases. */
#include <string.h>

#include "../fixtures/store/backend.h"
#include "base/error.h"
#include "store/event.h"

static StoreDesktop *fresh(Store *store, const char *id)
{
    g_autoptr(GError) error = NULL;
    StoreDesktop *desktop = store_desktop_find(store, id, &error);
    g_assert_no_error(error);
    return desktop;
}

static void dedicate(World *world, Store *store, unsigned users, bool by_hand)
{
    g_autoptr(GError) error = NULL;
    world->pool->type = STORE_POOL_DEDICATED;
    world->pool->users_a_desktop = users;
    world->pool->assign_by_hand = by_hand;
    g_assert_true(store_pool_update(store, NULL, world->pool, &error));
    g_assert_no_error(error);
}

static StoreDesktop *claim(World *world, Store *store, const StoreUser *user, GError **error)
{
    return store_desktop_claim(store, NULL, &(StoreClaim){.pool_id = world->pool->id, .user_id = user->id}, error);
}

static char *users_of(Store *store, const StoreDesktop *desktop)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) list = store_assignment_list(store, desktop->id, desktop->id, &error);
    g_autoptr(GString) names = g_string_new(NULL);
    g_assert_no_error(error);
    for (guint i = 0; i < list->len; i++)
        g_string_append_printf(names, "%s ", ((StoreAssignment *)list->pdata[i])->user_name);
    return g_string_free(g_steal_pointer(&names), FALSE);
}

static void test_several_users(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 5);
    dedicate(&world, store, 2, false);
    g_autoptr(StoreUser) ada = world_user(store, "ada", "user");
    g_autoptr(StoreUser) bob = world_user(store, "bob", "user");
    g_autoptr(StoreUser) eve = world_user(store, "eve", "user");
    g_autoptr(StoreDesktop) first = world_desktop(&world, store);
    g_autoptr(StoreDesktop) second = world_desktop(&world, store);

    g_assert_true(store_desktop_assign(store, NULL, first->id, ada->id, &error));
    g_assert_true(store_desktop_assign(store, NULL, first->id, bob->id, &error));
    g_assert_true(store_desktop_assign(store, NULL, first->id, bob->id, &error)); /* again is fine */
    g_assert_false(store_desktop_assign(store, NULL, first->id, eve->id, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_false(store_desktop_assign(store, NULL, second->id, bob->id, &error)); /* never two for one user */
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_autofree char *both = users_of(store, first);
    g_assert_cmpstr(both, ==, "ada bob ");

    g_autoptr(StoreDesktop) bobs = claim(&world, store, bob, &error);
    g_assert_cmpstr(bobs->id, ==, first->id);
    g_assert_cmpstr(bobs->user_name, ==, "bob");
    g_autoptr(StoreDesktop) eves = claim(&world, store, eve, &error);
    g_assert_cmpstr(eves->id, ==, second->id);
    g_assert_false(store_user_delete(store, NULL, bob->id, 0, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);

    /* The first leaves: the next takes the place. */
    g_assert_true(store_desktop_unassign(store, NULL, first->id, ada->id, &error));
    g_autoptr(StoreDesktop) left = fresh(store, first->id);
    g_assert_cmpstr(left->user_name, ==, "bob");
    g_assert_false(store_desktop_unassign(store, NULL, first->id, ada->id, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_assert_true(store_desktop_unassign(store, NULL, first->id, bob->id, &error));
    g_autoptr(StoreDesktop) nobodys = fresh(store, first->id);
    g_assert_null(nobodys->user_id);
    g_assert_cmpint(nobodys->assigned_ms, ==, 0);
    g_assert_true(store_desktop_set_desired(store, NULL, second->id, STORE_DESIRED_DELETED, &error));
    g_autofree char *none = users_of(store, second);
    g_assert_cmpstr(none, ==, "");
}

static void test_one_at_a_time(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 5);
    dedicate(&world, store, 2, false);
    g_autoptr(StoreUser) ada = world_user(store, "ada", "user");
    g_autoptr(StoreUser) bob = world_user(store, "bob", "user");
    g_autoptr(StoreDesktop) desktop = world_desktop(&world, store);
    g_assert_true(store_desktop_assign(store, NULL, desktop->id, ada->id, &error));
    g_assert_true(store_desktop_assign(store, NULL, desktop->id, bob->id, &error));
    StoreClaim theirs = {.pool_id = world.pool->id, .user_id = bob->id};
    g_auto(StoreConnected) connected = {0};
    g_assert_true(store_connect(store, NULL, &theirs, &(StoreSessionOpen){0}, &connected, &error));
    g_assert_cmpstr(connected.session->user_name, ==, "bob");
    theirs.user_id = ada->id;
    g_auto(StoreConnected) refused = {0};
    g_assert_false(store_connect(store, NULL, &theirs, &(StoreSessionOpen){0}, &refused, &error));
    g_assert_nonnull(strstr(error->message, "bob uses it now"));
    assert_kind(error, ORIEL_ERROR_FULL);
    g_assert_true(store_session_end(store, NULL, connected.session->id, "x", (StoreAfter){0}, &error));
    g_auto(StoreConnected) later = {0};
    g_assert_true(store_connect(store, NULL, &theirs, &(StoreSessionOpen){0}, &later, &error));
    g_assert_cmpstr(later.session->user_name, ==, "ada");
}

static void test_by_hand(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 5);
    dedicate(&world, store, 1, true);
    g_autoptr(StoreUser) ada = world_user(store, "ada", "user");
    g_autoptr(StoreDesktop) desktop = world_desktop(&world, store);
    g_assert_null(claim(&world, store, ada, &error));
    assert_kind(error, ORIEL_ERROR_FULL);
    g_assert_true(store_desktop_assign(store, NULL, desktop->id, ada->id, &error));
    g_autoptr(StoreDesktop) hers = claim(&world, store, ada, &error);
    g_assert_cmpstr(hers->id, ==, desktop->id);
}

/* Of many at once who assign the two places of a desktop, two succeed. */
typedef struct {
    Store *store;
    const char *desktop_id;
    const char *user_id;
    bool done;
} Rush;

static gpointer rush(gpointer data)
{
    Rush *one = data;
    one->done = store_desktop_assign(one->store, NULL, one->desktop_id, one->user_id, NULL);
    return NULL;
}

static void test_rush(Fixture *fixture)
{
    enum { PEOPLE = 8 };
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 5);
    dedicate(&world, store, 2, false);
    g_autoptr(StoreDesktop) desktop = world_desktop(&world, store);
    StoreUser *users[PEOPLE];
    GThread *threads[PEOPLE];
    Rush rushes[PEOPLE];
    for (int i = 0; i < PEOPLE; i++) {
        g_autofree char *name = g_strdup_printf("user-%d", i);
        users[i] = world_user(store, name, "user");
    }
    for (int i = 0; i < PEOPLE; i++) {
        rushes[i] = (Rush){store, desktop->id, users[i]->id, false};
        threads[i] = g_thread_new("rush", rush, &rushes[i]);
    }
    int done = 0;
    for (int i = 0; i < PEOPLE; i++) {
        g_thread_join(threads[i]);
        done += rushes[i].done;
        store_user_free(users[i]);
    }
    g_assert_cmpint(done, ==, 2);
    g_autoptr(GPtrArray) list = store_assignment_list(store, desktop->id, desktop->id, NULL);
    g_assert_cmpuint(list->len, ==, 2);
}

static void test_maintenance(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 5);
    g_autoptr(StoreUser) ada = world_user(store, "ada", "user");
    g_autoptr(StoreDesktop) desktop = world_desktop(&world, store);
    g_assert_true(store_desktop_set_maintenance(store, NULL, desktop->id, true, &error));
    g_assert_true(store_desktop_set_maintenance(store, NULL, desktop->id, true, &error));
    g_assert_null(claim(&world, store, ada, &error));
    assert_kind(error, ORIEL_ERROR_FULL);
    g_assert_true(store_desktop_set_maintenance(store, NULL, desktop->id, false, &error));
    g_autoptr(StoreDesktop) after = fresh(store, desktop->id);
    g_assert_cmpint(after->generation, ==, desktop->generation + 1);

    /* A session that ends while it is held leaves the disk as it is; the end of the maintenance throws it away. */
    StoreClaim hers = {.pool_id = world.pool->id, .user_id = ada->id};
    g_auto(StoreConnected) connected = {0};
    g_assert_true(store_connect(store, NULL, &hers, &(StoreSessionOpen){0}, &connected, &error));
    g_assert_true(store_desktop_set_maintenance(store, NULL, desktop->id, true, &error));
    StoreAfter back = {.release = true, .refresh = true};
    g_assert_true(store_session_end(store, NULL, connected.session->id, "logged off", back, &error));
    g_autoptr(StoreDesktop) held = fresh(store, desktop->id);
    g_assert_null(held->user_id);
    g_assert_cmpint(held->generation, ==, after->generation);
    g_assert_true(store_desktop_set_maintenance(store, NULL, desktop->id, false, &error));
    g_autoptr(StoreDesktop) given = fresh(store, desktop->id);
    g_assert_cmpint(given->generation, ==, after->generation + 1);
}

static void test_manual(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 5);
    StorePool fields = {.name = "desks", .type = STORE_POOL_MANUAL, .size = 2, .enabled = true};
    g_autoptr(StorePool) desks = store_pool_create(store, NULL, &fields, &error);
    g_assert_no_error(error);
    g_assert_null(desks->image_id);
    fields.image_id = world.image->id;
    g_assert_null(store_pool_create(store, NULL, &fields, &error));
    assert_kind(error, ORIEL_ERROR_INVALID);
    StoreDesktopNew machine = {.pool_id = desks->id, .host_id = world.host_id, .name = "desk-7", .protocol = "vnc",
                               .address = "2001:db8::7", .port = 5900, .wake_mac = "02:00:00:00:00:07",
                               .desired = STORE_DESIRED_RUNNING};
    g_autoptr(StoreDesktop) desk = store_desktop_create(store, NULL, &machine, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(desk->protocol, ==, "vnc");
    g_assert_cmpstr(desk->address, ==, "2001:db8::7");
    g_assert_cmpint(desk->port, ==, 5900);
    g_assert_cmpstr(desk->wake_mac, ==, "02:00:00:00:00:07");
    g_assert_null(desk->image_version_id);
    g_assert_null(desk->sealed_password);
    /* One of ours needs an image, one that was there an address. */
    machine.name = "desk-8";
    machine.address = NULL;
    g_assert_null(store_desktop_create(store, NULL, &machine, &error));
    g_clear_error(&error);
    /* Nobody gets it by a click. */
    g_autoptr(StoreUser) ada = world_user(store, "ada", "user");
    StoreClaim hers = {.pool_id = desks->id, .user_id = ada->id};
    g_assert_null(store_desktop_claim(store, NULL, &hers, &error));
    assert_kind(error, ORIEL_ERROR_FULL);
    g_assert_true(store_desktop_assign(store, NULL, desk->id, ada->id, &error));
    g_autoptr(StoreDesktop) claimed = store_desktop_claim(store, NULL, &hers, &error);
    g_assert_cmpstr(claimed->id, ==, desk->id);
}

static void test_naming(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 5);
    store_set(&world.pool->naming, "pc-{n:3}");
    g_assert_true(store_pool_update(store, NULL, world.pool, &error));
    StorePool twin = {.name = "twin", .image_id = world.image->id, .size = 3, .memory_bytes = 1 << 20, .vcpus = 1,
                      .naming = (char *)"pc-{n:3}"};
    g_autoptr(StorePool) other = store_pool_create(store, NULL, &twin, &error);
    g_autoptr(StoreDesktop) one = world_desktop(&world, store);
    StoreDesktopNew more = {.pool_id = other->id, .host_id = world.host_id, .image_version_id = world.version->id};
    g_autoptr(StoreDesktop) two = store_desktop_create(store, NULL, &more, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(one->name, ==, "pc-001");
    g_assert_cmpstr(two->name, ==, "pc-002"); /* unique over all pools */
    store_set(&world.pool->naming, "nothing");
    g_assert_false(store_pool_update(store, NULL, world.pool, &error));
    assert_kind(error, ORIEL_ERROR_INVALID);
    store_set(&world.pool->naming, NULL);
    world.pool->minimum = 6;
    g_assert_false(store_pool_update(store, NULL, world.pool, &error));
    assert_kind(error, ORIEL_ERROR_INVALID);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_add("several-users", test_several_users);
    fixture_add("one-at-a-time", test_one_at_a_time);
    fixture_add("by-hand", test_by_hand);
    fixture_add("rush", test_rush);
    fixture_add("maintenance", test_maintenance);
    fixture_add("manual", test_manual);
    fixture_add("naming", test_naming);
    return fixture_run();
}
