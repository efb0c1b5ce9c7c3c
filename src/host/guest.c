/* What happens in the guest beside the picture, after its processors run: who it is, then its network, then,
 * once somebody looks at it, the clipboard. None of it may keep the picture waiting, and none of it is needed for the picture: a guest
 * without an agent is a desktop all the same. */
#include "host/private.h"

#include "base/clock.h"
#include "base/log.h"
#include "broker/name.h"
#include "host/record.h"

static const int64_t identity_limit_ms = 20 * 1000;
static const unsigned most_tries =
    3; /* with one machine: a guest that says hello for ever must not bind a worker for ever */
static const int64_t give_way_ms = 5000;
static const uint64_t console_limit = 1024 * 1024;

/* People who wait for a desktop come first: what follows costs the processors more than a fork does. Never
 * for long, and only here, beside the picture. */
static void let_clicks_pass(Host *host)
{
    int64_t deadline = g_get_monotonic_time() + give_way_ms * 1000;
    g_mutex_lock(&host->lock);
    while ((host->thawing || host->thaws_queued) && !host->ending &&
           g_cond_wait_until(&host->changed, &host->lock, deadline))
        ;
    g_mutex_unlock(&host->lock);
}

static GuestWork take_work(Slot *slot)
{
    g_mutex_lock(&slot->host->lock);
    GuestWork guest = slot->guest;
    slot->guest = GUEST_NOTHING;
    if (guest != GUEST_NOTHING && ++slot->guest_tries > most_tries)
        guest = GUEST_NOTHING;
    g_mutex_unlock(&slot->host->lock);
    return guest;
}

static void note(const Work *work, const char *what, GError *error)
{
    log_warning("desktop %s: %s: %s", work->row->name, what, error->message);
    g_error_free(error);
}

static void identify(const Work *work, Machine *machine)
{
    g_autofree char *hostname = name_host(work->row->name);
    g_autofree char *steps = NULL;
    GError *error = NULL;
    AgentIdentity identity = {.machine_id = work->row->machine_id, .hostname = hostname};
    if (!work->host->driver->identity(machine, &identity, identity_limit_ms, &steps, &error)) {
        note(work, "its agent did not take its identity", error);
        return;
    }
    log_debug("desktop %s: identity: %s", work->row->name, steps ? steps : "");
}

/* Whether it has a network then. */
static bool plug_network_card(const Work *work, Machine *machine)
{
    GError *error = NULL;
    if (work->host->driver->plug_network(machine, work->row->mac, &error))
        return true;
    note(work, "has no network", error);
    return false;
}

void guest_clipboard(Work *work)
{
    g_mutex_lock(&work->host->lock);
    bool wanted = work->slot->viewers > 0 && work->slot->guest == GUEST_NOTHING;
    g_mutex_unlock(&work->host->lock);
    g_autoptr(StoreChoice) decided = NULL;
    wanted = wanted && choice_find(work->host, work->row->id, &decided, NULL);
    g_auto(PlanChoice) choice = plan_choose(work->host, work->pool, decided);
    wanted = wanted && !(choice.display && choice.display->no_clipboard_in && choice.display->no_clipboard_out);
    Machine *machine = wanted ? slot_machine(work->slot) : NULL;
    GError *error = NULL;
    if (machine && !work->host->driver->plug_clipboard(machine, &error))
        note(work, "has no clipboard", error);
    if (machine)
        slot_release_machine(work->host, machine);
}

void guest_prepare(Work *work)
{
    Slot *slot = work->slot;
    GuestWork guest = take_work(slot);
    Machine *machine = guest == GUEST_NOTHING ? NULL : slot_machine(slot);
    if (!machine)
        return;
    let_clicks_pass(work->host);
    int64_t began_us = clock_monotonic_us();
    if (guest != GUEST_BOOTED) {
        identify(work, machine);
        steps_beside(slot, "identity", began_us);
    }
    began_us = clock_monotonic_us();
    bool network = plug_network_card(work, machine);
    steps_beside(slot, "network", began_us);
    GError *error = NULL;
    g_autofree char *folder = slot_folder(slot);
    Record record = {
        .memory = work->pool->memory_bytes, .vcpus = (unsigned)work->pool->vcpus, .network = network};
    if (guest != GUEST_RESUMED && !record_write(folder, &record, &error))
        note(work, "cannot be suspended later", error);
    error = NULL;
    if (!work->host->driver->trim_console(machine, console_limit, &error))
        note(work, "its console's log grows", error);
    slot_release_machine(work->host, machine);
    guest_clipboard(work);
}
