#include "host/private.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/id.h"
#include "base/limits.h"

/* A machine that lived this long had a good start: a later death begins with the shortest back-off again. */
static const int64_t good_start_ms = 60 * 1000;

static Slot *slot_new(Host *host, const char *id)
{
    Slot *slot = g_new0(Slot, 1);
    g_atomic_ref_count_init(&slot->count);
    slot->host = host;
    slot->id = g_strdup(id);
    return slot;
}

Slot *slot_ref(Slot *slot)
{
    g_atomic_ref_count_inc(&slot->count);
    return slot;
}

void slot_unref(Slot *slot)
{
    if (!slot || !g_atomic_ref_count_dec(&slot->count))
        return;
    g_clear_pointer(&slot->thumbnail, g_bytes_unref);
    g_clear_pointer(&slot->scaled, g_bytes_unref);
    steps_free(slot->log_on);
    g_clear_pointer(&slot->seats, g_ptr_array_unref);
    g_free(slot->seat_of);
    g_free(slot->seated);
    g_free(slot->notice);
    g_free(slot->answered);
    g_clear_pointer(&slot->questions, g_ptr_array_unref);
    g_free(slot->application_ended);
    g_free(slot->id);
    g_free(slot);
}

Slot *slot_of(Host *host, const char *id)
{
    g_mutex_lock(&host->lock);
    Slot *slot = g_hash_table_lookup(host->slots, id);
    if (!slot) {
        slot = slot_new(host, id);
        g_hash_table_insert(host->slots, slot->id, slot);
    }
    slot_ref(slot);
    g_mutex_unlock(&host->lock);
    return slot;
}

Slot *slot_find(Host *host, const char *id)
{
    g_mutex_lock(&host->lock);
    Slot *slot = g_hash_table_lookup(host->slots, id);
    if (slot)
        slot_ref(slot);
    g_mutex_unlock(&host->lock);
    return slot;
}

GPtrArray *slot_list(Host *host)
{
    GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)slot_unref);
    g_mutex_lock(&host->lock);
    GHashTableIter each;
    gpointer slot = NULL;
    g_hash_table_iter_init(&each, host->slots);
    while (g_hash_table_iter_next(&each, NULL, &slot))
        g_ptr_array_add(list, slot_ref(slot));
    g_mutex_unlock(&host->lock);
    return list;
}

bool slot_try(Slot *slot)
{
    g_mutex_lock(&slot->host->lock);
    bool free = !slot->busy;
    slot->busy = true;
    if (!free)
        slot->again = true;
    g_mutex_unlock(&slot->host->lock);
    return free;
}

bool slot_acquire_unless_up(Slot *slot, int64_t generation, int64_t limit_ms, bool *ret_up, GError **error)
{
    Host *host = slot->host;
    int64_t deadline = g_get_monotonic_time() + limit_ms * 1000;
    g_mutex_lock(&host->lock);
    while (slot->busy && !(generation && (slot->up_generation == generation || slot->by_job)) &&
           g_cond_wait_until(&host->changed, &host->lock, deadline))
        ;
    bool free = !slot->busy;
    bool up = !free && generation && slot->up_generation == generation;
    if (free)
        slot->busy = true;
    g_mutex_unlock(&host->lock);
    if (ret_up)
        *ret_up = up;
    if (!free && !up)
        return oriel_fail(error, ORIEL_ERROR_TIMEOUT,
                          "desktop: is busy with something that takes long; try again in a moment");
    return true;
}

bool slot_acquire(Slot *slot, int64_t limit_ms, GError **error)
{
    return slot_acquire_unless_up(slot, 0, limit_ms, NULL, error);
}

void slot_tell_job(Slot *slot, bool by_job)
{
    g_mutex_lock(&slot->host->lock);
    slot->by_job = by_job;
    g_cond_broadcast(&slot->host->changed);
    g_mutex_unlock(&slot->host->lock);
}

void slot_tell_up(Slot *slot, int64_t generation)
{
    g_mutex_lock(&slot->host->lock);
    slot->up_generation = slot->machine ? generation : 0;
    g_cond_broadcast(&slot->host->changed);
    g_mutex_unlock(&slot->host->lock);
}

/* With the lock held. The worker gets a reference of its own. */
static void queue_locked(Slot *slot)
{
    if (slot->queued || slot->host->ending)
        return;
    slot->queued = true;
    g_thread_pool_push(slot->host->workers, slot_ref(slot), NULL);
}

void slot_release(Slot *slot)
{
    Host *host = slot->host;
    g_mutex_lock(&host->lock);
    slot->busy = false;
    if (slot->again || slot->events || slot->guest != GUEST_NOTHING)
        queue_locked(slot);
    slot->again = false;
    g_cond_broadcast(&host->changed);
    g_mutex_unlock(&host->lock);
}

void slot_queue(Slot *slot)
{
    g_mutex_lock(&slot->host->lock);
    queue_locked(slot);
    g_mutex_unlock(&slot->host->lock);
}

void slot_forget(Slot *slot)
{
    Host *host = slot->host;
    g_mutex_lock(&host->lock);
    bool mine = g_hash_table_lookup(host->slots, slot->id) == slot;
    if (mine)
        g_hash_table_steal(host->slots, slot->id);
    g_mutex_unlock(&host->lock);
    if (mine)
        slot_unref(slot);
}

Machine *slot_machine(Slot *slot)
{
    Host *host = slot->host;
    g_mutex_lock(&host->lock);
    Machine *machine = slot->machine ? host->driver->hold(slot->machine) : NULL;
    g_mutex_unlock(&host->lock);
    if (machine && host->driver->state(machine) == MACHINE_STATE_ENDED) {
        host->driver->release(machine);
        return NULL;
    }
    return machine;
}

void slot_release_machine(Host *host, Machine *machine)
{
    if (machine)
        host->driver->release(machine);
}

void slot_set_machine(Slot *slot, Machine *machine, GuestWork guest)
{
    Host *host = slot->host;
    g_mutex_lock(&host->lock);
    Machine *old = slot->machine;
    slot->machine = machine;
    slot->guest = machine ? guest : GUEST_NOTHING;
    slot->guest_tries = 0;
    slot->agent_ready = false;
    slot->up_generation = 0;
    slot->booted = machine && guest == GUEST_BOOTED;
    slot->machine_viewers = 0;
    slot->viewers = relay_count_locked(host, slot);
    if (machine)
        g_clear_pointer(&slot->application_ended, g_free);
    slot->locked = slot->held = slot->screen_known = false;
    slot->private_bytes = 0;
    slot->events = 0;
    slot->running_ms = machine ? clock_monotonic_ms() : 0;
    g_mutex_unlock(&host->lock);
    if (old) {
        host->driver->listen(old, NULL, NULL);
        host->driver->release(old);
    }
    if (machine)
        host->driver->listen(machine, &event_listener, slot);
}

char *slot_folder(const Slot *slot)
{
    g_return_val_if_fail(id_is_valid(slot->id), NULL);
    return g_build_filename(slot->host->desktops, slot->id, NULL);
}

void slot_succeeded(Slot *slot)
{
    g_mutex_lock(&slot->host->lock);
    slot->retry_ms = 0;
    g_mutex_unlock(&slot->host->lock);
}

void slot_failed(Slot *slot)
{
    int64_t now = clock_monotonic_ms();
    g_mutex_lock(&slot->host->lock);
    if (slot->running_ms && now - slot->running_ms > good_start_ms)
        slot->failures = 0;
    slot->failures++;
    slot->retry_ms = now + step_backoff_ms(slot->failures);
    g_mutex_unlock(&slot->host->lock);
}

void slot_event_locked(Slot *slot, unsigned event)
{
    slot->events |= event;
    queue_locked(slot);
}

/* So much newer than what the store knows: seldom enough for thousands of people who type. */
static const int64_t input_step_ms = 30 * 1000;

void slot_tell_input(Slot *slot, int64_t input_ms)
{
    g_mutex_lock(&slot->host->lock);
    slot->input_ms = MAX(slot->input_ms, input_ms);
    if (slot->input_ms - slot->input_told_ms >= input_step_ms)
        slot_event_locked(slot, SLOT_ACTIVITY);
    g_mutex_unlock(&slot->host->lock);
}

void slot_tell_locked(Slot *slot, bool locked, bool held)
{
    g_mutex_lock(&slot->host->lock);
    bool news = !slot->screen_known || locked != slot->locked_told || held != slot->held_told;
    slot->locked = locked;
    slot->held = held;
    slot->screen_known = true;
    if (news)
        slot_event_locked(slot, SLOT_ACTIVITY);
    g_cond_broadcast(&slot->host->changed);
    g_mutex_unlock(&slot->host->lock);
}

void slot_tell_notice(Slot *slot, char *text)
{
    g_mutex_lock(&slot->host->lock);
    g_autofree char *before = slot->notice;
    slot->notice = text;
    slot_event_locked(slot, SLOT_NOTICE);
    g_mutex_unlock(&slot->host->lock);
}

void slot_tell_idle(Slot *slot)
{
    g_mutex_lock(&slot->host->lock);
    slot_event_locked(slot, SLOT_IDLE);
    g_mutex_unlock(&slot->host->lock);
}

void slot_put_off(Slot *slot, int64_t pause_ms)
{
    g_mutex_lock(&slot->host->lock);
    slot->retry_ms = MAX(slot->retry_ms, clock_monotonic_ms() + pause_ms);
    g_mutex_unlock(&slot->host->lock);
}

void slot_hold_session(Slot *slot)
{
    g_mutex_lock(&slot->host->lock);
    int64_t until_ms = clock_utc_ms() + LIMIT_TICKET_MS;
    slot->ticket_until_ms = MAX(slot->ticket_until_ms, until_ms);
    for (guint i = 0; slot->seats && i < slot->seats->len; i++) {
        Slot *seat = slot->seats->pdata[i];
        seat->ticket_until_ms = MAX(seat->ticket_until_ms, until_ms);
    }
    g_mutex_unlock(&slot->host->lock);
}

void slot_tell_viewers(Slot *slot, unsigned viewers)
{
    g_mutex_lock(&slot->host->lock);
    slot->machine_viewers = viewers;
    slot->viewers = viewers + relay_count_locked(slot->host, slot);
    slot->events |= SLOT_VIEWERS;
    queue_locked(slot);
    g_mutex_unlock(&slot->host->lock);
}

void slot_tell_viewers_again(Slot *slot)
{
    g_mutex_lock(&slot->host->lock);
    slot->events |= SLOT_VIEWERS;
    queue_locked(slot);
    g_mutex_unlock(&slot->host->lock);
}

void slot_reserve(Host *host, const char *id, bool reserved)
{
    g_autoptr(Slot) slot = slot_of(host, id);
    g_mutex_lock(&host->lock);
    slot->reserved = reserved;
    g_mutex_unlock(&host->lock);
}

bool slot_is_reserved(Host *host, const char *id)
{
    g_mutex_lock(&host->lock);
    const Slot *slot = g_hash_table_lookup(host->slots, id);
    bool reserved = slot && (slot->reserved || slot->emptying);
    g_mutex_unlock(&host->lock);
    return reserved;
}

void slot_tell_emptying(Slot *slot, bool emptying)
{
    g_mutex_lock(&slot->host->lock);
    slot->emptying = emptying;
    g_mutex_unlock(&slot->host->lock);
}

void slot_tell_time_up(Slot *slot)
{
    g_mutex_lock(&slot->host->lock);
    slot_event_locked(slot, SLOT_TIME_UP);
    g_mutex_unlock(&slot->host->lock);
}
