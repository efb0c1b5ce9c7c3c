/* Sessions: what the broker says about them, done; and what people ask of them. */
#include "host/private.h"
#include "host/viewers.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"

static const int64_t log_off_limit_ms = 60 * 1000; /* programs that save, the disk that is unmounted, the next session on the screen */
static const int64_t show_limit_ms = 15 * 1000;
static const int64_t lock_limit_ms = 25 * 1000; /* the guest gives up after 20 s */
static const int64_t ending_limit_ms = 500; /* a machine that closed its display because it ends */
static const int64_t again_ms = 1000;
static const int64_t busy_limit_ms = 90 * 1000; /* a shut-down that is under way takes up to a minute */

static StoreSessionState state_of(SessionPhase phase)
{
    switch (phase) {
    case PHASE_CONNECTED:
        return STORE_SESSION_CONNECTED;
    case PHASE_DISCONNECTED:
        return STORE_SESSION_DISCONNECTED;
    case PHASE_ENDED:
        return STORE_SESSION_ENDED;
    case PHASE_CONNECTING:
    default:
        return STORE_SESSION_CONNECTING;
    }
}

typedef struct {
    Host *host;
    const StoreActor *actor;
} Asker;

static bool apply(const Asker *asker, const StoreSession *session, const SessionVerdict *verdict,
                  GError **error)
{
    StoreSessionState state = state_of(verdict->phase);
    if (state == session->state)
        return true;
    if (state != STORE_SESSION_ENDED)
        return store_session_set_state(asker->host->store, asker->actor, session->id, state, NULL, error);
    return store_session_end(asker->host->store, asker->actor, session->id, verdict->reason,
                             values_after(verdict->fate), error);
}

bool session_apply(Host *host, const StoreSession *session, const SessionVerdict *verdict, GError **error)
{
    return apply(&(Asker){host, NULL}, session, verdict, error);
}

/* Puts out whoever looks on. A machine that has ended meanwhile has nobody. */
static bool take_picture_away(Work *work, GError **error)
{
    const HostDriver *driver = work->host->driver;
    Machine *machine = slot_machine(work->slot);
    relay_end(work->host, work->slot);
    g_autoptr(GError) problem = NULL;
    bool done = !machine || driver->disconnect_all(machine, &problem) ||
                driver->wait_end(machine, ending_limit_ms, NULL);
    slot_release_machine(work->host, machine);
    if (!done)
        g_propagate_prefixed_error(error, g_steal_pointer(&problem),
                                   "desktop \"%s\": its last user may still see it: ", work->row->name);
    return done;
}

/* The machine runs on for the next user, who must be alone there: if its viewers cannot be ended, or it holds on to the last
 * one's disk, it is. */
static void empty(Work *work)
{
    g_autoptr(GError) error = NULL;
    if (take_picture_away(work, &error) && home_put_away(work, true))
        return;
    log_warning("%s; the machine is ended", error ? error->message : "its last user's disk is still there");
    g_clear_error(&error);
    Machine *machine = slot_machine(work->slot);
    if (machine && !work->host->driver->kill(machine, &error))
        log_warning("desktop %s: %s", work->row->name, error->message);
    slot_release_machine(work->host, machine);
}

static void ask_guest(Work *work);

static bool tell_as(Work *work, const StoreActor *actor, SessionEvent event, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreSession) session = store_session_of_desktop(work->host->store, work->row->id, &problem);
    if (!session && oriel_error_kind(problem) == ORIEL_ERROR_NOT_FOUND)
        return true;
    if (!session) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
    }
    BrokerPool pool = {0};
    if (!plan_values(work->host, work->pool, work->row, &pool, error))
        return false;
    SessionFacts facts = values_session(session, work->slot);
    SessionVerdict verdict = session_after(&pool, &facts, event, clock_utc_ms());
    bool passes_on = verdict.phase == PHASE_ENDED && (verdict.fate == FATE_RELEASE || work->row->seat_of);
    slot_tell_emptying(work->slot, passes_on); /* before the store says that it is free */
    bool applied = apply(&(Asker){work->host, actor}, session, &verdict, error);
    if (applied && passes_on)
        empty(work);
    if (applied && verdict.phase == PHASE_ENDED)
        seat_tell_seated(work->slot, NULL);
    slot_tell_emptying(work->slot, false);
    return applied;
}

bool session_tell(Work *work, SessionEvent event, GError **error)
{
    return tell_as(work, NULL, event, error);
}

static void say_idle(Work *work)
{
    ViewerChoice all = {.desktop_id = work->row->id, .modes = ~0u};
    viewers_end(work->host->viewers, &all, DISPLAY_CLOSED_IDLE, "");
    viewers_await_end(work->host->viewers, &all);
}

bool session_disconnect_idle(Work *work, GError **error)
{
    say_idle(work);
    return take_picture_away(work, error) && session_tell(work, SESSION_VIEWERS_GONE, error);
}

static void lock_idle(Work *work)
{
    unsigned seat = 0;
    Machine *machine = seat_guest(work->slot, &seat);
    g_autoptr(GError) error = NULL;
    g_mutex_lock(&work->host->lock);
    work->slot->locking_ms = clock_utc_ms();
    g_mutex_unlock(&work->host->lock);
    if (!machine)
        log_warning("desktop %s: cannot be locked: it has no agent", work->row->name);
    else if (!work->host->driver->lock(machine, seat, lock_limit_ms, &error))
        log_warning("desktop %s: cannot be locked: %s", work->row->name, error->message);
    slot_release_machine(work->host, machine);
}

void session_lock_again(Work *work)
{
    unsigned seat = 0;
    Machine *machine = seat_guest(work->slot, &seat);
    g_autoptr(GError) error = NULL;
    bool locked = machine && work->host->driver->lock(machine, seat, lock_limit_ms, &error);
    slot_release_machine(work->host, machine);
    if (locked)
        return;
    log_warning("desktop %s: its session is locked, but its guest is not: %s; whoever looks at it is put out", work->row->name,
                error ? error->message : "its agent is silent");
    g_clear_error(&error);
    if (!take_picture_away(work, &error) || !session_tell(work, SESSION_VIEWERS_GONE, &error))
        log_warning("desktop %s: %s", work->row->name, error->message);
}

/* Whoever worked there is logged off as by the log-off button, if the desktop keeps what they left open. */
static void leave(Work *work, const SessionFacts *facts, const SessionVerdict *verdict)
{
    if (facts->phase == PHASE_CONNECTED)
        say_idle(work);
    if (verdict->fate == FATE_KEEP || verdict->fate == FATE_RELEASE || work->row->seat_of)
        ask_guest(work);
}

bool session_time_up(Work *work, GError **error)
{
    g_autoptr(StoreSession) session = store_session_of_desktop(work->host->store, work->row->id, NULL);
    if (!session)
        return true;
    BrokerPool pool = {0};
    if (!plan_values(work->host, work->pool, work->row, &pool, error))
        return false;
    SessionFacts facts = values_session(session, work->slot);
    SessionVerdict verdict = session_after(&pool, &facts, SESSION_TIME_PASSED, clock_utc_ms());
    if (verdict.lock)
        lock_idle(work);
    if (facts.phase == PHASE_CONNECTED && verdict.phase == PHASE_DISCONNECTED)
        return session_disconnect_idle(work, error);
    if (verdict.phase == PHASE_ENDED)
        leave(work, &facts, &verdict);
    return session_tell(work, SESSION_TIME_PASSED, error) &&
           (verdict.phase != PHASE_ENDED || facts.phase != PHASE_CONNECTED || take_picture_away(work, error));
}

/* ---- time limits ---- */

static int64_t look_at(Host *host, const StoreSession *session, GHashTable *rows)
{
    StoreDesktop *row = session->desktop_id ? g_hash_table_lookup(rows, session->desktop_id) : NULL;
    if (!row)
        return 0; /* another host's */
    g_autoptr(StorePool) pool_row = store_pool_get(host->store, row->pool_id, NULL);
    if (!pool_row)
        return 0;
    g_autoptr(Slot) slot = slot_of(host, row->id);
    g_autoptr(GError) error = NULL;
    BrokerPool pool = {0};
    if (!plan_values(host, pool_row, row, &pool, &error)) {
        log_warning("session %s: what holds for it cannot be read now: %s", session->id, error->message);
        return clock_utc_ms() + again_ms;
    }
    SessionFacts facts = values_session(session, slot);
    SessionVerdict verdict = session_after(&pool, &facts, SESSION_TIME_PASSED, clock_utc_ms());
    bool leaves = verdict.phase == PHASE_ENDED && facts.phase == PHASE_DISCONNECTED;
    if (leaves || verdict.lock || (facts.phase == PHASE_CONNECTED && verdict.phase != PHASE_CONNECTED)) {
        slot_tell_time_up(slot); /* its guest is asked, or its viewers are told: that takes a worker who is busy with it */
        return clock_utc_ms() + again_ms;
    }
    if (!session_apply(host, session, &verdict, &error))
        log_warning("session %s: its time is over, but it cannot be ended: %s", session->id, error->message);
    return verdict.look_again_ms;
}

void session_pass(Host *host, GHashTable *rows)
{
    g_autoptr(GPtrArray) sessions = store_session_list(host->store, NULL, NULL, NULL, NULL);
    int64_t due = 0;
    for (size_t i = 0; sessions && i < sessions->len; i++) {
        int64_t again = look_at(host, sessions->pdata[i], rows);
        if (again && (!due || again < due))
            due = again;
    }
    host->sessions_due_ms = due;
}

/* ---- what people ask ---- */

/* The session's desktop, busy with it. Without one (it has been deleted) work->slot is NULL. */
static StoreSession *take(Host *host, const char *session_id, Work *work, GError **error)
{
    g_autoptr(StoreSession) session = store_session_get(host->store, session_id, error);
    if (!session || session->state == STORE_SESSION_ENDED || !session->desktop_id)
        return g_steal_pointer(&session);
    g_autoptr(Slot) slot = slot_of(host, session->desktop_id);
    if (!slot_acquire(slot, busy_limit_ms, error))
        return NULL;
    if (!work_load(work, host, slot, error)) {
        slot_release(slot);
        return NULL;
    }
    slot_ref(slot); /* given back by put */
    return g_steal_pointer(&session);
}

static void put(Work *work)
{
    if (!work->slot)
        return;
    slot_queue(work->slot);
    slot_release(work->slot);
    slot_unref(work->slot);
    work->slot = NULL;
}

/* Whoever looks on is told who ended it, where a gateway can say so; then the machine itself puts them out. */
static void say_farewell(Work *work, const StoreActor *actor)
{
    ViewerChoice all = {.desktop_id = work->row->id, .modes = ~0u};
    viewers_end(work->host->viewers, &all, DISPLAY_CLOSED_BY, actor && actor->name ? actor->name : "");
    viewers_await_end(work->host->viewers, &all);
}

bool host_session_disconnect(Host *host, const char *session_id, const StoreActor *actor, GError **error)
{
    g_auto(Work) work = {0};
    g_autoptr(StoreSession) session = take(host, session_id, &work, error);
    if (!session)
        return false;
    if (!work.slot)
        return true;
    say_farewell(&work, actor);
    bool done = take_picture_away(&work, error) && tell_as(&work, actor, SESSION_VIEWERS_GONE, error);
    put(&work);
    return done;
}

bool session_viewers_out(Host *host, const char *desktop_id, GError **error)
{
    g_autoptr(Slot) slot = slot_of(host, desktop_id);
    g_auto(Work) work = {0};
    if (!slot_acquire(slot, busy_limit_ms, error))
        return false;
    bool done = work_load(&work, host, slot, error) && take_picture_away(&work, error);
    slot_queue(slot);
    slot_release(slot);
    return done;
}

static void ask_guest(Work *work)
{
    unsigned seat = 0;
    Machine *machine = seat_guest(work->slot, &seat);
    g_autoptr(GError) error = NULL;
    if (machine && !work->host->driver->log_off(machine, seat, log_off_limit_ms, &error))
        log_warning("desktop %s: its guest did not log its user off: %s", work->row->name, error->message);
    else if (machine)
        home_put_away(work, false);
    slot_release_machine(work->host, machine);
}

bool host_session_log_off(Host *host, const char *session_id, const StoreActor *actor, GError **error)
{
    g_auto(Work) work = {0};
    g_autoptr(StoreSession) session = take(host, session_id, &work, error);
    if (!session)
        return false;
    if (!work.slot)
        return true;
    ask_guest(&work);
    bool done = tell_as(&work, actor, SESSION_LOGGED_OFF, error) && take_picture_away(&work, error);
    put(&work);
    return done;
}

/* The machine of a session whose agent can be asked; NULL with an error. */
static Machine *asked_guest(Work *work, const StoreSession *session, unsigned *ret_seat, GError **error)
{
    Machine *machine = work->slot ? seat_guest(work->slot, ret_seat) : NULL;
    if (!work->slot)
        oriel_fail(error, ORIEL_ERROR_CONFLICT, "session \"%s\": has ended", session->id);
    else if (!machine)
        oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "desktop \"%s\": has no agent that could do that; is it running?", session->desktop_name);
    return machine;
}

static bool is_held(const Work *work)
{
    g_mutex_lock(&work->host->lock);
    bool held = work->slot->held;
    g_mutex_unlock(&work->host->lock);
    return held;
}

bool host_session_lock(Host *host, const char *session_id, const StoreActor *actor, GError **error)
{
    unsigned seat = 0;
    g_auto(Work) work = {0};
    g_autoptr(StoreSession) session = take(host, session_id, &work, error);
    if (!session)
        return false;
    Machine *machine = asked_guest(&work, session, &seat, error);
    bool done = machine && host->driver->lock(machine, seat, lock_limit_ms, error) &&
                store_session_lock(host->store, actor, session_id, is_held(&work), error);
    slot_release_machine(host, machine);
    put(&work);
    return done;
}

/* The guest first: who is killed in between leaves a session that counts as locked, and is locked again. */
bool host_session_unlock(Host *host, const char *session_id, int64_t proved_ms, const StoreActor *actor, GError **error)
{
    unsigned seat = 0;
    g_auto(Work) work = {0};
    g_autoptr(StoreSession) session = take(host, session_id, &work, error);
    if (!session)
        return false;
    bool due = session->locked_ms && session->state != STORE_SESSION_ENDED;
    bool done = !due || store_session_may_unlock(session, proved_ms, error);
    Machine *machine = due && done ? asked_guest(&work, session, &seat, error) : NULL;
    if (due && done)
        done = machine && host->driver->unlock(machine, seat, lock_limit_ms, error) &&
               store_session_unlock(host->store, actor, &(StoreSessionUnlock){session_id, proved_ms}, error);
    slot_release_machine(host, machine);
    put(&work);
    return done;
}

bool host_session_show(Host *host, const char *session_id, const char *title, const char *text, GError **error)
{
    g_autoptr(StoreSession) session = store_session_get(host->store, session_id, error);
    if (!session)
        return false;
    g_autoptr(Slot) slot = session->desktop_id && session->state != STORE_SESSION_ENDED ? slot_find(host, session->desktop_id) : NULL;
    unsigned seat = 0;
    Machine *machine = slot ? seat_guest(slot, &seat) : NULL;
    bool shown = machine ? host->driver->show(machine, &(AgentShow){seat, title, text}, show_limit_ms, error)
                         : oriel_fail(error, ORIEL_ERROR_UNAVAILABLE,
                                      "desktop \"%s\": has no agent that could show a message; is it running?", session->desktop_name);
    slot_release_machine(host, machine);
    return shown;
}

void session_show_notice(Work *work)
{
    g_mutex_lock(&work->host->lock);
    g_autofree char *notice = g_steal_pointer(&work->slot->notice);
    g_mutex_unlock(&work->host->lock);
    unsigned seat = 0;
    Machine *machine = notice ? seat_guest(work->slot, &seat) : NULL;
    g_autoptr(GError) error = NULL;
    if (machine && !work->host->driver->show(machine, &(AgentShow){seat, "Oriel", notice}, show_limit_ms, &error))
        log_warning("desktop %s: its guest does not show \"%s\": %s", work->row->name, notice, error->message);
    slot_release_machine(work->host, machine);
}
