/* Sessions of people on desktops, and the single-use tickets of their displays. */
#pragma once

#include "store/desktop.h"
#include "store/display.h"
#include "store/policy.h"

typedef enum {
    STORE_SESSION_CONNECTING,
    STORE_SESSION_CONNECTED,
    STORE_SESSION_DISCONNECTED,
    STORE_SESSION_ENDED,
} StoreSessionState;

const char *store_session_state_word(StoreSessionState state); /* "connecting", ... */
bool store_session_state_parse(const char *word, StoreSessionState *ret);

typedef struct {
    char *id;
    char *user_id; /* NULL: that user has been deleted */
    char *user_name;
    char *pool_id; /* NULL: that pool has been deleted; the same for the desktop */
    char *pool_name;
    char *desktop_id;
    char *desktop_name;
    StoreSessionState state;
    char *client; /* address it was last connected from; "" if unknown */
    int64_t started_ms;
    int64_t changed_ms; /* state last changed */
    int64_t ended_ms;   /* 0: not ended */
    char *end_reason;   /* "" until ended; "logged off", "refreshed", "released", "deleted", "host restarted",
                           ... */
    int64_t version;
    int64_t input_ms; /* last input that is known; 0: none yet */
    bool locked;      /* its guest's screen */
    int64_t locked_ms; /* since when only a log-in to the portal made later unlocks it; 0: it is not locked so */
    char *steps;      /* of the last log-on: JSON, an array (store_session_set_steps) */
    StoreAgent agent; /* of its desktop; NONE where that is gone */
    char *policy_id;   /* which policy decided for it; NULL: none, or it has ended and its desktop has the next session */
    char *policy_name; /* as it was called then */
} StoreSession;

void store_session_free(StoreSession *session);

/* Whoever had the ticket may not be who opens the display: from there it is used from now on. Nothing, and true, where it has ended. */
bool store_session_set_client(Store *store, const char *id, const char *client, GError **error);

typedef struct {
    const char *desktop_id;
    const char *user_id; /* must be the desktop's assignment */
    const char *client;
    const char *ticket_hash; /* secret_token_hash of a new ticket bound to the session; NULL: no ticket now */
    int64_t ticket_expires_ms;
    const StoreChoice *choice; /* what policies decided for it; its ids are not used. NULL: nothing was asked */
    int64_t proved_ms; /* when the person last logged in to the portal themselves, as this click knows; 0: never */
} StoreSessionOpen;

/* The desktop's session of that user that is not ended (back to connecting unless connected), else a new one,
 * and the ticket, in one transaction. CONFLICT: the desktop is not assigned to this user (any more). FORBIDDEN: it is
 * locked, and proved_ms is not after that. */
StoreSession *store_session_open(Store *store, const StoreActor *actor, const StoreSessionOpen *fields,
                                 GError **error);

typedef struct {
    StoreDesktop *desktop;
    StoreSession *session;
} StoreConnected;

void store_connected_clear(StoreConnected *connected);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreConnected, store_connected_clear)

/* store_desktop_claim and store_session_open in one transaction: the click. open->desktop_id and
 * open->user_id are not used. Errors as those two. */
bool store_connect(Store *store, const StoreActor *actor, const StoreClaim *claim,
                   const StoreSessionOpen *open, StoreConnected *ret, GError **error);

StoreSession *store_session_get(Store *store, const char *id, GError **error);

typedef struct {
    const char *user_id; /* NULL: any; the same for the next two */
    const char *pool_id;
    const char *desktop_id;
    bool with_ended;
    const char *search; /* in the name of the person or the desktop, or the display name; NULL: any */
    const char *helper_id; /* only of people whom this limited help desk may help; NULL: not limited */
    int64_t from_ms;    /* that went on then or later; 0: any */
    int64_t until_ms;   /* that began before; 0: any */
} StoreSessionFilter;

/* Newest first. filter NULL: all that are not ended. */
GPtrArray *store_session_list(Store *store, const StoreSessionFilter *filter, const StorePage *page,
                              char **ret_next, GError **error);

typedef struct {
    char *desktop_id;
    int64_t ended_ms;
    char *client; /* where that session was last connected from */
} StoreLeft;

void store_left_free(StoreLeft *left);

/* For each desktop of this host that is somebody's and has no session: the end of its last one, a row where there was one. */
GPtrArray *store_session_left(Store *store, const char *host_id, GError **error);

/* The desktop's session that is not ended. NOT_FOUND: none. */
StoreSession *store_session_of_desktop(Store *store, const char *desktop_id, GError **error);

/* connecting, connected, disconnected from any of the three; the same state again is fine. CONFLICT: it has
 * ended. client NULL: keep. */
bool store_session_set_state(Store *store, const StoreActor *actor, const char *id, StoreSessionState state,
                             const char *client, GError **error);

typedef struct {
    const char *desktop_id;
    int64_t input_ms;
    bool locked;
    bool held; /* locked so that only Oriel unlocks it */
} StoreSessionInput;

/* Of the desktop's session that is not ended, if there is one. Watchers are told where its screen was locked or unlocked, or where
 * somebody is back after idle_ms; no event but for the beginning of a lock that is held, and relaxed: after a power cut nobody works there.
 * *ret_open: it is locked, and its guest does not hold it. */
bool store_session_set_input(Store *store, const StoreSessionInput *input, int64_t idle_ms, bool *ret_open, GError **error);

/* Its guest has locked it for this actor. held: as above. Idempotent. CONFLICT: it has ended. */
bool store_session_lock(Store *store, const StoreActor *actor, const char *id, bool held, GError **error);

typedef struct {
    const char *id;
    int64_t proved_ms; /* when the person logged in */
} StoreSessionUnlock;

/* Whether that person may unlock it: FORBIDDEN, a sentence for them. */
bool store_session_may_unlock(const StoreSession *session, int64_t proved_ms, GError **error);

/* The person's open displays of it belong to the actor's login from now on. Idempotent. FORBIDDEN as above. */
bool store_session_unlock(Store *store, const StoreActor *actor, const StoreSessionUnlock *unlock, GError **error);

/* How long the steps of a log-on took: [{"name": text, "at_ms": number since the click, "took_ms": number}]. No event; relaxed. */
bool store_session_set_steps(Store *store, const char *id, const char *steps, GError **error);

/* What is no field of the session has changed for who looks at it, such as the plan of its display: watchers are told. */
bool store_session_tell(Store *store, const StoreSession *session, GError **error);

/* Ends the session and does `after` with its desktop (broker/ decides), in one transaction. Idempotent: an
 * ended session stays as it is and its desktop is not touched. */
bool store_session_end(Store *store, const StoreActor *actor, const char *id, const char *reason,
                       StoreAfter after, GError **error);

/* ---- tickets ---- */

typedef struct {
    char *session_id; /* NULL: the console of an administrator */
    char *desktop_id;
    char *user_id; /* who got it; NULL: the local administrator */
    char *client;  /* address it was given to, "" if unknown */
    int64_t expires_ms;
    char *login_id; /* web session or token by which it was got; NULL: none */
    char *agent;    /* of the browser of that web session; "" if unknown */
    StoreDisplayMode mode;
} StoreTicket;

void store_ticket_free(StoreTicket *ticket);

typedef struct {
    const char *hash;       /* secret_token_hash; the ticket itself is never stored */
    const char *session_id; /* NULL: console */
    const char *desktop_id;
    const char *user_id; /* NULL: local administrator */
    const char *client;
    int64_t expires_ms;
    StoreDisplayMode mode;
} StoreTicketNew;

/* Expired tickets are removed on the way. */
bool store_ticket_create(Store *store, const StoreActor *actor, const StoreTicketNew *fields, GError **error);

/* Uses the ticket up: of many callers at once exactly one succeeds. NOT_FOUND: unknown, expired, used, the login that
 * got it has ended, its session has ended, its desktop has changed hands, or its user is disabled or no longer entitled
 * (no difference is shown). */
StoreTicket *store_ticket_redeem(Store *store, const char *hash, int64_t now_ms, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreLeft, store_left_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreSession, store_session_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreTicket, store_ticket_free)
