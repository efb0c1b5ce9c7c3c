/* The one table of calls (routes.c) and the search in it. Pure; any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "api/call.h"
#include "identity/role.h"

/* Who may call, beside the permissions of identity/role.h. */
#define ROUTE_ANYONE (-1) /* without login */
#define ROUTE_LOCAL (-2)  /* the local administrator only */

/* Which workers do it: each lane has its own bound, so that slow things never hold up quick ones. */
typedef enum {
    LANE_INLINE,   /* on the loop thread: must not block at all */
    LANE_QUICK,    /* reads and writes of the store */
    LANE_SLOW,     /* machines, disks, guests */
    LANE_FILES,    /* pieces of files, to and from guests */
    LANE_CONNECT,  /* the click: never behind a guest that does not answer */
    LANE_DISPLAY,  /* nor the opening of its picture */
    LANE_OUTSIDE,  /* asks other servers: a provider of log-ins */
    LANE_PASSWORD, /* argon2id: 64 MiB and 0.1 s each */
    LANE_LOGIN,    /* the same, and a directory that may not answer */
} Lane;

enum {
    ROUTE_IDEMPOTENT = 1 << 0, /* honours Idempotency-Key */
    ROUTE_NO_BODY = 1 << 1,    /* a body is ignored, not parsed */
    ROUTE_BODY_OPTIONAL = 1 << 2,
    ROUTE_BYTES = 1 << 4, /* its body is application/octet-stream, as it is */
    ROUTE_SECRET = 1 << 3, /* its answer holds a secret, which is not kept: a repeat is done anew */
};

typedef bool (*RouteHandler)(Call *call, GError **error);

struct Route {
    const char *method;
    const char *pattern; /* after "/api/v1/": "pools/{pool}/connect" */
    int permission;      /* Permission, ROUTE_ANYONE or ROUTE_LOCAL */
    RouteHandler handler;
    Lane lane;
    unsigned flags;
};

/* Ends with a row whose method is NULL. */
extern const Route routes[];

/* The route of "GET", "/api/v1/pools/demo"; HEAD is GET. parameters gets the values of the {names} (caller
 * frees; all NULL on failure). NULL: none; then *ret_allow is NULL (no such path) or the methods that exist
 * there (caller frees). */
const Route *router_find(const char *method, const char *path, char *parameters[CALL_PARAMETERS],
                         char **ret_allow);
