/* What people ask of one desktop. Nearly all of it is a change of its row; the loop does the rest. */
#include "host/private.h"

#include "base/error.h"
#include "store/event.h"

static const int64_t busy_limit_ms = 90 * 1000;

/* A person asked: an old failure's back-off is over. */
static void wake_desktop(Host *host, const char *desktop_id)
{
    g_autoptr(Slot) slot = slot_of(host, desktop_id);
    g_mutex_lock(&host->lock);
    slot->retry_ms = 0;
    g_mutex_unlock(&host->lock);
    slot_queue(slot);
    host_wake(host);
}

static bool done(Host *host, const char *desktop_id, bool changed)
{
    if (changed)
        wake_desktop(host, desktop_id);
    return changed;
}

/* Only a machine of ours has a disk and a power button. */
static bool is_ours(Host *host, const char *desktop_id, const char *what, GError **error)
{
    g_autoptr(StoreDesktop) row = store_desktop_find(host->store, desktop_id, error);
    return row && external_refuse(row, what, error) && seat_forbid(row, what, error);
}

/* What stays as it is has its viewers put out. */
static bool left(Host *host, const char *desktop_id, bool changed, GError **error)
{
    return done(host, desktop_id, changed) && session_viewers_out(host, desktop_id, error);
}

bool host_desktop_start(Host *host, const char *desktop_id, const StoreActor *actor, GError **error)
{
    g_autoptr(StoreDesktop) row = store_desktop_find(host->store, desktop_id, error);
    if (row && !seat_forbid(row, "start", error))
        return false;
    if (row && row->protocol) {
        g_autofree char *job_id = external_wake(host, row, actor, error);
        return job_id != NULL;
    }
    if (!row)
        return false;
    return done(host, desktop_id,
                store_desktop_set_desired(host->store, actor, desktop_id, STORE_DESIRED_RUNNING, error));
}

/* *ret is NULL where there is none. */
static bool session_of(Host *host, const char *desktop_id, StoreSession **ret, GError **error)
{
    g_autoptr(GError) problem = NULL;
    *ret = store_session_of_desktop(host->store, desktop_id, &problem);
    if (*ret || oriel_error_kind(problem) == ORIEL_ERROR_NOT_FOUND)
        return true;
    g_propagate_error(error, g_steal_pointer(&problem));
    return false;
}

static bool empty_seats(Host *host, const char *desktop_id, bool force, const StoreActor *actor, GError **error)
{
    g_autoptr(StoreDesktop) row = store_desktop_find(host->store, desktop_id, error);
    if (!row)
        return false;
    if (row->seats && row->seats_taken > 0 && !force)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT,
                          "desktop \"%s\": %" G_GINT64_FORMAT " of its seats are in use; log those sessions off first, or force it",
                          row->name, row->seats_taken);
    return seats_leave(host, row, actor, "desktop stopped", error);
}

bool host_desktop_stop(Host *host, const char *desktop_id, bool force, const StoreActor *actor,
                       GError **error)
{
    g_autoptr(StoreSession) session = NULL;
    if (!is_ours(host, desktop_id, "switch off", error) || !session_of(host, desktop_id, &session, error))
        return false;
    if (session && !force)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT,
                          "desktop \"%s\": \"%s\" is in session; log that session off first, or force it",
                          session->desktop_name, session->user_name ? session->user_name : "somebody");
    if (session &&
        !store_session_end(host->store, actor, session->id, "desktop stopped", (StoreAfter){0}, error))
        return false;
    return empty_seats(host, desktop_id, force, actor, error) &&
           done(host, desktop_id,
                store_desktop_set_desired(host->store, actor, desktop_id, STORE_DESIRED_STOPPED, error));
}

static bool reset(Work *work, GError **error)
{
    Slot *slot = work->slot;
    Machine *machine = slot_machine(slot);
    if (!machine)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "desktop \"%s\": does not run; start it",
                          work->row->name);
    bool ended = work->host->driver->quit(machine, error);
    slot_release_machine(work->host, machine);
    if (!ended)
        return false;
    slot_set_machine(slot, NULL, GUEST_NOTHING);
    return work_observe(work, STORE_OBSERVED_STOPPED, NULL, error) && work_do(work, STEP_BOOT, error);
}

bool host_desktop_reset(Host *host, const char *desktop_id, const StoreActor *actor, GError **error)
{
    g_autoptr(Slot) slot = slot_of(host, desktop_id);
    g_auto(Work) work = {0};
    if (!is_ours(host, desktop_id, "reset", error) || !empty_seats(host, desktop_id, true, actor, error) || !slot_acquire(slot, busy_limit_ms, error))
        return false;
    bool reset_done = work_load(&work, host, slot, error) && reset(&work, error);
    slot_queue(slot);
    slot_release(slot);
    if (!reset_done)
        return false;
    StoreEventNew event = {
        .action = "desktop.reset",
        .object_kind = "desktop",
        .object_id = work.row->id,
        .object_name = work.row->name,
    };
    return store_event_add(host->store, actor, &event, error);
}

bool host_desktop_refresh(Host *host, const char *desktop_id, const StoreActor *actor, GError **error)
{
    g_autoptr(StoreDesktop) row = store_desktop_find(host->store, desktop_id, error);
    g_autoptr(StorePool) pool = row ? store_pool_get(host->store, row->pool_id, error) : NULL;
    if (!pool || !external_refuse(row, "throw away", error) || !seat_forbid(row, "refresh", error))
        return false;
    StoreAfter after = {.release = pool->type == STORE_POOL_FLOATING, .refresh = true};
    return done(host, desktop_id, store_desktop_release(host->store, actor, row->id, after, error));
}

/* Whoever sits there is logged off in the guest too: the machine runs on. */
static bool release_seat(Host *host, const StoreDesktop *row, const StoreActor *actor, GError **error)
{
    g_autoptr(StoreSession) session = NULL;
    return session_of(host, row->id, &session, error) && (!session || host_session_log_off(host, session->id, actor, error)) &&
           done(host, row->id, store_desktop_release(host->store, actor, row->id, (StoreAfter){.release = true}, error));
}

bool host_desktop_release(Host *host, const char *desktop_id, const StoreActor *actor, GError **error)
{
    g_autoptr(StoreDesktop) row = store_desktop_find(host->store, desktop_id, error);
    StoreAfter after = {.release = true, .refresh = row && !row->protocol};
    if (!row)
        return false;
    if (row->seat_of)
        return release_seat(host, row, actor, error);
    bool released = store_desktop_release(host->store, actor, desktop_id, after, error);
    return row->protocol ? left(host, desktop_id, released, error) : done(host, desktop_id, released);
}

bool host_desktop_assign(Host *host, const char *desktop_id, const char *user_id, const StoreActor *actor,
                         GError **error)
{
    return done(host, desktop_id, store_desktop_assign(host->store, actor, desktop_id, user_id, error));
}

bool host_desktop_unassign(Host *host, const char *desktop_id, const char *user_id, const StoreActor *actor,
                           GError **error)
{
    g_autoptr(StoreDesktop) row = store_desktop_find(host->store, desktop_id, error);
    g_autoptr(StorePool) pool = row ? store_pool_find(host->store, row->pool_id, error) : NULL;
    if (!pool)
        return false;
    if (pool->type == STORE_POOL_FLOATING)
        return oriel_fail(error, ORIEL_ERROR_UNSUPPORTED,
                          "desktop \"%s\": a floating desktop has one user at a time; release it instead", row->name);
    g_autoptr(StoreSession) session = NULL;
    if (!session_of(host, row->id, &session, error))
        return false;
    bool theirs = session && g_strcmp0(session->user_id, user_id) == 0;
    bool taken = store_desktop_unassign(host->store, actor, row->id, user_id, error);
    return theirs ? left(host, row->id, taken, error) : done(host, row->id, taken);
}

bool host_desktop_set_maintenance(Host *host, const char *desktop_id, bool maintenance, const StoreActor *actor,
                                  GError **error)
{
    return done(host, desktop_id, store_desktop_set_maintenance(host->store, actor, desktop_id, maintenance, error));
}

bool host_desktop_delete(Host *host, const char *desktop_id, const StoreActor *actor, GError **error)
{
    return done(host, desktop_id,
                store_desktop_set_desired(host->store, actor, desktop_id, STORE_DESIRED_DELETED, error));
}
