#include "broker/session.h"

/* A session that nobody ever looked at ends this long after its last ticket: the tab was closed before the
 * picture came. */
static const int64_t grace_ms = 60 * 1000;

DesktopFate session_desktop_fate(const BrokerPool *pool, SessionEvent end)
{
    bool floating = pool->type == BROKER_FLOATING;
    if (pool->type == BROKER_MANUAL)
        return FATE_KEEP; /* not ours to throw away */
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
    return (SessionVerdict){PHASE_ENDED, reason, session_desktop_fate(pool, event), 0};
}

/* When a time limit of this phase is over; 0: never. */
static int64_t limit_of(const BrokerPool *pool, const SessionFacts *state)
{
    if (state->phase == PHASE_CONNECTING)
        return state->ticket_until_ms + (state->was_connected ? 0 : grace_ms);
    if (state->phase == PHASE_DISCONNECTED && pool->log_off_after_ms > 0)
        return state->since_ms + pool->log_off_after_ms;
    return 0;
}

static SessionVerdict stay(const BrokerPool *pool, const SessionFacts *state)
{
    return (SessionVerdict){state->phase, NULL, FATE_KEEP, limit_of(pool, state)};
}

static SessionVerdict move(const BrokerPool *pool, const SessionFacts *state, SessionPhase phase,
                           int64_t now_ms)
{
    SessionFacts next = *state;
    next.phase = phase;
    next.since_ms = now_ms;
    return stay(pool, &next);
}

static SessionVerdict after_time(const BrokerPool *pool, const SessionFacts *state, int64_t now_ms)
{
    int64_t limit = limit_of(pool, state);
    if (limit == 0 || now_ms < limit)
        return stay(pool, state);
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
