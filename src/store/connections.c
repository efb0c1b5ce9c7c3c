#include "store/connections.h"

#include "base/clock.h"
#include "base/error.h"

enum { READERS = 8, BUSY_MS = 15000, BACK_OFF_FIRST_MS = 100, BACK_OFF_MOST_MS = 5000 };

struct Connections {
    const Driver *driver;
    char *target;
    GMutex lock; /* of all below; never held while a connection is opened, used or closed */
    GQueue waiting[2]; /* of GCond: first come, first served; a newcomer that went before them would leave the last ones for ever */
    GQueue idle[2];
    unsigned open[2]; /* idle and taken */
    unsigned most[2];
    int64_t retry_ms; /* monotonic: no attempt to connect before */
    int64_t back_off_ms;
    char *reason; /* of the last failed attempt */
};

Connections *connections_new(const Driver *driver, const char *target)
{
    Connections *connections = g_new0(Connections, 1);
    connections->driver = driver;
    connections->target = g_strdup(target);
    g_mutex_init(&connections->lock);
    g_queue_init(&connections->waiting[PURPOSE_READ]);
    g_queue_init(&connections->waiting[PURPOSE_WRITE]);
    g_queue_init(&connections->idle[PURPOSE_READ]);
    g_queue_init(&connections->idle[PURPOSE_WRITE]);
    connections->most[PURPOSE_READ] = READERS;
    connections->most[PURPOSE_WRITE] = driver->writers;
    return connections;
}

static void close_all(Connections *connections, GQueue *queue)
{
    Connection *connection;
    while ((connection = g_queue_pop_head(queue)))
        connections->driver->close(connection);
}

void connections_free(Connections *connections)
{
    if (!connections)
        return;
    close_all(connections, &connections->idle[PURPOSE_READ]);
    close_all(connections, &connections->idle[PURPOSE_WRITE]);
    g_mutex_clear(&connections->lock);
    g_free(connections->target);
    g_free(connections->reason);
    g_free(connections);
}

const Driver *connections_driver(const Connections *connections)
{
    return connections->driver;
}

static unsigned pool_of(const Connections *connections, Purpose purpose)
{
    return connections->driver->one_pool ? PURPOSE_WRITE : purpose;
}

static bool is_one_left(const Connections *connections, unsigned pool)
{
    return connections->idle[pool].head || connections->open[pool] < connections->most[pool];
}

/* With the lock held, whenever there may be one for whoever waits longest. */
static void wake_first(Connections *connections, unsigned pool)
{
    if (connections->waiting[pool].head && is_one_left(connections, pool))
        g_cond_signal(connections->waiting[pool].head->data);
}

/* With the lock held. An idle connection, or NULL with *ret_open: the caller may open one (counted already),
 * or NULL: busy for too long. */
static Connection *wait_for_one(Connections *connections, unsigned pool, bool *ret_open)
{
    int64_t end = g_get_monotonic_time() + BUSY_MS * G_TIME_SPAN_MILLISECOND;
    GCond turn;
    g_cond_init(&turn);
    GList self = {.data = &turn};
    g_queue_push_tail_link(&connections->waiting[pool], &self);
    bool mine, in_time = true;
    while (!(mine = connections->waiting[pool].head == &self && is_one_left(connections, pool)) && in_time)
        in_time = g_cond_wait_until(&turn, &connections->lock, end);
    g_queue_unlink(&connections->waiting[pool], &self);
    g_cond_clear(&turn);
    Connection *connection = mine ? g_queue_pop_head(&connections->idle[pool]) : NULL;
    *ret_open = mine && !connection;
    if (*ret_open)
        connections->open[pool]++;
    wake_first(connections, pool);
    return connection;
}

static void note_attempt(Connections *connections, unsigned pool, const GError *failure)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&connections->lock);
    if (!failure) {
        connections->back_off_ms = 0;
        connections->retry_ms = 0;
        return;
    }
    connections->open[pool]--;
    connections->back_off_ms = CLAMP(connections->back_off_ms * 2, BACK_OFF_FIRST_MS, BACK_OFF_MOST_MS);
    connections->retry_ms = clock_monotonic_ms() + connections->back_off_ms;
    g_free(connections->reason);
    connections->reason = g_strdup(failure->message);
    wake_first(connections, pool);
}

static Connection *open_one(Connections *connections, unsigned pool, GError **error)
{
    GError *failure = NULL;
    Connection *connection = connections->driver->open(connections->target, &failure);
    note_attempt(connections, pool, failure);
    if (failure)
        g_propagate_error(error, failure);
    return connection;
}

Connection *connections_take(Connections *connections, Purpose purpose, GError **error)
{
    unsigned pool = pool_of(connections, purpose);
    bool open = false;
    g_mutex_lock(&connections->lock);
    Connection *connection = wait_for_one(connections, pool, &open);
    if (open && clock_monotonic_ms() < connections->retry_ms) {
        connections->open[pool]--;
        open = false;
        wake_first(connections, pool);
        oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "%s", connections->reason);
    } else if (!connection && !open) {
        oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "store: busy for more than %d s; try again",
                   BUSY_MS / 1000);
    }
    g_mutex_unlock(&connections->lock);
    return open ? open_one(connections, pool, error) : connection;
}

void connections_give(Connections *connections, Connection *connection, Purpose purpose)
{
    unsigned pool = pool_of(connections, purpose);
    GQueue closing = G_QUEUE_INIT;
    g_mutex_lock(&connections->lock);
    if (connections->driver->is_broken(connection)) {
        g_queue_push_tail(&closing, connection);
        Connection *idle;
        while ((idle = g_queue_pop_head(&connections->idle[pool])))
            g_queue_push_tail(&closing, idle);
        connections->open[pool] -= g_queue_get_length(&closing);
    } else {
        g_queue_push_head(&connections->idle[pool], connection);
    }
    wake_first(connections, pool);
    g_mutex_unlock(&connections->lock);
    close_all(connections, &closing);
}
