#include "broker/assign.h"

#include <glib.h>
#include <string.h>

static bool is_free(const BrokerDesktop *desktop)
{
    return !desktop->user_id && !desktop->in_session && !desktop->maintenance && desktop->desired != BROKER_WANT_DELETED;
}

static bool may_be_given(const BrokerDesktop *desktop)
{
    return is_free(desktop) && !desktop->outdated && desktop->observed != BROKER_FAILED;
}

static AssignKind kind_for_new_user(const BrokerDesktop *desktop)
{
    bool runs = desktop->observed == BROKER_RUNNING && desktop->current && desktop->desired == BROKER_WANT_RUNNING;
    return runs ? ASSIGN_SPARE : ASSIGN_START;
}

/* How long a new user would wait for it: the lower the sooner. A fork is quick, a boot is not. */
static unsigned wait_for_new_user(const BrokerDesktop *desktop)
{
    if (kind_for_new_user(desktop) == ASSIGN_SPARE)
        return desktop->booting ? 4 : desktop->agent_ready ? 0 : 1;
    return desktop->observed == BROKER_ABSENT ? 2 : 3;
}

static const BrokerDesktop *own_desktop(const BrokerDesktop *desktops, size_t count, const char *user_id)
{
    const BrokerDesktop *own = NULL;
    for (size_t i = 0; i < count; i++) {
        const BrokerDesktop *desktop = &desktops[i];
        if (!desktop->user_id || strcmp(desktop->user_id, user_id) != 0 ||
            desktop->desired == BROKER_WANT_DELETED)
            continue;
        if (!own || strcmp(desktop->id, own->id) < 0)
            own = desktop;
    }
    return own;
}

/* FNV-1a, 64 bits, over both names. */
static uint64_t preference(const char *user_id, const char *desktop_id)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    const char *const parts[] = {user_id, "\n", desktop_id};
    for (size_t p = 0; p < G_N_ELEMENTS(parts); p++)
        for (const char *c = parts[p]; *c; c++)
            hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
    return hash;
}

static bool is_better(const BrokerDesktop *desktop, const BrokerDesktop *best, const char *user_id)
{
    unsigned wait = wait_for_new_user(desktop), best_wait = wait_for_new_user(best);
    return wait != best_wait ? wait < best_wait
                             : preference(user_id, desktop->id) > preference(user_id, best->id);
}

Assignment assign_desktop(const BrokerPool *pool, const BrokerDesktop *desktops, size_t count,
                          const char *user_id)
{
    const BrokerDesktop *own = own_desktop(desktops, count, user_id);
    if (own && own->maintenance && !own->in_session)
        return (Assignment){ASSIGN_HELD, NULL};
    if (own)
        return (Assignment){ASSIGN_EXISTING, own->id};
    if (pool->type == BROKER_MANUAL || pool->assign_by_hand)
        return (Assignment){ASSIGN_NONE, NULL};
    const BrokerDesktop *best = NULL;
    for (size_t i = 0; i < count; i++)
        if (may_be_given(&desktops[i]) && (!best || is_better(&desktops[i], best, user_id)))
            best = &desktops[i];
    if (best)
        return (Assignment){kind_for_new_user(best), best->id};
    return (Assignment){count < pool->size ? ASSIGN_CREATE : ASSIGN_FULL, NULL};
}

char *assign_refusal(const BrokerPool *pool, AssignKind kind)
{
    if (kind == ASSIGN_NONE)
        return g_strdup_printf(
            "pool \"%s\": no desktop of it was assigned to you; ask your administrator for one", pool->name);
    if (kind == ASSIGN_HELD)
        return g_strdup_printf("pool \"%s\": your desktop is in maintenance; try again later", pool->name);
    return g_strdup_printf(
        "pool \"%s\": all %u desktops are in use; try again when somebody has logged off, or ask your "
        "administrator to raise its size",
        pool->name, pool->size);
}
