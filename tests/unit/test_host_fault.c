/* Each thing that a machine can refuse, refused once and twice: what was desired comes about all the same,
 * and nothing is left over. */
#include "../fixtures/host/household.h"
#include "base/error.h"

typedef struct {
    Household *household;
    StorePool *pool;
    StoreUser *user;
} Scene;

/* The user's desktop runs, a spare runs, and nothing runs that no row names. */
static bool all_is_well(Household *household, const void *data)
{
    const Scene *scene = data;
    g_autoptr(StoreDesktop) own =
        store_desktop_of_user(household->store, scene->pool->id, scene->user->id, NULL);
    return own && own->observed == STORE_OBSERVED_RUNNING && own->generation == own->observed_generation &&
           household_count(household, scene->pool->id, STORE_OBSERVED_RUNNING) == 2 &&
           simulated_running() == 2;
}

static bool spare_runs(Household *household, const void *data)
{
    const Scene *scene = data;
    return household_count(household, scene->pool->id, STORE_OBSERVED_RUNNING) == 1;
}

static bool nothing_is_left(Household *household, const void *data)
{
    g_autofree char *desktops = g_build_filename(household->state, "desktops", NULL);
    g_autoptr(GDir) dir = g_dir_open(desktops, 0, NULL);
    g_autoptr(GPtrArray) rows = store_desktop_list(household->store, NULL, NULL, NULL, NULL);
    return simulated_running() == 0 && rows && rows->len == 0 && dir && !g_dir_read_name(dir);
}

/* Somebody who clicks again when it did not work. */
static void click_until_it_works(const Scene *scene, HostConnection *connection)
{
    for (unsigned tries = 0; tries < 8; tries++) {
        g_autoptr(GError) error = NULL;
        host_connection_clear(connection);
        if (household_click(scene->household, scene->user, scene->pool, connection, &error))
            return;
        g_test_message("try %u: %s", tries, error->message);
        g_usleep(100 * 1000);
    }
    g_error("eight clicks did not work");
}

static void live(const Scene *scene)
{
    Household *household = scene->household;
    g_auto(HostConnection) connection = {0};
    click_until_it_works(scene, &connection);
    household_until(household, all_is_well, scene, "the first desktop and a spare run");
    g_autofree char *folder = household_folder(household, connection.desktop_id);
    simulated_set_viewers(folder, 1);
    host_session_log_off(household->host, connection.session_id, NULL, NULL);
    click_until_it_works(scene, &connection);
    household_until(household, all_is_well, scene, "the same after a log off");
    household_stop(household);
    household_start(household);
    click_until_it_works(scene, &connection);
    household_until(household, all_is_well, scene, "the same after a restart of orield");
    job_runner_stop(household->jobs);
    host_stop_machines(household->host, NULL);
    household_stop(household);
    household_start(household);
    click_until_it_works(scene, &connection);
    household_until(household, all_is_well, scene, "the same after the end of the host");
}

typedef struct {
    const char *operation;
    unsigned times;
} Order;

static void test_refused(gconstpointer data)
{
    const Order *order = data;
    g_auto(Household) household = {0};
    household_open(&household);
    household_start(&household);
    g_autoptr(StorePool) pool = household_pool(&household, &(PoolWish){.name = "p", .size = 4, .spares = 1});
    g_autoptr(StoreUser) ann = household_user(&household, "ann", pool);
    Scene scene = {&household, pool, ann};
    household_until(&household, spare_runs, &scene, "the template is made and a spare runs");
    simulated_fail(order->operation, ORIEL_ERROR_UNAVAILABLE, order->times);
    live(&scene);
    g_assert_true(store_pool_delete(household.store, NULL, pool->id, 0, NULL));
    household_until(&household, nothing_is_left, NULL, "nothing is left");
}

int main(int argc, char **argv)
{
    static const char *const operations[] = {
        "fork",         "kill",           "kill_in",       "adopt",          "identity",
        "plug_network", "plug_clipboard", "log_off",       "viewers",        "resume",
        "suspend",      "quit",           "template_open", "disconnect_all", "shut_down",
    };
    static Order orders[2 * G_N_ELEMENTS(operations)];
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(orders); i++) {
        orders[i] = (Order){operations[i / 2], (unsigned)(i % 2) + 1};
        g_autofree char *name = g_strdup_printf("/host/fault/%s/%u", orders[i].operation, orders[i].times);
        g_test_add_data_func(name, &orders[i], test_refused);
    }
    return g_test_run();
}
