/* A host with real machines, from the boot of the image to the last machine's end. `host-real FOLDER` of one
 * version of debian-minimal. One story, because a boot under software emulation takes its time. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "../../fixtures/host/household.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "machine/overlay.h"

static Household household;
static StorePool *pool;
static StoreUser *ann, *bob;

static bool spare_runs(Household *house, const void *data)
{
    return household_count(house, pool->id, STORE_OBSERVED_RUNNING) >= 1;
}

static bool agent_ready(Household *house, const void *id)
{
    g_autoptr(StoreDesktop) row = household_desktop(house, id);
    return row->agent == STORE_AGENT_READY;
}

static void connect_user(const StoreUser *user, HostConnection *connection)
{
    g_autoptr(GError) error = NULL;
    int64_t began = clock_monotonic_us();
    HostConnectRequest request = {.user_id = user->id, .pool_id = pool->id};
    g_assert_true(host_connect(household.host, &request, connection, &error));
    g_assert_no_error(error);
    g_assert_nonnull(connection->ticket);
    g_test_message("click of %s: %.1f ms", user->name, (double)(clock_monotonic_us() - began) / 1000);
}

static void read_exactly(int fd, void *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t got = read(fd, (char *)bytes + done, length - done);
        g_assert_cmpint(got, >, 0);
        done += (size_t)got;
    }
}

/* RFC 6143 7.1 to 7.3: as far as the server says how large its screen is. */
static int view(HostConnection *connection)
{
    g_auto(HostDisplay) display = {.fd = -1};
    g_autoptr(GError) error = NULL;
    g_assert_true(host_display_open(household.host, &(HostDisplayRequest){connection->ticket, DISPLAY_CLIENT_BROWSER, "192.0.2.7"}, &display, &error));
    g_assert_no_error(error);
    uint8_t bytes[256];
    read_exactly(display.fd, bytes, 12);
    g_assert_cmpmem(bytes, 4, "RFB ", 4);
    g_assert_true(fd_write_all(display.fd, "RFB 003.008\n", 12, NULL));
    read_exactly(display.fd, bytes, 1);
    g_assert_cmpuint(bytes[0], ==, 1);
    read_exactly(display.fd, bytes, 1);
    g_assert_cmpuint(bytes[0], ==, 1); /* security type None */
    g_assert_true(fd_write_all(display.fd, "\x01", 1, NULL));
    read_exactly(display.fd, bytes, 4);
    g_assert_true(fd_write_all(display.fd, "\x01", 1, NULL)); /* shared */
    read_exactly(display.fd, bytes, 24);
    unsigned width = (unsigned)bytes[0] << 8 | bytes[1];
    g_assert_cmpuint(width, >, 100);
    return fd_steal(&display.fd);
}

typedef struct {
    const char *id;
    StoreSessionState state;
} SessionIs;

static bool session_is(Household *house, const void *data)
{
    const SessionIs *want = data;
    g_autoptr(StoreSession) session = store_session_get(house->store, want->id, NULL);
    return session && session->state == want->state;
}

static void until_session(const char *id, StoreSessionState state)
{
    household_until(&household, session_is, &(SessionIs){id, state}, store_session_state_word(state));
}

/* ---- the story ---- */

static void test_boot_and_click(void)
{
    household_start(&household);
    pool = household_pool(&household, &(PoolWish){.name = "real", .size = 4, .spares = 1});
    ann = household_user(&household, "ann", pool);
    bob = household_user(&household, "bob", pool);
    int64_t began = clock_monotonic_ms();
    household_until(&household, spare_runs, NULL, "the image is booted and frozen, and a spare is forked");
    g_test_message("boot, freeze, first fork: %.1f s", (double)(clock_monotonic_ms() - began) / 1000);
    g_auto(HostConnection) first = {0}, second = {0};
    connect_user(ann, &first); /* the spare */
    connect_user(bob, &second);
    g_assert_cmpstr(first.desktop_id, !=, second.desktop_id);
    household_until(&household, agent_ready, first.desktop_id, "its agent took its identity");
    household_until(&household, agent_ready, second.desktop_id, "its agent took its identity");
    g_autoptr(StoreDesktop) one = household_desktop(&household, first.desktop_id);
    g_autoptr(StoreDesktop) two = household_desktop(&household, second.desktop_id);
    g_assert_cmpstr(one->machine_id, !=, two->machine_id);
    g_assert_cmpstr(one->mac, !=, two->mac);
    autofd int viewer = view(&first);
    until_session(first.session_id, STORE_SESSION_CONNECTED);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) small = host_desktop_thumbnail(household.host, first.desktop_id, 160, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(small, NULL), 4, "\x89PNG", 4);
    fd_clear(&viewer);
    until_session(first.session_id, STORE_SESSION_DISCONNECTED);
}

static void test_restart_of_orield(void)
{
    g_auto(HostConnection) before = {0}, after = {0};
    connect_user(ann, &before);
    autofd int viewer = view(&before);
    until_session(before.session_id, STORE_SESSION_CONNECTED);
    household_stop(&household);
    household_start(&household);
    until_session(before.session_id, STORE_SESSION_CONNECTED);
    connect_user(ann, &after);
    g_assert_cmpstr(before.desktop_id, ==, after.desktop_id);
    g_assert_cmpstr(before.session_id, ==, after.session_id);
}

typedef struct {
    const char *id;
    int64_t generation;
} Refreshed;

static bool is_refreshed(Household *house, const void *data)
{
    const Refreshed *before = data;
    g_autoptr(StoreDesktop) row = store_desktop_find(house->store, before->id, NULL);
    return row && row->observed_generation > before->generation && row->observed == STORE_OBSERVED_RUNNING &&
           !row->user_id;
}

static int64_t generation_of(const char *id)
{
    g_autoptr(StoreDesktop) row = household_desktop(&household, id);
    return row->generation;
}

static pid_t pid_of(const char *desktop_id)
{
    g_autofree char *folder = household_folder(&household, desktop_id);
    g_autofree char *path = g_build_filename(folder, "machine.json", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) record = json_read_file(path, 65536, &error);
    g_assert_no_error(error);
    return (pid_t)json_integer_value(json_object_get(record, "pid"));
}

static void test_qemu_is_killed(void)
{
    g_auto(HostConnection) connection = {0};
    connect_user(ann, &connection);
    Refreshed before = {connection.desktop_id, generation_of(connection.desktop_id)};
    pid_t pid = pid_of(connection.desktop_id);
    g_assert_cmpint(pid, >, 1);
    g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
    until_session(connection.session_id, STORE_SESSION_ENDED);
    household_until(&household, is_refreshed, &before, "it is refreshed");
}

static void test_log_off(void)
{
    g_auto(HostConnection) connection = {0};
    connect_user(bob, &connection);
    Refreshed before = {connection.desktop_id, generation_of(connection.desktop_id)};
    g_autoptr(GError) error = NULL;
    g_assert_true(host_session_log_off(household.host, connection.session_id, NULL, &error));
    g_assert_no_error(error);
    household_until(&household, is_refreshed, &before, "it is refreshed");
}

static bool runs(Household *house, const void *id)
{
    g_autoptr(StoreDesktop) row = household_desktop(house, id);
    return row->observed == STORE_OBSERVED_RUNNING;
}

static void test_sleep_and_wake(void)
{
    g_auto(HostConnection) connection = {0};
    g_autoptr(GError) error = NULL;
    connect_user(ann, &connection);
    household_until(&household, agent_ready, connection.desktop_id, "its agent took its identity");
    job_runner_stop(household.jobs);
    int64_t began = clock_monotonic_ms();
    g_assert_true(host_stop_machines(household.host, &error));
    g_assert_no_error(error);
    g_test_message("machines stopped after %" G_GINT64_FORMAT " ms", clock_monotonic_ms() - began);
    household_stop(&household);
    g_autofree char *folder = household_folder(&household, connection.desktop_id);
    g_autofree char *suspended = g_build_filename(folder, "suspended", NULL);
    g_assert_true(g_file_test(suspended, G_FILE_TEST_EXISTS));
    household_start(&household);
    household_until(&household, runs, connection.desktop_id, "it is resumed");
    household_until(&household, agent_ready, connection.desktop_id, "its agent has the time again");
    g_assert_false(g_file_test(suspended, G_FILE_TEST_EXISTS));
    g_autoptr(StoreSession) session = store_session_get(household.store, connection.session_id, NULL);
    g_assert_cmpint(session->state, !=, STORE_SESSION_ENDED);
    g_auto(HostConnection) again = {0};
    connect_user(ann, &again);
    g_assert_cmpstr(again.desktop_id, ==, connection.desktop_id);
    autofd int viewer = view(&again);
}

static bool is_empty(Household *house, const void *data)
{
    g_autoptr(GPtrArray) rows = store_desktop_list(house->store, NULL, NULL, NULL, NULL);
    return rows && rows->len == 0;
}

/* ---- a desktop of one's own: it boots from its own disk after its user shut it down ---- */

static bool is_down(Household *house, const void *id)
{
    g_autoptr(StoreDesktop) row = household_desktop(house, id);
    return row->observed == STORE_OBSERVED_STOPPED;
}

static void test_dedicated_boots(void)
{
    g_autoptr(StorePool) own =
        household_pool(&household, &(PoolWish){.name = "own", .type = STORE_POOL_DEDICATED, .size = 1});
    StoreEntitle entitle = {.pool_id = own->id, .subject_id = ann->id};
    g_autoptr(GError) error = NULL;
    g_assert_true(store_entitlement_add(household.store, NULL, &entitle, &error));
    g_auto(HostConnection) first = {0}, again = {0};
    int64_t began = clock_monotonic_ms();
    g_assert_true(
        household_click(&household, ann, own, &first, &error)); /* the other pool's template is copied */
    g_assert_no_error(error);
    g_test_message("a second pool's first desktop: %" G_GINT64_FORMAT " ms", clock_monotonic_ms() - began);
    household_until(&household, agent_ready, first.desktop_id, "its agent took its identity");
    g_assert_true(host_desktop_stop(household.host, first.desktop_id, true, NULL, &error));
    g_assert_no_error(error);
    household_until(&household, is_down, first.desktop_id, "it shuts down in an orderly way");
    began = clock_monotonic_ms();
    g_assert_true(
        household_click(&household, ann, own, &again, &error)); /* waits for the job that boots it */
    g_assert_no_error(error);
    g_test_message("booted after %" G_GINT64_FORMAT " ms", clock_monotonic_ms() - began);
    g_assert_cmpstr(first.desktop_id, ==, again.desktop_id);
    /* The job ends after five minutes in any case, so that people see what the screen says: a busy machine may boot longer. */
    household_until(&household, agent_ready, again.desktop_id, "it has booted");
    g_auto(HostConnection) seen = {0};
    g_assert_true(household_click(&household, ann, own, &seen, &error)); /* that ticket may be too old by now */
    g_assert_no_error(error);
    autofd int viewer = view(&seen);
    g_assert_true(store_pool_delete(household.store, NULL, own->id, 0, &error));
}

/* ---- desktops that boot from the first ---- */

static char *backing_of(const char *desktop_id)
{
    g_autofree char *folder = household_folder(&household, desktop_id);
    g_autofree char *disk = g_build_filename(folder, "disk.qcow2", NULL);
    g_autoptr(GError) error = NULL;
    char *backing = NULL;
    g_assert_true(overlay_backing(disk, &backing, &error));
    g_assert_no_error(error);
    return backing;
}

static bool is_made_anew(Household *house, const void *data)
{
    const Refreshed *before = data;
    g_autoptr(StoreDesktop) row = household_desktop(house, before->id);
    return row->observed_generation > before->generation && row->observed == STORE_OBSERVED_RUNNING &&
           row->agent == STORE_AGENT_READY;
}

static void boots_from_the_first(const char *name, StoreProvisioning provisioning)
{
    g_autoptr(StorePool) own = household_pool(
        &household, &(PoolWish){.name = name, .type = STORE_POOL_DEDICATED, .size = 1, .provisioning = provisioning});
    StoreEntitle entitle = {.pool_id = own->id, .subject_id = ann->id};
    g_autoptr(GError) error = NULL;
    g_assert_true(store_entitlement_add(household.store, NULL, &entitle, &error));
    g_auto(HostConnection) first = {0}, again = {0};
    int64_t began = clock_monotonic_ms();
    g_assert_true(household_click(&household, ann, own, &first, &error));
    g_assert_no_error(error);
    household_until(&household, agent_ready, first.desktop_id, "it has booted and took its identity");
    g_test_message("%s: made and booted after %" G_GINT64_FORMAT " ms", name, clock_monotonic_ms() - began);
    g_autofree char *backing = backing_of(first.desktop_id);
    g_assert_cmpint(backing != NULL, ==, provisioning == STORE_PROVISION_LINKED);
    g_assert_true(!backing || strstr(backing, "/images/"));
    Refreshed before = {first.desktop_id, generation_of(first.desktop_id)};
    if (provisioning == STORE_PROVISION_LINKED) { /* a boot takes its time: once is enough */
        g_assert_true(host_desktop_refresh(household.host, first.desktop_id, NULL, &error));
        g_assert_no_error(error);
        household_until(&household, is_made_anew, &before, "it is made anew, and boots");
    }
    g_assert_true(household_click(&household, ann, own, &again, &error));
    g_assert_cmpstr(first.desktop_id, ==, again.desktop_id);
    autofd int viewer = view(&again);
    g_assert_true(store_pool_delete(household.store, NULL, own->id, 0, &error));
}

static void test_linked(void)
{
    boots_from_the_first("linked", STORE_PROVISION_LINKED);
}

static void test_full(void)
{
    boots_from_the_first("full", STORE_PROVISION_FULL);
}

static void test_delete_pool(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(store_pool_delete(household.store, NULL, pool->id, 0, &error));
    g_assert_no_error(error);
    household_until(&household, is_empty, NULL, "all desktops are gone");
    g_autofree char *desktops = g_build_filename(household.state, "desktops", NULL);
    g_autoptr(GDir) dir = g_dir_open(desktops, 0, NULL);
    g_assert_null(g_dir_read_name(dir));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    log_open("host-real");
    if (argc != 2)
        g_error("usage: host-real FOLDER");
    household.image = argv[1];
    household_open(&household);
    g_test_add_func("/host/real/boot-and-click", test_boot_and_click);
    g_test_add_func("/host/real/restart-of-orield", test_restart_of_orield);
    g_test_add_func("/host/real/qemu-is-killed", test_qemu_is_killed);
    g_test_add_func("/host/real/log-off", test_log_off);
    g_test_add_func("/host/real/sleep-and-wake", test_sleep_and_wake);
    g_test_add_func("/host/real/dedicated-boots", test_dedicated_boots);
    g_test_add_func("/host/real/linked", test_linked);
    g_test_add_func("/host/real/full", test_full);
    g_test_add_func("/host/real/delete-pool", test_delete_pool);
    int result = g_test_run();
    household_close(&household);
    store_pool_free(pool);
    store_user_free(ann);
    store_user_free(bob);
    return result;
}
