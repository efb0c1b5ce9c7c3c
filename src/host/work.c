/* The steps of one desktop: whoever is busy with its slot reads the row, asks broker/step.h what is next, and
 * does it. */
#include "host/private.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

/* More steps than this in a row means that two of them undo each other: a bug, which must not spin. */
static const unsigned most_steps = 16;
static const int64_t power_off_limit_ms = 60 * 1000;
/* Who cancelled a copy does not want to see the next one at once; a click makes it all the same. */
static const int64_t cancelled_pause_ms = 5 * 60 * 1000;

void work_clear(Work *work)
{
    g_clear_pointer(&work->row, store_desktop_free);
    g_clear_pointer(&work->pool, store_pool_free);
}

bool work_load(Work *work, Host *host, Slot *slot, GError **error)
{
    work_clear(work);
    work->host = host;
    work->slot = slot;
    work->row = store_desktop_find(host->store, slot->id, error);
    if (!work->row)
        return false;
    if (g_strcmp0(work->row->host_id, host->id) != 0)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "desktop \"%s\": is on another host", work->row->name);
    work->pool = store_pool_get(host->store, work->row->pool_id, error);
    return work->pool != NULL;
}

static bool is_alive(const Work *work)
{
    const Slot *slot = work->slot;
    return slot->machine && work->host->driver->state(slot->machine) != MACHINE_STATE_ENDED;
}

DesktopStep work_next(const Work *work)
{
    BrokerDesktop desktop = values_desktop(work->row);
    g_autofree char *folder = slot_folder(work->slot);
    StepQuestion question = {
        .desired = desktop.desired,
        .observed = desktop.observed,
        .current = desktop.current,
        .seat = work->row->seat_of != NULL,
        .assigned = desktop.user_id != NULL || (desktop.seats && desktop.taken),
        .floating = work->pool->type == STORE_POOL_FLOATING,
        .alive = is_alive(work),
        .has_disk = g_file_test(folder, G_FILE_TEST_EXISTS),
        .external = work->row->protocol != NULL,
        .suspended = thaw_is_suspended(work->slot),
        .template_ready = pool_template_is_ready(work->host, work->pool->id),
        .boots = work->pool->provisioning != STORE_PROVISION_INSTANT,
        .making = work->pool->provisioning == STORE_PROVISION_FULL && !work->job &&
                  make_is_under_way(work->host, work->row->id),
    };
    return step_next(&question);
}

bool work_observe(const Work *work, StoreObserved observed, const char *sentence, GError **error)
{
    StoreObservation observation = {
        .id = work->row->id,
        .generation = work->row->generation,
        .observed = observed,
        .error = sentence,
    };
    return store_desktop_observe(work->host->store, &observation, error);
}

bool work_end(Work *work, GError **error)
{
    Slot *slot = work->slot;
    slot_tell_up(slot, 0);
    if (slot->machine && !work->host->driver->kill(slot->machine, error))
        return false;
    slot_set_machine(slot, NULL, GUEST_NOTHING);
    g_autofree char *folder = slot_folder(slot);
    return work->host->driver->kill_in(folder, error);
}

/* The power button, by the agent where there is one; after a minute the power is cut (disks are flushed). */
bool work_shut_down(Work *work, GError **error)
{
    const HostDriver *driver = work->host->driver;
    Slot *slot = work->slot;
    slot_tell_up(slot, 0);
    if (!work_observe(work, STORE_OBSERVED_STOPPING, NULL, error))
        return false;
    g_autoptr(GError) asked = NULL;
    bool sent = slot->agent_ready ? driver->shut_down(slot->machine, &asked)
                                  : driver->press_power(slot->machine, &asked);
    bool ended = sent && driver->wait_end(slot->machine, power_off_limit_ms, NULL);
    if (!ended) {
        log_warning("desktop %s: did not shut down by itself%s%s; its power is cut", work->row->name,
                    asked ? ": " : "", asked ? asked->message : "");
        if (!driver->quit(slot->machine, error))
            return false;
    }
    slot_set_machine(slot, NULL, GUEST_NOTHING);
    return work_observe(work, STORE_OBSERVED_STOPPED, NULL, error);
}

/* A machine that cannot be saved is shut down: nobody's work is lost, and its memory is free all the same. */
static bool put_to_sleep(Work *work, GError **error)
{
    g_autoptr(GError) problem = NULL;
    if (log_on_is_running(work->slot)) /* its disk may be half plugged */
        return oriel_fail(error, ORIEL_ERROR_TOO_MANY, "its person is just being logged on");
    slot_tell_up(work->slot, 0);
    if (!work_observe(work, STORE_OBSERVED_STOPPING, NULL, error))
        return false;
    if (thaw_suspend(work, &problem))
        return true;
    log_warning("desktop %s: cannot be suspended (%s); it is shut down", work->row->name, problem->message);
    return work_shut_down(work, error);
}

/* The disk is kept as after a power cut. */
static bool power_off(Work *work, GError **error)
{
    slot_tell_up(work->slot, 0);
    if (!work_observe(work, STORE_OBSERVED_STOPPING, NULL, error) ||
        !work->host->driver->quit(work->slot->machine, error))
        return false;
    slot_set_machine(work->slot, NULL, GUEST_NOTHING);
    return work_observe(work, STORE_OBSERVED_STOPPED, NULL, error);
}

/* What is being stopped may be wanted again at any moment: the row says first that this end is ours, or it would pass for a
 * death. */
static bool end_at_once(Work *work, GError **error)
{
    bool stops = work->row->desired != STORE_DESIRED_RUNNING && work->row->desired != STORE_DESIRED_DELETED;
    if (work->slot->agent_ready)
        home_put_away(work, true); /* what is still in the guest's memory belongs on it */
    return (!stops || work_observe(work, STORE_OBSERVED_STOPPING, NULL, error)) && work_end(work, error);
}

static bool discard(Work *work, GError **error)
{
    g_autofree char *folder = slot_folder(work->slot);
    return folder_remove(folder, error);
}

static bool mark_absent(Work *work, GError **error)
{
    StoreObservation observation = {
        .id = work->row->id,
        .generation = work->row->generation,
        .observed = STORE_OBSERVED_ABSENT,
        .forked = true, /* there is nothing of an older generation any more */
    };
    return store_desktop_observe(work->host->store, &observation, error);
}

static bool forget(Work *work, GError **error)
{
    relay_end(work->host, work->slot);
    if (!store_desktop_remove(work->host->store, work->slot->id, error))
        return false;
    slot_forget(work->slot);
    return true;
}

static bool do_it(Work *work, DesktopStep step, GError **error)
{
    switch (step) {
    case STEP_FORK:
        return thaw_fork(work, error);
    case STEP_MAKE:
        return make_step(work, error);
    case STEP_RESUME:
        return thaw_resume(work, error);
    case STEP_BOOT:
        return thaw_boot(work, error);
    case STEP_SHUT_DOWN:
        return work_shut_down(work, error);
    case STEP_SUSPEND:
        return put_to_sleep(work, error);
    case STEP_POWER_OFF:
        return power_off(work, error);
    case STEP_END:
        return end_at_once(work, error);
    case STEP_DISCARD:
        return discard(work, error);
    case STEP_FORGET:
        return forget(work, error);
    case STEP_MARK_RUNNING:
        return work_observe(work, STORE_OBSERVED_RUNNING, NULL, error);
    case STEP_MARK_STOPPED:
        return work_observe(work, STORE_OBSERVED_STOPPED, NULL, error);
    case STEP_MARK_ABSENT:
        return mark_absent(work, error);
    case STEP_DIED:
        return event_died(work, error);
    case STEP_NONE:
    case STEP_WAIT:
    default:
        return true;
    }
}

/* Failures that say nothing about the desktop: it is tried again, and its row stays as it is. */
static bool will_pass(const GError *error)
{
    OrielErrorKind kind = oriel_error_kind(error);
    return kind == ORIEL_ERROR_FULL || kind == ORIEL_ERROR_TOO_MANY || kind == ORIEL_ERROR_STALE;
}

bool work_do(Work *work, DesktopStep step, GError **error)
{
    GError *problem = NULL;
    log_debug("desktop %s: %s", work->row->name, step_name(step));
    if (do_it(work, step, &problem)) {
        slot_succeeded(work->slot);
        return true;
    }
    slot_failed(work->slot);
    if (oriel_error_kind(problem) == ORIEL_ERROR_CANCELLED)
        slot_put_off(work->slot, cancelled_pause_ms);
    if (!will_pass(problem)) /* again where it is failed already: the newest reason counts */
        work_observe(work, STORE_OBSERVED_FAILED, problem->message, NULL);
    log_warning("desktop %s: %s: %s", work->row->name, step_name(step), problem->message);
    g_propagate_error(error, problem);
    return false;
}

/* A machine or folder whose row is gone. */
static void orphan(Work *work)
{
    g_autoptr(GError) error = NULL;
    if (!work_end(work, &error) || !discard(work, &error)) {
        slot_failed(work->slot);
        log_warning("desktop %s: its row is gone, but it cannot be removed: %s", work->slot->id,
                    error->message);
        return;
    }
    slot_forget(work->slot);
}

static unsigned take_events(Slot *slot)
{
    g_mutex_lock(&slot->host->lock);
    unsigned events = slot->events;
    slot->events = 0;
    g_mutex_unlock(&slot->host->lock);
    return events;
}

static bool is_due(Slot *slot)
{
    g_mutex_lock(&slot->host->lock);
    bool due = slot->retry_ms <= clock_monotonic_ms() && !slot->host->paused;
    g_mutex_unlock(&slot->host->lock);
    return due;
}

/* One turn of a visit. false: nothing is left to do, or nothing can be done now. */
static bool turn(Work *work, Host *host, Slot *slot)
{
    g_autoptr(GError) error = NULL;
    if (!work_load(work, host, slot, &error)) {
        if (!work->row && oriel_error_kind(error) == ORIEL_ERROR_NOT_FOUND)
            orphan(work);
        return false;
    }
    unsigned events = take_events(slot);
    if (events) {
        event_handle(work, events);
        return true;
    }
    DesktopStep step = work_next(work);
    if (step == STEP_NONE || step == STEP_WAIT || !is_due(slot) || work_is_held(host, step))
        return false;
    return work_do(work, step, NULL) && step != STEP_FORGET;
}

bool work_is_held(Host *host, DesktopStep step)
{
    bool starts = step == STEP_FORK || step == STEP_MAKE || step == STEP_BOOT || step == STEP_RESUME;
    return starts && host_service(host) != STORE_HOST_OPEN;
}

void work_run(Slot *slot)
{
    if (!slot_try(slot))
        return; /* who has it now will call again */
    g_auto(Work) work = {0};
    unsigned turns = 0;
    while (turn(&work, slot->host, slot) && ++turns < most_steps)
        ;
    if (turns == most_steps) {
        slot_failed(slot);
        log_warning("desktop %s: goes in circles; waiting before the next try", slot->id);
    }
    if (work.row && work.pool) {
        guest_prepare(&work);
        log_on_start(&work);
        home_settle(&work);
    }
    slot_release(slot);
}
