#include "broker/assign.h"

#include <glib.h>
#include <string.h>

static bool is_free(const BrokerDesktop *desktop)
{
    return !desktop->user_id && !desktop->in_session && desktop->desired != BROKER_WANT_DELETED;
}

/* How good a desktop is for a new user: the lower the better; ASSIGN_FULL: not at all. */
static AssignKind kind_for_new_user(const BrokerDesktop *desktop)
{
    if (!is_free(desktop) || desktop->outdated || desktop->observed == BROKER_FAILED)
        return ASSIGN_FULL;
    if (desktop->observed == BROKER_RUNNING && desktop->current && desktop->desired == BROKER_WANT_RUNNING)
        return ASSIGN_SPARE;
    return ASSIGN_START;
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

Assignment assign_desktop(const BrokerPool *pool, const BrokerDesktop *desktops, size_t count,
                          const char *user_id)
{
    const BrokerDesktop *own = own_desktop(desktops, count, user_id);
    if (own)
        return (Assignment){ASSIGN_EXISTING, own->id};
    if (pool->type == BROKER_MANUAL)
        return (Assignment){ASSIGN_NONE, NULL};
    Assignment best = {ASSIGN_FULL, NULL};
    uint64_t best_preference = 0;
    for (size_t i = 0; i < count; i++) {
        AssignKind kind = kind_for_new_user(&desktops[i]);
        if (kind == ASSIGN_FULL || (best.desktop_id && kind > best.kind))
            continue;
        uint64_t mine = preference(user_id, desktops[i].id);
        if (best.desktop_id && kind == best.kind && mine <= best_preference)
            continue;
        best = (Assignment){kind, desktops[i].id};
        best_preference = mine;
    }
    if (!best.desktop_id && count < pool->size)
        best.kind = ASSIGN_CREATE;
    return best;
}

char *assign_refusal(const BrokerPool *pool, AssignKind kind)
{
    if (kind == ASSIGN_NONE)
        return g_strdup_printf(
            "pool \"%s\": no desktop of it was assigned to you; ask your administrator for one", pool->name);
    return g_strdup_printf(
        "pool \"%s\": all %u desktops are in use; try again when somebody has logged off, or ask your "
        "administrator to raise its size",
        pool->name, pool->size);
}
