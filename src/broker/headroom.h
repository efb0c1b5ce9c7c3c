/* How many desktops a pool must gain or lose so that its minimum, its spares and its size hold. Pure; any thread. */
#pragma once

#include "broker/value.h"

typedef struct {
    unsigned create; /* new rows, desired = running */
    unsigned start;  /* of nobody's desktops that are stopped: desired = running */
    unsigned delete; /* nobody's desktops, not in session: which ones, headroom_surplus says */
} Headroom;

/* `room`: how many more machines fit into this host (admission.h). Spares that start or failed count as
 * spares (the host tries a failed one again, with back-off), so that asking twice does not make twice as
 * many. Of nobody's desktops a pool keeps as many as its spares, or as its minimum asks for beyond those that are in use;
 * of a pool that drains all go. Of shared machines (pool->seats) an empty one is free, and its seats are what spares count;
 * seats themselves are not counted as desktops. `delete` says how many too many there are; fresh ones among them stay for now. */
Headroom headroom_of(const BrokerPool *pool, const BrokerDesktop *desktops, size_t count, unsigned room);

/* Which desktops go, and in which order: those that are useless first (outdated, failed, stopped), then the
 * youngest. Writes at most `most` indices of `desktops` and returns their number. Never one with a user, or
 * in a session, unless the pool itself is being deleted. */
unsigned headroom_surplus(const BrokerPool *pool, const BrokerDesktop *desktops, size_t count,
                          unsigned *indices, unsigned most);
