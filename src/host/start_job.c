/* The job of a desktop that has to boot from its own disk: it ends when the desktop is usable, so that
 * whoever waits sees a desktop and not a boot. */
#include "host/private.h"

#include "base/clock.h"
#include "base/error.h"
#include "store/event.h"

static const int64_t usable_limit_ms =
    5 * 60 * 1000; /* then whoever waits may look at what the screen says */
static const int64_t busy_limit_ms = 90 * 1000;
static const int64_t slice_ms = 1000;

typedef struct {
    Host *host;
    char *desktop_id;
    const char *kind; /* of the job, static */
} Order;

static const char start_kind[] = "desktop.start";
static const char restart_kind[] = "desktop.restart"; /* it runs, and shuts down first */
static const char make_kind[] = "desktop.make";       /* it has no disk yet */

static void order_free(void *data)
{
    Order *order = data;
    g_free(order->desktop_id);
    g_free(order);
}

/* Whoever got here first has started it. */
static bool boot(Job *job, const Order *order, Slot *slot, GError **error)
{
    g_auto(Work) work = {.job = job};
    if (!slot_acquire(slot, busy_limit_ms, error))
        return false;
    slot_tell_job(slot, order->kind != start_kind);
    bool done = work_load(&work, order->host, slot, error);
    if (done && order->kind == restart_kind && slot->machine)
        done = work_shut_down(&work, error) && work_load(&work, order->host, slot, error);
    DesktopStep next = done ? work_next(&work) : STEP_NONE;
    if (next == STEP_BOOT || next == STEP_MAKE)
        done = work_do(&work, next, error);
    slot_tell_job(slot, false);
    slot_release(slot);
    slot_queue(slot);
    return done;
}

bool start_is_booting(Slot *slot)
{
    g_mutex_lock(&slot->host->lock);
    bool booting = slot->machine && slot->booted && !slot->agent_ready &&
                   clock_monotonic_ms() - slot->running_ms < usable_limit_ms;
    g_mutex_unlock(&slot->host->lock);
    return booting;
}

/* Whether its agent is ready, waiting at most a slice for it. */
static bool is_usable(Slot *slot)
{
    int64_t deadline = g_get_monotonic_time() + slice_ms * 1000;
    g_mutex_lock(&slot->host->lock);
    while (!slot->agent_ready && slot->machine &&
           g_cond_wait_until(&slot->host->changed, &slot->host->lock, deadline))
        ;
    bool ready = slot->agent_ready;
    g_mutex_unlock(&slot->host->lock);
    return ready;
}

static bool fail_ended(Slot *slot, GError **error)
{
    g_mutex_lock(&slot->host->lock);
    g_autofree char *ended = g_strdup(slot->application_ended);
    g_mutex_unlock(&slot->host->lock);
    return ended ? oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "desktop: its application does not stay: %s", ended)
                 : oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "desktop: its machine ended while it booted");
}

static bool wait_usable(Job *job, const Order *order, Slot *slot, GError **error)
{
    int first = order->kind == make_kind ? 51 : 10; /* a copy comes before */
    for (int64_t waited = 0; waited < usable_limit_ms && !is_usable(slot); waited += slice_ms) {
        if (job_is_cancelled(job, error))
            return false;
        Machine *machine = slot_machine(slot);
        if (!machine)
            return fail_ended(slot, error);
        slot_release_machine(slot->host, machine);
        slot_hold_session(slot);
        job_progress(job, first + (int)((90 - first) * waited / (waited + 60 * 1000)), "booting");
    }
    return true;
}

/* Whoever waited for the job looks at the row next, which a worker writes when there is one. STALE: it was refreshed meanwhile. */
static bool note_usable(const Order *order, Slot *slot, GError **error)
{
    g_autoptr(StoreDesktop) row = store_desktop_find(order->host->store, order->desktop_id, error);
    if (!row)
        return false;
    g_mutex_lock(&order->host->lock);
    bool ready = slot->agent_ready;
    g_mutex_unlock(&order->host->lock);
    g_autoptr(GError) problem = NULL;
    if (!ready || store_desktop_set_agent(order->host->store, row->id, row->generation, STORE_AGENT_READY, &problem) ||
        oriel_error_kind(problem) == ORIEL_ERROR_STALE)
        return true;
    g_propagate_error(error, g_steal_pointer(&problem));
    return false;
}

static bool run(Job *job, void *data, GError **error)
{
    const Order *order = data;
    g_autoptr(Slot) slot = slot_of(order->host, order->desktop_id);
    job_progress(job, 1, order->kind == restart_kind ? "shutting down" : "starting");
    return boot(job, order, slot, error) && wait_usable(job, order, slot, error) && note_usable(order, slot, error);
}

static char *begin(Host *host, const StoreDesktop *row, const char *kind, const StoreActor *actor, GError **error)
{
    Order *order = g_new0(Order, 1);
    order->host = host;
    order->desktop_id = g_strdup(row->id);
    order->kind = kind;
    JobStart start = {
        .kind = kind,
        .object_kind = "desktop",
        .object_id = row->id,
        .object_name = row->name,
        .function = run,
        .data = order,
        .data_free = order_free,
        .actor = actor,
    };
    return job_start(host->jobs, &start, error);
}

char *start_job_pending(Host *host, const char *desktop_id)
{
    char *running = job_find(host->jobs, restart_kind, desktop_id);
    return running ? running : job_find(host->jobs, make_kind, desktop_id);
}

char *start_job(Host *host, const StoreDesktop *row, const StoreActor *actor, GError **error)
{
    char *running = start_job_pending(host, row->id);
    if (!running)
        running = job_find(host->jobs, start_kind, row->id);
    return running ? running : begin(host, row, start_kind, actor, error);
}

bool make_is_under_way(Host *host, const char *desktop_id)
{
    g_autofree char *running = job_find(host->jobs, make_kind, desktop_id);
    return running != NULL;
}

char *make_job(Host *host, const StoreDesktop *row, const StoreActor *actor, GError **error)
{
    char *running = job_find(host->jobs, make_kind, row->id);
    return running ? running : begin(host, row, make_kind, actor, error);
}

char *host_desktop_restart(Host *host, const char *desktop_id, const StoreActor *actor, GError **error)
{
    g_autoptr(StoreDesktop) row = store_desktop_find(host->store, desktop_id, error);
    if (!row || !external_refuse(row, "restart", error) || !seat_forbid(row, "restart", error))
        return NULL;
    if (row->desired != STORE_DESIRED_RUNNING || row->observed_generation != row->generation) {
        oriel_fail(error, ORIEL_ERROR_CONFLICT, "desktop \"%s\": does not run; start it", row->name);
        return NULL;
    }
    char *running = job_find(host->jobs, restart_kind, row->id);
    if (running)
        return running;
    StoreEventNew event = {
        .action = "desktop.restart",
        .object_kind = "desktop",
        .object_id = row->id,
        .object_name = row->name,
    };
    if (!store_event_add(host->store, actor, &event, error) || !seats_leave(host, row, actor, "machine restarted", error))
        return NULL;
    return begin(host, row, restart_kind, actor, error);
}
