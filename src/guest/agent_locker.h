/* A locked screen that only the host opens again. Nobody has a password in the guest, so what proves that the person is back is a log-in to
 * the portal; until then the machine's keyboards and mice are held in the kernel (EVIOCGRAB, agent_activity), and oriel-locker covers the
 * session's screen. What a program of the session does to that program does not unlock anything: it is started again, and a screen that does
 * not stay covered ends its session. A file of /run remembers it for an agent that is started again. */
#pragma once

#include <stdbool.h>

#include "guest/agent_session.h"

#define AGENT_LOCKER "/usr/lib/oriel/oriel-locker"
#define LOCKER_TRIES 10        /* deaths in a row after which the session is ended */
#define LOCKER_AGAIN_MS 300    /* before it is started again, once more for each death */
#define LOCKER_GOOD_MS 30000   /* one that has stayed so long died of something new */
#define LOCKER_FILE "/run/oriel-locked" /* the session's id */

typedef struct {
    bool held;       /* only agent_locker_release ends it */
    bool covers;     /* it is on the screen, as far as we know */
    bool has_covered; /* and has been before: one that never was locks nothing */
    char session[32]; /* logind's, of the session that is locked */
    int pid;         /* of the program; 0: none runs */
    int output;      /* its: readable when it covers, and at its end */
    unsigned deaths; /* in a row */
    long long began_ms; /* CLOCK_MONOTONIC */
} AgentLocker;

typedef enum {
    LOCKER_NOTHING, /* no news */
    LOCKER_COVERS,
    LOCKER_DIED,     /* to be started again by agent_locker_cover, after agent_locker_pause_ms */
    LOCKER_HOPELESS, /* it has died LOCKER_TRIES times */
} LockerNews;

/* There is a screen that can be covered, and a program for it. */
bool agent_locker_fits(const AgentSession *session);

/* Whether this session was locked when an earlier agent ended. */
bool agent_locker_remembers(const AgentSession *session);

/* From now on it is held. */
void agent_locker_hold(AgentLocker *locker, const AgentSession *session);

/* Starts the program: then watch locker->output. False: it cannot be started now. */
bool agent_locker_cover(AgentLocker *locker, const AgentSession *session, Failure *failure);

/* locker->output is readable. */
LockerNews agent_locker_hear(AgentLocker *locker);

/* A start that failed counts as a death. True: it is of no use to try once more. */
bool agent_locker_failed(AgentLocker *locker);

int agent_locker_pause_ms(const AgentLocker *locker);

/* Nothing covers the screen any more, nothing is remembered. */
void agent_locker_release(AgentLocker *locker);
