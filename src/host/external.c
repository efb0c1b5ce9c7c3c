/* Members of manual pools: machines that were there before Oriel, physical ones too. Oriel neither makes nor ends them: it looks
 * now and then whether their VNC server lets it in, or their RDP server answers, which their row says as observed (running: reachable, stopped: not), and it
 * wakes those that can be woken. */
#include "host/private.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/socket.h"
#include "host/rdp_look.h"
#include "host/rfb_logon.h"
#include "host/wake_packet.h"

static const int64_t check_every_ms = 15 * 1000;
static const int64_t check_refused_ms = 5 * 60 * 1000; /* VNC servers shut out who comes again and again with a wrong password */
static const int64_t answer_limit_us = 3 * G_USEC_PER_SEC;
static const int64_t wake_again_ms = 5 * 1000;
static const int64_t try_limit_ms = 5 * 1000; /* of one that cannot be woken */

char *external_purpose(const char *name)
{
    return g_strconcat("password of machine ", name, NULL);
}

static bool speaks_rdp(const StoreDesktop *row)
{
    return strcmp(row->protocol, "rdp") == 0;
}

/* -1: it is not reachable, and why. */
static int reach(const StoreDesktop *row, int64_t deadline_us, GError **error)
{
    return socket_connect_tcp(row->address, row->port, deadline_us, error);
}

/* Whether an RDP server answers; its log-on is between it and the person's client. */
static bool look_rdp(const StoreDesktop *row, GError **error)
{
    int64_t deadline_us = g_get_monotonic_time() + answer_limit_us;
    autofd int fd = reach(row, deadline_us, error);
    if (fd < 0)
        return false;
    if (rdp_look(fd, deadline_us, error))
        return true;
    g_prefix_error(error, "%s port %u: ", row->address, row->port);
    return false;
}

/* A connection that the machine's VNC server has let in; -1. */
static int log_on(const StoreDesktop *row, GError **error)
{
    g_autofree char *purpose = external_purpose(row->name);
    g_autoptr(SecretString) password = row->sealed_password ? secret_open(purpose, row->sealed_password, error) : NULL;
    if (row->sealed_password && !password)
        return -1;
    int64_t deadline_us = g_get_monotonic_time() + answer_limit_us;
    autofd int fd = reach(row, deadline_us, error);
    if (fd < 0)
        return -1;
    if (rfb_log_on(fd, password, deadline_us, error))
        return fd_steal(&fd);
    g_prefix_error(error, "%s port %u: ", row->address, row->port);
    return -1;
}

static bool observe(Host *host, const StoreDesktop *row, const GError *problem, GError **error)
{
    StoreObservation observation = {
        .id = row->id,
        .generation = row->generation,
        .observed = problem ? STORE_OBSERVED_STOPPED : STORE_OBSERVED_RUNNING,
        .error = problem ? problem->message : NULL,
        .forked = true, /* there is nothing to make */
    };
    return store_desktop_observe(host->store, &observation, error);
}

static bool answers(const StoreDesktop *row, GError **error)
{
    if (speaks_rdp(row))
        return look_rdp(row, error);
    autofd int fd = log_on(row, error);
    return fd >= 0;
}

/* Whether it lets us in now; its row knows afterwards. */
static bool look(Host *host, const StoreDesktop *row, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(GError) unknown = NULL;
    answers(row, &problem);
    if (!observe(host, row, problem, &unknown) && oriel_error_kind(unknown) != ORIEL_ERROR_NOT_FOUND)
        log_warning("desktop %s: was looked at, but its row does not know: %s", row->name, unknown->message);
    if (!problem)
        return true;
    g_propagate_error(error, g_steal_pointer(&problem));
    return false;
}

/* ---- now and then ---- */

/* Only silence passes: what the machine said no to it will say no to again. */
static bool may_pass(const GError *problem)
{
    OrielErrorKind kind = oriel_error_kind(problem);
    return kind == ORIEL_ERROR_UNAVAILABLE || kind == ORIEL_ERROR_NOT_FOUND;
}

void external_check(Slot *slot)
{
    Host *host = slot->host;
    g_mutex_lock(&host->lock);
    bool ending = host->ending;
    g_mutex_unlock(&host->lock);
    g_autoptr(StoreDesktop) row = ending ? NULL : store_desktop_find(host->store, slot->id, NULL);
    g_autoptr(GError) problem = NULL;
    if (row && row->protocol && row->desired != STORE_DESIRED_DELETED && !relay_is_open(slot))
        look(host, row, &problem);
    int64_t pause_ms = problem && !may_pass(problem) ? check_refused_ms : check_every_ms;
    g_mutex_lock(&host->lock);
    slot->checking = false;
    slot->check_ms = clock_monotonic_ms() + pause_ms;
    g_mutex_unlock(&host->lock);
}

void external_pass(Host *host, GHashTable *rows)
{
    GHashTableIter each;
    gpointer value = NULL;
    g_hash_table_iter_init(&each, rows);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        const StoreDesktop *row = value;
        if (!row->protocol || row->seat_of || row->desired == STORE_DESIRED_DELETED)
            continue;
        g_autoptr(Slot) slot = slot_of(host, row->id);
        g_mutex_lock(&host->lock);
        bool due = !slot->checking && !host->ending &&
                   clock_monotonic_ms() >= slot->check_ms;
        slot->checking = slot->checking || due;
        g_mutex_unlock(&host->lock);
        if (due)
            g_thread_pool_push(host->checkers, g_steal_pointer(&slot), NULL);
    }
}

/* ---- the click ---- */

typedef struct {
    Host *host;
    StoreDesktop *row;
} Order;

static void order_free(void *data)
{
    Order *order = data;
    store_desktop_free(order->row);
    g_free(order);
}

static bool cannot(const StoreDesktop *row, const GError *problem, GError **error)
{
    if (row->wake_mac)
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE,
                          "machine \"%s\" was woken, but does not answer after %d minutes: %s. Is it plugged in, and does its "
                          "firmware allow Wake-on-LAN?",
                          row->name, LIMIT_WAKE_MS / 60000, problem->message);
    return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE,
                      "machine \"%s\" does not answer: %s. Is it switched on, and does its %s server run?", row->name,
                      problem->message, speaks_rdp(row) ? "RDP" : "VNC");
}

/* false: cancelled. */
static bool pause_job(Job *job, GError **error)
{
    GPollFD fd;
    if (!g_cancellable_make_pollfd(job_cancellable(job), &fd))
        return false;
    g_poll(&fd, 1, 1000);
    g_cancellable_release_fd(job_cancellable(job));
    return !job_is_cancelled(job, error);
}

static bool wake(Job *job, void *data, GError **error)
{
    const Order *order = data;
    const StoreDesktop *row = order->row;
    uint8_t mac[6] = {0};
    bool wakes = row->wake_mac && wake_mac_parse(row->wake_mac, mac, NULL);
    int64_t began = clock_monotonic_ms(), limit_ms = wakes ? LIMIT_WAKE_MS : try_limit_ms, woken_ms = 0;
    for (;;) {
        g_autoptr(GError) problem = NULL;
        int64_t now = clock_monotonic_ms();
        if (look(order->host, row, &problem))
            return true;
        if (!may_pass(problem) || now - began >= limit_ms)
            return cannot(row, problem, error);
        job_progress(job, 5 + (int)(90 * (now - began) / limit_ms), wakes ? "waking" : "looking for the machine");
        if (wakes && (!woken_ms || now - woken_ms >= wake_again_ms)) {
            wake_send(mac, row->address);
            woken_ms = now;
        }
        if (!pause_job(job, error))
            return false;
    }
}

char *external_wake(Host *host, const StoreDesktop *row, const StoreActor *actor, GError **error)
{
    char *running = job_find(host->jobs, "desktop.wake", row->id);
    if (running)
        return running;
    g_autoptr(StoreDesktop) own = store_desktop_find(host->store, row->id, error);
    if (!own)
        return NULL;
    Order *order = g_new0(Order, 1);
    *order = (Order){host, g_steal_pointer(&own)};
    JobStart start = {
        .kind = "desktop.wake",
        .object_kind = "desktop",
        .object_id = row->id,
        .object_name = row->name,
        .function = wake,
        .data = order,
        .data_free = order_free,
        .actor = actor,
    };
    return job_start(host->jobs, &start, error);
}

int external_display(Slot *slot, const StoreDesktop *row, DisplayClient client, GError **error)
{
    autofd int fd = client == DISPLAY_CLIENT_RDP ? reach(row, g_get_monotonic_time() + answer_limit_us, error) : log_on(row, error);
    if (fd >= 0)
        return relay_start(slot, fd_steal(&fd), client == DISPLAY_CLIENT_BROWSER, error);
    g_prefix_error(error, "machine \"%s\": ", row->name);
    g_mutex_lock(&slot->host->lock);
    slot->check_ms = 0; /* the next click shall know */
    g_mutex_unlock(&slot->host->lock);
    return -1;
}

bool external_refuse(const StoreDesktop *row, const char *what, GError **error)
{
    return !row->protocol || oriel_fail(error, ORIEL_ERROR_UNSUPPORTED,
                                        "machine \"%s\" was there before Oriel, which does not %s it", row->name, what);
}
