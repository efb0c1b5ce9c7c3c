#include "forward/forward.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "forward/sender.h"

enum { LEASE_MS = 90000, REST_MS = 20000, BATCH = 100, BACK_OFF_FIRST_MS = 500, BACK_OFF_MOST_MS = 60000 };

#define FAILING_MS 60000 /* shorter than that nobody needs to hear of */

typedef struct {
    Forward *forward;
    Sender *sender;
    GThread *thread;
    int64_t back_off_ms;
} Way;

struct Forward {
    Store *store;
    char *host_id;
    unsigned watch;
    GMutex lock; /* of the two below */
    GCond changed;
    bool stop;
    uint64_t news; /* events that were told of */
    Way ways[2];
};

/* ---- waiting ---- */

static void on_change(const StoreChange *change, void *data)
{
    Forward *forward = data;
    if (strcmp(change->kind, "event") != 0 && strcmp(change->kind, "*") != 0)
        return;
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&forward->lock);
    forward->news++;
    g_cond_broadcast(&forward->changed);
}

static uint64_t news_of(Forward *forward, bool *ret_stop)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&forward->lock);
    *ret_stop = forward->stop;
    return forward->news;
}

/* Until there is more than `news` (G_MAXUINT64: never mind news), for at most ms, or the end. */
static void rest(Forward *forward, uint64_t news, int64_t ms)
{
    int64_t end = g_get_monotonic_time() + ms * G_TIME_SPAN_MILLISECOND;
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&forward->lock);
    while (!forward->stop && (news == G_MAXUINT64 || forward->news == news))
        if (!g_cond_wait_until(&forward->changed, &forward->lock, end))
            break;
}

/* ---- one way ---- */

static void back_off(Way *way)
{
    way->back_off_ms = CLAMP(way->back_off_ms * 2, BACK_OFF_FIRST_MS, BACK_OFF_MOST_MS);
    rest(way->forward, G_MAXUINT64, way->back_off_ms);
}

static bool note(Way *way, StoreEventForward *place)
{
    g_autoptr(GError) error = NULL;
    if (store_event_forward_note(way->forward->store, place, &error))
        return true;
    log_warning("forwarding of events to %s: how far it came was not written: %s", place->name, error->message);
    return false;
}

static void failed(Way *way, StoreEventForward *place, const GError *failure)
{
    if (place->failing_ms == 0)
        place->failing_ms = clock_utc_ms();
    store_set(&place->error, failure->message);
    if (way->back_off_ms == 0)
        log_warning("forwarding of events to %s: %s; trying again", place->name, failure->message);
    note(way, place);
    back_off(way);
}

/* One batch. false: there was none. */
static bool step(Way *way, StoreEventForward *place, GError **error)
{
    place->sequence = way->sender->resume(way->sender, place->sequence);
    g_autoptr(GPtrArray) events = store_event_after(way->forward->store, place->sequence, BATCH, error);
    if (!events || events->len == 0)
        return false;
    g_autoptr(GError) failure = NULL;
    if (!way->sender->send(way->sender, events, &failure)) {
        failed(way, place, failure);
        return true;
    }
    place->sequence = ((const StoreEvent *)events->pdata[events->len - 1])->sequence;
    place->failing_ms = 0;
    store_set(&place->error, "");
    if (!note(way, place))
        back_off(way);
    else
        way->back_off_ms = 0;
    return true;
}

static void *walk(void *data)
{
    Way *way = data;
    Forward *forward = way->forward;
    for (;;) {
        bool stop = false;
        uint64_t news = news_of(forward, &stop);
        if (stop)
            return NULL;
        g_autoptr(GError) error = NULL;
        g_autoptr(StoreEventForward) place =
            store_event_forward_lease(forward->store, way->sender->name, forward->host_id, LEASE_MS, &error);
        if (error) { /* the store is away */
            back_off(way);
            continue;
        }
        if (!place) /* another host does it */
            rest(forward, G_MAXUINT64, REST_MS);
        else if (!step(way, place, &error))
            rest(forward, news, REST_MS);
    }
}

/* ---- all ---- */

Forward *forward_start(const Config *config, Store *store, const char *host_id, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(Forward) forward = g_new0(Forward, 1);
    forward->store = store;
    forward->host_id = g_strdup(host_id);
    g_mutex_init(&forward->lock);
    g_cond_init(&forward->changed);
    Sender *(*const makers[])(const Config *, GError **) = {syslog_sender_new, webhook_sender_new};
    G_STATIC_ASSERT(G_N_ELEMENTS(makers) == G_N_ELEMENTS(((Forward *)NULL)->ways));
    for (size_t i = 0; i < G_N_ELEMENTS(makers) && !failure; i++)
        forward->ways[i] = (Way){.forward = forward, .sender = makers[i](config, &failure)};
    if (failure) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    forward->watch = store_subscribe(store, on_change, forward);
    for (size_t i = 0; i < G_N_ELEMENTS(forward->ways); i++)
        if (forward->ways[i].sender)
            forward->ways[i].thread = g_thread_new(forward->ways[i].sender->name, walk, &forward->ways[i]);
    return g_steal_pointer(&forward);
}

void forward_stop(Forward *forward)
{
    if (!forward)
        return;
    g_mutex_lock(&forward->lock);
    forward->stop = true;
    g_cond_broadcast(&forward->changed);
    g_mutex_unlock(&forward->lock);
    for (size_t i = 0; i < G_N_ELEMENTS(forward->ways); i++) {
        if (forward->ways[i].thread)
            g_thread_join(forward->ways[i].thread);
        if (forward->ways[i].sender)
            forward->ways[i].sender->free(forward->ways[i].sender);
    }
    if (forward->watch)
        store_unsubscribe(forward->store, forward->watch);
    g_mutex_clear(&forward->lock);
    g_cond_clear(&forward->changed);
    g_free(forward->host_id);
    g_free(forward);
}

GPtrArray *forward_warnings(const Config *config, Store *store, int64_t now_ms, GError **error)
{
    g_autoptr(GPtrArray) places = store_event_forward_list(store, error);
    if (!places)
        return NULL;
    GPtrArray *sentences = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < places->len; i++) {
        const StoreEventForward *place = places->pdata[i];
        const char *receiver = strcmp(place->name, "syslog") == 0 ? config->event_syslog : config->event_webhook;
        if (!receiver || place->failing_ms == 0 || now_ms - place->failing_ms < FAILING_MS)
            continue;
        g_autofree char *since = clock_format_utc(place->failing_ms);
        g_ptr_array_add(sentences,
                        g_strdup_printf("the %s receiver %s has taken no events since %s, %" G_GINT64_FORMAT
                                        " wait: %s",
                                        place->name, receiver, since, place->waiting, place->error));
    }
    return sentences;
}
