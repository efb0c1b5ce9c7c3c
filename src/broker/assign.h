/* Which desktop a user gets in a pool. Pure; any thread. */
#pragma once

#include "broker/value.h"

typedef enum {
    ASSIGN_EXISTING, /* the user's own: maybe running, maybe to be started */
    ASSIGN_SPARE,    /* nobody's, running: give it */
    ASSIGN_START,    /* nobody's, not running: give it and start it */
    ASSIGN_CREATE,   /* none is there, but the pool may grow */
    ASSIGN_FULL,     /* none, and the pool may not grow */
    ASSIGN_NONE,     /* assigned by hand (but seats, which a click takes), and nobody gave this user a desktop */
    ASSIGN_HELD,     /* the user's own is in maintenance */
    ASSIGN_LIMIT,    /* another one is wanted, but the user has as many as the pool allows */
    ASSIGN_NOT_THEIRS, /* a certain one is wanted, but it is not the user's */
} AssignKind;

typedef struct {
    AssignKind kind;
    const char *desktop_id; /* borrowed from the desktops given; NULL for CREATE, FULL, NONE, HELD, LIMIT and NOT_THEIRS */
} Assignment;

/* A new user gets what is there soonest: of the running ones, those whose agent is ready come first and those that boot last,
 * after what can be forked. Among several equally good ones each user has an order of preference of their own (rendezvous hashing), so that many who
 * click at once do not all reach for the same one. Of seats the one goes first whose machine has the fewest people. Seats of outdated
 * machines are given only where people work there already and the pool has no place for another machine. Desktops on their way out (desired deleted), failed or outdated ones are
 * not given to a new user; a user's own desktop is, whatever its state, unless it is in maintenance and no session of theirs
 * goes on there. Who has several returns to the one used last, those in maintenance after the others. */
typedef struct {
    const char *user_id;
    const char *desktop_id; /* this one of theirs; NULL: any */
    bool another;           /* one more, whatever they have */
} AssignWish;
Assignment assign_desktop(const BrokerPool *pool, const BrokerDesktop *desktops, size_t count, const AssignWish *wish);

/* The sentence for what gives none. Caller frees. */
char *assign_refusal(const BrokerPool *pool, AssignKind kind);
