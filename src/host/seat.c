/* Seats of shared machines: desktops whose machine is another row's. What is done in a guest for somebody who sits there goes to
 * that machine with the seat's number, and what its agent says of a number comes to the seat's slot. */
#include "host/private.h"

#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "host/rfb_logon.h"
#include "host/rfb_picture.h"

static const int64_t seated_limit_us = 60 * G_USEC_PER_SEC; /* an account, a home, an X server */
static const int64_t answer_limit_us = 5 * G_USEC_PER_SEC;
static const int64_t picture_limit_us = 5 * G_USEC_PER_SEC;

/* Whose machine it is known only when a row is read: from then on both slots know each other. Orield that has just begun says a
 * log-on again that may have been cut off. */
void seat_register(Host *host, const StoreDesktop *row)
{
    if (!row->seat_of || row->seat < 1 || row->seat > LIMIT_SEATS)
        return;
    g_autoptr(Slot) seat = slot_of(host, row->id);
    g_autoptr(Slot) machine = slot_of(host, row->seat_of);
    g_mutex_lock(&host->lock);
    bool known = seat->seat_of != NULL;
    if (!known) {
        seat->seat_of = g_strdup(row->seat_of);
        seat->seat = (unsigned)row->seat;
        seat->log_on_due = row->user_id != NULL;
    }
    if (!machine->seats)
        machine->seats = g_ptr_array_new_with_free_func((GDestroyNotify)slot_unref);
    bool listed = g_ptr_array_find(machine->seats, seat, NULL);
    if (!listed)
        g_ptr_array_add(machine->seats, slot_ref(seat));
    g_mutex_unlock(&host->lock);
    if (!known && row->user_id)
        slot_queue(seat);
}

bool seat_is(Slot *slot)
{
    g_mutex_lock(&slot->host->lock);
    bool seat = slot->seat_of != NULL;
    g_mutex_unlock(&slot->host->lock);
    return seat;
}

Slot *seat_machine_locked(Slot *slot)
{
    return slot->seat_of ? g_hash_table_lookup(slot->host->slots, slot->seat_of) : slot;
}

Machine *seat_guest(Slot *slot, unsigned *ret_seat)
{
    Host *host = slot->host;
    g_mutex_lock(&host->lock);
    Slot *at = seat_machine_locked(slot);
    Machine *machine = at && at->machine && at->agent_ready ? host->driver->hold(at->machine) : NULL;
    *ret_seat = slot->seat;
    g_mutex_unlock(&host->lock);
    if (machine && host->driver->state(machine) == MACHINE_STATE_ENDED) {
        host->driver->release(machine);
        return NULL;
    }
    return machine;
}

Slot *seat_find(Slot *machine, unsigned seat)
{
    Slot *found = NULL;
    g_mutex_lock(&machine->host->lock);
    for (guint i = 0; machine->seats && i < machine->seats->len && !found; i++)
        if (((Slot *)machine->seats->pdata[i])->seat == seat)
            found = slot_ref(machine->seats->pdata[i]);
    g_mutex_unlock(&machine->host->lock);
    return found;
}

void seats_log_on_wanted(Slot *machine)
{
    for (unsigned seat = 1; seat <= LIMIT_SEATS; seat++) {
        g_autoptr(Slot) slot = seat_find(machine, seat);
        if (slot)
            log_on_wanted(slot);
    }
}

bool seats_check(Work *work)
{
    if (!work->row->seats || work->row->protocol)
        return true;
    Machine *machine = slot_machine(work->slot);
    bool can = !machine || work->host->driver->seats(machine);
    slot_release_machine(work->host, machine);
    g_autoptr(GError) error = NULL;
    if (!can && !work_observe(work, STORE_OBSERVED_RUNNING,
                              "its image cannot seat several people at once: choose another image for this pool, or build this one anew",
                              &error))
        log_warning("desktop %s: cannot seat people, but its row does not know: %s", work->row->name, error->message);
    return can;
}

/* ---- ends ---- */

bool seats_end(Work *machine, SessionEvent event, bool *ret_some, GError **error)
{
    Host *host = machine->host;
    const StoreAfter after = {.release = true, .refresh = true};
    *ret_some = false;
    g_autoptr(GPtrArray) seats = machine->row->seats ? store_desktop_seats(host->store, machine->row->id, error) : NULL;
    for (guint i = 0; seats && i < seats->len; i++) {
        StoreDesktop *row = seats->pdata[i];
        if (!row->user_id)
            continue;
        *ret_some = true;
        g_autoptr(Slot) slot = slot_of(host, row->id);
        Work seat = {.host = host, .slot = slot, .row = row, .pool = machine->pool};
        if (!session_tell(&seat, event, error) || !store_desktop_release_unused(host->store, row->id, after, error))
            return false;
    }
    return seats != NULL || !machine->row->seats;
}

bool seats_leave(Host *host, const StoreDesktop *machine, const StoreActor *actor, const char *reason, GError **error)
{
    g_autoptr(GPtrArray) seats = machine->seats ? store_desktop_seats(host->store, machine->id, error) : NULL;
    for (guint i = 0; seats && i < seats->len; i++) {
        const StoreDesktop *row = seats->pdata[i];
        g_autoptr(StoreSession) session = row->user_id ? store_session_of_desktop(host->store, row->id, NULL) : NULL;
        if (session && !store_session_end(host->store, actor, session->id, reason, (StoreAfter){.release = true}, error))
            return false;
        g_autoptr(Slot) slot = slot_of(host, row->id);
        relay_end(host, slot);
    }
    return seats != NULL || !machine->seats;
}

bool seat_forbid(const StoreDesktop *row, const char *what, GError **error)
{
    return !row->seat_of || oriel_fail(error, ORIEL_ERROR_UNSUPPORTED,
                                       "desktop \"%s\": is a seat on \"%s\", where others may work too: %s that machine instead",
                                       row->name, row->seat_of_name ? row->seat_of_name : row->seat_of, what);
}

/* ---- display ---- */

void seat_tell_seated(Slot *slot, const char *session_id)
{
    g_mutex_lock(&slot->host->lock);
    store_set(&slot->seated, session_id);
    g_cond_broadcast(&slot->host->changed);
    g_mutex_unlock(&slot->host->lock);
}

/* Until the guest has somebody's X server there. */
static bool await_seated(Slot *slot, const char *session_id)
{
    int64_t deadline = g_get_monotonic_time() + seated_limit_us;
    g_mutex_lock(&slot->host->lock);
    while (g_strcmp0(slot->seated, session_id) != 0 && !slot->host->ending &&
           g_cond_wait_until(&slot->host->changed, &slot->host->lock, deadline))
        ;
    bool seated = g_strcmp0(slot->seated, session_id) == 0;
    g_mutex_unlock(&slot->host->lock);
    return seated;
}

static int connect_to(Slot *slot, const StoreTicket *ticket, Machine *machine, unsigned seat, GError **error)
{
    const HostDriver *driver = slot->host->driver;
    if (driver->logs_on(machine) && !await_seated(slot, ticket->session_id)) {
        oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "the guest has not got it ready; connect again in a moment");
        return -1;
    }
    autofd int fd = ticket->mode == STORE_DISPLAY_OWN ? driver->seat_display(machine, seat, error) : driver->seat_look(machine, seat, error);
    return fd >= 0 && rfb_log_on(fd, NULL, g_get_monotonic_time() + answer_limit_us, error) ? fd_steal(&fd) : -1;
}

int seat_display(Slot *slot, const StoreTicket *ticket, DisplayClient client, GError **error)
{
    unsigned seat = 0;
    if (client == DISPLAY_CLIENT_RDP) {
        oriel_fail(error, ORIEL_ERROR_UNSUPPORTED, "desktop: a seat is opened in the browser or with remote-viewer");
        return -1;
    }
    Machine *machine = seat_guest(slot, &seat);
    if (!machine) {
        oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "desktop: its machine does not run now, or its agent is silent; connect again");
        return -1;
    }
    autofd int fd = connect_to(slot, ticket, machine, seat, error);
    slot_release_machine(slot->host, machine);
    if (fd >= 0)
        return relay_start(slot, fd_steal(&fd), client == DISPLAY_CLIENT_BROWSER, error);
    g_prefix_error(error, "seat %u: ", seat);
    return -1;
}

/* ---- picture ---- */

static bool is_seated(Slot *slot)
{
    g_mutex_lock(&slot->host->lock);
    bool seated = slot->seated != NULL;
    g_mutex_unlock(&slot->host->lock);
    return seated;
}

static int look(Slot *slot, GError **error)
{
    const HostDriver *driver = slot->host->driver;
    unsigned seat = 0;
    Machine *machine = seat_guest(slot, &seat);
    autofd int fd = -1;
    if (machine && (!driver->logs_on(machine) || is_seated(slot)))
        fd = driver->seat_look(machine, seat, error);
    else
        oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "desktop: nobody works there now");
    slot_release_machine(slot->host, machine);
    return fd_steal(&fd);
}

GBytes *seat_picture(Slot *slot, GError **error)
{
    int64_t deadline_us = g_get_monotonic_time() + picture_limit_us;
    autofd int fd = look(slot, error);
    if (fd < 0)
        return NULL;
    GBytes *png = rfb_log_on(fd, NULL, deadline_us, error) ? rfb_picture(fd, deadline_us, error) : NULL;
    if (!png)
        g_prefix_error(error, "desktop: its screen ");
    return png;
}
