/* What goes wrong: a disk that fails or is full, kill -9, a newer or damaged database, PostgreSQL gone and
 * back. After each the state is the one before or the one after, never between. */
#include <glib/gstdio.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/wait.h>

#include "../fixtures/store/backend.h"
#include "../fixtures/store/fault_vfs.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "store/event.h"
#include "store/migrate.h"

static char *self; /* this program: it is its own child */

/* ---- a failing disk ---- */

static int add_row(void *data, int columns, char **values, char **names)
{
    for (int i = 0; i < columns; i++)
        g_string_append_printf(data, "%s=%s|", names[i], values[i] ? values[i] : "NULL");
    g_string_append_c(data, '\n');
    return 0;
}

static int add_table(void *data, int columns, char **values, char **names)
{
    g_ptr_array_add(data, g_strdup(values[0]));
    return 0;
}

/* Every row of every table, read by a connection of its own. */
static char *dump(Fixture *fixture)
{
    sqlite3 *db = NULL;
    g_assert_cmpint(sqlite3_open_v2(fixture->path, &db, SQLITE_OPEN_READWRITE, "unix"), ==, SQLITE_OK);
    g_autoptr(GPtrArray) tables = g_ptr_array_new_with_free_func(g_free);
    sqlite3_exec(db, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name", add_table, tables,
                 NULL);
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < tables->len; i++) {
        g_autofree char *sql =
            g_strdup_printf("SELECT * FROM \"%s\" ORDER BY 1, 2", (char *)tables->pdata[i]);
        g_string_append_printf(text, "[%s]\n", (char *)tables->pdata[i]);
        g_assert_cmpint(sqlite3_exec(db, sql, add_row, text, NULL), ==, SQLITE_OK);
    }
    g_autoptr(GString) check = g_string_new(NULL);
    sqlite3_exec(db, "PRAGMA integrity_check", add_row, check, NULL);
    g_assert_cmpstr(check->str, ==, "integrity_check=ok|\n");
    sqlite3_close(db);
    return g_string_free(text, FALSE);
}

typedef struct {
    World world;
    StoreUser *user;
    StoreDesktop *desktop;
    char *session_id;
} Scene;

static bool do_connect(Store *store, Scene *scene, GError **error)
{
    StoreClaim claim = {.pool_id = scene->world.pool->id, .user_id = scene->user->id};
    StoreSessionOpen open = {.ticket_hash = "ticket", .ticket_expires_ms = clock_utc_ms() + 30000};
    g_auto(StoreConnected) connected = {0};
    if (!store_connect(store, NULL, &claim, &open, &connected, error))
        return false;
    scene->session_id = g_strdup(connected.session->id);
    return true;
}

static bool do_observe(Store *store, Scene *scene, GError **error)
{
    StoreObservation seen = {
        .id = scene->desktop->id, .generation = 1, .observed = STORE_OBSERVED_RUNNING, .forked = true};
    return store_desktop_observe(store, &seen, error);
}

static bool do_end(Store *store, Scene *scene, GError **error)
{
    return store_session_end(store, NULL, scene->session_id, "logged off", (StoreAfter){.release = true, .refresh = true}, error);
}

static bool do_update(Store *store, Scene *scene, GError **error)
{
    store_set(&scene->world.pool->description, "changed");
    return store_pool_update(store, NULL, scene->world.pool, error);
}

static bool do_delete(Store *store, Scene *scene, GError **error)
{
    return store_pool_delete(store, NULL, scene->world.pool->id, 0, error);
}

/* Fails the first, second, third ... disk operation of each step until the step succeeds. */
static void run_step(Fixture *fixture, Scene *scene, bool (*step)(Store *, Scene *, GError **), Fault fault)
{
    OrielErrorKind expected = fault == FAULT_FULL ? ORIEL_ERROR_NO_SPACE : ORIEL_ERROR_UNAVAILABLE;
    for (int nth = 1;; nth++) {
        g_assert_cmpint(nth, <, 100);
        g_autoptr(GError) error = NULL;
        g_autofree char *before = dump(fixture);
        /* The database file is opened anew each time: a checkpoint may be due in between. */
        fixture_reopen(fixture);
        fault_vfs_set(nth, fault, nth % 2 == 0);
        bool done = step(fixture->store, scene, &error);
        bool struck = fault_vfs_struck();
        fault_vfs_set(0, FAULT_IO, false);
        g_autofree char *after = dump(fixture);
        if (done) {
            g_assert_cmpstr(before, !=, after);
            if (!struck)
                return;
            g_error("it reported success though the disk had failed");
        }
        g_assert_true(struck);
        g_assert_cmpint(oriel_error_kind(error), ==, expected);
        g_assert_cmpstr(before, ==, after);
        fixture_reopen(fixture);
        g_autofree char *reopened = dump(fixture);
        g_assert_cmpstr(before, ==, reopened);
    }
}

static void run_scene(Fixture *fixture, Fault fault)
{
    bool (*const steps[])(Store *, Scene *, GError **) = {do_connect, do_observe, do_end, do_update,
                                                          do_delete};
    Scene scene = {0};
    world_make(&scene.world, fixture->store, 3);
    scene.user = world_user(fixture->store, "anna", "user");
    scene.desktop = world_desktop(&scene.world, fixture->store);
    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++)
        run_step(fixture, &scene, steps[i], fault);
    world_clear(&scene.world);
    store_user_free(scene.user);
    store_desktop_free(scene.desktop);
    g_free(scene.session_id);
}

static void test_io_errors(Fixture *fixture)
{
    run_scene(fixture, FAULT_IO);
}

static void test_full_disk(Fixture *fixture)
{
    run_scene(fixture, FAULT_FULL);
}

/* The schema too: whichever operation fails, the next start makes it whole. */
static void test_faulty_migration(Fixture *fixture)
{
    g_autofree char *whole = dump(fixture);
    for (int nth = 1;; nth++) {
        g_assert_cmpint(nth, <, 1000);
        g_autoptr(GError) error = NULL;
        g_autofree char *name = g_strdup_printf("%d.db", nth);
        g_autofree char *path = g_build_filename(fixture->folder, name, NULL);
        fault_vfs_set(nth, nth % 3 == 0 ? FAULT_FULL : FAULT_IO, nth % 2 == 0);
        Store *store = store_open("sqlite", path, &error);
        bool struck = fault_vfs_struck();
        fault_vfs_set(0, FAULT_IO, false);
        store_close(store);
        if (!struck)
            break;
        g_autoptr(GError) again = NULL;
        Store *second = store_open("sqlite", path, &again);
        g_assert_no_error(again);
        g_autoptr(StoreUser) user = world_user(second, "anna", "user");
        store_close(second);
    }
}

/* ---- kill -9 ---- */

static int child_open(const char *database, const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Store) store = store_open(database, path, &error);
    if (!store)
        g_printerr("%s\n", error->message);
    return store ? 0 : 1;
}

/* Clicks and log-offs without end. */
static int child_churn(const char *database, const char *path)
{
    g_autoptr(Store) store = store_open(database, path, NULL);
    g_autoptr(StorePool) pool = store_pool_find(store, "pool", NULL);
    g_autoptr(StoreUser) anna = store_user_find(store, "anna", NULL);
    g_autoptr(StoreUser) bob = store_user_find(store, "bob", NULL);
    for (unsigned i = 0;; i++) {
        StoreClaim claim = {.pool_id = pool->id, .user_id = i % 2 ? anna->id : bob->id};
        g_auto(StoreConnected) connected = {0};
        g_autoptr(GError) error = NULL;
        if (!store_connect(store, NULL, &claim, &(StoreSessionOpen){.client = "::1"}, &connected, &error))
            return 1;
        if (i % 3 == 0)
            continue;
        StoreAfter after = {.release = true, .refresh = i % 2};
        if (!store_session_end(store, NULL, connected.session->id, "logged off", after, &error))
            return 1;
    }
}

static GPid spawn_child(Fixture *fixture, const char *what, const char *path)
{
    g_autoptr(GError) error = NULL;
    char *argv[] = {self, (char *)"--child", (char *)what, fixture->database, (char *)path, NULL};
    GPid pid = 0;
    g_spawn_async(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, &error);
    g_assert_no_error(error);
    return pid;
}

static void kill_after(GPid pid, unsigned long us)
{
    g_usleep(us);
    kill(pid, SIGKILL);
    int status = 0;
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
}

static guint count_events(Store *store, const char *action)
{
    g_autoptr(GPtrArray) events =
        store_event_list(store, &(StoreEventFilter){.action = action}, NULL, NULL, NULL);
    return events->len;
}

/* Change and event are one: the trail adds up to the state, whenever the process was killed. */
static void check_whole(Store *store)
{
    StoreSessionFilter every = {.with_ended = true};
    g_autoptr(GPtrArray) sessions = store_session_list(store, &every, NULL, NULL, NULL);
    guint ended = 0;
    for (guint i = 0; i < sessions->len; i++) {
        const StoreSession *session = sessions->pdata[i];
        ended += session->state == STORE_SESSION_ENDED;
        if (session->state == STORE_SESSION_ENDED)
            continue;
        g_autoptr(StoreDesktop) desktop = store_desktop_find(store, session->desktop_id, NULL);
        g_assert_cmpstr(desktop->user_id, ==, session->user_id);
    }
    g_autoptr(GPtrArray) desktops = store_desktop_list(store, NULL, NULL, NULL, NULL);
    guint assigned = 0, refreshed = 0;
    for (guint i = 0; i < desktops->len; i++) {
        const StoreDesktop *desktop = desktops->pdata[i];
        assigned += desktop->user_id != NULL;
        refreshed += (guint)desktop->generation - 1;
    }
    g_assert_cmpuint(assigned, ==, sessions->len - ended);
    g_assert_cmpuint(count_events(store, "session.open"), ==, sessions->len);
    g_assert_cmpuint(count_events(store, "session.end"), ==, ended);
    g_assert_cmpuint(count_events(store, "desktop.assign") - count_events(store, "desktop.release"), ==,
                     assigned);
    g_assert_cmpuint(count_events(store, "desktop.refresh"), ==, refreshed);
}

/* Of everybody but this question and those who only listen, who may connect at any time. A dead client's goes on until it has read
 * what that client still sent. */
static int backends(Fixture *fixture)
{
    if (!fixture->postgres)
        return 0;
    PGconn *link = PQconnectdb(fixture->database);
    PGresult *result = PQexec(link, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND"
                                    " application_name = 'oriel' AND pid <> pg_backend_pid()");
    g_assert_cmpint(PQresultStatus(result), ==, PGRES_TUPLES_OK);
    int count = (int)g_ascii_strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    PQfinish(link);
    return count;
}

static void test_kill_while_claiming(Fixture *fixture)
{
    g_auto(World) world = {0};
    world_make(&world, fixture->store, 3);
    for (int i = 0; i < 3; i++)
        store_desktop_free(world_desktop(&world, fixture->store));
    g_autoptr(StoreUser) anna = world_user(fixture->store, "anna", "user");
    g_autoptr(StoreUser) bob = world_user(fixture->store, "bob", "user");
    for (int round = 0; round < 12; round++) {
        int before = backends(fixture);
        GPid pid = spawn_child(fixture, "churn", fixture->path);
        kill_after(pid, 30000 + (unsigned long)g_test_rand_int_range(0, 60000));
        while (backends(fixture) > before)
            g_usleep(10000);
        if (round % 3 == 0)
            fixture_reopen(fixture);
        check_whole(fixture->store);
    }
}

static void test_kill_while_migrating(Fixture *fixture)
{
    for (int round = 0; round < 20; round++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *name = g_strdup_printf("%d.db", round);
        g_autofree char *path = g_build_filename(fixture->folder, name, NULL);
        GPid pid = spawn_child(fixture, "open", path);
        kill_after(pid, (unsigned long)g_test_rand_int_range(1000, 30000));
        g_autoptr(Store) store = store_open("sqlite", path, &error);
        g_assert_no_error(error);
        g_autoptr(StoreUser) user = world_user(store, "anna", "user");
    }
}

/* ---- schema versions ---- */

static void run_sql(Fixture *fixture, const char *sql)
{
    if (fixture->postgres) {
        PGconn *link = PQconnectdb(fixture->database);
        PGresult *result = PQexec(link, sql);
        g_assert_true(PQresultStatus(result) == PGRES_COMMAND_OK ||
                      PQresultStatus(result) == PGRES_TUPLES_OK);
        PQclear(result);
        PQfinish(link);
        return;
    }
    sqlite3 *db = NULL;
    g_assert_cmpint(sqlite3_open(fixture->path, &db), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
    sqlite3_close(db);
}

static void test_newer_database(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *sql = g_strdup_printf(
        "INSERT INTO migrations (number, name, applied_ms) VALUES (%zu, 'later', 0)", migrations_count + 1);
    run_sql(fixture, sql);
    g_assert_null(store_open(fixture->database, fixture->path, &error));
    g_assert_nonnull(strstr(error->message, "newer"));
    assert_kind(error, ORIEL_ERROR_UNSUPPORTED);
    run_sql(fixture, "DELETE FROM migrations WHERE name = 'later'");
    fixture_reopen(fixture);
}

/* A step that fails leaves what was before it; a better one goes on from there. */
static void test_failing_migration(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    const Driver *driver = fixture->postgres ? &postgres_driver : &sqlite_driver;
    Connection *connection = driver->open(fixture->postgres ? fixture->database : fixture->path, &error);
    g_assert_no_error(error);
    Migration *steps = g_new0(Migration, migrations_count + 2);
    memcpy(steps, migrations, migrations_count * sizeof *steps);
    size_t next = migrations_count;
    steps[next] = (Migration){(int64_t)next + 1, "extra",
                              "CREATE TABLE extra (id TEXT NOT NULL PRIMARY KEY, n BIGINT) STRICT;"};
    steps[next + 1] =
        (Migration){(int64_t)next + 2, "broken",
                    "CREATE TABLE half (id TEXT NOT NULL PRIMARY KEY) STRICT;"
                    "INSERT INTO extra (id, n) VALUES ('x', 9000000000); INSERT INTO none VALUES (1);"};
    g_assert_false(migrate(connection, steps, next + 2, &error));
    g_assert_true(g_str_has_prefix(error->message, "migration broken: "));
    g_clear_error(&error);
    run_sql(fixture, "CREATE TABLE half (x BIGINT); DROP TABLE half; INSERT INTO extra (id) VALUES ('y')");
    steps[next + 1].sql = "ALTER TABLE extra ADD COLUMN more TEXT NOT NULL DEFAULT '';";
    g_assert_true(migrate(connection, steps, next + 2, &error));
    g_assert_true(migrate(connection, steps, next + 2, &error));
    run_sql(fixture, "UPDATE extra SET more = 'z' WHERE id = 'y'");
    driver->close(connection);
    g_free(steps);
    g_assert_null(store_open(fixture->database, fixture->path, &error));
    assert_kind(error, ORIEL_ERROR_UNSUPPORTED);
}

/* Several hosts start on an empty database at once. */
static void test_many_migrate(Fixture *fixture)
{
    g_autofree char *path = g_build_filename(fixture->folder, "many.db", NULL);
    GPid pids[6];
    if (fixture->postgres)
        run_sql(fixture, "SET client_min_messages = error; DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    for (size_t i = 0; i < G_N_ELEMENTS(pids); i++)
        pids[i] = spawn_child(fixture, "open", path);
    for (size_t i = 0; i < G_N_ELEMENTS(pids); i++) {
        int status = 0;
        g_assert_cmpint(waitpid(pids[i], &status, 0), ==, pids[i]);
        g_assert_true(WIFEXITED(status));
        g_assert_cmpint(WEXITSTATUS(status), ==, 0);
    }
}

static void test_bad_files(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(fixture->folder, "bad.db", NULL);
    g_autofree char *text = g_strnfill(8192, 'x');
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    g_assert_null(store_open("sqlite", path, &error));
    assert_kind(error, ORIEL_ERROR_CORRUPT);
    g_assert_null(store_open("sqlite", "/nonexistent/oriel.db", &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_assert_null(store_open("sqlite", fixture->folder, &error));
    g_clear_error(&error);
    g_assert_null(store_open("mysql://x", path, &error));
    assert_kind(error, ORIEL_ERROR_INVALID);
    g_assert_null(store_open("postgresql:///none?host=/nonexistent", NULL, &error));
    assert_kind(error, ORIEL_ERROR_UNAVAILABLE);
    /* Password hashes are in it: nobody else reads the file. */
    GStatBuf status;
    g_assert_cmpint(g_stat(fixture->path, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 0777, ==, 0600);
}

/* ---- PostgreSQL ---- */

typedef struct {
    GMutex lock;
    GCond changed;
    GString *seen;
    unsigned all; /* changes of kind "*" */
} Ear;

static void hear(const StoreChange *change, void *data)
{
    Ear *ear = data;
    g_mutex_lock(&ear->lock);
    if (strcmp(change->kind, "*") == 0)
        ear->all++;
    else
        g_string_append_printf(ear->seen, "%s %s;", change->kind, change->op);
    g_cond_broadcast(&ear->changed);
    g_mutex_unlock(&ear->lock);
}

static void wait_all(Ear *ear, unsigned count)
{
    g_mutex_lock(&ear->lock);
    while (ear->all < count)
        g_cond_wait(&ear->changed, &ear->lock);
    g_mutex_unlock(&ear->lock);
}

static void test_other_process(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Ear ear = {.seen = g_string_new(NULL)};
    g_autoptr(Store) other = store_open(fixture->database, NULL, &error);
    unsigned handle = store_subscribe(other, hear, &ear);
    /* Only once it listens for certain. */
    while (ear.seen->len == 0) {
        g_autofree char *name = g_strdup_printf("user-%u", g_test_rand_int());
        g_autoptr(StoreUser) user = world_user(fixture->store, name, "user");
        g_usleep(10000);
        g_mutex_lock(&ear.lock);
        bool heard = ear.seen->len > 0;
        g_mutex_unlock(&ear.lock);
        if (heard)
            break;
    }
    g_assert_true(g_str_has_prefix(ear.seen->str, "user create;"));
    store_unsubscribe(other, handle);
    g_string_free(ear.seen, TRUE);
}

static void test_postgres_restart(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_autoptr(StoreUser) anna = world_user(store, "anna", "user");
    Ear ear = {.seen = g_string_new(NULL)};
    unsigned handle = store_subscribe(store, hear, &ear);
    g_mutex_lock(&ear.lock);
    unsigned before = ear.all;
    g_mutex_unlock(&ear.lock);
    fixture_postgres_kill();
    for (int i = 0; i < 5; i++) {
        g_assert_null(store_user_find(store, "anna", &error));
        assert_kind(error, ORIEL_ERROR_UNAVAILABLE);
        g_assert_null(store_user_create(store, NULL, &(StoreUser){.name = "bob", .enabled = true}, &error));
        assert_kind(error, ORIEL_ERROR_UNAVAILABLE);
    }
    fixture_postgres_start();
    while (!store_ping(store, NULL))
        g_usleep(10000);
    g_autoptr(StoreUser) bob = world_user(store, "bob", "user");
    g_autoptr(StoreUser) found = store_user_find(store, "anna", &error);
    g_assert_no_error(error);
    wait_all(&ear, before + 1); /* told that notifications may have been missed */
    /* Again, with idle connections that do not know yet. */
    fixture_postgres_kill();
    fixture_postgres_start();
    while (!store_ping(store, NULL))
        g_usleep(10000);
    g_autoptr(StoreUser) carl = world_user(store, "carl", "user");
    store_unsubscribe(store, handle);
    g_string_free(ear.seen, TRUE);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "--child") == 0) {
        secret_init(NULL);
        return strcmp(argv[2], "open") == 0 ? child_open(argv[3], argv[4]) : child_churn(argv[3], argv[4]);
    }
    self = g_file_read_link("/proc/self/exe", NULL);
    fault_vfs_install();
    g_test_init(&argc, &argv, NULL);
    fixture_add_sqlite("io-errors", test_io_errors);
    fixture_add_sqlite("full-disk", test_full_disk);
    fixture_add_sqlite("faulty-migration", test_faulty_migration);
    fixture_add_sqlite("kill-while-migrating", test_kill_while_migrating);
    fixture_add("kill-while-claiming", test_kill_while_claiming);
    fixture_add("newer-database", test_newer_database);
    fixture_add("failing-migration", test_failing_migration);
    fixture_add("many-migrate", test_many_migrate);
    fixture_add_sqlite("bad-files", test_bad_files);
    fixture_add_postgres("other-process", test_other_process);
    fixture_add_postgres("restart", test_postgres_restart);
    return fixture_run();
}
