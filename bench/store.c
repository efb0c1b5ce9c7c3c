/* What the store costs: clicks (claim, session, ticket, events in one durable transaction) and looking up a
 * cookie, each beside what SQLite itself does for one transaction or one row. Prints JSON rows as
 * bench/report.py wants them.
 *
 *     bench-store FOLDER [postgresql://...]     the database is made in FOLDER; an empty PostgreSQL database
 * for the same there
 */
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/secret.h"
#include "identity/identity.h"
#include "store/desktop.h"
#include "store/host.h"
#include "store/image.h"
#include "store/pool.h"
#include "store/session.h"

enum { DESKTOPS = 200, CLICKS = 2000, LOOKUPS = 20000, RAW = 2000 };

typedef struct {
    Store *store;
    Identity *identity;
    char *pool_id;
    char *users[DESKTOPS];
    char *cookie;
} Scene;

static void must(bool done, const GError *error)
{
    if (!done)
        g_error("bench-store: %s", error ? error->message : "?");
}

static char *make_pool(Store *store, GError **error)
{
    StoreHost host = {.id = "01HOST00000000000000000000", .name = "host"};
    must(store_host_beat(store, &host, error), *error);
    g_autoptr(StoreImage) image = store_image_create(store, NULL, &(StoreImage){.name = "image"}, error);
    must(image, *error);
    g_autoptr(StoreImageVersion) version =
        store_image_version_create(store, NULL, &(StoreImageVersion){.image_id = image->id}, error);
    must(version, *error);
    StorePool fields = {.name = "pool",
                        .image_id = image->id,
                        .size = DESKTOPS,
                        .memory_bytes = 1 << 30,
                        .vcpus = 1,
                        .enabled = true};
    g_autoptr(StorePool) pool = store_pool_create(store, NULL, &fields, error);
    must(pool, *error);
    for (int i = 0; i < DESKTOPS; i++) {
        StoreDesktopNew desktop = {.pool_id = pool->id, .host_id = host.id, .image_version_id = version->id, .desired = STORE_DESIRED_RUNNING};
        g_autoptr(StoreDesktop) made = store_desktop_create(store, NULL, &desktop, error);
        must(made, *error);
    }
    return g_strdup(pool->id);
}

static void make_users(Scene *scene, GError **error)
{
    for (int i = 0; i < DESKTOPS; i++) {
        g_autofree char *name = g_strdup_printf("user-%d", i);
        StoreUser fields = {.name = name, .roles = (char *)"user", .enabled = true};
        g_autoptr(StoreUser) user = store_user_create(scene->store, NULL, &fields, error);
        must(user, *error);
        scene->users[i] = g_strdup(user->id);
    }
    scene->identity = identity_new(scene->store, error);
    must(scene->identity, *error);
    PasswordChange change = {scene->users[0], NULL, "correct horse battery", NULL};
    must(identity_set_password(scene->identity, NULL, &change, error), *error);
    g_autoptr(Login) login =
        identity_login(scene->identity, "user-0", change.password, &(ClientInfo){.address = "::1"}, error);
    must(login, *error);
    scene->cookie = g_strdup(login->cookie);
}

static void click(Scene *scene, unsigned number)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *token = secret_token_new();
    g_autofree char *hash = secret_token_hash(token);
    StoreActor actor = {.user_id = scene->users[number % DESKTOPS], .address = "::1"};
    StoreClaim claim = {.pool_id = scene->pool_id, .user_id = actor.user_id};
    StoreSessionOpen open = {
        .client = "::1", .ticket_hash = hash, .ticket_expires_ms = clock_utc_ms() + 30000};
    g_auto(StoreConnected) connected = {0};
    must(store_connect(scene->store, &actor, &claim, &open, &connected, &error), error);
}

/* Seconds the calls took, of DESKTOPS clicks at a time; the log-offs between are not counted. */
static double clicks_per_second(Scene *scene)
{
    int64_t us = 0;
    for (unsigned done = 0; done < CLICKS; done += DESKTOPS) {
        int64_t started = clock_monotonic_us();
        for (unsigned i = 0; i < DESKTOPS; i++)
            click(scene, i);
        us += clock_monotonic_us() - started;
        g_autoptr(GPtrArray) sessions = store_session_list(scene->store, NULL, NULL, NULL, NULL);
        for (guint i = 0; i < sessions->len; i++)
            must(store_session_end(scene->store, NULL, ((StoreSession *)sessions->pdata[i])->id, "logged off",
                                   (StoreAfter){.release = true}, NULL),
                 NULL);
    }
    return CLICKS * 1e6 / (double)us;
}

static double lookups_per_second(Scene *scene)
{
    int64_t started = clock_monotonic_us();
    for (int i = 0; i < LOOKUPS; i++) {
        g_autoptr(Caller) caller = identity_by_cookie(scene->identity, scene->cookie, NULL);
        must(caller, NULL);
    }
    return LOOKUPS * 1e6 / (double)(clock_monotonic_us() - started);
}

/* ---- SQLite by itself, with the store's settings ---- */

static void run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        g_error("bench-store: %s", sqlite3_errmsg(db));
}

static double raw_transactions_per_second(const char *folder)
{
    g_autofree char *path = g_build_filename(folder, "raw.db", NULL);
    sqlite3 *db = NULL;
    sqlite3_open(path, &db);
    run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (id INTEGER PRIMARY KEY, n "
            "INTEGER);"
            "INSERT INTO t VALUES (1, 0)");
    int64_t started = clock_monotonic_us();
    for (int i = 0; i < RAW; i++)
        run(db, "BEGIN IMMEDIATE; UPDATE t SET n = n + 1 WHERE id = 1; COMMIT");
    int64_t us = clock_monotonic_us() - started;
    sqlite3_close(db);
    return RAW * 1e6 / (double)us;
}

static double raw_lookups_per_second(const char *path)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    sqlite3_open(path, &db);
    if (sqlite3_prepare_v2(db, "SELECT * FROM web_sessions WHERE token_hash = ?", -1, &statement, NULL) !=
        SQLITE_OK)
        g_error("bench-store: %s", sqlite3_errmsg(db));
    int64_t started = clock_monotonic_us();
    for (int i = 0; i < LOOKUPS; i++) {
        sqlite3_bind_text(statement, 1, "none", -1, SQLITE_STATIC);
        sqlite3_step(statement);
        sqlite3_reset(statement);
    }
    int64_t us = clock_monotonic_us() - started;
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return LOOKUPS * 1e6 / (double)us;
}

static void add_row(json_t *rows, const char *name, double value, const char *baseline, double baseline_value)
{
    json_array_append_new(rows, json_pack("{s:s,s:f,s:s,s:s,s:f,s:f}", "name", name, "value", value, "unit",
                                          "1/s", "baseline", baseline, "baseline_value", baseline_value,
                                          "ratio", value / baseline_value));
}

static void scene_open(Scene *scene, const char *database, const char *path)
{
    g_autoptr(GError) error = NULL;
    scene->store = store_open(database, path, &error);
    must(scene->store, error);
    scene->pool_id = make_pool(scene->store, &error);
    make_users(scene, &error);
}

static void scene_close(Scene *scene)
{
    identity_free(scene->identity);
    store_close(scene->store);
    g_free(scene->pool_id);
    g_free(scene->cookie);
    for (int i = 0; i < DESKTOPS; i++)
        g_free(scene->users[i]);
}

int main(int argc, char **argv)
{
    if (argc < 2 || !secret_init(NULL))
        return 64;
    g_autofree char *path = g_build_filename(argv[1], "oriel.db", NULL);
    json_t *rows = json_array();
    double raw = raw_transactions_per_second(argv[1]);
    Scene sqlite = {0};
    scene_open(&sqlite, "sqlite", path);
    add_row(rows, "store_clicks_per_second", clicks_per_second(&sqlite), "SQLite: one durable transaction",
            raw);
    double looked_up = lookups_per_second(&sqlite);
    add_row(rows, "cookie_lookups_per_second", looked_up, "SQLite: one row by its key",
            raw_lookups_per_second(path));
    scene_close(&sqlite);
    if (argc > 2) {
        Scene postgres = {0};
        scene_open(&postgres, argv[2], NULL);
        add_row(rows, "store_clicks_per_second_postgresql", clicks_per_second(&postgres),
                "SQLite: one durable transaction", raw);
        scene_close(&postgres);
    }
    json_dumpf(rows, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(rows);
    return 0;
}
