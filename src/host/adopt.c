/* Machines that went on running while orield was away. What runs must be known before anything is decided: a
 * machine that is not known would pass for dead. */
#include "host/private.h"

#include "base/error.h"
#include "base/id.h"
#include "base/log.h"

static const unsigned adopters = 4;

/* What is left of a machine that no longer answers, or never came to run, is ended; its row says what comes
 * next. */
static void give_up(Slot *slot, const char *why)
{
    g_autofree char *folder = slot_folder(slot);
    g_autoptr(GError) error = NULL;
    log_warning("desktop %s: its machine cannot be taken over (%s) and is ended", slot->id, why);
    if (!slot->host->driver->kill_in(folder, &error))
        log_error("desktop %s: its machine cannot be ended: %s", slot->id, error->message);
}

/* Paused and complete: a suspend that was cut off. Paused and not complete: a fork that was cut off. */
static bool runs(Slot *slot, Machine *machine, const StoreDesktop *row)
{
    if (slot->host->driver->state(machine) == MACHINE_STATE_RUNNING)
        return true;
    return row->generation == row->observed_generation &&
           slot->host->driver->resume_processors(machine, NULL);
}

/* Viewers came and went while nobody listened, and an identity may have been cut off. */
static void catch_up(Slot *slot, Machine *machine, const StoreDesktop *row)
{
    const HostDriver *driver = slot->host->driver;
    bool ready = row->agent == STORE_AGENT_READY;
    GuestWork guest = driver->template_key(machine) ? GUEST_FORKED : GUEST_BOOTED;
    slot_set_machine(slot, driver->hold(machine), ready ? GUEST_NOTHING : guest);
    if (row->observed == STORE_OBSERVED_RUNNING && row->generation == row->observed_generation)
        slot_tell_up(slot, row->generation);
    unsigned viewers = 0;
    if (driver->viewers(machine, &viewers, NULL))
        slot_tell_viewers(slot, viewers);
    g_mutex_lock(&slot->host->lock);
    slot->agent_ready = slot->agent_ready || ready;
    slot->log_on_due = true; /* it may have been cut off; said twice, it is done once */
    g_mutex_unlock(&slot->host->lock);
}

void adopt_slot(Slot *slot, const StoreDesktop *row)
{
    Host *host = slot->host;
    g_autofree char *folder = slot_folder(slot);
    g_autoptr(GError) error = NULL;
    Machine *machine = host->driver->adopt(host->hypervisor, folder, &error);
    bool running = machine && runs(slot, machine, row);
    if (running)
        catch_up(slot, machine, row);
    slot_release_machine(host, machine);
    if (machine && !running)
        give_up(slot, "it was not complete");
    else if (!machine && oriel_error_kind(error) != ORIEL_ERROR_NOT_FOUND)
        give_up(slot, error->message);
    thaw_tidy(slot, running);
}

typedef struct {
    GMutex lock;
    GError *error; /* the first: the store did not say whose a folder is */
    unsigned orphans;
} Adoption;

static void adopt_item(gpointer item, gpointer data)
{
    g_autoptr(Slot) slot = item;
    Adoption *adoption = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(StoreDesktop) row = store_desktop_find(slot->host->store, slot->id, &error);
    if (row)
        adopt_slot(slot, row);
    slot_release(slot);
    if (row)
        return;
    g_mutex_lock(&adoption->lock);
    if (oriel_error_kind(error) == ORIEL_ERROR_NOT_FOUND)
        adoption->orphans++; /* a worker will find no row either, and remove it */
    else if (!adoption->error)
        adoption->error = g_steal_pointer(&error);
    g_mutex_unlock(&adoption->lock);
}

bool adopt_all(Host *host, GError **error)
{
    Adoption adoption = {0};
    unsigned folders = 0;
    g_mutex_init(&adoption.lock);
    GThreadPool *pool = g_thread_pool_new(adopt_item, &adoption, (gint)adopters, FALSE, NULL);
    g_autoptr(GDir) dir = g_dir_open(host->desktops, 0, NULL);
    const char *name = NULL;
    while (dir && (name = g_dir_read_name(dir))) {
        if (!id_is_valid(name))
            continue;
        Slot *slot = slot_of(host, name);
        slot_try(slot);
        g_thread_pool_push(pool, slot, NULL);
        folders++;
    }
    g_thread_pool_free(pool, FALSE, TRUE);
    g_mutex_clear(&adoption.lock);
    if (adoption.error) {
        g_propagate_prefixed_error(error, adoption.error, "machines that run cannot be taken over: ");
        return false;
    }
    if (folders)
        log_info("%u desktops on disk, %u of them nobody's", folders, adoption.orphans);
    return true;
}
