/* The orderly end of this host's service: every machine ends, nothing is lost. */
#include "host/private.h"

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

static const int64_t busy_limit_ms = 120 * 1000;
static const unsigned at_once = 4;

/* Nobody's desktop: a new one costs nothing. */
static bool throw_away(Work *work, GError **error)
{
    g_autofree char *folder = slot_folder(work->slot);
    return work_end(work, error) && folder_remove(folder, error) &&
           work_observe(work, STORE_OBSERVED_ABSENT, NULL, error);
}

static bool put_to_sleep(Work *work, GError **error)
{
    g_autoptr(GError) problem = NULL;
    if (!session_tell(work, SESSION_VIEWERS_GONE, &problem))
        log_warning("desktop %s: its session does not know that it ends: %s", work->row->name,
                    problem->message);
    g_clear_error(&problem);
    if (thaw_suspend(work, &problem))
        return true;
    log_warning("desktop %s: cannot be suspended (%s); it is shut down", work->row->name, problem->message);
    return work_do(work, STEP_SHUT_DOWN, error);
}

static bool end_desktop(Work *work, GError **error)
{
    Machine *machine = slot_machine(work->slot);
    if (!machine)
        return true;
    slot_release_machine(work->host, machine);
    bool current = work->row->generation == work->row->observed_generation;
    bool wanted = work->row->user_id && current && work->row->desired != STORE_DESIRED_DELETED;
    return wanted ? put_to_sleep(work, error) : throw_away(work, error);
}

static void end_slot(gpointer item, gpointer data)
{
    g_autoptr(Slot) slot = item;
    Host *host = slot->host;
    gint *failures = data;
    g_auto(Work) work = {0};
    g_autoptr(GError) error = NULL;
    if (!slot_acquire(slot, busy_limit_ms, &error)) {
        log_warning("desktop %s: does not end: %s", slot->id, error->message);
        g_atomic_int_inc(failures);
        return;
    }
    if (!work_load(&work, host, slot, &error) || !end_desktop(&work, &error)) {
        log_warning("desktop %s: does not end in order: %s", slot->id, error->message);
        g_atomic_int_inc(failures);
    }
    slot_release(slot);
}

bool host_stop_machines(Host *host, GError **error)
{
    g_mutex_lock(&host->lock);
    host->paused = true;
    g_cond_broadcast(&host->changed);
    g_mutex_unlock(&host->lock);
    g_clear_pointer(&host->loop, g_thread_join);
    pool_template_sweep(host, NULL); /* with them go the waiting processes */
    gint failures = 0;
    g_autoptr(GPtrArray) slots = slot_list(host);
    GThreadPool *pool = g_thread_pool_new(end_slot, &failures, (gint)at_once, FALSE, NULL);
    for (size_t i = 0; i < slots->len; i++)
        g_thread_pool_push(pool, slot_ref(slots->pdata[i]), NULL);
    g_thread_pool_free(pool, FALSE, TRUE);
    if (failures)
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE,
                          "host \"%s\": %d desktops did not end; the log says why", host->name, failures);
    return true;
}
