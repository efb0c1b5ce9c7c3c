#include "broker/assign.h"

#include <glib.h>
#include <string.h>

static bool is_free(const BrokerDesktop *desktop)
{
    return !desktop->user_id && !desktop->seats && !desktop->in_session && !desktop->maintenance && desktop->desired != BROKER_WANT_DELETED;
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

static bool is_held(const BrokerDesktop *desktop)
{
    return desktop->maintenance && !desktop->in_session;
}

static bool is_theirs(const BrokerDesktop *desktop, const char *user_id)
{
    return desktop->user_id && strcmp(desktop->user_id, user_id) == 0 && desktop->desired != BROKER_WANT_DELETED;
}

static bool is_nearer(const BrokerDesktop *desktop, const BrokerDesktop *own)
{
    if (is_held(desktop) != is_held(own))
        return is_held(own);
    return desktop->used_ms != own->used_ms ? desktop->used_ms > own->used_ms : strcmp(desktop->id, own->id) < 0;
}

/* Of theirs the one to return to; *ret_count: how many they have. */
static const BrokerDesktop *own_desktop(const BrokerDesktop *desktops, size_t count, const AssignWish *wish, unsigned *ret_count)
{
    const BrokerDesktop *own = NULL;
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        const BrokerDesktop *desktop = &desktops[i];
        if (!is_theirs(desktop, wish->user_id))
            continue;
        ++*ret_count;
        bool wanted = !wish->desktop_id || strcmp(wish->desktop_id, desktop->id) == 0;
        if (wanted && (!own || is_nearer(desktop, own)))
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
    if (wait == best_wait && desktop->taken != best->taken)
        return desktop->taken < best->taken; /* seats: over all machines */
    return wait != best_wait ? wait < best_wait
                             : preference(user_id, desktop->id) > preference(user_id, best->id);
}

/* Whoever works there keeps that machine as it is: better a seat beside them than none. */
static const BrokerDesktop *outdated_seat(const BrokerDesktop *desktops, size_t count, const char *user_id)
{
    const BrokerDesktop *best = NULL;
    for (size_t i = 0; i < count; i++) {
        const BrokerDesktop *desktop = &desktops[i];
        bool may = desktop->machine_id && desktop->taken > 0 && is_free(desktop) && desktop->observed == BROKER_RUNNING;
        if (may && (!best || is_better(desktop, best, user_id)))
            best = desktop;
    }
    return best;
}

static size_t machines_of(const BrokerDesktop *desktops, size_t count)
{
    size_t machines = 0;
    for (size_t i = 0; i < count; i++)
        machines += !desktops[i].machine_id;
    return machines;
}

static bool has_seats(const BrokerDesktop *desktops, size_t count)
{
    return machines_of(desktops, count) < count;
}

static Assignment return_to(const BrokerDesktop *own)
{
    return is_held(own) ? (Assignment){ASSIGN_HELD, NULL} : (Assignment){ASSIGN_EXISTING, own->id};
}

static Assignment assign_new(const BrokerPool *pool, const BrokerDesktop *desktops, size_t count, const char *user_id)
{
    bool by_hand = pool->type == BROKER_MANUAL || pool->assign_by_hand;
    const BrokerDesktop *best = NULL;
    for (size_t i = 0; i < count; i++)
        if (may_be_given(&desktops[i]) && (!by_hand || desktops[i].machine_id) && (!best || is_better(&desktops[i], best, user_id)))
            best = &desktops[i];
    if (by_hand && !best)
        return (Assignment){has_seats(desktops, count) ? ASSIGN_FULL : ASSIGN_NONE, NULL};
    bool may_grow = machines_of(desktops, count) < pool->size;
    if (!best && !may_grow)
        best = outdated_seat(desktops, count, user_id);
    if (best)
        return (Assignment){kind_for_new_user(best), best->id};
    return (Assignment){may_grow ? ASSIGN_CREATE : ASSIGN_FULL, NULL};
}

Assignment assign_desktop(const BrokerPool *pool, const BrokerDesktop *desktops, size_t count, const AssignWish *wish)
{
    unsigned has = 0, most = pool->type == BROKER_FLOATING && pool->most_a_user > 0 ? pool->most_a_user : 1;
    const BrokerDesktop *own = own_desktop(desktops, count, wish, &has);
    if (wish->another && has >= most)
        return (Assignment){ASSIGN_LIMIT, NULL};
    if (own && !wish->another)
        return return_to(own);
    if (wish->desktop_id)
        return (Assignment){ASSIGN_NOT_THEIRS, NULL};
    return assign_new(pool, desktops, count, wish->user_id);
}

char *assign_refusal(const BrokerPool *pool, AssignKind kind)
{
    if (kind == ASSIGN_NONE)
        return g_strdup_printf(
            "pool \"%s\": no desktop of it was assigned to you; ask your administrator for one", pool->name);
    if (kind == ASSIGN_LIMIT)
        return g_strdup_printf("pool \"%s\": you have %u of its desktops, as many as it allows one person; log off from one of them first",
                               pool->name, MAX(pool->most_a_user, 1));
    if (kind == ASSIGN_NOT_THEIRS)
        return g_strdup_printf("pool \"%s\": this desktop is not yours; open the pool to get one that is", pool->name);
    if (kind == ASSIGN_HELD)
        return g_strdup_printf("pool \"%s\": your desktop is in maintenance; try again later", pool->name);
    if (pool->type == BROKER_MANUAL)
        return g_strdup_printf("pool \"%s\": all seats of its machines are in use; try again when somebody has logged off", pool->name);
    if (pool->seats)
        return g_strdup_printf("pool \"%s\": all seats of its %u machines are in use; try again when somebody has logged off, or ask your "
                               "administrator for another machine or more seats",
                               pool->name, pool->size);
    return g_strdup_printf(
        "pool \"%s\": all %u desktops are in use; try again when somebody has logged off, or ask your "
        "administrator to raise its size",
        pool->name, pool->size);
}
