/* The plain values that decisions are made from. Strings are borrowed from the caller. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    BROKER_FLOATING,  /* any free desktop; it goes back when the session ends */
    BROKER_DEDICATED, /* the first click makes a desktop the user's for good */
    BROKER_MANUAL,    /* people make and assign the desktops; nothing is made or deleted by itself */
} BrokerPoolType;

typedef struct {
    const char *id;
    const char *name;
    BrokerPoolType type;
    bool enabled;             /* false: nobody new gets in; who is in session stays */
    bool maintenance;         /* the same, and people are told that it is maintenance */
    bool deleted;             /* the pool is going: so are all its desktops */
    bool refresh_on_log_off;  /* floating: back to the image after each user */
    bool delete_on_log_off;   /* a release plan's: the desktop goes with its session */
    unsigned seats;           /* manual: the desktop in question is a seat. Floating, shared machines: seats of each; size and minimum count machines, spares seats. 0: not shared */
    unsigned size;            /* most desktops */
    unsigned most_a_user;     /* floating: desktops that one person may have; 0 is taken as 1 */
    unsigned minimum;         /* desktops that are there in any case, whoever has them */
    unsigned spares;          /* desktops that run, ready for the next user */
    bool draining;            /* no new sessions; those that are open go on, and free desktops go */
    bool assign_by_hand;      /* dedicated: a click gives nobody a desktop, an operator does */
    int64_t log_off_after_ms; /* a disconnected session is logged off after this; 0: never */
    int64_t lock_after_idle_ms, disconnect_after_idle_ms, log_off_after_idle_ms; /* a connected one without input; 0: never */
} BrokerPool;

typedef enum {
    BROKER_ABSENT, /* a row, but no disk and no machine yet */
    BROKER_STARTING,
    BROKER_RUNNING,
    BROKER_STOPPING,
    BROKER_STOPPED, /* has a disk (or a suspended machine) */
    BROKER_FAILED,
} BrokerObserved;

typedef enum {
    BROKER_WANT_RUNNING,
    BROKER_WANT_STOPPED,   /* shut down in an orderly way */
    BROKER_WANT_SUSPENDED, /* memory on the disk; resumes where it was */
    BROKER_WANT_OFF,       /* power cut, disk kept */
    BROKER_WANT_DELETED,
} BrokerDesired;

typedef struct {
    const char *id;
    const char *user_id; /* assignment; NULL: nobody's */
    BrokerDesired desired;
    BrokerObserved observed;
    unsigned seats;  /* a shared machine's: given to nobody itself; 0: a desktop, or a seat */
    const char *machine_id; /* a seat's; NULL: no seat */
    unsigned taken;  /* seats that are somebody's: of this machine, or of the one that this is a seat of */
    bool current;    /* generation == observed generation: no refresh is due */
    bool outdated;   /* made from another image version or with other sizes than the pool has now */
    bool agent_ready; /* its guest has said that it is usable */
    bool booting;     /* runs, but from its disk, and is not usable yet: nothing to see for a while */
    bool maintenance; /* for the administrator alone: nobody gets it, nothing takes it away */
    int64_t used_ms; /* when its user used it last; only compared with others of the same user */
    bool in_session; /* a session that has not ended */
    bool fresh; /* changed a moment ago: perhaps a click has just made it for itself, so nobody takes it away
                   yet */
} BrokerDesktop;
