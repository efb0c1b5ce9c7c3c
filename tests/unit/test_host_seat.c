/* Shared machines with simulated guests: who sits where, what one's end does to the others, and what a crash between two steps leaves. */
#include <png.h>
#include <string.h>

#include "../fixtures/host/household.h"
#include "base/error.h"

static StorePool *shared_pool(Household *household, unsigned machines, unsigned seats, unsigned spares)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(StorePool) pool = household_pool(household, &(PoolWish){.name = "farm", .size = machines});
    pool->seats = seats;
    pool->spares = spares;
    g_assert_true(store_pool_update(household->store, NULL, pool, &error));
    g_assert_no_error(error);
    return g_steal_pointer(&pool);
}

typedef struct {
    StoreUser *user;
    HostConnection connection;
    StoreDesktop *seat;
} Person;

static void person_clear(Person *person)
{
    store_user_free(person->user);
    store_desktop_free(person->seat);
    host_connection_clear(&person->connection);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Person, person_clear)

static void sit(Household *household, const StorePool *pool, const char *name, Person *person)
{
    g_autoptr(GError) error = NULL;
    if (!person->user)
        person->user = household_user(household, name, pool);
    host_connection_clear(&person->connection);
    g_assert_true(household_click(household, person->user, pool, &person->connection, &error));
    g_assert_no_error(error);
    g_clear_pointer(&person->seat, store_desktop_free);
    person->seat = household_desktop(household, person->connection.desktop_id);
    g_assert_nonnull(person->seat->seat_of);
}

static bool has_ended(Household *household, const void *data)
{
    const Person *person = data;
    g_autoptr(StoreSession) session = store_session_get(household->store, person->connection.session_id, NULL);
    return session && session->state == STORE_SESSION_ENDED;
}

static void assert_state(Household *household, const Person *person, bool ended)
{
    g_assert_cmpint(has_ended(household, person), ==, ended);
}

typedef struct {
    const StorePool *pool;
    unsigned machines;
} Wanted;

static bool machines_run(Household *household, const void *data)
{
    const Wanted *wanted = data;
    StoreDesktopFilter filter = {.pool_id = wanted->pool->id};
    g_autoptr(GPtrArray) rows = store_desktop_list(household->store, &filter, NULL, NULL, NULL);
    unsigned machines = 0, ready = 0;
    for (guint i = 0; rows && i < rows->len; i++) {
        const StoreDesktop *row = rows->pdata[i];
        machines += row->seats > 0;
        ready += row->seats > 0 && row->observed == STORE_OBSERVED_RUNNING && row->agent == STORE_AGENT_READY &&
                 row->generation == row->observed_generation;
    }
    return rows && machines == wanted->machines && ready == wanted->machines;
}

static void until_machines(Household *household, const StorePool *pool, unsigned machines)
{
    household_until(household, machines_run, &(Wanted){pool, machines}, "so many machines run");
}

static void test_breadth(void)
{
    g_auto(Household) household = {0};
    g_auto(Person) ann = {0}, bob = {0}, eve = {0};
    household_open(&household);
    household_start(&household);
    g_autoptr(StorePool) pool = shared_pool(&household, 4, 2, 4);
    until_machines(&household, pool, 2);
    sit(&household, pool, "ann", &ann);
    sit(&household, pool, "bob", &bob);
    g_assert_cmpstr(ann.seat->seat_of, !=, bob.seat->seat_of); /* the machine with fewer people */
    until_machines(&household, pool, 3);                       /* four seats stay free */
    sit(&household, pool, "eve", &eve);
    g_assert_cmpstr(eve.seat->seat_of, !=, ann.seat->seat_of);
    g_assert_cmpstr(eve.seat->seat_of, !=, bob.seat->seat_of);
}

/* One logs off, the other works on; the machine is new only when both have gone. */
static void test_log_off(void)
{
    g_auto(Household) household = {0};
    g_auto(Person) ann = {0}, bob = {0};
    g_autoptr(GError) error = NULL;
    household_open(&household);
    household_start(&household);
    g_autoptr(StorePool) pool = shared_pool(&household, 1, 2, 2);
    until_machines(&household, pool, 1);
    sit(&household, pool, "ann", &ann);
    sit(&household, pool, "bob", &bob);
    g_assert_cmpstr(ann.seat->seat_of, ==, bob.seat->seat_of);
    g_assert_true(host_session_log_off(household.host, ann.connection.session_id, NULL, &error));
    g_assert_no_error(error);
    assert_state(&household, &ann, true);
    assert_state(&household, &bob, false);
    g_autoptr(StoreDesktop) machine = household_desktop(&household, bob.seat->seat_of);
    g_assert_cmpint(machine->generation, ==, 1);
    g_autofree char *folder = household_folder(&household, machine->id);
    g_assert_true(simulated_runs(folder));
    g_assert_true(simulated_seat_logs_off(folder, (unsigned)bob.seat->seat)); /* in the guest, by himself */
    household_until(&household, has_ended, &bob, "his session has ended");
    g_autoptr(StoreDesktop) empty = household_desktop(&household, machine->id);
    g_assert_cmpint(empty->generation, ==, 2);
    until_machines(&household, pool, 1);
    sit(&household, pool, "ann", &ann);
    assert_state(&household, &ann, false);
}

/* What one seat's agent says never ends another's session, and a number that is no seat is nobody's. */
static void test_apart(void)
{
    g_auto(Household) household = {0};
    g_auto(Person) ann = {0}, bob = {0};
    household_open(&household);
    household_start(&household);
    g_autoptr(StorePool) pool = shared_pool(&household, 1, 3, 3);
    until_machines(&household, pool, 1);
    sit(&household, pool, "ann", &ann);
    sit(&household, pool, "bob", &bob);
    g_autofree char *folder = household_folder(&household, ann.seat->seat_of);
    simulated_seat_logs_off(folder, 27);
    simulated_seat_logs_off(folder, 0);
    simulated_seat_logs_off(folder, (unsigned)ann.seat->seat);
    household_until(&household, has_ended, &ann, "her session has ended");
    assert_state(&household, &bob, false);
}

static void assert_died(Household *household, const Person *person)
{
    g_autoptr(StoreSession) session = store_session_get(household->store, person->connection.session_id, NULL);
    g_assert_cmpstr(session->end_reason, ==, "machine died");
}

static void test_machine_dies(void)
{
    g_auto(Household) household = {0};
    Person people[3] = {{0}, {0}, {0}};
    static const char *const names[] = {"ann", "bob", "eve"};
    household_open(&household);
    household_start(&household);
    g_autoptr(StorePool) pool = shared_pool(&household, 2, 3, 0);
    for (size_t i = 0; i < 3; i++) {
        Person *person = &people[i];
        sit(&household, pool, names[i], person);
        g_assert_cmpstr(person->seat->seat_of, ==, people[0].seat->seat_of);
    }
    g_autofree char *folder = household_folder(&household, people[0].seat->seat_of);
    g_assert_true(simulated_die(folder, MACHINE_END_CRASHED));
    for (size_t i = 0; i < 3; i++) {
        household_until(&household, has_ended, &people[i], "their session has ended");
        assert_died(&household, &people[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        sit(&household, pool, names[i], &people[i]);
        assert_state(&household, &people[i], false);
    }
    for (size_t i = 0; i < 3; i++)
        person_clear(&people[i]);
}

/* Orield is away while the machine dies: it finds the three sessions, and ends them all. */
static void test_restart(void)
{
    g_auto(Household) household = {0};
    g_auto(Person) ann = {0}, bob = {0};
    household_open(&household);
    household_start(&household);
    g_autoptr(StorePool) pool = shared_pool(&household, 1, 2, 2);
    until_machines(&household, pool, 1);
    sit(&household, pool, "ann", &ann);
    sit(&household, pool, "bob", &bob);
    household_stop(&household);
    household_start(&household); /* it runs on, and so do they */
    assert_state(&household, &ann, false);
    g_autofree char *folder = household_folder(&household, ann.seat->seat_of);
    g_assert_true(simulated_runs(folder));
    household_stop(&household);
    g_assert_true(simulated_die(folder, MACHINE_END_CRASHED));
    household_start(&household);
    household_until(&household, has_ended, &ann, "her session has ended");
    household_until(&household, has_ended, &bob, "his session has ended");
    assert_died(&household, &ann);
    assert_died(&household, &bob);
}

static void test_maintenance(void)
{
    g_auto(Household) household = {0};
    g_auto(Person) ann = {0}, bob = {0};
    g_autoptr(GError) error = NULL;
    household_open(&household);
    household_start(&household);
    g_autoptr(StorePool) pool = shared_pool(&household, 1, 2, 2);
    until_machines(&household, pool, 1);
    sit(&household, pool, "ann", &ann);
    g_assert_true(host_desktop_set_maintenance(household.host, ann.seat->seat_of, true, NULL, &error));
    bob.user = household_user(&household, "bob", pool);
    g_assert_false(household_click(&household, bob.user, pool, &bob.connection, &error));
    g_assert_error(error, oriel_error_quark(), ORIEL_ERROR_FULL);
    g_clear_error(&error);
    sit(&household, pool, "ann", &ann); /* her session goes on */
    g_assert_false(host_desktop_stop(household.host, ann.seat->seat_of, false, NULL, &error));
    g_assert_error(error, oriel_error_quark(), ORIEL_ERROR_CONFLICT);
    g_clear_error(&error);
    g_assert_false(host_desktop_reset(household.host, ann.seat->id, NULL, &error));
    g_assert_error(error, oriel_error_quark(), ORIEL_ERROR_UNSUPPORTED);
    g_clear_error(&error);
    g_assert_true(host_desktop_stop(household.host, ann.seat->seat_of, true, NULL, &error));
    household_until(&household, has_ended, &ann, "her session has ended");
}

static void assert_grey(GBytes *png, unsigned grey)
{
    uint8_t pixels[16 * 16 * 3];
    png_image image = {.version = PNG_IMAGE_VERSION};
    size_t length = 0;
    const void *bytes = g_bytes_get_data(png, &length);
    g_assert_true(png_image_begin_read_from_memory(&image, bytes, length));
    g_assert_cmpuint(image.width * image.height, ==, 16 * 16);
    image.format = PNG_FORMAT_RGB;
    g_assert_true(png_image_finish_read(&image, NULL, pixels, 0, NULL));
    for (size_t i = 0; i < sizeof pixels; i++)
        g_assert_cmpuint(pixels[i], ==, grey);
}

/* Each seat's picture is its own, taken beside its person, whose stream is never opened for it. */
static void test_pictures(void)
{
    g_auto(Household) household = {0};
    g_auto(Person) ann = {0}, bob = {0};
    g_autoptr(GError) error = NULL;
    household_open(&household);
    household_start(&household);
    g_autoptr(StorePool) pool = shared_pool(&household, 1, 3, 3);
    until_machines(&household, pool, 1);
    sit(&household, pool, "ann", &ann);
    sit(&household, pool, "bob", &bob);
    const Person *both[] = {&ann, &bob};
    for (size_t i = 0; i < G_N_ELEMENTS(both); i++) {
        g_autoptr(GBytes) png = host_desktop_thumbnail(household.host, both[i]->seat->id, 0, &error);
        g_assert_no_error(error);
        assert_grey(png, (unsigned)both[i]->seat->seat);
    }
    g_assert_cmpuint(simulated_calls("seat_display"), ==, 0);
    g_usleep(1100 * 1000); /* the last picture is too old */
    simulated_fail("seat_look", ORIEL_ERROR_UNAVAILABLE, 1);
    g_assert_null(host_desktop_thumbnail(household.host, ann.seat->id, 0, &error));
    g_assert_error(error, oriel_error_quark(), ORIEL_ERROR_UNAVAILABLE);
    g_clear_error(&error);
    g_autofree char *folder = household_folder(&household, ann.seat->seat_of);
    g_assert_true(simulated_die(folder, MACHINE_END_CRASHED));
    household_until(&household, has_ended, &ann, "her session has ended");
    g_assert_null(host_desktop_thumbnail(household.host, ann.seat->id, 0, &error));
    g_assert_error(error, oriel_error_quark(), ORIEL_ERROR_UNAVAILABLE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host/seat/breadth", test_breadth);
    g_test_add_func("/host/seat/log-off", test_log_off);
    g_test_add_func("/host/seat/apart", test_apart);
    g_test_add_func("/host/seat/machine-dies", test_machine_dies);
    g_test_add_func("/host/seat/restart", test_restart);
    g_test_add_func("/host/seat/maintenance", test_maintenance);
    g_test_add_func("/host/seat/pictures", test_pictures);
    return g_test_run();
}
