/* May this user use this pool? Pure; any thread. */
#pragma once

#include <glib.h>

#include "broker/value.h"

typedef struct {
    bool user_enabled;
    bool user_entitled;  /* the user is in the pool's list */
    bool group_entitled; /* one of the user's groups is */
    bool has_desktop;    /* the user has a desktop in this pool */
    bool in_session;     /* ... and that session is still open */
    const char *for_user; /* somebody else asks, for this user (a name); NULL: the user */
    bool as_admin;       /* an operator opens it, for somebody or as a console */
} EntitleQuestion;

/* FORBIDDEN (not entitled; the same sentence for a pool that the user may not know of), CONFLICT (pool
 * disabled, in maintenance or draining; a session that goes on may be reconnected while a pool is only disabled or drains). */
bool entitle_use(const BrokerPool *pool, const EntitleQuestion *question, GError **error);

/* The same rule as a filter for lists of pools: whether a tile is shown. */
bool entitle_sees(const BrokerPool *pool, const EntitleQuestion *question);
