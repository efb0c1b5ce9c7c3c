#include "broker/headroom.h"

#include <glib.h>
#include <string.h>

typedef struct {
    unsigned all;       /* rows that stay */
    unsigned spare;     /* nobody's, running or on the way there */
    unsigned startable; /* nobody's, stopped */
    unsigned useless;   /* nobody's, outdated: they go, and others come in their place */
    unsigned seats;     /* of shared machines: free ones, where a new user may sit down */
    unsigned seats_up;  /* of them on machines that run or are on the way there */
} Census;

static bool is_free(const BrokerDesktop *desktop)
{
    return !desktop->user_id && !desktop->machine_id && desktop->taken == 0 && !desktop->in_session && !desktop->maintenance && desktop->desired != BROKER_WANT_DELETED;
}

/* A click that has just made one takes no outdated one: those need not wait. */
static bool may_go(const BrokerDesktop *desktop)
{
    return is_free(desktop) && (desktop->outdated || !desktop->fresh);
}

static void count_seats(Census *census, const BrokerDesktop *machine)
{
    unsigned free = machine->seats > machine->taken && !machine->outdated && !machine->maintenance ? machine->seats - machine->taken : 0;
    census->seats += free;
    census->seats_up += machine->desired == BROKER_WANT_RUNNING ? free : 0;
}

static Census census_of(const BrokerDesktop *desktops, size_t count)
{
    Census census = {0};
    for (size_t i = 0; i < count; i++) {
        const BrokerDesktop *desktop = &desktops[i];
        if (desktop->desired == BROKER_WANT_DELETED || desktop->machine_id)
            continue;
        census.all++;
        count_seats(&census, desktop);
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

/* Empty machines without which the seats that are free elsewhere, and the minimum, still suffice. */
static unsigned surplus_shared(const BrokerPool *pool, const Census *census)
{
    unsigned spares = pool->draining ? 0 : pool->spares, minimum = pool->draining ? 0 : pool->minimum;
    unsigned good = census->all - census->useless;
    unsigned by_seats = census->seats > spares ? (census->seats - spares) / pool->seats : 0;
    unsigned by_minimum = good > minimum ? good - minimum : 0;
    return census->useless + MIN(MIN(by_seats, by_minimum), census->spare + census->startable);
}

/* Machines that are to run beyond those that do, for the seats that are missing. */
static unsigned missing_shared(const BrokerPool *pool, const Census *census)
{
    if (pool->draining)
        return 0;
    unsigned seats = pool->spares > census->seats_up ? pool->spares - census->seats_up : 0;
    unsigned up = census->all - census->useless - census->startable;
    return MAX((seats + pool->seats - 1) / pool->seats, pool->minimum > up ? pool->minimum - up : 0);
}

static unsigned surplus_of(const BrokerPool *pool, const Census *census)
{
    if (pool->deleted)
        return census->all;
    if (pool->type == BROKER_MANUAL)
        return 0;
    if (pool->seats)
        return surplus_shared(pool, census);
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
    unsigned missing = pool->seats ? missing_shared(pool, &census) : wanted > census.spare ? wanted - census.spare : 0;
    missing = MIN(missing, room);
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
        if (pool->deleted ? desktops[i].desired != BROKER_WANT_DELETED && !desktops[i].machine_id : may_go(&desktops[i]))
            order[candidates++] = (unsigned)i;
    g_qsort_with_data(order, (gint)candidates, sizeof *order, compare_surplus, (gpointer)desktops);
    surplus = MIN(surplus, candidates);
    for (unsigned i = 0; i < surplus; i++)
        indices[i] = order[i];
    return surplus;
}
