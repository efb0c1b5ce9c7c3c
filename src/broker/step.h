/* The one next step that brings a desktop from what it is to what it should be. Each step is idempotent, so
 * whoever is killed between two, or in the middle of one, asks again and goes on. Pure; any thread. */
#pragma once

#include "broker/value.h"

typedef enum {
    STEP_NONE,         /* it is as it should be, or has to wait for a template */
    STEP_WAIT,         /* needs the template, which is not ready */
    STEP_FORK,         /* a new disk and memory from the template */
    STEP_MAKE,         /* a new disk from the image, and power on: pools that do not fork */
    STEP_RESUME,       /* its own suspended memory */
    STEP_BOOT,         /* its own disk, from power on */
    STEP_SHUT_DOWN,    /* orderly; the disk is kept */
    STEP_SUSPEND,      /* its memory goes to the disk: STEP_RESUME brings it back */
    STEP_POWER_OFF,    /* the power is cut; the disk is kept */
    STEP_END,          /* at once; its memory and disk are not wanted any more */
    STEP_DISCARD,      /* remove its folder */
    STEP_FORGET,       /* remove its row: machine and folder are gone */
    STEP_MARK_RUNNING, /* the machine runs already: only the row does not know */
    STEP_MARK_STOPPED,
    STEP_MARK_ABSENT,
    STEP_DIED, /* the row says running, but the machine is gone: end the session, then on as session_end says
                */
} DesktopStep;

typedef struct {
    BrokerDesired desired;
    BrokerObserved observed;
    bool current;  /* generation == observed generation: the disk that is there, if any, has run and is the
                      wanted one */
    bool seat;     /* on a shared machine: it has none of its own, and nothing is ever to be done */
    bool assigned; /* belongs to a user; a shared machine: somebody sits there */
    bool floating;
    bool alive;          /* its QEMU runs */
    bool has_disk;       /* its folder is there */
    bool external;       /* a machine that was there before: nothing is made, ended or thrown away */
    bool suspended;      /* its folder holds a suspended machine */
    bool template_ready; /* on this host, for what the pool wants now; of pools that do not fork: their image is */
    bool boots;          /* its pool does not fork: linked and full */
    bool making;         /* a job makes its disk, or is about to */
} StepQuestion;

DesktopStep step_next(const StepQuestion *question);

/* "fork", "boot", ... for logs. Never NULL. */
const char *step_name(DesktopStep step);

/* How long to wait before the same step is tried again after `failures` failures in a row (1…): 1 s,
 * doubling, at most 5 min. */
int64_t step_backoff_ms(unsigned failures);
