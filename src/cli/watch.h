/* Waiting for something of the API to become so, told by its stream of events: never by polling while the
 * stream lives. */
#pragma once

#include <stdbool.h>

#include "cli/cli.h"
#include "cli/progress.h"

typedef enum { WATCH_ON, WATCH_DONE, WATCH_FAILED } WatchVerdict;

typedef struct {
    const char *path; /* of the object, read again whenever an event may concern it */
    const char *id;   /* only events of this object concern it; NULL: any event */
    /* Looks at the object as it is now, moves the progress, and decides; WATCH_FAILED sets error. */
    WatchVerdict (*look)(void *context, const Json *object, Progress *progress, GError **error);
    void *context;
    const char *job_id; /* a job that Ctrl-C may cancel; NULL: none */
    const char *left;   /* what goes on when the person stops waiting: "job 01H… goes on" */
} Watch;

/* The object as it was at WATCH_DONE. NULL: WATCH_FAILED, interrupted (CANCELLED), or orield gone for half a
 * minute. Caller owns. */
Json *watch_until(Cli *cli, const Watch *watch, GError **error);

/* Waits for a job's end, with its progress. The job as it ended; NULL with its error where it failed or was
 * cancelled. */
Json *watch_job(Cli *cli, const char *job_id, GError **error);
