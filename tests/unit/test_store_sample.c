/* Figures over time: on both databases. */
#include "../fixtures/store/backend.h"
#include "base/clock.h"
#include "store/sample.h"

static const int64_t minute_ms = SAMPLE_MINUTE_MS;
static const int64_t day_ms = 24 * 3600 * INT64_C(1000);

static GPtrArray *all(Store *store, const char *name, const char *object, int64_t to_ms)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *list = store_sample_list(
        store, &(StoreSampleQuery){.name = name, .object = object, .to_ms = to_ms, .step_ms = minute_ms},
        &error);
    g_assert_no_error(error);
    return list;
}

static void assert_one(Store *store, const char *name, const char *object, int64_t value)
{
    g_autoptr(GPtrArray) list = all(store, name, object, G_MAXINT64 / 2);
    g_assert_cmpuint(list->len, ==, 1);
    g_assert_cmpint(((StoreSample *)list->pdata[0])->value, ==, value);
}

static void test_take(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 3);
    g_autoptr(StoreUser) anna = world_user(store, "anna", "user");
    g_autoptr(StoreDesktop) desktop = world_desktop(&world, store);
    g_autoptr(StoreDesktop) spare = world_desktop(&world, store);
    StoreClaim claim = {.pool_id = world.pool->id, .user_id = anna->id};
    StoreSessionOpen open = {.client = "192.0.2.7"};
    g_auto(StoreConnected) connected = {0};
    g_assert_true(store_connect(store, NULL, &claim, &open, &connected, &error));
    const char *id = connected.session->id;
    int64_t began = connected.session->started_ms;
    StoreSampleHost host = {
        .host_id = world.host_id, .memory_bytes = UINT64_C(5) << 40, .processor_percent = -1};
    int64_t now = began - began % minute_ms + 2 * minute_ms;
    g_assert_true(store_sample_take(store, &host, now, &error));
    g_assert_no_error(error);
    assert_one(store, "sessions", world.pool->id, 1);
    assert_one(store, "connected", NULL, 0);
    assert_one(store, "desktops", NULL, 2);
    assert_one(store, "running", NULL, 0);
    assert_one(store, "assigned", NULL, 1);
    assert_one(store, "memory_bytes", world.host_id, INT64_C(5) << 40);
    g_autoptr(GPtrArray) unknown = all(store, "processor_percent", NULL, G_MAXINT64 / 2);
    g_assert_cmpuint(unknown->len, ==, 0);
    g_autoptr(GPtrArray) not_on = all(store, "log_on_ms", NULL, G_MAXINT64 / 2);
    g_assert_cmpuint(not_on->len, ==, 0);

    /* Again in the same minute: the figures of now in its place. */
    g_assert_true(store_session_set_state(store, NULL, id, STORE_SESSION_CONNECTED, NULL, &error));
    g_autoptr(StoreSession) session = store_session_get(store, id, &error);
    host.processor_percent = 37;
    g_assert_true(store_sample_take(store, &host, now + minute_ms - 1, &error));
    assert_one(store, "connected", world.pool->id, 1);
    assert_one(store, "processor_percent", NULL, 37);
    assert_one(store, "log_on_ms", world.pool->id, session->changed_ms - session->started_ms);
    g_autoptr(GPtrArray) log_on = all(store, "log_on_ms", NULL, G_MAXINT64 / 2);
    g_assert_cmpint(((StoreSample *)log_on->pdata[0])->time_ms, ==, began - began % minute_ms);
    g_autoptr(GPtrArray) before = all(store, "sessions", NULL, now);
    g_assert_cmpuint(before->len, ==, 0);
    g_autoptr(GPtrArray) other = all(store, "sessions", "another", G_MAXINT64 / 2);
    g_assert_cmpuint(other->len, ==, 0);
}

/* Two hosts, two steps: the mean over a step, then the sum or the mean of the hosts. */
static void test_steps(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    static const struct {
        const char *host;
        int minute;
        int value;
    } taken[] = {{"a", 0, 10}, {"a", 1, 20}, {"b", 0, 50}, {"b", 1, 50}, {"a", 4, 30}, {"a", 5, 31}};
    for (size_t i = 0; i < G_N_ELEMENTS(taken); i++) {
        StoreSampleHost host = {taken[i].host, (uint64_t)taken[i].value, taken[i].value};
        g_assert_true(store_sample_take(store, &host, day_ms + taken[i].minute * minute_ms, &error));
        g_assert_no_error(error);
    }
    StoreSampleQuery query = {
        .name = "memory_bytes", .from_ms = day_ms, .to_ms = day_ms + 5 * minute_ms, .step_ms = 2 * minute_ms};
    g_autoptr(GPtrArray) sums = store_sample_list(store, &query, &error);
    g_assert_cmpuint(sums->len, ==, 2); /* the third minute and the fourth have none */
    const StoreSample *first = sums->pdata[0], *last = sums->pdata[1];
    g_assert_cmpint(first->time_ms, ==, day_ms);
    g_assert_cmpint(first->value, ==, 65);
    g_assert_cmpint(last->time_ms, ==, day_ms + 4 * minute_ms);
    g_assert_cmpint(last->value, ==, 30); /* the end is not included */
    query.name = "processor_percent";
    query.mean = true;
    g_autoptr(GPtrArray) means = store_sample_list(store, &query, &error);
    first = means->pdata[0];
    g_assert_cmpint(first->value, ==, 33); /* of 15 and 50, rounded */
}

static void test_thin(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    int64_t now = 100 * day_ms;
    static const struct {
        int64_t before; /* minutes */
        bool kept;
    } taken[] = {{0, true},
                 {1, true},
                 {2 * 1440 - 1, true},
                 {2 * 1440 + 1, false},
                 {2 * 1440 + 10, true},
                 {30 * 1440, true},
                 {30 * 1440 + 10, false}};
    for (size_t i = 0; i < G_N_ELEMENTS(taken); i++)
        g_assert_true(store_sample_take(store, &(StoreSampleHost){"a", 1, -1},
                                        now - taken[i].before * minute_ms, &error));
    g_assert_true(store_sample_thin(store, now, &error));
    g_assert_no_error(error);
    g_autoptr(GPtrArray) left = all(store, "memory_bytes", NULL, G_MAXINT64 / 2);
    size_t at = left->len;
    for (size_t i = 0; i < G_N_ELEMENTS(taken); i++) {
        if (!taken[i].kept)
            continue;
        g_assert_cmpuint(at, >, 0);
        g_assert_cmpint(((StoreSample *)left->pdata[--at])->time_ms, ==, now - taken[i].before * minute_ms);
    }
    g_assert_cmpuint(at, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_add("take", test_take);
    fixture_add("steps", test_steps);
    fixture_add("thin", test_thin);
    return fixture_run();
}
