/* Seats of shared machines: on both databases. */
#include <string.h>

#include "../fixtures/store/backend.h"
#include "base/error.h"

static StoreDesktop *fresh(Store *store, const char *id)
{
    g_autoptr(GError) error = NULL;
    StoreDesktop *desktop = store_desktop_find(store, id, &error);
    g_assert_no_error(error);
    return desktop;
}

/* A machine of so many seats that runs and is ready. */
static StoreDesktop *machine_of(World *world, Store *store, unsigned seats)
{
    g_autoptr(GError) error = NULL;
    world->pool->seats = seats;
    world->pool->refresh_on_log_off = true;
    g_assert_true(store_pool_update(store, NULL, world->pool, &error));
    g_assert_no_error(error);
    g_autoptr(StoreDesktop) made = world_desktop(world, store);
    StoreObservation runs = {.id = made->id, .generation = 1, .observed = STORE_OBSERVED_RUNNING, .forked = true,
                             .mac = "52:54:00:00:00:01", .machine_id = "0123456789abcdef0123456789abcdef"};
    g_assert_true(store_desktop_set_desired(store, NULL, made->id, STORE_DESIRED_RUNNING, &error));
    g_assert_true(store_desktop_observe(store, &runs, &error));
    g_assert_true(store_desktop_set_agent(store, made->id, 1, STORE_AGENT_READY, &error));
    g_assert_no_error(error);
    return fresh(store, made->id);
}

static bool sit(World *world, Store *store, const StoreUser *user, const char *seat_id, StoreConnected *ret, GError **error)
{
    StoreClaim claim = {.pool_id = world->pool->id, .user_id = user->id, .desktop_id = seat_id};
    return store_connect(store, NULL, &claim, &(StoreSessionOpen){0}, ret, error);
}

static const StoreDesktop *seat_at(const GPtrArray *seats, unsigned number)
{
    return seats->pdata[number - 1];
}

static void test_follow(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 2);
    g_autoptr(StoreDesktop) machine = machine_of(&world, store, 3);
    g_autoptr(GPtrArray) seats = store_desktop_seats(store, machine->id, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(seats->len, ==, 3);
    g_assert_cmpint(machine->seats, ==, 3);
    g_autofree char *name = g_strconcat(machine->name, ".2", NULL);
    const StoreDesktop *second = seat_at(seats, 2);
    g_assert_cmpstr(second->name, ==, name);
    g_assert_cmpstr(second->seat_of_name, ==, machine->name);
    g_assert_cmpint(second->observed, ==, STORE_OBSERVED_RUNNING);
    g_assert_cmpint(second->agent, ==, STORE_AGENT_READY);
    g_assert_null(second->mac);
    g_autoptr(StorePool) pool = store_pool_find(store, world.pool->id, &error);
    g_assert_cmpuint(pool->desktops, ==, 1); /* machines */
    g_assert_cmpuint(pool->desktops_free, ==, 3); /* seats */
    g_assert_false(store_desktop_set_desired(store, NULL, second->id, STORE_DESIRED_STOPPED, &error));
    assert_kind(error, ORIEL_ERROR_UNSUPPORTED);
    g_assert_false(store_desktop_set_maintenance(store, NULL, second->id, true, &error));
    assert_kind(error, ORIEL_ERROR_UNSUPPORTED);
    g_assert_true(store_desktop_set_maintenance(store, NULL, machine->id, true, &error));
    g_autoptr(StoreDesktop) held = fresh(store, second->id);
    g_assert_true(held->maintenance);
    g_autoptr(StoreUser) ann = world_user(store, "ann", "user");
    g_auto(StoreConnected) none = {0};
    g_assert_false(sit(&world, store, ann, second->id, &none, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_false(store_desktop_assign(store, NULL, machine->id, ann->id, &error));
    assert_kind(error, ORIEL_ERROR_UNSUPPORTED);
}

static void test_leave(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    const StoreAfter logged_off = {.release = true, .refresh = true};
    world_make(&world, store, 2);
    g_autoptr(StoreDesktop) machine = machine_of(&world, store, 2);
    g_autoptr(GPtrArray) seats = store_desktop_seats(store, machine->id, &error);
    g_autoptr(StoreUser) ann = world_user(store, "ann", "user");
    g_autoptr(StoreUser) bob = world_user(store, "bob", "user");
    g_autoptr(StoreUser) eve = world_user(store, "eve", "user");
    g_auto(StoreConnected) first = {0}, second = {0}, third = {0}, again = {0};
    g_assert_true(sit(&world, store, ann, seat_at(seats, 1)->id, &first, &error));
    g_assert_false(sit(&world, store, bob, seat_at(seats, 1)->id, &third, &error)); /* somebody was quicker */
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_true(sit(&world, store, bob, seat_at(seats, 2)->id, &second, &error));
    g_assert_true(sit(&world, store, ann, NULL, &again, &error)); /* her own, and the same session */
    g_assert_cmpstr(again.session->id, ==, first.session->id);
    g_assert_false(sit(&world, store, eve, NULL, &third, &error));
    assert_kind(error, ORIEL_ERROR_FULL);
    g_assert_false(store_desktop_retire(store, machine->id, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);

    g_assert_true(store_session_end(store, NULL, first.session->id, "logged off", logged_off, &error));
    g_autoptr(StoreDesktop) in_use = fresh(store, machine->id);
    g_assert_cmpint(in_use->generation, ==, 1); /* bob works on */
    g_assert_cmpint(in_use->seats_taken, ==, 1);
    g_autoptr(StoreSession) goes_on = store_session_get(store, second.session->id, &error);
    g_assert_cmpint(goes_on->state, ==, STORE_SESSION_CONNECTING);
    g_assert_true(store_session_end(store, NULL, second.session->id, "logged off", logged_off, &error));
    g_autoptr(StoreDesktop) empty = fresh(store, machine->id), seat = fresh(store, seat_at(seats, 1)->id);
    g_assert_cmpint(empty->generation, ==, 2); /* the last one left */
    g_assert_cmpint(seat->generation, ==, 2);
    g_assert_cmpint(empty->seats_taken, ==, 0);
}

static void test_machine_goes(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 2);
    g_autoptr(StoreDesktop) machine = machine_of(&world, store, 2);
    g_autoptr(GPtrArray) seats = store_desktop_seats(store, machine->id, &error);
    g_autoptr(StoreUser) ann = world_user(store, "ann", "user");
    g_autoptr(StoreUser) bob = world_user(store, "bob", "user");
    g_auto(StoreConnected) first = {0}, second = {0};
    g_assert_true(sit(&world, store, ann, seat_at(seats, 1)->id, &first, &error));
    g_assert_true(store_desktop_refresh(store, NULL, machine->id, &error)); /* an operator's: all have to go */
    g_autoptr(StoreSession) ended = store_session_get(store, first.session->id, &error);
    g_assert_cmpint(ended->state, ==, STORE_SESSION_ENDED);
    g_assert_cmpstr(ended->end_reason, ==, "refreshed");
    g_autoptr(StoreDesktop) seat = fresh(store, seat_at(seats, 1)->id);
    g_assert_null(seat->user_id);
    g_assert_cmpint(seat->generation, ==, 2);
    g_assert_true(sit(&world, store, bob, seat_at(seats, 2)->id, &second, &error));
    g_assert_true(store_desktop_set_desired(store, NULL, machine->id, STORE_DESIRED_DELETED, &error));
    g_autoptr(StoreSession) deleted = store_session_get(store, second.session->id, &error);
    g_assert_cmpstr(deleted->end_reason, ==, "deleted");
    g_assert_true(store_desktop_remove(store, machine->id, &error));
    g_assert_no_error(error);
    g_assert_null(store_desktop_find(store, seat_at(seats, 2)->id, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_autoptr(StoreSession) history = store_session_get(store, second.session->id, &error);
    g_autofree char *name = g_strconcat(machine->name, ".2", NULL);
    g_assert_cmpstr(history->desktop_name, ==, name);
}

typedef struct {
    Store *store;
    World *world;
    StoreUser *user;
    char *seat_id; /* NULL: none */
} Clicker;

static gpointer click(gpointer data)
{
    Clicker *clicker = data;
    g_auto(StoreConnected) got = {0};
    g_autoptr(GError) error = NULL;
    if (sit(clicker->world, clicker->store, clicker->user, NULL, &got, &error))
        clicker->seat_id = g_strdup(got.desktop->id);
    else
        g_assert_error(error, oriel_error_quark(), ORIEL_ERROR_FULL);
    return NULL;
}

/* As many as come for as few seats, while the machine's row is written all the time. */
static void test_rush(Fixture *fixture)
{
    enum { PEOPLE = 8, SEATS = 5 };
    Store *store = fixture->store;
    g_auto(World) world = {0};
    g_autoptr(GError) error = NULL;
    Clicker clickers[PEOPLE] = {0};
    GThread *threads[PEOPLE];
    unsigned seated = 0;
    world_make(&world, store, 1);
    g_autoptr(StoreDesktop) machine = machine_of(&world, store, SEATS);
    for (size_t i = 0; i < PEOPLE; i++) {
        g_autofree char *name = g_strdup_printf("user%zu", i);
        clickers[i] = (Clicker){.store = store, .world = &world, .user = world_user(store, name, "user")};
    }
    for (size_t i = 0; i < PEOPLE; i++)
        threads[i] = g_thread_new("click", click, &clickers[i]);
    for (int i = 0; i < 20; i++) {
        StoreObservation runs = {.id = machine->id, .generation = 1, .observed = STORE_OBSERVED_RUNNING, .error = i % 2 ? "odd" : NULL};
        g_assert_true(store_desktop_observe(store, &runs, &error));
        g_assert_no_error(error);
    }
    for (size_t i = 0; i < PEOPLE; i++)
        g_thread_join(threads[i]);
    for (size_t i = 0; i < PEOPLE; i++) {
        seated += clickers[i].seat_id != NULL;
        for (size_t j = 0; j < i; j++)
            g_assert_true(!clickers[i].seat_id || g_strcmp0(clickers[i].seat_id, clickers[j].seat_id) != 0);
    }
    g_assert_cmpuint(seated, ==, SEATS);
    for (size_t i = 0; i < PEOPLE; i++) {
        store_user_free(clickers[i].user);
        g_free(clickers[i].seat_id);
    }
}

static void test_rules(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 2);
    StorePool *pool = world.pool;
    pool->seats = 4;
    store_set(&pool->home, "office");
    pool->home_bytes = 1 << 30;
    g_assert_false(store_pool_update(store, NULL, pool, &error));
    assert_kind(error, ORIEL_ERROR_INVALID);
    store_set(&pool->home, "");
    store_set(&pool->self_service, "restart");
    g_assert_false(store_pool_update(store, NULL, pool, &error));
    assert_kind(error, ORIEL_ERROR_INVALID);
    store_set(&pool->self_service, "");
    pool->spares = 8; /* seats of both machines */
    g_assert_true(store_pool_update(store, NULL, pool, &error));
    g_assert_no_error(error);
    pool->spares = 9;
    g_assert_false(store_pool_update(store, NULL, pool, &error));
    assert_kind(error, ORIEL_ERROR_INVALID);
    pool->spares = 0;
    pool->seats = 28;
    g_assert_false(store_pool_update(store, NULL, pool, &error));
    assert_kind(error, ORIEL_ERROR_INVALID);
}

/* Of two session hosts that were there before one goes: whoever sat there finds a seat on the other, though its row is still there. */
static void test_session_host_goes(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 2);
    const StorePool fields = {.name = "offices", .type = STORE_POOL_MANUAL, .size = 4, .enabled = true};
    g_autoptr(StorePool) offices = store_pool_create(store, NULL, &fields, &error);
    g_assert_no_error(error);
    g_autoptr(StoreUser) ann = world_user(store, "ann", "user");
    StoreDesktopNew host = {.pool_id = offices->id, .host_id = world.host_id, .name = "host-1", .protocol = "rdp",
                            .address = "192.0.2.7", .port = 3389, .seats = 1, .desired = STORE_DESIRED_RUNNING};
    g_autoptr(StoreDesktop) old = store_desktop_create(store, NULL, &host, &error);
    g_assert_no_error(error);
    host.name = "host-2";
    g_autoptr(StoreDesktop) other = store_desktop_create(store, NULL, &host, &error);
    g_assert_no_error(error);
    g_autoptr(GPtrArray) here = store_desktop_seats(store, old->id, &error);
    g_autoptr(GPtrArray) there = store_desktop_seats(store, other->id, &error);
    StoreClaim hers = {.pool_id = offices->id, .user_id = ann->id, .desktop_id = seat_at(here, 1)->id};
    g_autoptr(StoreDesktop) taken = store_desktop_claim(store, NULL, &hers, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(taken->id, ==, seat_at(here, 1)->id);
    g_assert_true(store_desktop_set_desired(store, NULL, old->id, STORE_DESIRED_DELETED, &error));
    hers.desktop_id = seat_at(there, 1)->id;
    g_autoptr(StoreDesktop) next = store_desktop_claim(store, NULL, &hers, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(next->id, ==, seat_at(there, 1)->id);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_add("follow", test_follow);
    fixture_add("leave", test_leave);
    fixture_add("machine-goes", test_machine_goes);
    fixture_add("rush", test_rush);
    fixture_add("rules", test_rules);
    fixture_add("session-host-goes", test_session_host_goes);
    return fixture_run();
}
