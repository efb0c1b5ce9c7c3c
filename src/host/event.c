/* What machines tell: noted on the machine thread, acted upon by who next visits the slot. However much a
 * guest tells, it is one flag of each kind. */
#include "host/private.h"
#include "host/viewers.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "store/event.h"

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

/* Counted; NULL: a seat that it has not got. */
static Slot *about(Slot *machine, unsigned seat)
{
    return seat ? seat_find(machine, seat) : slot_ref(machine);
}

static void on_session(Machine *machine, const MachineSession *session, void *data)
{
    g_autoptr(Slot) slot = about(data, session->seat);
    if (slot && session->logged_on)
        steps_logged_on(slot);
    else if (slot)
        tell(slot, SLOT_LOGGED_OFF);
}

/* A guest cannot be ahead of time, and what it says of the time before its session does not matter. */
static void on_activity(Machine *machine, const MachineActivity *activity, void *data)
{
    g_autoptr(Slot) slot = about(data, activity->seat);
    if (slot && activity->idle_ms >= 0)
        slot_tell_input(slot, clock_utc_ms() - activity->idle_ms);
    if (slot)
        slot_tell_locked(slot, activity->locked, activity->held);
}

static void on_application(Machine *machine, const char *ended, void *data)
{
    Slot *slot = data;
    g_mutex_lock(&slot->host->lock);
    store_set(&slot->application_ended, ended);
    g_mutex_unlock(&slot->host->lock);
    if (ended)
        tell(slot, SLOT_APPLICATION);
}

static void on_answer(Machine *machine, const MachineAnswer *answer, void *data)
{
    g_autoptr(Slot) slot = about(data, answer->seat);
    if (slot)
        slot_tell_answer(slot, answer->question, answer->allow);
}

static void on_floods(Machine *machine, void *data)
{
    tell(data, SLOT_FLOODED);
}

const MachineListener event_listener = {
    .ended = on_ended,
    .viewer_connected = on_viewers,
    .viewer_gone = on_viewers,
    .agent_hello = on_hello,
    .agent_ready = on_ready,
    .session = on_session,
    .activity = on_activity,
    .application = on_application,
    .answer = on_answer,
    .agent_floods = on_floods,
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
    if (viewers > 0 && !others_only)
        steps_seen(work->slot);
    guest_clipboard(work);
}

static void handle_activity(Work *work)
{
    Slot *slot = work->slot;
    g_mutex_lock(&work->host->lock);
    StoreSessionInput input = {work->row->id, slot->input_ms, slot->locked, slot->held};
    slot->input_told_ms = input.input_ms;
    slot->locked_told = input.locked;
    slot->held_told = input.held;
    bool known = slot->screen_known, open = false;
    g_mutex_unlock(&work->host->lock);
    g_autoptr(GError) error = NULL;
    if (!store_session_set_input(work->host->store, &input, SESSION_IDLE_MS, &open, &error))
        log_warning("desktop %s: somebody works there, but its session does not know: %s", work->row->name, error->message);
    else if (open && known)
        session_lock_again(work);
}

/* Once for each machine: whoever reads the trail learns of it, and it does not fill it. */
static void handle_flood(Work *work)
{
    StoreEventNew event = {.action = "desktop.agent-flood",
                           .object_kind = "desktop",
                           .object_id = work->row->id,
                           .object_name = work->row->name};
    g_autoptr(GError) error = NULL;
    log_warning("desktop %s: its agent says more than is read; it is read more slowly", work->row->name);
    if (!store_event_add(work->host->store, NULL, &event, &error))
        log_warning("desktop %s: that cannot be recorded: %s", work->row->name, error->message);
}

/* Before anybody could see it: this desktop will never show its program, so that its boot has failed. Later it is the end of
 * a session, which the agent tells as such. */
static void handle_application(Work *work)
{
    Slot *slot = work->slot;
    g_autoptr(GError) error = NULL;
    g_mutex_lock(&work->host->lock);
    bool failed = slot->machine && slot->booted && !slot->agent_ready && slot->application_ended;
    g_mutex_unlock(&work->host->lock);
    if (failed && !work->host->driver->kill(slot->machine, &error))
        log_warning("desktop %s: its application does not stay, but it cannot be ended: %s", work->row->name, error->message);
}

void event_handle(Work *work, unsigned events)
{
    g_autoptr(GError) error = NULL;
    if (events & SLOT_HELLO)
        handle_hello(work->slot);
    if (events & SLOT_VIEWERS)
        handle_viewers(work);
    if (events & SLOT_ACTIVITY)
        handle_activity(work);
    if (events & SLOT_STEPS)
        steps_write(work);
    if (events & SLOT_NOTICE)
        session_show_notice(work);
    if (events & SLOT_QUESTION)
        question_handle(work);
    if (events & SLOT_FLOODED)
        handle_flood(work);
    if (events & SLOT_APPLICATION)
        handle_application(work);
    bool ready = (events & SLOT_READY) && seats_check(work);
    if (ready &&
        !store_desktop_set_agent(work->host->store, work->row->id, work->row->generation, STORE_AGENT_READY,
                                 &error) &&
        oriel_error_kind(error) != ORIEL_ERROR_STALE)
        log_warning("desktop %s: its agent is ready, but its row does not know: %s", work->row->name,
                    error->message);
    if (ready) {
        log_on_wanted(work->slot);
        seats_log_on_wanted(work->slot);
    }
    if (events & SLOT_LOGGED_OFF)
        home_put_away(work, false); /* its guest has let go of it before it said so */
    g_clear_error(&error);
    if ((events & SLOT_LOGGED_OFF) && !session_tell(work, SESSION_LOGGED_OFF, &error))
        log_warning("desktop %s: its user logged off, but its session does not know: %s", work->row->name,
                    error->message);
    g_clear_error(&error);
    if ((events & SLOT_IDLE) && !plan_rest_idle(work, &error))
        log_warning("desktop %s: nobody works there, but its power plan cannot be followed: %s", work->row->name,
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

/* Why it is gone; caller frees. */
static char *reason_of(const Work *work, MachineEnd end)
{
    Slot *slot = work->slot;
    g_mutex_lock(&work->host->lock);
    const char *ended = slot->booted && !slot->agent_ready ? slot->application_ended : NULL;
    char *reason = ended ? g_strdup_printf("application \"%s\": does not stay: %s", work->pool->application, ended)
                         : g_strdup(sentence_of(end));
    g_mutex_unlock(&work->host->lock);
    return reason;
}

/* Without a session: what the broker says about its desktop is done to the row directly. */
static bool without_session(Work *work, const BrokerPool *pool, SessionEvent event, GError **error)
{
    StoreAfter after = values_after(session_desktop_fate(pool, event));
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

/* Before anything is done about a death: while its session or what holds for it cannot be read, all stays as it is and the death
 * is seen again. */
static bool read_first(Work *work, BrokerPool *ret_pool, StoreSession **ret_session, GError **error)
{
    g_autoptr(GError) problem = NULL;
    *ret_session = store_session_of_desktop(work->host->store, work->row->id, &problem);
    if (!*ret_session && oriel_error_kind(problem) == ORIEL_ERROR_NOT_FOUND)
        g_clear_error(&problem);
    if (!problem && plan_values(work->host, work->pool, work->row, ret_pool, &problem))
        return true;
    return oriel_fail(error, ORIEL_ERROR_TOO_MANY, "what holds for it cannot be read now: %s", problem->message);
}

bool event_died(Work *work, GError **error)
{
    Slot *slot = work->slot;
    Host *host = work->host;
    BrokerPool pool = {0};
    g_autoptr(StoreSession) session = NULL;
    if (!slot->machine)
        adopt_slot(slot, work->row); /* never believe in a death that nobody saw */
    if (slot->machine && host->driver->state(slot->machine) != MACHINE_STATE_ENDED)
        return true;
    bool people = false;
    if (!read_first(work, &pool, &session, error))
        return false;
    MachineEnd end = slot->machine ? host->driver->end(slot->machine) : MACHINE_END_UNKNOWN;
    SessionEvent event = end == MACHINE_END_SHUT_DOWN ? SESSION_GUEST_OFF : SESSION_MACHINE_DIED;
    bool orderly = end == MACHINE_END_SHUT_DOWN || end == MACHINE_END_RESET;
    if (!seats_end(work, event, &people, error)) /* before the row says that it does not run any more: else a crash here would leave them open */
        return false;
    if (!orderly)
        slot_failed(slot);
    g_autofree char *reason = reason_of(work, end);
    slot_set_machine(slot, NULL, GUEST_NOTHING);
    log_info("desktop %s: %s", work->row->name, reason);
    if (!work_observe(work, orderly ? STORE_OBSERVED_STOPPED : STORE_OBSERVED_FAILED, orderly ? NULL : reason, error))
        return false;
    if (end == MACHINE_END_RESET && work->row->user_id)
        return true; /* its disk boots again, and the session goes on */
    if (stays_down(work, event) &&
        !store_desktop_set_desired(host->store, NULL, work->row->id, STORE_DESIRED_STOPPED, error))
        return false;
    if (people)
        return true; /* the last who left it had it refreshed */
    return session ? session_tell(work, event, error) : without_session(work, &pool, event, error);
}
