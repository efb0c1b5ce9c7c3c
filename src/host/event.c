/* What machines tell: noted on the machine thread, acted upon by who next visits the slot. However much a
 * guest tells, it is one flag of each kind. */
#include "host/private.h"
#include "host/viewers.h"

#include "base/error.h"
#include "base/log.h"

static void tell(Slot *slot, unsigned event)
{
    g_mutex_lock(&slot->host->lock);
    slot->events |= event;
    if (event == SLOT_READY)
        slot->agent_ready = true;
    g_cond_broadcast(&slot->host->changed);
    g_mutex_unlock(&slot->host->lock);
    slot_queue(slot);
}

static void on_ended(Machine *machine, MachineEnd end, void *data)
{
    tell(data, SLOT_ENDED);
}

static void on_viewers(Machine *machine, unsigned viewers, void *data)
{
    slot_tell_viewers(data, viewers);
}

static void on_hello(Machine *machine, const char *version, const char *boot_id, void *data)
{
    tell(data, SLOT_HELLO);
}

static void on_ready(Machine *machine, bool settled, void *data)
{
    tell(data, SLOT_READY);
}

static void on_session(Machine *machine, bool logged_on, const char *user, void *data)
{
    if (!logged_on)
        tell(data, SLOT_LOGGED_OFF);
}

const MachineListener event_listener = {
    .ended = on_ended,
    .viewer_connected = on_viewers,
    .viewer_gone = on_viewers,
    .agent_hello = on_hello,
    .agent_ready = on_ready,
    .session = on_session,
};

/* An agent that says hello without having been ready has not got its identity: it was not there when it was
 * sent. */
static void handle_hello(Slot *slot)
{
    g_mutex_lock(&slot->host->lock);
    if (slot->machine && !slot->agent_ready && slot->guest == GUEST_NOTHING && slot->guest_tries > 0)
        slot->guest = GUEST_RESUMED;
    g_mutex_unlock(&slot->host->lock);
}

static void handle_viewers(Work *work)
{
    g_mutex_lock(&work->host->lock);
    unsigned viewers = work->slot->viewers;
    g_mutex_unlock(&work->host->lock);
    const unsigned own = VIEWERS(VIEWER_OWN);
    bool others_only = viewers_count(work->host->viewers, work->row->id, ~own) > 0 &&
                       viewers_count(work->host->viewers, work->row->id, own) == 0;
    g_autoptr(GError) error = NULL;
    if (!session_tell(work, viewers > 0 && !others_only ? SESSION_VIEWER_CAME : SESSION_VIEWERS_GONE, &error) &&
        oriel_error_kind(error) != ORIEL_ERROR_CONFLICT) /* it has just ended */
        log_warning("desktop %s: viewers came or went, but its session does not know: %s", work->row->name,
                    error->message);
    guest_clipboard(work);
}

void event_handle(Work *work, unsigned events)
{
    g_autoptr(GError) error = NULL;
    if (events & SLOT_HELLO)
        handle_hello(work->slot);
    if (events & SLOT_VIEWERS)
        handle_viewers(work);
    if ((events & SLOT_READY) &&
        !store_desktop_set_agent(work->host->store, work->row->id, work->row->generation, STORE_AGENT_READY,
                                 &error) &&
        oriel_error_kind(error) != ORIEL_ERROR_STALE)
        log_warning("desktop %s: its agent is ready, but its row does not know: %s", work->row->name,
                    error->message);
    g_clear_error(&error);
    if ((events & SLOT_LOGGED_OFF) && !session_tell(work, SESSION_LOGGED_OFF, &error))
        log_warning("desktop %s: its user logged off, but its session does not know: %s", work->row->name,
                    error->message);
    g_clear_error(&error);
    if ((events & SLOT_TIME_UP) && !session_time_up(work, &error))
        log_warning("desktop %s: its session's time is over, but it cannot be ended: %s", work->row->name,
                    error->message);
}

static const char *sentence_of(MachineEnd end)
{
    switch (end) {
    case MACHINE_END_SHUT_DOWN:
        return "the guest shut itself down";
    case MACHINE_END_RESET:
        return "the guest restarted";
    case MACHINE_END_CRASHED:
        return "its QEMU crashed";
    case MACHINE_END_QUIT:
        return "its QEMU was ended";
    case MACHINE_END_UNKNOWN:
    default:
        return "its QEMU is gone (killed, or the host was restarted)";
    }
}

/* Without a session: what the broker says about its desktop is done to the row directly. */
static bool without_session(Work *work, SessionEvent event, GError **error)
{
    BrokerPool pool = plan_values(work->host, work->pool);
    StoreAfter after = values_after(session_desktop_fate(&pool, event));
    if (!after.release && !after.refresh)
        return true;
    after.release = work->row->user_id != NULL;
    if (!after.release)
        return store_desktop_refresh(work->host->store, NULL, work->row->id, error);
    return store_desktop_release(work->host->store, NULL, work->row->id, after, error);
}

/* A user's own desktop that its user shut down stays down until somebody starts it. */
static bool stays_down(Work *work, SessionEvent event)
{
    return event == SESSION_GUEST_OFF && work->pool->type == STORE_POOL_DEDICATED && work->row->user_id;
}

bool event_died(Work *work, GError **error)
{
    Slot *slot = work->slot;
    Host *host = work->host;
    if (!slot->machine)
        adopt_slot(slot, work->row); /* never believe in a death that nobody saw */
    if (slot->machine && host->driver->state(slot->machine) != MACHINE_STATE_ENDED)
        return true;
    MachineEnd end = slot->machine ? host->driver->end(slot->machine) : MACHINE_END_UNKNOWN;
    SessionEvent event = end == MACHINE_END_SHUT_DOWN ? SESSION_GUEST_OFF : SESSION_MACHINE_DIED;
    bool orderly = end == MACHINE_END_SHUT_DOWN || end == MACHINE_END_RESET;
    if (!orderly)
        slot_failed(slot);
    slot_set_machine(slot, NULL, GUEST_NOTHING);
    log_info("desktop %s: %s", work->row->name, sentence_of(end));
    if (!work_observe(work, orderly ? STORE_OBSERVED_STOPPED : STORE_OBSERVED_FAILED,
                      orderly ? NULL : sentence_of(end), error))
        return false;
    if (end == MACHINE_END_RESET && work->row->user_id)
        return true; /* its disk boots again, and the session goes on */
    if (stays_down(work, event) &&
        !store_desktop_set_desired(host->store, NULL, work->row->id, STORE_DESIRED_STOPPED, error))
        return false;
    g_autoptr(StoreSession) session = store_session_of_desktop(host->store, work->row->id, NULL);
    return session ? session_tell(work, event, error) : without_session(work, event, error);
}
