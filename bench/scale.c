/* The broker alone, at the size of a company: real store (SQLite), real reconcile, simulated machines. A storm of people who
 * log on, each of whom gets a desktop of their own, while spares stand ready; then what lists cost. Prints JSON rows as
 * bench/report.py wants them.
 *
 *     bench-scale [DESKTOPS]     10000 by itself; in pools of at most LIMIT_DESKTOPS_POOL
 */
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "../tests/fixtures/host/household.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/number.h"
#include "base/secret.h"
#include "store/login.h"

enum { CLIENTS = 32, RAW = 2000, LISTS = 20, POOLS_MOST = 16 };

static const double goal_seconds = 60;
static const double goal_ms = 250;
static const double goal_list_ms = 100;

typedef struct {
    Household household;
    unsigned desktops;
    unsigned pools;
    StorePool *pool[POOLS_MOST];
    char **users;
    int64_t *took_us;
    char **got; /* by user: the desktop */
    gint next;
} Scene;

static void must(bool done, const GError *error)
{
    if (!done)
        g_error("bench-scale: %s", error ? error->message : "?");
}

/* ---- before the storm ---- */

/* Enough for all: this is about the broker, not about memory. */
static void large_host(uint64_t *ret_total, uint64_t *ret_available)
{
    *ret_total = *ret_available = (uint64_t)16 << 40;
}

static void make_people(Scene *scene)
{
    g_autoptr(GError) error = NULL;
    scene->users = g_new0(char *, scene->desktops + 1);
    for (unsigned i = 0; i < scene->desktops; i++) {
        g_autofree char *name = g_strdup_printf("person-%05u", i);
        StoreUser fields = {.name = name, .roles = (char *)"user", .enabled = true};
        g_autoptr(StoreUser) user = store_user_create(scene->household.store, NULL, &fields, &error);
        must(user, error);
        scene->users[i] = g_strdup(user->id);
    }
}

static void make_pools(Scene *scene)
{
    g_autoptr(GError) error = NULL;
    scene->pools = (scene->desktops + LIMIT_DESKTOPS_POOL - 1) / LIMIT_DESKTOPS_POOL;
    unsigned each = (scene->desktops + scene->pools - 1) / scene->pools;
    for (unsigned i = 0; i < scene->pools; i++) {
        g_autofree char *name = g_strdup_printf("pool-%u", i);
        scene->pool[i] = household_pool(&scene->household, &(PoolWish){.name = name, .size = each, .spares = each});
        StoreEntitle everyone = {scene->pool[i]->id, true, STORE_GROUP_EVERYONE};
        must(store_entitlement_add(scene->household.store, NULL, &everyone, &error), error);
    }
}

static unsigned ready(Scene *scene)
{
    unsigned free = 0;
    for (unsigned i = 0; i < scene->pools; i++) {
        g_autoptr(StorePool) pool = store_pool_find(scene->household.store, scene->pool[i]->id, NULL);
        free += pool ? (unsigned)pool->desktops_free : 0;
    }
    return free;
}

/* Seconds until every desktop runs and says that it is ready. */
static double provision(Scene *scene)
{
    int64_t began = clock_monotonic_us();
    unsigned wanted = scene->desktops, now = 0;
    while ((now = ready(scene)) < wanted) {
        fprintf(stderr, "\r%u of %u desktops are ready", now, wanted);
        g_usleep(500 * 1000);
    }
    fprintf(stderr, "\n");
    return (double)(clock_monotonic_us() - began) / 1e6;
}

/* ---- the storm ---- */

/* As after a check of the password, which is slow on purpose and of another room. */
static void log_on(Scene *scene, unsigned person)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *token = secret_token_new();
    g_autofree char *hash = secret_token_hash(token);
    StoreActor actor = {.user_id = scene->users[person], .address = "192.0.2.7"};
    StoreWebSessionNew fields = {.token_hash = hash, .user_id = actor.user_id, .csrf = "csrf", .address = actor.address,
                                 .agent = "bench", .scopes = "all", .expires_ms = clock_utc_ms() + 3600 * 1000};
    g_autoptr(StoreWebSession) login = store_web_session_create(scene->household.store, &actor, &fields, &error);
    must(login, error);
    HostConnectRequest request = {
        .actor = &actor, .user_id = actor.user_id, .pool_id = scene->pool[person % scene->pools]->id};
    g_auto(HostConnection) connection = {0};
    must(host_connect(scene->household.host, &request, &connection, &error), error);
    must(connection.session_id, NULL);
    scene->got[person] = g_strdup(connection.desktop_id);
}

static gpointer client(gpointer data)
{
    Scene *scene = data;
    for (;;) {
        int person = g_atomic_int_add(&scene->next, 1);
        if (person >= (int)scene->desktops)
            return NULL;
        int64_t began = clock_monotonic_us();
        log_on(scene, (unsigned)person);
        scene->took_us[person] = clock_monotonic_us() - began;
    }
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

static double storm(Scene *scene)
{
    scene->took_us = g_new0(int64_t, scene->desktops);
    scene->got = g_new0(char *, scene->desktops + 1);
    GThread *threads[CLIENTS];
    int64_t began = clock_monotonic_us();
    for (unsigned i = 0; i < CLIENTS; i++)
        threads[i] = g_thread_new("client", client, scene);
    for (unsigned i = 0; i < CLIENTS; i++)
        g_thread_join(threads[i]);
    double seconds = (double)(clock_monotonic_us() - began) / 1e6;
    qsort(scene->took_us, scene->desktops, sizeof *scene->took_us, compare);
    return seconds;
}

static unsigned doubles(const Scene *scene)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    unsigned twice = 0;
    for (unsigned i = 0; i < scene->desktops; i++)
        twice += !g_hash_table_add(seen, scene->got[i]);
    return twice;
}

/* ---- lists ---- */

/* Milliseconds for all pages from the first to the last. */
static double list_all(Scene *scene)
{
    g_autoptr(GError) error = NULL;
    int64_t began = clock_monotonic_us();
    unsigned rows = 0;
    for (g_autofree char *after = NULL;;) {
        char *next = NULL;
        StorePage page = {.limit = LIMIT_PAGE, .after = after};
        g_autoptr(GPtrArray) list = store_desktop_list(scene->household.store, NULL, &page, &next, &error);
        must(list, error);
        rows += list->len;
        g_free(after);
        after = next;
        if (!next)
            break;
    }
    must(rows == scene->desktops, NULL);
    return (double)(clock_monotonic_us() - began) / 1e3;
}

static double list_of_user(Scene *scene)
{
    g_autoptr(GError) error = NULL;
    StoreDesktopFilter filter = {.user_id = scene->users[scene->desktops / 2]};
    StorePage page = {.limit = LIMIT_PAGE_DEFAULT};
    int64_t began = clock_monotonic_us();
    g_autoptr(GPtrArray) list = store_desktop_list(scene->household.store, &filter, &page, NULL, &error);
    must(list && list->len == 1, error);
    return (double)(clock_monotonic_us() - began) / 1e3;
}

/* One of ten thousand, by a part of its name. */
static double list_found(Scene *scene)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *search = g_strdup_printf("-%u", scene->desktops / 10);
    StoreDesktopFilter filter = {.search = search};
    StorePage page = {.limit = LIMIT_PAGE_DEFAULT};
    int64_t began = clock_monotonic_us();
    g_autoptr(GPtrArray) list = store_desktop_list(scene->household.store, &filter, &page, NULL, &error);
    must(list != NULL, error);
    must(list->len > 0, NULL);
    return (double)(clock_monotonic_us() - began) / 1e3;
}

/* The median: others work on this machine too. */
static double median(Scene *scene, double (*measure)(Scene *scene))
{
    int64_t took[LISTS];
    for (unsigned i = 0; i < LISTS; i++)
        took[i] = (int64_t)(measure(scene) * 1000);
    qsort(took, LISTS, sizeof *took, compare);
    return (double)took[LISTS / 2] / 1000;
}

/* ---- SQLite by itself, with the store's settings ---- */

static double raw_transactions_per_second(const char *folder)
{
    g_autofree char *path = g_build_filename(folder, "raw.db", NULL);
    sqlite3 *db = NULL;
    must(sqlite3_open(path, &db) == SQLITE_OK &&
             sqlite3_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                              "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO t VALUES (1, 0)",
                          NULL, NULL, NULL) == SQLITE_OK,
         NULL);
    int64_t began = clock_monotonic_us();
    for (int i = 0; i < RAW; i++)
        must(sqlite3_exec(db, "BEGIN IMMEDIATE; UPDATE t SET n = n + 1 WHERE id = 1; COMMIT", NULL, NULL, NULL) == SQLITE_OK,
             NULL);
    double seconds = (double)(clock_monotonic_us() - began) / 1e6;
    sqlite3_close(db);
    return RAW / seconds;
}

/* ---- what came out ---- */

typedef struct {
    const char *name;
    double value;
    const char *unit;
    const char *baseline;
    double baseline_value;
} Row;

static void add_row(json_t *rows, Row row)
{
    json_array_append_new(rows, json_pack("{s:s,s:f,s:s,s:s,s:f,s:f}", "name", row.name, "value", row.value, "unit", row.unit,
                                          "baseline", row.baseline, "baseline_value", row.baseline_value, "ratio",
                                          row.value / row.baseline_value));
}

static void report(Scene *scene, double provisioned, double seconds, double raw)
{
    json_t *rows = json_array();
    double rate = scene->desktops / seconds;
    double p99 = (double)scene->took_us[scene->desktops * 99 / 100] / 1e3;
    add_row(rows, (Row){"scale_provisioned_per_second", scene->desktops / provisioned, "1/s", "SQLite: one durable transaction", raw});
    add_row(rows, (Row){"scale_log_ons_per_second", rate, "1/s", "SQLite: one durable transaction", raw});
    add_row(rows, (Row){"scale_log_on_storm_seconds", seconds, "s", "goal", goal_seconds});
    add_row(rows, (Row){"scale_log_on_p50_ms", (double)scene->took_us[scene->desktops / 2] / 1e3, "ms", "goal of p99", goal_ms});
    add_row(rows, (Row){"scale_log_on_p99_ms", p99, "ms", "goal", goal_ms});
    add_row(rows, (Row){"scale_list_all_ms", median(scene, list_all), "ms", "goal", goal_list_ms});
    add_row(rows, (Row){"scale_list_found_ms", median(scene, list_found), "ms", "goal", goal_list_ms});
    add_row(rows, (Row){"scale_list_of_user_ms", median(scene, list_of_user), "ms", "goal", goal_list_ms});
    json_dumpf(rows, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(rows);
}

static void scene_clear(Scene *scene)
{
    for (unsigned i = 0; i < scene->pools; i++)
        store_pool_free(scene->pool[i]);
    g_strfreev(scene->users);
    g_strfreev(scene->got);
    g_free(scene->took_us);
    household_close(&scene->household);
}

int main(int argc, char **argv)
{
    uint64_t desktops = 10000;
    if (argc > 1 && !number_parse(argv[1], 1, POOLS_MOST * LIMIT_DESKTOPS_POOL, "desktops", &desktops, NULL))
        return 64;
    Scene scene = {.desktops = (unsigned)desktops};
    household_open(&scene.household);
    double raw = raw_transactions_per_second(scene.household.state);
    make_people(&scene);
    HostDriver driver = *host_driver_simulated();
    driver.host_memory = large_host;
    scene.household.driver = &driver;
    household_start(&scene.household);
    make_pools(&scene);
    double provisioned = provision(&scene);
    double seconds = storm(&scene);
    unsigned twice = doubles(&scene);
    if (twice)
        g_error("bench-scale: %u desktops were given to two people", twice);
    report(&scene, provisioned, seconds, raw);
    scene_clear(&scene);
    return 0;
}
