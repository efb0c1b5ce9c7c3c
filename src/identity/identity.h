/* Who is there: local users, passwords, logins, web sessions, links, API tokens. Any thread.
 *
 * A log-in costs one argon2id (64 MiB, about 0.1 s) whether the user exists or not; at most a few run at
 * once, more wait (TOO_MANY if too many wait). Never call it on a loop thread.
 */
#pragma once

#include "identity/role.h"
#include "store/login.h"
#include "store/user.h"

typedef struct Identity Identity;

#define IDENTITY_COOKIE "__Host-oriel"
#define IDENTITY_SESSION_MS (7 * 24 * 60 * 60 * 1000LL) /* a web session ends at the latest */
#define IDENTITY_IDLE_MS (12 * 60 * 60 * 1000LL)        /* or when unused for so long */
#define IDENTITY_LINK_MS (24 * 60 * 60 * 1000LL)        /* a one-time link */

/* The store lives longer. NULL on failure (no memory for argon2id). */
Identity *identity_new(Store *store, GError **error);
void identity_free(Identity *identity); /* NULL is fine */

/* ---- who calls ---- */

typedef enum { CALLER_COOKIE, CALLER_TOKEN, CALLER_LOCAL } CallerMeans;

typedef struct {
    CallerMeans means;
    char *user_id;      /* NULL: CALLER_LOCAL */
    char *name;         /* "local administrator" */
    char *display_name; /* may be "" */
    Roles roles;
    Scopes scopes; /* what of it this login or token may do */
    char *session_id; /* web session; NULL unless CALLER_COOKIE */
    char *csrf;       /* that X-Oriel-CSRF must equal; NULL unless CALLER_COOKIE */
    int64_t proved_ms; /* UTC: when they showed who they are, by password or provider; 0: a token, a kiosk, the local administrator */
    char *token_id;   /* NULL unless CALLER_TOKEN */
    char *kiosk_pool_id; /* NULL unless a kiosk: the only pool that it may use */
    char *kiosk_pool_name;
    char *directory_id; /* where they come from, and log in; NULL: Oriel itself */
    char *directory_name;
} Caller;

/* Roles and scopes together. `reads`: the call changes nothing. */
bool caller_allows(const Caller *caller, Permission permission, bool reads);

void caller_free(Caller *caller); /* wipes csrf; NULL is fine */

/* The cookie's value, or an API token. UNAUTHENTICATED: unknown, expired, or the user is disabled. Notes
 * "last seen" (at most once a minute). */
Caller *identity_by_cookie(Identity *identity, const char *cookie, GError **error);
Caller *identity_by_token(Identity *identity, const char *token, GError **error);
/* The peer of orield.sock after its credentials were checked: admin. */
Caller *identity_local(void);

/* Constant time. True for callers without a cookie (nothing to forge). */
bool identity_csrf_matches(const Caller *caller, const char *header);

/* ---- log in, log out ---- */

typedef struct {
    Caller *caller; /* NULL: a code is asked for first, and `half` goes with it to identity_login_code */
    char *cookie;   /* the value to set; wiped by login_free */
    char *half;     /* NULL where caller is not */
    int64_t expires_ms;
} Login;

void login_free(Login *login);

typedef struct {
    const char *address; /* of the client; NULL: none */
    const char *agent;   /* User-Agent; NULL: none */
} ClientInfo;

/* Oriel's own users, then the directories in their order (a person of one becomes a user by that). UNAUTHENTICATED: wrong
 * password, unknown or disabled user, user without password: the same sentence and the same time; leaves an event. UNAVAILABLE: the
 * same where a directory that may know better does not answer. FORBIDDEN, CONFLICT, INVALID: the password was right, but the
 * directory's user cannot be one here: says why. TOO_MANY: after several failures of this name or from this address: says how
 * many seconds to wait (nothing is verified or counted meanwhile). */
Login *identity_login(Identity *identity, const char *name, const char *password, const ClientInfo *client,
                      GError **error);
/* The second step: `half` of the first, and a code of the person's device or a recovery code. UNAUTHENTICATED: half is none,
 * or too old: begin again. FORBIDDEN: the code is wrong, or was used; says the server's time. TOO_MANY as above. */
Login *identity_login_code(Identity *identity, const char *half, const char *code, const ClientInfo *client,
                           GError **error);
/* Ends the caller's own web session. Idempotent. */
bool identity_logout(Identity *identity, const Caller *caller, const char *address, GError **error);

/* ---- passwords and links ---- */

/* INVALID says what is wrong: too short, too long, equal to the name, no UTF-8 ... */
bool password_check(const char *password, const char *user_name, GError **error);
/* For an administrator (current NULL) or the user (current must be right: else FORBIDDEN, rate limited as a
 * login). Ends the user's other web sessions; an administrator's reset ends their API tokens too. */
typedef struct {
    const char *user_id;
    const char *current;         /* NULL: an administrator sets it */
    const char *password;        /* the new one */
    const char *keep_session_id; /* web session that may live on; NULL: none */
} PasswordChange;
bool identity_set_password(Identity *identity, const StoreActor *actor, const PasswordChange *change,
                           GError **error);

/* A one-time link's token for URL/#/setup/TOKEN. Earlier links of the user end. Caller frees with
 * secret_free. */
char *identity_link_new(Identity *identity, const StoreActor *actor, const char *user_id,
                        int64_t *ret_expires_ms, GError **error);
/* Uses the link up, sets the password, logs in. NOT_FOUND: unknown, expired or used link; INVALID: password
 * rules (the link stays good). */
Login *identity_link_use(Identity *identity, const char *token, const char *password,
                         const ClientInfo *client, GError **error);

/* First start: where no user exists, makes `admin` (role admin, no password). Where `admin` has no password
 * yet, *ret_token is a new link's token (secret_free), else NULL. Safe to call at every start. */
bool identity_first_admin(Identity *identity, char **ret_token, GError **error);

/* ---- users ---- */

/* A user who has this password (NULL: none) from the first moment on, in one transaction: whatever fails, there is no
 * user. fields as store_user_create has them. INVALID: the rules of names and passwords. CONFLICT: the name is taken. */
StoreUser *identity_user_new(Identity *identity, const StoreActor *actor, const StoreUser *fields,
                             const char *password, GError **error);

/* Rules of names: users, groups, pools, images. INVALID: 1 to LIMIT_NAME bytes of a-z 0-9 . _ - @, beginning
 * with a letter or digit, not of the form of an id. `what` begins the sentence: "pool". */
bool name_check(const char *name, const char *what, GError **error);

/* ---- API tokens ---- */

typedef struct {
    const char *name; /* 1 to LIMIT_NAME bytes of text */
    Scopes scopes;
    int64_t expires_ms;  /* 0: never */
    const char *user_id; /* whose it is to be; NULL: the caller's */
} TokenNew;

/* *ret_token (secret_free) is shown once. */
StoreToken *identity_token_new(Identity *identity, const Caller *caller, const TokenNew *fields,
                               char **ret_token, GError **error);

/* Removes what has expired; call it once an hour or so. */
bool identity_expire(Identity *identity, GError **error);

/* People of LDAP directories who are logged in or at a display are looked up there, in the background, one at a time and only those whose
 * turn it is; who is gone is logged out, who has another name gets it. Call it each LIMIT_RECHECK_MS / LIMIT_RECHECK_ROUNDS. Never blocks. */
void identity_recheck(Identity *identity);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Identity, identity_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Caller, caller_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Login, login_free)
