/* Rows of the store as the plain values that broker/ decides from. */
#include "host/private.h"

#include "base/clock.h"
#include "base/limits.h"

/* A row changed this recently may be a click's that has not finished. */
static const int64_t fresh_ms = 5 * 1000;

static BrokerPoolType type_of(StorePoolType type)
{
    switch (type) {
    case STORE_POOL_DEDICATED:
        return BROKER_DEDICATED;
    case STORE_POOL_MANUAL:
        return BROKER_MANUAL;
    case STORE_POOL_FLOATING:
    default:
        return BROKER_FLOATING;
    }
}

BrokerPool values_pool(const StorePool *pool)
{
    return (BrokerPool){
        .id = pool->id,
        .name = pool->name,
        .type = type_of(pool->type),
        .enabled = pool->enabled,
        .maintenance = pool->maintenance,
        .deleted = pool->deleting,
        .refresh_on_log_off = pool->refresh_on_log_off,
        .draining = pool->draining,
        .assign_by_hand = pool->assign_by_hand,
        .most_a_user = (unsigned)MIN(pool->sessions_a_user, LIMIT_SESSIONS_USER),
        .seats = (unsigned)MIN(pool->seats, LIMIT_SEATS),
        .minimum = (unsigned)MIN(pool->minimum, LIMIT_DESKTOPS_POOL),
        .size = (unsigned)MIN(pool->size, LIMIT_DESKTOPS_POOL),
        .spares = (unsigned)MIN(pool->spares, LIMIT_DESKTOPS_POOL * LIMIT_SEATS),
    };
}

static BrokerDesired desired_of(StoreDesired desired)
{
    switch (desired) {
    case STORE_DESIRED_STOPPED:
        return BROKER_WANT_STOPPED;
    case STORE_DESIRED_SUSPENDED:
        return BROKER_WANT_SUSPENDED;
    case STORE_DESIRED_OFF:
        return BROKER_WANT_OFF;
    case STORE_DESIRED_DELETED:
        return BROKER_WANT_DELETED;
    case STORE_DESIRED_RUNNING:
    default:
        return BROKER_WANT_RUNNING;
    }
}

static BrokerObserved observed_of(StoreObserved observed)
{
    static const BrokerObserved same[] = {
        [STORE_OBSERVED_ABSENT] = BROKER_ABSENT,   [STORE_OBSERVED_STARTING] = BROKER_STARTING,
        [STORE_OBSERVED_RUNNING] = BROKER_RUNNING, [STORE_OBSERVED_STOPPING] = BROKER_STOPPING,
        [STORE_OBSERVED_STOPPED] = BROKER_STOPPED, [STORE_OBSERVED_FAILED] = BROKER_FAILED,
    };
    return (size_t)observed < G_N_ELEMENTS(same) ? same[observed] : BROKER_FAILED;
}

BrokerDesktop values_desktop(const StoreDesktop *row)
{
    return (BrokerDesktop){
        .id = row->id,
        .user_id = row->user_id,
        .seats = (unsigned)MAX(row->seats, 0),
        .machine_id = row->seat_of,
        .taken = (unsigned)MAX(row->seats_taken, 0),
        .desired = desired_of(row->desired),
        .observed = observed_of(row->observed),
        .current = row->generation == row->observed_generation,
        .maintenance = row->maintenance,
        .agent_ready = row->agent == STORE_AGENT_READY,
        .used_ms = row->assigned_ms,
        .fresh = clock_utc_ms() - row->updated_ms < fresh_ms,
    };
}

SessionFacts values_session(const StoreSession *session, Slot *slot)
{
    int64_t ticket_until_ms = 0, input_ms = 0, locking_ms = 0;
    bool locked = session->locked;
    if (slot) {
        g_mutex_lock(&slot->host->lock);
        ticket_until_ms = slot->ticket_until_ms;
        input_ms = slot->input_ms;
        locking_ms = slot->locking_ms;
        locked = slot->locked || session->locked_ms;
        g_mutex_unlock(&slot->host->lock);
    }
    static const SessionPhase phases[] = {
        [STORE_SESSION_CONNECTING] = PHASE_CONNECTING,
        [STORE_SESSION_CONNECTED] = PHASE_CONNECTED,
        [STORE_SESSION_DISCONNECTED] = PHASE_DISCONNECTED,
        [STORE_SESSION_ENDED] = PHASE_ENDED,
    };
    return (SessionFacts){
        .phase = (size_t)session->state < G_N_ELEMENTS(phases) ? phases[session->state] : PHASE_ENDED,
        /* A session begins as connecting: one that has been anything else since has had a viewer. */
        .was_connected =
            session->state != STORE_SESSION_CONNECTING || session->changed_ms > session->started_ms,
        .since_ms = session->changed_ms,
        .ticket_until_ms = MAX(ticket_until_ms, session->changed_ms + LIMIT_TICKET_MS),
        .input_ms = MAX(session->input_ms, MAX(input_ms, session->started_ms)),
        .locked = locked,
        .locking_ms = locking_ms,
    };
}

StoreAfter values_after(DesktopFate fate)
{
    return (StoreAfter){
        .release = fate == FATE_RELEASE || fate == FATE_REFRESH,
        .refresh = fate == FATE_REFRESH || fate == FATE_RENEW,
        .remove = fate == FATE_DELETE,
    };
}
