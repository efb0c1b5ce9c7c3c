/* The reconcile thread: woken by every change in the store and by machines, and now and then anyway, it looks
 * at all rows of this host, hands each desktop that is not as it should be to a worker, and follows pools,
 * sessions and capacity. */
#include "host/private.h"
#include "host/viewers.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "store/host.h"
#include "store/sample.h"

static const int64_t tick_ms = 5000; /* nothing changed: look anyway */
static const int64_t measure_every_ms = 5000;
static const int64_t beat_every_ms = 10 * 1000;
static const int64_t collect_every_ms = 60 * 1000;
static const int64_t store_retry_ms = 1000;
static const int64_t rest_share = 3; /* a pass reads all rows: it rests so many times as long as it took, at most ... */
static const int64_t rest_most_ms = 1000; /* ... this, so that thousands of changes a minute do not keep one core with it */

typedef struct {
    Host *host;
    int64_t measured_ms;
    int64_t beaten_ms;
    int64_t collected_ms;
    int64_t sessions_ms;
    int64_t sampled_minute; /* UTC */
    Sampler sampler;
    int64_t rested_us; /* monotonic: no pass before */
    bool store_lost;
} Loop;

void host_wake(Host *host)
{
    g_mutex_lock(&host->lock);
    host->wake = true;
    g_cond_broadcast(&host->changed);
    g_mutex_unlock(&host->lock);
}

bool loop_beat(Host *host, GError **error)
{
    g_mutex_lock(&host->lock);
    uint64_t memory = host->capacity.total;
    g_mutex_unlock(&host->lock);
    StoreHost row = {
        .id = host->id,
        .name = host->name,
        .version = (char *)ORIEL_VERSION,
        .accelerator = host->about.accelerator,
        .memory_bytes = memory,
        .vcpus = g_get_num_processors(),
        .detail = (char *)"{}",
    };
    return store_host_beat(host->store, &row, error);
}

/* ---- desktops ---- */

static void look_at(Host *host, StoreDesktop *row, StorePool *pool)
{
    if (row->seat_of) {
        seat_register(host, row);
        return;
    }
    g_autoptr(Slot) slot = slot_of(host, row->id);
    if (!slot_try(slot))
        return; /* who has it looks again afterwards */
    Work work = {.host = host, .slot = slot, .row = row, .pool = pool};
    DesktopStep step = work_next(&work);
    g_mutex_lock(&host->lock);
    bool due = slot->retry_ms <= clock_monotonic_ms();
    g_mutex_unlock(&host->lock);
    if (step != STEP_NONE && step != STEP_WAIT && due && !work_is_held(host, step))
        slot_queue(slot);
    slot_release(slot);
}

static void look_at_desktops(Host *host, GHashTable *rows, GHashTable *pools)
{
    GHashTableIter each;
    gpointer value = NULL;
    g_hash_table_iter_init(&each, rows);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        StoreDesktop *row = value;
        StorePool *pool = g_hash_table_lookup(pools, row->pool_id);
        if (pool)
            look_at(host, row, pool);
    }
    g_autoptr(GPtrArray) slots = slot_list(host);
    for (size_t i = 0; i < slots->len; i++) {
        Slot *slot = slots->pdata[i];
        if (!g_hash_table_contains(rows, slot->id))
            slot_queue(slot); /* the worker reads the row again: it may be new, or really gone */
    }
}

static GHashTable *by_id(const GPtrArray *list)
{
    GHashTable *table = g_hash_table_new(g_str_hash, g_str_equal);
    for (size_t i = 0; i < list->len; i++)
        g_hash_table_insert(table, *(char **)list->pdata[i],
                            list->pdata[i]); /* both structs begin with their id */
    return table;
}
G_STATIC_ASSERT(G_STRUCT_OFFSET(StoreDesktop, id) == 0 && G_STRUCT_OFFSET(StorePool, id) == 0);

/* ---- one pass ---- */

static void set_problem(Loop *loop, const GError *error)
{
    Host *host = loop->host;
    if (error && !loop->store_lost)
        log_warning("the store does not answer; desktops run on, changes wait: %s", error->message);
    if (!error && loop->store_lost)
        log_info("the store answers again");
    loop->store_lost = error != NULL;
    g_mutex_lock(&host->lock);
    g_free(host->problem);
    host->problem = error ? g_strdup(error->message) : NULL;
    g_mutex_unlock(&host->lock);
}

static bool is_due(int64_t *last_ms, int64_t every_ms)
{
    int64_t now = clock_monotonic_ms();
    if (*last_ms && now - *last_ms < every_ms)
        return false;
    *last_ms = now;
    return true;
}

/* A time of theirs is over, or they have changed. */
static bool plans_due(Host *host)
{
    g_mutex_lock(&host->lock);
    bool changed = host->plans_followed != host->plans_edition;
    host->plans_followed = host->plans_edition;
    g_mutex_unlock(&host->lock);
    return changed || (host->plans_due_ms && clock_utc_ms() >= host->plans_due_ms);
}

static void pass(Loop *loop)
{
    Host *host = loop->host;
    g_autoptr(GError) error = NULL;
    if (is_due(&loop->measured_ms, measure_every_ms))
        capacity_measure(host);
    g_autoptr(GPtrArray) rows = store_desktop_list_host(host->store, host->id, &error);
    g_autoptr(GPtrArray) pools = rows ? store_pool_list_fields(host->store, &error) : NULL;
    bool beaten = pools && (!is_due(&loop->beaten_ms, beat_every_ms) || loop_beat(host, &error)) &&
                  service_read(host, &error);
    set_problem(loop, error);
    if (!beaten)
        return;
    g_autoptr(GHashTable) row_of = by_id(rows);
    g_autoptr(GHashTable) pool_of = by_id(pools);
    look_at_desktops(host, row_of, pool_of);
    external_pass(host, row_of);
    home_pass(host);
    pool_pass(host, pool_of, rows);
    choice_pass(host, row_of);
    bool over = host->sessions_due_ms && clock_utc_ms() >= host->sessions_due_ms;
    if (over || plans_due(host) || is_due(&loop->sessions_ms, tick_ms)) {
        session_pass(host, row_of);
        host->plans_due_ms = plan_pass(host, row_of, pool_of);
    }
    viewers_pass(host->viewers);
    transfer_pass(host);
    int64_t minute = clock_utc_ms() / SAMPLE_MINUTE_MS;
    if (loop->sampled_minute != minute)
        sample_pass(host, &loop->sampler);
    loop->sampled_minute = minute;
    if (is_due(&loop->collected_ms, collect_every_ms))
        collect_pass(host);
}

/* ---- waiting ---- */

static int64_t next_retry(Host *host)
{
    int64_t next = G_MAXINT64;
    GHashTableIter each;
    gpointer value = NULL;
    g_hash_table_iter_init(&each, host->slots);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        Slot *slot = value;
        if (slot->retry_ms && slot->retry_ms < next)
            next = slot->retry_ms;
    }
    return next;
}

/* With the lock held: how long nothing needs a look unless somebody calls. */
static int64_t rest_ms(const Loop *loop)
{
    int64_t rest = loop->store_lost ? store_retry_ms : tick_ms;
    int64_t retry = next_retry(loop->host) - clock_monotonic_ms();
    if (retry > 0) /* one that is over already was queued by this pass */
        rest = MIN(rest, retry);
    if (loop->host->plans_due_ms)
        rest = MIN(rest, MAX(loop->host->plans_due_ms - clock_utc_ms(), 0) + 1);
    if (loop->host->sessions_due_ms)
        rest = MIN(rest, MAX(loop->host->sessions_due_ms - clock_utc_ms(), 0) + 1);
    return rest;
}

static void rest_after(Loop *loop, int64_t began_us)
{
    int64_t now = g_get_monotonic_time();
    loop->rested_us = now + MIN((now - began_us) * rest_share, rest_most_ms * 1000);
}

static bool rest(Loop *loop)
{
    Host *host = loop->host;
    g_mutex_lock(&host->lock);
    while (!host->ending && !host->paused && g_cond_wait_until(&host->changed, &host->lock, loop->rested_us))
        ;
    int64_t deadline = g_get_monotonic_time() + rest_ms(loop) * 1000;
    while (!host->wake && !host->ending && !host->paused &&
           g_cond_wait_until(&host->changed, &host->lock, deadline))
        ;
    host->wake = false;
    bool more = !host->ending && !host->paused;
    g_mutex_unlock(&host->lock);
    return more;
}

void *loop_main(void *data)
{
    Loop loop = {.host = data};
    do {
        int64_t began_us = g_get_monotonic_time();
        pass(&loop);
        rest_after(&loop, began_us);
    } while (rest(&loop));
    return NULL;
}
