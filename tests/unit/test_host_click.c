/* The click: who gets which desktop, however many click at once, and what is said where none can be had. */
#include <string.h>
#include <unistd.h>

#include "../fixtures/host/household.h"
#include "base/error.h"

static bool spares_run(Household *household, const void *data)
{
    const StorePool *pool = data;
    return household_count(household, pool->id, STORE_OBSERVED_RUNNING) >= pool->spares;
}

static void test_spare_then_refill(void)
{
    g_auto(Household) household = {0};
    household_open(&household);
    household_start(&household);
    g_autoptr(StorePool) pool =
        household_pool(&household, &(PoolWish){.name = "sales", .size = 3, .spares = 1});
    g_autoptr(StoreUser) ann = household_user(&household, "ann", pool);
    household_until(&household, spares_run, pool, "the spare runs");
    unsigned forks = simulated_calls("fork");
    g_assert_cmpuint(forks, ==, 1);

    g_autoptr(GError) error = NULL;
    g_auto(HostConnection) first = {0}, second = {0};
    g_assert_true(household_click(&household, ann, pool, &first, &error));
    g_assert_no_error(error);
    g_assert_nonnull(first.ticket);
    g_assert_true(household_click(&household, ann, pool, &second, &error));
    g_assert_cmpstr(first.desktop_id, ==, second.desktop_id);
    g_assert_cmpstr(first.session_id, ==, second.session_id);
    g_assert_cmpstr(first.ticket, !=, second.ticket);

    g_autoptr(StoreDesktop) row = household_desktop(&household, first.desktop_id);
    g_assert_cmpstr(row->user_id, ==, ann->id);
    g_assert_cmpint(row->observed, ==, STORE_OBSERVED_RUNNING);
    g_assert_nonnull(row->mac);
    g_assert_cmpuint(strlen(row->machine_id), ==, 32);
    pool->spares = 2; /* one that is Ann's, and a new spare */
    household_until(&household, spares_run, pool, "another spare comes in its place");
    g_assert_cmpuint(simulated_running(), ==, 2);
}

typedef struct {
    Household *household;
    StorePool *pool;
    StoreUser *user;
    HostConnection connection;
    GError *error;
} Clicker;

static gpointer click(gpointer data)
{
    Clicker *clicker = data;
    household_click(clicker->household, clicker->user, clicker->pool, &clicker->connection, &clicker->error);
    return NULL;
}

static void click_all(Clicker *clickers, unsigned count)
{
    g_autofree GThread **threads = g_new(GThread *, count);
    for (unsigned i = 0; i < count; i++)
        threads[i] = g_thread_new("click", click, &clickers[i]);
    for (unsigned i = 0; i < count; i++)
        g_thread_join(threads[i]);
}

enum { USERS = 50 };

static void test_fifty_at_once(void)
{
    g_auto(Household) household = {0};
    household_open(&household);
    household_start(&household);
    g_autoptr(StorePool) pool =
        household_pool(&household, &(PoolWish){.name = "big", .size = USERS - 1, .spares = 2});
    Clicker clickers[USERS] = {0};
    for (unsigned i = 0; i < USERS; i++) {
        g_autofree char *name = g_strdup_printf("user-%u", i);
        clickers[i] =
            (Clicker){.household = &household, .pool = pool, .user = household_user(&household, name, pool)};
    }
    click_all(clickers, USERS);
    g_autoptr(GHashTable) desktops = g_hash_table_new(g_str_hash, g_str_equal);
    unsigned refused = 0;
    for (unsigned i = 0; i < USERS; i++) {
        if (clickers[i].error) {
            g_test_message("%s", clickers[i].error->message);
            g_assert_error(clickers[i].error, ORIEL_ERROR, ORIEL_ERROR_FULL);
            refused++;
            continue;
        }
        g_assert_true(
            g_hash_table_add(desktops, clickers[i].connection.desktop_id)); /* never two users one desktop */
        g_autoptr(StoreDesktop) row = household_desktop(&household, clickers[i].connection.desktop_id);
        g_assert_cmpstr(row->user_id, ==, clickers[i].user->id);
        g_autofree char *folder = household_folder(&household, row->id);
        g_assert_true(simulated_runs(folder));
    }
    g_assert_cmpuint(refused, ==, 1);
    for (unsigned i = 0; i < USERS; i++) {
        host_connection_clear(&clickers[i].connection);
        g_clear_error(&clickers[i].error);
        store_user_free(clickers[i].user);
    }
}

static void test_one_user_clicks_twenty_times(void)
{
    g_auto(Household) household = {0};
    household_open(&household);
    household_start(&household);
    g_autoptr(StorePool) pool = household_pool(&household, &(PoolWish){.name = "own", .size = 20});
    g_autoptr(StoreUser) ann = household_user(&household, "ann", pool);
    Clicker clickers[20] = {0};
    for (unsigned i = 0; i < G_N_ELEMENTS(clickers); i++)
        clickers[i] = (Clicker){.household = &household, .pool = pool, .user = ann};
    click_all(clickers, G_N_ELEMENTS(clickers));
    for (unsigned i = 0; i < G_N_ELEMENTS(clickers); i++) {
        g_assert_no_error(clickers[i].error);
        g_assert_cmpstr(clickers[i].connection.desktop_id, ==, clickers[0].connection.desktop_id);
        g_assert_cmpstr(clickers[i].connection.session_id, ==, clickers[0].connection.session_id);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(clickers); i++)
        host_connection_clear(&clickers[i].connection);
}

static void test_refusals(void)
{
    g_auto(Household) household = {0};
    household_open(&household);
    household_start(&household);
    g_autoptr(StorePool) pool = household_pool(&household, &(PoolWish){.name = "one", .size = 1});
    g_autoptr(StorePool) other = household_pool(&household, &(PoolWish){.name = "other", .size = 1});
    g_autoptr(StoreUser) ann = household_user(&household, "ann", pool);
    g_autoptr(StoreUser) bob = household_user(&household, "bob", pool);
    g_auto(HostConnection) connection = {0};
    g_autoptr(GError) error = NULL;
    g_assert_false(household_click(&household, ann, other, &connection, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_FORBIDDEN);
    g_clear_error(&error);
    g_assert_true(household_click(&household, ann, pool, &connection, &error));
    host_connection_clear(&connection);
    g_assert_false(household_click(&household, bob, pool, &connection, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_FULL);
    g_clear_error(&error);
    g_autoptr(StorePool) edited = store_pool_find(household.store, pool->id, &error);
    edited->maintenance = true;
    g_assert_true(store_pool_update(household.store, NULL, edited, &error));
    g_assert_false(household_click(&household, ann, pool, &connection, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_CONFLICT);
    g_assert_nonnull(strstr(error->message, "in maintenance"));
    g_clear_error(&error);
    HostConnectRequest unknown = {.user_id = ann->id, .pool_id = "nowhere"};
    g_assert_false(host_connect(household.host, &unknown, &connection, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_NOT_FOUND);
}

static void test_tickets(void)
{
    g_auto(Household) household = {0};
    household_open(&household);
    household_start(&household);
    g_autoptr(StorePool) pool = household_pool(&household, &(PoolWish){.name = "p", .size = 1});
    g_autoptr(StoreUser) ann = household_user(&household, "ann", pool);
    g_auto(HostConnection) connection = {0};
    g_auto(HostDisplay) display = {.fd = -1};
    g_autoptr(GError) error = NULL;
    g_assert_true(household_click(&household, ann, pool, &connection, &error));
    g_assert_false(host_display_open(household.host, &(HostDisplayRequest){"guessed", DISPLAY_CLIENT_BROWSER, "192.0.2.7"}, &display, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_true(host_display_open(household.host, &(HostDisplayRequest){connection.ticket, DISPLAY_CLIENT_BROWSER, "192.0.2.7"}, &display, &error));
    g_assert_cmpstr(display.desktop_id, ==, connection.desktop_id);
    g_assert_cmpstr(display.session_id, ==, connection.session_id);
    g_assert_null(display.user_id); /* here nobody in particular asked */
    char greeting[12];
    g_assert_cmpint(read(display.fd, greeting, sizeof greeting), ==, 12);
    g_assert_cmpmem(greeting, 12, "RFB 003.008\n", 12);
    host_display_clear(&display);
    g_assert_false(host_display_open(household.host, &(HostDisplayRequest){connection.ticket, DISPLAY_CLIENT_BROWSER, "192.0.2.7"}, &display, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_NOT_FOUND);
    g_clear_error(&error);

    HostConnectRequest console = {.desktop_id = connection.desktop_id};
    g_auto(HostConnection) watched = {0};
    g_assert_false(host_connect(household.host, &console, &watched, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_FORBIDDEN);
    g_clear_error(&error);
    console.as_admin = true;
    g_assert_true(host_connect(household.host, &console, &watched, &error));
    g_assert_null(watched.session_id);
    g_assert_true(host_display_open(household.host, &(HostDisplayRequest){watched.ticket, DISPLAY_CLIENT_BROWSER, "192.0.2.7"}, &display, &error));
    g_assert_null(display.session_id);
}

/* Nobody looks over a person's shoulder by way of the console. */
static void test_console_beside_a_person(void)
{
    g_auto(Household) household = {0};
    household_open(&household);
    household_start(&household);
    g_autoptr(StorePool) pool = household_pool(&household, &(PoolWish){.name = "p", .size = 1});
    g_autoptr(StoreUser) ann = household_user(&household, "ann", pool);
    g_auto(HostConnection) connection = {0}, watched = {0}, taken = {0};
    g_auto(HostDisplay) display = {.fd = -1}, console = {.fd = -1};
    g_autoptr(GError) error = NULL;
    g_assert_true(household_click(&household, ann, pool, &connection, &error));
    HostConnectRequest request = {.desktop_id = connection.desktop_id, .as_admin = true};
    g_assert_true(host_connect(household.host, &request, &watched, &error));
    g_assert_true(host_display_open(household.host, &(HostDisplayRequest){connection.ticket, DISPLAY_CLIENT_BROWSER, "192.0.2.7"}, &display, &error));
    g_autofree char *folder = g_build_filename(household.state, "desktops", connection.desktop_id, NULL);
    g_assert_true(simulated_set_viewers(folder, 1));
    g_assert_false(host_display_open(household.host, &(HostDisplayRequest){watched.ticket, DISPLAY_CLIENT_BROWSER, "192.0.2.8"}, &console, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_CONFLICT);
    g_clear_error(&error);
    g_assert_false(host_connect(household.host, &request, &taken, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_CONFLICT);
    g_clear_error(&error);
    request.take_over = true;
    g_assert_true(host_connect(household.host, &request, &taken, &error));
    g_assert_true(host_display_open(household.host, &(HostDisplayRequest){taken.ticket, DISPLAY_CLIENT_BROWSER, "192.0.2.8"}, &console, &error));
    g_assert_null(console.session_id);
}

typedef struct {
    Household *household;
    const HostConnection *connection;
    bool refresh; /* else its session ends */
} Change;

static void change(void *data)
{
    const Change *what = data;
    g_autoptr(GError) error = NULL;
    if (what->refresh)
        host_desktop_refresh(what->household->host, what->connection->desktop_id, NULL, &error);
    else
        store_session_end(what->household->store, NULL, what->connection->session_id, "logged off", (StoreAfter){0},
                          &error);
    g_assert_no_error(error);
}

/* The desktop goes to somebody else after the ticket was redeemed and before its display is reached. */
static void test_ticket_is_overtaken(void)
{
    g_auto(Household) household = {0};
    household_open(&household);
    household_start(&household);
    g_autoptr(StorePool) pool = household_pool(&household, &(PoolWish){.name = "p", .size = 1});
    g_autoptr(StoreUser) ann = household_user(&household, "ann", pool);
    for (int refresh = 0; refresh < 2; refresh++) {
        g_auto(HostConnection) connection = {0};
        g_auto(HostDisplay) display = {.fd = -1};
        g_autoptr(GError) error = NULL;
        g_assert_true(household_click(&household, ann, pool, &connection, &error));
        Change what = {&household, &connection, refresh};
        simulated_visit("display", change, &what);
        g_assert_false(host_display_open(household.host, &(HostDisplayRequest){connection.ticket, DISPLAY_CLIENT_BROWSER, "192.0.2.7"}, &display, &error));
        g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_UNAVAILABLE);
        g_assert_cmpint(display.fd, ==, -1);
    }
}

static void test_fork_fails(void)
{
    g_auto(Household) household = {0};
    household_open(&household);
    household_start(&household);
    g_autoptr(StorePool) pool = household_pool(&household, &(PoolWish){.name = "p", .size = 2});
    g_autoptr(StoreUser) ann = household_user(&household, "ann", pool);
    g_auto(HostConnection) connection = {0};
    g_autoptr(GError) error = NULL;
    simulated_fail("fork", ORIEL_ERROR_UNAVAILABLE, 1000);
    g_assert_false(household_click(&household, ann, pool, &connection, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_UNAVAILABLE);
    g_assert_null(connection.ticket);
    g_clear_error(&error);
    g_assert_null(store_desktop_of_user(household.store, pool->id, ann->id, NULL));
    simulated_fail("fork", ORIEL_ERROR_UNAVAILABLE, 0);
    g_assert_true(household_click(&household, ann, pool, &connection, &error));
    g_assert_no_error(error);
}

static void test_image_that_does_not_boot(void)
{
    g_auto(Household) household = {0};
    household_open(&household);
    simulated_fail("wait_ready", ORIEL_ERROR_UNAVAILABLE, 1);
    household_start(&household);
    g_autoptr(StorePool) pool = household_pool(&household, &(PoolWish){.name = "p", .size = 1});
    g_autoptr(StoreUser) ann = household_user(&household, "ann", pool);
    g_auto(HostConnection) connection = {0};
    g_autoptr(GError) error = NULL;
    g_assert_false(household_click(&household, ann, pool, &connection, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_UNAVAILABLE);
    g_assert_nonnull(strstr(error->message, "does not boot"));
    g_assert_nonnull(strstr(error->message, "kernel panic"));
    g_auto(HostTemplateStatus) status = {0};
    g_assert_true(host_template_status(household.host, pool->id, &status, NULL));
    g_assert_cmpstr(status.state, ==, "failed");
    g_assert_nonnull(strstr(status.error, "kernel panic"));
    g_assert_cmpuint(simulated_running(), ==, 0);
}

static void test_no_image_yet(void)
{
    g_auto(Household) household = {0};
    household_open(&household);
    household_start(&household);
    g_autoptr(GError) error = NULL;
    StoreImage fields = {.name = (char *)"unbuilt", .recipe_name = (char *)""};
    g_autoptr(StoreImage) image = store_image_create(household.store, NULL, &fields, &error);
    g_assert_no_error(error);
    g_free(household.image_id);
    household.image_id = g_strdup(image->id);
    g_autoptr(StorePool) pool = household_pool(&household, &(PoolWish){.name = "p", .size = 1});
    g_autoptr(StoreUser) ann = household_user(&household, "ann", pool);
    g_auto(HostConnection) connection = {0};
    g_assert_false(household_click(&household, ann, pool, &connection, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_UNAVAILABLE);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, "unbuilt"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host/click/spare-then-refill", test_spare_then_refill);
    g_test_add_func("/host/click/fifty-at-once", test_fifty_at_once);
    g_test_add_func("/host/click/one-user-twenty-times", test_one_user_clicks_twenty_times);
    g_test_add_func("/host/click/refusals", test_refusals);
    g_test_add_func("/host/click/tickets", test_tickets);
    g_test_add_func("/host/click/console-beside-a-person", test_console_beside_a_person);
    g_test_add_func("/host/click/ticket-is-overtaken", test_ticket_is_overtaken);
    g_test_add_func("/host/click/fork-fails", test_fork_fails);
    g_test_add_func("/host/click/image-that-does-not-boot", test_image_that_does_not_boot);
    g_test_add_func("/host/click/no-image-yet", test_no_image_yet);
    return g_test_run();
}
