#include "broker/session.h"

#include <glib.h>

/* A session that nobody ever looked at ends this long after its last ticket: the tab was closed before the
 * picture came. */
static const int64_t grace_ms = 60 * 1000;

DesktopFate session_desktop_fate(const BrokerPool *pool, SessionEvent end)
{
    bool floating = pool->type == BROKER_FLOATING;
    if (pool->type == BROKER_MANUAL)
        return pool->seats && (end == SESSION_LOGGED_OFF || end == SESSION_TIME_PASSED) ? FATE_RELEASE : FATE_KEEP; /* not ours to throw away */
    switch (end) {
    case SESSION_LOGGED_OFF:
    case SESSION_TIME_PASSED:
        if (pool->delete_on_log_off)
            return FATE_DELETE;
        if (!floating)
            return pool->refresh_on_log_off ? FATE_RENEW : FATE_KEEP;
        return pool->refresh_on_log_off ? FATE_REFRESH : FATE_RELEASE;
    case SESSION_MACHINE_DIED:
        return floating ? FATE_REFRESH : FATE_RESTART;
    case SESSION_GUEST_OFF:
        return floating ? FATE_REFRESH : FATE_KEEP;
    case SESSION_VIEWER_CAME:
    case SESSION_VIEWERS_GONE:
    case SESSION_DESKTOP_LEFT:
    default:
        return FATE_KEEP;
    }
}

static SessionVerdict ended(const BrokerPool *pool, SessionEvent event, const char *reason)
{
    return (SessionVerdict){.phase = PHASE_ENDED, .reason = reason, .fate = session_desktop_fate(pool, event)};
}

int64_t session_idle_since(const SessionFacts *state)
{
    return MAX(state->since_ms, state->input_ms);
}

const char *session_activity(const SessionFacts *state, int64_t now_ms)
{
    static const char *const others[] = {
        [PHASE_CONNECTING] = "connecting", [PHASE_DISCONNECTED] = "disconnected", [PHASE_ENDED] = "ended"};
    if (state->phase != PHASE_CONNECTED)
        return (unsigned)state->phase < G_N_ELEMENTS(others) ? others[state->phase] : "ended";
    if (state->locked)
        return "locked";
    return now_ms - session_idle_since(state) >= SESSION_IDLE_MS ? "idle" : "active";
}

/* ---- time without input ---- */

static int64_t sooner(int64_t one, int64_t other)
{
    return one && (!other || one < other) ? one : other;
}

static int64_t idle_end(const SessionFacts *state, int64_t after_ms)
{
    return after_ms ? session_idle_since(state) + after_ms : 0;
}

/* One try for each time that somebody goes away: a guest without a screen locker is not asked again and again. */
static int64_t lock_end(const BrokerPool *pool, const SessionFacts *state)
{
    bool tried = state->locking_ms > session_idle_since(state);
    return state->locked || tried ? 0 : idle_end(state, pool->lock_after_idle_ms);
}

static int64_t idle_limit(const BrokerPool *pool, const SessionFacts *state)
{
    int64_t ends = sooner(idle_end(state, pool->disconnect_after_idle_ms), idle_end(state, pool->log_off_after_idle_ms));
    return sooner(lock_end(pool, state), ends);
}

/* When a time limit of this phase is over; 0: never. */
static int64_t limit_of(const BrokerPool *pool, const SessionFacts *state)
{
    if (state->phase == PHASE_CONNECTING)
        return state->ticket_until_ms + (state->was_connected ? 0 : grace_ms);
    if (state->phase == PHASE_CONNECTED)
        return idle_limit(pool, state);
    if (state->phase == PHASE_DISCONNECTED && pool->log_off_after_ms > 0)
        return state->since_ms + pool->log_off_after_ms;
    return 0;
}

static SessionVerdict stay(const BrokerPool *pool, const SessionFacts *state)
{
    return (SessionVerdict){.phase = state->phase, .fate = FATE_KEEP, .look_again_ms = limit_of(pool, state)};
}

static SessionVerdict move(const BrokerPool *pool, const SessionFacts *state, SessionPhase phase,
                           int64_t now_ms)
{
    SessionFacts next = *state;
    next.phase = phase;
    next.since_ms = now_ms;
    return stay(pool, &next);
}

/* What ends more goes first. */
static SessionVerdict after_idle(const BrokerPool *pool, const SessionFacts *state, int64_t now_ms)
{
    int64_t log_off = idle_end(state, pool->log_off_after_idle_ms);
    int64_t disconnect = idle_end(state, pool->disconnect_after_idle_ms);
    if (log_off && now_ms >= log_off)
        return ended(pool, SESSION_TIME_PASSED, "idle for too long");
    if (disconnect && now_ms >= disconnect)
        return move(pool, state, PHASE_DISCONNECTED, now_ms);
    SessionFacts locking = *state;
    locking.locking_ms = now_ms;
    SessionVerdict verdict = stay(pool, &locking);
    verdict.lock = true;
    return verdict;
}

static SessionVerdict after_time(const BrokerPool *pool, const SessionFacts *state, int64_t now_ms)
{
    int64_t limit = limit_of(pool, state);
    if (limit == 0 || now_ms < limit)
        return stay(pool, state);
    if (state->phase == PHASE_CONNECTED)
        return after_idle(pool, state, now_ms);
    if (state->phase == PHASE_CONNECTING && state->was_connected)
        return move(pool, state, PHASE_DISCONNECTED, now_ms);
    if (state->phase == PHASE_CONNECTING)
        return ended(pool, SESSION_TIME_PASSED, "nobody connected");
    return ended(pool, SESSION_TIME_PASSED, "disconnected for too long");
}

SessionVerdict session_after(const BrokerPool *pool, const SessionFacts *state, SessionEvent event,
                             int64_t now_ms)
{
    if (state->phase == PHASE_ENDED)
        return stay(pool, state);
    switch (event) {
    case SESSION_VIEWER_CAME:
        return state->phase == PHASE_CONNECTED ? stay(pool, state)
                                               : move(pool, state, PHASE_CONNECTED, now_ms);
    case SESSION_VIEWERS_GONE:
        return state->phase != PHASE_CONNECTED ? stay(pool, state)
                                               : move(pool, state, PHASE_DISCONNECTED, now_ms);
    case SESSION_LOGGED_OFF:
        return ended(pool, event, "logged off");
    case SESSION_DESKTOP_LEFT:
        return ended(pool, event, "desktop taken away");
    case SESSION_MACHINE_DIED:
        return ended(pool, event, "machine died");
    case SESSION_GUEST_OFF:
        return ended(pool, event, "shut down by the guest");
    case SESSION_TIME_PASSED:
        return after_time(pool, state, now_ms);
    default:
        return stay(pool, state);
    }
}
