/* Desktops: desired and observed (docs/architecture.md, contract 4), and who has which.
 *
 * A seat of a shared machine is a desktop without a machine of its own: desired, observed, generations, agent, image version and
 * maintenance are its machine's, written with them in one transaction; assignment and session are its own. Who leaves a seat that
 * is to be refreshed leaves the machine as it is until its last seat is empty. */
#pragma once

#include "store/store.h"

typedef enum {
    STORE_DESIRED_RUNNING,
    STORE_DESIRED_STOPPED,
    STORE_DESIRED_SUSPENDED,
    STORE_DESIRED_OFF,
    STORE_DESIRED_DELETED,
} StoreDesired;

typedef enum {
    STORE_OBSERVED_ABSENT,
    STORE_OBSERVED_STARTING,
    STORE_OBSERVED_RUNNING,
    STORE_OBSERVED_STOPPING,
    STORE_OBSERVED_STOPPED,
    STORE_OBSERVED_FAILED,
} StoreObserved;

typedef enum { STORE_AGENT_NONE, STORE_AGENT_READY } StoreAgent;

const char *store_desired_word(StoreDesired desired);    /* "running", ... */
const char *store_observed_word(StoreObserved observed); /* "absent", ... */
const char *store_agent_word(StoreAgent agent);          /* "none", "ready" */
bool store_observed_parse(const char *word, StoreObserved *ret);

typedef struct {
    char *id;
    char *pool_id;
    char *pool_name; /* read only */
    char *host_id;
    char *name; /* unique */
    char *image_version_id; /* NULL: a machine that was there before */
    bool maintenance;       /* nobody gets it; when its session ends it stays as it is for the administrator */
    char *protocol;         /* of a machine that was there before: "vnc" or "rdp"; NULL: one of ours, and the next four too */
    char *address;          /* name or address */
    uint16_t port;
    char *wake_mac;         /* Wake-on-LAN goes there; NULL: none */
    char *sealed_password;  /* of its VNC server, as secret_seal made it; NULL: none */
    StoreDesired desired;
    StoreObserved observed;
    int64_t generation;          /* a refresh raises it */
    int64_t observed_generation; /* 0: never forked yet; equal to generation: up to date */
    char *user_id;               /* assignment; NULL: nobody's */
    char *user_name;             /* read only; NULL: nobody's */
    int64_t assigned_ms;         /* 0: not assigned */
    StoreAgent agent;
    char *error;         /* NULL, or a sentence */
    char *mac;           /* "x2:…"; NULL: not forked yet */
    char *machine_id;    /* 32 hex digits; NULL: not forked yet */
    int64_t seats;       /* a shared machine's; 0: the desktop is one person's, or a seat */
    char *seat_of;       /* the machine's id; NULL: no seat */
    int64_t seat;        /* its number there: 1... */
    char *seat_of_name;  /* read only */
    int64_t seats_taken; /* read only: of this machine, or of the one that this is a seat of */
    int64_t observed_ms; /* when observed last changed */
    int64_t created_ms;
    int64_t updated_ms;
    int64_t version;
} StoreDesktop;

void store_desktop_free(StoreDesktop *desktop);

typedef struct {
    const char *pool_id;
    const char *host_id;
    const char *image_version_id;
    const char *name; /* NULL: of the pool's naming, with its next number */
    StoreDesired desired;
    const char *protocol; /* a machine that was there before: as in StoreDesktop, and image_version_id is NULL */
    const char *address;
    uint16_t port;
    const char *wake_mac;
    const char *sealed_password;
    unsigned seats; /* of a machine that was there before: several people get one each; 0: it is one's. Of ours the pool says it */
} StoreDesktopNew;

/* generation 1, observed = absent. FULL: the pool has its size in desktops. CONFLICT: the pool is being
 * deleted, or the name is taken. NOT_FOUND: no such pool, host or version. */
StoreDesktop *store_desktop_create(Store *store, const StoreActor *actor, const StoreDesktopNew *fields,
                                   GError **error);

/* Deletes one that is nobody's. CONFLICT: it, or one of its seats, is somebody's by now. */
bool store_desktop_retire(Store *store, const char *id, GError **error);

/* By number: seats of a shared machine. */
GPtrArray *store_desktop_seats(Store *store, const char *machine_id, GError **error);

/* By id or name. */
StoreDesktop *store_desktop_find(Store *store, const char *name_or_id, GError **error);

typedef struct {
    const char *pool_id; /* NULL: any; the same for all */
    const char *user_id;
    const char *host_id;
    const char *observed; /* word */
    const char *search;   /* in its name, or in the name of its person */
    const char *helper_id; /* only of people whom this limited help desk may help */
} StoreDesktopFilter;

/* By id (oldest first), with those that are desired = deleted. filter NULL: all. */
GPtrArray *store_desktop_list(Store *store, const StoreDesktopFilter *filter, const StorePage *page,
                              char **ret_next, GError **error);

/* What a click needs to see where desktops stand ready: those of the user in this pool, and up to `most` that are nobody's
 * and ready. None of the latter does not mean that the pool is full. */
GPtrArray *store_desktop_list_near(Store *store, const char *pool_id, const char *user_id, unsigned most, GError **error);

/* ---- who has it ---- */

typedef struct {
    const char *pool_id;
    const char *user_id;
    const char *desktop_id; /* this one (CONFLICT if it is no longer free or theirs), or NULL: the store picks, of theirs the
                               one used last, of free ones those that are ready first */
    bool another;           /* one more, though the user has some (FULL: as many as the pool allows) */
    bool returns;           /* to desktop_id, and to no other: CONFLICT if it is not theirs any more */
} StoreClaim;

/* The user's desktop in this pool if there is one, else a free one that becomes theirs; either is set to
 * desired = running. Atomic: never two users one desktop, never more desktops of one pool for one user than it allows, however
 * many claim at once. FULL: none is free, or an operator assigns them, or another of its users is in session. CONFLICT: the pool is disabled, in maintenance or being deleted.
 * NOT_FOUND: no such pool or user. */
StoreDesktop *store_desktop_claim(Store *store, const StoreActor *actor, const StoreClaim *claim,
                                  GError **error);

/* The user's desktop in this pool, of several the one used last. NOT_FOUND: none. */
StoreDesktop *store_desktop_of_user(Store *store, const char *pool_id, const char *user_id, GError **error);
/* All of them, the one used last first. */
GPtrArray *store_desktops_of_user(Store *store, const char *pool_id, const char *user_id, GError **error);

/* Gives a desktop to this user. CONFLICT: it is somebody else's (of as many as its pool allows for one), or the user has one
 * in this pool.
 * Idempotent. */
bool store_desktop_assign(Store *store, const StoreActor *actor, const char *id, const char *user_id,
                          GError **error);

/* What becomes of a desktop when its user leaves it; broker/ decides. */
typedef struct {
    bool release; /* nobody's again */
    bool refresh; /* generation + 1 */
    bool remove;  /* desired = deleted, instead of both */
} StoreAfter;

/* Both at once, or one of them. Its sessions end ("released" or "refreshed"). Idempotent only for release. */
bool store_desktop_release(Store *store, const StoreActor *actor, const char *id, StoreAfter after,
                           GError **error);

/* The same for what a release plan wants: nothing, and true, where somebody has a session on it by now. */
bool store_desktop_release_unused(Store *store, const char *id, StoreAfter after, GError **error);

/* One of those who may use a dedicated or manual desktop. */
typedef struct {
    char *desktop_id;
    char *user_id;
    char *user_name;
    int64_t assigned_ms;
} StoreAssignment;

void store_assignment_free(StoreAssignment *assignment);

/* Who may use the desktops with ids from `first` to `last`, by desktop, those who came first first. Of floating ones: none. */
GPtrArray *store_assignment_list(Store *store, const char *first, const char *last, GError **error);

/* Takes a dedicated or manual desktop from this one of its users: their session ends. The desktop stays as it is. NOT_FOUND:
 * it is not theirs. */
bool store_desktop_unassign(Store *store, const StoreActor *actor, const char *id, const char *user_id, GError **error);

/* Into maintenance, or out of it: then a floating desktop that is nobody's is refreshed, for it may hold what its last user
 * left. Idempotent. */
bool store_desktop_set_maintenance(Store *store, const StoreActor *actor, const char *id, bool maintenance,
                                   GError **error);

/* ---- desired: the API writes it ---- */

/* STORE_DESIRED_DELETED also ends its sessions and cannot be taken back (CONFLICT). */
bool store_desktop_set_desired(Store *store, const StoreActor *actor, const char *id, StoreDesired desired,
                               GError **error);
/* What a power plan wants of a user's desktop: STOPPED, SUSPENDED or OFF. *ret_done is false, and nothing was changed, where
 * somebody connects or is connected by now, or it is nobody's or does not run any more. */
bool store_desktop_rest(Store *store, const char *id, StoreDesired desired, bool *ret_done, GError **error);
/* generation + 1; its sessions end. With desired = deleted: CONFLICT. Also the way out of failed. */
bool store_desktop_refresh(Store *store, const StoreActor *actor, const char *id, GError **error);

/* ---- observed: the host writes it ---- */

typedef struct {
    const char *id;
    int64_t generation; /* the generation this observation is about: that of the row the host acted upon */
    StoreObserved observed;
    const char *error;            /* NULL: none (clears the old one) */
    const char *image_version_id; /* NULL: keep; the same for the next two */
    const char *mac;
    const char *machine_id;
    bool forked; /* observed_generation becomes generation: its disk and memory are of this generation */
} StoreObservation;

/* STALE: the row's observed_generation is already newer than `generation`. NOT_FOUND: the row is gone. An
 * observation that changes nothing writes nothing. Going to any state but running sets agent = none. An event
 * is written when it fails. */
bool store_desktop_observe(Store *store, const StoreObservation *observation, GError **error);

/* STALE: observed_generation is not `generation`. */
bool store_desktop_set_agent(Store *store, const char *id, int64_t generation, StoreAgent agent,
                             GError **error);

/* Every desktop of this host, for the reconcile loop. */
GPtrArray *store_desktop_list_host(Store *store, const char *host_id, GError **error);

/* Removes the row after machine and folder are gone. CONFLICT unless desired = deleted. Idempotent: a missing
 * row is fine. The last desktop of a pool that is being deleted takes the pool along. */
bool store_desktop_remove(Store *store, const char *id, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreDesktop, store_desktop_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreAssignment, store_assignment_free)
