/* What happens to desktops after the click: sessions, log off, deaths, restarts of orield, the end of the
 * host. */
#include <string.h>

#include "../fixtures/host/household.h"
#include "base/error.h"
#include "base/file.h"
#include "base/id.h"

/* One pool, one user, one running desktop of that user. */
typedef struct {
    Household household;
    StorePool *pool;
    StoreUser *ann;
    HostConnection connection;
    char *folder;
} Life;

static void life_begin(Life *life, StorePoolType type, unsigned spares)
{
    g_autoptr(GError) error = NULL;
    household_open(&life->household);
    household_start(&life->household);
    life->pool =
        household_pool(&life->household, &(PoolWish){.name = "p", .type = type, .size = 5, .spares = spares});
    life->ann = household_user(&life->household, "ann", life->pool);
    household_click(&life->household, life->ann, life->pool, &life->connection, &error);
    g_assert_no_error(error);
    life->folder = household_folder(&life->household, life->connection.desktop_id);
}

static void life_clear(Life *life)
{
    household_close(&life->household);
    store_pool_free(life->pool);
    store_user_free(life->ann);
    host_connection_clear(&life->connection);
    g_free(life->folder);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Life, life_clear)

static StoreSession *session_now(Life *life)
{
    StoreSession *session = store_session_get(life->household.store, life->connection.session_id, NULL);
    g_assert_nonnull(session);
    return session;
}

typedef struct {
    Life *life;
    StoreSessionState state;
} SessionIs;

static bool session_is(Household *household, const void *data)
{
    const SessionIs *want = data;
    g_autoptr(StoreSession) session = session_now(want->life);
    return session->state == want->state;
}

static void until_session(Life *life, StoreSessionState state)
{
    household_until(&life->household, session_is, &(SessionIs){life, state}, store_session_state_word(state));
}

/* The desktop runs, of a later generation than 1, and is nobody's. */
static bool is_refreshed(Household *household, const void *data)
{
    const Life *life = data;
    g_autoptr(StoreDesktop) row = store_desktop_find(household->store, life->connection.desktop_id, NULL);
    return row && row->generation > 1 && row->observed_generation == row->generation &&
           row->observed == STORE_OBSERVED_RUNNING && !row->user_id && simulated_runs(life->folder);
}

static bool runs(Household *household, const void *data)
{
    const Life *life = data;
    g_autoptr(StoreDesktop) row = household_desktop(household, life->connection.desktop_id);
    return row->observed == STORE_OBSERVED_RUNNING && row->generation == row->observed_generation &&
           simulated_runs(life->folder);
}

static bool one_runs(Household *household, const void *pool_id)
{
    return household_count(household, pool_id, STORE_OBSERVED_RUNNING) == 1;
}

static bool agent_is_ready(Household *household, const void *data)
{
    const Life *life = data;
    g_autoptr(StoreDesktop) row = household_desktop(household, life->connection.desktop_id);
    return row->agent == STORE_AGENT_READY;
}

static bool has_clipboard(Household *household, const void *data)
{
    return simulated_calls("plug_clipboard") > 0;
}

static void test_viewers(void)
{
    g_auto(Life) life = {0};
    life_begin(&life, STORE_POOL_FLOATING, 0);
    household_until(&life.household, agent_is_ready, &life, "the guest is prepared");
    g_assert_cmpuint(simulated_calls("plug_network"), ==, 1);
    g_assert_cmpuint(simulated_calls("plug_clipboard"), ==, 0); /* nobody looks */
    g_assert_true(simulated_set_viewers(life.folder, 1));
    until_session(&life, STORE_SESSION_CONNECTED);
    household_until(&life.household, has_clipboard, NULL, "the first viewer brings the clipboard");
    g_assert_true(simulated_set_viewers(life.folder, 0));
    until_session(&life, STORE_SESSION_DISCONNECTED);
    g_assert_true(simulated_set_viewers(life.folder, 1));
    until_session(&life, STORE_SESSION_CONNECTED);
    g_autoptr(GError) error = NULL;
    g_assert_true(host_session_disconnect(life.household.host, life.connection.session_id, NULL, &error));
    until_session(&life, STORE_SESSION_DISCONNECTED);
    g_assert_true(simulated_runs(life.folder));
}

static void test_log_off_refreshes(void)
{
    g_auto(Life) life = {0};
    life_begin(&life, STORE_POOL_FLOATING, 0);
    household_until(&life.household, agent_is_ready, &life, "the agent is ready");
    g_autoptr(StoreDesktop) before = household_desktop(&life.household, life.connection.desktop_id);
    g_autoptr(GError) error = NULL;
    g_assert_true(host_session_log_off(life.household.host, life.connection.session_id, NULL, &error));
    g_assert_no_error(error);
    g_autoptr(StoreSession) session = session_now(&life);
    g_assert_cmpint(session->state, ==, STORE_SESSION_ENDED);
    g_assert_cmpstr(session->end_reason, ==, "logged off");
    g_assert_cmpuint(simulated_calls("log_off"), ==, 1);
    household_until(&life.household, is_refreshed, &life, "it is refreshed");
    g_autoptr(StoreDesktop) after = household_desktop(&life.household, life.connection.desktop_id);
    g_assert_cmpstr(before->mac, !=, after->mac);
    g_assert_cmpstr(before->machine_id, !=, after->machine_id);
    g_assert_true(host_session_log_off(life.household.host, life.connection.session_id, NULL,
                                       &error)); /* again: fine */
}

static bool locked_twice(Household *household, const void *data)
{
    return simulated_calls("lock") == 2;
}

static bool put_out(Household *household, const void *data)
{
    return simulated_calls("lock") == 3 && simulated_calls("disconnect_all") == 1;
}

/* A guest that says it is open, though nobody unlocked it, is locked again; where it cannot be, nobody sees it. */
static void test_lock_holds(void)
{
    g_auto(Life) life = {0};
    g_autoptr(GError) error = NULL;
    life_begin(&life, STORE_POOL_FLOATING, 0);
    Host *host = life.household.host;
    household_until(&life.household, agent_is_ready, &life, "the agent is ready");
    g_assert_true(simulated_set_viewers(life.folder, 1));
    until_session(&life, STORE_SESSION_CONNECTED);
    g_assert_true(host_session_lock(host, life.connection.session_id, NULL, &error));
    g_assert_no_error(error);
    g_autoptr(StoreSession) locked = session_now(&life);
    g_assert_true(locked->locked && locked->locked_ms > 0);
    g_assert_false(host_session_unlock(host, life.connection.session_id, locked->locked_ms, NULL, &error));
    g_assert_cmpint(oriel_error_kind(error), ==, ORIEL_ERROR_FORBIDDEN);
    g_clear_error(&error);
    g_assert_cmpuint(simulated_calls("unlock"), ==, 0);

    g_assert_true(simulated_guest_is(life.folder, -1, false));
    household_until(&life.household, locked_twice, NULL, "it is locked again");
    g_autoptr(StoreSession) again = session_now(&life);
    g_assert_cmpint(again->locked_ms, ==, locked->locked_ms);
    until_session(&life, STORE_SESSION_CONNECTED);
    simulated_fail("lock", ORIEL_ERROR_TIMEOUT, 1);
    g_assert_true(simulated_guest_is(life.folder, -1, false));
    household_until(&life.household, put_out, NULL, "whoever looks is put out");
    until_session(&life, STORE_SESSION_DISCONNECTED);

    StoreActor ann = {.user_id = life.ann->id, .name = "ann"};
    g_assert_true(host_session_unlock(host, life.connection.session_id, locked->locked_ms + 1, &ann, &error));
    g_assert_no_error(error);
    g_autoptr(StoreSession) free = session_now(&life);
    g_assert_true(!free->locked && free->locked_ms == 0);
    simulated_fail("unlock", ORIEL_ERROR_TIMEOUT, 1);
    g_assert_true(host_session_lock(host, life.connection.session_id, &ann, &error));
    g_assert_false(host_session_unlock(host, life.connection.session_id, INT64_MAX, &ann, &error));
    g_autoptr(StoreSession) still = session_now(&life);
    g_assert_true(still->locked_ms > 0); /* the guest holds it */
}

static bool viewers_are_gone(Household *household, const void *data)
{
    return simulated_calls("disconnect_all") == 1;
}

static void test_guest_logs_off(void)
{
    g_auto(Life) life = {0};
    life_begin(&life, STORE_POOL_FLOATING, 0);
    g_assert_true(simulated_guest_logs_off(life.folder));
    until_session(&life, STORE_SESSION_ENDED);
    household_until(&life.household, is_refreshed, &life, "it is refreshed");
}

static bool is_renewed(Household *household, const void *data)
{
    const Life *life = data;
    g_autoptr(StoreDesktop) row = store_desktop_find(household->store, life->connection.desktop_id, NULL);
    return row && row->generation > 1 && row->observed_generation == row->generation &&
           g_strcmp0(row->user_id, life->ann->id) == 0;
}

static void test_dedicated_is_renewed(void)
{
    g_auto(Life) life = {0};
    g_autoptr(GError) error = NULL;
    household_open(&life.household);
    household_start(&life.household);
    PoolWish wish = {.name = "p", .type = STORE_POOL_DEDICATED, .size = 1, .refresh_dedicated = true};
    life.pool = household_pool(&life.household, &wish);
    life.ann = household_user(&life.household, "ann", life.pool);
    household_click(&life.household, life.ann, life.pool, &life.connection, &error);
    g_assert_no_error(error);
    life.folder = household_folder(&life.household, life.connection.desktop_id);
    g_assert_true(simulated_guest_logs_off(life.folder));
    until_session(&life, STORE_SESSION_ENDED);
    household_until(&life.household, is_renewed, &life, "it is back to the image and still hers");
}

/* Without a refresh the next user gets the same machine: whoever still looked on would see what they do. */
static void test_guest_logs_off_to_the_next_user(void)
{
    g_auto(Life) life = {0};
    g_autoptr(GError) error = NULL;
    household_open(&life.household);
    household_start(&life.household);
    PoolWish wish = {.name = "p", .type = STORE_POOL_FLOATING, .size = 1, .keep_on_log_off = true};
    life.pool = household_pool(&life.household, &wish);
    life.ann = household_user(&life.household, "ann", life.pool);
    household_click(&life.household, life.ann, life.pool, &life.connection, &error);
    g_assert_no_error(error);
    life.folder = household_folder(&life.household, life.connection.desktop_id);
    simulated_set_viewers(life.folder, 1);
    until_session(&life, STORE_SESSION_CONNECTED);
    g_assert_true(simulated_guest_logs_off(life.folder));
    until_session(&life, STORE_SESSION_ENDED);
    household_until(&life.household, viewers_are_gone, &life, "the picture is taken away");
    g_assert_true(simulated_runs(life.folder));
}

static bool was_killed(Household *household, const void *before)
{
    return simulated_calls("kill") > *(const unsigned *)before;
}

/* Viewers who cannot be put out do not get to see the next user: the machine ends instead, and who asked for the log off is
 * not told that all is well where it is not. */
static void test_viewers_who_stay(void)
{
    g_auto(Life) life = {0};
    g_autoptr(GError) error = NULL;
    household_open(&life.household);
    household_start(&life.household);
    PoolWish wish = {.name = "p", .type = STORE_POOL_FLOATING, .size = 1, .spares = 1, .keep_on_log_off = true};
    life.pool = household_pool(&life.household, &wish);
    life.ann = household_user(&life.household, "ann", life.pool);
    g_assert_true(household_click(&life.household, life.ann, life.pool, &life.connection, &error));
    life.folder = household_folder(&life.household, life.connection.desktop_id);
    simulated_fail("disconnect_all", ORIEL_ERROR_TIMEOUT, 1);
    unsigned kills = simulated_calls("kill");
    g_assert_true(simulated_guest_logs_off(life.folder));
    until_session(&life, STORE_SESSION_ENDED);
    household_until(&life.household, was_killed, &kills, "the machine is ended");
}

static void test_log_off_is_honest(void)
{
    g_auto(Life) life = {0};
    g_autoptr(GError) error = NULL;
    life_begin(&life, STORE_POOL_DEDICATED, 0);
    simulated_set_viewers(life.folder, 1);
    until_session(&life, STORE_SESSION_CONNECTED);
    simulated_fail("disconnect_all", ORIEL_ERROR_TIMEOUT, 1);
    g_assert_false(host_session_log_off(life.household.host, life.connection.session_id, NULL, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_TIMEOUT);
}

static void test_floating_dies(void)
{
    g_auto(Life) life = {0};
    life_begin(&life, STORE_POOL_FLOATING, 0);
    g_assert_true(simulated_die(life.folder, MACHINE_END_CRASHED));
    until_session(&life, STORE_SESSION_ENDED);
    g_autoptr(StoreSession) session = session_now(&life);
    g_assert_cmpstr(session->end_reason, ==, "machine died");
    household_until(&life.household, is_refreshed, &life, "it is refreshed");
    g_autoptr(StoreDesktop) row = household_desktop(&life.household, life.connection.desktop_id);
    g_assert_null(row->error);
}

static void test_dedicated_dies(void)
{
    g_auto(Life) life = {0};
    life_begin(&life, STORE_POOL_DEDICATED, 0);
    g_assert_true(simulated_die(life.folder, MACHINE_END_CRASHED));
    until_session(&life, STORE_SESSION_ENDED);
    household_until(&life.household, runs, &life, "it boots again");
    g_autoptr(StoreDesktop) row = household_desktop(&life.household, life.connection.desktop_id);
    g_assert_cmpstr(row->user_id, ==, life.ann->id);
    g_assert_cmpint(row->generation, ==, 1); /* its disk is the same */
    g_assert_cmpuint(simulated_calls("fork"), ==, 1);
}

static bool is_stopped(Household *household, const void *data)
{
    const Life *life = data;
    g_autoptr(StoreDesktop) row = household_desktop(household, life->connection.desktop_id);
    return row->desired == STORE_DESIRED_STOPPED && row->observed == STORE_OBSERVED_STOPPED;
}

static bool has_failed(Household *household, const void *data)
{
    const Life *life = data;
    g_autoptr(StoreDesktop) row = household_desktop(household, life->connection.desktop_id);
    return row->observed == STORE_OBSERVED_FAILED && row->error && strstr(row->error, "neither a template");
}

/* QEMU may write in its folder. What it names there as its disk's backing must not become readable to the next. */
static void test_disk_on_a_foreign_file(void)
{
    g_auto(Life) life = {0};
    g_autoptr(GError) error = NULL;
    life_begin(&life, STORE_POOL_DEDICATED, 0);
    g_autofree char *disk = g_build_filename(life.folder, "disk.qcow2", NULL);
    g_assert_true(file_write_atomic(disk, "/etc/passwd", strlen("/etc/passwd"), 0600, &error));
    unsigned before = simulated_calls("start");
    g_assert_true(simulated_die(life.folder, MACHINE_END_RESET));
    household_until(&life.household, has_failed, &life, "it is refused");
    g_assert_cmpuint(simulated_calls("start"), ==, before);
}

static bool start_has_failed(Household *household, const void *data)
{
    const Life *life = data;
    g_autoptr(StoreDesktop) row = household_desktop(household, life->connection.desktop_id);
    return row->observed == STORE_OBSERVED_FAILED && row->error && strstr(row->error, "start fails as ordered");
}

/* Who reads why a desktop failed wants to know what is wrong now, not what was wrong first. */
static void test_newest_reason(void)
{
    g_auto(Life) life = {0};
    g_autoptr(GError) error = NULL;
    life_begin(&life, STORE_POOL_DEDICATED, 0);
    simulated_fail("start", ORIEL_ERROR_UNAVAILABLE, 1000);
    g_assert_true(simulated_die(life.folder, MACHINE_END_RESET));
    household_until(&life.household, start_has_failed, &life, "it does not start");
    g_autofree char *disk = g_build_filename(life.folder, "disk.qcow2", NULL);
    g_assert_true(file_write_atomic(disk, "/etc/passwd", strlen("/etc/passwd"), 0600, &error));
    g_assert_true(host_desktop_start(life.household.host, life.connection.desktop_id, NULL, &error));
    household_until(&life.household, has_failed, &life, "its row has the newest reason");
    simulated_fail("start", ORIEL_ERROR_UNAVAILABLE, 0);
}

static void test_dedicated_shuts_down(void)
{
    g_auto(Life) life = {0};
    life_begin(&life, STORE_POOL_DEDICATED, 0);
    g_assert_true(simulated_die(life.folder, MACHINE_END_SHUT_DOWN));
    household_until(&life.household, is_stopped, &life, "it stays down");
    until_session(&life, STORE_SESSION_ENDED);
    g_autoptr(GError) error = NULL;
    g_auto(HostConnection) again = {0};
    g_assert_true(household_click(&life.household, life.ann, life.pool, &again, &error)); /* it boots first */
    g_assert_no_error(error);
    g_assert_cmpstr(again.desktop_id, ==, life.connection.desktop_id);
    g_assert_cmpstr(again.session_id, !=, life.connection.session_id);
    g_assert_true(runs(&life.household, &life));
    g_assert_cmpuint(simulated_calls("start"), ==, 2); /* the template, and this desktop from its own disk */
}

/* Workers that stand still, however many there are: each stops where it gives a guest its network. */
static GMutex standstill_lock;
static GCond standstill_changed;
static int standing; /* -1: they may go on */

static void stand_still(void *data)
{
    g_mutex_lock(&standstill_lock);
    if (standing >= 0) {
        standing++;
        simulated_visit("plug_network", stand_still, NULL);
    }
    while (standing >= 0)
        g_cond_wait(&standstill_changed, &standstill_lock);
    g_mutex_unlock(&standstill_lock);
}

static bool all_stand_still(Household *household, const void *data)
{
    g_mutex_lock(&standstill_lock);
    bool all = standing >= (int)MAX(8, 2 * g_get_num_processors()); /* host/open.c */
    g_mutex_unlock(&standstill_lock);
    return all;
}

/* Whoever waited for the boot finds a row that says so, however busy the workers are that take notes. */
static void test_booted_is_ready(void)
{
    g_auto(Life) life = {0};
    g_autoptr(GError) error = NULL;
    g_auto(HostConnection) again = {0};
    life_begin(&life, STORE_POOL_DEDICATED, 0);
    g_assert_true(simulated_die(life.folder, MACHINE_END_SHUT_DOWN));
    household_until(&life.household, is_stopped, &life, "it stays down");
    simulated_visit("plug_network", stand_still, NULL);
    unsigned many = 4 * MAX(8, 2 * g_get_num_processors());
    g_autoptr(StorePool) others =
        household_pool(&life.household, &(PoolWish){.name = "others", .size = many, .spares = many});
    household_until(&life.household, all_stand_still, NULL, "no worker is free");
    bool clicked = household_click(&life.household, life.ann, life.pool, &again, &error);
    bool ready = clicked && agent_is_ready(&life.household, &life);
    g_mutex_lock(&standstill_lock);
    standing = -1;
    g_cond_broadcast(&standstill_changed);
    g_mutex_unlock(&standstill_lock);
    g_assert_no_error(error);
    g_assert_true(ready);
}

static bool two_run(Household *household, const void *data)
{
    return simulated_running() == 2;
}

static void test_restart_of_orield(void)
{
    g_auto(Life) life = {0};
    life_begin(&life, STORE_POOL_FLOATING, 1);
    household_until(&life.household, agent_is_ready, &life, "the agent is ready");
    g_assert_true(simulated_set_viewers(life.folder, 1));
    until_session(&life, STORE_SESSION_CONNECTED);
    household_until(&life.household, two_run, NULL, "Ann's, and a spare in its place");
    household_stop(&life.household);
    unsigned forks = simulated_calls("fork"), running = simulated_running();
    simulated_set_viewers(life.folder, 0); /* nobody listens */
    household_start(&life.household);
    until_session(&life, STORE_SESSION_DISCONNECTED);
    g_autoptr(GError) error = NULL;
    g_auto(HostConnection) again = {0};
    g_assert_true(household_click(&life.household, life.ann, life.pool, &again, &error));
    g_assert_cmpstr(again.desktop_id, ==, life.connection.desktop_id);
    g_assert_cmpstr(again.session_id, ==, life.connection.session_id);
    g_assert_cmpuint(simulated_calls("fork"), ==, forks);
    g_assert_cmpuint(simulated_calls("start"), ==, 1); /* the template: it was opened, not booted again */
    g_assert_cmpuint(simulated_running(), ==, running);
}

static void test_dies_while_orield_is_down(void)
{
    g_auto(Life) life = {0};
    life_begin(&life, STORE_POOL_FLOATING, 0);
    household_stop(&life.household);
    simulated_die(life.folder, MACHINE_END_CRASHED);
    household_start(&life.household);
    until_session(&life, STORE_SESSION_ENDED);
    household_until(&life.household, is_refreshed, &life, "it is refreshed");
}

/* An operator's refresh of a person's desktop: of a floating pool, whose next click gets any, it is free again. */
static void test_refresh_releases(void)
{
    g_auto(Life) life = {0};
    life_begin(&life, STORE_POOL_FLOATING, 0);
    g_autoptr(GError) error = NULL;
    g_assert_true(host_desktop_refresh(life.household.host, life.connection.desktop_id, NULL, &error));
    g_assert_no_error(error);
    until_session(&life, STORE_SESSION_ENDED);
    household_until(&life.household, is_refreshed, &life, "it is refreshed and nobody's");
}

static void test_refresh_keeps_what_is_dedicated(void)
{
    g_auto(Life) life = {0};
    life_begin(&life, STORE_POOL_DEDICATED, 0);
    g_autoptr(GError) error = NULL;
    g_assert_true(host_desktop_refresh(life.household.host, life.connection.desktop_id, NULL, &error));
    household_until(&life.household, runs, &life, "it is forked anew");
    g_autoptr(StoreDesktop) row = household_desktop(&life.household, life.connection.desktop_id);
    g_assert_cmpstr(row->user_id, ==, life.ann->id);
}

/* A fork that was killed between its folder and its row: paused, and the row knows nothing. */
static void test_fork_was_cut_off(void)
{
    g_auto(Life) life = {0};
    life_begin(&life, STORE_POOL_FLOATING, 0);
    g_autoptr(GError) error = NULL;
    g_assert_true(store_desktop_refresh(life.household.store, NULL, life.connection.desktop_id, &error));
    household_stop(&life.household);
    simulated_pause(life.folder);
    household_start(&life.household);
    household_until(&life.household, runs, &life, "it is forked anew");
}

static bool is_gone(Household *household, const void *folder)
{
    return !simulated_runs(folder) && !g_file_test(folder, G_FILE_TEST_EXISTS);
}

static void test_orphans(void)
{
    g_auto(Life) life = {0};
    life_begin(&life, STORE_POOL_FLOATING, 0);
    household_stop(&life.household);
    g_autofree char *id = id_new();
    g_autofree char *folder = household_folder(&life.household, id);
    g_autofree char *disk = g_build_filename(folder, "disk.qcow2", NULL);
    g_assert_true(folder_make(folder, 0700, NULL));
    g_assert_true(file_write_atomic(disk, "x", 1, 0600, NULL));
    const HostDriver *driver = host_driver_simulated();
    Machine *machine = driver->start(NULL, &(MachineSpec){.folder = folder}, NULL);
    driver->release(machine);
    g_assert_true(simulated_runs(folder));
    household_start(&life.household);
    household_until(&life.household, is_gone, folder, "a machine without a row ends");
    g_assert_true(simulated_runs(life.folder));
}

static bool nothing_runs(Household *household, const void *data)
{
    g_autoptr(GPtrArray) rows = store_desktop_list(household->store, NULL, NULL, NULL, NULL);
    return simulated_running() == 0 && rows && rows->len == 0;
}

static void test_delete_pool(void)
{
    g_auto(Life) life = {0};
    life_begin(&life, STORE_POOL_DEDICATED, 2);
    g_autoptr(GError) error = NULL;
    g_assert_true(store_pool_delete(life.household.store, NULL, life.pool->id, 0, &error));
    household_until(&life.household, nothing_runs, NULL, "the pool's desktops are gone");
    g_assert_true(is_gone(&life.household, life.folder));
    g_assert_null(store_pool_find(life.household.store, life.pool->id, NULL));
}

static void test_stop_and_start_desktop(void)
{
    g_auto(Life) life = {0};
    life_begin(&life, STORE_POOL_DEDICATED, 0);
    g_autoptr(GError) error = NULL;
    Host *host = life.household.host;
    g_assert_false(host_desktop_stop(host, life.connection.desktop_id, false, NULL, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_CONFLICT);
    g_assert_nonnull(strstr(error->message, "\"ann\" is in session"));
    g_clear_error(&error);
    g_assert_true(host_desktop_stop(host, life.connection.desktop_id, true, NULL, &error));
    household_until(&life.household, is_stopped, &life, "it stops");
    g_assert_true(host_desktop_start(host, life.connection.desktop_id, NULL, &error));
    household_until(&life.household, runs, &life, "it boots");
    g_assert_true(host_desktop_reset(host, life.connection.desktop_id, NULL, &error));
    g_assert_no_error(error);
    g_assert_true(runs(&life.household, &life));
    g_assert_cmpuint(simulated_calls("start"), ==, 3); /* template, start, reset */
}

typedef struct {
    Store *store;
    const char *id;
} Wanted;

static void want_again(void *data)
{
    const Wanted *wanted = data;
    g_assert_true(
        store_desktop_set_desired(wanted->store, NULL, wanted->id, STORE_DESIRED_RUNNING, NULL));
}

static bool is_forked_anew(Household *household, const void *data)
{
    const Wanted *wanted = data;
    g_autoptr(StoreDesktop) row = household_desktop(household, wanted->id);
    return simulated_calls("fork") == 2 && row->observed == STORE_OBSERVED_RUNNING;
}

/* A spare that somebody stops is wanted again, as pools do, while its machine is being ended: that is no death. */
static void test_spare_is_wanted_while_it_stops(void)
{
    g_auto(Household) household = {0};
    household_open(&household);
    household_start(&household);
    g_autoptr(StorePool) pool =
        household_pool(&household, &(PoolWish){.name = "p", .type = STORE_POOL_FLOATING, .size = 1, .spares = 1});
    household_until(&household, one_runs, pool->id, "the spare runs");
    g_autoptr(GPtrArray) rows = store_desktop_list(household.store, NULL, NULL, NULL, NULL);
    const StoreDesktop *spare = rows->pdata[0];
    Wanted wanted = {household.store, spare->id};
    g_autoptr(StorePool) quiet = store_pool_find(household.store, pool->id, NULL);
    quiet->maintenance = true; /* else the pool may be quicker than the stop, and nothing is ended at all */
    g_assert_true(store_pool_update(household.store, NULL, quiet, NULL));
    simulated_visit("kill_in", want_again, &wanted);
    g_assert_true(host_desktop_stop(household.host, spare->id, false, NULL, NULL));
    household_until(&household, is_forked_anew, &wanted, "it is forked anew");
    g_autoptr(StoreDesktop) row = household_desktop(&household, spare->id);
    g_assert_cmpint(row->generation, ==, spare->generation); /* a death would have refreshed it */
    g_assert_null(row->error);
}

static void test_thumbnail(void)
{
    g_auto(Life) life = {0};
    life_begin(&life, STORE_POOL_FLOATING, 0);
    g_autoptr(GError) error = NULL;
    Host *host = life.household.host;
    g_autoptr(GBytes) whole = host_desktop_thumbnail(host, life.connection.desktop_id, 0, &error);
    g_assert_no_error(error);
    g_autoptr(GBytes) small = host_desktop_thumbnail(host, life.connection.desktop_id, 320, &error);
    g_assert_no_error(error);
    g_assert_true(g_bytes_equal(whole, small)); /* it is narrower already */
    g_assert_cmpuint(simulated_calls("screenshot"), ==, 1);
    g_assert_null(host_desktop_thumbnail(host, "01ARZ3NDEKTSV4RRFFQ69G5FAV", 0, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_UNAVAILABLE);
}

/* ---- the end of the host, and its return ---- */

static void stop_machines(Life *life)
{
    g_autoptr(GError) error = NULL;
    job_runner_stop(life->household.jobs);
    g_assert_true(host_stop_machines(life->household.host, &error));
    g_assert_no_error(error);
    household_stop(&life->household);
    g_assert_cmpuint(simulated_running(), ==, 0);
}

static void test_host_sleeps(void)
{
    g_auto(Life) life = {0};
    life_begin(&life, STORE_POOL_FLOATING, 1);
    household_until(&life.household, agent_is_ready, &life, "the agent is ready");
    stop_machines(&life);
    g_assert_cmpuint(simulated_calls("suspend"), ==, 1); /* the spare was thrown away */
    household_start(&life.household);
    household_until(&life.household, runs, &life, "it is resumed");
    g_assert_cmpuint(simulated_calls("resume"), ==, 1);
    g_autoptr(StoreSession) session = session_now(&life);
    g_assert_cmpint(session->state, !=, STORE_SESSION_ENDED);
    g_autofree char *suspended = g_build_filename(life.folder, "suspended", NULL);
    g_autofree char *resuming = g_build_filename(life.folder, "resuming", NULL);
    g_assert_false(g_file_test(suspended, G_FILE_TEST_EXISTS) || g_file_test(resuming, G_FILE_TEST_EXISTS));
}

static void test_cannot_be_resumed(void)
{
    g_auto(Life) life = {0};
    life_begin(&life, STORE_POOL_DEDICATED, 0);
    household_until(&life.household, agent_is_ready, &life, "the agent is ready");
    stop_machines(&life);
    simulated_fail("resume", ORIEL_ERROR_CORRUPT, 1);
    household_start(&life.household);
    household_until(&life.household, runs, &life, "it boots from its disk instead");
    g_autoptr(StoreDesktop) row = household_desktop(&life.household, life.connection.desktop_id);
    g_assert_cmpstr(row->user_id, ==, life.ann->id);
}

static void test_cannot_be_suspended(void)
{
    g_auto(Life) life = {0};
    life_begin(&life, STORE_POOL_DEDICATED, 0);
    household_until(&life.household, agent_is_ready, &life, "the agent is ready");
    simulated_fail("suspend", ORIEL_ERROR_NO_SPACE, 1);
    stop_machines(&life);
    g_assert_cmpuint(simulated_calls("shut_down"), ==, 1);
    household_start(&life.household);
    household_until(&life.household, runs, &life, "it boots from its disk");
    g_assert_cmpuint(simulated_calls("fork"), ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host/life/viewers", test_viewers);
    g_test_add_func("/host/life/lock-holds", test_lock_holds);
    g_test_add_func("/host/life/dedicated-is-renewed", test_dedicated_is_renewed);
    g_test_add_func("/host/life/log-off-refreshes", test_log_off_refreshes);
    g_test_add_func("/host/life/refresh-releases", test_refresh_releases);
    g_test_add_func("/host/life/refresh-keeps-what-is-dedicated", test_refresh_keeps_what_is_dedicated);
    g_test_add_func("/host/life/guest-logs-off", test_guest_logs_off);
    g_test_add_func("/host/life/guest-logs-off-to-the-next-user", test_guest_logs_off_to_the_next_user);
    g_test_add_func("/host/life/viewers-who-stay", test_viewers_who_stay);
    g_test_add_func("/host/life/log-off-is-honest", test_log_off_is_honest);
    g_test_add_func("/host/life/floating-dies", test_floating_dies);
    g_test_add_func("/host/life/dedicated-dies", test_dedicated_dies);
    g_test_add_func("/host/life/disk-on-a-foreign-file", test_disk_on_a_foreign_file);
    g_test_add_func("/host/life/newest-reason", test_newest_reason);
    g_test_add_func("/host/life/dedicated-shuts-down", test_dedicated_shuts_down);
    g_test_add_func("/host/life/booted-is-ready", test_booted_is_ready);
    g_test_add_func("/host/life/restart-of-orield", test_restart_of_orield);
    g_test_add_func("/host/life/dies-while-orield-is-down", test_dies_while_orield_is_down);
    g_test_add_func("/host/life/fork-was-cut-off", test_fork_was_cut_off);
    g_test_add_func("/host/life/orphans", test_orphans);
    g_test_add_func("/host/life/delete-pool", test_delete_pool);
    g_test_add_func("/host/life/stop-and-start", test_stop_and_start_desktop);
    g_test_add_func("/host/life/spare-is-wanted-while-it-stops", test_spare_is_wanted_while_it_stops);
    g_test_add_func("/host/life/thumbnail", test_thumbnail);
    g_test_add_func("/host/life/host-sleeps", test_host_sleeps);
    g_test_add_func("/host/life/cannot-be-resumed", test_cannot_be_resumed);
    g_test_add_func("/host/life/cannot-be-suspended", test_cannot_be_suspended);
    return g_test_run();
}
