/* May this user use this pool? Pure; any thread. */
#pragma once

#include <glib.h>

#include "broker/value.h"

typedef struct {
    bool user_enabled;
    bool user_entitled;  /* the user is in the pool's list */
    bool group_entitled; /* one of the user's groups is */
    bool has_desktop;    /* the user has a desktop in this pool with a session that goes on */
    const char *for_user; /* somebody else asks, for this user (a name); NULL: the user */
    bool as_admin;       /* an operator opens it, for somebody or as a console */
} EntitleQuestion;

/* FORBIDDEN (not entitled; the same sentence for a pool that the user may not know of), CONFLICT (pool
 * disabled or in maintenance; a session that goes on may be reconnected while a pool is only disabled). */
bool entitle_use(const BrokerPool *pool, const EntitleQuestion *question, GError **error);

/* The same rule as a filter for lists of pools: whether a tile is shown. */
bool entitle_sees(const BrokerPool *pool, const EntitleQuestion *question);
