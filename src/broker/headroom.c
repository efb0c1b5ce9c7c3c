#include "broker/headroom.h"

#include <glib.h>
#include <string.h>

typedef struct {
    unsigned all;       /* rows that stay */
    unsigned spare;     /* nobody's, running or on the way there */
    unsigned startable; /* nobody's, stopped */
    unsigned useless;   /* nobody's, outdated: they go, and others come in their place */
} Census;

static bool is_free(const BrokerDesktop *desktop)
{
    return !desktop->user_id && !desktop->in_session && !desktop->maintenance && desktop->desired != BROKER_WANT_DELETED;
}

/* A click that has just made one takes no outdated one: those need not wait. */
static bool may_go(const BrokerDesktop *desktop)
{
    return is_free(desktop) && (desktop->outdated || !desktop->fresh);
}

static Census census_of(const BrokerDesktop *desktops, size_t count)
{
    Census census = {0};
    for (size_t i = 0; i < count; i++) {
        const BrokerDesktop *desktop = &desktops[i];
        if (desktop->desired == BROKER_WANT_DELETED)
            continue;
        census.all++;
        if (!is_free(desktop))
            continue;
        if (desktop->outdated)
            census.useless++;
        else if (desktop->desired == BROKER_WANT_RUNNING)
            census.spare++;
        else
            census.startable++;
    }
    return census;
}

/* Nobody gets in while a pool is off, so nothing is kept ready; what is there stays as it is. */
static unsigned spares_wanted(const BrokerPool *pool, const Census *census)
{
    unsigned used = census->all - census->spare - census->startable - census->useless;
    unsigned places = pool->size > used ? pool->size - used : 0;
    unsigned up_front = pool->minimum > used ? pool->minimum - used : 0;
    return pool->draining ? 0 : MIN(MAX(pool->spares, up_front), places);
}

static unsigned surplus_of(const BrokerPool *pool, const Census *census)
{
    if (pool->deleted)
        return census->all;
    if (pool->type == BROKER_MANUAL)
        return 0;
    unsigned wanted = spares_wanted(pool, census);
    unsigned free = census->spare + census->startable;
    return census->useless + (free > wanted ? free - wanted : 0);
}

Headroom headroom_of(const BrokerPool *pool, const BrokerDesktop *desktops, size_t count, unsigned room)
{
    Census census = census_of(desktops, count);
    Headroom headroom = {.delete = surplus_of(pool, &census)};
    if (pool->deleted || pool->type == BROKER_MANUAL || !pool->enabled || pool->maintenance)
        return headroom;
    unsigned wanted = spares_wanted(pool, &census);
    unsigned missing = wanted > census.spare ? MIN(wanted - census.spare, room) : 0;
    headroom.start = MIN(missing, census.startable);
    missing -= headroom.start;
    /* Useless ones still take a place until they are gone. */
    unsigned places = pool->size > census.all ? pool->size - census.all : 0;
    headroom.create = MIN(missing, places);
    return headroom;
}

/* The order in which desktops go: smaller goes first. */
static int rank(const BrokerDesktop *desktop)
{
    if (desktop->outdated)
        return 0;
    if (desktop->observed == BROKER_FAILED)
        return 1;
    return desktop->desired == BROKER_WANT_RUNNING ? 3 : 2;
}

static gint compare_surplus(gconstpointer a, gconstpointer b, gpointer data)
{
    const BrokerDesktop *desktops = data;
    const BrokerDesktop *left = &desktops[*(const unsigned *)a], *right = &desktops[*(const unsigned *)b];
    int difference = rank(left) - rank(right);
    return difference != 0 ? difference : strcmp(right->id, left->id); /* a ULID that is greater is younger */
}

unsigned headroom_surplus(const BrokerPool *pool, const BrokerDesktop *desktops, size_t count,
                          unsigned *indices, unsigned most)
{
    Census census = census_of(desktops, count);
    unsigned surplus = MIN(surplus_of(pool, &census), most);
    g_autofree unsigned *order = g_new(unsigned, count ? count : 1);
    unsigned candidates = 0;
    for (size_t i = 0; i < count; i++)
        if (pool->deleted ? desktops[i].desired != BROKER_WANT_DELETED : may_go(&desktops[i]))
            order[candidates++] = (unsigned)i;
    g_qsort_with_data(order, (gint)candidates, sizeof *order, compare_surplus, (gpointer)desktops);
    surplus = MIN(surplus, candidates);
    for (unsigned i = 0; i < surplus; i++)
        indices[i] = order[i];
    return surplus;
}
